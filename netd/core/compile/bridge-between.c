/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bridge netd, the other hooks: between two ports of a bridge, and what a port receives. */
#include <errno.h>

#include "core/compile/bridge.h"
#include "core/compile/elements.h"

/* After br_netfilter (0) has taken the frame through the inet hooks. */
#define PRIORITY_AFTER_INET 10
#define PRIORITY_BEFORE_INET (-1)

#define CHAIN_APART "apart"
#define CHAIN_MISDIRECTED "misdirected"
#define CHAIN_TO_CLOSED "to_closed_port"

/* ether daddr & 01:00:00:00:00:00 == 01:00:00:00:00:00 */
static struct rs_match to_group(void)
{
	static const uint8_t group_bit[6] = { 1 };
	struct rs_match match = match_is(RS_ETHER_DADDR, group_bit);

	match.op = RS_BITS;
	rs_key_add(&match.mask, RS_TYPE_ETHER_ADDR, group_bit, false);
	return match;
}

/* The mark says what the inet hooks let pass, and nothing else: frames that meet none of them come
 * with whatever others have put there. */
static void emit_unmark(struct emit *e)
{
	uint32_t bit = e->in->mark_bit;
	struct rs_mark clear = { RS_META_MARK, ~bit, 0, false };
	struct draft marked = { .rule = { .mark = arena_dup(e->arena, &clear, sizeof(clear)) } };

	if (e->err || !e->needs_bridge_nf)
		return;
	struct rs_chain *chain = emit_base_chain(e, "unmark", RS_HOOK_FORWARD, PRIORITY_BEFORE_INET,
						 "no frame brings netd's own mark with it");
	if (e->err || !marked.rule.mark) {
		e->err = -ENOMEM;
		return;
	}
	draft_add(&marked, match_bits(RS_META_MARK, bit, bit));
	emit_verdict(e, chain, &marked, RS_CONTINUE, NULL);
}

/* ARP and neighbour discovery. */
static void emit_discovery(struct emit *e, struct rs_chain *chain, struct rs_match from,
			   struct rs_match to)
{
	EMIT(e, chain, RS_ACCEPT, NULL, ether_type(ETHERTYPE_ARP), from, to);
	for (uint32_t type = ND_SOLICIT; type <= ND_ADVERT; type++)
		EMIT(e, chain, RS_ACCEPT, NULL, ether_type(ETHERTYPE_IP6), is_icmpv6(),
		     match_number(RS_ICMPV6_TYPE, type), from, to);
}

/* What the inet hooks let pass. */
static void emit_bridge_passed(struct emit *e, struct rs_chain *chain, struct rs_match from,
			       struct rs_match to)
{
	uint32_t bit = e->in->mark_bit;
	struct rs_mark clear = { RS_META_MARK, ~bit, 0, false };
	struct draft passed = { 0 };

	passed.rule.mark = arena_dup(e->arena, &clear, sizeof(clear));
	if (!passed.rule.mark) {
		e->err = -ENOMEM;
		return;
	}
	draft_add(&passed, match_bits(RS_META_MARK, bit, bit));
	draft_add(&passed, from);
	draft_add(&passed, to);
	if (e->needs_bridge_nf)
		emit_verdict(e, chain, &passed, RS_ACCEPT, NULL);
}

/* Between ports that are left alone, and what else is on a bridge that others share. */
static void emit_left_between(struct emit *e, struct rs_chain *chain)
{
	struct rs_match from = match_in(RS_META_IIFNAME, SET_LEFT_PORTS);
	struct rs_match to = match_in(RS_META_OIFNAME, SET_LEFT_PORTS);

	EMIT(e, chain, RS_ACCEPT, NULL, from, to);
	if (!e->any_shared)
		return;
	EMIT(e, chain, RS_ACCEPT, NULL, from, match_in(RS_META_OIFNAME, SET_OTHER_PORTS));
	EMIT(e, chain, RS_ACCEPT, NULL, to, match_in(RS_META_IIFNAME, SET_OTHER_PORTS));
}

/* The inet hooks see no ports: a frame for all is for those of its own kind alone. */
static void emit_loose_groups(struct emit *e, struct rs_chain *chain)
{
	static const char *const sets[] = { SET_AUDITED_PORTS, SET_LEFT_PORTS };
	const bool wanted[] = { emit_has_audited_ports(e), e->ignore };

	for (size_t i = 0; i < ARRAY_LEN(sets); i++)
		if (wanted[i])
			EMIT(e, chain, RS_GOTO, CHAIN_APART, to_group(),
			     match_in(RS_META_IIFNAME, sets[i]),
			     match_not_in(RS_META_OIFNAME, sets[i]));
}

/* A container's port that rtnetlink has not shown yet, and what the bridge is shared with: that is
 * a port of a bridge of ours, so the other one is. */
