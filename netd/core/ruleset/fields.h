/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a packet can be matched by. The tables behind ruleset_field_info() and ruleset_type_info()
 * are the only place that says how a field is written in nft's language, how long it is and what
 * the kernel loads for it; protocol.h says what must be known of a packet first. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum rs_type {
	RS_TYPE_IFNAME,	      /* 16 bytes, zero padded */
	RS_TYPE_IPV4,	      /* 4, network order */
	RS_TYPE_IPV6,	      /* 16, network order */
	RS_TYPE_ETHER_ADDR,   /* 6 */
	RS_TYPE_ETHER_TYPE,   /* 2, network order */
	RS_TYPE_INET_PROTO,   /* 1 */
	RS_TYPE_INET_SERVICE, /* 2, network order */
	RS_TYPE_MARK,	      /* 4, host order */
	RS_TYPE_CT_DIR,	      /* 1: 0 original, 1 reply */
	RS_TYPE_CT_STATE,     /* 4, host order, bits */
	RS_TYPE_CT_STATUS,    /* 4, host order, bits */
	RS_TYPE_ICMPV6_TYPE,  /* 1 */
	RS_TYPE_INTEGER8,     /* 1: hop limit */
	RS_TYPE_INTEGER32,    /* 4, host order: security mark */
	RS_TYPE_PKT_TYPE,     /* 1: 0 to this host, 1 to all, 2 to a group, of the link layer */
	RS_TYPE_ND_HIGH,      /* 8, network order: the first half of an IPv6 address */
	RS_TYPE_ND_LOW,	      /* 8: the second */
	RS_TYPE_LINK_ADDR,    /* 6: a MAC in family netdev */
	RS_TYPE_TCP_FLAGS,    /* 1, bits; not in sets */
	RS_TYPE_FRAGMENT,     /* 2, network order: IPv4's flags and offset; not in sets */
	RS_TYPE_ICMP_TYPE,    /* 1 */
	RS_TYPE_COUNT,
};

enum rs_field {
	RS_META_IIFNAME,
	RS_META_OIFNAME,
	RS_META_IIFKIND, /* of the driver: "bridge", "veth" */
	RS_META_OIFKIND,
	RS_META_MARK,
	RS_META_PKTTYPE, /* by the destination's MAC, as the interface saw it that took the frame */
	RS_META_L4PROTO,
	RS_META_PROTOCOL, /* skb->protocol: in family netdev, where no frame's own type is asked for
			   */
	RS_CT_SECMARK,
	RS_CT_DIRECTION,
	RS_CT_STATE,
	RS_CT_STATUS,
	RS_CT_ORIGINAL_IP_SADDR,
	RS_CT_ORIGINAL_IP6_SADDR,
	RS_CT_ORIGINAL_IP_DADDR,
	RS_CT_ORIGINAL_IP6_DADDR,
	RS_CT_ORIGINAL_PROTO_DST, /* port as the client sent it; needs an l4proto match before */
	RS_CT_REPLY_IP_SADDR,	  /* the true destination: after DNAT */
	RS_CT_REPLY_IP6_SADDR,
	RS_CT_REPLY_PROTO_SRC, /* the true destination's port */
	RS_IP_SADDR,
	RS_IP_DADDR,
	RS_IP6_SADDR,
	RS_IP6_DADDR,
	RS_IP6_HOPLIMIT,
	RS_TH_SPORT, /* of whatever transport: only beside meta l4proto in one key */
	RS_TH_DPORT,
	RS_ICMPV6_TYPE,
	RS_ICMPV6_TADDR_HIGH, /* target of a neighbour solicitation or advertisement, in halves: */
	RS_ICMPV6_TADDR_LOW,  /* nft 1.0.6 has no name for it, and later ones list the whole by a
			       * name that does not fit the set that it stands in */
	RS_ETHER_SADDR,
	RS_ETHER_DADDR,
	RS_ETHER_TYPE, /* from the frame's header (a VLAN tag shows as 0x8100), not skb->protocol */
	RS_ARP_SADDR_ETHER,
	RS_ARP_SADDR_IP,
	RS_ARP_DADDR_IP,
	/* MACs in family netdev, as raw bytes: before the named ones nft puts a comparison of the
	 * interface's type, which each packet of the host would pay for. */
	RS_LINK_SADDR,
	RS_LINK_DADDR,
	RS_TCP_FLAGS,
	RS_IP_FRAGMENT,
	RS_ICMP_TYPE,
	RS_FIELD_COUNT,
};

/* What must be known of a packet before the field may be loaded. nft adds these conditions by
 * itself and leaves them out when it lists; rs_protocol_need() is that logic. */
enum rs_need {
	RS_NEEDS_NOTHING,
	RS_NEEDS_IP,
	RS_NEEDS_IP6,
	RS_NEEDS_ARP,
	RS_NEEDS_LINK, /* family bridge only */
	RS_NEEDS_ICMPV6,
	/* Nothing is added for these, but nft refuses the rule, or the rule means nothing: */
	RS_NEEDS_ICMPV6_BEFORE, /* without `icmpv6 type` or `meta l4proto icmpv6` earlier in it */
	RS_NEEDS_PORTS_BEFORE,	/* without `meta l4proto tcp`, udp or sctp earlier in it */
	RS_NEEDS_TCP_BEFORE,	/* without `meta l4proto tcp` */
	RS_NEEDS_ICMP_BEFORE,	/* without `meta l4proto icmp` */
	RS_NEEDS_NETDEV,	/* in another family */
	RS_NEEDS_NOT_IP6,	/* when it is about IPv6 already */
	RS_NEEDS_NOT_IP,
};

enum rs_load { RS_LOAD_META, RS_LOAD_CT, RS_LOAD_PAYLOAD };

struct rs_field_info {
	const char *nft; /* "ct original ip saddr" */
	enum rs_type type;
	uint8_t len; /* bytes, unpadded */
	enum rs_need need;
	enum rs_load load;
	uint8_t key;	/* NFT_META_*, NFT_CT_*; payload: NFT_PAYLOAD_* (the header) */
	uint8_t detail; /* ct: direction, or RS_NO_DIRECTION; payload: offset */
	/* payload: nft's numbers for header and field, kept in a set's userdata for its printer */
	uint8_t nft_header, nft_field;
};
#define RS_NO_DIRECTION 0xff
const struct rs_field_info *ruleset_field_info(enum rs_field field);

struct rs_type_info {
	const char *nft; /* "ipv4_addr" */
	uint8_t len;
	/* For nft's printer, kept with every set: its number for the type, and the byte order (0
	 * none, 1 host, 2 network). */
	uint8_t nft_id, nft_order;
	bool host_order;
	bool bits;	      /* a bare value matches any of its bits in nft's language */
	enum rs_field sample; /* a field of that type, for sets that must be declared by `typeof` */
};
const struct rs_type_info *ruleset_type_info(enum rs_type type);
/* A type without a name in nft: its sets are declared by `typeof` a field. */
bool ruleset_type_is_raw(enum rs_type type);
