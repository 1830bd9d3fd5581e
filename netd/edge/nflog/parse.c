/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One message to one packet. The payload is a container's own bytes: nothing in it is believed that
 * was not checked against its length. */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <linux/netfilter_bridge.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <string.h>

#include "edge/nflog/nflog.h"

/* More is nobody's packet; the kernel's own bound is not smaller. */
#define MOST_EXTENSIONS 8u

struct message {
	uint8_t family; /* NFPROTO_INET's, NFPROTO_BRIDGE or NFPROTO_NETDEV */
	const char *prefix;
	const uint8_t *payload, *header; /* header: of the frame */
	size_t prefix_len, len, header_len;
	const struct nfulnl_msg_packet_hdr *about;
	const struct nlattr *number, *in_port, *out_port;
	bool tagged;
};

static int read_attr(const struct nlattr *attr, void *data)
{
	struct message *message = data;
	size_t len = mnl_attr_get_payload_len(attr);
	bool is_number = len == sizeof(uint32_t);

	switch (mnl_attr_get_type(attr)) {
	case NFULA_PREFIX:
		message->prefix = mnl_attr_get_payload(attr);
		message->prefix_len = len;
		break;
	case NFULA_PAYLOAD:
		message->payload = mnl_attr_get_payload(attr);
		message->len = len;
		break;
	case NFULA_HWHEADER:
		message->header = mnl_attr_get_payload(attr);
		message->header_len = len;
		break;
	case NFULA_PACKET_HDR:
		message->about = len >= sizeof(*message->about) ? mnl_attr_get_payload(attr) : NULL;
		break;
	case NFULA_SEQ:
		message->number = is_number ? attr : message->number;
		break;
	case NFULA_IFINDEX_PHYSINDEV:
		message->in_port = is_number ? attr : message->in_port;
		break;
	case NFULA_IFINDEX_PHYSOUTDEV:
		message->out_port = is_number ? attr : message->out_port;
		break;
	case NFULA_VLAN:
		message->tagged = true;
		break;
	default:
		break;
	}
	return MNL_CB_OK;
}

static struct ip_addr read_frame_address(enum ip_family family, const void *bytes)
{
	struct ip_addr addr = { .family = (uint8_t)family };

	memcpy(addr.bytes, bytes, ip_len(&addr));
	return addr;
}

/* The ports are at the same place in all three protocols. */
static void read_port(const uint8_t *bytes, size_t len, struct nflog_packet *packet)
{
	uint16_t ports[2];

	if ((packet->proto != IPPROTO_TCP && packet->proto != IPPROTO_UDP &&
	     packet->proto != IPPROTO_SCTP) ||
	    len < sizeof(ports))
		return;
	memcpy(ports, bytes, sizeof(ports));
	packet->from_port = ntohs(ports[0]);
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
	packet->from = read_frame_address(IP_V4, &ip.saddr);
	packet->to = read_frame_address(IP_V4, &ip.daddr);
	packet->proto = ip.protocol;
	if ((ntohs(ip.frag_off) & IP_OFFMASK) == 0)
		read_port(bytes + header, len - header, packet);
	return 0;
}

/* A neighbour advertisement: its type, and the target. */
static bool announces_source(const struct nflog_packet *packet, const uint8_t *bytes, size_t len)
{
	enum { TARGET = 8, LENGTH = 24 };

	return packet->proto == IPPROTO_ICMPV6 && len >= LENGTH && bytes[0] == ND_NEIGHBOR_ADVERT &&
	       memcmp(bytes + TARGET, packet->from.bytes, sizeof(packet->from.bytes)) == 0;
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
	packet->from = read_frame_address(IP_V6, &ip.ip6_src);
	packet->to = read_frame_address(IP_V6, &ip.ip6_dst);
	packet->proto = ip.ip6_nxt;
	for (unsigned int i = 0; i < MOST_EXTENSIONS && is_extension(packet->proto); i++) {
		if (at + sizeof(extension) > len)
			return 0;
		memcpy(&extension, bytes + at, sizeof(extension));
		packet->proto = extension.ip6e_nxt;
		at += (extension.ip6e_len + 1u) * 8u;
	}
	if (at < len) {
		read_port(bytes + at, len - at, packet);
		packet->announces = announces_source(packet, bytes + at, len - at);
	}
	return 0;
}

/* What leaves an interface is logged from its Ethernet header on, all else from what is in it. */
static void skip_frame_header(struct message *message)
{
	bool leaves = message->family == NFPROTO_NETDEV && message->about &&
		      message->about->hook == NF_NETDEV_EGRESS;

	if (leaves && message->len < ETH_HLEN) {
		message->len = 0;
	} else if (leaves) {
		message->payload += ETH_HLEN;
		message->len -= ETH_HLEN;
	}
}

