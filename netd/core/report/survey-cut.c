/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The port space between two ends, cut where an answer may change. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/policy/zone.h"
#include "core/report/survey.h"

#define LAST_PORT 65535u

typedef VEC(struct port_range) range_list;

/* One end, with what it takes to see whether a rule names it. */
struct survey_side {
	const struct survey *survey;
	struct survey_end end;
	struct ip_addr addrs[2 * SURVEY_PARTS];
	size_t n_addrs;
	bool is_source;
	bool is_host; /* one of them is this host's: rules about that name it, too */
	/* Per address: the tier that speaks for it, or SURVEY_NONE. */
	uint32_t speakers[SURVEY_INPUTS][2 * SURVEY_PARTS];
};

/* The address @a of the side. Where a tier speaks for it, it is in no zone. */
static bool peer_holds(const struct policy_peer *peer, const struct survey_side *side, size_t input,
		       size_t a, enum policy_action action)
{
	const struct ip_addr *addr = &side->addrs[a];
	bool spoken = side->speakers[input][a] != SURVEY_NONE;
	bool left_out = peer->spoken && !spoken; /* of a range: to deny rules it is outside */

	if (spoken != peer->spoken && !(left_out && action == POLICY_DENY))
		return false;
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
	case PEER_HOSTS:
		return compile_find_host(side->survey->in[input]->compiled, addr);
	case PEER_PREFIX:
		return ip_in_prefix(addr, &peer->prefix);
	}
	return false;
}

/* The tier that speaks for one of its addresses, or SURVEY_NONE. */
static uint32_t speaker_of(const struct survey_side *side, size_t input)
{
	for (size_t a = 0; a < side->n_addrs; a++)
		if (side->speakers[input][a] != SURVEY_NONE)
			return side->speakers[input][a];
	return SURVEY_NONE;
}

static bool peers_hold(const struct policy_rule *rule, const struct survey_side *side, size_t input)
{
	const struct policy_peer *peers = side->is_source ? rule->from : rule->to;
	size_t n = side->is_source ? rule->n_from : rule->n_to;

	for (size_t i = 0; i < n; i++)
		for (size_t a = 0; a < side->n_addrs; a++)
			if (peer_holds(&peers[i], side, input, a, rule->action))
				return true;
	return false;
}

static struct survey_side make_side(const struct survey *survey, struct survey_end end,
				    bool is_source)
{
	struct survey_side side = { .survey = survey, .end = end, .is_source = is_source };

	if (end.kind == SURVEY_CLASS || end.kind == SURVEY_HOST)
		return side;
	side.n_addrs = survey_addresses(survey, end, IP_V4, side.addrs);
	side.n_addrs += survey_addresses(survey, end, IP_V6, side.addrs + side.n_addrs);
	for (size_t i = 0; i < side.n_addrs; i++)
		side.is_host |= world_is_host_address(survey->world, &side.addrs[i]);
	for (size_t i = 0; i < survey->n_inputs; i++)
		for (size_t a = 0; a < side.n_addrs; a++)
			side.speakers[i][a] =
				compile_find_spoken(survey->in[i]->compiled, &side.addrs[a]);
	return side;
}

static bool names_side(const struct survey_side *side, size_t input, size_t rule)
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
	if ((side->end.kind == SURVEY_HOST || side->is_host) &&
	    (side->is_source ? named->from_host : named->to_host))
		return true;
	uint32_t speaker = speaker_of(side, input);
	if (speaker != SURVEY_NONE &&
	    survey->tiers[input][rule * policy->n_tiers + speaker] & (side->is_source ? 1 : 2))
		return true;
	if (side->end.kind == SURVEY_HOST)
		return false;
	if (!(side->is_source ? named->from_outside : named->to_outside))
		return false;
	return peers_hold(r, side, input);
}

/* A resolver may be asked about by its address, or stand for a zone. */
static bool may_be_resolver(const struct survey_side *side)
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

static bool is_outside(struct survey_end end)
{
	return end.kind != SURVEY_CLASS && end.kind != SURVEY_HOST;
}

