/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Published ports on the path through the host itself: docker-proxy, which takes IPv6 where Docker
 * programs no ip6tables, containers that go through a host address, and everything while Docker's
 * DNAT is not there. (A port that is DNATed passes the forward hook with its true destination and
 * is judged by to.X.) The host port is all that is seen here, so a map leads from it to the chain
 * that judges the container's port: published.X.443.tcp. Neighbouring ports on which the policy
 * says the same have one chain, so that a lookup is all that ten thousand published ports cost. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/compile/published.h"

static const struct {
	const char *map;
	size_t n;
	enum rs_type types[3];
} keyings[KEYED_COUNT] = {
	[KEYED_ANY] = { MAP_PUBLISHED, 2, { RS_TYPE_INET_PROTO, RS_TYPE_INET_SERVICE } },
	[KEYED_IP4] = { MAP_PUBLISHED4,
			3,
			{ RS_TYPE_IPV4, RS_TYPE_INET_PROTO, RS_TYPE_INET_SERVICE } },
	[KEYED_IP6] = { MAP_PUBLISHED6,
			3,
			{ RS_TYPE_IPV6, RS_TYPE_INET_PROTO, RS_TYPE_INET_SERVICE } },
};

/* ---- chains ---- */

/* Whose rules, and for which sources. */
struct judging {
	const struct group *group;
	bool outside;
};

static bool rule_covers(const struct policy_rule *rule, const struct port_range *port)
{
	for (size_t p = 0; p < rule->n_ports; p++)
		if (port_range_overlaps(&rule->ports[p], port))
			return true;
	return rule->n_ports == 0;
}

static bool names_group(const struct policy_rule *rule, const struct opening *opening)
{
	for (size_t g = 0; g < opening->of.n_groups; g++)
		if (rule_names_tier(rule->to, rule->n_to, opening->of.groups[g]->tier))
			return true;
	return false;
}

/* The next in the order of chains is judged like this one: it is the same port or the one after,
 * and no rule tells the two apart. */
static bool is_alike(const struct emit *e, const struct opening *a, const struct opening *b)
{
	const struct policy *policy = e->in->policy;
	const struct port_range *p = &a->of.port, *q = &b->of.port;
	struct judged_port but_for_port = a->of;

	but_for_port.port = *q;
	if (published_compare_judged(&but_for_port, &b->of) != 0 || p->proto != q->proto ||
	    q->lo > p->lo + 1)
		return false;
	for (size_t i = 0; i < policy->n_rules && q->lo != p->lo; i++)
		if (names_group(&policy->rules[i], a) &&
		    rule_covers(&policy->rules[i], p) != rule_covers(&policy->rules[i], q))
			return false;
	return true;
}

/* "web", "api.web" */
static const char *groups_name(struct emit *e, const struct opening *opening)
{
	const char *name = opening->of.groups[0]->name;

	for (size_t g = 1; g < opening->of.n_groups; g++)
		name = emit_name(e, "%s.%s", name, opening->of.groups[g]->name);
	return name;
}

/* Of the network where it is, or "". */
static const char *bridge_of(const struct emit *e, const struct opening *opening)
{
	return opening->of.network ? e->in->world->networks[opening->of.network - 1].bridge : "";
}

/* "web.443.tcp", "web.8000-8010.udp.br-7fda1ba91b69". nft reads back plain names only, but an
 * interface may be called otherwise: it gets a name that is too long for an interface. */
static const char *name_of(struct emit *e, const struct opening *first, const struct opening *last)
{
	const struct port_range *port = &first->of.port;
	const char *bridge = bridge_of(e, first);
	const char *proto = proto_name((enum ip_proto)port->proto);
	const char *ports = first->of.port.lo == last->of.port.lo
				    ? emit_name(e, "%u", port->lo)
				    : emit_name(e, "%u-%u", port->lo, last->of.port.lo);

	if (!emit_is_plain(bridge))
		bridge = emit_name(e, "network_by_number_%zu", (size_t)first->of.network - 1);
	return emit_name(e, "%s.%s.%s%s%s", groups_name(e, first), ports, proto, *bridge ? "." : "",
			 bridge);
}

