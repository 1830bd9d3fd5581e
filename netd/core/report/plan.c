/* SPDX-License-Identifier: GPL-2.0-or-later */
/* report_plan(): what a new policy changes on a host: flows, exposures, endpoints, rules. */
#include "core/report/exposure.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/report/print.h"

enum { OLD, NEW };

struct planning {
	struct rj j;
	const struct survey *survey;
	struct arena *scratch; /* of the pair or port at hand */
	cJSON *gained, *lost, *opened, *closed;
	cJSON *kept, *left_open; /* against plain Docker; else NULL */
	bool changed;
};

/* ---- flows ---- */

static void add_families(struct rj *j, cJSON *object, uint8_t bits)
{
	cJSON *families = rj_add_array(j, object, "families");
	unsigned int any = bits | bits >> 2 | bits >> 4; /* of the addresses of a prefix */

	for (unsigned int family = 0; family < 2; family++)
		if (any & 1u << family)
			rj_push_number(j, families, family ? IP_V6 : IP_V4);
}

struct flow_change {
	struct survey_end from, to;
	const survey_parts *parts;
	const uint8_t *bits;	   /* per part: the families that change */
	survey_selection selected; /* the parts of this change: same rule, same families */
};

/* The rule that lets it in, or that now denies it, or none any more. */
static void add_change(struct planning *p, cJSON *list, const struct flow_change *change)
{
	const struct report_input *in = p->survey->in[NEW];
	uint32_t first = change->selected.items[0];
	const struct survey_verdict *now = &change->parts->items[first].verdict[NEW];
	char name[LIMIT_PEER_TEXT];
	cJSON *object = rj_push_object(&p->j, list);

	rj_text(&p->j, object, "from", survey_end_name(p->survey, change->from, name));
	rj_text(&p->j, object, "to", survey_end_name(p->survey, change->to, name));
	survey_print_ports(&p->j, object, change->parts, &change->selected);
	add_families(&p->j, object, change->bits[first]);
	rj_bool(&p->j, object, "audited", now->audited != 0);
	if (now->rule)
		report_add_rule_place(&p->j, rj_add_object(&p->j, object, "rule"), in->policy,
				      now->rule);
	p->changed |= list != p->kept;
}

/* A part that changes, with what the changes of several parts have in common. */
struct changed_part {
	uint32_t part, rule;
	uint8_t bits, audited;
	uint32_t first; /* the first part of its change */
};

static bool is_one_change(const struct changed_part *a, const struct changed_part *b)
{
	return a->bits == b->bits && a->rule == b->rule && a->audited == b->audited;
}

static int by_change(const void *left, const void *right)
{
	const struct changed_part *a = left, *b = right;

	if (a->rule != b->rule)
		return a->rule < b->rule ? -1 : 1;
	if (a->bits != b->bits)
		return (int)a->bits - (int)b->bits;
	if (a->audited != b->audited)
		return (int)a->audited - (int)b->audited;
	return a->part < b->part ? -1 : a->part > b->part;
}

/* In the order of their first parts. */
static int by_first_part(const void *left, const void *right)
{
	const struct changed_part *a = left, *b = right;

	if (a->first != b->first)
		return a->first < b->first ? -1 : 1;
	return a->part < b->part ? -1 : a->part > b->part;
}

/* Change by change, each with its parts in order; how many parts. */
static size_t group_changes(const struct flow_change *common, struct changed_part *ret)
{
	size_t n = 0;

	for (uint32_t i = 0; i < common->parts->n; i++) {
		const struct survey_verdict *now = &common->parts->items[i].verdict[NEW];
		if (common->bits[i])
			ret[n++] = (struct changed_part){ i, now->rule, common->bits[i],
							  now->audited, i };
	}
	if (n)
		qsort(ret, n, sizeof(*ret), by_change);
	for (size_t i = 1; i < n; i++)
		if (is_one_change(&ret[i - 1], &ret[i]))
			ret[i].first = ret[i - 1].first;
	if (n)
		qsort(ret, n, sizeof(*ret), by_first_part);
	return n;
}

