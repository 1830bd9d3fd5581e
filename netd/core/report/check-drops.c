/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What rules allow between tiers and Docker itself drops. */
#include <errno.h>

#include "core/report/around.h"
#include "core/report/checking.h"

/* What becomes of a rule between two tiers: bits. */
enum { DROPPED = 1, NOT_DROPPED = 2, PORTS_PASS = 4 };

/* Pairs of tiers: the last of them, and how many there are. */
struct drops {
	uint32_t from, to; /* classes */
	size_t n;
};

/* Of a rule: the pairs between which Docker drops all that it allows, or some of it. */
struct rule_drops {
	struct drops whole, part;
	uint8_t fate; /* between the two that are asked about */
};

static uint8_t fate_of(const struct survey_part *part)
{
	const struct survey_verdict *verdict = &part->verdict[0];

	if (verdict->allowed)
		return proto_has_ports((enum ip_proto)part->ports.proto) ? NOT_DROPPED | PORTS_PASS
									 : NOT_DROPPED;
	return verdict->by_docker ? DROPPED : NOT_DROPPED;
}

/* Who allows all ports means those that are published: of such a rule the rest is not missed. */
static bool is_missed(const struct policy_rule *rule, uint8_t fate)
{
	return fate & DROPPED && !(rule->n_ports == 0 && fate & PORTS_PASS);
}

static int ask(const struct survey *survey, uint32_t from, uint32_t to, struct arena *scratch,
	       survey_parts *ret)
{
	const struct survey_end ends[2] = { { SURVEY_CLASS, from }, { SURVEY_CLASS, to } };

	return survey_ask(survey, ends[0], ends[1], scratch, ret);
}

static int find_drops(const struct survey *survey, uint32_t from, uint32_t to,
		      struct rule_drops *of_rules)
{
	CLEANUP(arena_freep) struct arena *scratch = arena_new();
	const struct policy *policy = survey->in[0]->policy;
	survey_parts parts;
	int r = scratch ? ask(survey, from, to, scratch, &parts) : -ENOMEM;

	for (size_t i = 0; r == 0 && i < parts.n; i++) {
		uint32_t rule = parts.items[i].verdict[0].rule;
		if (rule)
			of_rules[rule - 1].fate |= fate_of(&parts.items[i]);
	}
	for (size_t i = 0; r == 0 && i < parts.n; i++) {
		uint32_t rule = parts.items[i].verdict[0].rule;
		if (!rule)
			continue;
		struct rule_drops *of_rule = &of_rules[rule - 1];
		struct drops *drops =
			of_rule->fate & NOT_DROPPED ? &of_rule->part : &of_rule->whole;
		if (is_missed(&policy->rules[rule - 1], of_rule->fate))
			*drops = (struct drops){ from, to, drops->n + 1 };
		of_rule->fate = 0; /* once for all its parts */
	}
	return r;
}

/* ---- in words ---- */

/* One rule between two tiers. */
struct telling {
	const struct checking *c;
	const struct survey *survey;
	uint32_t rule; /* as in struct survey_verdict */
	const struct drops *drops;
	bool whole;
	survey_parts parts;
};

/* The next part of the rule that is dropped, or that is not; NULL after the last. */
static const struct survey_part *next_part(const struct telling *t, bool dropped, size_t *cursor)
{
	while (*cursor < t->parts.n) {
		const struct survey_part *part = &t->parts.items[(*cursor)++];
		if (part->verdict[0].rule == t->rule && (fate_of(part) == DROPPED) == dropped)
			return part;
	}
	return NULL;
}

static bool drops_rest(const struct telling *t)
{
	const struct survey_part *part = NULL;
	size_t cursor = 0;

	while ((part = next_part(t, true, &cursor)))
		if (part->rest)
			return true;
	return false;
}

#define MOST_PORTS 4u /* that are named */

/* "82/tcp, 90-91/udp"; of neighbouring ranges one is made. */
static void say_ports(const struct telling *t, bool dropped, struct text *out)
{
	char text[PORT_RANGE_TEXT_LEN];
	size_t cursor = 0, n = 0;
	const struct survey_part *next = next_part(t, dropped, &cursor);

	while (next) {
		struct port_range ports = next->ports;
		while ((next = next_part(t, dropped, &cursor)) &&
		       next->ports.proto == ports.proto && ports.hi + 1 == next->ports.lo)
			ports.hi = next->ports.hi;
		if (n++ < MOST_PORTS)
			text_printf(out, "%s%s", n > 1 ? ", " : "",
				    port_range_format(&ports, text));
	}
	if (n > MOST_PORTS)
		text_printf(out, " and %zu more", n - MOST_PORTS);
}

/* What of the rule: "all", "82/tcp", "all but icmp". */
static void say_what(const struct telling *t, struct text *out)
{
	bool rest = drops_rest(t);

	text_add(out, t->whole ? "all" : rest ? "all but " : "");
	if (!t->whole)
		say_ports(t, !rest, out);
}

static bool share_network(const struct survey *survey, const struct drops *drops)
{
	const struct survey_class *from = &survey->classes[drops->from];

	for (size_t i = 0; i < from->n_samples; i++)
		if (survey_sample_on(survey, drops->to, from->samples[i].network))
			return true;
	return false;
}

