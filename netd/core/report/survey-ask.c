/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One representative flow per part and family through the evaluator, and the walk over all pairs
 * of ends that can matter. */
#include <errno.h>
#include <string.h>

#include "core/report/survey.h"

/* Ports that no published port and no rule of this question names stand for the rest. */
static uint16_t rest_port(const struct survey *survey, struct survey_end to, enum ip_proto proto)
{
	struct port_range port = { (uint8_t)proto, 1, 1 };
	uint32_t i = SURVEY_NONE;

	while (to.kind == SURVEY_CLASS &&
	       (i = survey_opening_at(survey, to.index, &port)) != SURVEY_NONE)
		port.lo = (uint16_t)(survey->openings[i].port.hi + 1);
	return port.lo;
}

/* The endpoint of a class that publishes the port, most openly, or SURVEY_NONE. */
static uint32_t published_sample(const struct survey *survey, uint32_t class,
				 const struct survey_part *part, size_t family)
{
	uint32_t opening =
		part->rest ? SURVEY_NONE : survey_opening_at(survey, class, &part->ports);

	return opening == SURVEY_NONE ? SURVEY_NONE : survey->openings[opening].endpoint[family];
}

/* Those who stand for one end: endpoints of a class, addresses, or the host. */
struct stand_ins {
	struct sim_end ends[SURVEY_PARTS];
	size_t n;
};

struct survey_question {
	const struct survey *survey;
	struct survey_end from, to;
	struct stand_ins sources[2], destinations[2]; /* per family */
};

static bool is_outside(struct survey_end end)
{
	return end.kind != SURVEY_CLASS && end.kind != SURVEY_HOST;
}

static struct stand_ins stand_in(const struct survey *survey, struct survey_end end,
				 enum ip_family family, uint32_t endpoint)
{
	struct stand_ins in = { .n = 1 };
	struct ip_addr addrs[SURVEY_PARTS];

	in.ends[0] = (struct sim_end){ .kind = SIM_HOST };
	if (end.kind == SURVEY_CLASS)
		in.ends[0] = (struct sim_end){ .kind = SIM_ENDPOINT, .endpoint = endpoint };
	if (!is_outside(end))
		return in;
	in.n = survey_addresses(survey, end, family, addrs);
	for (size_t i = 0; i < in.n; i++)
		in.ends[i] = (struct sim_end){ .kind = SIM_ADDRESS, .addr = addrs[i] };
	return in;
}

/* False: nobody is there. */
static bool prepare(struct survey_question *question)
{
	const struct survey *survey = question->survey;
	struct survey_end from = question->from, to = question->to;
	const uint32_t classes[2] = { from.index, to.index };
	bool both = from.kind == SURVEY_CLASS && to.kind == SURVEY_CLASS;

	for (size_t family = 0; family < 2; family++) {
		enum ip_family f = family ? IP_V6 : IP_V4;
		uint32_t pair[2] = { SURVEY_NONE, SURVEY_NONE };
		if (both && !survey_pair(survey, classes, f, pair))
			return false;
		if (from.kind == SURVEY_CLASS && !both)
			pair[0] = survey_any(survey, from.index, f);
		if (to.kind == SURVEY_CLASS && !both)
			pair[1] = survey_any(survey, to.index, f);
		question->sources[family] = stand_in(survey, from, f, pair[0]);
		question->destinations[family] = stand_in(survey, to, f, pair[1]);
	}
	return true;
}

/* All but the ends. False: nothing of that part is sent over that family. */
static bool make_flow(const struct survey_question *question, const struct survey_part *part,
		      size_t family, struct sim_flow *flow)
{
	*flow = (struct sim_flow){ .family = family ? IP_V6 : IP_V4,
				   .proto = (enum ip_proto)part->ports.proto,
				   .port = part->ports.lo };
	if (part->rest && proto_has_ports(flow->proto))
		flow->port = rest_port(question->survey, question->to, flow->proto);
	if (flow->proto == PROTO_ICMP && family == 1) {
		flow->proto = PROTO_ICMPV6;
		return part->rest && !part->not_over_ipv6;
	}
	return flow->proto != PROTO_ICMPV6 || family == 1;
}

