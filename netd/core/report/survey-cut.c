/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The port space between two ends, cut where an answer may change. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/policy/zone.h"
#include "core/report/survey.h"

#define LAST_PORT 65535u

typedef VEC(struct port_range) range_list;

static bool peer_holds(const struct policy_peer *peer, const struct ip_addr *addr)
{
	switch (peer->kind) {
	case PEER_TIER:
	case PEER_HOST:
		return false;
	case PEER_INTERNET:
	case PEER_LAN:
	case PEER_WORLD:
		return policy_zone_contains(peer->kind, addr);
	case PEER_DNS:
		return true;
	case PEER_PREFIX:
		return ip_in_prefix(addr, &peer->prefix);
	}
	return false;
}

/* One end, with what it takes to see whether a rule names it. */
struct side {
	const struct survey *survey;
	struct survey_end end;
	struct ip_addr addrs[2 * SURVEY_PARTS];
	size_t n_addrs;
	bool is_source;
};

static bool peers_hold(const struct policy_peer *peers, size_t n, const struct side *side)
{
	for (size_t i = 0; i < n; i++)
		for (size_t a = 0; a < side->n_addrs; a++)
			if (peer_holds(&peers[i], &side->addrs[a]))
				return true;
	return false;
}

static struct side make_side(const struct survey *survey, struct survey_end end, bool is_source)
{
	struct side side = { .survey = survey, .end = end, .is_source = is_source };

	if (end.kind == SURVEY_CLASS || end.kind == SURVEY_HOST)
		return side;
	side.n_addrs = survey_addresses(survey, end, IP_V4, side.addrs);
	side.n_addrs += survey_addresses(survey, end, IP_V6, side.addrs + side.n_addrs);
	return side;
}

static bool names_side(const struct side *side, size_t input, size_t rule)
{
	const struct survey *survey = side->survey;
	const struct policy *policy = survey->in[input]->policy;
	const struct policy_rule *r = &policy->rules[rule];
	const struct survey_rule *named = &survey->rules[input][rule];

	if (side->end.kind == SURVEY_CLASS) {
		const struct assignment *as = &survey->classes[side->end.index].as[input];
		uint8_t bit = side->is_source ? 1 : 2;
		return as->kind == ASSIGN_TIER &&
		       survey->tiers[input][rule * policy->n_tiers + as->tier] & bit;
	}
	if (side->end.kind == SURVEY_HOST)
		return side->is_source ? named->from_host : named->to_host;
	if (!(side->is_source ? named->from_outside : named->to_outside))
		return false;
	return side->is_source ? peers_hold(r->from, r->n_from, side)
			       : peers_hold(r->to, r->n_to, side);
}

/* A resolver may be asked about by its address, or stand for a zone. */
static bool may_be_resolver(const struct side *side)
{
	const struct world *world = side->survey->world;

	for (size_t i = 0; i < world->n_resolvers; i++)
		for (size_t a = 0; a < side->n_addrs; a++)
			if (ip_compare(&world->resolvers[i], &side->addrs[a]) == 0)
				return true;
	return false;
}

static int note_dns(struct arena *scratch, range_list *ranges)
{
	int r = VEC_PUSH(scratch, ranges, (struct port_range){ PROTO_TCP, 53, 53 });

	return r < 0 ? r : VEC_PUSH(scratch, ranges, (struct port_range){ PROTO_UDP, 53, 53 });
}

/* The rules that may name a source; the index in struct survey. NULL: a class of no tier. */
static const survey_rules *rules_from(const struct side *from, size_t input)
{
	const struct survey *survey = from->survey;
	size_t n_tiers = survey->in[input]->policy->n_tiers;

	if (from->end.kind != SURVEY_CLASS)
		return &survey->from[input][n_tiers + (from->end.kind != SURVEY_HOST)];
	const struct assignment *as = &survey->classes[from->end.index].as[input];
	return as->kind == ASSIGN_TIER ? &survey->from[input][as->tier] : NULL;
}

static int note_ranges(const struct side *from, const struct side *to, size_t input,
		       struct arena *scratch, range_list *ranges)
{
	const struct report_input *in = from->survey->in[input];
	const survey_rules *rules = rules_from(from, input);
	int r = 0;

