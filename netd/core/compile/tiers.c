/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The chains that judge: to.X (a container of tier X is the destination), outside.X (the source is
 * no container), from.X (egress of tier X), to_host. Inside each: deny rules, allow rules, within,
 * and the end is a denial. */
#include "core/compile/emit.h"

/* The first rule at or after @i that has this action and is in force; n_rules when none is left. */
static size_t next_rule(const struct emit *e, enum policy_action action, size_t i)
{
	const struct policy *policy = e->in->policy;

	while (i < policy->n_rules &&
	       (policy->rules[i].action != action || !emit_rule_active(e, &policy->rules[i])))
		i++;
	return i;
}

/* Deny rules beat every allow: two passes over the rules, in source order. */
#define FOR_EACH_RULE(e, i, action)                                                \
	for (size_t i = next_rule((e), (action), 0); i < (e)->in->policy->n_rules; \
	     i = next_rule((e), (action), i + 1))

static const enum policy_action deny_first[] = { POLICY_DENY, POLICY_ALLOW };

/* Or addresses that a tier speaks for. */
static bool is_tier(const struct policy_peer *peer)
{
	return peer->kind == PEER_TIER || peer->spoken;
}

/* All peers of one side for which @wanted holds, as alternatives of the rule. */
static void emit_rule_peers(struct emit *e, struct rs_chain *chain, size_t index, enum side side,
			    bool (*wanted)(const struct policy_peer *),
			    const port_conditions *ports, enum end_scope denied)
{
	const struct policy_rule *rule = &e->in->policy->rules[index];
	const struct policy_peer *peers = side == SIDE_SOURCE ? rule->from : rule->to;
	size_t n = side == SIDE_SOURCE ? rule->n_from : rule->n_to;

	for (size_t i = 0; i < n; i++) {
		struct rs_match alternatives[PEER_ALTERNATIVES];
		struct policy_peer peer =
			wanted == is_tier ? peers[i] : peer_seen_outside(e, rule, &peers[i]);
		if (!wanted(&peer))
			continue;
		size_t n_alternatives = peer_alternatives(e, &peer, side, alternatives);
		port_conditions narrowed = peer_narrowed(e, &peer, side, ports);
		emit_policy_rule(e, chain, index, alternatives, n_alternatives, &narrowed, denied);
	}
}

static bool is_dns(const struct policy_peer *peer)
{
	return peer->kind == PEER_DNS;
}

static bool is_other_outside(const struct policy_peer *peer)
{
	return peer_is_outside(peer) && peer->kind != PEER_DNS;
}

/* The peers of one side by which a rule speaks of a tier: the tier itself, which says all, else
 * each of the addresses that it speaks for. NULL: there are no more. */
static const struct policy_peer *next_of_tier(const struct policy_peer *peers, size_t n, int tier,
					      size_t *cursor)
{
	bool whole = rule_names_tier(peers, n, tier);

	while (*cursor < n) {
		const struct policy_peer *peer = &peers[(*cursor)++];
		bool fits = whole ? peer->kind == PEER_TIER : peer->spoken;
		if (!fits || (int)peer->tier != tier)
			continue;
		*cursor = whole ? n : *cursor;
		return peer;
	}
	return NULL;
}

/* The chain is the tier's; where a rule names only some addresses of it, they are a condition. */
static void narrow(struct emit *e, port_conditions *ports, const struct policy_peer *of_tier,
		   enum side side)
{
	struct rs_match match[PEER_ALTERNATIVES];

	if (!of_tier->spoken)
		return;
	(void)peer_alternatives(e, of_tier, side, match);
	*ports = peer_narrowed(e, of_tier, side, ports);
	for (size_t i = 0; i < ports->n; i++)
		ports->items[i].matches[ports->items[i].n++] = match[0];
}

