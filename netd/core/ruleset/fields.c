/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/ruleset/fields.h"

#include <linux/netfilter/nf_tables.h>

#define META(nft_name, value_type, length, meta_key)                                            \
	{                                                                                       \
		.nft = (nft_name), .type = (value_type), .len = (length), .load = RS_LOAD_META, \
		.key = (meta_key)                                                               \
	}
#define CT(nft_name, value_type, length, needed, ct_key, direction)                         \
	{                                                                                   \
		.nft = (nft_name), .type = (value_type), .len = (length), .need = (needed), \
		.load = RS_LOAD_CT, .key = (ct_key), .detail = (direction)                  \
	}
#define PAYLOAD(nft_name, value_type, length, needed, header, offset, protocol, number)     \
	{                                                                                   \
		.nft = (nft_name), .type = (value_type), .len = (length), .need = (needed), \
		.load = RS_LOAD_PAYLOAD, .key = (header), .detail = (offset),               \
		.nft_header = (protocol), .nft_field = (number)                             \
	}
#define ORIGINAL 0
#define REPLY 1
#define LINK NFT_PAYLOAD_LL_HEADER
#define NETWORK NFT_PAYLOAD_NETWORK_HEADER
#define TRANSPORT NFT_PAYLOAD_TRANSPORT_HEADER
/* nft's enum proto_desc_id */
#define RAW 0
#define ICMP 4
#define TCP 8
#define TH 11
#define IPV4 12
#define IPV6 13
#define ICMPV6 14
#define ARP 15
#define ETHER 17