static void emit_unseen_ports(struct emit *e, struct rs_chain *chain)
{
	static const enum rs_field ends[][2] = { { RS_META_IIFNAME, RS_META_OIFNAME },
						 { RS_META_OIFNAME, RS_META_IIFNAME } };

	for (size_t i = 0; i < ARRAY_LEN(ends) && e->any_shared; i++)
		EMIT(e, chain, RS_GOTO, CHAIN_APART, match_in(ends[i][0], SET_OTHER_PORTS),
		     match_in(ends[i][1], SET_ENGINE_PORTS),
		     match_not_in(ends[i][1], SET_OTHER_PORTS),
		     match_not_in(ends[i][1], SET_PORTS));
}

/* What passes between tiers is the most, and netd's mark is seen without a lookup, so it goes
 * first: no rule before it is about a frame between two of our ports, but for those of ports that
 * are not guarded strictly. In each rule what is compared comes before what is looked up. */
static void emit_bridge_forward(struct emit *e)
{
	static const enum rs_field port[] = { RS_META_IIFNAME };
	struct rs_chain *chain = emit_base_chain(e, "forward", RS_HOOK_FORWARD, PRIORITY_AFTER_INET,
						 "from port to port of a managed bridge");
	struct rs_match from_ours = match_in(RS_META_IIFNAME, SET_PORTS);
	struct rs_match to_ours = match_in(RS_META_OIFNAME, SET_PORTS);
	struct rs_match from_others = match_in(RS_META_IIFNAME, SET_OTHER_PORTS);
	struct rs_match to_others = match_in(RS_META_OIFNAME, SET_OTHER_PORTS);

	if (e->err)
		return;
	if (!emit_has_loose_ports(e))
		emit_bridge_passed(e, chain, from_ours, to_ours);
	emit_unseen_ports(e, chain);
	EMIT(e, chain, RS_ACCEPT, NULL, match_not_in(RS_META_IIFNAME, SET_PORTS),
	     match_not_in(RS_META_OIFNAME, SET_PORTS));
	if (e->ignore)
		emit_left_between(e, chain);
	emit_discovery(e, chain, from_ours, to_ours);
	emit_loose_groups(e, chain);
	if (emit_has_loose_ports(e))
		emit_bridge_passed(e, chain, from_ours, to_ours);
	if (e->any_shared) {
		emit_discovery(e, chain, from_ours, to_others);
		emit_bridge_passed(e, chain, from_ours, to_others);
		emit_discovery(e, chain, from_others, to_ours);
		emit_bridge_passed(e, chain, from_others, to_ours);
	}
	emit_vmap(e, chain, port, 1, MAP_WITHIN);
	emit_always(e, chain, RS_GOTO, CHAIN_APART);
}

/* Why a frame does not pass between two ports. */
static void emit_apart(struct emit *e)
{
	static const enum rs_field sides[] = { RS_META_IIFNAME, RS_META_OIFNAME };
	struct rs_chain *chain = emit_chain(e, CHAIN_APART, "two ports that are not together");

	if (e->err)
		return;
	for (size_t i = 0; i < ARRAY_LEN(sides) && !e->any_shared; i++)
		EMIT(e, chain, RS_GOTO, emit_end(e, REASON_UNKNOWN_PORT),
		     match_not_in(sides[i], SET_PORTS));
	for (size_t i = 0; i < ARRAY_LEN(sides) && e->any_shared; i++)
		EMIT(e, chain, RS_GOTO, emit_end(e, REASON_UNKNOWN_PORT),
		     match_not_in(sides[i], SET_PORTS), match_not_in(sides[i], SET_OTHER_PORTS));
	EMIT(e, chain, RS_GOTO, emit_end(e, REASON_GROUP), to_group());
	emit_always(e, chain, RS_GOTO, emit_end(e, REASON_UNSEEN));
}

/* What goes through a router. */
static void emit_to_speakers(struct emit *e, struct rs_chain *chain)
{
	static const char *const routed[] = { SET_ROUTED4, SET_ROUTED6 };
	static const enum rs_field destination[] = { RS_IP_DADDR, RS_IP6_DADDR };

	for (size_t i = 0; i < 2 * e->n_groups && !e->err; i++) {
		const struct group *group = &e->groups[i / 2];
		size_t family = i % 2;
		struct rs_match type = ether_type(family ? ETHERTYPE_IP6 : ETHERTYPE_IP);
		if (!group->speakers)
			continue;
		struct rs_match port = match_in2(RS_META_OIFNAME, RS_ETHER_DADDR, group->speakers);
		if (group->speaks)
			EMIT(e, chain, RS_ACCEPT, NULL, type, port,
			     match_in(destination[family], group->spoken[family]));
		if (group->routes[family])
			EMIT(e, chain, RS_ACCEPT, NULL, type, port,
			     match_in(destination[family], routed[family]));
	}
}

