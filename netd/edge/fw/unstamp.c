/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Clearing the stamp of every connection: a dump, and per entry that has one an update of just
 * those bits, so a mark that another program sets meanwhile is not lost. */
#include <errno.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <sys/socket.h>

#include "edge/fw/handle.h"

#define BATCH_BYTES 32768u
#define LARGEST_UPDATE 512u /* two tuples of IPv6 are 200 bytes */

struct unstamping {
	uint32_t mask;
	struct mnl_socket *nl; /* for the updates: the dump is still being read */
	size_t len;
	int err;
	_Alignas(struct nlmsghdr) char batch[BATCH_BYTES];
};

/* Entries that ended meanwhile are answered with errors, which say nothing we want to know. */
static void drain(struct mnl_socket *nl)
{
	char buffer[8192];

	while (recv(mnl_socket_get_fd(nl), buffer, sizeof(buffer), MSG_DONTWAIT) >= 0 ||
	       errno == ENOBUFS || errno == EINTR)
		;
}

static int flush(struct unstamping *u)
{
	if (u->len && mnl_socket_sendto(u->nl, u->batch, u->len) < 0)
		return -errno;
	u->len = 0;
	drain(u->nl);
	return 0;
}

static void copy_attr(struct nlmsghdr *nlh, const struct nlattr *attr)
{
	if (attr)
		mnl_attr_put(nlh, attr->nla_type, fw_attr_len(attr), fw_attr_bytes(attr));
}

/* conntrack -U … --mark 0/MASK */
static int take_entry(const struct nlmsghdr *nlh, void *userdata)
{
	struct unstamping *u = userdata;
	struct fw_attrs attrs = fw_attrs_of(nlh);
	const struct nlattr *tuple = fw_attrs_find(attrs, CTA_TUPLE_ORIG);

	if (!(fw_attr_be32(fw_attrs_find(attrs, CTA_MARK), 0) & u->mask) || !tuple ||
	    tuple->nla_len > LARGEST_UPDATE / 2)
		return 0;
	if (u->len + LARGEST_UPDATE > sizeof(u->batch)) {
		int r = flush(u);
		if (r < 0)
			return r;
	}
	struct nlmsghdr *update = mnl_nlmsg_put_header(u->batch + u->len);
	update->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW;
	update->nlmsg_flags = NLM_F_REQUEST;
	fw_put_family(update, fw_family_of(nlh), 0);
	copy_attr(update, tuple);
	copy_attr(update, fw_attrs_find(attrs, CTA_ZONE));
	fw_put_be32(update, CTA_MARK, 0);
	fw_put_be32(update, CTA_MARK_MASK, u->mask);
	u->len += fw_align(update->nlmsg_len);
	return 0;
}

static int walk(struct fw *fw, struct unstamping *u)
{
	char buffer[FW_QUESTION_BYTES];
	struct nlmsghdr *nlh = fw_question(buffer, 0, NLM_F_DUMP, NFPROTO_UNSPEC);

	nlh->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET;
	int r = fw_ask(fw, nlh, take_entry, u);
	return r < 0 ? r : flush(u);
}

static void close_socket(struct mnl_socket **nl)
{
	if (*nl)
		(void)mnl_socket_close(*nl);
}

int fw_unstamp(struct fw *fw, uint32_t mask, struct fw_error *error)
{
	struct mnl_socket *nl CLEANUP(close_socket) =
		mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	struct unstamping u = { .mask = mask, .nl = nl };

	if (!nl || mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0)
		return fw_fail(error, -errno, "opening a conntrack socket: %s", strerror(errno));
	int r = walk(fw, &u);
	if (r == -EINTR)
		r = walk(fw, &u);
	if (r < 0)
		return fw_fail(error, r, "clearing the stamps of connections: %s", strerror(-r));
	return 0;
}
