/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "edge/rtnl/query.h"

#include <errno.h>
#include <linux/if.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "edge/base/clock.h"

/* The kernel answers within the send, but on a loaded host that may not run for a while. Together
 * well below the 30 s of the watchdog. */
#define RECEIVE_TIMEOUT_S 2
#define TOTAL_TIMEOUT_MS 10000u

int query_open(struct query *ret)
{
	const struct timeval timeout = { .tv_sec = RECEIVE_TIMEOUT_S };
	int on = 1;
	struct query query = { .nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC) };

	if (!query.nl)
		return -errno;
	int fd = mnl_socket_get_fd(query.nl);
	int r = mnl_socket_bind(query.nl, 0, MNL_SOCKET_AUTOPID);
	if (r >= 0)
		r = setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	/* Without it the kernel ignores what it does not know, and answers for the wrong namespace.
	 */
	if (r >= 0)
		r = mnl_socket_setsockopt(query.nl, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
	r = r < 0 ? -errno : 0;
	query.buffer = r == 0 ? malloc(QUERY_BUFFER) : NULL;
	if (r == 0 && !query.buffer)
		r = -ENOMEM;
	if (r < 0) {
		query_close(&query);
		return r;
	}
	*ret = query;
	return 0;
}

void query_close(struct query *query)
{
	if (query->nl)
		(void)mnl_socket_close(query->nl);
	free(query->buffer);
	*query = (struct query){ 0 };
}

int query_receive(int fd, char *buffer, size_t size)
{
	struct sockaddr_nl from = { 0 };
	struct iovec part = { buffer, size };
	struct msghdr message = {
		.msg_name = &from,
		.msg_namelen = sizeof(from),
		.msg_iov = &part,
		.msg_iovlen = 1,
	};
	ssize_t n = recvmsg(fd, &message, 0);

	if (n < 0)
		return -errno;
	if (message.msg_flags & MSG_TRUNC)
		return -ENOBUFS;
	/* Another process can address our port too; only the kernel is port 0. */
	return from.nl_pid == 0 ? (int)n : 0;
}

struct exchange {
	query_link_fn *cb;
	void *data;
	bool is_dump, interrupted, done;
	uint16_t type; /* of the answers; 0: RTM_NEWLINK */
};

static bool is_answer(const struct nlmsghdr *nlh, const struct exchange *exchange)
{
	uint16_t type = exchange->type ? exchange->type : RTM_NEWLINK;
	size_t header = type == RTM_NEWNEIGH  ? sizeof(struct ndmsg)
			: type == RTM_NEWADDR ? sizeof(struct ifaddrmsg)
					      : sizeof(struct ifinfomsg);

	return nlh->nlmsg_type == type && nlh->nlmsg_len >= mnl_nlmsg_size(header);
}

static int take_message(const struct nlmsghdr *nlh, struct exchange *exchange)
{
	if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
		exchange->interrupted = true;
	if (nlh->nlmsg_type == NLMSG_DONE) {
		exchange->done = true;
		return 0;
	}
	if (nlh->nlmsg_type == NLMSG_ERROR) {
		const struct nlmsgerr *error = mnl_nlmsg_get_payload(nlh);
		exchange->done = true;
		return nlh->nlmsg_len < mnl_nlmsg_size(sizeof(*error)) ? -EBADMSG : error->error;
	}
	if (!is_answer(nlh, exchange))
		return 0;
	exchange->done = !exchange->is_dump;
	return exchange->cb ? exchange->cb(nlh, exchange->data) : 0;
}

/* Answers to an earlier question that came too late have another sequence number. */
static int take_datagram(const struct query *query, int len, struct exchange *exchange)
{
	const struct nlmsghdr *nlh = (const void *)query->buffer;

	for (; mnl_nlmsg_ok(nlh, len); nlh = mnl_nlmsg_next(nlh, &len)) {
		if (nlh->nlmsg_seq != query->seq)
			continue;
		int r = take_message(nlh, exchange);
		if (r < 0)
			return r;
	}
	return 0;
}

