/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Published ports on the path through the host itself: docker-proxy, which takes IPv6 where Docker
 * programs no ip6tables, containers that go through a host address, and everything while Docker's
 * DNAT is not there. (A port that is DNATed passes the forward hook with its true destination and
 * is judged by to_X.) The host port is all that is seen here, so each policy rule becomes a set of
 * the host ports whose container port it covers. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/compile/emit.h"

/* How a published port is keyed: on all addresses of the host, or on one. */
enum keyed { KEYED_ANY, KEYED_IP4, KEYED_IP6, KEYED_COUNT };

static const struct {
	const char *map;
	size_t n;
	enum rs_type types[3];
	enum rs_field address; /* but for KEYED_ANY */
} keyings[KEYED_COUNT] = {
	[KEYED_ANY] = { .map = MAP_PUBLISHED,
			.n = 2,
			.types = { RS_TYPE_INET_PROTO, RS_TYPE_INET_SERVICE } },
	[KEYED_IP4] = { MAP_PUBLISHED4,
			3,
			{ RS_TYPE_IPV4, RS_TYPE_INET_PROTO, RS_TYPE_INET_SERVICE },
			RS_CT_ORIGINAL_IP_DADDR },
	[KEYED_IP6] = { MAP_PUBLISHED6,
			3,
			{ RS_TYPE_IPV6, RS_TYPE_INET_PROTO, RS_TYPE_INET_SERVICE },
			RS_CT_ORIGINAL_IP6_DADDR },
};

/* One published port of a container that takes part, with the endpoint that answers for it. */
struct opening {
	const struct world_published *published;
	const struct group *group;
	const char *bridge;
	enum keyed keyed;
	struct rs_key key;
};
typedef VEC(struct opening) openings;
/* Some of them, in order. */
typedef VEC(const struct opening *) opening_refs;

static struct opening make_opening(const struct world_published *published)
{
	uint8_t proto = proto_number((enum ip_proto)published->port.proto);
	uint16_t port = htons(published->host_port);
	struct opening opening = { .published = published };

	opening.keyed = ip_is_unspecified(&published->host_ip) ? KEYED_ANY
			: published->host_ip.family == IP_V6   ? KEYED_IP6
							       : KEYED_IP4;
	if (opening.keyed != KEYED_ANY)
		rs_key_add(&opening.key, keyings[opening.keyed].types[0], published->host_ip.bytes,
			   true);
	rs_key_add(&opening.key, RS_TYPE_INET_PROTO, &proto, true);
	rs_key_add(&opening.key, RS_TYPE_INET_SERVICE, &port, true);
	return opening;
}

/* A container on several networks answers on the first that Docker could publish on; which one it
 * is does not show from outside, so a container whose endpoints are in different groups has its
 * published ports closed here (group NULL). */
static const struct group *container_group(const struct emit *e, size_t first, size_t n,
					   const char **bridge)
{
	const struct world *world = e->in->world;
	const struct group *group = NULL;

	for (size_t i = first; i < first + n; i++) {
		const struct group *other = emit_group_of(e, i);
		if (e->assignments[i].kind == ASSIGN_UNMANAGED)
			continue;
		if (!other || (group && other != group))
			return NULL;
		group = other;
		*bridge = n == 1 ? world->networks[world->endpoints[i].network].bridge : "";
	}
	return group;
}

static void find_openings(struct emit *e, openings *ret)
{
	const struct world *world = e->in->world;

	for (size_t first = 0, n; first < world->n_endpoints; first += n) {
		const struct world_container *container =
			&world->containers[world->endpoints[first].container];
		const char *bridge = "";
		for (n = 1; first + n < world->n_endpoints; n++)
			if (world->endpoints[first + n].container !=
			    world->endpoints[first].container)
				break;
		const struct group *group = container_group(e, first, n, &bridge);
		for (size_t i = 0; i < container->n_published; i++) {
			struct opening opening = make_opening(&container->published[i]);
			opening.group = group;
			opening.bridge = bridge;
			/* Loopback is reached from the host alone: prerouting drops it elsewhere.
			 */
			if (container->published[i].host_port == 0 ||
			    ip_is_loopback(&container->published[i].host_ip))
				continue;
			if (VEC_PUSH(e->arena, ret, opening) < 0)
				e->err = -ENOMEM;
		}
	}
}

static int by_key(const void *left, const void *right)
{
	const struct opening *a = left, *b = right;

	if (a->keyed != b->keyed)
		return a->keyed < b->keyed ? -1 : 1;
	return rs_key_compare(&a->key, &b->key);
}

