/* SPDX-License-Identifier: GPL-2.0-or-later */
/* report_plan(): what a new policy changes on a host: flows, exposures, endpoints, rules. */
#include "core/report/planning.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/report/exposure.h"
#include "core/report/print.h"

/* ---- exposures ---- */

enum { OPENED, CLOSED, LEFT_OPEN, N_LISTS };

static int add_source(struct planning *p, const struct exposure *exposure, size_t source,
		      cJSON *list, struct exposure_who *who)
{
	const struct survey *survey = p->survey;

	if (!who->list) {
		cJSON *object = rj_push_object(&p->j, list);
		exposure_print(&p->j, object, survey->in[PLAN_NEW], exposure);
		*who = (struct exposure_who){ .j = &p->j,
					      .list = rj_add_array(&p->j, object, "who"),
					      .scratch = p->scratch };
	}
	return exposure_note_source(survey, exposure, source, who);
}

static int compare_exposure(const struct survey *survey, const struct exposure *exposure,
			    void *userdata)
{
	struct planning *p = userdata;
	cJSON *lists[N_LISTS] = { p->opened, p->closed, p->left_open };
	struct exposure_who who[N_LISTS] = { 0 };
	int r = 0;

	for (size_t i = 0; i < exposure_sources(survey, exposure) && r == 0; i++) {
		int old = exposure_ask(survey, PLAN_OLD, exposure, i, p->scratch);
		int new = exposure_ask(survey, PLAN_NEW, exposure, i, p->scratch);
		size_t at = old < new ? OPENED : old > new ? CLOSED : LEFT_OPEN;
		bool told = at != LEFT_OPEN || (p->left_open && new > 0);
		int implied = told ? exposure_is_implied(survey, exposure, i, p->scratch) : 1;
		if (old < 0 || new < 0 || implied < 0)
			return -ENOMEM;
		if (implied)
			continue;
		r = add_source(p, exposure, i, lists[at], &who[at]);
		p->changed |= at != LEFT_OPEN;
	}
	for (size_t at = 0; at < N_LISTS && r == 0; at++)
		r = exposure_note_hosts(survey, exposure, &who[at]);
	return r < 0 || p->j.failed ? -ENOMEM : 0;
}

/* ---- endpoints ---- */

static void add_moved(struct planning *p, cJSON *list)
{
	const struct survey *survey = p->survey;

	for (size_t c = 0; c < survey->n_classes; c++) {
		const struct assignment *as = survey->classes[c].as;
		const char *names[2];
		for (size_t i = 0; i < 2; i++)
			names[i] = as[i].kind == ASSIGN_TIER
					   ? survey->in[i]->policy->tiers[as[i].tier].name
					   : assign_kind_name(as[i].kind);
		if (strcmp(names[PLAN_OLD], names[PLAN_NEW]) == 0)
			continue;
		cJSON *object = rj_push_object(&p->j, list);
		rj_text(&p->j, object, "from", names[PLAN_OLD]);
		rj_text(&p->j, object, "to", names[PLAN_NEW]);
		rj_number(&p->j, object, "endpoints", (double)survey->classes[c].n_endpoints);
		p->changed = true;
	}
}

/* ---- tiers ---- */

static void add_tier(struct planning *p, cJSON *list, const char *name, const char *change)
{
	cJSON *object = rj_push_object(&p->j, list);

	rj_text(&p->j, object, "name", name);
	rj_text(&p->j, object, "change", change);
	p->changed = true;
}

static void compare_tier(struct planning *p, cJSON *list, const struct policy_tier *old,
			 const struct policy_tier *new)
{
	if (old->mode != new->mode)
		add_tier(p, list, new->name,
			 new->mode == POLICY_AUDIT ? "enforce -> audit" : "audit -> enforce");
	if (old->within != new->within)
		add_tier(p, list, new->name,
			 new->within ? "within: deny -> allow" : "within: allow -> deny");
}

static void compare_tiers(struct planning *p, cJSON *list)
{
	const struct policy *old = p->survey->in[PLAN_OLD]->policy,
			    *new = p->survey->in[PLAN_NEW]->policy;

	if (old->unmatched != new->unmatched && !p->survey->in[PLAN_OLD]->plain)
		add_tier(p, list, "unmatched",
			 new->unmatched == POLICY_UNMATCHED_DENY ? "ignore -> deny"
								 : "deny -> ignore");
	for (size_t i = 0; i < old->n_tiers; i++)
		if (policy_find_tier(new, old->tiers[i].name) < 0)
			add_tier(p, list, old->tiers[i].name, "removed");
	for (size_t i = 0; i < new->n_tiers; i++) {
		int at = policy_find_tier(old, new->tiers[i].name);
		if (at < 0)
			add_tier(p, list, new->tiers[i].name, "added");
		else
			compare_tier(p, list, &old->tiers[at], &new->tiers[i]);
	}
}

