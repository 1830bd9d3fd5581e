/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Policy rules into conditions: who (peers) and what (ports). Flows are judged by the connection's
 * own tuple, so that both directions of one connection get the same answer: the true source is
 * `ct original saddr`, the true destination (after DNAT) `ct reply saddr`. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/base/text.h"
#include "core/compile/emit.h"

/* Source and destination of who begins, IPv4 and IPv6. */
static const enum rs_field address_fields[][2][2] = {
	[VIEW_CONNECTION] = {
		[SIDE_SOURCE] = { RS_CT_ORIGINAL_IP_SADDR, RS_CT_ORIGINAL_IP6_SADDR },
		[SIDE_DESTINATION] = { RS_CT_REPLY_IP_SADDR, RS_CT_REPLY_IP6_SADDR },
	},
	[VIEW_OPENING] = {
		[SIDE_SOURCE] = { RS_IP_SADDR, RS_IP6_SADDR },
		[SIDE_DESTINATION] = { RS_IP_DADDR, RS_IP6_DADDR },
	},
	[VIEW_ANSWER] = {
		[SIDE_SOURCE] = { RS_IP_DADDR, RS_IP6_DADDR },
		[SIDE_DESTINATION] = { RS_IP_SADDR, RS_IP6_SADDR },
	},
};

bool peer_is_outside(const struct policy_peer *peer)
{
	return peer->kind != PEER_TIER && peer->kind != PEER_HOST && !peer->spoken;
}

struct policy_peer peer_seen_outside(const struct emit *e, const struct policy_rule *rule,
				     const struct policy_peer *peer)
{
	struct policy_peer seen = *peer;

	if (seen.spoken && rule->action == POLICY_DENY)
		seen.spoken = emit_speaks_for_all(e, seen.tier, &seen.prefix);
	return seen;
}

bool rule_names_tier(const struct policy_peer *peers, size_t n, int tier)
{
	for (size_t i = 0; i < n; i++)
		if (peers[i].kind == PEER_TIER && (int)peers[i].tier == tier)
			return true;
	return false;
}

static size_t in_sets(const enum rs_field fields[2], const char *const sets[2],
		      struct rs_match *ret)
{
	ret[0] = match_in(fields[0], sets[0]);
	ret[1] = match_in(fields[1], sets[1]);
	return 2;
}

/* At the parent of a network nobody speaks for others. */
static size_t in_group(const struct emit *e, const struct group *group,
		       const enum rs_field fields[2], struct rs_match *ret)
{
	size_t n = in_sets(fields, group->members, ret);
	bool speaks = group->speaks && e->view == VIEW_CONNECTION;

	return speaks ? n + in_sets(fields, group->spoken, ret + n) : n;
}

/* A mask of no bits cannot be matched on: the whole family is its two halves. */
static size_t in_prefix(const enum rs_field fields[2], const struct ip_prefix *prefix,
			struct rs_match *ret)
{
	enum rs_field field = fields[prefix->addr.family == IP_V6];
	struct ip_prefix half = *prefix;

	if (prefix->len > 0) {
		ret[0] = match_prefix(field, prefix);
		return 1;
	}
	half.len = 1;
	ret[0] = match_prefix(field, &half);
	half.addr.bytes[0] = 0x80;
	ret[1] = match_prefix(field, &half);
	return 2;
}

size_t peer_alternatives(struct emit *e, const struct policy_peer *peer, enum side side,
			 struct rs_match ret[PEER_ALTERNATIVES])
{
	static const char *const internet[] = { SET_INTERNET4, SET_INTERNET6 };
	static const char *const lan[] = { SET_LAN4, SET_LAN6 };
	static const char *const dns[] = { SET_DNS4, SET_DNS6 };
	static const char *const hosts[] = { SET_HOSTS4, SET_HOSTS6 };
	const enum rs_field *fields = address_fields[e->view][side];

	switch (peer->kind) {
	case PEER_TIER:
		return in_group(e, emit_group_of_tier(e, peer->tier), fields, ret);
	case PEER_INTERNET:
		return in_sets(fields, internet, ret);
	case PEER_LAN:
		return in_sets(fields, lan, ret);
	case PEER_WORLD:
		return in_sets(fields, internet, ret) + in_sets(fields, lan, ret + 2);
	case PEER_DNS:
		return in_sets(fields, dns, ret);
	case PEER_HOSTS:
		return in_sets(fields, hosts, ret);
	case PEER_PREFIX:
		return in_prefix(fields, &peer->prefix, ret);
	case PEER_HOST:
		break; /* the host has chains of its own */
	}
	return 0;
}

/* ---- ports ---- */

static void add_peer_condition(struct emit *e, port_conditions *list,
			       const struct rs_match *matches, size_t n)
{
	struct port_condition condition = { .n = n };

	if (n)
		memcpy(condition.matches, matches, n * sizeof(*matches));
	if (VEC_PUSH(e->arena, list, condition) < 0)
		e->err = -ENOMEM;
}

