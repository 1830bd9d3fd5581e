/* SPDX-License-Identifier: GPL-2.0-or-later */
/* report_explain(): one question, answered in JSON. */
#include "core/report/explain.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/report/around.h"
#include "core/report/dns.h"
#include "core/report/print.h"
#include "core/ruleset/ruleset.h"

static const char *const deciders[] = {
	[SIM_BY_NETD] = "netd",
	[SIM_BY_DOCKER] = "docker",
	[SIM_BY_DEFAULT] = "nobody",
	[SIM_NO_ADDRESS] = "no-address",
};

struct explaining {
	struct rj j;
	const struct survey *survey;
	const struct explain_end *ends;
	bool empty[2]; /* an end is a tier without containers */
};

static void print_answer_end(struct explaining *x, cJSON *object, const struct sim_end *end,
			     const struct explain_end *asked, enum ip_family family)
{
	const struct report_input *in = x->survey->in[0];

	if (end->kind == SIM_HOST) {
		rj_text(&x->j, object, "kind", "host");
		if (end->addr.family)
			report_add_addr(&x->j, object, "address", &end->addr);
		return;
	}
	if (end->kind == SIM_ADDRESS) {
		rj_text(&x->j, object, "kind", "address");
		report_add_addr(&x->j, object, "address", &end->addr);
		if (asked->stands_for)
			rj_text(&x->j, object, "stands_for", asked->name);
		return;
	}
	const struct world_endpoint *endpoint = &in->world->endpoints[end->endpoint];
	rj_text(&x->j, object, "kind", in->symbolic ? "tier" : "container");
	if (!in->symbolic) {
		rj_text(&x->j, object, "container",
			in->world->containers[endpoint->container].name);
		rj_text(&x->j, object, "network", in->world->networks[endpoint->network].name);
		const struct ip_addr *addr = family == IP_V6 ? &endpoint->ipv6 : &endpoint->ipv4;
		/* What docker-proxy hands on can change the family. */
		if (!addr->family)
			addr = family == IP_V6 ? &endpoint->ipv4 : &endpoint->ipv6;
		report_add_addr(&x->j, object, "address", addr);
	}
	rj_text(&x->j, object, "tier", report_tier_name(in, end->endpoint));
	if (asked->kind == EXPLAIN_TIER && !in->symbolic)
		rj_text(&x->j, object, "stands_for", asked->name);
}

static void add_counter(struct explaining *x, cJSON *object, const char *counter)
{
	uint64_t packets, bytes;

	if (!counter)
		return;
	cJSON *json = rj_add_object(&x->j, object, "counter");
	rj_text(&x->j, json, "name", counter);
	if (!report_find_hits(x->survey->in[0], counter, &packets, &bytes))
		return;
	rj_number(&x->j, json, "packets", (double)packets);
	rj_number(&x->j, json, "bytes", (double)bytes);
}

static void add_hop(struct explaining *x, cJSON *object, const struct sim_step *step)
{
	CLEANUP(text_done) struct text text = { 0 };

	ruleset_print_rule(step->rule, &text);
	x->j.failed |= text_failed(&text);
	rj_text(&x->j, object, "table", rs_family_name(step->family));
	rj_text(&x->j, object, "hook", rs_hook_name(step->hook));
	rj_text(&x->j, object, "chain", step->chain->name);
	rj_text(&x->j, object, "rule", text_str(&text));
	add_counter(x, object, step->rule->counter);
}

/* Every hook that the flow comes to, those where no rule of ours matches too. */
static void add_hops(struct explaining *x, cJSON *hops, const struct sim_result *result)
{
	size_t step = 0;

	for (size_t i = 0; i < result->n_hooks; i++) {
		const struct sim_hook at = result->hooks[i];
		size_t before = step;
		for (; step < result->trace.n && result->trace.items[step].family == at.family &&
		       result->trace.items[step].hook == at.hook;
		     step++)
			add_hop(x, rj_push_object(&x->j, hops), &result->trace.items[step]);
		if (step > before)
			continue;
		cJSON *object = rj_push_object(&x->j, hops);
		rj_text(&x->j, object, "table", rs_family_name(at.family));
		rj_text(&x->j, object, "hook", rs_hook_name(at.hook));
		rj_text(&x->j, object, "chain", NULL);
		rj_text(&x->j, object, "rule", NULL);
	}
}