/* One part of the port space under one input. */
struct asking {
	const struct survey_question *question;
	const struct report_input *in;
	const struct survey_part *ports;
	struct survey_verdict *verdict;
	struct arena *scratch;
};

/* @stand_in: which of the addresses that stand for an end. */
static int ask_flow(const struct asking *asking, const struct sim_flow *flow, size_t stand_in)
{
	const struct report_input *in = asking->in;
	const struct sim_host host = { in->world, in->policy, in->compiled, in->symbolic };
	struct survey_verdict *verdict = asking->verdict;
	uint8_t bit = (uint8_t)((flow->family == IP_V6 ? 2u : 1u) << (2 * stand_in));
	struct sim_result result;
	int r = sim_flow(&host, flow, asking->scratch, &result);

	if (r < 0)
		return r;
	/* Who passes undisturbed says more than who is only audited. */
	if (result.allowed && !result.audited)
		verdict->audited &= (uint8_t)~bit;
	else if (result.audited && !(verdict->allowed & bit))
		verdict->audited |= bit;
	verdict->sent |= result.by != SIM_NO_ADDRESS ? bit : 0;
	verdict->allowed |= result.allowed ? bit : 0;
	verdict->by_docker |= result.by == SIM_BY_DOCKER ? bit : 0;
	if (!verdict->rule)
		verdict->rule = result.policy_rule;
	return 0;
}

/* Of whom a tier speaks for others to, those beside one of its containers: there the two meet. */
static int ask_beside_docker(const struct asking *asking, size_t input, struct sim_flow flow,
			     size_t stand_in)
{
	const struct survey_question *question = asking->question;
	bool source = flow.from.kind == SIM_ADDRESS;
	struct sim_end *end = source ? &flow.to : &flow.from;
	uint32_t class = source ? question->to.index : question->from.index;
	const struct ip_addr *addr = source ? &flow.from.addr : &flow.to.addr;
	uint32_t speaker = SURVEY_NONE, beside = SURVEY_NONE;

	if (end->kind == SIM_ENDPOINT && flow.from.kind != flow.to.kind)
		speaker = compile_find_spoken(asking->in->compiled, addr);
	if (speaker != SURVEY_NONE)
		beside = survey_beside(question->survey, class, flow.family, input, speaker);
	if (beside == SURVEY_NONE || beside == end->endpoint)
		return 0;
	end->endpoint = beside;
	return ask_flow(asking, &flow, stand_in);
}

/* Some network of a class may lead to the address where another does not, as it is on it, or has
 * the default route: to one of this host, or of Docker's networks; and where Docker filters nothing
 * to one that a tier speaks for on any of these. */
static bool hangs_on_network(const struct asking *asking, const struct ip_addr *addr)
{
	const struct world *world = asking->question->survey->world;
	const struct compile_output *compiled = asking->in->compiled;

	return compile_find_subnet(compiled, addr) != UINT32_MAX ||
	       world_is_host_address(world, addr) ||
	       (!world_filters(world, (enum ip_family)addr->family) &&
		compile_find_spoken(compiled, addr) != UINT32_MAX);
}

static int ask_networks(const struct asking *asking, struct sim_flow flow, size_t stand_in)
{
	const struct survey_question *question = asking->question;
	const struct survey *survey = question->survey;
	bool source = flow.from.kind == SIM_ADDRESS;
	const struct ip_addr *addr = source ? &flow.from.addr : &flow.to.addr;
	struct sim_end *end = source ? &flow.to : &flow.from;
	uint32_t asked = end->endpoint;
	int r = 0;

	if (end->kind != SIM_ENDPOINT || flow.from.kind == flow.to.kind ||
	    !hangs_on_network(asking, addr))
		return 0;
	const struct survey_class *class =
		&survey->classes[source ? question->to.index : question->from.index];
	for (size_t n = 0; n < 2 * class->n_samples && r == 0; n++) {
		end->endpoint = class->samples[n / 2].endpoint[n % 2];
		if (end->endpoint != SURVEY_NONE && end->endpoint != asked)
			r = ask_flow(asking, &flow, stand_in);
	}
	return r;
}