static void emit_rules(struct emit *e, struct rs_chain *chain, const struct opening *opening,
		       const struct judging *judging)
{
	const struct policy *policy = e->in->policy;
	const struct group *group = judging->group;
	bool outside = judging->outside;
	enum end_scope denied =
		emit_denied_scope(e, outside ? DENIED_TO_OUTSIDE : DENIED_TO, group);
	struct port_condition any_port = { .n = 0 }; /* the map has found the port */
	const port_conditions ports = { &any_port, 1, 1 };

	for (int action = POLICY_DENY; action >= POLICY_ALLOW; action--)
		for (size_t i = 0; i < policy->n_rules && !e->err; i++) {
			const struct policy_rule *rule = &policy->rules[i];
			if ((int)rule->action != action || !emit_rule_active(e, rule) ||
			    !rule_names_tier(rule->to, rule->n_to, group->tier) ||
			    !rule_covers(rule, &opening->of.port))
				continue;
			for (size_t p = 0; p < rule->n_from; p++) {
				struct rs_match sources[PEER_ALTERNATIVES];
				struct policy_peer peer =
					outside ? peer_seen_outside(e, rule, &rule->from[p])
						: rule->from[p];
				if (peer_is_outside(&peer) != outside)
					continue;
				size_t n = peer_alternatives(e, &peer, SIDE_SOURCE, sources);
				port_conditions narrowed =
					peer_narrowed(e, &peer, SIDE_SOURCE, &ports);
				emit_policy_rule(e, chain, i, sources, n, &narrowed, denied);
			}
		}
}

/* After the rules: to a group that nobody judges passes what no tier sends. */
static void emit_rest(struct emit *e, struct rs_chain *chain, const struct judging *judging)
{
	enum denied what = judging->outside ? DENIED_TO_OUTSIDE : DENIED_TO;

	if (!judging->group->unjudged) {
		emit_always(e, chain, RS_GOTO, emit_denied_name(e, what, judging->group));
		return;
	}
	const char *unmatched = emit_end(e, REASON_UNMATCHED);
	EMIT(e, chain, RS_GOTO, unmatched, match_in(RS_CT_ORIGINAL_IP_SADDR, SET_ANY4));
	EMIT(e, chain, RS_GOTO, unmatched, match_in(RS_CT_ORIGINAL_IP6_SADDR, SET_ANY6));
	if (e->n_spoken) {
		EMIT(e, chain, RS_GOTO, unmatched, match_in(RS_CT_ORIGINAL_IP_SADDR, SET_SPOKEN4));
		EMIT(e, chain, RS_GOTO, unmatched, match_in(RS_CT_ORIGINAL_IP6_SADDR, SET_SPOKEN6));
	}
	emit_always(e, chain, RS_GOTO, emit_allowed(e));
}

/* Group by group in chains of their own, which return what is allowed. */
static void emit_all_groups(struct emit *e, struct rs_chain *chain, const struct opening *opening,
			    bool outside)
{
	e->allowed = CHAIN_PASSED;
	for (size_t g = 0; g < opening->of.n_groups && !e->err; g++) {
		const struct judging judging = { opening->of.groups[g], outside };
		const char *name = emit_name(e, "%s.%s", chain->name, opening->of.groups[g]->name);
		struct rs_chain *own = emit_chain(e, name, NULL);
		if (e->err)
			break;
		emit_rules(e, own, opening, &judging);
		emit_rest(e, own, &judging);
		emit_always(e, chain, RS_JUMP, name);
	}
	e->allowed = NULL;
	emit_always(e, chain, RS_GOTO, CHAIN_ACCEPTED);
}

/* Through the host to a member of the same tier on the same network: the bridge is where the
 * packet comes from (input) or where its answer goes (output). */
static void emit_within(struct emit *e, struct rs_chain *chain, const struct opening *opening)
{
	static const enum rs_field sides[] = { RS_META_IIFNAME, RS_META_OIFNAME };
	const char *members4 = opening->of.groups[0]->members[0];
	const char *members6 = opening->of.groups[0]->members[1];

	for (size_t side = 0; side < ARRAY_LEN(sides) && opening->of.network; side++) {
		struct rs_match at = match_ifname(sides[side], bridge_of(e, opening));
		EMIT(e, chain, RS_GOTO, CHAIN_ACCEPTED, match_in(RS_CT_ORIGINAL_IP_SADDR, members4),
		     at);
		EMIT(e, chain, RS_GOTO, CHAIN_ACCEPTED,
		     match_in(RS_CT_ORIGINAL_IP6_SADDR, members6), at);
	}
}

/* No container is at the other end. */
static void emit_outside(struct emit *e, struct rs_chain *chain, const char *target)
{
	struct rs_match in = match_not_in(RS_META_IIFNAME, SET_BRIDGES);
	struct rs_match out = match_not_in(RS_META_OIFNAME, SET_BRIDGES);

	if (!e->any_shared) {
		EMIT(e, chain, RS_GOTO, target, in, out);
		return;
	}
	EMIT(e, chain, RS_GOTO, target, in, out,
	     match_not_in(RS_CT_ORIGINAL_IP_SADDR, SET_SHARED4));
	EMIT(e, chain, RS_GOTO, target, in, out,
	     match_not_in(RS_CT_ORIGINAL_IP6_SADDR, SET_SHARED6));
}