static void add_decision(struct explaining *x, cJSON *object, const struct sim_result *result)
{
	const struct policy *policy = x->survey->in[0]->policy;

	rj_bool(&x->j, object, "allowed", result->allowed);
	rj_bool(&x->j, object, "audited", result->audited);
	if (result->uncertain)
		rj_bool(&x->j, object, "uncertain", true);
	rj_text(&x->j, object, "by", deciders[result->by]);
	rj_text(&x->j, object, "reason", result->reason);
	if (result->denial)
		rj_text(&x->j, object, "denial", reason_word(result->denial));
	rj_text(&x->j, object, "path", sim_path_name(result->path));
	rj_bool(&x->j, object, "needs_bridge_nf", result->needs_bridge_nf);
	rj_text(&x->j, object, "chain", result->chain ? result->chain->name : NULL);
	if (result->policy_rule)
		report_add_rule(&x->j, rj_add_object(&x->j, object, "rule"), policy,
				result->policy_rule - 1);
}

static void print_answer_way(struct explaining *x, cJSON *list, const struct explain_way *way)
{
	cJSON *object = rj_push_object(&x->j, list);

	rj_number(&x->j, object, "family", way->flow.family);
	add_decision(x, object, &way->result);
	print_answer_end(x, rj_add_object(&x->j, object, "from"), &way->flow.from, &x->ends[0],
			 way->flow.family);
	print_answer_end(x, rj_add_object(&x->j, object, "to"), &way->flow.to, &x->ends[1],
			 way->flow.family);
	add_hops(x, rj_add_array(&x->j, object, "hops"), &way->result);
}

static const char *verdict_name(bool allowed, bool audited)
{
	return allowed ? "allow" : audited ? "audit" : "deny";
}

/* Nothing passes for certain, but something may. */
static bool is_uncertain(const explain_ways *ways)
{
	for (size_t i = 0; i < ways->n; i++)
		if (ways->items[i].result.uncertain)
			return true;
	return false;
}

static bool says_already(const cJSON *notes, const char *text)
{
	const cJSON *note;

	cJSON_ArrayForEach(note, notes)
		if (strcmp(cJSON_GetStringValue(note), text) == 0)
			return true;
	return false;
}

/* What no rule can mend: said of each container that was named. */
static void add_states(struct explaining *x, cJSON *notes, const struct explain_end *end)
{
	const struct report_input *in = x->survey->in[0];

	for (size_t i = 0; i < end->n_endpoints && end->kind == EXPLAIN_CONTAINER; i++) {
		const struct world_endpoint *endpoint = &in->world->endpoints[end->endpoints[i]];
		const char *why = report_why_not(in, end->endpoints[i]);
		CLEANUP(text_done) struct text text = { 0 }, lacks = { 0 };
		report_print_shortfalls(in, end->endpoints[i], &lacks);
		if (!why && !lacks.len)
			continue;
		text_printf(&text, "%s on %s: %s%s%s", end->name,
			    in->world->networks[endpoint->network].name,
			    why ? why : "it is in its tier, which only warns",
			    lacks.len ? "; " : "", text_str(&lacks));
		x->j.failed |= text_failed(&lacks);
		x->j.failed |= text_failed(&text);
		if (!says_already(notes, text_str(&text))) /* of the containers of a service */
			rj_push_text(&x->j, notes, text_str(&text));
	}
}

static int print_answer(struct explaining *x, const struct report_question *question,
			const explain_ways *ways, const char *note, struct report_explained *ret)
{
	cJSON *root = rj_answer(&x->j), *asked = rj_add_object(&x->j, root, "question");
	bool allowed, audited;

	explain_sum_up(ways, &allowed, &audited);
	rj_text(&x->j, asked, "from", question->from);
	rj_text(&x->j, asked, "to", question->to);
	rj_text(&x->j, asked, "port", question->port);
	rj_text(&x->j, root, "verdict", verdict_name(allowed, audited));
	if (!allowed && !audited && is_uncertain(ways))
		rj_bool(&x->j, root, "uncertain", true);
	rj_bool(&x->j, root, "symbolic", x->survey->in[0]->symbolic);
	if (x->empty[0] || x->empty[1]) {
		cJSON *tiers = rj_add_array(&x->j, root, "empty_tiers");
		for (size_t i = 0; i < 2; i++)
			if (x->empty[i])
				rj_push_text(&x->j, tiers, x->ends[i].name);
	}
	cJSON *list = rj_add_array(&x->j, root, "ways");
	for (size_t i = 0; i < ways->n; i++)
		print_answer_way(x, list, &ways->items[i]);
	cJSON *notes = rj_add_array(&x->j, root, "notes");
	for (size_t i = 0; i < 2; i++) {
		if (x->ends[i].note)
			rj_push_text(&x->j, notes, x->ends[i].note);
		add_states(x, notes, &x->ends[i]);
	}
	if (note)
		rj_push_text(&x->j, notes, note);
	if (ways->n == 0)
		rj_push_text(&x->j, notes, "the two ends have no addresses of the same family");
	ret->allowed = allowed || audited;
	return rj_finish(&x->j, root, &ret->json);
}

