/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The flows that a question means: pairs of endpoints that meet, and both families. */
#include <errno.h>
#include <string.h>

#include "core/report/explain.h"

struct way_search {
	const struct survey *survey;
	const struct explain_end *from, *to;
	const struct port_range *port;
	struct arena *arena;
	explain_ways *ways;
	size_t most; /* ways that are shown though alike */
};

static bool is_container_end(const struct explain_end *end)
{
	return end->kind == EXPLAIN_CONTAINER || end->kind == EXPLAIN_TIER;
}

static struct sim_end plain_end(const struct explain_end *end, size_t family)
{
	if (end->kind == EXPLAIN_HOST)
		return (struct sim_end){ .kind = SIM_HOST, .addr = end->addrs[family] };
	return (struct sim_end){ .kind = SIM_ADDRESS, .addr = end->addrs[family] };
}

/* One address was asked for, and it is of the other family. */
static bool is_of_other_family(const struct explain_end *end, size_t family)
{
	return end->kind == EXPLAIN_HOST && end->addrs[!family].family &&
	       !end->addrs[family].family;
}

static struct sim_end endpoint_end(uint32_t endpoint)
{
	return (struct sim_end){ .kind = SIM_ENDPOINT, .endpoint = endpoint };
}

/* Of many ways some are shown; those with another verdict always. */
static bool tells_more(const struct way_search *asking, const struct sim_result *result)
{
	const explain_ways *ways = asking->ways;
	bool alike = false;

	for (size_t i = 0; i < ways->n; i++)
		alike |= ways->items[i].result.allowed == result->allowed &&
			 ways->items[i].result.audited == result->audited;
	return ways->n < asking->most || !alike;
}

static int add_way(const struct way_search *asking, size_t family, struct sim_end from,
		   struct sim_end to)
{
	const struct report_input *in = asking->survey->in[0];
	const struct sim_host host = { in->world, in->policy, in->compiled, in->symbolic };
	struct explain_way way = { .flow = { from, to, family ? IP_V6 : IP_V4,
					     (enum ip_proto)asking->port->proto,
					     asking->port->lo } };

	if ((asking->port->proto == PROTO_ICMP && family == 1) ||
	    (asking->port->proto == PROTO_ICMPV6 && family == 0) ||
	    (from.kind == SIM_ADDRESS && !from.addr.family) ||
	    (to.kind == SIM_ADDRESS && !to.addr.family) ||
	    is_of_other_family(asking->from, family) || is_of_other_family(asking->to, family))
		return 0;
	int r = sim_flow(&host, &way.flow, asking->arena, &way.result);
	if (r == 0 && way.result.by != SIM_NO_ADDRESS && tells_more(asking, &way.result))
		r = VEC_PUSH(asking->arena, asking->ways, way);
	return r;
}

static bool meet(const struct world *world, uint32_t a, uint32_t b)
{
	return world->endpoints[a].network == world->endpoints[b].network &&
	       world->endpoints[a].container != world->endpoints[b].container;
}

/* Whether Docker lets the containers on a network talk: it need not filter IPv6. */
static bool lets_talk(const struct world *world, uint32_t network, size_t family)
{
	return world->networks[network].icc || !world_filters(world, family ? IP_V6 : IP_V4);
}

static bool has_family(const struct world *world, uint32_t endpoint, size_t family)
{
	const struct world_endpoint *e = &world->endpoints[endpoint];

	return (family ? e->ipv6.family : e->ipv4.family) != IP_NONE;
}

/* On every network that both are on; of a tier one example there, of two tiers one in all. 1: they
 * meet, over this family or not. */