static const struct rs_field_info fields[RS_FIELD_COUNT] = {
	[RS_META_IIFNAME] = META("iifname", RS_TYPE_IFNAME, 16, NFT_META_IIFNAME),
	[RS_META_OIFNAME] = META("oifname", RS_TYPE_IFNAME, 16, NFT_META_OIFNAME),
	[RS_META_IIFKIND] = META("meta iifkind", RS_TYPE_IFNAME, 16, NFT_META_IIFKIND),
	[RS_META_OIFKIND] = META("meta oifkind", RS_TYPE_IFNAME, 16, NFT_META_OIFKIND),
	[RS_META_MARK] = META("meta mark", RS_TYPE_MARK, 4, NFT_META_MARK),
	[RS_META_PKTTYPE] = META("meta pkttype", RS_TYPE_PKT_TYPE, 1, NFT_META_PKTTYPE),
	[RS_META_PROTOCOL] = { .nft = "meta protocol",
			       .type = RS_TYPE_ETHER_TYPE,
			       .len = 2,
			       .need = RS_NEEDS_NETDEV,
			       .load = RS_LOAD_META,
			       .key = NFT_META_PROTOCOL },
	[RS_META_L4PROTO] = META("meta l4proto", RS_TYPE_INET_PROTO, 1, NFT_META_L4PROTO),

	[RS_CT_SECMARK] = CT("ct secmark", RS_TYPE_INTEGER32, 4, RS_NEEDS_NOTHING, NFT_CT_SECMARK,
			     RS_NO_DIRECTION),
	[RS_CT_DIRECTION] = CT("ct direction", RS_TYPE_CT_DIR, 1, RS_NEEDS_NOTHING,
			       NFT_CT_DIRECTION, RS_NO_DIRECTION),
	[RS_CT_STATE] = CT("ct state", RS_TYPE_CT_STATE, 4, RS_NEEDS_NOTHING, NFT_CT_STATE,
			   RS_NO_DIRECTION),
	[RS_CT_STATUS] = CT("ct status", RS_TYPE_CT_STATUS, 4, RS_NEEDS_NOTHING, NFT_CT_STATUS,
			    RS_NO_DIRECTION),
	[RS_CT_ORIGINAL_IP_SADDR] = CT("ct original ip saddr", RS_TYPE_IPV4, 4, RS_NEEDS_NOT_IP6,
				       NFT_CT_SRC_IP, ORIGINAL),
	[RS_CT_ORIGINAL_IP6_SADDR] = CT("ct original ip6 saddr", RS_TYPE_IPV6, 16, RS_NEEDS_NOT_IP,
					NFT_CT_SRC_IP6, ORIGINAL),
	[RS_CT_ORIGINAL_IP_DADDR] = CT("ct original ip daddr", RS_TYPE_IPV4, 4, RS_NEEDS_NOT_IP6,
				       NFT_CT_DST_IP, ORIGINAL),
	[RS_CT_ORIGINAL_IP6_DADDR] = CT("ct original ip6 daddr", RS_TYPE_IPV6, 16, RS_NEEDS_NOT_IP,
					NFT_CT_DST_IP6, ORIGINAL),
	[RS_CT_ORIGINAL_PROTO_DST] = CT("ct original proto-dst", RS_TYPE_INET_SERVICE, 2,
					RS_NEEDS_PORTS_BEFORE, NFT_CT_PROTO_DST, ORIGINAL),
	[RS_CT_REPLY_IP_SADDR] =
		CT("ct reply ip saddr", RS_TYPE_IPV4, 4, RS_NEEDS_NOT_IP6, NFT_CT_SRC_IP, REPLY),
	[RS_CT_REPLY_IP6_SADDR] =
		CT("ct reply ip6 saddr", RS_TYPE_IPV6, 16, RS_NEEDS_NOT_IP, NFT_CT_SRC_IP6, REPLY),
	[RS_CT_REPLY_PROTO_SRC] = CT("ct reply proto-src", RS_TYPE_INET_SERVICE, 2,
				     RS_NEEDS_PORTS_BEFORE, NFT_CT_PROTO_SRC, REPLY),

	[RS_IP_SADDR] = PAYLOAD("ip saddr", RS_TYPE_IPV4, 4, RS_NEEDS_IP, NETWORK, 12, IPV4, 11),
	[RS_IP_DADDR] = PAYLOAD("ip daddr", RS_TYPE_IPV4, 4, RS_NEEDS_IP, NETWORK, 16, IPV4, 12),
	[RS_IP6_SADDR] = PAYLOAD("ip6 saddr", RS_TYPE_IPV6, 16, RS_NEEDS_IP6, NETWORK, 8, IPV6, 8),
	[RS_IP6_DADDR] = PAYLOAD("ip6 daddr", RS_TYPE_IPV6, 16, RS_NEEDS_IP6, NETWORK, 24, IPV6, 9),
	[RS_IP6_HOPLIMIT] =
		PAYLOAD("ip6 hoplimit", RS_TYPE_INTEGER8, 1, RS_NEEDS_IP6, NETWORK, 7, IPV6, 7),
	[RS_TH_SPORT] =
		PAYLOAD("th sport", RS_TYPE_INET_SERVICE, 2, RS_NEEDS_NOTHING, TRANSPORT, 0, TH, 1),
	[RS_TH_DPORT] =
		PAYLOAD("th dport", RS_TYPE_INET_SERVICE, 2, RS_NEEDS_NOTHING, TRANSPORT, 2, TH, 2),
	[RS_ICMPV6_TYPE] = PAYLOAD("icmpv6 type", RS_TYPE_ICMPV6_TYPE, 1, RS_NEEDS_ICMPV6,
				   TRANSPORT, 0, ICMPV6, 1),
	/* nft 1.0.6 has no `icmpv6 taddr`, and 1.1.3 writes it where it reads @th,64,128: all know
	 * the halves, to which nft adds no condition. */
	[RS_ICMPV6_TADDR_HIGH] = PAYLOAD("@th,64,64", RS_TYPE_ND_HIGH, 8, RS_NEEDS_ICMPV6_BEFORE,
					 TRANSPORT, 8, RAW, 0),
	[RS_ICMPV6_TADDR_LOW] = PAYLOAD("@th,128,64", RS_TYPE_ND_LOW, 8, RS_NEEDS_ICMPV6_BEFORE,
					TRANSPORT, 16, RAW, 0),
	[RS_ETHER_SADDR] =
		PAYLOAD("ether saddr", RS_TYPE_ETHER_ADDR, 6, RS_NEEDS_LINK, LINK, 6, ETHER, 2),
	[RS_ETHER_DADDR] =
		PAYLOAD("ether daddr", RS_TYPE_ETHER_ADDR, 6, RS_NEEDS_LINK, LINK, 0, ETHER, 1),
	[RS_ETHER_TYPE] =
		PAYLOAD("ether type", RS_TYPE_ETHER_TYPE, 2, RS_NEEDS_LINK, LINK, 12, ETHER, 3),
	[RS_ARP_SADDR_ETHER] =
		PAYLOAD("arp saddr ether", RS_TYPE_ETHER_ADDR, 6, RS_NEEDS_ARP, NETWORK, 8, ARP, 6),
	[RS_ARP_SADDR_IP] =
		PAYLOAD("arp saddr ip", RS_TYPE_IPV4, 4, RS_NEEDS_ARP, NETWORK, 14, ARP, 7),
	[RS_ARP_DADDR_IP] =
		PAYLOAD("arp daddr ip", RS_TYPE_IPV4, 4, RS_NEEDS_ARP, NETWORK, 24, ARP, 9),
	[RS_LINK_SADDR] =
		PAYLOAD("@ll,48,48", RS_TYPE_LINK_ADDR, 6, RS_NEEDS_NETDEV, LINK, 6, RAW, 0),
	[RS_LINK_DADDR] =
		PAYLOAD("@ll,0,48", RS_TYPE_LINK_ADDR, 6, RS_NEEDS_NETDEV, LINK, 0, RAW, 0),
	[RS_TCP_FLAGS] = PAYLOAD("tcp flags", RS_TYPE_TCP_FLAGS, 1, RS_NEEDS_TCP_BEFORE, TRANSPORT,
				 13, TCP, 8),
	[RS_IP_FRAGMENT] =
		PAYLOAD("ip frag-off", RS_TYPE_FRAGMENT, 2, RS_NEEDS_IP, NETWORK, 6, IPV4, 7),
	[RS_ICMP_TYPE] = PAYLOAD("icmp type", RS_TYPE_ICMP_TYPE, 1, RS_NEEDS_ICMP_BEFORE, TRANSPORT,
				 0, ICMP, 1),
};

