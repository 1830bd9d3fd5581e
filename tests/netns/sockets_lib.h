/* SPDX-License-Identifier: GPL-2.0-or-later */
/* TCP sockets on a host that is reached at 192.0.2.1, 192.0.2.5 and 2001:db8::1, from outside at
 * 192.0.2.9 and 2001:db8::9 (all of them on its lo), and two who never answer: 203.0.113.2 and
 * 2001:db8:ff::2. */
#pragma once

#include "netns_lib.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define THE_HOST                                                                       \
	"ip link set lo up && ip address add 192.0.2.1/32 dev lo && "                  \
	"ip address add 192.0.2.5/32 dev lo && ip address add 192.0.2.9/32 dev lo && " \
	"ip address add 2001:db8::1/128 dev lo nodad && "                              \
	"ip address add 2001:db8::9/128 dev lo nodad && "                              \
	"ip link add far type veth peer name away && ip link set far up && "           \
	"ip link set away up && "                                                      \
	"ip route add 203.0.113.0/24 dev far src 192.0.2.1 && "                        \
	"ip -6 route add 2001:db8:ff::/64 dev far src 2001:db8::1 && "                 \
	"ip neigh add 203.0.113.2 lladdr 02:00:00:00:00:02 dev far nud permanent && "  \
	"ip neigh add 2001:db8:ff::2 lladdr 02:00:00:00:00:02 dev far nud permanent"

static inline socklen_t address_of(const char *text, uint16_t port, struct sockaddr_storage *ret)
{
	struct sockaddr_in *v4 = (void *)ret;
	struct sockaddr_in6 *v6 = (void *)ret;

	memset(ret, 0, sizeof(*ret));
	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		return sizeof(*v4);
	}
	assert_int_equal(inet_pton(AF_INET6, text, &v6->sin6_addr), 1);
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	return sizeof(*v6);
}

/* At "::" both families are served, as docker-proxy does. */
static inline int serve(const char *text, uint16_t port)
{
	struct sockaddr_storage addr;
	socklen_t len = address_of(text, port, &addr);
	int fd = socket(addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)), 0);
	assert_int_equal(bind(fd, (void *)&addr, len), 0);
	assert_int_equal(listen(fd, 64), 0);
	return fd;
}

/* From @source, NULL: any; it does not wait for an answer. */
static inline int dial(const char *source, const char *text, uint16_t port)
{
	struct sockaddr_storage addr, own;
	socklen_t len = address_of(text, port, &addr);
	int fd = socket(addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	if (source)
		assert_int_equal(bind(fd, (void *)&own, address_of(source, 0, &own)), 0);
	assert_true(connect(fd, (void *)&addr, len) == 0 || errno == EINPROGRESS);
	return fd;
}

/* Of a connection that was not made: 0, or why it never will be. */
static inline int error_of(int fd)
{
	int error = -1;
	socklen_t len = sizeof(error);

	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len), 0);
	return error;
}

static inline int accept_one(int listening)
{
	int fd = accept(listening, NULL, NULL);

	assert_true(fd >= 0);
	return fd;
}

static inline void close_reset(int fd)
{
	const struct linger linger = { .l_onoff = 1 };

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
	close(fd);
}