/* What a tier speaks for does not come from outside. */
static void emit_spoken_sources(struct emit *e, struct rs_chain *chain)
{
	if (!e->n_spoken)
		return;
	EMIT(e, chain, RS_GOTO, emit_end(e, REASON_NOT_FROM_BRIDGE),
	     match_in(RS_CT_ORIGINAL_IP_SADDR, SET_SPOKEN4));
	EMIT(e, chain, RS_GOTO, emit_end(e, REASON_NOT_FROM_BRIDGE),
	     match_in(RS_CT_ORIGINAL_IP6_SADDR, SET_SPOKEN6));
}

/* The chain that judges these ports; NULL: out of memory. */
static const char *emit_chains(struct emit *e, const struct opening *first,
			       const struct opening *last)
{
	const struct group *group = first->of.groups[0];
	const char *name = name_of(e, first, last);
	const char *outside_name = emit_name(e, "published_outside.%s", name);
	const char *inside_name = emit_name(e, "published.%s", name);
	struct rs_chain *inside = emit_chain(
		e, inside_name,
		emit_name(e, "what %s publishes, reached through the host", groups_name(e, first)));
	struct rs_chain *outside = emit_chain(e, outside_name, NULL);

	if (e->err)
		return NULL;
	emit_outside(e, inside, outside_name);
	emit_spoken_sources(e, outside);
	if (first->of.n_groups > 1) {
		emit_all_groups(e, inside, first, false);
		emit_all_groups(e, outside, first, true);
		return inside_name;
	}
	const struct judging from_inside = { group, false }, from_outside = { group, true };
	emit_rules(e, inside, first, &from_inside);
	emit_within(e, inside, first);
	emit_rest(e, inside, &from_inside);
	emit_rules(e, outside, first, &from_outside);
	emit_rest(e, outside, &from_outside);
	return inside_name;
}

static void judge(struct emit *e, openings *all)
{
	for (size_t i = 0, next; i < all->n && !e->err; i = next) {
		struct opening *first = &all->items[i];
		next = i + 1;
		while (first->of.n_groups && next < all->n &&
		       is_alike(e, &all->items[next - 1], &all->items[next]))
			next++;
		const char *chain = first->of.n_groups
					    ? emit_chains(e, first, &all->items[next - 1])
					    : emit_end(e, first->closed);
		for (size_t k = i; k < next; k++)
			all->items[k].chain = chain;
	}
}

/* ---- maps ---- */

/* Two containers cannot publish one port on one address; 0.0.0.0 and :: of one port share a key. A
 * key that still leads to two chains (a stale fact) is closed. */
void emit_published_elements(struct emit *e, const openings *all)
{
	for (size_t i = 0, next; i < all->n && !e->err; i = next) {
		const struct opening *opening = &all->items[i];
		struct rs_set *map = e->published->maps[opening->keyed];
		const char *chain = opening->chain;
		for (next = i + 1; next < all->n; next++) {
			if (published_by_key(&all->items[next], opening) != 0)
				break;
			e->published->shared |= all->items[next].container != opening->container;
			if (all->items[next].chain != chain)
				chain = CHAIN_NOBODY;
		}
		emit_goto_elem(e, map, &opening->key, chain);
	}
}

/* Where a chain of emit_all_groups() goes on after what one group allows. */
static void emit_passed(struct emit *e, const openings *all)
{
	bool wanted = false;

	for (size_t i = 0; i < all->n; i++)
		wanted |= all->items[i].of.n_groups > 1;
	struct rs_chain *passed = wanted ? emit_chain(e, CHAIN_PASSED, NULL) : NULL;
	if (passed)
		emit_always(e, passed, RS_RETURN, NULL);
}

void emit_published_maps(struct emit *e)
{
	e->published = arena_alloc(e->arena, sizeof(*e->published));
	if (!e->published)
		e->err = -ENOMEM;
	for (size_t k = 0; k < KEYED_COUNT && !e->err; k++)
		e->published->maps[k] = emit_map(e, keyings[k].map, keyings[k].types, keyings[k].n);
}

void emit_published(struct emit *e)
{
	const struct rs_table *table = &e->rs->tables[RS_INET];
	size_t first = table->chains.n;
	openings all = { 0 };

	if (e->err)
		return;
	e->asker = ASKER_PUBLISHED;
	emit_find_openings(e, &all);
	emit_passed(e, &all);
	if (all.n)
		qsort(all.items, all.n, sizeof(struct opening), published_by_chain);
	judge(e, &all);
	emit_published_uses(e, &all);
	if (all.n)
		qsort(all.items, all.n, sizeof(struct opening), published_by_key);
	emit_published_elements(e, &all);
	e->asker = ASKER_BORROWED;
	e->published->chains = (struct rs_run){ first, table->chains.n - first };
}
