/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a policy and a host show together, as findings. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/report/around.h"
#include "core/report/checking.h"
#include "core/report/print.h"

/* What is found from now on is about that tier. */
static void about_tier(const struct checking *c, size_t tier)
{
	c->diags->about =
		(struct diag_subject){ .tiers = &c->in->policy->tiers[tier].name, .n_tiers = 1 };
}

/* ---- endpoints ---- */

static bool same_answer(const struct assignment *a, const struct assignment *b)
{
	return a->kind == b->kind && a->tier == b->tier && a->other_tier == b->other_tier &&
	       a->open_label == b->open_label;
}

/* Another container of the same service (they stand side by side) with the same answer on that
 * network. */
static bool is_twin(const struct checking *c, const struct world_endpoint *endpoint, size_t other)
{
	const struct world *world = c->in->world;
	const struct assignment *as = c->in->compiled->assignments;

	if (!c->places || other >= world->n_containers)
		return false;
	const struct source_loc *a = &c->places[endpoint->container], *b = &c->places[other];
	const struct world_endpoint *twin =
		world_find_endpoint(world, (uint32_t)other, endpoint->network);
	return twin && strcmp(a->file, b->file) == 0 && a->line == b->line && a->col == b->col &&
	       same_answer(&as[endpoint - world->endpoints], &as[twin - world->endpoints]);
}

static const char *and_twins(const struct checking *c, const struct world_endpoint *endpoint)
{
	size_t n = 0;

	while (is_twin(c, endpoint, endpoint->container + n + 1))
		n++;
	const char *text =
		n == 0 ? "" : arena_printf(c->scratch, " (and %zu more of its service)", n);
	return text ? text : "";
}

/* At the line of the compose file that says otherwise where there is one, else at the service's. */
static void check_required(const struct checking *c, size_t i)
{
	CLEANUP(text_done) struct text lacks = { 0 };
	const struct assignment *as = &c->in->compiled->assignments[i];
	const struct world_endpoint *endpoint = &c->in->world->endpoints[i];

	report_print_shortfalls(c->in, i, &lacks);
	if (!lacks.len)
		return;
	c->diags->out_of_memory |= text_failed(&lacks);
	REPORT(c, WF_QUARANTINED, check_place_of(c, endpoint->container),
	       as->kind == ASSIGN_TIER
		       ? "the tier only warns (`require_mode: warn`, or audit): it stays in it"
		       : "give it what is missing (`netdctl audit` says how): until then it is "
			 "denied everything",
	       "`%s`%s on network `%s`: %s", c->in->world->containers[endpoint->container].name,
	       and_twins(c, endpoint), c->in->world->networks[endpoint->network].name,
	       text_str(&lacks));
}

static void check_endpoint(const struct checking *c, size_t i)
{
	const struct policy *policy = c->in->policy;
	const struct assignment *as = &c->in->compiled->assignments[i];
	const struct world_endpoint *endpoint = &c->in->world->endpoints[i];
	const char *container = c->in->world->containers[endpoint->container].name;
	const char *network = c->in->world->networks[endpoint->network].name;
	struct source_loc place = check_place_of(c, endpoint->container);

	check_about(c, endpoint);
	if (as->kind == ASSIGN_CLASH)
		REPORT(c, WF_ADDRESS_CLASH, place,
		       "two endpoints cannot share one: both are denied everything",
		       "`%s` on network `%s` has an address that another endpoint has too",
		       container, network);
	if (endpoint->container > 0 && is_twin(c, endpoint, endpoint->container - 1))
		return;
	if (as->kind == ASSIGN_CONFLICT)
		REPORT(c, WF_CONFLICT, as->match ? as->match->loc : place,
		       "make one of the matches more specific: until then it is denied everything",
		       "`%s`%s on network `%s` is in tier `%s` and in tier `%s`", container,
		       and_twins(c, endpoint), network, policy->tiers[as->tier].name,
		       policy->tiers[as->other_tier].name);
	if (as->open_label)
		REPORT(c, WF_IMAGE_LABEL, as->match->loc,
		       "give the container another value, or the tier `image_labels: allow`: until "
		       "then it is denied everything",
		       "`%s`%s on network `%s` has the label `%s`, which tier `%s` asks for, and "
		       "so "
		       "has its image: nobody can say whose it is",
		       container, and_twins(c, endpoint), network, as->open_label,
		       policy->tiers[as->tier].name);
	check_required(c, i);
	if (as->kind == ASSIGN_UNMATCHED && policy->unmatched == POLICY_UNMATCHED_DENY)
		REPORT(c, WF_UNMATCHED_CONTAINER, place,
		       "add a match to a tier: until then it is denied everything",
		       "no tier matches `%s`%s on network `%s`", container, and_twins(c, endpoint),
		       network);
}