/* From outside who publishes the port is asked too, and some other: in audit mode that may say
 * more. */
static int ask_members(const struct asking *asking, struct sim_flow flow, size_t stand_in)
{
	const struct survey_question *question = asking->question;
	const struct survey *survey = question->survey;
	uint32_t class = question->to.index, members[2] = { SURVEY_NONE, SURVEY_NONE };
	int r = ask_flow(asking, &flow, stand_in);

	if (is_outside(question->from) && question->to.kind == SURVEY_CLASS)
		members[0] = published_sample(survey, class, asking->ports, flow.family == IP_V6);
	if (members[0] != SURVEY_NONE)
		members[1] = survey_other(survey, class, flow.family, members[0]);
	for (size_t i = 0; i < ARRAY_LEN(members) && r == 0; i++) {
		if (members[i] == SURVEY_NONE || members[i] == flow.to.endpoint)
			continue;
		flow.to.endpoint = members[i];
		r = ask_flow(asking, &flow, stand_in);
	}
	return r;
}

/* Between containers on different networks of which the second is open to others. */
static int ask_opened_pair(const struct asking *asking, struct sim_flow flow,
			   const struct port_range *port, size_t stand_in)
{
	const struct survey_question *question = asking->question;
	const struct survey_group ends[2] = { { .class = question->from.index },
					      { .class = question->to.index } };
	uint32_t pair[2];

	if (!survey_opened_pair(question->survey, ends, flow.family, port, pair))
		return 0;
	flow.from.endpoint = pair[0];
	flow.to.endpoint = pair[1];
	return ask_flow(asking, &flow, stand_in);
}

/* And with an address that is on such a network: nobody's, or one that a tier speaks for. */
static int ask_opened(const struct asking *asking, struct sim_flow flow, size_t stand_in)
{
	const struct survey_question *question = asking->question;
	const struct survey *survey = question->survey;
	const struct port_range port = { (uint8_t)flow.proto, flow.port, flow.port };
	bool from = flow.from.kind == SIM_ENDPOINT, to = flow.to.kind == SIM_ENDPOINT;
	struct survey_let_in walk = { 0, SURVEY_NONE };
	size_t cursor = 0;
	int r = 0;

	if (!survey->is_open[flow.family == IP_V6])
		return 0;
	if (from && to)
		return ask_opened_pair(asking, flow, &port, stand_in);
	if (!survey_is_on_network(asking->in, from ? &flow.to : &flow.from))
		return 0;
	while (r == 0 && to &&
	       (flow.to.endpoint = survey_next_let_in(survey, question->to.index, flow.family,
						      &port, &walk)) != SURVEY_NONE)
		r = ask_flow(asking, &flow, stand_in);
	while (r == 0 && from &&
	       (flow.from.endpoint = survey_next_sender(survey, question->from.index, flow.family,
							&cursor)) != SURVEY_NONE)
		r = ask_flow(asking, &flow, stand_in);
	return r;
}

static int ask_part(const struct survey_question *question, size_t input, struct arena *scratch,
		    struct survey_part *part)
{
	const struct asking asking = { question, question->survey->in[input], part,
				       &part->verdict[input], scratch };
	int r = 0;

	for (size_t family = 0; family < 2; family++) {
		const struct stand_ins *from = &question->sources[family],
				       *to = &question->destinations[family];
		struct sim_flow flow;
		if (!make_flow(question, part, family, &flow))
			continue;
		for (size_t i = 0; i < from->n * to->n && r == 0; i++) {
			flow.from = from->ends[i / to->n];
			flow.to = to->ends[i % to->n];
			r = ask_members(&asking, flow, i);
			if (r == 0)
				r = ask_networks(&asking, flow, i);
			if (r == 0)
				r = ask_beside_docker(&asking, input, flow, i);
			if (r == 0)
				r = ask_opened(&asking, flow, i);
		}
	}
	return r;
}

