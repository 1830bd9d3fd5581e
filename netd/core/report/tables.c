/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Endpoints and rules as they stand. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/report/print.h"

/* ---- endpoints ---- */

static const struct {
	const char *why, *remedy;
} states[] = {
	[ASSIGN_TIER] = { "", "" },
	[ASSIGN_UNMATCHED] = { "no tier matches it", "add a match to a tier of the policy" },
	[ASSIGN_CONFLICT] = { "two tiers match it at the same level",
			      "make the match of one of them more specific" },
	/* Of a label that is open: open_label below. */
	[ASSIGN_UNKNOWN] = { "its labels, those of its image, or its posture, are not read yet",
			     "wait a moment; else see Docker's link" },
	[ASSIGN_CLASH] = { "another endpoint has the same address",
			   "give the networks subnets that do not overlap" },
	[ASSIGN_QUARANTINED] = { "it falls short of what its tier requires",
				 "give it what is missing, and make it anew" },
	[ASSIGN_UNMANAGED] = { "its network is not a bridge of this host", "" },
};

const struct policy_tier *report_required_of(const struct report_input *in, size_t endpoint)
{
	const struct assignment *as = &in->compiled->assignments[endpoint];
	bool has_tier = as->kind == ASSIGN_TIER || as->kind == ASSIGN_QUARANTINED ||
			(as->kind == ASSIGN_UNKNOWN && as->match && !as->open_label);
	const struct policy_tier *tier = has_tier ? &in->policy->tiers[as->tier] : NULL;

	return tier && tier->require && !in->symbolic ? tier : NULL;
}

void report_print_shortfalls(const struct report_input *in, size_t endpoint, struct text *out)
{
	const struct policy_tier *tier = report_required_of(in, endpoint);
	struct posture_shortfall first;
	size_t cursor = 0;

	if (!tier)
		return;
	const struct posture posture =
		world_posture(in->world, in->world->endpoints[endpoint].container, in->now);
	if (!posture_next_shortfall(&posture, tier->require, &cursor, &first))
		return;
	text_printf(out, "tier `%s` requires ", tier->name);
	posture_print_shortfalls(&posture, tier->require, out);
}

static const char open_label[] =
	"its image has a label that a tier asks for, too, so nobody can say "
	"whether it was given to the container";
static const char open_label_remedy[] =
	"give the container another value than its image has, or the "
	"tier `image_labels: allow`";

const char *report_why_not(const struct report_input *in, size_t endpoint)
{
	const struct assignment *as = &in->compiled->assignments[endpoint];
	const struct world_endpoint *end = &in->world->endpoints[endpoint];
	const char *flaw = in->world->networks[end->network].flaw;

	if (!flaw)
		flaw = in->world->containers[end->container].flaw;
	if (flaw && (as->kind == ASSIGN_UNKNOWN || as->kind == ASSIGN_UNMANAGED))
		return flaw;
	if (as->open_label)
		return open_label;
	if (as->kind != ASSIGN_TIER)
		return states[as->kind].why;
	return compile_is_admitted(as) ? NULL
				       : "its port of the bridge is not known: closed until it is";
}

static const char *mode_name(const struct report_input *in, const struct assignment *as)
{
	enum policy_mode mode =
		as->kind == ASSIGN_TIER ? in->policy->tiers[as->tier].mode : in->policy->mode;

	if (as->kind == ASSIGN_UNMANAGED ||
	    (as->kind == ASSIGN_UNMATCHED && in->policy->unmatched == POLICY_UNMATCHED_IGNORE))
		return "none";
	return mode == POLICY_AUDIT ? "audit" : "enforce";
}

/* Which of its labels its image brought along. */
static void add_image_labels(struct rj *j, cJSON *object, const struct report_input *in, size_t i)
{
	const struct world_container *container =
		&in->world->containers[in->world->endpoints[i].container];
	cJSON *list = rj_add_array(j, object, "image_labels");

	for (size_t l = 0; l < container->n_labels; l++)
		if (container->labels[l].origin == WORLD_IMAGE)
			rj_push_text(j, list, container->labels[l].key);
}

static void add_origin(struct rj *j, cJSON *object, const struct world_container *container,
		       const char *key)
{
	static const char *const origins[] = {
		[WORLD_OWN] = "container", [WORLD_IMAGE] = "image", [WORLD_UNTOLD] = "unknown"
	};
	const struct world_label *label = world_find_label(container, key);

	if (label)
		rj_text(j, object, key, origins[label->origin]);
}