/* What is meant for one container goes to its port only: a bridge floods frames for a MAC that it
 * has forgotten. And only with an address that the container has here: its kernel would take a
 * packet for its address on another network too, where others may reach it than here; in a frame
 * for all as well. */
static void emit_postrouting(struct emit *e)
{
	struct rs_chain *chain = emit_base_chain(
		e, "postrouting", RS_HOOK_POSTROUTING, BRIDGE_PRIORITY_FIRST,
		"a port receives what is meant for it, or for all; nothing until it is admitted");

	if (e->err)
		return;
	EMIT(e, chain, RS_ACCEPT, NULL, ether_type(ETHERTYPE_IP),
	     match_in3(RS_META_OIFNAME, RS_ETHER_DADDR, RS_IP_DADDR, SET_GUARD4));
	EMIT(e, chain, RS_ACCEPT, NULL, ether_type(ETHERTYPE_IP6),
	     match_in3(RS_META_OIFNAME, RS_ETHER_DADDR, RS_IP6_DADDR, SET_GUARD6));
	EMIT(e, chain, RS_ACCEPT, NULL, ether_type(ETHERTYPE_ARP),
	     match_in3(RS_META_OIFNAME, RS_ETHER_DADDR, RS_ARP_DADDR_IP, SET_GUARD4));
	emit_to_speakers(e, chain);
	EMIT(e, chain, RS_GOTO, CHAIN_TO_CLOSED, match_in(RS_META_OIFNAME, SET_CLOSED));
	EMIT(e, chain, RS_GOTO, CHAIN_MISDIRECTED, match_in(RS_ETHER_DADDR, SET_MACS));
	if (e->ignore)
		EMIT(e, chain, RS_ACCEPT, NULL, match_in(RS_META_OIFNAME, SET_LEFT_PORTS));
	if (e->any_shared && emit_has_loose_ports(e))
		EMIT(e, chain, RS_ACCEPT, NULL, match_in(RS_META_OIFNAME, SET_OTHER_PORTS));
	if (emit_has_loose_ports(e)) /* the inet hooks left it to the port */
		EMIT(e, chain, RS_GOTO, emit_end(e, REASON_UNKNOWN_PORT),
		     match_not_in(RS_META_OIFNAME, SET_PORTS), match_marked(e));
	EMIT(e, chain, RS_ACCEPT, NULL, match_not_in(RS_META_OIFNAME, SET_PORTS));
	EMIT(e, chain, RS_GOTO, CHAIN_MISDIRECTED, ether_type(ETHERTYPE_IP),
	     match_in(RS_IP_DADDR, SET_ANY4));
	EMIT(e, chain, RS_GOTO, CHAIN_MISDIRECTED, ether_type(ETHERTYPE_IP6),
	     match_in(RS_IP6_DADDR, SET_ANY6));
	EMIT(e, chain, RS_ACCEPT, NULL, to_group());
	emit_always(e, chain, RS_GOTO, CHAIN_MISDIRECTED);
}

static void emit_to_closed(struct emit *e)
{
	struct rs_chain *chain = emit_chain(e, CHAIN_TO_CLOSED, NULL);

	if (e->err)
		return;
	EMIT(e, chain, RS_GOTO, emit_end(e, REASON_FLOODED), to_group());
	emit_closed_ports(e, chain, RS_META_OIFNAME);
}

/* Under its own MAC an audited port hears what is for no container of another one. */
static void emit_to_audited(struct emit *e, struct rs_chain *chain)
{
	struct rs_match audited = match_in(RS_META_OIFNAME, SET_AUDITED_PORTS);
	struct rs_match own = match_in2(RS_META_OIFNAME, RS_ETHER_DADDR, SET_PORT_MAC);
	const char *misdirected = emit_end(e, REASON_MISDIRECTED);

	EMIT(e, chain, RS_GOTO, misdirected, audited, ether_type(ETHERTYPE_IP), own,
	     match_in(RS_IP_DADDR, SET_ANY4));
	EMIT(e, chain, RS_GOTO, misdirected, audited, ether_type(ETHERTYPE_IP6), own,
	     match_in(RS_IP6_DADDR, SET_ANY6));
	EMIT(e, chain, RS_GOTO, emit_audited_end(e, REASON_MISDIRECTED), audited, own);
}

/* To the port's own MAC, or to all, but with an address that its container has not; else it is a
 * copy for somebody else. */
