/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Flows to edges between those who can be named, and what can become of each. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/policy/zone.h"
#include "core/suggest/draft.h"

#define DNS_PORT 53u

/* ---- what a policy can say of it ---- */

static bool is_resolver(const struct world *world, const struct ip_addr *addr)
{
	for (size_t i = 0; i < world->n_resolvers; i++)
		if (ip_compare(&world->resolvers[i], addr) == 0)
			return true;
	return false;
}

static const char *address_of(const struct flow_end *end, struct arena *arena)
{
	char text[PREFIX_TEXT_LEN];

	return arena_strdup(arena, flow_address_text(end, text));
}

/* No rule can help where the packet itself is what is denied. */
static bool is_about_rules(enum reason reason)
{
	static const enum reason others[] = {
		REASON_UNKNOWN_ADDRESS,	  REASON_ADDRESS_CLASH,	 REASON_GROUP,
		REASON_SPOOFED,		  REASON_FOREIGN_SOURCE, REASON_FOREIGN_MAC,
		REASON_THROUGH_CONTAINER, REASON_ROUTER,	 REASON_FRAME,
		REASON_MISDIRECTED,	  REASON_UNKNOWN_BRIDGE, REASON_STACKED,
		REASON_PAST_BRIDGE,	  REASON_LOOPBACK,	 REASON_NOT_FROM_BRIDGE,
		REASON_FOREIGN_ERROR,	  REASON_NOISE,		 REASON_FLOODED,
	};

	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		if (reason == others[i])
			return false;
	return true;
}

void suggest_leave(struct suggest_edge *edge, const char *why)
{
	edge->fate = SUGGEST_LEFT;
	edge->why = why;
}

static void choose(struct suggest_edge *edge, const char *why)
{
	if (edge->fate == SUGGEST_LEFT)
		return;
	edge->fate = SUGGEST_COMMENT;
	edge->why = why;
}

/* ---- ends ---- */

static int place_outside(const struct suggest *s, const struct flow_end *end, bool source,
			 struct suggest_edge *edge)
{
	struct suggest_side *side = source ? &edge->from : &edge->to;

	side->kind = SUGGEST_OUTSIDE;
	if (end->zone != FLOW_NO_ZONE && source)
		return 0;
	if (!source && end->len == ip_len(&end->addr) * 8 && edge->flow->port == DNS_PORT &&
	    is_resolver(s->world, &end->addr)) {
		side->peer = side->sample = "dns";
		return 0;
	}
	if (end->zone != FLOW_NO_ZONE)
		return 0;
	const struct ip_prefix prefix = { end->addr, end->len };
	if (end->addr.family == IP_NONE || end->len == 0 ||
	    !policy_prefix_holds_metadata(&prefix)) {
		suggest_leave(
			edge,
			"an address in no zone (multicast, broadcast, reserved): nothing that "
			"a rule is for");
		return 0;
	}
	side->peer = side->sample = address_of(end, s->arena);
	choose(edge, "a metadata service: clouds answer there with credentials of the whole "
		     "machine");
	return side->peer ? 0 : -ENOMEM;
}

/* Why no new tier takes the endpoint out of where it is; NULL: it is in one, or may be. */
static const char *why_closed(const struct suggest *s, uint32_t endpoint)
{
	const struct assignment *assignment =
		s->in_force ? &s->in_force->compiled->assignments[endpoint] : NULL;

	if (!assignment || assignment->kind == ASSIGN_TIER || assignment->kind == ASSIGN_UNMATCHED)
		return NULL;
	return reason_text(compile_closed_reason(assignment));
}

static int place_end(const struct suggest *s, const struct flow_end *end, bool source,
		     struct suggest_edge *edge)
{
	struct suggest_side *side = source ? &edge->from : &edge->to;