/* The numbers are nft's enum datatypes (its include/datatype.h), kept stable by its developers
 * because every set in a kernel carries them. */
static const struct rs_type_info types[RS_TYPE_COUNT] = {
	[RS_TYPE_IFNAME] = { "ifname", 16, 41, 1, true, .sample = RS_META_IIFNAME },
	[RS_TYPE_IPV4] = { "ipv4_addr", 4, 7, 2, .sample = RS_IP_SADDR },
	[RS_TYPE_IPV6] = { "ipv6_addr", 16, 8, 2, .sample = RS_IP6_SADDR },
	[RS_TYPE_ETHER_ADDR] = { "ether_addr", 6, 9, 2, .sample = RS_ETHER_SADDR },
	[RS_TYPE_ETHER_TYPE] = { "ether_type", 2, 10, 2, .sample = RS_ETHER_TYPE },
	[RS_TYPE_INET_PROTO] = { "inet_proto", 1, 12, 0, .sample = RS_META_L4PROTO },
	[RS_TYPE_INET_SERVICE] = { "inet_service", 2, 13, 2, .sample = RS_CT_REPLY_PROTO_SRC },
	[RS_TYPE_MARK] = { "mark", 4, 19, 1, true, .sample = RS_META_MARK },
	[RS_TYPE_CT_DIR] = { "ct_dir", 1, 27, 0, .sample = RS_CT_DIRECTION },
	[RS_TYPE_CT_STATE] = { "ct_state", 4, 26, 1, true, true, RS_CT_STATE },
	[RS_TYPE_CT_STATUS] = { "ct_status", 4, 28, 1, true, true, RS_CT_STATUS },
	[RS_TYPE_ICMPV6_TYPE] = { "icmpv6_type", 1, 29, 2, .sample = RS_ICMPV6_TYPE },
	[RS_TYPE_INTEGER8] = { "integer", 1, 4, 2, .sample = RS_IP6_HOPLIMIT },
	[RS_TYPE_INTEGER32] = { "integer", 4, 4, 1, true, .sample = RS_CT_SECMARK },
	[RS_TYPE_PKT_TYPE] = { "pkt_type", 1, 31, 1, .sample = RS_META_PKTTYPE },
	[RS_TYPE_ND_HIGH] = { "integer", 8, 4, 2, .sample = RS_ICMPV6_TADDR_HIGH },
	[RS_TYPE_ND_LOW] = { "integer", 8, 4, 2, .sample = RS_ICMPV6_TADDR_LOW },
	[RS_TYPE_LINK_ADDR] = { "integer", 6, 4, 2, .sample = RS_LINK_SADDR },
	[RS_TYPE_TCP_FLAGS] = { "tcp_flag", 1, 15, 2, false, true, RS_TCP_FLAGS },
	[RS_TYPE_FRAGMENT] = { "integer", 2, 4, 2, .sample = RS_IP_FRAGMENT },
	[RS_TYPE_ICMP_TYPE] = { "icmp_type", 1, 14, 2, .sample = RS_ICMP_TYPE },
};

const struct rs_field_info *ruleset_field_info(enum rs_field field)
{
	return &fields[field];
}

const struct rs_type_info *ruleset_type_info(enum rs_type type)
{
	return &types[type];
}

bool ruleset_type_is_raw(enum rs_type type)
{
	return type == RS_TYPE_ND_HIGH || type == RS_TYPE_ND_LOW || type == RS_TYPE_INTEGER8 ||
	       type == RS_TYPE_INTEGER32 || type == RS_TYPE_LINK_ADDR || type == RS_TYPE_FRAGMENT;
}
