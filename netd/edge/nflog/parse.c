/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One message to one packet. The payload is a container's own bytes: nothing in it is believed that
 * was not checked against its length. */
#include <arpa/inet.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <string.h>

#include "edge/nflog/nflog.h"

/* More is nobody's packet; the kernel's own bound is not smaller. */
#define MOST_EXTENSIONS 8u

struct message {
	const char *prefix;
	const uint8_t *payload;
	size_t prefix_len, len;
	const struct nlattr *number;
};

static int read_attr(const struct nlattr *attr, void *data)
{
	struct message *message = data;

	if (mnl_attr_get_type(attr) == NFULA_PREFIX) {
		message->prefix = mnl_attr_get_payload(attr);
		message->prefix_len = mnl_attr_get_payload_len(attr);
	} else if (mnl_attr_get_type(attr) == NFULA_PAYLOAD) {
		message->payload = mnl_attr_get_payload(attr);
		message->len = mnl_attr_get_payload_len(attr);
	} else if (mnl_attr_get_type(attr) == NFULA_SEQ &&
		   mnl_attr_get_payload_len(attr) == sizeof(uint32_t)) {
		message->number = attr;
	}
	return MNL_CB_OK;
}

static struct ip_addr address(enum ip_family family, const void *bytes)
{
	struct ip_addr addr = { .family = (uint8_t)family };

	memcpy(addr.bytes, bytes, ip_len(&addr));
	return addr;
}

/* The destination port is at the same place in all three protocols. */
static void read_port(const uint8_t *bytes, size_t len, struct nflog_packet *packet)
{
	uint16_t ports[2];

	if ((packet->proto != IPPROTO_TCP && packet->proto != IPPROTO_UDP &&
	     packet->proto != IPPROTO_SCTP) ||
	    len < sizeof(ports))
		return;
	memcpy(ports, bytes, sizeof(ports));
	packet->to_port = ntohs(ports[1]);
	packet->has_port = true;
}

static int read_ip4(const uint8_t *bytes, size_t len, struct nflog_packet *packet)
{
	struct iphdr ip;

	if (len < sizeof(ip))
		return NFLOG_E_OTHER;
	memcpy(&ip, bytes, sizeof(ip));
	size_t header = ip.ihl * 4u;
	if (header < sizeof(ip) || header > len)
		return NFLOG_E_OTHER;
	packet->from = address(IP_V4, &ip.saddr);
	packet->to = address(IP_V4, &ip.daddr);
	packet->proto = ip.protocol;
	if ((ntohs(ip.frag_off) & IP_OFFMASK) == 0)
		read_port(bytes + header, len - header, packet);
	return 0;
}

static bool is_extension(uint8_t proto)
{
	return proto == IPPROTO_HOPOPTS || proto == IPPROTO_ROUTING || proto == IPPROTO_DSTOPTS;
}

static int read_ip6(const uint8_t *bytes, size_t len, struct nflog_packet *packet)
{
	struct ip6_hdr ip;
	struct ip6_ext extension;
	size_t at = sizeof(ip);

	if (len < sizeof(ip))
		return NFLOG_E_OTHER;
	memcpy(&ip, bytes, sizeof(ip));
	packet->from = address(IP_V6, &ip.ip6_src);
	packet->to = address(IP_V6, &ip.ip6_dst);
	packet->proto = ip.ip6_nxt;
	for (unsigned int i = 0; i < MOST_EXTENSIONS && is_extension(packet->proto); i++) {
		if (at + sizeof(extension) > len)
			return 0;
		memcpy(&extension, bytes + at, sizeof(extension));
		packet->proto = extension.ip6e_nxt;
		at += (extension.ip6e_len + 1u) * 8u;
	}
	if (at < len)
		read_port(bytes + at, len - at, packet);
	return 0;
}

static struct message read_message(const struct nlmsghdr *nlh)
{
	struct message message = { 0 };

	if (nlh->nlmsg_type == (NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET) &&
	    nlh->nlmsg_len >= mnl_nlmsg_size(sizeof(struct nfgenmsg)))
		(void)mnl_attr_parse(nlh, sizeof(struct nfgenmsg), read_attr, &message);
	return message;
}

bool nflog_number(const struct nlmsghdr *nlh, uint32_t *ret)
{
	struct message message = read_message(nlh);

	if (!message.number)
		return false;
	*ret = ntohl(mnl_attr_get_u32(message.number));
	return true;
}

int nflog_parse(const struct nlmsghdr *nlh, struct nflog_packet *ret)
{
	struct message message = read_message(nlh);
	struct nflog_packet packet = { 0 };

	if (!message.prefix || message.len == 0)
		return NFLOG_E_OTHER;
	/* Zeroed before and the last byte left alone: an end is always there. */
	memcpy(packet.prefix, message.prefix,
	       message.prefix_len < sizeof(packet.prefix) ? message.prefix_len
							  : sizeof(packet.prefix) - 1);
	int version = message.payload[0] >> 4, r = NFLOG_E_OTHER;
	if (version == 4)
		r = read_ip4(message.payload, message.len, &packet);
	else if (version == 6)
		r = read_ip6(message.payload, message.len, &packet);
	if (r == 0)
		*ret = packet;
	return r;
}
