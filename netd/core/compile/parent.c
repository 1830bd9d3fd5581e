/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Table netdev netd: containers of macvlan networks, at the interface that they stand on. What they
 * send to others, and hear from them, passes its hooks egress and ingress. What containers of one
 * parent send each other passes ingress alone: in mode bridge the kernel hands it to the interface
 * as if it had come in (macvlan_queue_xmit(); Linux 6.18). A frame for all is not seen on that way.
 *
 * These hooks are before connection tracking, so there are no connections: a packet passes if the
 * policy lets its sender begin to speak like that, or if it is an answer to what the policy lets
 * the other one begin. Of TCP its flags tell which it is. Of all else answers are those to what
 * was seen a while ago. The policy is asked for each packet, so what it takes away ends at once.
 *
 * What is no container's is not looked at: the interface is the host's way to its admin. */
#include <errno.h>
#include <string.h>

#include "core/compile/parent.h"

#define HOOK_PRIORITY (-300)

static const char *const any_of[2] = { SET_ANY4, SET_ANY6 };

static struct rs_match is_arp(void)
{
	enum { ETHERTYPE_ARP = 0x0806 };

	return match_number(RS_META_PROTOCOL, ETHERTYPE_ARP);
}

/* ---- the chains of one tier ---- */

/* The ports by which a rule is met by a peer. */
static port_conditions ports_of(struct emit *e, const struct policy_rule *rule,
				const struct policy_peer *peer)
{
	enum rs_field port = e->view == VIEW_ANSWER ? RS_TH_SPORT : RS_TH_DPORT;
	port_conditions ports = { 0 };

	if (peer->kind == PEER_DNS)
		emit_dns_conditions(e, rule, port, &ports);
	else
		rule_port_conditions(e, rule->ports, rule->n_ports, port, &ports);
	return ports;
}

static bool is_tier(const struct policy_peer *peer)
{
	return peer->kind == PEER_TIER;
}

/* One side of a group's rules. */
struct side_rules {
	enum side side; /* that the group is on */
	enum end_scope denied;
	bool (*wanted)(const struct policy_peer *); /* of the other one */
};

static void emit_peers(struct emit *e, struct rs_chain *chain, uint32_t index,
		       const struct side_rules *of)
{
	enum side other = of->side == SIDE_SOURCE ? SIDE_DESTINATION : SIDE_SOURCE;
	const struct policy_rule *rule = &e->in->policy->rules[index];
	const struct policy_peer *peers = other == SIDE_SOURCE ? rule->from : rule->to;
	size_t n = other == SIDE_SOURCE ? rule->n_from : rule->n_to;

	for (size_t i = 0; i < n; i++) {
		struct rs_match alternatives[PEER_ALTERNATIVES];
		struct policy_peer peer = peer_seen_outside(e, rule, &peers[i]);
		if (!of->wanted(&peer))
			continue;
		size_t n_alternatives = peer_alternatives(e, &peer, other, alternatives);
		port_conditions ports = ports_of(e, rule, &peer);
		emit_policy_rule(e, chain, index, alternatives, n_alternatives, &ports, of->denied);
	}
}

static void emit_side(struct emit *e, struct rs_chain *chain, const struct group *group,
		      const struct side_rules *of)
{
	const struct rule_list list = emit_rules_of(e, group, of->side);
	bool source = of->side == SIDE_SOURCE;

	for (size_t k = 0; k < list.n && !e->err; k++) {
		const struct policy_rule *rule = &e->in->policy->rules[list.rules[k]];
		if (rule_names_tier(source ? rule->from : rule->to,
				    source ? rule->n_from : rule->n_to, group->tier))
			emit_peers(e, chain, list.rules[k], of);
	}
}

/* The rules in which the group is on the side of who begins, or is begun with; then the end of what
 * none of them lets pass, which of answers there is none. A container is never outside, whatever
 * zone its address is in. */