/* One condition a port or range, not a set of them: nft 1.0.6 lists a set of ct ports as "[invalid
 * type]", and the ruleset is there to be read. */
static void add_protocol(struct emit *e, const struct port_range *ports, size_t n,
			 enum rs_field field, enum ip_proto proto, port_conditions *list)
{
	struct rs_match matches[2] = { match_number(RS_META_L4PROTO, proto_number(proto)) };

	for (size_t i = 0; i < n; i++) {
		if (ports[i].proto != proto)
			continue;
		matches[1] = match_port_range(field, ports[i].lo, ports[i].hi);
		add_peer_condition(e, list, matches, 2);
	}
}

void rule_port_conditions(struct emit *e, const struct port_range *ports, size_t n,
			  enum rs_field port_field, port_conditions *ret)
{
	bool seen[PROTO_ICMPV6 + 1] = { false };

	if (n == 0)
		add_peer_condition(e, ret, NULL, 0);
	for (size_t i = 0; i < n; i++) {
		enum ip_proto proto = (enum ip_proto)ports[i].proto;
		if (seen[proto])
			continue;
		seen[proto] = true;
		if (proto_has_ports(proto)) {
			add_protocol(e, ports, n, port_field, proto, ret);
		} else {
			struct rs_match match = match_number(RS_META_L4PROTO, proto_number(proto));
			add_peer_condition(e, ret, &match, proto != PROTO_ANY);
		}
	}
}

port_conditions peer_narrowed(struct emit *e, const struct policy_peer *peer, enum side side,
			      const port_conditions *ports)
{
	const struct ip_prefix *prefix = &peer->prefix;
	bool v6 = prefix->addr.family == IP_V6;
	port_conditions narrowed = { 0 };

	if (!peer->spoken)
		return *ports;
	if (prefix->len == (v6 ? 128 : 32))
		return emit_speaker(e, &prefix->addr) == peer->tier ? *ports : narrowed;
	const struct group *group = emit_group_of_tier(e, peer->tier);
	for (size_t i = 0; i < ports->n && group->speaks; i++) {
		struct port_condition condition = ports->items[i];
		condition.matches[condition.n++] =
			match_in(address_fields[e->view][side][v6], group->spoken[v6]);
		if (VEC_PUSH(e->arena, &narrowed, condition) < 0)
			e->err = -ENOMEM;
	}
	return narrowed;
}

/* ---- policy rules ---- */

/* What a deny rule forbids is logged where it ends. */
static void emit_rule_log(struct emit *e, struct rs_chain *chain, const struct draft *draft,
			  const struct policy_rule *rule)
{
	const char *place = draft->rule.comment;
	const struct logged logged = { LOGGED_ALLOWED, REASON_NONE, place, strlen(place) };

	/* Where there are no connections each packet would be a line. */
	if (!rule->log || !e->in->log_group || rule->action != POLICY_ALLOW ||
	    e->view != VIEW_CONNECTION)
		return;
	const char *prefix = logged_prefix(&logged, e->arena);
	if (prefix)
		emit_log(e, chain, draft, prefix);
	else
		e->err = -ENOMEM;
}

/* Who answers is told by what the other one may begin: what a deny rule forbids is no answer. */
static void emit_answer_rule(struct emit *e, struct rs_chain *chain, struct draft *draft,
			     const struct policy_rule *rule)
{
	draft->rule.counter = NULL; /* of what begins alone */
	if (rule->action == POLICY_DENY)
		emit_verdict(e, chain, draft, RS_RETURN, NULL);
	else
		emit_verdict(e, chain, draft, RS_GOTO, emit_allowed(e));
}

void emit_policy_rule(struct emit *e, struct rs_chain *chain, size_t index,
		      const struct rs_match *alternatives, size_t n_alternatives,
		      const port_conditions *ports, enum end_scope denied)
{
	const struct policy_rule *rule = &e->in->policy->rules[index];
	const char *counter = compile_counter_name(e->in->policy, index, e->arena);
	const char *comment = emit_rule_place(e, rule);
	const char *target = emit_allowed(e);

	if (n_alternatives == 0 || ports->n == 0)
		return;
	if (rule->action == POLICY_DENY && e->view != VIEW_ANSWER)
		target = emit_rule_end(e, index, denied);
	if (!counter || ruleset_add_counter(e->rs, e->family, counter) < 0) {
		e->err = -ENOMEM;
		return;
	}
	for (size_t a = 0; a < n_alternatives; a++)
		for (size_t p = 0; p < ports->n; p++) {
			struct draft draft = { .rule = { .counter = counter,
							 .comment = comment,
							 .policy_rule = (uint32_t)index + 1 } };
			draft_add(&draft, alternatives[a]);
			for (size_t i = 0; i < ports->items[p].n; i++)
				draft_add(&draft, ports->items[p].matches[i]);
			if (e->view == VIEW_ANSWER) {
				emit_answer_rule(e, chain, &draft, rule);
				continue;
			}
			emit_rule_log(e, chain, &draft, rule);
			emit_verdict(e, chain, &draft, RS_GOTO, target);
		}
}
