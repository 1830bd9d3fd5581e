/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For LD_PRELOAD: processes of netd stop themselves before their work while the file $HELD_WORK is
 * there. The last that each does before it is to lower its own priority. */
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

int setpriority(__priority_which_t which, id_t who, int priority)
{
	const char *held = getenv("HELD_WORK");

	if (held && access(held, F_OK) == 0)
		(void)kill(getpid(), SIGSTOP);
	return (int)syscall(SYS_setpriority, which, who, priority);
}