static void emit_misdirected(struct emit *e)
{
	struct rs_chain *chain = emit_chain(e, CHAIN_MISDIRECTED, NULL);
	const char *misdirected = emit_end(e, REASON_MISDIRECTED);

	if (e->err)
		return;
	if (emit_has_audited_ports(e))
		emit_to_audited(e, chain);
	EMIT(e, chain, RS_GOTO, misdirected,
	     match_in2(RS_META_OIFNAME, RS_ETHER_DADDR, SET_PORT_MAC));
	EMIT(e, chain, RS_GOTO, misdirected, to_group());
	emit_always(e, chain, RS_GOTO, emit_end(e, REASON_FLOODED));
}

/* What stands on a bridge (VLAN, macvlan, macvtap) sends and receives as the bridge itself does,
 * past prerouting and all inet hooks. It is nobody: between it and containers nothing passes. The
 * host speaks with the bridge's own MAC, and untagged. */
static void emit_upper(struct emit *e)
{
	struct rs_match to = match_in(RS_META_OIFNAME, SET_STACKED_PORTS);
	struct rs_match from = match_in(RS_META_IIFNAME, SET_STACKED_PORTS);
	struct rs_match group = to_group();
	const char *stacked;

	if (!e->any_stacked)
		return;
	stacked = emit_end(e, REASON_STACKED);
	struct rs_chain *out = emit_base_chain(e, "output", RS_HOOK_OUTPUT, BRIDGE_PRIORITY_FIRST,
					       "from the host alone, not from what stands on a "
					       "bridge");
	struct rs_chain *in = emit_base_chain(e, "input", RS_HOOK_INPUT, BRIDGE_PRIORITY_FIRST,
					      "to the host alone, not to what stands on a bridge");
	if (e->err)
		return;
	if (emit_has_audited_ports(e)) {
		const char *passes = emit_audited_end(e, REASON_STACKED);
		EMIT(e, out, RS_GOTO, passes, to, match_in(RS_META_OIFNAME, SET_AUDITED_PORTS),
		     match_not_in(RS_ETHER_SADDR, SET_BRIDGE_MACS));
		EMIT(e, in, RS_GOTO, passes, from, match_in(RS_META_IIFNAME, SET_AUDITED_PORTS),
		     match_not_in(RS_ETHER_DADDR, SET_BRIDGE_MACS));
	}
	EMIT(e, out, RS_GOTO, stacked, to, match_not_in(RS_ETHER_SADDR, SET_BRIDGE_MACS));
	EMIT(e, out, RS_GOTO, stacked, to, ether_type(ETHERTYPE_VLAN));
	EMIT(e, out, RS_GOTO, stacked, to, ether_type(ETHERTYPE_SVLAN));
	EMIT(e, in, RS_ACCEPT, NULL, match_in(RS_ETHER_DADDR, SET_BRIDGE_MACS));
	EMIT(e, in, RS_GOTO, stacked, from, ether_type(ETHERTYPE_IP));
	for (uint32_t type = ND_SOLICIT; type <= ND_ADVERT; type++)
		EMIT(e, in, RS_ACCEPT, NULL, from, group, ether_type(ETHERTYPE_IP6), is_icmpv6(),
		     match_number(RS_ICMPV6_TYPE, type));
	EMIT(e, in, RS_ACCEPT, NULL, from, group, ether_type(ETHERTYPE_ARP));
	EMIT(e, in, RS_GOTO, stacked, from);
}

/* Members of one tier that may reach each other freely need no connection state: this holds
 * without br_netfilter too. */
static void emit_within_group(struct emit *e, const struct group *group)
{
	static const enum rs_type type[] = { RS_TYPE_IFNAME };
	const char *set_name = emit_name_of(e, "ports_of", group);
	const char *name = emit_name_of(e, "within", group);
	struct rs_chain *chain = emit_chain(e, name, NULL);

	(void)emit_port_set(e, emit_within_set(e, group), set_name, type, 1);
	if (e->err)
		return;
	EMIT(e, chain, RS_ACCEPT, NULL, match_in(RS_META_OIFNAME, set_name));
	emit_always(e, chain, RS_GOTO, CHAIN_APART);
	e->within_chains[group - e->groups] = emit_fully_within(e, group) ? name : NULL;
}

static void emit_within(struct emit *e)
{
	static const enum rs_type type[] = { RS_TYPE_IFNAME };
	struct rs_set *map = emit_port_set(e, PORT_SET_WITHIN, MAP_WITHIN, type, 1);

	if (map)
		map->map = true;
	for (size_t g = 0; g < e->n_groups && !e->err; g++)
		if (!e->groups[g].unjudged) /* else emit_left_between() */
			emit_within_group(e, &e->groups[g]);
}

void emit_bridge_between(struct emit *e)
{
	emit_within(e);
	emit_unmark(e);
	emit_bridge_forward(e);
	emit_apart(e);
	emit_postrouting(e);
	emit_to_closed(e);
	emit_misdirected(e);
	emit_upper(e);
}
