/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel makes one datagram for each connection. So they are not read as they come, but some
 * hundred together: after the first one the socket rests for a while, and what lies in it then is
 * read with a few calls. That costs a fifth of a wake-up for each, and bounds what they may cost.
 */
#include "edge/conntrack/conntrack.h"

#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_compat.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "edge/fw/netlink.h"
#include "edge/loop/loop.h"

/* How long it rests. */
#define REST_US UINT64_C(50000)
/* Read in one call, and in one turn after a rest: 20,000 connections a second, twice what netd
 * promises. More is lost by the kernel, when what it may keep for us is full. */
#define BATCH 64u
#define BATCHES_PER_TURN 16u
/* A message about a connection has some 250 bytes. */
#define MESSAGE 1024u
/* Some 4,000 connections, with what the kernel counts for each: twice what a turn takes. The
 * memory is the kernel's, and taken while they lie there. */
#define QUEUE_BYTES (2 * 1024 * 1024)

struct conntrack {
	struct mnl_socket *nl;
	sd_event_source *readable, *rest;
	struct conntrack_options options;
	struct mmsghdr headers[BATCH];
	struct iovec vectors[BATCH];
	struct sockaddr_nl senders[BATCH];
	_Alignas(8) char messages[BATCH][MESSAGE];
};

static void take_datagram(struct conntrack *conntrack, const char *bytes, size_t len)
{
	struct conntrack_connection connection;
	const struct nlmsghdr *nlh;

	while ((nlh = fw_next_message(&bytes, &len)))
		if (conntrack_parse(nlh, &connection) == 0)
			conntrack->options.on_connection(conntrack->options.userdata, &connection);
}

/* How many datagrams; 0: there is none left; -errno. */
static int receive(struct conntrack *conntrack)
{
	for (size_t i = 0; i < BATCH; i++) {
		conntrack->vectors[i] = (struct iovec){ conntrack->messages[i], MESSAGE };
		conntrack->headers[i].msg_hdr =
			(struct msghdr){ .msg_name = &conntrack->senders[i],
					 .msg_namelen = sizeof(conntrack->senders[i]),
					 .msg_iov = &conntrack->vectors[i],
					 .msg_iovlen = 1 };
	}
	int n = recvmmsg(mnl_socket_get_fd(conntrack->nl), conntrack->headers, BATCH, MSG_DONTWAIT,
			 NULL);

	return n >= 0 ? n : errno == EAGAIN || errno == EINTR ? 0 : -errno;
}

static bool take_batch(struct conntrack *conntrack)
{
	int n = receive(conntrack);

	if (n == -ENOBUFS)
		conntrack->options.on_lost(conntrack->options.userdata);
	for (int i = 0; i < n; i++)
		if (conntrack->senders[i].nl_pid == 0 &&
		    !(conntrack->headers[i].msg_hdr.msg_flags & MSG_TRUNC))
			take_datagram(conntrack, conntrack->messages[i],
				      conntrack->headers[i].msg_len);
	return n == (int)BATCH || n == -ENOBUFS;
}

/* What fails here is no reason to stop: nothing that is enforced depends on it. */
static int on_readable(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct conntrack *conntrack = userdata;

	(void)fd;
	(void)events;
	for (unsigned int i = 0; i < BATCHES_PER_TURN && take_batch(conntrack); i++)
		continue;
	int r = sd_event_source_set_enabled(source, SD_EVENT_OFF);
	return r < 0 ? r : loop_arm(conntrack->rest, REST_US);
}

static int on_rested(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct conntrack *conntrack = userdata;

	(void)source;
	(void)usec;
	return sd_event_source_set_enabled(conntrack->readable, SD_EVENT_ON);
}

static int open_socket(struct conntrack *conntrack)
{
	const int group = NFNLGRP_CONNTRACK_NEW, size = QUEUE_BYTES;

	conntrack->nl = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!conntrack->nl)
		return -errno;
	int fd = mnl_socket_get_fd(conntrack->nl);
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (mnl_socket_bind(conntrack->nl, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0)
		return -errno;
	return 0;
}

static void conntrack_freep(struct conntrack **conntrack)
{
	*conntrack = conntrack_free(*conntrack);
}

int conntrack_new(sd_event *loop, const struct conntrack_options *options, struct conntrack **ret)
{
	struct conntrack *conntrack CLEANUP(conntrack_freep) = calloc(1, sizeof(*conntrack));

	if (!conntrack)
		return -ENOMEM;
	conntrack->options = *options;
	int r = open_socket(conntrack);
	if (r == 0)
		r = loop_add_timer(loop,
				   &(struct loop_timer){ "conntrack", options->priority, on_rested,
							 conntrack },
				   &conntrack->rest);
	if (r == 0)
		r = loop_add_io(loop,
				&(struct loop_io){ .name = "conntrack",
						   .fd = mnl_socket_get_fd(conntrack->nl),
						   .events = EPOLLIN,
						   .priority = options->priority,
						   .handler = on_readable,
						   .userdata = conntrack },
				&conntrack->readable);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(conntrack);
	return 0;
}

struct conntrack *conntrack_free(struct conntrack *conntrack)
{
	if (!conntrack)
		return NULL;
	sd_event_source_disable_unref(conntrack->readable);
	sd_event_source_disable_unref(conntrack->rest);
	if (conntrack->nl)
		(void)mnl_socket_close(conntrack->nl);
	free(conntrack);
	return NULL;
}