static int ask_shared(const struct way_search *asking, size_t family, bool talking)
{
	const struct explain_end *from = asking->from, *to = asking->to;
	const struct world *world = asking->survey->world;
	bool tiers = from->kind == EXPLAIN_TIER && to->kind == EXPLAIN_TIER;
	bool found = false, asked = false;
	uint32_t done = SURVEY_NONE; /* a network; a tier's examples come network by network */

	for (size_t a = 0; a < from->n_endpoints && !(asked && tiers); a++) {
		uint32_t source = from->endpoints[a], network = world->endpoints[source].network;
		bool met = from->kind == EXPLAIN_TIER && network == done;
		if (lets_talk(world, network, family) != talking)
			continue;
		for (size_t b = 0; b < to->n_endpoints && !met; b++) {
			uint32_t destination = to->endpoints[b];
			if (!meet(world, source, destination))
				continue;
			found = true;
			if (!has_family(world, source, family) ||
			    !has_family(world, destination, family))
				continue;
			int r = add_way(asking, family, endpoint_end(source),
					endpoint_end(destination));
			if (r < 0)
				return r;
			met = to->kind == EXPLAIN_TIER;
			asked = true;
			done = network;
		}
	}
	return found;
}

static bool is_endpoint_managed(const struct way_search *asking, uint32_t endpoint)
{
	return asking->survey->class_of[endpoint] != SURVEY_NONE;
}

/* Between managed networks one example, unless they @met; and all ways by which a container on some
 * other network is to the other one outside. */
static int ask_apart(const struct way_search *asking, size_t family, bool met)
{
	const struct world *world = asking->survey->world;

	for (size_t a = 0; a < asking->from->n_endpoints; a++)
		for (size_t b = 0; b < asking->to->n_endpoints; b++) {
			uint32_t from = asking->from->endpoints[a], to = asking->to->endpoints[b];
			bool managed = is_endpoint_managed(asking, from) &&
				       is_endpoint_managed(asking, to);
			bool sent =
				has_family(world, from, family) && has_family(world, to, family);
			if (from == to || (managed && (met || !sent)) ||
			    (!managed && meet(world, from, to))) /* asked already */
				continue;
			int r = add_way(asking, family, endpoint_end(from), endpoint_end(to));
			if (r < 0)
				return r;
			met |= managed;
		}
	return 0;
}

/* From one endpoint to all on other networks, of a tier to one. 1: there are such. */
static int ask_routed_from(const struct way_search *asking, size_t family, uint32_t from)
{
	const struct explain_end *to = asking->to;
	const struct world *world = asking->survey->world;
	uint32_t network = world->endpoints[from].network;
	bool found = false;

	if (!is_endpoint_managed(asking, from) || !has_family(world, from, family))
		return 0;
	if (to->kind == EXPLAIN_TIER) {
		uint32_t one = survey_routed_to(asking->survey, to->class, family ? IP_V6 : IP_V4,
						network);
		int r = one == SURVEY_NONE
				? 0
				: add_way(asking, family, endpoint_end(from), endpoint_end(one));
		return r < 0 ? r : one != SURVEY_NONE;
	}
	for (size_t i = 0; i < to->n_endpoints; i++) {
		uint32_t one = to->endpoints[i];
		if (world->endpoints[one].network == network || !is_endpoint_managed(asking, one) ||
		    !has_family(world, one, family) ||
		    world->endpoints[one].container == world->endpoints[from].container)
			continue;
		int r = add_way(asking, family, endpoint_end(from), endpoint_end(one));
		if (r < 0)
			return r;
		found = true;
	}
	return found;
}

/* Between networks, where Docker does not filter or podman does not isolate. 1: there are such
 * ways. */
static int ask_routed(const struct way_search *asking, size_t family)
{
	const struct explain_end *from = asking->from;
	bool tiers = from->kind == EXPLAIN_TIER && asking->to->kind == EXPLAIN_TIER;
	bool routes = world_may_route(asking->survey->world, family ? IP_V6 : IP_V4);
	int found = 0;

	for (size_t i = 0; routes && i < from->n_endpoints && !(found && tiers); i++) {
		int r = ask_routed_from(asking, family, from->endpoints[i]);
		if (r < 0)
			return r;
		found |= r;
	}
	return found;
}