static int parse_port(const char *text, struct arena *arena, struct port_range *ret,
		      const char **error)
{
	int r = port_range_parse(text, ret);

	if (r == 0 && (!proto_has_ports((enum ip_proto)ret->proto) || ret->lo == ret->hi))
		return 0;
	*error = arena_printf(arena,
			      r == 0 ? "`%s` is a range of ports: ask about one of them"
				     : "`%s` is not a port: write it like 443/tcp, 53/udp or icmp",
			      text);
	return *error ? REPORT_E_QUESTION : -ENOMEM;
}

/* ---- tiers that nobody is in ---- */

/* The same end where each tier has members: a container becomes its tier. */
static int move_end(const struct explain_end *end, const struct survey *to, struct arena *arena,
		    struct explain_end *ret)
{
	struct policy_peer peer = { .kind = PEER_TIER, .tier = end->tier };

	if (end->kind == EXPLAIN_HOST || end->kind == EXPLAIN_OUTSIDE) {
		*ret = *end;
		return 0;
	}
	if (end->tier == SURVEY_NONE)
		return REPORT_E_QUESTION;
	return explain_resolve_peer(to, &peer, arena, ret);
}

int explain_make_symbolic(const struct survey *survey, struct arena *arena, struct survey *ret)
{
	struct report_input *input = arena_alloc(arena, sizeof(*input));
	const struct report_input *made = input;
	int r = input ? report_prepare_symbolic(survey->in[0], arena, input) : -ENOMEM;

	return r < 0 ? r : survey_init(ret, &made, 1, arena);
}

/* Asks where an end is a tier without members: there the policy alone can be asked. */
static int ask_symbolic(const struct survey *survey, struct arena *arena,
			struct explain_end ends[2], struct survey *ret)
{
	int r = explain_make_symbolic(survey, arena, ret);

	for (size_t i = 0; i < 2 && r == 0; i++)
		r = move_end(&ends[i], ret, arena, &ends[i]);
	return r;
}

/* A member of the tier, by the policy, that nothing holds there; "": there is none. */
static const char *beyond_note(const struct survey *survey, uint32_t tier, struct arena *arena)
{
	const struct world *world = survey->world;
	const struct assignment *as = survey->in[0]->compiled->assignments;
	const char *remedy;

	for (size_t i = 0; i < world->n_endpoints; i++) {
		const struct world_network *network = &world->networks[world->endpoints[i].network];
		if (compile_is_beyond(&as[i]) && as[i].tier == tier)
			return arena_printf(arena,
					    "`%s` is one by the policy, but on network `%s`: %s",
					    world->containers[world->endpoints[i].container].name,
					    network->name, world_beyond_why(network, &remedy));
	}
	return "";
}

/* Where the verdict is the policy's alone: why, and who may be meant. */
static int note_empty(const struct survey *survey, const struct explain_end ends[2],
		      const bool empty[2], struct arena *arena, const char **ret)
{
	const char *name = ends[empty[0] ? 0 : 1].name, *also = empty[0] && empty[1] ? " or " : "";
	const char *joined = "";

	for (size_t i = 0; i < 2 && joined && !*joined; i++)
		if (empty[i])
			joined = explain_joined_note(survey, ends[i].tier, arena);
	for (size_t i = 0; i < 2 && joined && !*joined; i++)
		if (empty[i])
			joined = beyond_note(survey, ends[i].tier, arena);
	*ret = !joined ? NULL
		       : arena_printf(arena,
				      "no container here is in tier %s%s%s: this is the policy's "
				      "verdict, without Docker's networks%s%s",
				      name, also, *also ? ends[1].name : "", *joined ? "; " : "",
				      joined);
	return *ret ? 0 : -ENOMEM;
}

