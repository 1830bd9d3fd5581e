/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For LD_PRELOAD: a disk whose fsync() does not come back while the file $HELD_DISK is there. */
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static int wait_for_it(void)
{
	const char *held = getenv("HELD_DISK");
	const struct timespec moment = { .tv_nsec = 10000000 };

	while (held && access(held, F_OK) == 0)
		(void)nanosleep(&moment, NULL);
	return 0;
}

int fsync(int fd)
{
	(void)fd;
	return wait_for_it();
}

int fdatasync(int fd)
{
	(void)fd;
	return wait_for_it();
}