/* The endpoints of an end: of a tier all as one, else one a call. */
static bool next_group(const struct explain_end *end, size_t *cursor, struct survey_group *ret)
{
	bool tier = end->kind == EXPLAIN_TIER;

	if (*cursor >= (tier ? 1 : end->n_endpoints))
		return false;
	*ret = (struct survey_group){ .class = tier ? end->class : SURVEY_NONE,
				      .endpoints = &end->endpoints[*cursor],
				      .n = 1 };
	++*cursor;
	return true;
}

/* To networks that are open to others. 1: there are such ways. */
static int ask_opened(const struct way_search *asking, size_t family)
{
	enum ip_family f = family ? IP_V6 : IP_V4;
	struct survey_group ends[2];
	bool found = false;

	for (size_t a = 0; next_group(asking->from, &a, &ends[0]);)
		for (size_t b = 0; next_group(asking->to, &b, &ends[1]);) {
			uint32_t pair[2];
			if (!survey_opened_pair(asking->survey, ends, f, asking->port, pair))
				continue;
			found = true;
			int r = add_way(asking, family, endpoint_end(pair[0]),
					endpoint_end(pair[1]));
			if (r < 0)
				return r;
		}
	return found;
}

static int ask_inside(const struct way_search *asking, size_t family)
{
	bool met = false;
	int r = ask_shared(asking, family, true);

	if (r == 0)
		r = ask_shared(asking, family, false);
	met |= r > 0;
	if (r >= 0)
		r = ask_routed(asking, family);
	met |= r > 0;
	if (r >= 0)
		r = ask_opened(asking, family);
	met |= r > 0;
	return r < 0 ? r : ask_apart(asking, family, met);
}

/* Of a tier a member that an address outside is asked about with: where another tier speaks for the
 * address, one that is beside a container of that one. */
static uint32_t member_for(const struct way_search *asking, const struct explain_end *tier,
			   const struct sim_end *other, size_t family)
{
	const struct survey *survey = asking->survey;
	enum ip_family f = family ? IP_V6 : IP_V4;
	uint32_t speaker = SURVEY_NONE, beside = SURVEY_NONE;

	if (other->kind == SIM_ADDRESS)
		speaker = compile_find_spoken(survey->in[0]->compiled, &other->addr);
	if (speaker != SURVEY_NONE)
		beside = survey_beside(survey, tier->class, f, 0, speaker);
	return beside != SURVEY_NONE ? beside : survey_any(survey, tier->class, f);
}

/* Of a tier a member that publishes the port, if one does. */
static uint32_t publishing(const struct way_search *asking, size_t family)
{
	const struct survey *survey = asking->survey;
	uint32_t opening = survey_opening_at(survey, asking->to->class, asking->port);

	if (opening != SURVEY_NONE && survey->openings[opening].endpoint[family] != SURVEY_NONE)
		return survey->openings[opening].endpoint[family];
	return survey_any(survey, asking->to->class, family ? IP_V6 : IP_V4);
}

/* Besides those who are asked anyway: who sends to networks that are open to others, and whom
 * Docker lets in there. */
static int ask_senders(const struct way_search *asking, size_t family, struct sim_end to)
{
	enum ip_family f = family ? IP_V6 : IP_V4;
	uint32_t class = asking->from->class, from;
	size_t cursor = 0;
	int r = 0;

	while (survey_is_on_network(asking->survey->in[0], &to) && r == 0 &&
	       (from = survey_next_sender(asking->survey, class, f, &cursor)) != SURVEY_NONE)
		r = add_way(asking, family, endpoint_end(from), to);
	return r;
}

