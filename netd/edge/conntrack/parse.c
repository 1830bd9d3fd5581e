/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include "edge/conntrack/conntrack.h"
#include "edge/fw/netlink.h"

static bool read_addr(const struct nlattr *ip, uint16_t v4, uint16_t v6, struct ip_addr *ret)
{
	const struct nlattr *four = fw_attr_inner(ip, v4), *six = fw_attr_inner(ip, v6);
	const struct nlattr *attr = four ? four : six;

	*ret = (struct ip_addr){ .family = four ? IP_V4 : IP_V6 };
	if (!attr || fw_attr_len(attr) != ip_len(ret))
		return false;
	memcpy(ret->bytes, fw_attr_bytes(attr), ip_len(ret));
	return true;
}

static uint16_t read_port(const struct nlattr *proto, uint16_t type)
{
	const struct nlattr *attr = fw_attr_inner(proto, type);
	uint16_t port;

	if (!attr || fw_attr_len(attr) != sizeof(port))
		return 0;
	memcpy(&port, fw_attr_bytes(attr), sizeof(port));
	return be16toh(port);
}

static uint8_t read_u8(const struct nlattr *attr)
{
	return attr && fw_attr_len(attr) == 1 ? *(const uint8_t *)fw_attr_bytes(attr) : 0;
}

bool conntrack_read_tuple(const struct nlattr *nest, struct conntrack_tuple *ret)
{
	const struct nlattr *ip = fw_attr_inner(nest, CTA_TUPLE_IP);
	const struct nlattr *proto = fw_attr_inner(nest, CTA_TUPLE_PROTO);

	ret->proto = read_u8(fw_attr_inner(proto, CTA_PROTO_NUM));
	ret->source_port = read_port(proto, CTA_PROTO_SRC_PORT);
	ret->destination_port = read_port(proto, CTA_PROTO_DST_PORT);
	return read_addr(ip, CTA_IP_V4_SRC, CTA_IP_V6_SRC, &ret->source) &&
	       read_addr(ip, CTA_IP_V4_DST, CTA_IP_V6_DST, &ret->destination);
}

int conntrack_parse(const struct nlmsghdr *nlh, struct conntrack_connection *ret)
{
	struct conntrack_connection connection;

	if (nlh->nlmsg_type != (NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW))
		return CONNTRACK_E_OTHER;
	struct fw_attrs attrs = fw_attrs_of(nlh);
	if (!conntrack_read_tuple(fw_attrs_find(attrs, CTA_TUPLE_ORIG), &connection.original) ||
	    !conntrack_read_tuple(fw_attrs_find(attrs, CTA_TUPLE_REPLY), &connection.reply))
		return CONNTRACK_E_OTHER;
	*ret = connection;
	return 0;
}
