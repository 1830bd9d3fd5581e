/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/ruleset/protocol.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/netfilter.h>

#define OTHER_NETWORK 1 /* known to be none of those netd has fields for */

static int add(struct rs_implied *ret, size_t *n, enum rs_implied_kind kind, uint16_t value)
{
	ret[(*n)++] = (struct rs_implied){ kind, value };
	return 0;
}

/* Family bridge takes skb->protocol for IP and IPv6, and the frame's own type for the rest. */
static int need_network(struct rs_protocol *known, uint16_t network, struct rs_implied *ret,
			size_t *n)
{
	if (known->network)
		return known->network == network ? 0 : -EINVAL;
	known->network = network;
	if (known->family == RS_NETDEV)
		return add(ret, n, RS_IMPLIED_PROTOCOL, network);
	if (known->family == RS_BRIDGE)
		return add(ret, n,
			   network == ETH_P_ARP ? RS_IMPLIED_ETHER_TYPE : RS_IMPLIED_PROTOCOL,
			   network);
	if (network == ETH_P_ARP)
		return -EINVAL;
	return add(ret, n, RS_IMPLIED_NFPROTO, network == ETH_P_IP ? NFPROTO_IPV4 : NFPROTO_IPV6);
}

/* After `meta l4proto icmpv6` nft asks for no network protocol any more; else it does, and in
 * family bridge by another expression than for `ip6 saddr`. */
static int need_icmpv6(struct rs_protocol *known, struct rs_implied *ret, size_t *n)
{
	if (known->transport)
		return known->transport == IPPROTO_ICMPV6 ? 0 : -EINVAL;
	if (known->network && known->network != ETH_P_IPV6)
		return -EINVAL;
	if (!known->network && known->family == RS_NETDEV)
		(void)add(ret, n, RS_IMPLIED_PROTOCOL, ETH_P_IPV6);
	else if (!known->network && known->family == RS_BRIDGE)
		(void)add(ret, n, RS_IMPLIED_ETHER_TYPE, ETH_P_IPV6);
	else if (!known->network)
		(void)add(ret, n, RS_IMPLIED_NFPROTO, NFPROTO_IPV6);
	known->network = ETH_P_IPV6;
	known->transport = IPPROTO_ICMPV6;
	return add(ret, n, RS_IMPLIED_L4PROTO, IPPROTO_ICMPV6);
}

int rs_protocol_need(struct rs_protocol *known, enum rs_need need,
		     struct rs_implied ret[RS_IMPLIED_MAX], size_t *ret_n)
{
	*ret_n = 0;
	switch (need) {
	case RS_NEEDS_NOTHING:
		return 0;
	case RS_NEEDS_IP:
		return need_network(known, ETH_P_IP, ret, ret_n);
	case RS_NEEDS_IP6:
		return need_network(known, ETH_P_IPV6, ret, ret_n);
	case RS_NEEDS_ARP:
		return need_network(known, ETH_P_ARP, ret, ret_n);
	case RS_NEEDS_ICMPV6:
		return need_icmpv6(known, ret, ret_n);
	case RS_NEEDS_LINK:
		return known->family == RS_BRIDGE ? 0 : -EINVAL;
	case RS_NEEDS_ICMPV6_BEFORE:
		return known->transport == IPPROTO_ICMPV6 ? 0 : -EINVAL;
	case RS_NEEDS_PORTS_BEFORE:
		return known->transport == IPPROTO_TCP || known->transport == IPPROTO_UDP ||
				       known->transport == IPPROTO_SCTP
			       ? 0
			       : -EINVAL;
	case RS_NEEDS_TCP_BEFORE:
		return known->transport == IPPROTO_TCP ? 0 : -EINVAL;
	case RS_NEEDS_ICMP_BEFORE:
		return known->transport == IPPROTO_ICMP ? 0 : -EINVAL;
	case RS_NEEDS_NETDEV:
		return known->family == RS_NETDEV ? 0 : -EINVAL;
	case RS_NEEDS_NOT_IP6:
		return known->network == ETH_P_IPV6 ? -EINVAL : 0;
	case RS_NEEDS_NOT_IP:
		return known->network == ETH_P_IP ? -EINVAL : 0;
	}
	return -EINVAL;
}

static uint16_t network_of(const struct rs_match *match)
{
	uint16_t type = (uint16_t)(match->value.bytes[0] << 8 | match->value.bytes[1]);

	return type == ETH_P_IP || type == ETH_P_IPV6 || type == ETH_P_ARP ? type : OTHER_NETWORK;
}

void rs_protocol_learn(struct rs_protocol *known, const struct rs_match *match)
{
	if (match->n_fields != 1)
		return;
	/* From 1.1 on nft takes `ether type != arp` for a statement of what it is, and refuses what
	 * it would have to put in front of a field after it. */
	if (match->fields[0] == RS_ETHER_TYPE || match->fields[0] == RS_META_PROTOCOL)
		known->network = match->op == RS_EQ ? network_of(match) : OTHER_NETWORK;
	if (match->fields[0] == RS_META_L4PROTO && match->op == RS_EQ)
		known->transport = match->value.bytes[0];
}
