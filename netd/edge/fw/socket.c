/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sockets: questions and answers, and the one place that reads a transaction's verdict. The
 * kernel answers within sendmsg() and recvmsg(), so nothing here ever waits. */
#include <errno.h>
#include <limits.h>
#include <linux/netlink.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "edge/fw/handle.h"

/* Room for the answers of a batch in which everything is wrong. */
#define RECEIVE_QUEUE_BYTES (4 * 1024 * 1024)

int fw_fail(struct fw_error *error, int err, const char *format, ...)
{
	va_list args;

	error->err = err;
	va_start(args, format);
	(void)vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
	return err;
}

/* The forced form goes beyond net.core.[rw]mem_max, with CAP_NET_ADMIN only. */
static void set_buffer(const struct mnl_socket *nl, int forced, int plain, int bytes)
{
	int fd = mnl_socket_get_fd(nl);

	if (setsockopt(fd, SOL_SOCKET, forced, &bytes, sizeof(bytes)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, plain, &bytes, sizeof(bytes));
}

static struct mnl_socket *open_socket(void)
{
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	int on = 1;

	if (!nl)
		return NULL;
	if (mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0) {
		int err = errno;
		(void)mnl_socket_close(nl);
		errno = err;
		return NULL;
	}
	/* Both only make errors say more, and answers smaller. */
	(void)mnl_socket_setsockopt(nl, NETLINK_EXT_ACK, &on, sizeof(on));
	(void)mnl_socket_setsockopt(nl, NETLINK_CAP_ACK, &on, sizeof(on));
	set_buffer(nl, SO_RCVBUFFORCE, SO_RCVBUF, RECEIVE_QUEUE_BYTES);
	return nl;
}

int fw_sockets_open(struct fw *fw)
{
	fw->nl = open_socket();
	fw->dump = fw->nl ? open_socket() : NULL;
	return fw->dump ? 0 : -errno;
}

int fw_become_reader(struct fw *fw)
{
	fw->parents = fw->dump;
	fw->dump = open_socket();
	return fw->dump ? 0 : -errno;
}

void fw_sockets_close(struct fw *fw)
{
	if (fw->nl)
		(void)mnl_socket_close(fw->nl);
	if (fw->dump)
		(void)mnl_socket_close(fw->dump);
	fw->nl = fw->dump = NULL;
}

/* Bytes, or -errno; -EAGAIN: nothing is there. */
static ssize_t receive(struct fw *fw, const struct mnl_socket *nl)
{
	struct sockaddr_nl from;
	struct iovec iov = { fw->receive, sizeof(fw->receive) };
	struct msghdr msg = {
		.msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &iov, .msg_iovlen = 1
	};
	ssize_t n;

	do
		n = recvmsg(mnl_socket_get_fd(nl), &msg, MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (msg.msg_flags & MSG_TRUNC)
		return -ENOSPC;
	return from.nl_pid == 0 ? n : 0; /* another process may write to us, but not answer */
}

struct nlmsghdr *fw_question(char *buffer, uint16_t type, uint16_t flags, uint8_t family)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);

	nlh->nlmsg_type = (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type);
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	fw_put_family(nlh, family, 0);
	return nlh;
}

