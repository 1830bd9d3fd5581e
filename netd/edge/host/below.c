/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "edge/host/below.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "edge/base/fd.h"

/* Links of the host stay inside the host: /etc/resolv.conf is one. */
int below_open(int root, const char *path, int flags)
{
	/* The kernel refuses a flag that does not go with O_PATH. */
	int more = flags & O_PATH ? O_CLOEXEC : O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
	struct open_how how = { .flags = (unsigned int)(flags | more),
				.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
	long fd = syscall(SYS_openat2, root, path, &how, sizeof(how));

	return (int)fd;
}

size_t below_read(int root, const char *path, char bytes[BELOW_BYTES])
{
	CLEANUP(fd_close) int fd = below_open(root, path, O_RDONLY);
	ssize_t n = fd < 0 ? 0 : fd_read(fd, bytes, BELOW_BYTES - 1);
	size_t len = n < 0 ? 0 : (size_t)n;

	bytes[len] = '\0';
	return len;
}

bool below_exists(int root, const char *path)
{
	CLEANUP(fd_close) int fd = below_open(root, path, O_PATH);

	return fd >= 0;
}
