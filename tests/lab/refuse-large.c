/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For LD_PRELOAD: a kernel that takes no netlink message of more than $REFUSE_ABOVE bytes while the
 * file $REFUSE_WHILE is there. */
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

typedef ssize_t sendto_fn(int fd, const void *bytes, size_t len, int flags,
			  const struct sockaddr *to, socklen_t to_len);

ssize_t sendto(int fd, const void *bytes, size_t len, int flags, const struct sockaddr *to,
	       socklen_t to_len)
{
	sendto_fn *next = (sendto_fn *)dlsym(RTLD_NEXT, "sendto");

	if (to && to->sa_family == AF_NETLINK && len > strtoul(getenv("REFUSE_ABOVE"), NULL, 10) &&
	    access(getenv("REFUSE_WHILE"), F_OK) == 0) {
		errno = ENOSPC;
		return -1;
	}
	return next(fd, bytes, len, flags, to, to_len);
}
