/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bridge netd, prerouting: identity. A port of a managed bridge speaks with its own MAC and
 * addresses, or not at all. */
#include "core/compile/bridge.h"

#define CHAIN_GUARD "guard"
#define CHAIN_GUARD_ICMPV6 "guard_icmpv6"
#define CHAIN_NOT_OWN "not_its_own"
#define CHAIN_OWN_MAC "with_its_own_mac"
#define CHAIN_BORROWED "borrowed"

static const uint8_t igmp = 2, all_hosts[4] = { 224, 0, 0, 1 };

/* Ranges that some tier speaks for; single addresses are among those of containers. */
static void emit_spoken_guard(struct emit *e, struct rs_chain *chain, const char *target)
{
	if (!e->any_ranges)
		return;
	EMIT(e, chain, RS_GOTO, target, ether_type(ETHERTYPE_IP),
	     match_in(RS_IP_SADDR, SET_SPOKEN4));
	EMIT(e, chain, RS_GOTO, target, ether_type(ETHERTYPE_IP6),
	     match_in(RS_IP6_SADDR, SET_SPOKEN6));
}

static void emit_bridge_prerouting(struct emit *e)
{
	struct rs_chain *chain =
		emit_base_chain(e, "prerouting", RS_HOOK_PREROUTING, BRIDGE_PRIORITY_FIRST,
				"a port speaks with its own MAC and addresses");
	uint8_t icmp6 = proto_number(PROTO_ICMPV6);

	if (e->err)
		return;
	EMIT(e, chain, RS_ACCEPT, NULL, ether_type(ETHERTYPE_IP),
	     match_in3(RS_META_IIFNAME, RS_ETHER_SADDR, RS_IP_SADDR, SET_GUARD4),
	     match_is_not(RS_META_L4PROTO, &igmp));
	EMIT(e, chain, RS_ACCEPT, NULL, ether_type(ETHERTYPE_IP6),
	     match_in3(RS_META_IIFNAME, RS_ETHER_SADDR, RS_IP6_SADDR, SET_GUARD6),
	     match_is_not(RS_META_L4PROTO, &icmp6));
	EMIT(e, chain, RS_GOTO, CHAIN_GUARD, match_in(RS_META_IIFNAME, SET_PORTS));
	EMIT(e, chain, RS_GOTO, CHAIN_BORROWED, match_in(RS_ETHER_SADDR, SET_MACS));
	EMIT(e, chain, RS_GOTO, CHAIN_BORROWED, ether_type(ETHERTYPE_IP),
	     match_in(RS_IP_SADDR, SET_ANY4));
	EMIT(e, chain, RS_GOTO, CHAIN_BORROWED, ether_type(ETHERTYPE_IP6),
	     match_in(RS_IP6_SADDR, SET_ANY6));
	EMIT(e, chain, RS_GOTO, CHAIN_BORROWED, ether_type(ETHERTYPE_ARP),
	     match_in(RS_ARP_SADDR_IP, SET_ANY4));
	if (e->any_shared) /* a container's port that rtnetlink has not shown yet */
		EMIT(e, chain, RS_GOTO, emit_end(e, REASON_UNKNOWN_PORT),
		     match_in(RS_ETHER_DADDR, SET_SHARED_MACS),
		     match_in(RS_META_IIFNAME, SET_ENGINE_PORTS),
		     match_not_in(RS_META_IIFNAME, SET_OTHER_PORTS));
	emit_spoken_guard(e, chain, CHAIN_BORROWED);
}

/* What a port says for others: what its tier speaks for, and a router what lies behind it, to
 * containers. Of ICMPv6, what is routed. */
static void emit_speaking(struct emit *e, struct rs_chain *chain, bool icmpv6)
{
	static const char *const routed[] = { SET_ROUTED4, SET_ROUTED6 };
	struct rs_match what = icmpv6 ? match_in(RS_ICMPV6_TYPE, SET_ROUTED_ICMPV6)
				      : match_is_not(RS_META_L4PROTO, &igmp);

	for (size_t i = icmpv6; i < 2 * e->n_groups && !e->err; i += icmpv6 ? 2 : 1) {
		const struct group *group = &e->groups[i / 2];
		enum rs_field source = i % 2 ? RS_IP6_SADDR : RS_IP_SADDR;
		struct rs_match type = ether_type(i % 2 ? ETHERTYPE_IP6 : ETHERTYPE_IP);
		if (!group->speakers)
			continue;
		struct rs_match port = match_in2(RS_META_IIFNAME, RS_ETHER_SADDR, group->speakers);
		if (group->speaks)
			EMIT(e, chain, RS_ACCEPT, NULL, type, port,
			     match_in(source, group->spoken[i % 2]), what);
		if (group->routes[i % 2])
			EMIT(e, chain, RS_ACCEPT, NULL, type, port, match_in(source, routed[i % 2]),
			     match_in(RS_ETHER_DADDR, SET_MACS), what);
	}
}