static void emit_rules(struct emit *e, struct rs_chain *chain, const struct group *group,
		       enum parent_map map)
{
	/* The other end of a packet, which comes in for a container, or goes out from one. */
	static const enum rs_field others[2][2] = { { RS_IP_SADDR, RS_IP6_SADDR },
						    { RS_IP_DADDR, RS_IP6_DADDR } };
	bool answers = map == PARENT_ANSWERS_TO || map == PARENT_ANSWERS_FROM;
	bool in = map == PARENT_TO || map == PARENT_ANSWERS_TO;
	enum side side = in == answers ? SIDE_SOURCE : SIDE_DESTINATION;
	enum denied what = side == SIDE_SOURCE ? DENIED_FROM : DENIED_TO_OUTSIDE;
	enum end_scope scope = emit_denied_scope(e, what, group);
	const char *end = answers && scope != END_PASSES ? NULL
			  : answers			 ? e->allowed
							 : emit_denied_name(e, what, group);

	emit_side(e, chain, group, &(struct side_rules){ side, scope, is_tier });
	/* Of one parent, since a router has its own MAC. */
	for (size_t v6 = 0; v6 < 2 && group->within; v6++)
		EMIT(e, chain, RS_GOTO, e->allowed,
		     match_in(in ? RS_LINK_SADDR : RS_LINK_DADDR, SET_PARENT_MACS),
		     match_in(others[!in][v6], group->members[v6]));
	for (size_t v6 = 0; v6 < 2; v6++)
		EMIT(e, chain, end ? RS_GOTO : RS_RETURN, end,
		     match_in(others[!in][v6], any_of[v6]));
	emit_side(e, chain, group, &(struct side_rules){ side, scope, peer_is_outside });
	emit_always(e, chain, end ? RS_GOTO : RS_RETURN, end);
}

/* What goes to a container, or what one sends, that begins. */
static void emit_opening(struct emit *e, const struct group *group, enum parent_map map)
{
	bool to = map == PARENT_TO;
	struct rs_chain *chain = emit_chain(
		e, parent_chain(e, map, group),
		emit_name(e, to ? "to a container of %s" : "from a container of %s", group->name));

	e->view = VIEW_OPENING;
	e->allowed = to ? CHAIN_OPENED_TO : CHAIN_OPENED_FROM;
	if (e->err)
		return;
	if (to)
		parent_let_errors_in(e, chain);
	emit_rules(e, chain, group, map);
}

/* What goes to a container, or what one sends, as an answer: nothing but what the other one may
 * begin, or would be let begin. */
static void emit_answers(struct emit *e, const struct group *group, enum parent_map map)
{
	bool to = map == PARENT_ANSWERS_TO;
	struct rs_chain *chain = emit_chain(e, parent_chain(e, map, group), NULL);

	e->view = VIEW_ANSWER;
	e->allowed = to ? CHAIN_PASSED_TO : CHAIN_PASSED_FROM;
	if (!e->err)
		emit_rules(e, chain, group, map);
}

static void emit_end_of(struct emit *e, const struct group *group, enum denied what)
{
	bool to = what == DENIED_TO_OUTSIDE;
	const char *name = emit_denied_name(e, what, group);
	struct ending ending = {
		.reason = group->tier == GROUP_UNMATCHED ? REASON_UNMATCHED : REASON_NO_RULE,
		.place = emit_name(e, to ? "to %s" : "from %s", group->name),
		.counter = name,
		.passes = emit_denied_scope(e, what, group) == END_PASSES,
		.from = to ? NULL : group->name,
		.to = to ? group->name : NULL,
	};

	e->allowed = to ? CHAIN_OPENED_TO : CHAIN_OPENED_FROM;
	if (!e->err)
		emit_end_chain(e, name, &ending);
}