/* Where each label comes from that the entry of `match` asks for. */
static void add_match_labels(struct rj *j, cJSON *object, const struct report_input *in, size_t i)
{
	const struct policy_match *match = in->compiled->assignments[i].match;
	const struct world_container *container =
		&in->world->containers[in->world->endpoints[i].container];

	if (!match || !(match->compose_project || match->compose_service || match->n_labels))
		return;
	cJSON *origins = rj_add_object(j, object, "labels");
	if (match->compose_project)
		add_origin(j, origins, container, COMPILE_LABEL_PROJECT);
	if (match->compose_service)
		add_origin(j, origins, container, COMPILE_LABEL_SERVICE);
	for (size_t l = 0; l < match->n_labels; l++)
		add_origin(j, origins, container, match->labels[l].key);
}

/* Of what its tier requires, also where that only warns. */
static void add_shortfalls(struct rj *j, cJSON *object, const struct report_input *in, size_t i)
{
	const struct policy_tier *tier = report_required_of(in, i);
	struct posture_shortfall one;
	cJSON *list = NULL;

	if (!tier)
		return;
	const struct posture posture =
		world_posture(in->world, in->world->endpoints[i].container, in->now);
	for (size_t cursor = 0; posture_next_shortfall(&posture, tier->require, &cursor, &one);) {
		list = list ? list : rj_add_array(j, object, "shortfalls");
		cJSON *entry = rj_push_object(j, list);
		rj_text(j, entry, "tier", tier->name);
		rj_text(j, entry, "id", one.check->finding.id);
		rj_text(j, entry, "text", one.text);
		rj_text(j, entry, "requires", one.check->key);
		rj_bool(j, entry, "known", !one.unknown);
	}
}

/* The tier is the policy's wish alone. */
static void print_beyond(const struct report_input *in, size_t i, struct text *why,
			 const char **remedy)
{
	const struct assignment *as = &in->compiled->assignments[i];

	if (as->match)
		text_printf(why, "the policy has it in tier `%s`, but ",
			    in->policy->tiers[as->tier].name);
	text_add(why,
		 world_beyond_why(&in->world->networks[in->world->endpoints[i].network], remedy));
}

static void add_why(struct rj *j, cJSON *object, const struct report_input *in, size_t i)
{
	const struct assignment *as = &in->compiled->assignments[i];

	rj_text(j, object, "state", assign_kind_name(as->kind));
	rj_text(j, object, "mode", mode_name(in, as));
	if (as->kind == ASSIGN_CONFLICT) {
		cJSON *tiers = rj_add_array(j, object, "conflict");
		rj_push_text(j, tiers, in->policy->tiers[as->tier].name);
		rj_push_text(j, tiers, in->policy->tiers[as->other_tier].name);
	}
	CLEANUP(text_done) struct text why = { 0 };
	const char *remedy = as->open_label ? open_label_remedy : states[as->kind].remedy;
	const struct world_network *network = &in->world->networks[in->world->endpoints[i].network];
	if (as->kind == ASSIGN_UNMANAGED && world_network_is_beyond(network) && !network->flaw)
		print_beyond(in, i, &why, &remedy);
	else if (report_why_not(in, i))
		text_add(&why, report_why_not(in, i));
	if (as->kind == ASSIGN_QUARANTINED) {
		text_add(&why, ": ");
		report_print_shortfalls(in, i, &why);
	}
	j->failed |= text_failed(&why);
	if (why.len)
		rj_text(j, object, "why", text_str(&why));
	if (as->kind != ASSIGN_TIER)
		rj_text(j, object, "remedy", remedy);
	add_shortfalls(j, object, in, i);
	add_image_labels(j, object, in, i);
	add_match_labels(j, object, in, i);
	if (as->match)
		rj_place(j, rj_add_object(j, object, "match"), &as->match->loc);
}

/* Of its tier: which of its containers holds them is not asked. */
static void add_speaks_for(struct rj *j, cJSON *object, const struct report_input *in, size_t i)
{
	const struct assignment *as = &in->compiled->assignments[i];
	const struct policy_tier *tier =
		as->kind == ASSIGN_TIER ? &in->policy->tiers[as->tier] : NULL;
	char text[PREFIX_TEXT_LEN];

	if (!tier || tier->n_speaks_for == 0)
		return;
	cJSON *list = rj_add_array(j, object, "speaks_for");
	for (size_t k = 0; k < tier->n_speaks_for; k++)
		rj_push_text(j, list, ip_prefix_format(&tier->speaks_for[k].prefix, text));
}