static bool is_same_over(const struct survey_verdict *a, const struct survey_verdict *b,
			 uint8_t families)
{
	return (a->rule == b->rule || !(a->allowed & families)) &&
	       ((a->sent ^ b->sent) & families) == 0 &&
	       ((a->allowed ^ b->allowed) & families) == 0 &&
	       ((a->audited ^ b->audited) & families) == 0 &&
	       ((a->by_docker ^ b->by_docker) & families) == 0;
}

/* Where ping is answered as the rest is, it is part of that. */
static void put_ping_back(const struct survey *survey, survey_parts *parts)
{
	const struct survey_part *rest = parts->n ? &parts->items[parts->n - 1] : NULL;
	size_t kept = 0;

	for (size_t i = 0; i < parts->n; i++) {
		const struct survey_part *part = &parts->items[i];
		bool same = part->ping && rest->rest;
		for (size_t k = 0; k < survey->n_inputs && same; k++)
			same = is_same_over(&part->verdict[k], &rest->verdict[k],
					    part->ports.proto == PROTO_ICMP ? SURVEY_OVER_IPV4
									    : SURVEY_OVER_IPV6);
		if (!same)
			parts->items[kept++] = *part;
	}
	parts->n = kept;
}

int survey_ask(const struct survey *survey, struct survey_end from, struct survey_end to,
	       struct arena *scratch, survey_parts *ret)
{
	struct survey_question question = { .survey = survey, .from = from, .to = to };
	survey_parts parts = { 0 };
	int r = 0;

	*ret = parts;
	if (from.kind == SURVEY_CLASS && to.kind == SURVEY_CLASS &&
	    !survey_may_pass(survey, from.index, to.index))
		return 0;
	if (!prepare(&question))
		return 0;
	r = survey_cut(survey, from, to, scratch, &parts);
	for (size_t p = 0; p < parts.n && r == 0; p++)
		for (size_t i = 0; i < survey->n_inputs && r == 0; i++)
			r = ask_part(&question, i, scratch, &parts.items[p]);
	if (r == 0)
		put_ping_back(survey, &parts);
	if (r == 0)
		*ret = parts;
	return r;
}

/* ---- all pairs ---- */

/* Ends beside the classes, in the order of the walk. */
static const struct {
	enum survey_kind kind;
	bool as_source;
} others[] = {
	{ SURVEY_INTERNET, true },  { SURVEY_LAN, true },   { SURVEY_HOST, true },
	{ SURVEY_INTERNET, false }, { SURVEY_LAN, false },  { SURVEY_HOST, false },
	{ SURVEY_DNS, false },	    { SURVEY_HOSTS, true }, { SURVEY_HOSTS, false },
};

int survey_walk_init(const struct survey *survey, struct survey_walk *walk)
{
	*walk = (struct survey_walk){ 0 };
	walk->seen = arena_alloc(survey->arena, survey->n_classes * survey->n_prefixes);
	return walk->seen ? 0 : -ENOMEM;
}

/* Some rule names it, or it is always there. */
static bool is_worth_asking(const struct survey *survey, enum survey_kind kind)
{
	return kind == SURVEY_DNS     ? survey->names_dns
	       : kind == SURVEY_HOSTS ? survey->names_hosts
				      : true;
}

/* Classes with classes, zones and the host. */
static bool next_common(const struct survey *survey, struct survey_walk *walk,
			struct survey_end *from, struct survey_end *to)
{
	struct survey_end class = { SURVEY_CLASS, walk->from };

	if (walk->to < survey->n_classes) {
		*from = class;
		*to = (struct survey_end){ SURVEY_CLASS, walk->to++ };
		return true;
	}
	if (walk->step < ARRAY_LEN(others)) {
		struct survey_end other = { others[walk->step].kind, 0 };
		*from = others[walk->step].as_source ? other : class;
		*to = others[walk->step].as_source ? class : other;
		walk->step++;
		return is_worth_asking(survey, other.kind) || next_common(survey, walk, from, to);
	}
	walk->from++;
	walk->to = 0;
	walk->step = 0;
	return walk->from < survey->n_classes && next_common(survey, walk, from, to);
}

