/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "edge/host/sockets.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <libmnl/libmnl.h>

#include "edge/base/clock.h"
#include "edge/rtnl/query.h"

/* The kernel answers within the call. */
#define ANSWER_TIMEOUT_S 2
#define TOTAL_TIMEOUT_MS 10000u
/* Sockets destroyed by one call: the answers wait in a receive buffer, which has 200 KiB. */
#define BATCH 64u

/* ---- a socket ---- */

static struct ip_addr read_address(uint8_t family, const uint32_t words[4])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct ip_addr addr = { .family = family == AF_INET ? IP_V4 : IP_V6 };
	const char *bytes = (const char *)words;

	if (addr.family == IP_V6 && memcmp(bytes, mapped, sizeof(mapped)) == 0) {
		addr.family = IP_V4;
		bytes += sizeof(mapped);
	}
	memcpy(addr.bytes, bytes, ip_len(&addr));
	return addr;
}

bool sockets_read(const struct nlmsghdr *nlh, struct sockets_socket *ret)
{
	struct inet_diag_msg message;

	if (nlh->nlmsg_type != SOCK_DIAG_BY_FAMILY ||
	    nlh->nlmsg_len < mnl_nlmsg_size(sizeof(message)))
		return false;
	memcpy(&message, mnl_nlmsg_get_payload(nlh), sizeof(message));
	if (message.idiag_family != AF_INET && message.idiag_family != AF_INET6)
		return false;
	*ret = (struct sockets_socket){
		.id = { message.idiag_family, message.id },
		.local = read_address(message.idiag_family, message.id.idiag_src),
		.peer = read_address(message.idiag_family, message.id.idiag_dst),
		.local_port = ntohs(message.id.idiag_sport),
		.peer_port = ntohs(message.id.idiag_dport),
		.cookie = (uint64_t)message.id.idiag_cookie[1] << 32 | message.id.idiag_cookie[0],
		.state = message.idiag_state,
		.unread = message.idiag_rqueue,
	};
	return true;
}

/* ---- a question ---- */

struct conversation {
	struct mnl_socket *nl;
	char *buffer;
	uint32_t seq;
};

static void hang_up(struct conversation *with)
{
	if (with->nl)
		(void)mnl_socket_close(with->nl);
	free(with->buffer);
}