int fw_ask(struct fw *fw, struct nlmsghdr *question, fw_answer_fn *fn, void *userdata)
{
	struct fw_answer answer = { .seq = ++fw->seq,
				    .fn = fn,
				    .userdata = userdata,
				    .dump = (question->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP };
	int r = 0;

	question->nlmsg_seq = answer.seq;
	if (mnl_socket_sendto(fw->dump, question, question->nlmsg_len) < 0)
		return -errno;
	while (!answer.done) {
		ssize_t n = receive(fw, fw->dump);
		if (n < 0)
			return r < 0 ? r : (int)n;
		int err = fw_read_answer(&answer, fw->receive, (size_t)n);
		r = r < 0 ? r : err;
	}
	return r == 0 && answer.interrupted ? -EINTR : r;
}

int fw_dump(struct fw *fw, struct nlmsghdr *question, const struct fw_dump *dump)
{
	int r = -EINTR;

	for (int i = 0; i < FW_ATTEMPTS && r == -EINTR; i++) {
		memset(dump->found, 0, dump->len);
		r = fw_ask(fw, question, dump->take, dump->userdata);
	}
	return r;
}

/* ---- transactions ---- */

/* -ENOBUFS: an answer did not fit in the queue. */
static int receive_verdict(struct fw *fw, struct fw_verdict *verdict)
{
	int lost = 0;

	for (;;) {
		ssize_t n = receive(fw, fw->nl);
		if (n == -EAGAIN)
			return lost;
		if (n == -ENOBUFS || n == -ENOSPC)
			lost = -ENOBUFS;
		else if (n < 0)
			return (int)n;
		fw_read_verdict(verdict, fw->receive, n < 0 ? 0 : (size_t)n);
	}
}

static const char *advice(int err, enum fw_object object)
{
	static const struct {
		int err;
		const char *text;
	} advices[] = {
		{ EPERM, "another process owns the table: is a second netd running?" },
		{ ENOENT, "it is gone, or names something that is: netd's tables were changed" },
		{ EEXIST, "it is there already: netd's tables were changed" },
		{ EBUSY, "it is still in use: netd's tables were changed" },
		{ EOPNOTSUPP, "this kernel cannot do it" },
		{ EPROTO, "this kernel cannot do it" },
		{ EMLINK, "chains call each other too deeply" },
		{ ENOMEM, "the kernel is out of memory" },
	};

	if (err == -EPERM && object == FW_TRANSACTION)
		return "netd needs CAP_NET_ADMIN";
	for (size_t i = 0; i < ARRAY_LEN(advices); i++)
		if (advices[i].err == -err)
			return advices[i].text;
	return "nothing was changed";
}

static int explain(const struct fw_verdict *verdict, struct fw_error *error)
{
	const struct fw_record *record = fw_batch_record(verdict->batch, verdict->seq);
	char what[FW_DESCRIPTION_LEN];

	fw_batch_describe(verdict->batch, verdict->seq, verdict->offset, what);
	return fw_fail(error, verdict->err, "%s: %s; %s", what, strerror(-verdict->err),
		       advice(verdict->err, record ? record->object : FW_TRANSACTION));
}

/* A batch is one message to the socket, and must fit in its buffer. */
static void make_room(struct fw *fw, size_t len)
{
	size_t wanted = len + FW_MESSAGE_ROOM;

	if (wanted > INT_MAX / 2 || (int)wanted <= fw->send_bytes)
		return;
	set_buffer(fw->nl, SO_SNDBUFFORCE, SO_SNDBUF, (int)wanted);
	fw->send_bytes = (int)wanted;
}

int fw_send(struct fw *fw, const struct fw_batch *batch, struct fw_error *error)
{
	struct fw_verdict verdict = { .batch = batch };
	const struct nlmsghdr *last =
		(const struct nlmsghdr *)(const void *)(batch->bytes +
							batch->records[batch->n_records - 1].at);

	make_room(fw, batch->len);
	if (mnl_socket_sendto(fw->nl, batch->bytes, batch->len) < 0)
		return fw_fail(error, -errno, "sending %zu bytes to the kernel: %s%s", batch->len,
			       strerror(errno),
			       errno == EMSGSIZE ? "; raise net.core.wmem_max" : "");
	int r = receive_verdict(fw, &verdict);
	if (verdict.err)
		return explain(&verdict, error);
	if (r < 0)
		return fw_fail(error, r, "reading the kernel's answer: %s", strerror(-r));
	if (last->nlmsg_type == NFNL_MSG_BATCH_END && !verdict.committed)
		return fw_fail(error, -ENOBUFS, "the kernel did not say whether it committed");
	return 0;
}