/* The next class of a tier on the other side of the rule that was not yet met with this prefix;
 * SURVEY_NONE: there is none. walk->other counts that side's peers, walk->to a tier's classes. */
static uint32_t next_class(const struct survey *survey, struct survey_walk *walk,
			   const struct policy_rule *rule, uint32_t prefix)
{
	bool source = walk->step < rule->n_from;
	const struct policy_peer *peers = source ? rule->to : rule->from;
	size_t n = source ? rule->n_to : rule->n_from;
	uint8_t bit = source ? 1 : 2;

	for (; walk->other < n; walk->other++, walk->to = 0) {
		if (peers[walk->other].kind != PEER_TIER)
			continue;
		const survey_classes *classes =
			&survey->of_tier[walk->input][peers[walk->other].tier];
		while (walk->to < classes->n) {
			uint32_t class = classes->items[walk->to++];
			uint8_t *seen = &walk->seen[class * survey->n_prefixes + prefix];
			if (*seen & bit)
				continue;
			*seen |= bit;
			return class;
		}
	}
	return SURVEY_NONE;
}

/* walk->step counts the peers of both sides of a rule. */
static bool next_of_rule(const struct survey *survey, struct survey_walk *walk,
			 const struct policy_rule *rule, struct survey_end *from,
			 struct survey_end *to)
{
	for (; walk->step < rule->n_from + rule->n_to;
	     walk->step++, walk->other = 0, walk->to = 0) {
		bool source = walk->step < rule->n_from;
		const struct policy_peer *peer =
			source ? &rule->from[walk->step] : &rule->to[walk->step - rule->n_from];
		if (peer->kind != PEER_PREFIX)
			continue;
		uint32_t prefix = survey_prefix_at(survey, &peer->prefix);
		uint32_t class = next_class(survey, walk, rule, prefix);
		if (class == SURVEY_NONE)
			continue;
		struct survey_end a = { SURVEY_PREFIX, prefix }, b = { SURVEY_CLASS, class };
		*from = source ? a : b;
		*to = source ? b : a;
		return true;
	}
	return false;
}

/* What tiers speak for with every class, where no rule has brought the two together. */
static bool next_of_spoken(const struct survey *survey, struct survey_walk *walk,
			   struct survey_end *from, struct survey_end *to)
{
	for (; walk->speaking < survey->n_inputs; walk->speaking++, walk->spoken = 0) {
		const struct policy *policy = survey->in[walk->speaking]->policy;
		for (; walk->spoken < policy->n_spoken; walk->spoken++, walk->neighbour = 0) {
			const struct policy_spoken *entry = &policy->spoken[walk->spoken];
			if (!survey_is_spoken(survey->in[walk->speaking], entry))
				continue;
			uint32_t prefix = survey_prefix_at(survey, &entry->prefix);
			while (walk->neighbour < 2 * survey->n_classes) {
				uint32_t class = walk->neighbour / 2;
				bool source = walk->neighbour++ % 2 == 0;
				uint8_t *seen = &walk->seen[class * survey->n_prefixes + prefix];
				uint8_t bit = source ? 1 : 2;
				struct survey_end a = { SURVEY_PREFIX, prefix },
						  b = { SURVEY_CLASS, class };
				if (*seen & bit)
					continue;
				*seen |= bit;
				*from = source ? a : b;
				*to = source ? b : a;
				return true;
			}
		}
	}
	return false;
}

bool survey_walk_next(const struct survey *survey, struct survey_walk *walk,
		      struct survey_end *from, struct survey_end *to)
{
	if (walk->from < survey->n_classes) {
		if (next_common(survey, walk, from, to))
			return true;
		walk->to = 0;
		walk->step = 0;
	}
	for (; walk->input < survey->n_inputs; walk->input++, walk->rule = 0) {
		const struct policy *policy = survey->in[walk->input]->policy;
		for (; walk->rule < policy->n_rules; walk->rule++, walk->step = 0)
			if (next_of_rule(survey, walk, &policy->rules[walk->rule], from, to))
				return true;
	}
	return next_of_spoken(survey, walk, from, to);
}