/* The rules that may name both; an index in struct survey. NULL: a class of no tier. */
static const survey_rules *rules_between(const struct survey_side *from,
					 const struct survey_side *to, size_t input)
{
	const struct survey *survey = from->survey;
	size_t n_tiers = survey->in[input]->policy->n_tiers;
	bool into = is_outside(from->end) && to->end.kind == SURVEY_CLASS;

	if (speaker_of(from, input) != SURVEY_NONE || speaker_of(to, input) != SURVEY_NONE)
		return &survey->every[input];
	if (from->end.kind != SURVEY_CLASS && !into)
		return &survey->from[input][n_tiers + (from->end.kind != SURVEY_HOST)];
	const struct survey_end tier = into ? to->end : from->end;
	const struct assignment *as = &survey->classes[tier.index].as[input];
	if (as->kind != ASSIGN_TIER)
		return NULL;
	return into ? &survey->into[input][as->tier] : &survey->from[input][as->tier];
}

static int note_ranges(const struct survey_side *from, const struct survey_side *to, size_t input,
		       struct arena *scratch, range_list *ranges)
{
	const struct report_input *in = from->survey->in[input];
	const survey_rules *rules = rules_between(from, to, input);
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

/* What a rule's ports cut off the opening that holds the first or the last of them. */
static int note_cut_opening(const struct survey *survey, uint32_t opening,
			    const struct port_range *range, struct arena *scratch, range_list *ret)
{
	if (opening == SURVEY_NONE)
		return 0;
	struct port_range both = survey->openings[opening].port;
	both.lo = both.lo < range->lo ? range->lo : both.lo;
	both.hi = both.hi > range->hi ? range->hi : both.hi;
	return VEC_PUSH(scratch, ret, both);
}

/* Without symbols, from outside only published ports are reached: the parts are these, cut where
 * the rules' ports begin and end. */
static int note_openings(const struct survey *survey, uint32_t class, struct arena *scratch,
			 range_list *ranges)
{
	static const struct port_range first = { 0 };
	size_t n_rules = ranges->n;
	range_list openings = { 0 };
	int r = 0;

	for (size_t i = survey_opening_from(survey, class, &first);
	     i < survey->n_openings && survey->openings[i].class == class && r == 0; i++)
		r = VEC_PUSH(scratch, &openings, survey->openings[i].port);
	for (size_t i = 0; i < 2 * n_rules && r == 0; i++) {
		const struct port_range *range = &ranges->items[i / 2];
		uint16_t end = i % 2 ? range->hi : range->lo;
		const struct port_range at = { range->proto, end, end };
		r = note_cut_opening(survey, survey_opening_at(survey, class, &at), range, scratch,
				     &openings);
	}
	*ranges = openings;
	return r;
}

/* Which of the addresses are outside, under each input; one that a tier speaks for is not, unless
 * none of its containers is there to speak: that is denied, and only audit mode lets it on to a
 * port. */
static int note_from_outside(const struct survey_side *source, uint32_t class,
			     struct arena *scratch, range_list *ranges)
{
	range_list openings = *ranges;
	bool spoken = false, outside = false, audited = false;

	for (size_t i = 0; i < source->survey->n_inputs; i++) {
		audited |= source->survey->in[i]->policy->mode == POLICY_AUDIT;
		for (size_t a = 0; a < source->n_addrs; a++) {
			spoken |= source->speakers[i][a] != SURVEY_NONE;
			outside |= source->speakers[i][a] == SURVEY_NONE;
		}
	}
	if (spoken && !outside && !audited)
		return 0;
	int r = note_openings(source->survey, class, scratch, &openings);
	if (!spoken) {
		*ranges = openings;
		return r;
	}
	for (size_t i = 0; i < openings.n && r == 0; i++)
		r = VEC_PUSH(scratch, ranges, openings.items[i]);
	return r;
}

/* ---- cutting ---- */

static int by_port_number(const void *left, const void *right)
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
	qsort(cuts, n, sizeof(*cuts), by_port_number);
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

/* ---- what is open to other networks ---- */

static bool is_open(const bool is_open[2])
{
	return is_open[0] || is_open[1];
}

/* Addresses may be on another of Docker's networks: as nobody's there, or as a tier speaks for
 * them. */
static bool may_be_on_network(struct survey_end end)
{
	return end.kind == SURVEY_CLASS || end.kind == SURVEY_PREFIX;
}

/* On a network that is open to others Docker lets them in to ping, and to what is published there.
 */
static bool may_be_let_in(const struct survey *survey, struct survey_end from, struct survey_end to)
{
	return may_be_on_network(from) && may_be_on_network(to) &&
	       (to.kind == SURVEY_CLASS ? is_open(survey->classes[to.index].is_open)
					: is_open(survey->is_open));
}

static int note_let_in(const struct survey *survey, struct survey_end to, struct arena *scratch,
		       range_list *ranges)
{
	static const struct port_range first = { 0 };
	int r = 0;

	if (to.kind != SURVEY_CLASS)
		return 0;
	for (size_t i = survey_opening_from(survey, to.index, &first);
	     i < survey->n_openings && survey->openings[i].class == to.index && r == 0; i++) {
		const struct survey_opening *opening = &survey->openings[i];
		if (opening->routed[0] != SURVEY_NONE || opening->routed[1] != SURVEY_NONE)
			r = VEC_PUSH(scratch, ranges, opening->port);
	}
	return r;
}

/* Ping gets parts of its own. */
static int note_ping(struct arena *scratch, range_list *ranges, bool named[2])
{
	static const uint8_t protos[] = { PROTO_ICMP, PROTO_ICMPV6 };
	size_t n = ranges->n;
	int r = 0;

	for (size_t p = 0; p < ARRAY_LEN(protos) && r == 0; p++) {
		named[p] = false;
		for (size_t i = 0; i < n; i++)
			named[p] |= ranges->items[i].proto == protos[p];
		if (!named[p])
			r = VEC_PUSH(scratch, ranges,
				     (struct port_range){ protos[p], 0, LAST_PORT });
	}
	return r;
}

static void mark_ping(survey_parts *parts, const bool named[2])
{
	for (size_t i = 0; i < parts->n; i++)
		parts->items[i].ping = (parts->items[i].ports.proto == PROTO_ICMP && !named[0]) ||
				       (parts->items[i].ports.proto == PROTO_ICMPV6 && !named[1]);
}

int survey_cut(const struct survey *survey, struct survey_end from, struct survey_end to,
	       struct arena *scratch, survey_parts *ret)
{
	struct survey_side source = make_side(survey, from, true),
			   destination = make_side(survey, to, false);
	range_list ranges = { 0 };
	bool let_in = may_be_let_in(survey, from, to), ping_named[2] = { true, true };
	int r = 0;