static struct message read_message(const struct nlmsghdr *nlh)
{
	struct message message = { 0 };

	if (nlh->nlmsg_type != (NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET) ||
	    nlh->nlmsg_len < mnl_nlmsg_size(sizeof(struct nfgenmsg)))
		return message;
	message.family = ((const struct nfgenmsg *)mnl_nlmsg_get_payload(nlh))->nfgen_family;
	(void)mnl_attr_parse(nlh, sizeof(struct nfgenmsg), read_attr, &message);
	skip_frame_header(&message);
	return message;
}

/* Families inet and bridge number their hooks alike; past an interface nothing is this host's. */
static enum nflog_hook hook_of(const struct message *message)
{
	_Static_assert(NF_BR_LOCAL_IN == NF_INET_LOCAL_IN && NF_BR_LOCAL_OUT == NF_INET_LOCAL_OUT,
		       "the numbers of the hooks");
	if (!message->about || message->family == NFPROTO_NETDEV)
		return NFLOG_PASSING;
	return message->about->hook == NF_INET_LOCAL_IN	   ? NFLOG_TO_HOST
	       : message->about->hook == NF_INET_LOCAL_OUT ? NFLOG_FROM_HOST
							   : NFLOG_PASSING;
}

/* Ethernet and IPv4 alone. */
static void read_arp(const uint8_t *bytes, size_t len, struct nflog_packet *packet)
{
	enum { SENDER = 14, TARGET = 24, LENGTH = 28 };
	static const uint8_t kind[] = { 0, 1, 8, 0, 6, 4 };

	if (len < LENGTH || memcmp(bytes, kind, sizeof(kind)) != 0)
		return;
	packet->from = read_frame_address(IP_V4, bytes + SENDER);
	packet->to = read_frame_address(IP_V4, bytes + TARGET);
	packet->announces = ip_compare(&packet->from, &packet->to) == 0;
}

static uint32_t index_of(const struct nlattr *attr)
{
	return attr ? ntohl(mnl_attr_get_u32(attr)) : 0;
}

/* What a frame says of itself; its addresses only where they are whole. */
static void read_frame(const struct message *message, struct nflog_packet *packet)
{
	struct nflog_packet inner = { 0 };
	int r = NFLOG_E_OTHER;

	packet->bridged = true;
	packet->tagged = message->tagged;
	packet->in_port = index_of(message->in_port);
	packet->out_port = index_of(message->out_port);
	packet->ether_type = message->about ? ntohs(message->about->hw_protocol) : 0;
	if (message->header_len >= 2 * ETH_ALEN) {
		memcpy(packet->to_mac.bytes, message->header, ETH_ALEN);
		memcpy(packet->from_mac.bytes, message->header + ETH_ALEN, ETH_ALEN);
	}
	if (message->len == 0)
		return;
	if (packet->ether_type == ETH_P_IP && message->payload[0] >> 4 == 4)
		r = read_ip4(message->payload, message->len, &inner);
	else if (packet->ether_type == ETH_P_IPV6 && message->payload[0] >> 4 == 6)
		r = read_ip6(message->payload, message->len, &inner);
	else if (packet->ether_type == ETH_P_ARP)
		read_arp(message->payload, message->len, packet);
	if (r != 0)
		return;
	packet->from = inner.from;
	packet->to = inner.to;
	packet->proto = inner.proto;
	packet->has_port = inner.has_port;
	packet->from_port = inner.from_port;
	packet->to_port = inner.to_port;
	packet->announces = inner.announces;
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

	if (!message.prefix || (message.len == 0 && message.family != NFPROTO_BRIDGE))
		return NFLOG_E_OTHER;
	packet.hook = hook_of(&message);
	/* Zeroed before and the last byte left alone: an end is always there. */
	memcpy(packet.prefix, message.prefix,
	       message.prefix_len < sizeof(packet.prefix) ? message.prefix_len
							  : sizeof(packet.prefix) - 1);
	if (message.family == NFPROTO_BRIDGE) {
		read_frame(&message, &packet);
		*ret = packet;
		return 0;
	}
	int version = message.payload[0] >> 4, r = NFLOG_E_OTHER;
	if (version == 4)
		r = read_ip4(message.payload, message.len, &packet);
	else if (version == 6)
		r = read_ip6(message.payload, message.len, &packet);
	if (r == 0)
		*ret = packet;
	return r;
}