	for (size_t k = 0; rules && k < rules->n; k++) {
		uint32_t i = rules->items[k];
		const struct policy_rule *rule = &in->policy->rules[i];
		if ((rule->until && in->now >= rule->until) || !names_side(from, input, i) ||
		    !names_side(to, input, i))
			continue;
		for (size_t p = 0; p < rule->n_ports && r == 0; p++)
			r = VEC_PUSH(scratch, ranges, rule->ports[p]);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Without symbols, from outside only published ports are reached: each is a part. */
static int note_openings(const struct survey *survey, uint32_t class, struct arena *scratch,
			 range_list *ranges)
{
	int r = 0;

	for (size_t i = 0; i < survey->n_openings && r == 0; i++)
		if (survey->openings[i].class == class)
			r = VEC_PUSH(scratch, ranges, survey->openings[i].port);
	return r;
}

/* ---- cutting ---- */

static int by_number(const void *left, const void *right)
{
	const uint32_t *a = left, *b = right;

	return *a < *b ? -1 : *a > *b;
}

static int push_part(struct arena *scratch, enum ip_proto proto, uint32_t lo, uint32_t hi,
		     survey_parts *parts)
{
	struct survey_part part = {
		.ports = { (uint8_t)proto, (uint16_t)lo, (uint16_t)hi },
	};

	return VEC_PUSH(scratch, parts, part);
}

/* The ports of one protocol, cut before each range and behind it. */
static int cut_protocol(const range_list *ranges, enum ip_proto proto, struct arena *scratch,
			survey_parts *parts)
{
	uint32_t *cuts = arena_alloc(scratch, (2 * ranges->n + 2) * sizeof(*cuts));
	size_t n = 0;
	int r = 0;

	if (!cuts)
		return -ENOMEM;
	cuts[n++] = 1;
	cuts[n++] = LAST_PORT + 1;
	for (size_t i = 0; i < ranges->n; i++) {
		if (ranges->items[i].proto != proto)
			continue;
		cuts[n++] = ranges->items[i].lo;
		cuts[n++] = ranges->items[i].hi + 1u;
	}
	qsort(cuts, n, sizeof(*cuts), by_number);
	for (size_t i = 0; i + 1 < n && r == 0; i++)
		if (cuts[i] < cuts[i + 1])
			r = push_part(scratch, proto, cuts[i], cuts[i + 1] - 1, parts);
	return r;
}

static int cut_ranges(const range_list *ranges, struct arena *scratch, survey_parts *ret)
{
	static const enum ip_proto protos[] = { PROTO_TCP, PROTO_UDP, PROTO_SCTP, PROTO_ICMP,
						PROTO_ICMPV6 };
	bool named[PROTO_ICMPV6 + 1] = { false };
	survey_parts parts = { 0 };
	int r = 0;

	for (size_t i = 0; i < ranges->n; i++)
		named[ranges->items[i].proto] = true;
	for (size_t i = 0; i < ARRAY_LEN(protos) && r == 0; i++) {
		if (!named[protos[i]])
			continue;
		r = proto_has_ports(protos[i])
			    ? cut_protocol(ranges, protos[i], scratch, &parts)
			    : push_part(scratch, protos[i], 0, LAST_PORT, &parts);
	}
	for (size_t i = 0; i < ARRAY_LEN(protos) && r == 0; i++) {
		if (named[protos[i]])
			continue;
		r = push_part(scratch, protos[i], 1, LAST_PORT, &parts);
		if (r < 0)
			break;
		parts.items[parts.n - 1].rest = true;
		parts.items[parts.n - 1].not_over_ipv6 =
			protos[i] == PROTO_ICMP && named[PROTO_ICMPV6];
		break;
	}
	*ret = parts;
	return r;
}

int survey_cut(const struct survey *survey, struct survey_end from, struct survey_end to,
	       struct arena *scratch, survey_parts *ret)
{
	struct side source = make_side(survey, from, true),
		    destination = make_side(survey, to, false);
	bool outside = from.kind != SURVEY_CLASS && from.kind != SURVEY_HOST;
	range_list ranges = { 0 };
	int r = 0;

	if (outside && to.kind == SURVEY_CLASS && !survey->in[0]->symbolic)
		r = note_openings(survey, to.index, scratch, &ranges);
	else
		for (size_t i = 0; i < survey->n_inputs && r == 0; i++)
			r = note_ranges(&source, &destination, i, scratch, &ranges);
	if (r == 0 && may_be_resolver(&destination))
		r = note_dns(scratch, &ranges);
	return r < 0 ? r : cut_ranges(&ranges, scratch, ret);
}

/* ---- in words ---- */

static void print_range(struct rj *j, cJSON *array, const struct port_range *ports)
{
	char text[PORT_RANGE_TEXT_LEN];

	rj_push_text(j, array, port_range_format(ports, text));
}

/* Parts of one protocol that touch are one range. */
static void print_parts(struct rj *j, cJSON *array, const survey_parts *parts, const bool *selected,
			bool wanted)
{
	struct port_range open = { 0 };

	for (size_t i = 0; i < parts->n; i++) {
		const struct port_range *ports = &parts->items[i].ports;
		if (selected[i] != wanted || parts->items[i].rest)
			continue;
		if (open.proto == ports->proto && open.hi + 1 == ports->lo) {
			open.hi = ports->hi;
			continue;
		}
		if (open.proto)
			print_range(j, array, &open);
		open = *ports;
	}
	if (open.proto)
		print_range(j, array, &open);
}

void survey_print_ports(struct rj *j, cJSON *object, const survey_parts *parts,
			const bool *selected)
{
	cJSON *array = rj_add_array(j, object, "ports");
	bool rest = false, all = true;

	for (size_t i = 0; i < parts->n; i++) {
		rest |= parts->items[i].rest && selected[i];
		all &= selected[i];
	}
	if (!rest) {
		print_parts(j, array, parts, selected, true);
		return;
	}
	rj_push_text(j, array, "any");
	if (!all)
		print_parts(j, rj_add_array(j, object, "except"), parts, selected, false);
}
