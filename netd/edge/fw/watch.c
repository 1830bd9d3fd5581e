/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The socket of notifications; notice.c reads them. */
#include "edge/fw/watch.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "edge/fw/handle.h"
#include "edge/loop/loop.h"

/* 8 MB hold some 100,000 changed elements while the loop is busy. */
#define RECEIVE_QUEUE_BYTES (8 * 1024 * 1024)
/* Datagrams per turn of the loop: others get their turn while somebody loads a huge ruleset. */
#define DATAGRAMS_PER_TURN 64

struct fw_watch {
	struct fw_watch_handler handler;
	struct mnl_socket *nl;
	sd_event_source *source;
	struct fw_notices notices;
	char receive[FW_RECEIVE_BYTES];
};

static void lost(struct fw_watch *watch)
{
	watch->notices.change = (struct fw_change){ 0 };
	watch->handler.lost(watch->handler.userdata);
}

static void take_datagram(struct fw_watch *watch, size_t len)
{
	const char *bytes = watch->receive;
	const struct nlmsghdr *nlh;
	struct fw_change change;

	while ((nlh = fw_next_message(&bytes, &len)))
		if (fw_take_notice(&watch->notices, nlh, &change))
			watch->handler.changed(watch->handler.userdata, &change);
	if (!watch->notices.secmark)
		return;
	watch->notices.secmark = false;
	watch->handler.secmark(watch->handler.userdata);
}

/* 1: there may be more; 0: no more; -errno. */
static int read_datagram(struct fw_watch *watch)
{
	struct sockaddr_nl from = { 0 };
	socklen_t from_len = sizeof(from);
	ssize_t n = recvfrom(mnl_socket_get_fd(watch->nl), watch->receive, sizeof(watch->receive),
			     MSG_DONTWAIT, (struct sockaddr *)&from, &from_len);

	if (n < 0 && errno == ENOBUFS) {
		lost(watch);
		return 1;
	}
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (from.nl_pid != 0) /* only the kernel's word counts */
		return 1;
	take_datagram(watch, (size_t)n);
	return 1;
}

static int on_readable(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	int r = 1;

	(void)source;
	(void)fd;
	(void)events;
	for (int i = 0; i < DATAGRAMS_PER_TURN && r > 0; i++)
		r = read_datagram(userdata);
	return r < 0 ? r : 0;
}

static int open_watch_socket(struct fw_watch *watch)
{
	int bytes = RECEIVE_QUEUE_BYTES, group = NFNLGRP_NFTABLES;

	watch->nl = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!watch->nl || mnl_socket_bind(watch->nl, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	int fd = mnl_socket_get_fd(watch->nl);
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	if (mnl_socket_setsockopt(watch->nl, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0)
		return -errno;
	return 0;
}

static void watch_freep(struct fw_watch **watch)
{
	*watch = fw_watch_free(*watch);
}

int fw_watch_new(sd_event *loop, const struct fw_watch_handler *handler, struct fw_watch **ret)
{
	struct fw_watch *watch CLEANUP(watch_freep) = calloc(1, sizeof(*watch));

	if (!watch)
		return -ENOMEM;
	watch->handler = *handler;
	watch->notices.own_port = fw_portid(handler->fw);
	int r = open_watch_socket(watch);
	if (r < 0)
		return r;
	r = loop_add_io(loop,
			&(struct loop_io){ .name = "nftables notifications",
					   .fd = mnl_socket_get_fd(watch->nl),
					   .events = EPOLLIN,
					   .handler = on_readable,
					   .userdata = watch },
			&watch->source);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(watch);
	return 0;
}

struct fw_watch *fw_watch_free(struct fw_watch *watch)
{
	if (!watch)
		return NULL;
	sd_event_source_disable_unref(watch->source);
	if (watch->nl)
		(void)mnl_socket_close(watch->nl);
	free(watch);
	return NULL;
}