/* A container's MAC or address, from a port that is not known as its own: a machine's beside it, or
 * its own, which rtnetlink has not shown yet. */
static void emit_borrowed(struct emit *e)
{
	struct rs_chain *chain =
		emit_chain(e, CHAIN_BORROWED, "what is a container's, from another port");

	if (e->any_shared && !e->err)
		EMIT(e, chain, RS_GOTO, emit_end(e, REASON_SPOOFED),
		     match_in(RS_META_IIFNAME, SET_OTHER_PORTS));
	if (!e->err)
		emit_always(e, chain, RS_GOTO, emit_end(e, REASON_UNKNOWN_PORT));
}

static void emit_guard(struct emit *e)
{
	struct rs_chain *chain = emit_chain(e, CHAIN_GUARD, "ARP, ICMPv6 and IGMP of our ports");
	struct rs_match own = match_in3(RS_META_IIFNAME, RS_ETHER_SADDR, RS_IP_SADDR, SET_GUARD4);

	if (e->err)
		return;
	EMIT(e, chain, RS_ACCEPT, NULL, ether_type(ETHERTYPE_ARP),
	     match_in3(RS_META_IIFNAME, RS_ETHER_SADDR, RS_ARP_SADDR_IP, SET_GUARD4),
	     match_in3(RS_META_IIFNAME, RS_ARP_SADDR_ETHER, RS_ARP_SADDR_IP, SET_GUARD4));
	EMIT(e, chain, RS_GOTO, CHAIN_GUARD_ICMPV6, ether_type(ETHERTYPE_IP6), is_icmpv6());
	emit_speaking(e, chain, false);
	/* General queries go to all hosts, reports and leaves elsewhere. */
	EMIT(e, chain, RS_ACCEPT, NULL, ether_type(ETHERTYPE_IP),
	     match_number(RS_META_L4PROTO, igmp), own, match_is_not(RS_IP_DADDR, all_hosts));
	EMIT(e, chain, RS_GOTO, emit_end(e, REASON_ROUTER), ether_type(ETHERTYPE_IP),
	     match_number(RS_META_L4PROTO, igmp), own);
	emit_always(e, chain, RS_GOTO, CHAIN_NOT_OWN);
}

/* No container is a router, of multicast neither: a bridge that has heard a query floods multicast,
 * and with it neighbour discovery, only to ports that answered it. An advertisement is for an
 * address of one's own; the probe for a duplicate address has no source yet, but a target. What
 * every kernel sends when its interface comes up is no denial; of a port that is closed, such a
 * probe is part of that. */
