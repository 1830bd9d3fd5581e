/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Table bridge netd: identity. Only this family sees which port a frame came from, and every frame,
 * VLAN-tagged ones too. A port of a managed bridge speaks with its own MAC and addresses or not at
 * all, and receives nothing until it is admitted.
 *
 * A port is known by name (this family cannot name the bridge on every kernel), so a port that was
 * plugged in while nobody watched is not in @ports. It may then not speak in a container's name,
 * reaches no known port, and to the inet table it is nobody. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "core/compile/emit.h"

#define PRIORITY_FIRST (-300)
/* After br_netfilter (0) has taken the frame through the inet hooks. */
#define PRIORITY_AFTER_INET 10
#define PRIORITY_BEFORE_INET (-1)

#define SET_CLOSED "closed_ports"
#define SET_GUARD4 COMPILE_GUARD4
#define SET_GUARD6 COMPILE_GUARD6
#define SET_GUARD_ND "guard_nd"
#define SET_MACS "any_mac"
#define MAP_WITHIN "within_tier"

enum { ETHERTYPE_IP = 0x0800, ETHERTYPE_ARP = 0x0806, ETHERTYPE_IP6 = 0x86dd,
       ETHERTYPE_VLAN = 0x8100, ETHERTYPE_SVLAN = 0x88a8 };
enum {
	MLD_QUERY = 130,
	ND_ROUTER_ADVERT = 134,
	ND_SOLICIT = 135,
	ND_ADVERT = 136,
	ND_REDIRECT = 137
};

static struct rs_match ether_type(uint32_t type)
{
	return match_number(RS_ETHER_TYPE, type);
}

static const uint8_t igmp = 2, all_hosts[4] = { 224, 0, 0, 1 };

static struct rs_match icmpv6(void)
{
	return match_number(RS_META_L4PROTO, proto_number(PROTO_ICMPV6));
}

static void emit_counted_drop(struct emit *e, struct rs_chain *chain, const char *counter)
{
	struct draft draft = { .rule = { .counter = counter } };

	if (ruleset_add_counter(e->rs, e->family, counter) < 0)
		e->err = -ENOMEM;
	emit_verdict(e, chain, &draft, RS_DROP, NULL);
}

/* ---- sets ---- */

struct bridge_sets {
	struct rs_set *guard[2], *any[2], *macs, *guard_nd, *closed;
};

/* Admits the address on its port only. */
static void add_guard(struct emit *e, struct bridge_sets *sets, const struct rs_key *port_mac,
		      const struct ip_addr *addr)
{
	size_t family = addr->family == IP_V6;
	struct rs_key key = *port_mac;

	rs_key_add(&key, family ? RS_TYPE_IPV6 : RS_TYPE_IPV4, addr->bytes, true);
	emit_elem(e, sets->guard[family], &key);
	if (family) /* the same bytes, as the halves of a neighbour message's target */
		emit_elem(e, sets->guard_nd, &key);
}

static void add_port(struct emit *e, struct bridge_sets *sets, size_t i)
{
	struct rs_key port = key_ifname(e->in->world->ports[i].ifname), port_mac = { 0 };

	if (e->ports[i].endpoint == NOBODY) {
		if (e->ports[i].managed)
			emit_elem(e, sets->closed, &port);
		return;
	}
	const struct world_endpoint *endpoint = &e->in->world->endpoints[e->ports[i].endpoint];
	struct ip_addr local = ip_link_local(&endpoint->mac);
	rs_key_add(&port_mac, RS_TYPE_IFNAME, port.bytes, true);
	rs_key_add(&port_mac, RS_TYPE_ETHER_ADDR, endpoint->mac.bytes, true);
	if (endpoint->ipv4.family)
		add_guard(e, sets, &port_mac, &endpoint->ipv4);
	if (endpoint->ipv6.family) {
		add_guard(e, sets, &port_mac, &endpoint->ipv6);
		add_guard(e, sets, &port_mac, &local);
	}
}

/* What is the endpoint's alone, whether its port is known or not. */
static void add_link_layer(struct emit *e, struct bridge_sets *sets, size_t i)
{
	const struct world_endpoint *endpoint = &e->in->world->endpoints[i];
	struct ip_addr local = ip_link_local(&endpoint->mac);
	struct rs_key mac = { 0 }, addr = key_addr(&local);

	rs_key_add(&mac, RS_TYPE_ETHER_ADDR, endpoint->mac.bytes, false);
	if (!mac_is_zero(&endpoint->mac))
		emit_elem(e, sets->macs, &mac);
	if (endpoint->ipv6.family)
		emit_elem(e, sets->any[1], &addr);
}

