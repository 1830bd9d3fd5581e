/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "edge/probe/probe.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "edge/base/clock.h"
#include "edge/base/fd.h"

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static int family_of(const struct ip_addr *addr)
{
	return addr->family == IP_V6 ? AF_INET6 : AF_INET;
}

/* Its length. */
static socklen_t make_address(const struct ip_addr *addr, uint16_t port, union address *ret)
{
	*ret = (union address){ 0 };
	ret->any.sa_family = (sa_family_t)family_of(addr);
	if (addr->family == IP_V6) {
		ret->v6.sin6_port = htons(port);
		memcpy(&ret->v6.sin6_addr, addr->bytes, sizeof(ret->v6.sin6_addr));
		return sizeof(ret->v6);
	}
	ret->v4.sin_port = htons(port);
	memcpy(&ret->v4.sin_addr, addr->bytes, sizeof(ret->v4.sin_addr));
	return sizeof(ret->v4);
}

/* ---- ports ---- */

static void settle(struct probe *probe, int err)
{
	probe->err = err;
	probe->result = err == 0	      ? PROBE_ANSWERS
			: err == ECONNREFUSED ? PROBE_REFUSED
			: err == ETIMEDOUT    ? PROBE_SILENT
					      : PROBE_UNREACHABLE;
}

static int connect_to(int fd, const struct probe *probe)
{
	union address to;
	socklen_t len = make_address(&probe->addr, probe->port, &to);

	return connect(fd, &to.any, len) < 0 ? errno : 0;
}

/* Its descriptor while it waits, else -1 and the result is there. */
static int start(struct probe *probe)
{
	int fd = socket(family_of(&probe->addr), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int err = fd < 0 ? errno : connect_to(fd, probe);

	if (fd >= 0 && err == EINPROGRESS)
		return fd;
	settle(probe, err);
	if (fd >= 0)
		(void)close(fd);
	return -1;
}

/* Those that are decided; how many still wait. */
static size_t collect(struct probe *probes, struct pollfd *waiting, size_t n)
{
	size_t left = 0;

	for (size_t i = 0; i < n; i++) {
		int err = 0;
		socklen_t len = sizeof(err);
		if (waiting[i].fd < 0)
			continue;
		if (!waiting[i].revents) {
			left++;
			continue;
		}
		if (getsockopt(waiting[i].fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0)
			err = errno;
		settle(&probes[i], err);
		(void)close(waiting[i].fd);
		waiting[i].fd = -1;
	}
	return left;
}

int probe_tcp(struct probe *probes, size_t n, unsigned int timeout_ms)
{
	struct pollfd waiting[PROBES_MAX];
	int64_t until = (int64_t)clock_monotonic_ms() + timeout_ms, left_ms = timeout_ms;
	size_t left = 0;
	int r = 0;

	if (n > PROBES_MAX)
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		waiting[i] = (struct pollfd){ .fd = start(&probes[i]), .events = POLLOUT };
		left += waiting[i].fd >= 0;
	}
	for (; left > 0 && left_ms > 0; left_ms = until - (int64_t)clock_monotonic_ms()) {
		if (poll(waiting, n, (int)left_ms) < 0 && errno != EINTR) {
			r = -errno;
			break;
		}
		left = collect(probes, waiting, n);
	}
	for (size_t i = 0; i < n; i++)
		if (waiting[i].fd >= 0) {
			settle(&probes[i], ETIMEDOUT);
			(void)close(waiting[i].fd);
		}
	return r;
}

/* ---- addresses ---- */

bool probe_lacks_address(const struct ip_addr *addr)
{
	CLEANUP(fd_close) int fd = socket(family_of(addr), SOCK_DGRAM | SOCK_CLOEXEC, 0);
	union address own;
	socklen_t len = make_address(addr, 0, &own);

	return fd >= 0 && bind(fd, &own.any, len) < 0 && errno == EADDRNOTAVAIL;
}