	for (size_t i = 0; i < survey->n_inputs && r == 0; i++)
		r = note_ranges(&source, &destination, i, scratch, &ranges);
	if (r == 0 && is_outside(from) && to.kind == SURVEY_CLASS && !survey->in[0]->symbolic)
		r = note_from_outside(&source, to.index, scratch, &ranges);
	if (r == 0 && may_be_resolver(&destination))
		r = note_dns(scratch, &ranges);
	if (r == 0 && let_in)
		r = note_let_in(survey, to, scratch, &ranges);
	if (r == 0 && let_in)
		r = note_ping(scratch, &ranges, ping_named);
	if (r == 0)
		r = cut_ranges(&ranges, scratch, ret);
	if (r == 0)
		mark_ping(ret, ping_named);
	return r;
}

/* ---- in words ---- */

static void print_range(struct rj *j, cJSON *array, const struct port_range *ports)
{
	char text[PORT_RANGE_TEXT_LEN];

	rj_push_text(j, array, port_range_format(ports, text));
}

/* Parts of one protocol that touch are one range. */
struct printing {
	struct rj *j;
	cJSON *array;
	struct port_range open;
};

static void print_part(struct printing *p, const struct survey_part *part)
{
	const struct port_range *ports = &part->ports;

	if (part->rest)
		return;
	if (p->open.proto == ports->proto && p->open.hi + 1 == ports->lo) {
		p->open.hi = ports->hi;
		return;
	}
	if (p->open.proto)
		print_range(p->j, p->array, &p->open);
	p->open = *ports;
}

static void print_last(struct printing *p)
{
	if (p->open.proto)
		print_range(p->j, p->array, &p->open);
}

static void print_except(struct rj *j, cJSON *array, const survey_parts *parts,
			 const survey_selection *selected)
{
	struct printing p = { .j = j, .array = array };

	for (size_t i = 0, next = 0; i < parts->n; i++)
		if (next < selected->n && selected->items[next] == i)
			next++;
		else
			print_part(&p, &parts->items[i]);
	print_last(&p);
}

void survey_print_ports(struct rj *j, cJSON *object, const survey_parts *parts,
			const survey_selection *selected)
{
	struct printing p = { .j = j, .array = rj_add_array(j, object, "ports") };
	bool rest = false;

	for (size_t i = 0; i < selected->n; i++)
		rest |= parts->items[selected->items[i]].rest;
	if (rest) {
		rj_push_text(j, p.array, "any");
		if (selected->n < parts->n)
			print_except(j, rj_add_array(j, object, "except"), parts, selected);
		return;
	}
	for (size_t i = 0; i < selected->n; i++)
		print_part(&p, &parts->items[selected->items[i]]);
	print_last(&p);
}