/* Two containers cannot publish one port on one address; 0.0.0.0 and :: of one port share a key. A
 * key that still has two owners (a stale fact) is closed. */
static void emit_maps(struct emit *e, const openings *all)
{
	struct rs_set *maps[KEYED_COUNT];

	for (size_t k = 0; k < KEYED_COUNT; k++)
		maps[k] = emit_map(e, keyings[k].map, keyings[k].types, keyings[k].n);
	for (size_t i = 0, next; i < all->n && !e->err; i = next) {
		const struct opening *opening = &all->items[i];
		bool one_owner = opening->group != NULL;
		for (next = i + 1; next < all->n; next++) {
			if (by_key(&all->items[next], opening) != 0)
				break;
			one_owner &= all->items[next].group == opening->group;
		}
		emit_goto_elem(e, maps[opening->keyed], &opening->key,
			       one_owner ? opening->group->published_chain : CHAIN_NOBODY);
	}
}

/* ---- conditions: the host ports that stand for a rule's container ports ---- */

/* Openings that differ in nothing but the port: neighbours of them become one condition. */
static bool same_run(const struct opening *a, const struct opening *b)
{
	return a->keyed == b->keyed && a->published->port.proto == b->published->port.proto &&
	       (a->keyed == KEYED_ANY ||
		ip_compare(&a->published->host_ip, &b->published->host_ip) == 0);
}

static bool rule_covers(const struct policy_rule *rule, const struct opening *opening)
{
	for (size_t p = 0; p < rule->n_ports; p++)
		if (port_range_overlaps(&rule->ports[p], &opening->published->port))
			return true;
	return rule->n_ports == 0;
}

/* The host ports from @first's on to @last, all wanted. @extra: one more match, or NULL. */
static void add_run(struct emit *e, const struct opening *first, uint16_t last,
		    const struct rs_match *extra, port_conditions *ret)
{
	enum ip_proto proto = (enum ip_proto)first->published->port.proto;
	struct port_condition condition = { 0 };

	if (first->keyed != KEYED_ANY)
		condition.matches[condition.n++] =
			match_is(keyings[first->keyed].address, first->published->host_ip.bytes);
	if (extra)
		condition.matches[condition.n++] = *extra;
	condition.matches[condition.n++] = match_number(RS_META_L4PROTO, proto_number(proto));
	condition.matches[condition.n++] =
		match_port_range(RS_CT_ORIGINAL_PROTO_DST, first->published->host_port, last);
	if (VEC_PUSH(e->arena, ret, condition) < 0)
		e->err = -ENOMEM;
}

static void add_wanted(struct emit *e, opening_refs *wanted, const struct opening *opening)
{
	if (VEC_PUSH(e->arena, wanted, opening) < 0)
		e->err = -ENOMEM;
}

/* Neighbouring ports of openings that are neighbours among all, too, as one range. */
static void openings_to_conditions(struct emit *e, const opening_refs *wanted,
				   const struct rs_match *extra, port_conditions *ret)
{
	for (size_t i = 0, next; i < wanted->n && !e->err; i = next) {
		const struct opening *first = wanted->items[i];
		uint16_t last = first->published->host_port;
		for (next = i + 1; next < wanted->n; next++) {
			const struct opening *opening = wanted->items[next];
			uint16_t port = opening->published->host_port;
			if (opening != first + (next - i) || !same_run(first, opening) ||
			    port > last + 1)
				break;
			last = port;
		}
		add_run(e, first, last, extra, ret);
	}
}

static void add_covered(struct emit *e, opening_refs *wanted, const opening_refs *own,
			const struct policy_rule *rule)
{
	for (size_t i = 0; i < own->n && !e->err; i++)
		if (rule_covers(rule, own->items[i]))
			add_wanted(e, wanted, own->items[i]);
}

static void emit_rules(struct emit *e, struct rs_chain *chain, const struct group *group,
		       const opening_refs *own, bool outside)
{
	const struct policy *policy = e->in->policy;
	const char *denied = emit_denied_name(e, outside ? DENIED_TO_OUTSIDE : DENIED_TO, group);
	port_conditions ports = { 0 }; /* of the rule at hand */
	opening_refs wanted = { 0 };

	for (int action = POLICY_DENY; action >= POLICY_ALLOW; action--)
		for (size_t i = 0; i < policy->n_rules && !e->err; i++) {
			const struct policy_rule *rule = &policy->rules[i];
			if ((int)rule->action != action || !emit_rule_active(e, rule) ||
			    !rule_names_tier(rule->to, rule->n_to, group->tier))
				continue;
			ports.n = wanted.n = 0;
			add_covered(e, &wanted, own, rule);
			openings_to_conditions(e, &wanted, NULL, &ports);
			for (size_t p = 0; p < rule->n_from; p++) {
				struct rs_match sources[PEER_ALTERNATIVES];
				if (peer_is_outside(&rule->from[p]) != outside)
					continue;
				size_t n =
					peer_alternatives(e, &rule->from[p], SIDE_SOURCE, sources);
				emit_policy_rule(e, chain, i, sources, n, &ports,
						 action == POLICY_ALLOW ? CHAIN_ACCEPTED : denied);
			}
		}
}

