/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Preloaded: the wall clock of one process, as many seconds ahead as the file $WALL_CLOCK says. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *ret)
{
	const char *path = getenv("WALL_CLOCK");
	FILE *file = clock == CLOCK_REALTIME && path ? fopen(path, "r") : NULL;
	long ahead = 0;

	if (file) {
		if (fscanf(file, "%ld", &ahead) != 1)
			ahead = 0;
		(void)fclose(file);
	}
	long r = syscall(SYS_clock_gettime, clock, ret);
	ret->tv_sec += ahead;
	return (int)r;
}
