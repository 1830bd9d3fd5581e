/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "edge/beside/beside.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "edge/beside/child.h"
#include "edge/loop/loop.h"

struct beside {
	struct beside *next;
	struct beside_group *group;
	struct beside_work work;
	pid_t pid;
	int fd;
	bool late;
	sd_event_source *child, *deadline;
};

static void beside_free(struct beside *beside)
{
	struct beside **link = &beside->group->first;

	while (*link && *link != beside)
		link = &(*link)->next;
	if (*link)
		*link = beside->next;
	sd_event_source_disable_unref(beside->child);
	sd_event_source_disable_unref(beside->deadline);
	if (beside->fd >= 0)
		(void)close(beside->fd);
	free(beside);
}

static void beside_freep(struct beside **beside)
{
	if (*beside)
		beside_free(*beside);
}

static struct beside_result result_of(const struct beside *beside, const siginfo_t *info)
{
	struct beside_result result = { .end = BESIDE_DONE, .code = info->si_status };
	struct stat st;

	if (beside->late)
		result.end = BESIDE_TOO_LATE;
	else if (info->si_code != CLD_EXITED)
		result.end = BESIDE_KILLED;
	else if (info->si_status >= BESIDE_CODES)
		result = (struct beside_result){ .end = BESIDE_FAILED,
						 .code = BESIDE_CODES - info->si_status };
	result.fd = beside->fd;
	if (fstat(beside->fd, &st) == 0)
		result.size = (size_t)st.st_size;
	return result;
}

static int on_child(sd_event_source *source, const siginfo_t *info, void *userdata)
{
	struct beside *beside = userdata;
	struct beside_result result = result_of(beside, info);

	(void)source;
	if (beside->work.done)
		beside->work.done(beside->work.userdata, &result);
	beside_free(beside);
	return 0;
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct beside *beside = userdata;

	(void)source;
	(void)usec;
	beside->late = true;
	(void)kill(beside->pid, SIGKILL);
	return 0;
}

/* The sources are there before the child is: it cannot be begun and then not be watched. */
static int begin(struct beside *beside)
{
	sd_event *loop = beside->group->loop;
	const struct loop_timer deadline = { "deadline of a child", SD_EVENT_PRIORITY_NORMAL,
					     on_deadline, beside };
	const struct beside_work *work = &beside->work;
	int r = loop_add_timer(loop, &deadline, &beside->deadline);

	if (r == 0 && work->deadline_us)
		r = loop_arm(beside->deadline, work->deadline_us);
	if (r == 0)
		r = loop_block_signal(SIGCHLD);
	if (r < 0)
		return r;
	pid_t parent = getpid();
	beside->pid = fork();
	if (beside->pid < 0)
		return -errno;
	if (beside->pid == 0)
		beside_child(work, beside->fd, parent);
	const struct loop_child child = { "child", beside->pid, SD_EVENT_PRIORITY_NORMAL, on_child,
					  beside };
	r = loop_add_child(loop, &child, &beside->child);
	if (r < 0) {
		(void)kill(beside->pid, SIGKILL);
		(void)waitpid(beside->pid, NULL, 0);
	}
	return r;
}

int beside_begin(struct beside_group *group, const struct beside_work *work, struct beside **ret)
{
	CLEANUP(beside_freep) struct beside *beside = calloc(1, sizeof(*beside));

	if (!beside)
		return -ENOMEM;
	beside->group = group;
	beside->work = *work;
	beside->fd = memfd_create("netd-result", MFD_CLOEXEC);
	int r = beside->fd < 0 ? -errno : begin(beside);
	if (r < 0)
		return r;
	beside->next = group->first;
	group->first = beside;
	*ret = TAKE_PTR(beside);
	return 0;
}

/* The child is gone when the kernel says so, which is not at once where it waits for a disk. */
void beside_end(struct beside *beside)
{
	if (!beside)
		return;
	beside->work.done = NULL;
	(void)kill(beside->pid, SIGKILL);
}

void beside_wait(struct beside *beside)
{
	siginfo_t info = { 0 };
	int r;

	do
		r = waitid(P_PID, (id_t)beside->pid, &info, WEXITED);
	while (r < 0 && errno == EINTR);
	if (r < 0)
		info = (siginfo_t){ .si_code = CLD_KILLED };
	(void)on_child(beside->child, &info, beside);
}

void beside_group_done(struct beside_group *group)
{
	while (group->first) {
		(void)kill(group->first->pid, SIGKILL);
		beside_free(group->first);
	}
}
