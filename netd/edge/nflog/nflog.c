/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "edge/nflog/nflog.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "edge/loop/loop.h"

/* Headers with their options and extensions. */
#define COPY_BYTES 128u
/* The kernel gathers so many messages, or so long, before it wakes us. */
#define GATHERED 64u
#define GATHER_CENTISECONDS 10u
/* In one turn of the loop; what is lost meanwhile is in the rules' counters. */
#define DATAGRAMS_PER_TURN 4

struct nflog {
	struct mnl_socket *nl;
	sd_event_source *source;
	nflog_packet_fn *on_packet;
	nflog_lost_fn *on_lost;
	void *userdata;
	bool numbered;
	uint32_t next; /* number of the next message, once numbered */
	char receive[64 * 1024];
};

static void count_lost(struct nflog *nflog, const struct nlmsghdr *nlh)
{
	uint32_t number;

	if (!nflog_number(nlh, &number))
		return;
	if (nflog->numbered && number != nflog->next)
		nflog->on_lost(nflog->userdata, number - nflog->next);
	nflog->numbered = true;
	nflog->next = number + 1;
}

static void take_datagram(struct nflog *nflog, int len)
{
	const struct nlmsghdr *nlh = (const void *)nflog->receive;
	struct nflog_packet packet;

	for (; mnl_nlmsg_ok(nlh, len); nlh = mnl_nlmsg_next(nlh, &len)) {
		count_lost(nflog, nlh);
		if (nflog_parse(nlh, &packet) == 0)
			nflog->on_packet(nflog->userdata, &packet);
	}
}

/* Bytes; 0: somebody else's, to be passed over; -errno. */
static ssize_t receive_log(struct nflog *nflog)
{
	struct sockaddr_nl from = { 0 };
	socklen_t from_len = sizeof(from);
	ssize_t n = recvfrom(mnl_socket_get_fd(nflog->nl), nflog->receive, sizeof(nflog->receive),
			     MSG_DONTWAIT, (struct sockaddr *)&from, &from_len);

	if (n < 0)
		return -errno;
	return from.nl_pid == 0 ? n : 0;
}

/* A log that fails is no reason to stop: the rules do not depend on it. */
static int on_log_readable(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct nflog *nflog = userdata;

	(void)source;
	(void)fd;
	(void)events;
	for (int i = 0; i < DATAGRAMS_PER_TURN; i++) {
		ssize_t n = receive_log(nflog);
		if (n == -EAGAIN)
			break;
		if (n > 0)
			take_datagram(nflog, (int)n);
	}
	return 0;
}

/* All in one message: bind, what to copy, how much to gather. */
static struct nlmsghdr *put_config(char *buffer, uint16_t group)
{
	const struct nfulnl_msg_config_cmd bind = { .command = NFULNL_CFG_CMD_BIND };
	const struct nfulnl_msg_config_mode mode = { .copy_range = htonl(COPY_BYTES),
						     .copy_mode = NFULNL_COPY_PACKET };
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);

	nlh->nlmsg_type = NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_CONFIG;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	nlh->nlmsg_seq = 1;
	struct nfgenmsg *header = mnl_nlmsg_put_extra_header(nlh, sizeof(*header));
	header->res_id = htons(group);
	mnl_attr_put(nlh, NFULA_CFG_CMD, sizeof(bind), &bind);
	mnl_attr_put(nlh, NFULA_CFG_MODE, sizeof(mode), &mode);
	mnl_attr_put_u32(nlh, NFULA_CFG_TIMEOUT, htonl(GATHER_CENTISECONDS));
	mnl_attr_put_u32(nlh, NFULA_CFG_QTHRESH, htonl(GATHERED));
	mnl_attr_put_u16(nlh, NFULA_CFG_FLAGS, htons(NFULNL_CFG_F_SEQ));
	return nlh;
}

/* The kernel answers within the send; packets may be in the queue before the answer. */
static int read_answer(struct nflog *nflog)
{
	for (;;) {
		ssize_t n = receive_log(nflog);
		const struct nlmsghdr *nlh = (const void *)nflog->receive;
		const struct nlmsgerr *error = mnl_nlmsg_get_payload(nlh);
		if (n < 0)
			return (int)n;
		if (n > 0 && nlh->nlmsg_type == NLMSG_ERROR && nlh->nlmsg_seq == 1 &&
		    (size_t)n >= mnl_nlmsg_size(sizeof(*error)))
			return error->error;
	}
}

static int start(struct nflog *nflog, uint16_t group)
{
	char buffer[256];

	nflog->nl = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!nflog->nl || mnl_socket_bind(nflog->nl, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	const struct nlmsghdr *nlh = put_config(buffer, group);
	if (mnl_socket_sendto(nflog->nl, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	return read_answer(nflog);
}

static void nflog_freep(struct nflog **nflog)
{
	*nflog = nflog_free(*nflog);
}

int nflog_new(sd_event *loop, const struct nflog_options *options, struct nflog **ret)
{
	struct nflog *nflog CLEANUP(nflog_freep) = calloc(1, sizeof(*nflog));

	if (!nflog)
		return -ENOMEM;
	nflog->on_packet = options->on_packet;
	nflog->on_lost = options->on_lost;
	nflog->userdata = options->userdata;
	int r = start(nflog, options->group);
	if (r == 0)
		r = loop_add_io(loop,
				&(struct loop_io){ .name = "nflog",
						   .fd = mnl_socket_get_fd(nflog->nl),
						   .events = EPOLLIN,
						   .priority = options->priority,
						   .handler = on_log_readable,
						   .userdata = nflog },
				&nflog->source);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(nflog);
	return 0;
}

int nflog_hold(uint16_t group, struct nflog **ret)
{
	struct nflog *nflog CLEANUP(nflog_freep) = calloc(1, sizeof(*nflog));

	if (!nflog)
		return -ENOMEM;
	int r = start(nflog, group);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(nflog);
	return 0;
}

struct nflog *nflog_free(struct nflog *nflog)
{
	if (!nflog)
		return NULL;
	sd_event_source_disable_unref(nflog->source);
	if (nflog->nl)
		(void)mnl_socket_close(nflog->nl);
	free(nflog);
	return NULL;
}