	switch (end->kind) {
	case FLOW_CONTAINER:
		side->kind = SUGGEST_WHO;
		side->endpoint = suggest_endpoint_of(s, end);
		side->who =
			side->endpoint == SUGGEST_NONE ? SUGGEST_NONE : s->who_of[side->endpoint];
		if (side->who == SUGGEST_NONE)
			suggest_leave(edge,
				      "its container is gone, or on other networks, and nothing "
				      "tells what it was");
		else if (s->whos.items[side->who].why_not)
			suggest_leave(edge, s->whos.items[side->who].why_not);
		else if (why_closed(s, side->endpoint))
			suggest_leave(edge, why_closed(s, side->endpoint));
		return 0;
	case FLOW_HOST:
		side->kind = SUGGEST_HOST;
		side->peer = side->sample = "host";
		if (source && edge->fate == SUGGEST_RULE)
			edge->fate = SUGGEST_IMPLIED;
		if (!source)
			choose(edge, "services of this host itself: whoever takes over the "
				     "container talks to them");
		return 0;
	case FLOW_OUTSIDE:
		return place_outside(s, end, source, edge);
	case FLOW_NOBODY:
		break;
	}
	side->kind = SUGGEST_OUTSIDE;
	suggest_leave(edge, "an address of a network that no known container has");
	return 0;
}

static void set_port(struct suggest_edge *edge)
{
	const struct flow *flow = edge->flow;
	enum ip_proto proto = proto_find(flow->proto);

	edge->port = (struct port_range){ (uint8_t)proto, 0, UINT16_MAX };
	if (proto_has_ports(proto))
		edge->port.lo = edge->port.hi = flow->port;
	if (flow->ether_type || proto == PROTO_ANY)
		suggest_leave(edge,
			      "a protocol that rules cannot name: only one without ports lets it "
			      "pass, with everything else");
	else if (proto_has_ports(proto) && flow->port == 0)
		suggest_leave(edge,
			      "more ports than are kept one by one: a scan, or a protocol that "
			      "chooses its ports: name a range, or none");
}

int suggest_make_edge(const struct suggest *s, const struct flow *flow, struct suggest_edge *ret)
{
	*ret = (struct suggest_edge){ .flow = flow,
				      .from = { .who = SUGGEST_NONE, .endpoint = SUGGEST_NONE },
				      .to = { .who = SUGGEST_NONE, .endpoint = SUGGEST_NONE } };
	int r = place_end(s, &flow->from, true, ret);

	if (r == 0)
		r = place_end(s, &flow->to, false, ret);
	set_port(ret);
	if (flow->verdict != FLOW_ALLOWED && !is_about_rules(flow->reason))
		suggest_leave(ret, reason_text(flow->reason));
	return r;
}

/* ---- the evaluator's word ---- */

/* Who stands for a zone or a prefix of which no address was kept. */
static bool stand_for(const struct world *world, const struct flow_end *end, enum ip_family family,
		      struct ip_addr *ret)
{
	static const struct ip_addr samples[][2] = {
		{ { IP_V4, { 203, 0, 113, 77 } },
		  { IP_V6, { 0x20, 0x01, 0x0d, 0xb8, 0xff, [15] = 0x77 } } },
		{ { IP_V4, { 192, 168, 213, 77 } }, { IP_V6, { 0xfd, 0x77, [15] = 0x77 } } },
		{ { IP_V4, { 10, 213, 77, 77 } }, { IP_V6, { 0xfd, 0x78, [15] = 0x77 } } },
	};

	*ret = end->addr;
	if (end->len)
		return true;
	for (size_t i = end->zone == FLOW_INTERNET ? 0 : 1; i < ARRAY_LEN(samples); i++) {
		bool taken = false;
		*ret = samples[i][family == IP_V6];
		for (size_t n = 0; n < world->n_networks; n++)
			for (size_t k = 0; k < world->networks[n].n_subnets; k++)
				taken |= ip_in_prefix(ret, &world->networks[n].subnets[k]);
		if (!taken)
			return true;
	}
	return false;
}

