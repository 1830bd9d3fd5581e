/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host's connection table, read once: what `conntrack -L` prints, as tuples. */
#include <errno.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include "core/base/limits.h"
#include "edge/conntrack/conntrack.h"
#include "edge/fw/handle.h"

static uint8_t read_u8(const struct nlattr *attr)
{
	return attr && fw_attr_len(attr) == 1 ? *(const uint8_t *)fw_attr_bytes(attr) : 0;
}

/* Both sides have spoken, and TCP is neither being set up nor over: half closed still carries. */
static bool is_established(struct fw_attrs attrs)
{
	const struct nlattr *info =
		fw_attr_inner(fw_attrs_find(attrs, CTA_PROTOINFO), CTA_PROTOINFO_TCP);
	uint8_t state = read_u8(fw_attr_inner(info, CTA_PROTOINFO_TCP_STATE));

	if (!(fw_attr_be32(fw_attrs_find(attrs, CTA_STATUS), 0) & IPS_SEEN_REPLY))
		return false;
	return !info || state == TCP_CONNTRACK_ESTABLISHED || state == TCP_CONNTRACK_FIN_WAIT ||
	       state == TCP_CONNTRACK_CLOSE_WAIT;
}

static bool find_proto(uint8_t number, enum ip_proto *ret)
{
	static const enum ip_proto protos[] = { PROTO_TCP, PROTO_UDP, PROTO_SCTP, PROTO_ICMP,
						PROTO_ICMPV6 };

	for (size_t i = 0; i < ARRAY_LEN(protos); i++)
		if (proto_number(protos[i]) == number) {
			*ret = protos[i];
			return true;
		}
	return false;
}

int fw_take_connection(const struct nlmsghdr *nlh, void *userdata)
{
	struct fw_reading *reading = userdata;
	struct cut_facts *facts = reading->ret;
	struct fw_attrs attrs = fw_attrs_of(nlh);
	struct conntrack_tuple original, reply;
	enum ip_proto proto;

	if (!is_established(attrs) ||
	    !conntrack_read_tuple(fw_attrs_find(attrs, CTA_TUPLE_ORIG), &original) ||
	    !conntrack_read_tuple(fw_attrs_find(attrs, CTA_TUPLE_REPLY), &reply))
		return 0;
	if (!find_proto(original.proto, &proto) || facts->connections.n == LIMIT_CONNECTIONS) {
		facts->n_left_out++;
		return 0;
	}
	struct cut_connection connection = { .from = original.source,
					     .sent_to = original.destination,
					     .to = reply.source,
					     .from_port = original.source_port,
					     .sent_port = original.destination_port,
					     .port = reply.source_port,
					     .proto = proto };
	return VEC_PUSH(reading->arena, &facts->connections, connection);
}

int fw_connections(struct fw *fw, struct arena *arena, struct cut_facts *ret,
		   struct fw_error *error)
{
	struct fw_reading reading = { arena, ret };
	char buffer[FW_QUESTION_BYTES];
	struct nlmsghdr *nlh = fw_question(buffer, 0, NLM_F_DUMP, NFPROTO_UNSPEC);

	nlh->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET;
	int r = fw_ask(fw, nlh, fw_take_connection, &reading);
	/* Entries that came or went meanwhile: the dump is as good as any. */
	if (r < 0 && r != -EINTR)
		return fw_fail(error, r, "reading the connection table: %s", strerror(-r));
	return 0;
}