static void rules_into_tier(struct emit *e, struct rs_chain *chain, const struct group *group,
			    bool (*source)(const struct policy_peer *), enum end_scope denied)
{
	port_conditions ports = { 0 }; /* of the rule at hand */
	const struct rule_list into = emit_rules_of(e, group, SIDE_DESTINATION);

	for (size_t k = 0; k < into.n; k++) {
		const struct policy_rule *rule = &e->in->policy->rules[into.rules[k]];
		const struct policy_peer *to;
		for (size_t at = 0; (to = next_of_tier(rule->to, rule->n_to, group->tier, &at));) {
			ports.n = 0;
			rule_port_conditions(e, rule->ports, rule->n_ports, RS_CT_REPLY_PROTO_SRC,
					     &ports);
			narrow(e, &ports, to, SIDE_DESTINATION);
			emit_rule_peers(e, chain, into.rules[k], SIDE_SOURCE, source, &ports,
					denied);
		}
	}
}

static void emit_within(struct emit *e, struct rs_chain *chain, const struct group *group)
{
	struct rs_match same = match_in2(RS_META_IIFNAME, RS_META_OIFNAME, SET_SAME_BRIDGE);

	if (!group->within)
		return;
	EMIT(e, chain, RS_GOTO, CHAIN_ACCEPTED,
	     match_in(RS_CT_ORIGINAL_IP_SADDR, group->members[0]), same);
	EMIT(e, chain, RS_GOTO, CHAIN_ACCEPTED,
	     match_in(RS_CT_ORIGINAL_IP6_SADDR, group->members[1]), same);
	if (!group->speaks)
		return;
	EMIT(e, chain, RS_GOTO, CHAIN_ACCEPTED, match_in(RS_CT_ORIGINAL_IP_SADDR, group->spoken[0]),
	     same);
	EMIT(e, chain, RS_GOTO, CHAIN_ACCEPTED,
	     match_in(RS_CT_ORIGINAL_IP6_SADDR, group->spoken[1]), same);
}

/* IPS_DST_NAT of the kernel (uapi nf_conntrack_common.h): the connection's destination was
 * translated, as Docker does for a published port. A direct route to a container has it not. */
#define CT_STATUS_DNAT (1u << 5)

/* Containers that no tier matches are let be, but not towards a tier. */
static void emit_of_left(struct emit *e, struct rs_chain *chain)
{
	const struct group *left = emit_left_group(e);
	const char *unmatched = emit_end(e, REASON_UNMATCHED);

	EMIT(e, chain, RS_GOTO, unmatched, match_in(RS_CT_ORIGINAL_IP_SADDR, left->members[0]));
	EMIT(e, chain, RS_GOTO, unmatched, match_in(RS_CT_ORIGINAL_IP6_SADDR, left->members[1]));
}

static void emit_to(struct emit *e, const struct group *group)
{
	const char *denied = emit_denied_name(e, DENIED_TO, group);
	const char *denied_outside = emit_denied_name(e, DENIED_TO_OUTSIDE, group);
	const char *outside = emit_name_of(e, "outside", group);
	struct rs_chain *to =
		emit_chain(e, group->to_chain,
			   emit_name(e, "a container of %s is the destination", group->name));
	struct rs_chain *from_outside = emit_chain(
		e, outside, emit_name(e, "from outside to a published port of %s", group->name));

	if (e->err)
		return;
	rules_into_tier(e, to, group, is_tier, emit_denied_scope(e, DENIED_TO, group));
	emit_within(e, to, group);
	if (e->ignore && !group->audited)
		emit_of_left(e, to);
	EMIT(e, to, RS_GOTO, denied, match_in(RS_META_IIFNAME, SET_BRIDGES),
	     match_in(RS_META_OIFNAME, SET_BRIDGES));
	if (e->any_shared) { /* a container is never outside, whatever is beside it */
		EMIT(e, to, RS_GOTO, denied, match_in(RS_CT_ORIGINAL_IP_SADDR, SET_SHARED4));
		EMIT(e, to, RS_GOTO, denied, match_in(RS_CT_ORIGINAL_IP6_SADDR, SET_SHARED6));
	}
	if (e->n_spoken) { /* to an address that nobody has just now a container may send, too */
		EMIT(e, to, RS_GOTO, denied, match_in(RS_CT_ORIGINAL_IP_SADDR, SET_ANY4));
		EMIT(e, to, RS_GOTO, denied, match_in(RS_CT_ORIGINAL_IP6_SADDR, SET_ANY6));
		EMIT(e, to, RS_GOTO, denied, match_in(RS_CT_ORIGINAL_IP_SADDR, SET_SPOKEN4));
		EMIT(e, to, RS_GOTO, denied, match_in(RS_CT_ORIGINAL_IP6_SADDR, SET_SPOKEN6));
	}
	EMIT(e, to, RS_GOTO, outside, match_bits(RS_CT_STATUS, CT_STATUS_DNAT, CT_STATUS_DNAT));
	emit_to_direct_port(e, to, outside);
	emit_always(e, to, RS_GOTO, denied_outside);

	rules_into_tier(e, from_outside, group, is_other_outside,
			emit_denied_scope(e, DENIED_TO_OUTSIDE, group));
	emit_always(e, from_outside, RS_GOTO, denied_outside);
}

