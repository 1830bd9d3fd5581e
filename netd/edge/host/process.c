/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a process uses, from /proc/PID/stat. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "edge/base/clock.h"
#include "edge/base/fd.h"
#include "edge/host/host.h"

int host_process_parse(const char *text, struct host_process_ticks *ret)
{
	/* Behind the name, which may have any bytes in it: state and ten numbers, utime, stime, six
	 * numbers, starttime, vsize, rss. */
	const char *rest = strrchr(text, ')');

	if (!rest || sscanf(rest,
			    ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %" SCNu64 " %" SCNu64
			    " %*d %*d %*d %*d %*d %*d %" SCNu64 " %*u %" SCNu64,
			    &ret->user, &ret->system, &ret->started, &ret->pages) != 4)
		return -EBADMSG;
	return 0;
}

/* 0 or -errno; NUL-terminated. */
static int read_stat(pid_t pid, char *ret, size_t size)
{
	char path[32];

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	CLEANUP(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ssize_t n = fd_read(fd, ret, size - 1);
	if (n < 0)
		return (int)n;
	ret[n] = '\0';
	return 0;
}

int host_process(pid_t pid, struct host_process *ret)
{
	struct host_process_ticks ticks;
	struct timespec boot;
	char text[1024];
	int r = read_stat(pid, text, sizeof(text));

	if (r == 0)
		r = host_process_parse(text, &ticks);
	if (r < 0)
		return r;
	uint64_t a_second = (uint64_t)sysconf(_SC_CLK_TCK);
	(void)clock_gettime(CLOCK_BOOTTIME, &boot);
	*ret = (struct host_process){
		.resident_bytes = ticks.pages * (uint64_t)sysconf(_SC_PAGESIZE),
		.cpu_us = (ticks.user + ticks.system) * 1000000 / a_second,
		.started = clock_epoch_s() - (int64_t)boot.tv_sec +
			   (int64_t)(ticks.started / a_second),
	};
	return 0;
}
