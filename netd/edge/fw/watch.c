/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Notifications of nf_tables: a message per object, then one per transaction that names the
 * process. Docker's commits are read and forgotten; only the name and family of each object are
 * looked at. */
#include "edge/fw/watch.h"

#include <errno.h>
#include <stdio.h>
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
	uint32_t own_port;
	struct fw_change change; /* of the transaction that is being read */
	char receive[FW_RECEIVE_BYTES];
};

/* Every object's message has its table's name as attribute 1, and most their own as 2 or 3. */
#define TABLE_ATTR 1

static const struct {
	const char *verb, *noun;
	uint16_t name; /* attribute; 0: the table's */
} kinds[] = {
	[NFT_MSG_NEWTABLE] = { "added", "table", 0 },
	[NFT_MSG_DELTABLE] = { "deleted", "table", 0 },
	[NFT_MSG_NEWCHAIN] = { "added", "chain", NFTA_CHAIN_NAME },
	[NFT_MSG_DELCHAIN] = { "deleted", "chain", NFTA_CHAIN_NAME },
	[NFT_MSG_NEWRULE] = { "added", "rule in chain", NFTA_RULE_CHAIN },
	[NFT_MSG_DELRULE] = { "deleted", "rule in chain", NFTA_RULE_CHAIN },
	[NFT_MSG_NEWSET] = { "added", "set", NFTA_SET_NAME },
	[NFT_MSG_DELSET] = { "deleted", "set", NFTA_SET_NAME },
	[NFT_MSG_NEWSETELEM] = { "added", "element in set", NFTA_SET_ELEM_LIST_SET },
	[NFT_MSG_DELSETELEM] = { "deleted", "element in set", NFTA_SET_ELEM_LIST_SET },
	[NFT_MSG_NEWOBJ] = { "added", "counter", NFTA_OBJ_NAME },
	[NFT_MSG_DELOBJ] = { "deleted", "counter", NFTA_OBJ_NAME },
};

static void note_object(struct fw_watch *watch, const struct nlmsghdr *nlh, uint8_t type)
{
	struct fw_attrs attrs = fw_attrs_of(nlh);
	uint8_t family = fw_family_of(nlh);

	if (family != NFPROTO_INET && family != NFPROTO_BRIDGE)
		return;
	if (strcmp(fw_attr_text(fw_attrs_find(attrs, TABLE_ATTR)), RS_TABLE_NAME) != 0)
		return;
	if (watch->change.n++ > 0)
		return;
	const char *name =
		kinds[type].name ? fw_attr_text(fw_attrs_find(attrs, kinds[type].name)) : "";
	(void)snprintf(watch->change.first, sizeof(watch->change.first), "%s %s %s %s%s%s",
		       kinds[type].verb, kinds[type].noun,
		       family == NFPROTO_INET ? "inet" : "bridge", RS_TABLE_NAME, *name ? " " : "",
		       name);
}

/* The end of a transaction: who made it. */
static void end_transaction(struct fw_watch *watch, const struct nlmsghdr *nlh)
{
	struct fw_attrs attrs = fw_attrs_of(nlh);
	struct fw_change change = watch->change;

	watch->change = (struct fw_change){ 0 };
	if (change.n == 0)
		return;
	change.pid = fw_attr_be32(fw_attrs_find(attrs, NFTA_GEN_PROC_PID), 0);
	(void)snprintf(change.process, sizeof(change.process), "%s",
		       fw_attr_text(fw_attrs_find(attrs, NFTA_GEN_PROC_NAME)));
	watch->handler.changed(watch->handler.userdata, &change);
}

static void take_message(struct fw_watch *watch, const struct nlmsghdr *nlh)
{
	uint8_t type = (uint8_t)nlh->nlmsg_type;

	if (nlh->nlmsg_type >> 8 != NFNL_SUBSYS_NFTABLES || nlh->nlmsg_pid == watch->own_port)
		return;
	if (type == NFT_MSG_NEWGEN)
		end_transaction(watch, nlh);
	else if (type < ARRAY_LEN(kinds) && kinds[type].verb)
		note_object(watch, nlh, type);
}

static void lost(struct fw_watch *watch)
{
	watch->change = (struct fw_change){ 0 };
	watch->handler.lost(watch->handler.userdata);
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
	const struct nlmsghdr *nlh = (const struct nlmsghdr *)(const void *)watch->receive;
	for (int left = (int)n; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left))
		take_message(watch, nlh);
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

static int open_socket(struct fw_watch *watch)
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
	watch->own_port = fw_portid(handler->fw);
	int r = open_socket(watch);
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