static int call(struct conversation *ret)
{
	const struct timeval patience = { .tv_sec = ANSWER_TIMEOUT_S };

	*ret = (struct conversation){ .nl = mnl_socket_open2(NETLINK_SOCK_DIAG, SOCK_CLOEXEC) };
	if (!ret->nl || mnl_socket_bind(ret->nl, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    setsockopt(mnl_socket_get_fd(ret->nl), SOL_SOCKET, SO_RCVTIMEO, &patience,
		       sizeof(patience)) < 0)
		return -errno;
	ret->buffer = malloc(QUERY_BUFFER);
	return ret->buffer ? 0 : -ENOMEM;
}

/* What is done with each message: 0: on to the next one; 1: that was the last; -errno. */
typedef int message_fn(const struct nlmsghdr *nlh, void *data);

static int take_datagram(const struct conversation *with, int len, message_fn *cb, void *data)
{
	const struct nlmsghdr *nlh = (const void *)with->buffer;
	int r = 0;

	for (; mnl_nlmsg_ok(nlh, len) && r == 0; nlh = mnl_nlmsg_next(nlh, &len))
		if (nlh->nlmsg_seq == with->seq)
			r = cb(nlh, data);
	return r;
}

static int hear(const struct conversation *with, message_fn *cb, void *data)
{
	uint64_t deadline = clock_monotonic_ms() + TOTAL_TIMEOUT_MS;
	int r = 0;

	while (r == 0) {
		int len = query_receive(mnl_socket_get_fd(with->nl), with->buffer, QUERY_BUFFER);
		if (len == -EINTR)
			continue;
		if (len < 0)
			return len == -EAGAIN ? -ETIMEDOUT : len;
		r = take_datagram(with, len, cb, data);
		if (r == 0 && clock_monotonic_ms() > deadline)
			return -ETIMEDOUT;
	}
	return r;
}

static int read_error(const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *error = mnl_nlmsg_get_payload(nlh);

	return nlh->nlmsg_len < mnl_nlmsg_size(sizeof(*error)) ? -EBADMSG : error->error;
}

/* ---- lists ---- */

/* The kernel's filter is a program of such steps. One that is true goes on behind itself, another
 * one @otherwise bytes from where it begins. True in all is what comes out at the very end. */
struct program {
	struct inet_diag_bc_op ops[SOCKETS_PORTS * 5 + SOCKETS_PEERS * 8];
	size_t n;
};

static void put_op(struct program *program, uint8_t code, size_t bytes, size_t otherwise)
{
	program->ops[program->n++] =
		(struct inet_diag_bc_op){ code, (uint8_t)bytes, (uint16_t)otherwise };
}

static void put_port(struct program *program, uint8_t code, uint16_t port, size_t otherwise)
{
	put_op(program, code, 2 * sizeof(struct inet_diag_bc_op), otherwise);
	program->ops[program->n++] = (struct inet_diag_bc_op){ .no = port };
}

static size_t peer_bytes(const struct ip_prefix *peer)
{
	return sizeof(struct inet_diag_bc_op) + sizeof(struct inet_diag_hostcond) +
	       ip_len(&peer->addr);
}

static void put_peer(struct program *program, const struct ip_prefix *peer, size_t otherwise)
{
	const struct inet_diag_hostcond condition = {
		.family = peer->addr.family == IP_V4 ? AF_INET : AF_INET6,
		.prefix_len = peer->len,
		.port = -1, /* any */
	};

	put_op(program, INET_DIAG_BC_D_COND, peer_bytes(peer), otherwise);
	char *at = (char *)&program->ops[program->n];
	memcpy(at, &condition, sizeof(condition));
	memcpy(at + sizeof(condition), peer->addr.bytes, ip_len(&peer->addr));
	program->n += peer_bytes(peer) / sizeof(program->ops[0]) - 1;
}

#define JUMP_BYTES sizeof(struct inet_diag_bc_op)

/* To the end, which is @left bytes from here; what is left then. */
static size_t put_jump(struct program *program, size_t left)
{
	if (left == 0)
		return 0;
	put_op(program, INET_DIAG_BC_JMP, JUMP_BYTES, left);
	return left - JUMP_BYTES;
}

/* Of each range of ports: not below its first, and not above its last, else on to what is next;
 * so it is in this one, and a jump to the end. Of each prefix the same. What is last has no jump,
 * and what is not true there goes beyond the end. */
static void put_filter(struct nlmsghdr *nlh, const struct sockets_question *question)
{
	const size_t step = 2 * JUMP_BYTES;
	struct program program = { .n = 0 };
	size_t left = question->n_ports * (2 * step + JUMP_BYTES);

	assert(question->n_ports <= SOCKETS_PORTS && question->n_peers <= SOCKETS_PEERS);
	for (size_t i = 0; i < question->n_peers; i++)
		left += peer_bytes(&question->peers[i]) + JUMP_BYTES;
	left -= left ? JUMP_BYTES : 0;
	for (size_t i = 0; i < question->n_ports; i++) {
		put_port(&program, INET_DIAG_BC_S_GE, question->ports[i].first,
			 2 * step + JUMP_BYTES);
		put_port(&program, INET_DIAG_BC_S_LE, question->ports[i].last, step + JUMP_BYTES);
		left = put_jump(&program, left - 2 * step);
	}
	for (size_t i = 0; i < question->n_peers; i++) {
		size_t bytes = peer_bytes(&question->peers[i]);
		put_peer(&program, &question->peers[i], bytes + JUMP_BYTES);
		left = put_jump(&program, left - bytes);
	}
	if (program.n)
		mnl_attr_put(nlh, INET_DIAG_REQ_BYTECODE, program.n * sizeof(program.ops[0]),
			     program.ops);
}

struct sockets_told {
	sockets_fn *cb;
	void *data;
	int said; /* by cb */
};

static int on_listed(const struct nlmsghdr *nlh, void *data)
{
	struct sockets_told *told = data;
	struct sockets_socket one;

	if (nlh->nlmsg_type == NLMSG_DONE)
		return 1;
	if (nlh->nlmsg_type == NLMSG_ERROR) {
		int r = read_error(nlh);
		return r < 0 ? r : 1;
	}
	told->said = sockets_read(nlh, &one) ? told->cb(&one, told->data) : 0;
	return told->said ? 1 : 0;
}

static int list_family(const struct sockets_question *question, uint8_t family,
		       struct sockets_told *told)
{
	char request[2048];
	CLEANUP(hang_up) struct conversation with;
	int r = call(&with);

	if (r < 0)
		return r;
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(request);
	nlh->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = ++with.seq;
	struct inet_diag_req_v2 *what = mnl_nlmsg_put_extra_header(nlh, sizeof(*what));
	what->sdiag_family = family;
	what->sdiag_protocol = IPPROTO_TCP;
	what->idiag_states = question->states;
	put_filter(nlh, question);
	if (mnl_socket_sendto(with.nl, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	r = hear(&with, on_listed, told);
	return r < 0 ? r : told->said;
}

int sockets_list(const struct sockets_question *question, sockets_fn *cb, void *data)
{
	struct sockets_told told = { .cb = cb, .data = data };
	int r = list_family(question, AF_INET, &told);

	return r == 0 ? list_family(question, AF_INET6, &told) : r;
}

/* ---- destroying ---- */

struct destroying {
	size_t n_answered;
	int refused; /* 0, or why the first one was */
};

/* There is one for each question. A socket that has gone meanwhile is no refusal. */
static int on_destroyed(const struct nlmsghdr *nlh, void *data)
{
	struct destroying *destroying = data;
	int r = nlh->nlmsg_type == NLMSG_ERROR ? read_error(nlh) : -EBADMSG;

	if (r < 0 && r != -ENOENT && destroying->refused == 0)
		destroying->refused = r;
	return ++destroying->n_answered % BATCH == 0 ? 1 : 0;
}

static void put_destroy(struct nlmsghdr *nlh, const struct sockets_id *id, uint32_t seq)
{
	nlh->nlmsg_type = SOCK_DESTROY;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	nlh->nlmsg_seq = seq;
	struct inet_diag_req_v2 *what = mnl_nlmsg_put_extra_header(nlh, sizeof(*what));
	what->sdiag_family = id->family;
	what->sdiag_protocol = IPPROTO_TCP;
	what->id = id->id;
}

static int destroy_batch(struct conversation *with, const struct sockets_id *ids, size_t n)
{
	struct destroying destroying = { .n_answered = BATCH - n };
	char request[BATCH * 128], *at = request;

	with->seq++;
	for (size_t i = 0; i < n; i++) {
		struct nlmsghdr *nlh = mnl_nlmsg_put_header(at);
		put_destroy(nlh, &ids[i], with->seq);
		at += nlh->nlmsg_len; /* which is aligned */
	}
	if (mnl_socket_sendto(with->nl, request, (size_t)(at - request)) < 0)
		return -errno;
	int r = hear(with, on_destroyed, &destroying);
	return r < 0 ? r : destroying.refused;
}

int sockets_destroy(const struct sockets_id *ids, size_t n)
{
	CLEANUP(hang_up) struct conversation with;
	int r = call(&with);

	for (size_t i = 0, some; i < n && r == 0; i += some) {
		some = n - i < BATCH ? n - i : BATCH;
		r = destroy_batch(&with, &ids[i], some);
	}
	return r;
}