/* Through the host to a member of the same tier on the same network: the bridge is where the
 * packet comes from (input) or where its answer goes (output). */
static void emit_within_bridge(struct emit *e, struct rs_chain *chain, const struct group *group,
			       const opening_refs *wanted, const char *bridge)
{
	static const enum rs_field sides[] = { RS_META_IIFNAME, RS_META_OIFNAME };
	port_conditions ports = { 0 };

	for (size_t side = 0; side < ARRAY_LEN(sides); side++) {
		struct rs_match at = match_ifname(sides[side], bridge);
		openings_to_conditions(e, wanted, &at, &ports);
	}
	for (size_t i = 0; i < ports.n && !e->err; i++)
		for (size_t family = 0; family < 2; family++) {
			struct draft draft = { 0 };
			draft_add(&draft,
				  match_in(family ? RS_CT_ORIGINAL_IP6_SADDR
						  : RS_CT_ORIGINAL_IP_SADDR,
					   emit_name(e, "%s%c", group->name, "46"[family])));
			for (size_t m = 0; m < ports.items[i].n; m++)
				draft_add(&draft, ports.items[i].matches[m]);
			emit_verdict(e, chain, &draft, RS_GOTO, CHAIN_ACCEPTED);
		}
}

static void emit_published_within(struct emit *e, struct rs_chain *chain, const struct group *group,
				  const opening_refs *own)
{
	const struct world *world = e->in->world;

	for (size_t n = 0; n < world->n_networks && group->within && !e->err; n++) {
		const char *bridge = world->networks[n].bridge;
		opening_refs wanted = { 0 };
		if (!world_network_is_managed(&world->networks[n]))
			continue;
		for (size_t i = 0; i < own->n && !e->err; i++)
			if (strcmp(own->items[i]->bridge, bridge) == 0)
				add_wanted(e, &wanted, own->items[i]);
		if (wanted.n)
			emit_within_bridge(e, chain, group, &wanted, bridge);
	}
}

static void emit_group(struct emit *e, const struct group *group, const opening_refs *own)
{
	const char *outside_name = emit_name(e, "published_outside_%s", group->name);
	struct rs_chain *chain = emit_chain(
		e, group->published_chain,
		emit_name(e, "a port that %s publishes, reached through the host", group->name));
	struct rs_chain *outside = emit_chain(e, outside_name, NULL);

	if (e->err)
		return;
	EMIT(e, chain, RS_GOTO, outside_name, match_not_in(RS_META_IIFNAME, SET_BRIDGES),
	     match_not_in(RS_META_OIFNAME, SET_BRIDGES));
	emit_rules(e, chain, group, own, false);
	emit_published_within(e, chain, group, own);
	emit_always(e, chain, RS_GOTO, emit_denied_name(e, DENIED_TO, group));

	emit_rules(e, outside, group, own, true);
	emit_always(e, outside, RS_GOTO,
		    group->unjudged ? CHAIN_ACCEPTED
				    : emit_denied_name(e, DENIED_TO_OUTSIDE, group));
}

/* Each group's own. */
static const opening_refs *sort_out(struct emit *e, const openings *all)
{
	opening_refs *own = arena_alloc(e->arena, e->n_groups * sizeof(*own));

	if (!own)
		e->err = -ENOMEM;
	for (size_t i = 0; i < all->n && !e->err; i++)
		if (all->items[i].group)
			add_wanted(e, &own[all->items[i].group - e->groups], &all->items[i]);
	return own;
}

void emit_published(struct emit *e)
{
	openings all = { 0 };

	find_openings(e, &all);
	if (all.n)
		qsort(all.items, all.n, sizeof(struct opening), by_key);
	emit_maps(e, &all);
	const opening_refs *own = sort_out(e, &all);
	for (size_t g = 0; g < e->n_groups && !e->err; g++)
		emit_group(e, &e->groups[g], &own[g]);
}