static int add_changes(struct planning *p, cJSON *list, const struct flow_change *common)
{
	struct changed_part *changed = arena_alloc(p->scratch, common->parts->n * sizeof(*changed));
	struct flow_change change = *common;
	size_t n = changed ? group_changes(common, changed) : 0;

	if (!changed)
		return -ENOMEM;
	for (size_t i = 0, next; i < n; i = next) {
		change.selected.n = 0;
		for (next = i; next < n && changed[next].first == changed[i].first; next++)
			if (VEC_PUSH(p->scratch, &change.selected, changed[next].part) < 0)
				return -ENOMEM;
		add_change(p, list, &change);
	}
	return 0;
}

static int compare_pair(struct planning *p, struct survey_end from, struct survey_end to)
{
	survey_parts parts;
	int r = survey_ask(p->survey, from, to, p->scratch, &parts);
	uint8_t *gained = arena_alloc(p->scratch, parts.n),
		*lost = arena_alloc(p->scratch, parts.n), *kept = arena_alloc(p->scratch, parts.n);
	struct flow_change change = { .from = from, .to = to, .parts = &parts };

	if (r < 0 || !gained || !lost || !kept)
		return -ENOMEM;
	for (size_t i = 0; i < parts.n; i++) {
		const struct survey_verdict *v = parts.items[i].verdict;
		gained[i] = v[NEW].allowed & (uint8_t)~v[OLD].allowed;
		lost[i] = v[OLD].allowed & (uint8_t)~v[NEW].allowed;
		kept[i] = v[OLD].allowed & v[NEW].allowed;
	}
	change.bits = gained;
	r = add_changes(p, p->gained, &change);
	change.bits = lost;
	if (r == 0)
		r = add_changes(p, p->lost, &change);
	change.bits = kept;
	return r < 0 || !p->kept ? r : add_changes(p, p->kept, &change);
}

static int compare_flows(struct planning *p)
{
	struct survey_end from, to;
	struct survey_walk walk;
	CLEANUP(arena_freep) struct arena *scratch = arena_new();
	int r = scratch ? survey_walk_init(p->survey, &walk) : -ENOMEM;

	p->scratch = scratch;
	while (r == 0 && survey_walk_next(p->survey, &walk, &from, &to)) {
		r = compare_pair(p, from, to);
		arena_clear(scratch);
	}
	return r;
}

/* ---- exposures ---- */

static int compare_exposure(const struct survey *survey, const struct exposure *exposure,
			    void *userdata)
{
	struct planning *p = userdata;
	enum { OPENED, CLOSED, LEFT_OPEN, N_LISTS };
	cJSON *lists[N_LISTS] = { p->opened, p->closed, p->left_open }, *who_lists[N_LISTS] = { 0 };
	struct survey_end who;
	char name[LIMIT_PEER_TEXT];

	for (size_t i = 0; i < exposure_sources(survey, exposure); i++) {
		int old = exposure_ask(survey, OLD, exposure, i, p->scratch);
		int new = exposure_ask(survey, NEW, exposure, i, p->scratch);
		size_t at = old < new ? OPENED : old > new ? CLOSED : LEFT_OPEN;
		bool told = at != LEFT_OPEN || (p->left_open && new > 0);
		int implied = told ? exposure_is_implied(survey, exposure, i, p->scratch) : 1;
		if (old < 0 || new < 0 || implied < 0)
			return -ENOMEM;
		if (implied)
			continue;
		if (!who_lists[at]) {
			cJSON *object = rj_push_object(&p->j, lists[at]);
			exposure_print(&p->j, object, survey->in[NEW], exposure);
			who_lists[at] = rj_add_array(&p->j, object, "who");
		}
		who = exposure_source(survey, exposure, i);
		rj_push_text(&p->j, who_lists[at], survey_end_name(survey, who, name));
		p->changed |= at != LEFT_OPEN;
	}
	return p->j.failed ? -ENOMEM : 0;
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
		if (strcmp(names[OLD], names[NEW]) == 0)
			continue;
		cJSON *object = rj_push_object(&p->j, list);
		rj_text(&p->j, object, "from", names[OLD]);
		rj_text(&p->j, object, "to", names[NEW]);
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
	const struct policy *old = p->survey->in[OLD]->policy, *new = p->survey->in[NEW]->policy;

	if (old->unmatched != new->unmatched && !p->survey->in[OLD]->plain)
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
	const struct policy *old = p->survey->in[OLD]->policy, *new = p->survey->in[NEW]->policy;
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
	const struct report_input *inputs[] = { [OLD] = old, [NEW] = new };
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
	r = compare_flows(&p);
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