static void emit_guard_icmpv6(struct emit *e)
{
	static const uint8_t unspecified[16],
		of_routers[] = { MLD_QUERY, ND_ROUTER_ADVERT, ND_REDIRECT };
	static const enum rs_field target[] = { RS_META_IIFNAME, RS_ETHER_SADDR,
						RS_ICMPV6_TADDR_HIGH, RS_ICMPV6_TADDR_LOW };
	struct rs_match own_target = match_in_all(target, ARRAY_LEN(target), SET_GUARD_ND);
	struct rs_match own_source =
		match_in3(RS_META_IIFNAME, RS_ETHER_SADDR, RS_IP6_SADDR, SET_GUARD6);
	struct rs_match no_source = match_is(RS_IP6_SADDR, unspecified);
	struct rs_chain *chain = emit_chain(e, CHAIN_GUARD_ICMPV6, NULL);
	const char *noise = emit_end(e, REASON_NOISE);

	if (e->err)
		return;
	for (size_t i = 1; i < ARRAY_LEN(of_routers) && emit_has_audited_ports(e); i++)
		EMIT(e, chain, RS_GOTO, emit_audited_end(e, REASON_ROUTER), is_icmpv6(),
		     match_number(RS_ICMPV6_TYPE, of_routers[i]),
		     match_in(RS_META_IIFNAME, SET_AUDITED_PORTS));
	for (size_t i = 1; i < ARRAY_LEN(of_routers) && e->ignore; i++)
		EMIT(e, chain, RS_ACCEPT, NULL, is_icmpv6(),
		     match_number(RS_ICMPV6_TYPE, of_routers[i]),
		     match_in(RS_META_IIFNAME, SET_LEFT_PORTS));
	for (size_t i = 0; i < ARRAY_LEN(of_routers); i++)
		EMIT(e, chain, RS_GOTO, emit_end(e, REASON_ROUTER), is_icmpv6(),
		     match_number(RS_ICMPV6_TYPE, of_routers[i]));
	EMIT(e, chain, RS_ACCEPT, NULL, is_icmpv6(), match_number(RS_ICMPV6_TYPE, ND_ADVERT),
	     own_source, own_target);
	if (!emit_has_loose_ports(e))
		EMIT(e, chain, RS_GOTO, emit_end(e, REASON_SPOOFED), is_icmpv6(),
		     match_number(RS_ICMPV6_TYPE, ND_ADVERT), own_source);
	EMIT(e, chain, RS_GOTO, CHAIN_NOT_OWN, is_icmpv6(),
	     match_number(RS_ICMPV6_TYPE, ND_ADVERT));
	EMIT(e, chain, RS_ACCEPT, NULL, own_source);
	if (e->ignore) /* their noise is left alone, too */
		EMIT(e, chain, RS_GOTO, CHAIN_NOT_OWN, match_in(RS_META_IIFNAME, SET_LEFT_PORTS));
	EMIT(e, chain, RS_ACCEPT, NULL, no_source, is_icmpv6(),
	     match_number(RS_ICMPV6_TYPE, ND_SOLICIT), own_target);
	emit_speaking(e, chain, true);
	EMIT(e, chain, RS_GOTO, noise, is_icmpv6(), match_in(RS_ICMPV6_TYPE, SET_NOISE));
	EMIT(e, chain, RS_GOTO, noise, no_source, is_icmpv6(),
	     match_number(RS_ICMPV6_TYPE, ND_SOLICIT), match_in(RS_META_IIFNAME, SET_CLOSED));
	emit_always(e, chain, RS_GOTO, CHAIN_NOT_OWN);
}

/* Why: the port is closed as a whole, or what of the frame is not its own. */
static void emit_not_own(struct emit *e)
{
	struct rs_chain *chain = emit_chain(e, CHAIN_NOT_OWN, "a port says what is not its own");

	if (e->err)
		return;
	emit_closed_ports(e, chain, RS_META_IIFNAME);
	emit_loose_ports(e, chain);
	EMIT(e, chain, RS_GOTO, CHAIN_OWN_MAC,
	     match_in2(RS_META_IIFNAME, RS_ETHER_SADDR, SET_PORT_MAC));
	EMIT(e, chain, RS_GOTO, emit_end(e, REASON_SPOOFED), match_in(RS_ETHER_SADDR, SET_MACS));
	emit_always(e, chain, RS_GOTO, emit_end(e, REASON_FOREIGN_MAC));
}

static void emit_own_mac(struct emit *e)
{
	static const uint32_t known[] = { ETHERTYPE_IP, ETHERTYPE_IP6, ETHERTYPE_ARP };
	struct rs_chain *chain = emit_chain(e, CHAIN_OWN_MAC, NULL);
	const char *spoofed = emit_end(e, REASON_SPOOFED);

	if (e->err)
		return;
	/* Its own address, but no protocol that could be looked at. */
	EMIT(e, chain, RS_GOTO, emit_end(e, REASON_FRAME),
	     match_in3(RS_META_IIFNAME, RS_ETHER_SADDR, RS_IP6_SADDR, SET_GUARD6));
	EMIT(e, chain, RS_GOTO, spoofed, ether_type(ETHERTYPE_IP), match_in(RS_IP_SADDR, SET_ANY4));
	EMIT(e, chain, RS_GOTO, spoofed, ether_type(ETHERTYPE_IP6),
	     match_in(RS_IP6_SADDR, SET_ANY6));
	EMIT(e, chain, RS_GOTO, spoofed, ether_type(ETHERTYPE_ARP),
	     match_in(RS_ARP_SADDR_IP, SET_ANY4));
	emit_spoken_guard(e, chain, spoofed);
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		EMIT(e, chain, RS_GOTO, emit_end(e, REASON_FOREIGN_SOURCE), ether_type(known[i]));
	emit_always(e, chain, RS_GOTO, emit_end(e, REASON_FRAME));
}

void emit_bridge_identity(struct emit *e)
{
	emit_bridge_prerouting(e);
	emit_borrowed(e);
	emit_guard(e);
	emit_guard_icmpv6(e);
	emit_not_own(e);
	emit_own_mac(e);
	emit_loose_guards(e);
}