static int ask(struct query *query, struct nlmsghdr *nlh, struct exchange *exchange)
{
	uint64_t deadline = clock_monotonic_ms() + TOTAL_TIMEOUT_MS;

	nlh->nlmsg_seq = ++query->seq;
	if (mnl_socket_sendto(query->nl, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	while (!exchange->done) {
		int len = query_receive(mnl_socket_get_fd(query->nl), query->buffer, QUERY_BUFFER);
		if (len == -EINTR)
			continue;
		if (len < 0)
			return len == -EAGAIN ? -ETIMEDOUT : len;
		int r = take_datagram(query, len, exchange);
		if (r < 0)
			return r;
		if (!exchange->done && clock_monotonic_ms() > deadline)
			return -ETIMEDOUT;
	}
	return 0;
}

static struct nlmsghdr *put_request(char *buffer, uint16_t flags, uint32_t ifindex)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);

	nlh->nlmsg_type = RTM_GETLINK;
	nlh->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	struct ifinfomsg *info = mnl_nlmsg_put_extra_header(nlh, sizeof(*info));
	info->ifi_family = AF_UNSPEC;
	info->ifi_index = (int)ifindex;
	mnl_attr_put_u32(nlh, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	return nlh;
}

int query_links(struct query *query, query_link_fn *cb, void *data)
{
	char buffer[128];
	struct exchange exchange = { .cb = cb, .data = data, .is_dump = true };
	int r = ask(query, put_request(buffer, NLM_F_DUMP, 0), &exchange);

	return r == 0 && exchange.interrupted ? -EINTR : r;
}

int query_addresses(struct query *query, query_address_fn *cb, void *data)
{
	char buffer[64];
	struct exchange exchange = { .cb = cb, .data = data, .is_dump = true, .type = RTM_NEWADDR };
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);

	nlh->nlmsg_type = RTM_GETADDR;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	struct ifaddrmsg *info = mnl_nlmsg_put_extra_header(nlh, sizeof(*info));
	info->ifa_family = AF_UNSPEC;
	int r = ask(query, nlh, &exchange);

	return r == 0 && exchange.interrupted ? -EINTR : r;
}

struct peer_answer {
	struct query_answer found;
	int32_t nsid;
	uint32_t link;
	bool has_mac;
};

static int on_peer_attr(const struct nlattr *attr, void *data)
{
	struct peer_answer *answer = data;
	uint16_t type = mnl_attr_get_type(attr), len = mnl_attr_get_payload_len(attr);

	if (type == IFLA_TARGET_NETNSID && len == 4)
		answer->nsid = (int32_t)mnl_attr_get_u32(attr);
	else if (type == IFLA_LINK && len == 4)
		answer->link = mnl_attr_get_u32(attr);
	else if (type == IFLA_ADDRESS && len == sizeof(answer->found.mac.bytes)) {
		memcpy(answer->found.mac.bytes, mnl_attr_get_payload(attr), len);
		answer->has_mac = true;
	}
	return MNL_CB_OK;
}

int query_read_peer(const struct nlmsghdr *nlh, const struct query_peer *peer,
		    struct query_answer *ret)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(nlh);
	/* Absent in kernels before 5.8 where both ends have the same number. */
	struct peer_answer answer = { .nsid = QUERY_NSID_OWN, .link = peer->peer };

	if (nlh->nlmsg_len < mnl_nlmsg_size(sizeof(*info)) || info->ifi_index != (int)peer->peer)
		return -ENODEV;
	answer.found.up = (info->ifi_flags & IFF_UP) != 0;
	(void)mnl_attr_parse(nlh, sizeof(*info), on_peer_attr, &answer);
	/* The same number is another interface in another namespace: both ends must agree. */
	if (answer.nsid != peer->nsid || answer.link != peer->ifindex || !answer.has_mac)
		return -ENODEV;
	*ret = answer.found;
	return 0;
}

struct peer_question {
	const struct query_peer *peer;
	struct query_answer *ret;
	bool answered;
};

static int on_peer(const struct nlmsghdr *nlh, void *data)
{
	struct peer_question *question = data;
	int r = query_read_peer(nlh, question->peer, question->ret);

	question->answered = r == 0;
	return r;
}

int query_peer(struct query *query, const struct query_peer *peer, struct query_answer *ret)
{
	char buffer[128];
	struct nlmsghdr *nlh = put_request(buffer, 0, peer->peer);
	struct peer_question question = { peer, ret, false };
	struct exchange exchange = { .cb = on_peer, .data = &question };

	mnl_attr_put_u32(nlh, IFLA_TARGET_NETNSID, (uint32_t)peer->nsid);
	int r = ask(query, nlh, &exchange);
	return r < 0 || question.answered ? r : -ENODEV;
}

static struct nlattr *begin_bridge_change(struct nlmsghdr *nlh, struct nlattr **info)
{
	nlh->nlmsg_type = RTM_NEWLINK;
	*info = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
	mnl_attr_put_strz(nlh, IFLA_INFO_KIND, "bridge");
	return mnl_attr_nest_start(nlh, IFLA_INFO_DATA);
}