/* ---- tiers ---- */

/* A compose project is a part of a host: the other tiers have their containers elsewhere. Nor is it
 * said of a tier whose container may be one with an address of another. */
static int check_tiers_used(const struct checking *c)
{
	const struct policy *policy = c->in->policy;
	bool *found = arena_alloc(c->scratch, policy->n_tiers), sure = !c->places;

	if (!found)
		return -ENOMEM;
	for (size_t i = 0; i < c->in->world->n_endpoints; i++) {
		const struct assignment *as = &c->in->compiled->assignments[i];
		if (as->kind == ASSIGN_TIER || as->kind == ASSIGN_CONFLICT ||
		    as->kind == ASSIGN_QUARANTINED || as->open_label)
			found[as->tier] = true;
		if (as->kind == ASSIGN_CONFLICT)
			found[as->other_tier] = true;
		sure &= as->kind != ASSIGN_CLASH;
	}
	for (size_t t = 0; t < policy->n_tiers && sure; t++) {
		about_tier(c, t);
		if (!found[t])
			REPORT(c, WF_EMPTY_TIER, policy->tiers[t].loc,
			       "look at its `match`, or remove it",
			       "no container in %s is in tier `%s`", c->place.file,
			       policy->tiers[t].name);
	}
	return 0;
}

/* ---- exposures ---- */

/* Over the other family, or from another container of the service. */
static bool is_told(const struct checking *c, const struct survey *survey,
		    const struct exposure *exposure)
{
	const struct world *world = survey->world;
	const struct world_endpoint *endpoint = &world->endpoints[exposure->endpoint];

	if (endpoint->container > 0 && is_twin(c, endpoint, endpoint->container - 1))
		return true;
	return c->last.container == exposure->container &&
	       c->last.published->port.proto == exposure->published->port.proto &&
	       c->last.published->port.lo == exposure->published->port.lo &&
	       c->last.n_ports == exposure->n_ports;
}

/* A port on all addresses of the host has a finding of the compose file itself. 1: nobody outside
 * reaches it; 0; -ENOMEM. */
static int check_closed(struct checking *c, const struct survey *survey,
			const struct exposure *exposure)
{
	const struct world_published *published = exposure->published;
	struct port_range ports = exposure_ports(exposure);
	char addr[IP_TEXT_LEN], text[PORT_RANGE_TEXT_LEN];

	if (ip_is_loopback(&published->host_ip) || is_told(c, survey, exposure) ||
	    (c->places && ip_is_unspecified(&published->host_ip)))
		return 0;
	for (size_t i = 0; i < exposure_sources(survey, exposure); i++) {
		int r = exposure_ask(survey, 0, exposure, i, c->scratch);
		if (r != 0)
			return r < 0 ? r : 0;
	}
	bool in_tier = c->in->compiled->assignments[exposure->endpoint].kind == ASSIGN_TIER;
	REPORT(c, WF_CLOSED_PORT,
	       check_place_of(c, (size_t)(exposure->container - c->in->world->containers)),
	       in_tier ? "publish it on 127.0.0.1, or allow somebody to reach it"
		       : "add a match to a tier, and allow somebody to reach it",
	       in_tier ? "`%s` publishes %s on %s, and no rule opens it to anybody but this host"
		       : "`%s` publishes %s on %s, and is in no tier: nobody reaches it, this "
			 "host included",
	       exposure->container->name, port_range_format(&ports, text),
	       ip_format(&published->host_ip, addr));
	c->last = *exposure;
	return 1;
}