static void emit_other_ports(struct emit *e)
{
	static const enum rs_type type[] = { RS_TYPE_IFNAME };
	struct rs_set *others = e->any_shared ? emit_set(e, SET_OTHER_PORTS, type, 1) : NULL;

	for (size_t i = 0; others && i < e->in->world->n_ports; i++) {
		struct rs_key key = key_ifname(e->in->world->ports[i].ifname);
		if (e->ports[i].others)
			emit_elem(e, others, &key);
	}
}

static void emit_stacked(struct emit *e)
{
	static const enum rs_type port_type[] = { RS_TYPE_IFNAME };
	static const enum rs_type mac_type[] = { RS_TYPE_ETHER_ADDR };
	struct rs_set *ports = NULL, *macs = NULL;

	if (!e->any_stacked)
		return;
	ports = emit_set(e, SET_STACKED_PORTS, port_type, 1);
	macs = emit_set(e, SET_BRIDGE_MACS, mac_type, 1);
	for (size_t i = 0; i < e->in->world->n_ports && !e->err; i++) {
		struct rs_key key = key_ifname(e->in->world->ports[i].ifname);
		if (e->ports[i].stacked)
			emit_elem(e, ports, &key);
	}
	for (size_t i = 0; i < e->n_bridges && !e->err; i++) {
		struct rs_key key = { 0 };
		if (!e->bridges[i].seen || !e->bridges[i].seen->stacked)
			continue;
		rs_key_add(&key, RS_TYPE_ETHER_ADDR, e->bridges[i].seen->mac.bytes, false);
		emit_elem(e, macs, &key);
	}
}

static void emit_sets(struct emit *e)
{
	static const enum rs_type guard4[] = { RS_TYPE_IFNAME, RS_TYPE_ETHER_ADDR, RS_TYPE_IPV4 };
	static const enum rs_type guard6[] = { RS_TYPE_IFNAME, RS_TYPE_ETHER_ADDR, RS_TYPE_IPV6 };
	static const enum rs_type guard_nd[] = { RS_TYPE_IFNAME, RS_TYPE_ETHER_ADDR,
						 RS_TYPE_ND_HIGH, RS_TYPE_ND_LOW };
	static const enum rs_type mac[] = { RS_TYPE_ETHER_ADDR };
	struct bridge_sets sets;

	emit_ports(e);
	emit_other_ports(e);
	emit_stacked(e);
	sets.closed = emit_set(e, SET_CLOSED, guard4, 1);
	sets.guard[0] = emit_set(e, SET_GUARD4, guard4, 3);
	sets.guard[1] = emit_set(e, SET_GUARD6, guard6, 3);
	sets.guard_nd = emit_set(e, SET_GUARD_ND, guard_nd, 4);
	sets.any[0] = emit_set(e, SET_ANY4, guard4 + 2, 1);
	sets.any[1] = emit_set(e, SET_ANY6, guard6 + 2, 1);
	sets.macs = emit_set(e, SET_MACS, mac, 1);
	for (size_t i = 0; i < e->n_addrs && !e->err; i++) {
		struct rs_key key = key_addr(&e->addrs[i].addr);
		if (emit_group_of(e, e->addrs[i].endpoint))
			emit_elem(e, sets.any[e->addrs[i].addr.family == IP_V6], &key);
	}
	for (size_t i = 0; i < e->in->world->n_endpoints && !e->err; i++)
		if (emit_group_of(e, i))
			add_link_layer(e, &sets, i);
	for (size_t i = 0; i < e->in->world->n_ports && !e->err; i++)
		add_port(e, &sets, i);
}

/* ---- identity ---- */