/* Who asks for names, and whom: of the containers that ask for `dns`. */
static const char *dns_note(const struct report_input *in, const struct explain_end *from,
			    struct arena *arena)
{
	const struct world *world = in->world;
	char text[IP_TEXT_LEN];

	for (size_t i = 0; i < from->n_endpoints && !in->symbolic; i++) {
		const struct world_endpoint *end = &world->endpoints[from->endpoints[i]];
		const struct world_container *container = &world->containers[end->container];
		if (container->n_dns)
			return arena_printf(
				arena,
				"`%s` was given resolvers of its own, %s first: ask for "
				"that address",
				container->name, ip_format(&container->dns[0], text));
		if (world->engine && report_dns_leaks_from(world, end))
			return arena_printf(arena,
					    "on network `%s` Docker %s asks the resolvers in this "
					    "host's name: names get out whatever the policy says",
					    world->networks[end->network].name, world->engine);
	}
	return "";
}

/* Docker lets nothing pass between two containers; through the host it may. */
static int note_findings_around(const struct survey *survey, const explain_ways *ways,
				struct arena *arena, const char **note)
{
	for (size_t i = 0; i < ways->n && !*note; i++) {
		const struct explain_way *way = &ways->items[i];
		const struct world_published *published = NULL;
		if (way->result.by != SIM_BY_DOCKER || way->result.path != SIM_PATH_ROUTED ||
		    way->flow.from.kind != SIM_ENDPOINT || way->flow.to.kind != SIM_ENDPOINT)
			continue;
		const struct around_question question = {
			way->flow.from.endpoint,
			survey->world->endpoints[way->flow.to.endpoint].container,
			{ (uint8_t)way->flow.proto, way->flow.port, way->flow.port }
		};
		int r = around_find(survey->in[0], &question, arena, &published);
		if (r < 0)
			return r;
		if (r == 0)
			continue;
		*note = arena_printf(
			arena, "it passes through port %u of this host, which `%s` publishes",
			published->host_port, survey->world->containers[question.to].name);
		if (!*note)
			return -ENOMEM;
	}
	return 0;
}

int report_explain(const struct report_input *in, const struct report_question *question,
		   struct arena *arena, struct report_explained *ret)
{
	struct explain_end ends[2];
	struct survey survey, symbolic;
	struct explaining x = { .survey = &survey, .ends = ends };
	struct port_range port;
	explain_ways ways = { 0 };
	const char *note = NULL;

	*ret = (struct report_explained){ 0 };
	int r = survey_init(&survey, &in, 1, arena);
	if (r == 0)
		r = parse_port(question->port, arena, &port, &ret->error);
	if (r == 0)
		r = explain_resolve(&survey, question->from, arena, &ends[0], &ret->error);
	if (r == 0)
		r = explain_resolve(&survey, question->to, arena, &ends[1], &ret->error);
	if (r == 0 && (explain_is_empty_tier(&ends[0]) || explain_is_empty_tier(&ends[1]))) {
		x.empty[0] = explain_is_empty_tier(&ends[0]);
		x.empty[1] = explain_is_empty_tier(&ends[1]);
		r = note_empty(&survey, ends, x.empty, arena, &note);
		if (r == 0)
			r = ask_symbolic(&survey, arena, ends, &symbolic);
		x.survey = &symbolic;
		if (r == REPORT_E_QUESTION)
			ret->error = "a tier has no containers here, and the other end is in none";
	}
	if (r == 0)
		r = explain_ask(x.survey, ends, &port, arena, &ways);
	if (r == 0 && !note)
		r = note_findings_around(x.survey, &ways, arena, &note);
	if (r == 0 && !note && strcmp(ends[1].name, "dns") == 0 &&
	    ends[1].kind == EXPLAIN_OUTSIDE) {
		const char *about = dns_note(x.survey->in[0], &ends[0], arena);
		r = about ? 0 : -ENOMEM;
		note = about && *about ? about : NULL;
	}
	return r ? r : print_answer(&x, question, &ways, note, ret);
}