/* Containers that a packet filter cannot hold, those on the host's network too. */
static void add_unholdable(struct rj *j, cJSON *root, const struct world *world)
{
	cJSON *list = rj_add_array(j, root, "unholdable");
	enum world_trait trait;
	const char *name;

	for (size_t i = 0; i < world->n_containers && !j->failed; i++) {
		const struct world_container *container = &world->containers[i];
		if (!container->traits)
			continue;
		cJSON *object = rj_push_object(j, list);
		rj_text(j, object, "container", container->name);
		rj_text(j, object, "id", container->id);
		cJSON *traits = rj_add_array(j, object, "traits");
		for (size_t t = 0; (name = world_trait_name(t, &trait)); t++)
			if (container->traits & trait)
				rj_push_text(j, traits, name);
	}
}

int report_endpoints(const struct report_input *in, cJSON **ret)
{
	struct rj j = { 0 };
	cJSON *root = rj_answer(&j), *list = rj_add_array(&j, root, "endpoints");

	for (size_t i = 0; i < in->world->n_endpoints && !j.failed; i++) {
		cJSON *object = rj_push_object(&j, list);
		report_add_endpoint(&j, object, in, i);
		rj_text(&j, object, "id",
			in->world->containers[in->world->endpoints[i].container].id);
		add_why(&j, object, in, i);
		add_speaks_for(&j, object, in, i);
	}
	add_unholdable(&j, root, in->world);
	return rj_finish(&j, root, ret);
}

/* ---- rules ---- */

static int add_hits(struct rj *j, cJSON *object, const struct report_input *in, size_t rule,
		    struct arena *arena)
{
	const char *counter = compile_counter_name(in->policy, rule, arena);
	uint64_t packets, bytes;

	if (!counter)
		return -ENOMEM;
	if (!in->counters)
		return 0;
	bool read = report_find_hits(in, counter, &packets, &bytes);
	rj_number(j, object, "packets", (double)packets);
	rj_number(j, object, "bytes", (double)bytes);
	rj_bool(j, object, "never_hit", packets == 0 && (read || in->n_counters > 0));
	return 0;
}

int report_rules(const struct report_input *in, cJSON **ret)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct rj j = { 0 };
	cJSON *root = rj_answer(&j), *list = rj_add_array(&j, root, "rules");

	j.failed |= !arena;
	for (size_t i = 0; i < in->policy->n_rules && !j.failed; i++) {
		cJSON *object = rj_push_object(&j, list);
		report_add_rule(&j, object, in->policy, i);
		rj_bool(&j, object, "expired", report_rule_expired(in, i));
		j.failed |= add_hits(&j, object, in, i, arena) < 0;
	}
	return rj_finish(&j, root, ret);
}

/* ---- findings ---- */

static void add_subject(struct rj *j, cJSON *object, const struct diag_subject *about)
{
	char port[PORT_RANGE_TEXT_LEN];
	cJSON *place = rj_add_object(j, object, "about");

	if (about->n_tiers) {
		cJSON *tiers = rj_add_array(j, place, "tiers");
		for (size_t i = 0; i < about->n_tiers; i++)
			rj_push_text(j, tiers, about->tiers[i]);
	}
	if (about->container)
		rj_text(j, place, "container", about->container);
	if (about->service)
		rj_text(j, place, "service", about->service);
	if (about->network)
		rj_text(j, place, "network", about->network);
	if (about->has_port)
		rj_text(j, place, "port", port_range_format(&about->port, port));
}

/* Of an audit: how much it matters, and who says so, too. */
static void add_check(struct rj *j, cJSON *object, const struct posture_check *check)
{
	if (!check)
		return;
	rj_text(j, object, "level", posture_level_name(check->level));
	rj_text(j, object, "cis", check->cis);
}

int report_diagnostics(const struct diag_list *diags, cJSON **ret)
{
	struct rj j = { 0 };
	cJSON *root = cJSON_CreateArray();

	j.failed = !root || diags->out_of_memory;
	for (size_t i = 0; i < diags->diags.n && !j.failed; i++) {
		const struct diag *diag = &diags->diags.items[i];
		cJSON *object = rj_push_object(&j, root);
		rj_text(&j, object, "severity", diag->severity == DIAG_ERROR ? "error" : "warning");
		rj_text(&j, object, "file", diag->loc.file);
		rj_number(&j, object, "line", diag->loc.line);
		rj_number(&j, object, "col", diag->loc.col);
		rj_text(&j, object, "id", diag->id);
		rj_text(&j, object, "text", diag->text);
		rj_text(&j, object, "hint", diag->hint);
		add_check(&j, object, posture_find_check(diag->id));
		rj_text(&j, object, "accepted", diag->accepted);
		add_subject(&j, object, &diag->about);
	}
	return rj_finish(&j, root, ret);
}