static int check_exposure(const struct survey *survey, const struct exposure *exposure,
			  void *userdata)
{
	struct checking *c = userdata;
	const struct world_published *published = exposure->published;
	struct port_range ports = exposure_ports(exposure);
	char addr[IP_TEXT_LEN], text[PORT_RANGE_TEXT_LEN], host_port[24];
	check_about(c, &survey->world->endpoints[exposure->endpoint]);
	c->diags->about.port = ports;
	c->diags->about.has_port = true;
	int open = exposure_ask(survey, 0, exposure, EXPOSURE_INTERNET, c->scratch);
	int closed = check_closed(c, survey, exposure);

	if (closed < 0)
		return closed;
	if (open <= 0 || !ip_is_unspecified(&published->host_ip) || is_told(c, survey, exposure))
		return open < 0 ? open : 0;
	if (exposure->n_ports > 1)
		(void)snprintf(host_port, sizeof(host_port), "ports %u-%u", published->host_port,
			       published->host_port + exposure->n_ports - 1u);
	else
		(void)snprintf(host_port, sizeof(host_port), "port %u", published->host_port);
	REPORT(c, WF_EXPOSED_PORT,
	       check_place_of(c, (size_t)(exposure->container - c->in->world->containers)),
	       "publish on one address, or allow a narrower source",
	       "`%s` publishes %s on all addresses (%s, %s), and the internet may reach it",
	       exposure->container->name, port_range_format(&ports, text),
	       ip_format(&published->host_ip, addr),
	       published->symbolic ? "a port that Docker chooses" : host_port);
	c->last = *exposure;
	return 0;
}

/* ---- what Docker drops ---- */

/* Of a rule: a pair of tiers between which Docker drops what it allows, and how many there are. */
struct dropped {
	uint32_t from, to; /* classes */
	size_t n;
};

static int find_dropped(const struct survey *survey, uint32_t from, uint32_t to,
			struct dropped *of_rules)
{
	CLEANUP(arena_freep) struct arena *scratch = arena_new();
	const struct survey_end ends[2] = { { SURVEY_CLASS, from }, { SURVEY_CLASS, to } };
	survey_parts parts;
	int r = scratch ? survey_ask(survey, ends[0], ends[1], scratch, &parts) : -ENOMEM;

	for (size_t i = 0; r == 0 && i < parts.n; i++) {
		const struct survey_verdict *verdict = &parts.items[i].verdict[0];
		if (!verdict->by_docker || verdict->allowed || !verdict->rule)
			continue;
		struct dropped *dropped = &of_rules[verdict->rule - 1];
		if (dropped->n == 0 || dropped->from != from || dropped->to != to)
			*dropped = (struct dropped){ from, to, dropped->n + 1 };
	}
	return r;
}

static bool share_network(const struct survey *survey, const struct dropped *dropped)
{
	const struct survey_class *from = &survey->classes[dropped->from];

	for (size_t i = 0; i < from->n_samples; i++)
		if (survey_sample_on(survey, dropped->to, from->samples[i].network))
			return true;
	return false;
}

/* Members of a tier that are asked for a way around: mostly they are alike. */
#define MOST_MEMBERS 16u

/* A published port that the rule opens through the host; NULL: none. 0 or -ENOMEM. */
static int find_around(const struct checking *c, const struct survey *survey,
		       const struct policy_rule *rule, const struct dropped *dropped,
		       const struct world_published **ret)
{
	static const struct port_range any[] = { { PROTO_TCP, 1, 65535 }, { PROTO_UDP, 1, 65535 } };
	const struct port_range *ports = rule->n_ports ? rule->ports : any;
	size_t n = rule->n_ports ? rule->n_ports : ARRAY_LEN(any);
	const struct survey_class *to = &survey->classes[dropped->to];
	uint32_t from = survey_any(survey, dropped->from, IP_V4);

	for (size_t m = 0; m < to->n_endpoints && m < MOST_MEMBERS && from != SURVEY_NONE; m++)
		for (size_t p = 0; p < n; p++) {
			const struct around_question question = {
				from, survey->world->endpoints[to->members[m]].container, ports[p]
			};
			int r = around_find(c->in, &question, c->scratch, ret);
			if (r != 0)
				return r < 0 ? r : 0;
		}
	return 0;
}

