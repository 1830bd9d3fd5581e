/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For LD_PRELOAD: processes of netd stop themselves before their work while the file $HELD_WORK is
 * there. The last that each does before it is to lower its own priority. While $NO_WORK is there,
 * netd can start none. */
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

pid_t fork(void)
{
	const char *none = getenv("NO_WORK");
	pid_t (*real)(void) = (pid_t(*)(void))dlsym(RTLD_NEXT, "fork");

	if (!none || access(none, F_OK) != 0)
		return real();
	errno = EAGAIN;
	return -1;
}

int setpriority(__priority_which_t which, id_t who, int priority)
{
	const char *held = getenv("HELD_WORK");

	if (held && access(held, F_OK) == 0)
		(void)kill(getpid(), SIGSTOP);
	return (int)syscall(SYS_setpriority, which, who, priority);
}