/* ---- rules ---- */

/* What a rule says, wherever it stands: equal texts are equal rules. */
static char *planned_rule_text(const struct policy *policy, size_t rule, struct arena *arena)
{
	struct rj j = { 0 };
	cJSON *object = rj_object(&j);

	report_add_rule(&j, object, policy, rule);
	cJSON_DeleteItemFromObject(object, "file");
	cJSON_DeleteItemFromObject(object, "line");
	CLEANUP(free_ptr) char *text = j.failed ? NULL : cJSON_PrintUnformatted(object);
	cJSON_Delete(object);
	return text ? arena_strdup(arena, text) : NULL;
}

struct rule_key {
	const char *text;
	size_t rule;
};

static int by_text(const void *left, const void *right)
{
	const struct rule_key *a = left, *b = right;
	int order = strcmp(a->text, b->text);

	return order ? order : a->rule < b->rule ? -1 : a->rule > b->rule;
}

static struct rule_key *rule_keys(const struct policy *policy, struct arena *arena)
{
	struct rule_key *keys = arena_alloc(arena, policy->n_rules * sizeof(*keys));

	for (size_t i = 0; keys && i < policy->n_rules; i++) {
		keys[i] = (struct rule_key){ planned_rule_text(policy, i, arena), i };
		if (!keys[i].text)
			return NULL;
	}
	if (keys && policy->n_rules)
		qsort(keys, policy->n_rules, sizeof(*keys), by_text);
	return keys;
}

/* In the order of the policy, which is that of the files. */
static void add_rules(struct planning *p, cJSON *list, const struct policy *policy,
		      const bool *alone)
{
	for (size_t i = 0; i < policy->n_rules; i++) {
		if (!alone[i])
			continue;
		report_add_rule(&p->j, rj_push_object(&p->j, list), policy, i);
		p->changed = true;
	}
}

static int compare_rules(struct planning *p, cJSON *root)
{
	const struct policy *old = p->survey->in[PLAN_OLD]->policy,
			    *new = p->survey->in[PLAN_NEW]->policy;
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct rule_key *a = arena ? rule_keys(old, arena) : NULL;
	struct rule_key *b = arena ? rule_keys(new, arena) : NULL;
	bool *removed = arena ? arena_alloc(arena, old->n_rules) : NULL;
	bool *added = arena ? arena_alloc(arena, new->n_rules) : NULL;
	cJSON *rules = rj_add_object(&p->j, root, "rules");

	if (!a || !b || !removed || !added)
		return -ENOMEM;
	for (size_t i = 0, k = 0; i < old->n_rules || k < new->n_rules;) {
		int order = i == old->n_rules	? 1
			    : k == new->n_rules ? -1
						: strcmp(a[i].text, b[k].text);
		if (order < 0)
			removed[a[i].rule] = true;
		if (order > 0)
			added[b[k].rule] = true;
		i += order <= 0;
		k += order >= 0;
	}
	add_rules(p, rj_add_array(&p->j, rules, "added"), new, added);
	add_rules(p, rj_add_array(&p->j, rules, "removed"), old, removed);
	return 0;
}

int report_plan(const struct report_input *old, const struct report_input *new, cJSON **ret,
		bool *changed)
{
	const struct report_input *inputs[] = { [PLAN_OLD] = old, [PLAN_NEW] = new };
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct survey survey;
	struct planning p = { .survey = &survey };
	int r = arena ? survey_init(&survey, inputs, 2, arena) : -ENOMEM;

	if (r < 0)
		return r;
	cJSON *root = rj_answer(&p.j);
	rj_bool(&p.j, root, "symbolic", new->symbolic);
	if (old->plain)
		rj_bool(&p.j, root, "against_plain_docker", true);
	p.gained = rj_add_array(&p.j, root, "gained");
	p.lost = rj_add_array(&p.j, root, "lost");
	p.kept = old->plain ? rj_add_array(&p.j, root, "kept") : NULL;
	cJSON *exposures = rj_add_object(&p.j, root, "exposures");
	p.opened = rj_add_array(&p.j, exposures, "opened");
	p.closed = rj_add_array(&p.j, exposures, "closed");
	p.left_open = old->plain ? rj_add_array(&p.j, exposures, "kept") : NULL;
	add_moved(&p, rj_add_array(&p.j, root, "moved"));
	compare_tiers(&p, rj_add_array(&p.j, root, "tiers"));
	r = plan_compare_flows(&p);
	p.scratch = arena;
	if (r == 0)
		r = exposure_walk(&survey, compare_exposure, &p);
	if (r == 0)
		r = compare_rules(&p, root);
	p.j.failed |= r < 0;
	rj_bool(&p.j, root, "changed", p.changed);
	*changed = p.changed;
	return rj_finish(&p.j, root, ret);
}