static void emit_group(struct emit *e, const struct group *group)
{
	emit_opening(e, group, PARENT_TO);
	emit_opening(e, group, PARENT_FROM);
	emit_answers(e, group, PARENT_ANSWERS_TO);
	emit_answers(e, group, PARENT_ANSWERS_FROM);
	emit_end_of(e, group, DENIED_TO_OUTSIDE);
	emit_end_of(e, group, DENIED_FROM);
}

/* Of a group without a member here there are only sets: others may speak to it. */
static void emit_groups(struct emit *e)
{
	bool *here = arena_alloc(e->arena, e->n_groups * sizeof(*here));

	if (!here) {
		e->err = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < e->in->world->n_endpoints; i++) {
		const struct group *group = emit_group_at_parent(e, i);
		if (group)
			here[group - e->groups] = !group->unjudged;
	}
	for (size_t g = 0; g < e->n_groups && !e->err; g++)
		if (here[g])
			emit_group(e, &e->groups[g]);
	e->allowed = NULL;
}

/* ---- the way of a packet ---- */

/* Which side of the packet the container is. */
static const enum rs_field container_of[2][2] = {
	[PARENT_INWARD] = { RS_IP_DADDR, RS_IP6_DADDR },
	[PARENT_OUTWARD] = { RS_IP_SADDR, RS_IP6_SADDR },
};

static void emit_lookup(struct emit *e, struct rs_chain *chain, enum parent_way way,
			const char *const maps[2])
{
	for (size_t v6 = 0; v6 < 2; v6++)
		emit_vmap(e, chain, &container_of[way][v6], 1, maps[v6]);
}

/* Packets that are whole, or begin one; of IPv6 all: a piece has no port, and meets no rule. */
static void emit_judged(struct emit *e, enum parent_way way, const char *name)
{
	static const char *const closed[] = { MAP_CLOSED4, MAP_CLOSED6 };
	bool in = way == PARENT_INWARD;
	enum parent_map judged = in ? PARENT_TO : PARENT_FROM;
	struct rs_chain *chain = emit_chain(e, name, NULL);
	const char *strange = emit_end(e, in ? REASON_MISDIRECTED : REASON_FOREIGN_SOURCE);

	if (e->err)
		return;
	if (!in)
		emit_noise(e, chain);
	for (size_t v6 = 0; in && v6 < 2; v6++) /* from a container of the same parent */
		EMIT(e, chain, RS_GOTO, emit_end(e, REASON_SPOOFED),
		     match_in(RS_LINK_SADDR, SET_PARENT_MACS),
		     match_not_in(container_of[PARENT_OUTWARD][v6], any_of[v6]));
	for (size_t v6 = 0; v6 < 2; v6++)
		EMIT(e, chain, RS_GOTO, strange, match_not_in(container_of[way][v6], any_of[v6]));
	emit_always(e, chain, RS_JUMP, in ? CHAIN_ANSWERED_TO : CHAIN_ANSWERED_FROM);
	emit_lookup(
		e, chain, way,
		(const char *const[]){ parent_map_name(judged, 0), parent_map_name(judged, 1) });
	emit_lookup(e, chain, way, closed);
	emit_always(e, chain, RS_GOTO, emit_end(e, REASON_NOT_KNOWN));
}

