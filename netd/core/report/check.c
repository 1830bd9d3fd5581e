/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a policy and a host show together, as findings. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

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

/* Its tier is the policy's wish alone. */
static void check_beyond(const struct checking *c, size_t i)
{
	const struct world_endpoint *endpoint = &c->in->world->endpoints[i];
	const struct world_network *network = &c->in->world->networks[endpoint->network];
	const char *remedy, *why = world_beyond_why(network, &remedy);

	REPORT(c, WF_NOT_ENFORCED, check_place_of(c, endpoint->container), remedy,
	       "`%s`%s on network `%s` is in tier `%s`, but %s",
	       c->in->world->containers[endpoint->container].name, and_twins(c, endpoint),
	       network->name, c->in->policy->tiers[c->in->compiled->assignments[i].tier].name, why);
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
	if (compile_is_beyond(as))
		check_beyond(c, i);
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
		    as->kind == ASSIGN_QUARANTINED || as->open_label || compile_is_beyond(as))
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

/* Where it is published: at the container's own address, on all of the host's, or on one. */
#define WHERE_LEN 128
static const char *say_where(const struct checking *c, const struct exposure *exposure,
			     char ret[WHERE_LEN])
{
	const struct world_published *published = exposure->published;
	const char *host_port = published->symbolic ? "a port that Docker chooses" : "port";
	char addr[IP_TEXT_LEN], ports[32] = "";

	if (exposure_is_direct(c->in, exposure))
		return "at its own address (gateway_mode routed)";
	(void)ip_format(&published->host_ip, addr);
	if (exposure->n_ports > 1)
		(void)snprintf(ports, sizeof(ports), "s %u-%u", published->host_port,
			       published->host_port + exposure->n_ports - 1u);
	else if (!published->symbolic)
		(void)snprintf(ports, sizeof(ports), " %u", published->host_port);
	if (ip_is_unspecified(&published->host_ip))
		(void)snprintf(ret, WHERE_LEN, "on all addresses (%s, %s%s)", addr, host_port,
			       ports);
	else
		(void)snprintf(ret, WHERE_LEN, "on %s", addr);
	return ret;
}

/* At its own address the tiers of other networks reach it, too. 1, 0, -ENOMEM. */
static int is_open_to_tiers(const struct checking *c, const struct survey *survey,
			    const struct exposure *exposure)
{
	const struct sim_host host = { c->in->world, c->in->policy, c->in->compiled,
				       c->in->symbolic };
	const struct port_range *port = &exposure->published->port;
	enum ip_family family = (enum ip_family)exposure->published->host_ip.family;
	struct survey_group ends[2] = { [1] = { SURVEY_NONE, &exposure->endpoint, 1 } };
	struct sim_result result = { 0 };
	uint32_t to = survey->class_of[exposure->endpoint], pair[2];
	int r = 0;

	for (uint32_t from = 0; from < survey->n_classes && r == 0 && !result.allowed; from++) {
		ends[0] = (struct survey_group){ .class = from };
		if (!survey_is_joined(survey, from, to) ||
		    !survey_opened_pair(survey, ends, family, port, pair))
			continue;
		const struct sim_flow flow = {
			.from = { .kind = SIM_ENDPOINT, .endpoint = pair[0] },
			.to = { .kind = SIM_ENDPOINT, .endpoint = pair[1] },
			.family = family,
			.proto = (enum ip_proto)port->proto,
			.port = port->lo,
		};
		r = sim_flow(&host, &flow, c->scratch, &result);
	}
	return r < 0 ? r : result.allowed;
}

/* Somebody but this host reaches it: 1, 0, -ENOMEM. */
static int is_open(const struct checking *c, const struct survey *survey,
		   const struct exposure *exposure)
{
	int r = 0;

	for (size_t i = 0; i < exposure_sources(survey, exposure) && r == 0; i++)
		r = exposure_ask(survey, 0, exposure, i, c->scratch);
	return r == 0 && exposure_is_direct(c->in, exposure) ? is_open_to_tiers(c, survey, exposure)
							     : r;
}

/* Who would reach it, and what to do. */
static const char *say_closed(const struct checking *c, const struct exposure *exposure,
			      const char **ret_remedy)
{
	*ret_remedy = "add a match to a tier, and allow somebody to reach it";
	if (c->in->compiled->assignments[exposure->endpoint].kind != ASSIGN_TIER)
		return "is in no tier: nobody reaches it, this host included";
	*ret_remedy = "do not publish it, or allow somebody to reach it";
	if (exposure_is_direct(c->in, exposure))
		return "from outside its network nobody but this host reaches it";
	*ret_remedy = "publish it on 127.0.0.1, or allow somebody to reach it";
	return "no rule opens it to anybody but this host";
}

/* A port on all addresses of the host has a finding of the compose file itself. 0 or -ENOMEM. */
static int check_closed(struct checking *c, const struct survey *survey,
			const struct exposure *exposure)
{
	const struct world_published *published = exposure->published;
	struct port_range ports = exposure_ports(exposure);
	char text[PORT_RANGE_TEXT_LEN], where[WHERE_LEN];
	const char *remedy, *closed = say_closed(c, exposure, &remedy);

	if (ip_is_loopback(&published->host_ip) || is_told(c, survey, exposure) ||
	    (c->places && ip_is_unspecified(&published->host_ip)))
		return 0;
	int r = is_open(c, survey, exposure);
	if (r != 0)
		return r < 0 ? r : 0;
	REPORT(c, WF_CLOSED_PORT,
	       check_place_of(c, (size_t)(exposure->container - c->in->world->containers)), remedy,
	       "`%s` publishes %s %s, and %s", exposure->container->name,
	       port_range_format(&ports, text), say_where(c, exposure, where), closed);
	c->last = *exposure;
	return 0;
}

static int check_exposure(const struct survey *survey, const struct exposure *exposure,
			  void *userdata)
{
	struct checking *c = userdata;
	struct port_range ports = exposure_ports(exposure);
	char text[PORT_RANGE_TEXT_LEN], where[WHERE_LEN];

	check_about(c, &survey->world->endpoints[exposure->endpoint]);
	c->diags->about.port = ports;
	c->diags->about.has_port = true;
	int open = exposure_ask(survey, 0, exposure, EXPOSURE_INTERNET, c->scratch);
	int closed = check_closed(c, survey, exposure);

	if (closed < 0 || open < 0)
		return closed < 0 ? closed : open;
	bool direct = exposure_is_direct(c->in, exposure);
	bool chosen = !direct && !ip_is_unspecified(&exposure->published->host_ip);
	if (!open || chosen || is_told(c, survey, exposure))
		return 0;
	REPORT(c, WF_EXPOSED_PORT,
	       check_place_of(c, (size_t)(exposure->container - c->in->world->containers)),
	       direct ? "allow a narrower source"
		      : "publish on one address, or allow a narrower source",
	       "`%s` publishes %s %s, and the internet may reach it", exposure->container->name,
	       port_range_format(&ports, text), say_where(c, exposure, where));
	c->last = *exposure;
	return 0;
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
		r = check_drops(&c, &survey);
	diags->about = (struct diag_subject){ 0 };
	diags->out_of_memory |= r < 0;
	diag_sort(diags);
}