static bool has_family(const struct world *world, const struct suggest_side *side,
		       enum ip_family family)
{
	const struct world_endpoint *endpoint =
		side->kind == SUGGEST_WHO && side->endpoint != SUGGEST_NONE
			? &world->endpoints[side->endpoint]
			: NULL;

	return !endpoint || (family == IP_V4 ? endpoint->ipv4 : endpoint->ipv6).family != IP_NONE;
}

static enum ip_family family_of(const struct world *world, const struct suggest_edge *edge)
{
	const struct flow *flow = edge->flow;
	enum ip_family seen = IP_NONE;

	if (edge->port.proto == PROTO_ICMP || edge->port.proto == PROTO_ICMPV6)
		return edge->port.proto == PROTO_ICMP ? IP_V4 : IP_V6;
	if (flow->from.addr.family != IP_NONE)
		seen = (enum ip_family)flow->from.addr.family;
	else if (flow->to.addr.family != IP_NONE)
		seen = (enum ip_family)flow->to.addr.family;
	if (seen != IP_NONE && has_family(world, &edge->from, seen) &&
	    has_family(world, &edge->to, seen))
		return seen;
	return has_family(world, &edge->from, IP_V4) && has_family(world, &edge->to, IP_V4) ? IP_V4
											    : IP_V6;
}

static bool make_end(const struct world *world, const struct suggest_side *side,
		     const struct flow_end *end, enum ip_family family, struct sim_end *ret)
{
	*ret = (struct sim_end){ .kind = SIM_HOST };
	if (side->kind == SUGGEST_HOST && end->addr.family == family)
		ret->addr = end->addr;
	if (side->kind == SUGGEST_HOST)
		return true;
	if (side->kind == SUGGEST_WHO) {
		*ret = (struct sim_end){ .kind = SIM_ENDPOINT, .endpoint = side->endpoint };
		return side->endpoint != SUGGEST_NONE;
	}
	ret->kind = SIM_ADDRESS;
	return end->kind == FLOW_OUTSIDE && stand_for(world, end, family, &ret->addr) &&
	       ret->addr.family == family;
}

int suggest_judge(const struct report_input *in, const struct suggest_edge *edge, bool *asked,
		  struct sim_result *ret, struct arena *arena)
{
	const struct sim_host host = { in->world, in->policy, in->compiled, in->symbolic };
	struct sim_flow flow = { .proto = (enum ip_proto)edge->port.proto,
				 .port = edge->port.lo,
				 .family = family_of(in->world, edge) };

	*ret = (struct sim_result){ .reason = "an end is not known any more, so that nobody can be "
					      "asked about it" };
	*asked = flow.proto != PROTO_ANY && (edge->port.lo || !proto_has_ports(flow.proto)) &&
		 make_end(in->world, &edge->from, &edge->flow->from, flow.family, &flow.from) &&
		 make_end(in->world, &edge->to, &edge->flow->to, flow.family, &flow.to);
	if (!*asked)
		return 0;
	int r = sim_flow(&host, &flow, arena, ret);
	/* Docker let it pass when it was seen. */
	ret->allowed = (ret->allowed && !ret->audited) || ret->by == SIM_BY_DOCKER;
	return r;
}

/* ---- all of them ---- */

static bool is_ours(const struct suggest_edge *edge)
{
	return edge->from.kind == SUGGEST_WHO || edge->to.kind == SUGGEST_WHO;
}

