/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nothing of the parent's may be touched here but memory: its sockets are shared with it, an answer
 * that is read here is missing there, and the tables in the kernel belong to whoever holds the
 * socket that made them. */
#include "edge/beside/child.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Steps of nice(2) below the parent: a container that starts is not to wait for an answer. */
#define LESS_PRIORITY 10
#define RESULT_FD (STDERR_FILENO + 1)

static void close_others(int fd)
{
	if (fd != RESULT_FD && dup2(fd, RESULT_FD) < 0)
		_exit(BESIDE_CODES + errno);
	(void)close_range(RESULT_FD + 1, ~0U, 0);
}

/* What the kernel says the process has of data, in bytes; 0 where it does not. */
static rlim_t data_bytes(void)
{
	unsigned long pages = 0;
	FILE *file = fopen("/proc/self/statm", "re");

	if (!file)
		return 0;
	if (fscanf(file, "%*u %*u %*u %*u %*u %lu", &pages) != 1)
		pages = 0;
	(void)fclose(file);
	return (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE);
}

/* Each of these makes the host safer from the child, and is nothing that the work depends on. */
static void take_a_back_seat(uint64_t memory)
{
	rlim_t now = memory ? data_bytes() : 0;
	const struct rlimit limit = { now + memory, now + memory };
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (now)
		(void)setrlimit(RLIMIT_DATA, &limit);
	if (fd >= 0) {
		(void)!write(fd, "1000", 4);
		(void)close(fd);
	}
	errno = 0;
	int priority = getpriority(PRIO_PROCESS, 0);
	if (errno == 0)
		(void)setpriority(PRIO_PROCESS, 0, priority + LESS_PRIORITY);
}

/* Who has no deadline must come to its end, for which the parent waits: SIGTERM is sent to all
 * processes of a service, and stays blocked, as it is in the parent. */
static void follow(pid_t parent, bool until_done)
{
	sigset_t none;

	(void)sigemptyset(&none);
	if (!until_done)
		(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(0);
}

/* All but those of @kept, a bit each. */
static int give_up_rights(uint64_t kept)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct rights[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (kept && syscall(SYS_capget, &header, rights) < 0)
		return -errno;
	for (size_t i = 0; i < ARRAY_LEN(rights); i++) {
		rights[i].permitted &= (uint32_t)(kept >> (32 * i));
		rights[i].effective = rights[i].permitted;
		rights[i].inheritable = 0;
	}
	if (syscall(SYS_capset, &header, rights) == 0)
		return 0;
	/* A filter of system calls that does not know of it: as it was before. */
	return errno == EPERM ? 0 : -errno;
}

_Noreturn void beside_child(const struct beside_work *work, int fd, pid_t parent)
{
	close_others(fd);
	follow(parent, work->deadline_us == 0);
	take_a_back_seat(work->memory);
	int r = work->ask ? work->ask(work->userdata) : 0;
	if (r == 0 && !work->keeps_rights)
		r = give_up_rights(0);
	if (r == 0)
		r = work->work(work->userdata, RESULT_FD);
	_exit(r < 0 ? BESIDE_CODES - r : r);
}

/* It ends with its parent, and whatever signals the parent's terminal or service is sent. */
_Noreturn void beside_child_stay(const struct worker_options *options, int fd, pid_t parent)
{
	sigset_t all;

	close_others(fd);
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
	follow(parent, true);
	(void)prctl(PR_SET_NAME, options->name);
	int r = give_up_rights(options->rights);
	if (r == 0)
		r = options->serve(RESULT_FD);
	_exit(r < 0 ? BESIDE_CODES - r : 0);
}