/* ARP and neighbour discovery: a container speaks in its own name, and hears what it likes. */
static void emit_neighbours(struct emit *e, struct rs_chain *chain, enum parent_way way)
{
	enum { ND_ROUTER_ADVERT = 134, ND_SOLICIT = 135, ND_ADVERT = 136 };
	static const uint8_t unspecified[16];
	struct rs_match icmpv6 = match_number(RS_META_L4PROTO, proto_number(PROTO_ICMPV6));

	if (way == PARENT_INWARD) {
		EMIT(e, chain, RS_ACCEPT, NULL, is_arp());
		for (uint32_t type = ND_ROUTER_ADVERT; type <= ND_ADVERT; type++)
			EMIT(e, chain, RS_ACCEPT, NULL, parent_is_ip(1), icmpv6,
			     match_number(RS_ICMPV6_TYPE, type));
		return;
	}
	EMIT(e, chain, RS_ACCEPT, NULL, is_arp(), match_in(RS_ARP_SADDR_IP, SET_ANY4));
	EMIT(e, chain, RS_GOTO, emit_end(e, REASON_SPOOFED), is_arp());
	EMIT(e, chain, RS_ACCEPT, NULL, parent_is_ip(1), icmpv6,
	     match_number(RS_ICMPV6_TYPE, ND_SOLICIT), match_is(RS_IP6_SADDR, unspecified));
	for (uint32_t type = ND_SOLICIT; type <= ND_ADVERT; type++)
		EMIT(e, chain, RS_ACCEPT, NULL, parent_is_ip(1), icmpv6,
		     match_number(RS_ICMPV6_TYPE, type), match_in(RS_IP6_SADDR, SET_ANY6));
}

static void emit_way(struct emit *e, enum parent_way way, const char *name, const char *judged)
{
	struct rs_chain *chain = emit_chain(e, name, NULL);

	if (e->err)
		return;
	emit_neighbours(e, chain, way);
	parent_emit_pieces(e, chain, way, judged);
	EMIT(e, chain, RS_GOTO, judged, parent_is_ip(1));
	emit_always(e, chain, RS_GOTO, emit_end(e, REASON_FRAME));
}

/* The chain that the kernel calls, for all parents. */
static void emit_hook(struct emit *e, enum parent_way way, const char *target)
{
	const struct world *world = e->in->world;
	bool in = way == PARENT_INWARD;
	struct rs_device *devices = arena_alloc(e->arena, world->n_parents * sizeof(*devices));
	struct rs_base base = { in ? RS_HOOK_INGRESS : RS_HOOK_EGRESS, HOOK_PRIORITY, devices,
				world->n_parents };
	struct rs_chain *chain =
		devices && !e->err
			? ruleset_add_chain(e->rs, RS_NETDEV, in ? "ingress" : "egress", &base)
			: NULL;

	if (!chain) {
		e->err = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < world->n_parents; i++) {
		memcpy(devices[i].name, world->parents[i].name, sizeof(devices[i].name));
		devices[i].ifindex = world->parents[i].ifindex;
	}
	chain->comment = in ? "to containers that stand on the interface, by their MAC"
			    : "from containers that stand on the interface, by their MAC";
	EMIT(e, chain, RS_GOTO, target,
	     match_in(in ? RS_LINK_DADDR : RS_LINK_SADDR, SET_PARENT_MACS));
}

void emit_parent_table(struct emit *e)
{
	size_t n_rules = e->in->policy->n_rules;

	if (e->err || e->in->world->n_parents == 0)
		return;
	e->family = RS_NETDEV;
	e->view = VIEW_OPENING;
	memset(e->noted_rules, 0, sizeof(e->noted_rules));
	e->rule_ends = arena_alloc(e->arena, n_rules * sizeof(*e->rule_ends));
	if (!e->rule_ends) {
		e->err = -ENOMEM;
		return;
	}
	parent_emit_sets(e);
	parent_emit_memory(e);
	emit_hook(e, PARENT_INWARD, "to_container");
	emit_hook(e, PARENT_OUTWARD, "from_container");
	emit_way(e, PARENT_INWARD, "to_container", "judge_to");
	emit_way(e, PARENT_OUTWARD, "from_container", "judge_from");
	emit_judged(e, PARENT_INWARD, "judge_to");
	emit_judged(e, PARENT_OUTWARD, "judge_from");
	if (!e->err)
		emit_groups(e);
	emit_rule_ends(e);
	if (!e->err)
		emit_other_ends(e);
	/* As it was, for what is made anew of all this (again.h). */
	e->family = RS_BRIDGE;
	e->view = VIEW_CONNECTION;
}