/* Whether an end of a test means an end of the edge. */
static bool is_meant(const struct suggest *s, const struct policy_peer *peer,
		     const struct suggest_side *side, const struct flow_end *end)
{
	const struct suggest_who *who = side->kind == SUGGEST_WHO && side->who != SUGGEST_NONE
						? &s->whos.items[side->who]
						: NULL;
	bool outside = side->kind == SUGGEST_OUTSIDE;

	switch (peer->kind) {
	case PEER_TIER:
		return who && who->in_force &&
		       strcmp(who->key, s->in->policy->tiers[peer->tier].name) == 0;
	case PEER_HOST:
		return side->kind == SUGGEST_HOST;
	case PEER_INTERNET:
		return outside && end->zone == FLOW_INTERNET;
	case PEER_LAN:
		return outside && end->zone == FLOW_LAN;
	case PEER_WORLD:
		return outside && end->zone != FLOW_NO_ZONE;
	case PEER_HOSTS:
		return outside && s->in_force &&
		       compile_find_host(s->in_force->compiled, &end->addr);
	case PEER_DNS:
		return side->peer && strcmp(side->peer, "dns") == 0;
	case PEER_PREFIX:
		break;
	}
	return outside && end->addr.family != IP_NONE && ip_in_prefix(&end->addr, &peer->prefix);
}

/* A test of the policy that expects it to be denied; NULL: there is none. */
static const struct policy_test *find_test(const struct suggest *s, const struct suggest_edge *edge)
{
	const struct policy *policy = s->in->policy;

	for (size_t i = 0; i < policy->n_tests; i++) {
		const struct policy_test *test = &policy->tests[i];
		if (test->expect == POLICY_DENY && port_range_overlaps(&test->port, &edge->port) &&
		    is_meant(s, &test->from, &edge->from, &edge->flow->from) &&
		    is_meant(s, &test->to, &edge->to, &edge->flow->to))
			return test;
	}
	return NULL;
}

/* Nothing is to be said of what the policy in force lets pass; against its deny rules and its tests
 * nothing is proposed. */
int suggest_ask_in_force(const struct suggest *s, struct suggest_edge *edge)
{
	CLEANUP(arena_freep) struct arena *scratch = arena_new();
	const struct policy_test *test = find_test(s, edge);
	const struct policy *policy = s->in->policy;
	struct sim_result result;
	bool asked = false;
	int r = scratch ? suggest_judge(s->in_force, edge, &asked, &result, scratch) : -ENOMEM;

	if (r == 0 && asked && result.allowed) {
		edge->fate = SUGGEST_IN_FORCE;
		return 0;
	}
	const struct source_loc *rule =
		r == 0 && asked && result.denial == REASON_RULE && result.policy_rule
			? &policy->rules[result.policy_rule - 1].loc
			: NULL;
	const char *why = NULL;
	if (r < 0 || (!rule && !test))
		return r;
	if (rule)
		why = arena_printf(s->arena, "the deny rule at %s:%u forbids it", rule->file,
				   rule->line);
	else
		why = arena_printf(s->arena, "the test at %s:%u expects it to be denied",
				   test->loc.file, test->loc.line);
	suggest_leave(edge, why);
	return why ? 0 : -ENOMEM;
}

/* A container that tells of its own address (gratuitous ARP) wants nothing of anybody. */
static bool is_announcement(const struct flow *flow)
{
	return flow->ether_type && flow->from.kind == FLOW_CONTAINER &&
	       flow->to.kind == FLOW_CONTAINER && strcmp(flow->from.id, flow->to.id) == 0;
}

int suggest_find_edges(struct suggest *s)
{
	for (size_t i = 0; i < s->in->evidence->n; i++) {
		const struct flow *flow = s->flows[i];
		struct suggest_edge edge;
		s->n_denied += flow->verdict == FLOW_DENIED;
		if (flow->verdict == FLOW_DENIED || is_announcement(flow))
			continue;
		int r = suggest_make_edge(s, flow, &edge);
		if (r == 0 && !is_ours(&edge))
			continue;
		if (r == 0 && s->in_force)
			r = suggest_ask_in_force(s, &edge);
		if (r < 0 || VEC_PUSH(s->arena, &s->edges, edge) < 0)
			return -ENOMEM;
	}
	return 0;
}
