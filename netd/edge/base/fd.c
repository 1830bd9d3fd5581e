/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "edge/base/fd.h"

#include <errno.h>
#include <unistd.h>

void fd_close(const int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

void fd_close_file(FILE **file)
{
	if (*file)
		(void)fclose(*file);
}

void fd_close_dir(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir);
}

ssize_t fd_read(int fd, char *ret, size_t size)
{
	size_t len = 0;

	while (len < size) {
		ssize_t n = read(fd, ret + len, size - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

int fd_write(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, bytes, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		bytes += n;
		len -= (size_t)n;
	}
	return 0;
}