int query_end_local_learning(struct query *query, uint32_t ifindex)
{
	const uint32_t option = 1u << BR_BOOLOPT_NO_LL_LEARN;
	const struct br_boolopt_multi multi = { .optval = option, .optmask = option };
	char buffer[256];
	struct nlmsghdr *nlh = put_request(buffer, NLM_F_ACK, ifindex);
	struct exchange exchange = { .is_dump = true }; /* the end is an acknowledgement */
	struct nlattr *info, *data = begin_bridge_change(nlh, &info);

	mnl_attr_put(nlh, IFLA_BR_MULTI_BOOLOPT, sizeof(multi), &multi);
	mnl_attr_nest_end(nlh, data);
	mnl_attr_nest_end(nlh, info);
	return ask(query, nlh, &exchange);
}

int query_call_iptables(struct query *query, uint32_t ifindex)
{
	char buffer[256];
	struct nlmsghdr *nlh = put_request(buffer, NLM_F_ACK, ifindex);
	struct exchange exchange = { .is_dump = true }; /* the end is an acknowledgement */
	struct nlattr *info, *data = begin_bridge_change(nlh, &info);

	mnl_attr_put_u8(nlh, IFLA_BR_NF_CALL_IPTABLES, 1);
	mnl_attr_put_u8(nlh, IFLA_BR_NF_CALL_IP6TABLES, 1);
	mnl_attr_nest_end(nlh, data);
	mnl_attr_nest_end(nlh, info);
	return ask(query, nlh, &exchange);
}

/* ---- neighbours ---- */

static struct nlmsghdr *put_neighbour(char *buffer, const struct query_neighbour *neighbour)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);

	nlh->nlmsg_flags = NLM_F_REQUEST;
	struct ndmsg *header = mnl_nlmsg_put_extra_header(nlh, sizeof(*header));
	header->ndm_family = neighbour->addr.family == IP_V4 ? AF_INET : AF_INET6;
	header->ndm_ifindex = (int)neighbour->ifindex;
	mnl_attr_put(nlh, NDA_DST, ip_len(&neighbour->addr), neighbour->addr.bytes);
	return nlh;
}

static int on_neighbour_attr(const struct nlattr *attr, void *data)
{
	struct mac_addr *mac = data;

	if (mnl_attr_get_type(attr) == NDA_LLADDR &&
	    mnl_attr_get_payload_len(attr) == sizeof(mac->bytes))
		memcpy(mac->bytes, mnl_attr_get_payload(attr), sizeof(mac->bytes));
	return MNL_CB_OK;
}

struct neighbour_answer {
	struct mac_addr mac; /* zero: it is still looked for */
	uint16_t state;
};

static int on_neighbour(const struct nlmsghdr *nlh, void *data)
{
	struct neighbour_answer *answer = data;
	const struct ndmsg *header = mnl_nlmsg_get_payload(nlh);

	answer->state = header->ndm_state;
	(void)mnl_attr_parse(nlh, sizeof(*header), on_neighbour_attr, &answer->mac);
	return 0;
}

int query_correct_neighbour(struct query *query, const struct query_neighbour *neighbour,
			    const struct mac_addr *mac)
{
	char buffer[128];
	struct neighbour_answer answer = { 0 };
	struct exchange get = { .cb = on_neighbour, .data = &answer, .type = RTM_NEWNEIGH };
	struct exchange set = { .is_dump = true }; /* the end is an acknowledgement */
	struct nlmsghdr *nlh = put_neighbour(buffer, neighbour);

	nlh->nlmsg_type = RTM_GETNEIGH;
	int r = ask(query, nlh, &get);
	if (r == -ENOENT)
		return 1;
	if (r < 0)
		return r;
	if (mac_is_zero(&answer.mac) || (answer.state & (NUD_PERMANENT | NUD_NOARP)) != 0 ||
	    memcmp(&answer.mac, mac, sizeof(*mac)) == 0)
		return 1;
	nlh = put_neighbour(buffer, neighbour);
	nlh->nlmsg_type = RTM_NEWNEIGH;
	nlh->nlmsg_flags |= NLM_F_ACK | NLM_F_REPLACE; /* no NLM_F_CREATE: it may be gone by now */
	((struct ndmsg *)mnl_nlmsg_get_payload(nlh))->ndm_state = NUD_STALE;
	mnl_attr_put(nlh, NDA_LLADDR, sizeof(mac->bytes), mac->bytes);
	r = ask(query, nlh, &set);
	return r == -ENOENT ? 1 : r;
}