static void emit_prerouting(struct emit *e)
{
	struct rs_chain *chain =
		emit_base_chain(e, "prerouting", RS_HOOK_PREROUTING, PRIORITY_FIRST,
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
	EMIT(e, chain, RS_GOTO, "guard", match_in(RS_META_IIFNAME, SET_PORTS));
	EMIT(e, chain, RS_GOTO, "spoofed", match_in(RS_ETHER_SADDR, SET_MACS));
	EMIT(e, chain, RS_GOTO, "spoofed", ether_type(ETHERTYPE_IP),
	     match_in(RS_IP_SADDR, SET_ANY4));
	EMIT(e, chain, RS_GOTO, "spoofed", ether_type(ETHERTYPE_IP6),
	     match_in(RS_IP6_SADDR, SET_ANY6));
	EMIT(e, chain, RS_GOTO, "spoofed", ether_type(ETHERTYPE_ARP),
	     match_in(RS_ARP_SADDR_IP, SET_ANY4));
}

static void emit_guard(struct emit *e)
{
	struct rs_chain *chain =
		emit_chain(e, "guard", "ARP, ICMPv6 and IGMP of our ports; all else is dropped");

	if (e->err)
		return;
	EMIT(e, chain, RS_ACCEPT, NULL, ether_type(ETHERTYPE_ARP),
	     match_in3(RS_META_IIFNAME, RS_ETHER_SADDR, RS_ARP_SADDR_IP, SET_GUARD4),
	     match_in3(RS_META_IIFNAME, RS_ARP_SADDR_ETHER, RS_ARP_SADDR_IP, SET_GUARD4));
	EMIT(e, chain, RS_GOTO, "guard_icmpv6", ether_type(ETHERTYPE_IP6), icmpv6());
	/* General queries go to all hosts, reports and leaves elsewhere. */
	EMIT(e, chain, RS_ACCEPT, NULL, ether_type(ETHERTYPE_IP),
	     match_number(RS_META_L4PROTO, igmp),
	     match_in3(RS_META_IIFNAME, RS_ETHER_SADDR, RS_IP_SADDR, SET_GUARD4),
	     match_is_not(RS_IP_DADDR, all_hosts));
	emit_always(e, chain, RS_GOTO, "spoofed");
}

/* No container is a router, of multicast neither: a bridge that has heard a query floods multicast,
 * and with it neighbour discovery, only to ports that answered it. An advertisement is for an
 * address of one's own; the probe for a duplicate address has no source yet, but a target. */
static void emit_guard_icmpv6(struct emit *e)
{
	static const uint8_t unspecified[16];
	static const enum rs_field target[] = { RS_META_IIFNAME, RS_ETHER_SADDR,
						RS_ICMPV6_TADDR_HIGH, RS_ICMPV6_TADDR_LOW };
	struct rs_match own_target = match_in_all(target, ARRAY_LEN(target), SET_GUARD_ND);
	struct rs_match own_source =
		match_in3(RS_META_IIFNAME, RS_ETHER_SADDR, RS_IP6_SADDR, SET_GUARD6);
	struct rs_chain *chain = emit_chain(e, "guard_icmpv6", NULL);

	if (e->err)
		return;
	EMIT(e, chain, RS_GOTO, "spoofed", icmpv6(), match_number(RS_ICMPV6_TYPE, MLD_QUERY));
	EMIT(e, chain, RS_GOTO, "spoofed", icmpv6(),
	     match_number(RS_ICMPV6_TYPE, ND_ROUTER_ADVERT));
	EMIT(e, chain, RS_GOTO, "spoofed", icmpv6(), match_number(RS_ICMPV6_TYPE, ND_REDIRECT));
	EMIT(e, chain, RS_ACCEPT, NULL, icmpv6(), match_number(RS_ICMPV6_TYPE, ND_ADVERT),
	     own_source, own_target);
	EMIT(e, chain, RS_GOTO, "spoofed", icmpv6(), match_number(RS_ICMPV6_TYPE, ND_ADVERT));
	EMIT(e, chain, RS_ACCEPT, NULL, own_source);
	EMIT(e, chain, RS_ACCEPT, NULL, match_is(RS_IP6_SADDR, unspecified), icmpv6(),
	     match_number(RS_ICMPV6_TYPE, ND_SOLICIT), own_target);
	emit_always(e, chain, RS_GOTO, "spoofed");
}

static void emit_drop_chain(struct emit *e, const char *name)
{
	struct rs_chain *chain = emit_chain(e, name, NULL);

	if (!e->err)
		emit_counted_drop(e, chain, emit_name(e, "denied_%s", name));
}

/* ---- between ports of one bridge ---- */

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

/* ARP, neighbour discovery, and what the inet hooks let pass. */
static void emit_between(struct emit *e, struct rs_chain *chain, struct rs_match from,
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
	EMIT(e, chain, RS_ACCEPT, NULL, from, to, ether_type(ETHERTYPE_ARP));
	for (uint32_t type = ND_SOLICIT; type <= ND_ADVERT; type++)
		EMIT(e, chain, RS_ACCEPT, NULL, from, to, ether_type(ETHERTYPE_IP6), icmpv6(),
		     match_number(RS_ICMPV6_TYPE, type));
	draft_add(&passed, match_bits(RS_META_MARK, bit, bit));
	draft_add(&passed, from);
	draft_add(&passed, to);
	if (e->needs_bridge_nf)
		emit_verdict(e, chain, &passed, RS_ACCEPT, NULL);
}

static void emit_forward(struct emit *e)
{
	static const enum rs_field port[] = { RS_META_IIFNAME };
	struct rs_chain *chain = emit_base_chain(e, "forward", RS_HOOK_FORWARD, PRIORITY_AFTER_INET,
						 "from port to port of a managed bridge");
	struct rs_match from_ours = match_in(RS_META_IIFNAME, SET_PORTS);
	struct rs_match to_ours = match_in(RS_META_OIFNAME, SET_PORTS);

	if (e->err)
		return;
	EMIT(e, chain, RS_ACCEPT, NULL, match_not_in(RS_META_IIFNAME, SET_PORTS),
	     match_not_in(RS_META_OIFNAME, SET_PORTS));
	emit_between(e, chain, from_ours, to_ours);
	if (e->any_shared) {
		emit_between(e, chain, from_ours, match_in(RS_META_OIFNAME, SET_OTHER_PORTS));
		emit_between(e, chain, match_in(RS_META_IIFNAME, SET_OTHER_PORTS), to_ours);
	}
	emit_vmap(e, chain, port, 1, MAP_WITHIN);
	emit_counted_drop(e, chain, "denied_bridged");
}

/* ether daddr & @mask == @value */
static struct rs_match destination_bits(const uint8_t mask[6], const uint8_t value[6])
{
	struct rs_match match = match_is(RS_ETHER_DADDR, value);

	match.op = RS_BITS;
	rs_key_add(&match.mask, RS_TYPE_ETHER_ADDR, mask, false);
	return match;
}

/* What is meant for one container goes to its port only: a bridge floods frames for a MAC that it
 * has forgotten. And only with an address that the container has here: its kernel would take a
 * packet for its address on another network too, where others may reach it than here; in a frame
 * for all as well. */
static void emit_postrouting(struct emit *e)
{
	static const uint8_t group_bit[6] = { 1 };
	struct rs_chain *chain = emit_base_chain(
		e, "postrouting", RS_HOOK_POSTROUTING, PRIORITY_FIRST,
		"a port receives what is meant for it, or for all; nothing until it is admitted");

	if (e->err)
		return;
	EMIT(e, chain, RS_ACCEPT, NULL, ether_type(ETHERTYPE_IP),
	     match_in3(RS_META_OIFNAME, RS_ETHER_DADDR, RS_IP_DADDR, SET_GUARD4));
	EMIT(e, chain, RS_ACCEPT, NULL, ether_type(ETHERTYPE_IP6),
	     match_in3(RS_META_OIFNAME, RS_ETHER_DADDR, RS_IP6_DADDR, SET_GUARD6));
	EMIT(e, chain, RS_ACCEPT, NULL, ether_type(ETHERTYPE_ARP),
	     match_in3(RS_META_OIFNAME, RS_ETHER_DADDR, RS_ARP_DADDR_IP, SET_GUARD4));
	EMIT(e, chain, RS_DROP, NULL, match_in(RS_META_OIFNAME, SET_CLOSED));
	EMIT(e, chain, RS_GOTO, "misdirected", match_in(RS_ETHER_DADDR, SET_MACS));
	EMIT(e, chain, RS_ACCEPT, NULL, match_not_in(RS_META_OIFNAME, SET_PORTS));
	EMIT(e, chain, RS_GOTO, "misdirected", ether_type(ETHERTYPE_IP),
	     match_in(RS_IP_DADDR, SET_ANY4));
	EMIT(e, chain, RS_GOTO, "misdirected", ether_type(ETHERTYPE_IP6),
	     match_in(RS_IP6_DADDR, SET_ANY6));
	EMIT(e, chain, RS_ACCEPT, NULL, destination_bits(group_bit, group_bit));
	emit_always(e, chain, RS_GOTO, "misdirected");
}

/* What stands on a bridge (VLAN, macvlan, macvtap) sends and receives as the bridge itself does, past
 * prerouting and all inet hooks. It is nobody: between it and containers nothing passes. The host
 * speaks with the bridge's own MAC, and untagged. */
static void emit_upper(struct emit *e)
{
	static const uint8_t group_bit[6] = { 1 };
	struct rs_match to = match_in(RS_META_OIFNAME, SET_STACKED_PORTS);
	struct rs_match from = match_in(RS_META_IIFNAME, SET_STACKED_PORTS);
	struct rs_match group = destination_bits(group_bit, group_bit);

	if (!e->any_stacked)
		return;
	emit_drop_chain(e, "upper");
	struct rs_chain *out = emit_base_chain(e, "output", RS_HOOK_OUTPUT, PRIORITY_FIRST,
					       "from the host alone, not from what stands on a "
					       "bridge");
	struct rs_chain *in = emit_base_chain(e, "input", RS_HOOK_INPUT, PRIORITY_FIRST,
					      "to the host alone, not to what stands on a bridge");
	if (e->err)
		return;
	EMIT(e, out, RS_GOTO, "upper", to, match_not_in(RS_ETHER_SADDR, SET_BRIDGE_MACS));
	EMIT(e, out, RS_GOTO, "upper", to, ether_type(ETHERTYPE_VLAN));
	EMIT(e, out, RS_GOTO, "upper", to, ether_type(ETHERTYPE_SVLAN));
	EMIT(e, in, RS_ACCEPT, NULL, match_in(RS_ETHER_DADDR, SET_BRIDGE_MACS));
	EMIT(e, in, RS_GOTO, "upper", from, ether_type(ETHERTYPE_IP));
	for (uint32_t type = ND_SOLICIT; type <= ND_ADVERT; type++)
		EMIT(e, in, RS_ACCEPT, NULL, from, group, ether_type(ETHERTYPE_IP6), icmpv6(),
		     match_number(RS_ICMPV6_TYPE, type));
	EMIT(e, in, RS_ACCEPT, NULL, from, group, ether_type(ETHERTYPE_ARP));
	EMIT(e, in, RS_GOTO, "upper", from);
}

/* Members of one tier that may reach each other freely need no connection state: this holds
 * without br_netfilter too. The group's set, or NULL: state decides. */
static struct rs_set *emit_within_group(struct emit *e, const struct group *group, const char *name)
{
	static const enum rs_type type[] = { RS_TYPE_IFNAME };
	const char *set_name = emit_name_of(e, "ports_of", group);
	struct rs_set *members = emit_set(e, set_name, type, 1);
	struct rs_chain *chain = emit_chain(e, name, NULL);

	if (e->err)
		return NULL;
	EMIT(e, chain, RS_ACCEPT, NULL, match_in(RS_META_OIFNAME, set_name));
	emit_counted_drop(e, chain, "denied_bridged");
	return emit_fully_within(e, group) ? members : NULL;
}

static void emit_within(struct emit *e)
{
	static const enum rs_type type[] = { RS_TYPE_IFNAME };
	struct rs_set *map = emit_map(e, MAP_WITHIN, type, 1);
	struct rs_set **members = arena_alloc(e->arena, e->n_groups * sizeof(*members));
	const char **names = arena_alloc(e->arena, e->n_groups * sizeof(*names));

	if (!members || !names)
		e->err = -ENOMEM;
	for (size_t g = 0; g < e->n_groups && !e->err; g++) {
		names[g] = emit_name_of(e, "within", &e->groups[g]);
		members[g] = emit_within_group(e, &e->groups[g], names[g]);
	}
	for (size_t i = 0; i < e->in->world->n_ports && !e->err; i++) {
		struct rs_key key = key_ifname(e->in->world->ports[i].ifname);
		if (e->ports[i].endpoint == NOBODY)
			continue;
		size_t g = (size_t)(emit_group_of(e, e->ports[i].endpoint) - e->groups);
		if (!members[g])
			continue;
		emit_elem(e, members[g], &key);
		emit_goto_elem(e, map, &key, names[g]);
	}
}

void emit_bridge_table(struct emit *e)
{
	e->family = RS_BRIDGE;
	emit_sets(e);
	emit_within(e);
	emit_prerouting(e);
	emit_guard(e);
	emit_guard_icmpv6(e);
	emit_drop_chain(e, "spoofed");
	emit_drop_chain(e, "misdirected");
	emit_unmark(e);
	emit_forward(e);
	emit_postrouting(e);
	emit_upper(e);
}