static int ask_let_in(const struct way_search *asking, size_t family, struct sim_end from)
{
	enum ip_family f = family ? IP_V6 : IP_V4;
	struct survey_let_in walk = { 0, SURVEY_NONE };
	uint32_t class = asking->to->class, to;
	int r = 0;

	while (survey_is_on_network(asking->survey->in[0], &from) && r == 0 &&
	       (to = survey_next_let_in(asking->survey, class, f, asking->port, &walk)) !=
		       SURVEY_NONE)
		r = add_way(asking, family, from, endpoint_end(to));
	return r;
}

/* From outside to a tier: who publishes the port, and some other if that says more: in audit mode
 * it may. */
static int ask_inbound_tier(const struct way_search *asking, size_t family)
{
	struct sim_end from = plain_end(asking->from, family);
	struct way_search others = *asking;
	bool spoken =
		from.kind == SIM_ADDRESS &&
		compile_find_spoken(asking->survey->in[0]->compiled, &from.addr) != SURVEY_NONE;

	if (spoken)
		return add_way(asking, family, from,
			       endpoint_end(member_for(asking, asking->to, &from, family)));
	uint32_t first = publishing(asking, family),
		 other = survey_other(asking->survey, asking->to->class, family ? IP_V6 : IP_V4,
				      first);
	int r = add_way(asking, family, from, endpoint_end(first));

	others.most = 0;
	return r < 0 || other == SURVEY_NONE ? r
					     : add_way(&others, family, from, endpoint_end(other));
}

static int ask_inbound(const struct way_search *asking, size_t family)
{
	struct sim_end from = plain_end(asking->from, family);
	int r = 0;

	if (asking->to->kind == EXPLAIN_TIER) {
		r = ask_inbound_tier(asking, family);
		return r < 0 ? r : ask_let_in(asking, family, from);
	}
	for (size_t i = 0; i < asking->to->n_endpoints && r == 0; i++)
		r = add_way(asking, family, from, endpoint_end(asking->to->endpoints[i]));
	return r;
}

static int ask_outbound(const struct way_search *asking, size_t family)
{
	struct sim_end to = plain_end(asking->to, family);
	int r = 0;

	if (asking->from->kind == EXPLAIN_TIER) {
		struct sim_end from = endpoint_end(member_for(asking, asking->from, &to, family));
		r = add_way(asking, family, from, to);
		return r < 0 ? r : ask_senders(asking, family, to);
	}
	for (size_t i = 0; i < asking->from->n_endpoints && r == 0; i++)
		r = add_way(asking, family, endpoint_end(asking->from->endpoints[i]),
			    plain_end(asking->to, family));
	return r;
}

int explain_ask(const struct survey *survey, const struct explain_end ends[2],
		const struct port_range *port, struct arena *arena, explain_ways *ret)
{
	size_t most = ends[0].alike || ends[1].alike ? EXPLAIN_WAYS_ALIKE : EXPLAIN_WAYS;
	struct way_search asking = { survey, &ends[0], &ends[1], port, arena, ret, most };
	bool from = is_container_end(&ends[0]), to = is_container_end(&ends[1]);
	int r = 0;

	*ret = (explain_ways){ 0 };
	if ((from && ends[0].n_endpoints == 0) || (to && ends[1].n_endpoints == 0))
		return 0;
	for (size_t family = 0; family < 2 && r == 0; family++) {
		if (from && to)
			r = ask_inside(&asking, family);
		else if (to)
			r = ask_inbound(&asking, family);
		else if (from)
			r = ask_outbound(&asking, family);
		else
			r = add_way(&asking, family, plain_end(&ends[0], family),
				    plain_end(&ends[1], family));
	}
	return r;
}

void explain_sum_up(const explain_ways *ways, bool *allowed, bool *audited)
{
	*allowed = *audited = false;
	for (size_t i = 0; i < ways->n; i++) {
		*allowed |= ways->items[i].result.allowed && !ways->items[i].result.audited;
		*audited |= ways->items[i].result.audited;
	}
	*audited &= !*allowed;
}