static int report_dropped(const struct checking *c, const struct survey *survey,
			  const struct policy_rule *rule, const struct dropped *dropped)
{
	const struct world_published *published = NULL;
	char port[PORT_RANGE_TEXT_LEN];
	const char *from = survey->classes[dropped->from].name;
	const char *to = survey->classes[dropped->to].name, *others = "";

	c->diags->about = (struct diag_subject){ 0 };
	c->diags->about.tiers =
		policy_rule_tiers(c->in->policy, rule, c->diags->arena, &c->diags->about.n_tiers);
	if (dropped->n > 1)
		others = arena_printf(c->scratch, " (and between %zu other pairs of tiers)",
				      dropped->n - 1);
	int r = find_around(c, survey, rule, dropped, &published);
	if (published)
		REPORT(c, WF_DOCKER_DROPS, rule->loc,
		       "put them on one network, or let it go through the host on purpose",
		       "Docker itself lets nothing of this pass directly between `%s` and `%s`%s, "
		       "but %s passes through port %u of this host, where it is published",
		       from, to, others ? others : "", port_range_format(&published->port, port),
		       published->host_port);
	else if (share_network(survey, dropped))
		REPORT(c, WF_DOCKER_DROPS, rule->loc, "`netdctl explain` says why",
		       "Docker itself drops all of this between `%s` and `%s`%s", from, to,
		       others ? others : "");
	else
		REPORT(c, WF_DOCKER_DROPS, rule->loc, "put them on one network",
		       "Docker itself drops all of this between `%s` and `%s`%s: they share no "
		       "network",
		       from, to, others ? others : "");
	return r;
}

static int check_dropped(const struct checking *c, const struct survey *survey)
{
	const struct policy *policy = c->in->policy;
	struct dropped *dropped = arena_alloc(c->scratch, policy->n_rules * sizeof(*dropped));
	int r = dropped ? 0 : -ENOMEM;

	for (uint32_t from = 0; from < survey->n_classes; from++)
		for (uint32_t to = 0; to < survey->n_classes && r == 0; to++) {
			const struct assignment *a = &survey->classes[from].as[0];
			const struct assignment *b = &survey->classes[to].as[0];
			if (a->kind == ASSIGN_TIER && b->kind == ASSIGN_TIER &&
			    survey_is_joined(survey, from, to))
				r = find_dropped(survey, from, to, dropped);
		}
	for (size_t i = 0; i < policy->n_rules && r == 0; i++)
		if (dropped[i].n)
			r = report_dropped(c, survey, &policy->rules[i], &dropped[i]);
	return r;
}

void report_check_world(const struct report_input *in, const char *source,
			const struct source_loc *places, struct diag_list *diags)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct checking c = { .in = in,
			      .place = { .file = source },
			      .places = places,
			      .diags = diags,
			      .scratch = arena };
	struct survey survey;
	int r = arena ? survey_init(&survey, &in, 1, arena) : -ENOMEM;

	for (size_t i = 0; r == 0 && i < in->world->n_endpoints; i++)
		check_endpoint(&c, i);
	if (r == 0)
		r = check_tiers_used(&c);
	if (r == 0)
		r = check_matches(&c);
	if (r == 0)
		r = check_rules(&c);
	if (r == 0)
		r = check_dns(&c);
	if (r == 0)
		r = exposure_walk(&survey, check_exposure, &c);
	if (r == 0)
		r = check_dropped(&c, &survey);
	diags->about = (struct diag_subject){ 0 };
	diags->out_of_memory |= r < 0;
	diag_sort(diags);
}