void emit_dns_conditions(struct emit *e, const struct policy_rule *rule, enum rs_field field,
			 port_conditions *ret)
{
	static const struct port_range both[] = { { PROTO_TCP, 53, 53 }, { PROTO_UDP, 53, 53 } };

	for (size_t i = 0; i < ARRAY_LEN(both); i++) {
		bool wanted = rule->n_ports == 0;
		for (size_t p = 0; p < rule->n_ports; p++)
			wanted |= port_range_overlaps(&rule->ports[p], &both[i]);
		if (wanted)
			rule_port_conditions(e, &both[i], 1, field, ret);
	}
}

static void emit_egress_rule(struct emit *e, struct rs_chain *chain, size_t index,
			     const struct policy_peer *source, enum end_scope scope)
{
	const struct policy_rule *rule = &e->in->policy->rules[index];
	port_conditions ports = { 0 }, dns_ports = { 0 };

	rule_port_conditions(e, rule->ports, rule->n_ports, RS_CT_REPLY_PROTO_SRC, &ports);
	emit_dns_conditions(e, rule, RS_CT_REPLY_PROTO_SRC, &dns_ports);
	narrow(e, &ports, source, SIDE_SOURCE);
	narrow(e, &dns_ports, source, SIDE_SOURCE);
	emit_rule_peers(e, chain, index, SIDE_DESTINATION, is_other_outside, &ports, scope);
	emit_rule_peers(e, chain, index, SIDE_DESTINATION, is_dns, &dns_ports, scope);
}

static void emit_from(struct emit *e, const struct group *group)
{
	const char *denied = emit_denied_name(e, DENIED_FROM, group);
	enum end_scope scope = emit_denied_scope(e, DENIED_FROM, group);
	const struct rule_list of = emit_rules_of(e, group, SIDE_SOURCE);
	struct rs_chain *from =
		emit_chain(e, group->from_chain,
			   emit_name(e, "from a container of %s to outside", group->name));

	if (e->err)
		return;
	for (size_t k = 0; k < of.n; k++) {
		const struct policy_rule *rule = &e->in->policy->rules[of.rules[k]];
		const struct policy_peer *source;
		for (size_t at = 0;
		     (source = next_of_tier(rule->from, rule->n_from, group->tier, &at));)
			emit_egress_rule(e, from, of.rules[k], source, scope);
	}
	emit_always(e, from, RS_GOTO, denied);
}

static bool rule_names_kind(const struct policy_peer *peers, size_t n, enum peer_kind kind)
{
	for (size_t i = 0; i < n; i++)
		if (peers[i].kind == kind)
			return true;
	return false;
}

/* `to: dns` where the resolver is this host: the address is a condition too, of one family with the
 * source's. */