/* Members of a tier that are asked for a way around: mostly they are alike. */
#define MOST_MEMBERS 16u

/* A published port that the rule opens through the host, one of these; NULL: none. */
static int find_around_to(const struct telling *t, struct port_range ports,
			  const struct world_published **ret)
{
	const struct survey *survey = t->survey;
	const struct survey_class *to = &survey->classes[t->drops->to];
	uint32_t from = survey_any(survey, t->drops->from, IP_V4);
	int r = 0;

	for (size_t m = 0; m < to->n_endpoints && m < MOST_MEMBERS && from != SURVEY_NONE; m++) {
		const struct around_question question = {
			from, survey->world->endpoints[to->members[m]].container, ports
		};
		r = around_find(t->c->in, &question, t->c->scratch, ret);
		if (r != 0)
			break;
	}
	return r < 0 ? r : 0;
}

/* Of what is dropped. 0 or -ENOMEM. */
static int find_around(const struct telling *t, const struct world_published **ret)
{
	static const struct port_range any[] = { { PROTO_TCP, 1, 65535 }, { PROTO_UDP, 1, 65535 } };
	const struct survey_part *part = NULL;
	size_t cursor = 0;
	int r = 0;

	while (r == 0 && !*ret && (part = next_part(t, true, &cursor)))
		for (size_t p = 0; p < (part->rest ? ARRAY_LEN(any) : 1) && r == 0 && !*ret; p++)
			r = find_around_to(t, part->rest ? any[p] : part->ports, ret);
	return r;
}

static void report_drops(const struct telling *t, const char *what, const char *others,
			 const struct world_published *around)
{
	const struct checking *c = t->c;
	struct source_loc loc = c->in->policy->rules[t->rule - 1].loc;
	const char *from = t->survey->classes[t->drops->from].name;
	const char *to = t->survey->classes[t->drops->to].name;
	char port[PORT_RANGE_TEXT_LEN];

	if (around)
		REPORT(c, WF_DOCKER_DROPS, loc,
		       "put them on one network, or let it go through the host on purpose",
		       "Docker itself drops %s of this on the direct way between `%s` and `%s`%s, "
		       "but %s passes through port %u of this host, where it is published",
		       what, from, to, others, port_range_format(&around->port, port),
		       around->host_port);
	else if (share_network(t->survey, t->drops))
		REPORT(c, WF_DOCKER_DROPS, loc, "`netdctl explain` says why",
		       "Docker itself drops %s of this between `%s` and `%s`%s", what, from, to,
		       others);
	else
		REPORT(c, WF_DOCKER_DROPS, loc,
		       t->whole ? "put them on one network"
				: "put them on one network, or publish what is to pass",
		       "Docker itself drops %s of this between `%s` and `%s`%s: they share no "
		       "network",
		       what, from, to, others);
}

static int tell(struct telling t)
{
	const struct checking *c = t.c;
	const struct policy_rule *rule = &c->in->policy->rules[t.rule - 1];
	CLEANUP(arena_freep) struct arena *scratch = arena_new();
	CLEANUP(text_done) struct text what = { 0 }, others = { 0 };
	const struct world_published *around = NULL;
	int r = scratch ? ask(t.survey, t.drops->from, t.drops->to, scratch, &t.parts) : -ENOMEM;

	if (r == 0)
		r = find_around(&t, &around);
	say_what(&t, &what);
	if (t.drops->n > 1)
		text_printf(&others, " (and %sbetween %zu other pair%s of tiers)",
			    t.whole ? "" : "some of it ", t.drops->n - 1,
			    t.drops->n > 2 ? "s" : "");
	if (r < 0 || text_failed(&what) || text_failed(&others))
		return -ENOMEM;
	c->diags->about = (struct diag_subject){ 0 };
	c->diags->about.tiers =
		policy_rule_tiers(c->in->policy, rule, c->diags->arena, &c->diags->about.n_tiers);
	report_drops(&t, text_str(&what), text_str(&others), around);
	return 0;
}

int check_drops(const struct checking *c, const struct survey *survey)
{
	size_t n_rules = c->in->policy->n_rules;
	struct rule_drops *of_rules = arena_alloc(c->scratch, n_rules * sizeof(*of_rules));
	int r = of_rules ? 0 : -ENOMEM;

	for (uint32_t from = 0; from < survey->n_classes; from++)
		for (uint32_t to = 0; to < survey->n_classes && r == 0; to++) {
			const struct assignment *a = &survey->classes[from].as[0];
			const struct assignment *b = &survey->classes[to].as[0];
			if (a->kind == ASSIGN_TIER && b->kind == ASSIGN_TIER &&
			    survey_is_joined(survey, from, to))
				r = find_drops(survey, from, to, of_rules);
		}
	for (uint32_t i = 0; i < n_rules && r == 0; i++) {
		const struct rule_drops *drops = &of_rules[i];
		if (drops->whole.n)
			r = tell((struct telling){ c, survey, i + 1, &drops->whole, true, { 0 } });
		if (r == 0 && drops->part.n)
			r = tell((struct telling){ c, survey, i + 1, &drops->part, false, { 0 } });
	}
	return r;
}