static void emit_dns_on_host(struct emit *e, struct rs_chain *chain, size_t index,
			     const struct policy_peer *source, enum end_scope denied)
{
	static const enum rs_field to_address[] = { RS_CT_ORIGINAL_IP_DADDR,
						    RS_CT_ORIGINAL_IP6_DADDR };
	struct rs_match sources[PEER_ALTERNATIVES];
	size_t n = peer_alternatives(e, source, SIDE_SOURCE, sources);

	for (size_t s = 0; s < n && !e->err; s++) {
		port_conditions ports = { 0 };
		bool v6 = sources[s].fields[0] == RS_CT_ORIGINAL_IP6_SADDR;
		emit_dns_conditions(e, &e->in->policy->rules[index], RS_CT_ORIGINAL_PROTO_DST,
				    &ports);
		for (size_t i = 0; i < ports.n; i++)
			ports.items[i].matches[ports.items[i].n++] =
				match_in(to_address[v6], v6 ? SET_DNS6 : SET_DNS4);
		ports = peer_narrowed(e, source, SIDE_SOURCE, &ports);
		emit_policy_rule(e, chain, index, &sources[s], 1, &ports, denied);
	}
}

static void emit_rule_to_host(struct emit *e, struct rs_chain *chain, size_t index)
{
	enum end_scope denied = emit_denied_scope(e, DENIED_HOST, NULL);
	const struct policy_rule *rule = &e->in->policy->rules[index];

	if (rule_names_kind(rule->to, rule->n_to, PEER_HOST)) {
		port_conditions ports = { 0 };
		rule_port_conditions(e, rule->ports, rule->n_ports, RS_CT_ORIGINAL_PROTO_DST,
				     &ports);
		emit_rule_peers(e, chain, index, SIDE_SOURCE, is_tier, &ports, denied);
	}
	if (rule_names_kind(rule->to, rule->n_to, PEER_DNS))
		for (size_t i = 0; i < rule->n_from; i++)
			if (is_tier(&rule->from[i]))
				emit_dns_on_host(e, chain, index, &rule->from[i], denied);
}

/* The engine's own resolver at the gateway is what Docker's embedded one is inside a container: it
 * is there for every container, unless a rule denies it. */
static void emit_engine_dns_rules(struct emit *e, struct rs_chain *chain)
{
	static const enum ip_proto protos[] = { PROTO_UDP, PROTO_TCP };

	for (size_t i = 0; i < ARRAY_LEN(protos) && e->any_dns; i++) {
		struct rs_match proto = match_number(RS_META_L4PROTO, proto_number(protos[i]));
		struct rs_match port = match_port_range(RS_CT_ORIGINAL_PROTO_DST, 53, 53);
		EMIT(e, chain, RS_GOTO, CHAIN_ACCEPTED, match_in(RS_CT_ORIGINAL_IP_SADDR, SET_ANY4),
		     match_in(RS_CT_ORIGINAL_IP_DADDR, SET_ENGINE_DNS4), proto, port);
		EMIT(e, chain, RS_GOTO, CHAIN_ACCEPTED,
		     match_in(RS_CT_ORIGINAL_IP6_SADDR, SET_ANY6),
		     match_in(RS_CT_ORIGINAL_IP6_DADDR, SET_ENGINE_DNS6), proto, port);
	}
}

static void emit_to_host(struct emit *e)
{
	struct rs_chain *chain =
		emit_chain(e, CHAIN_TO_HOST, "from a container to a service of this host");

	for (size_t a = 0; a < ARRAY_LEN(deny_first) && !e->err; a++)
		FOR_EACH_RULE(e, i, deny_first[a])
	emit_rule_to_host(e, chain, i);
	if (!e->err)
		emit_engine_dns_rules(e, chain);
	if (!e->err)
		emit_always(e, chain, RS_GOTO, emit_denied_name(e, DENIED_HOST, NULL));
}

void emit_tier_chains(struct emit *e)
{
	for (size_t g = 0; g < e->n_groups && !e->err; g++) {
		if (e->groups[g].unjudged)
			continue;
		emit_to(e, &e->groups[g]);
		if (!e->err)
			emit_from(e, &e->groups[g]);
	}
	if (!e->err)
		emit_to_host(e);
}
