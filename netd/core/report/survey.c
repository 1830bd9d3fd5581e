/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Making a survey: classes of endpoints, the prefixes that rules name, and which rule names whom.
 */
#include "core/report/survey.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- classes ---- */

static bool same_assignment(const struct assignment *a, const struct assignment *b)
{
	return a->kind == b->kind && (a->kind != ASSIGN_TIER || a->tier == b->tier);
}

static const char *tier_name(const struct report_input *in, const struct assignment *as)
{
	return as->kind == ASSIGN_TIER ? in->policy->tiers[as->tier].name
				       : assign_kind_name(as->kind);
}

static const char *class_name(const struct survey *survey, const struct survey_class *class)
{
	size_t last = survey->n_inputs - 1;
	const char *old = tier_name(survey->in[0], &class->as[0]);
	const char *new = tier_name(survey->in[last], &class->as[last]);

	return strcmp(old, new) == 0 ? new : arena_printf(survey->arena, "%s (was %s)", new, old);
}

static uint32_t find_class(const struct survey *survey, const struct assignment *as)
{
	for (uint32_t c = 0; c < survey->n_classes; c++) {
		bool same = true;
		for (size_t i = 0; i < survey->n_inputs; i++)
			same &= same_assignment(&survey->classes[c].as[i], &as[i]);
		if (same)
			return c;
	}
	return SURVEY_NONE;
}

typedef VEC(struct survey_class) class_list;

static int add_class(struct survey *survey, class_list *list, const struct assignment *as)
{
	size_t n_samples = 2 * survey->world->n_networks;
	struct survey_class class = { 0 };

	memcpy(class.as, as, sizeof(class.as));
	class.name = class_name(survey, &class);
	class.samples = arena_alloc(survey->arena, n_samples * sizeof(*class.samples));
	if (!class.name || !class.samples)
		return -ENOMEM;
	memset(class.samples, 0xff, n_samples * sizeof(*class.samples));
	int r = VEC_PUSH(survey->arena, list, class);
	survey->classes = list->items;
	survey->n_classes = list->n;
	return r;
}

static int sample_worth(const struct survey *survey, uint32_t endpoint)
{
	const struct report_input *in = survey->in[survey->n_inputs - 1];

	if (endpoint == SURVEY_NONE)
		return -1;
	return (in->compiled->assignments[endpoint].port ? 4 : 0) +
	       (survey->world->endpoints[endpoint].ipv4.family ? 2 : 0) +
	       (survey->world->endpoints[endpoint].ipv6.family ? 1 : 0);
}

static void add_sample(struct survey *survey, struct survey_class *class, uint32_t endpoint)
{
	uint32_t *two = &class->samples[2 * (size_t)survey->world->endpoints[endpoint].network];
	int worth = sample_worth(survey, endpoint);

	class->n_endpoints++;
	if (worth > sample_worth(survey, two[0])) {
		two[1] = two[0];
		two[0] = endpoint;
	} else if (worth > sample_worth(survey, two[1])) {
		two[1] = endpoint;
	}
}

static int classify(struct survey *survey)
{
	size_t n = survey->world->n_endpoints;
	class_list list = { 0 };

	survey->class_of = arena_alloc(survey->arena, n * sizeof(*survey->class_of));
	if (!survey->class_of)
		return -ENOMEM;
	for (uint32_t e = 0; e < n; e++) {
		struct assignment as[SURVEY_INPUTS] = { 0 };
		for (size_t i = 0; i < survey->n_inputs; i++)
			as[i] = survey->in[i]->compiled->assignments[e];
		survey->class_of[e] = SURVEY_NONE;
		if (as[0].kind == ASSIGN_UNMANAGED)
			continue;
		uint32_t class = find_class(survey, as);
		if (class == SURVEY_NONE) {
			class = (uint32_t)survey->n_classes;
			if (add_class(survey, &list, as) < 0)
				return -ENOMEM;
		}
		survey->class_of[e] = class;
		add_sample(survey, &survey->classes[class], e);
	}
	return 0;
}

static int by_class_name(const void *left, const void *right)
{
	const struct survey_class *a = left, *b = right;

	if ((a->as[0].kind == ASSIGN_TIER) != (b->as[0].kind == ASSIGN_TIER))
		return a->as[0].kind == ASSIGN_TIER ? -1 : 1;
	return strcmp(a->name, b->name);
}

/* Tiers by name, then those that are in none. */
static void sort_classes(struct survey *survey)
{
	if (survey->n_classes)
		qsort(survey->classes, survey->n_classes, sizeof(*survey->classes), by_class_name);
	for (uint32_t e = 0; e < survey->world->n_endpoints; e++) {
		struct assignment as[SURVEY_INPUTS] = { 0 };
		for (size_t i = 0; i < survey->n_inputs; i++)
			as[i] = survey->in[i]->compiled->assignments[e];
		if (survey->class_of[e] != SURVEY_NONE)
			survey->class_of[e] = find_class(survey, as);
	}
}

static int index_containers(struct survey *survey)
{
	const struct world *world = survey->world;
	uint32_t *first = arena_alloc(survey->arena, (world->n_containers + 1) * sizeof(*first));
	uint32_t e = 0;

	if (!first)
		return -ENOMEM;
	for (uint32_t c = 0; c <= world->n_containers; c++) {
		while (e < world->n_endpoints && world->endpoints[e].container < c)
			e++;
		first[c] = e;
	}
	survey->first_of = first;
	return 0;
}

/* ---- rules ---- */

static int by_prefix(const void *left, const void *right)
{
	const struct ip_prefix *a = left, *b = right;
	int order = ip_compare(&a->addr, &b->addr);

	return order ? order : (int)a->len - (int)b->len;
}

typedef VEC(struct ip_prefix) prefix_list;

/* Notes one side of a rule; @bit is its place in survey->tiers. */
static int note_peers(struct survey *survey, const struct policy_peer *peers, size_t n,
		      uint8_t *tiers, uint8_t bit, prefix_list *prefixes)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		if (peers[i].kind == PEER_TIER)
			tiers[peers[i].tier] |= bit;
		if (peers[i].kind == PEER_PREFIX)
			r = VEC_PUSH(survey->arena, prefixes, peers[i].prefix);
	}
	return r;
}

static bool names_kind(const struct policy_peer *peers, size_t n, bool host)
{
	for (size_t i = 0; i < n; i++)
		if (host ? peers[i].kind == PEER_HOST
			 : peers[i].kind != PEER_HOST && peers[i].kind != PEER_TIER)
			return true;
	return false;
}

/* Enters a rule where its sources look for it. */
static int index_rule(struct survey *survey, size_t input, uint32_t i)
{
	size_t n = survey->in[input]->policy->n_tiers;
	const struct survey_rule *rule = &survey->rules[input][i];
	int r = 0;

	for (size_t tier = 0; tier < n + 2 && r == 0; tier++) {
		bool source = tier < n	  ? survey->tiers[input][i * n + tier] & 1
			      : tier == n ? rule->from_host
					  : rule->from_outside;
		if (source)
			r = VEC_PUSH(survey->arena, &survey->from[input][tier], i);
	}
	return r;
}

static int note_rules(struct survey *survey, size_t input, prefix_list *prefixes)
{
	const struct policy *policy = survey->in[input]->policy;
	uint8_t *tiers = arena_alloc(survey->arena, policy->n_rules * policy->n_tiers);
	struct survey_rule *rules = arena_alloc(survey->arena, policy->n_rules * sizeof(*rules));

	survey->tiers[input] = tiers;
	survey->rules[input] = rules;
	survey->from[input] =
		arena_alloc(survey->arena, (policy->n_tiers + 2) * sizeof(*survey->from[input]));
	if (!tiers || !rules || !survey->from[input])
		return -ENOMEM;
	for (uint32_t i = 0; i < policy->n_rules; i++) {
		const struct policy_rule *rule = &policy->rules[i];
		uint8_t *row = tiers + i * policy->n_tiers;
		int r = note_peers(survey, rule->from, rule->n_from, row, 1, prefixes);
		if (r == 0)
			r = note_peers(survey, rule->to, rule->n_to, row, 2, prefixes);
		if (r < 0)
			return r;
		rules[i] = (struct survey_rule){
			.from_host = names_kind(rule->from, rule->n_from, true),
			.from_outside = names_kind(rule->from, rule->n_from, false),
			.to_host = names_kind(rule->to, rule->n_to, true),
			.to_outside = names_kind(rule->to, rule->n_to, false),
		};
		r = index_rule(survey, input, i);
		if (r < 0)
			return r;
	}
	return 0;
}

static void keep_unique(struct survey *survey, prefix_list *prefixes)
{
	size_t kept = 0;

	if (prefixes->n)
		qsort(prefixes->items, prefixes->n, sizeof(*prefixes->items), by_prefix);
	for (size_t i = 0; i < prefixes->n; i++)
		if (kept == 0 || by_prefix(&prefixes->items[kept - 1], &prefixes->items[i]) != 0)
			prefixes->items[kept++] = prefixes->items[i];
	survey->prefixes = prefixes->items;
	survey->n_prefixes = kept;
}

int survey_init(struct survey *survey, const struct report_input *const *inputs, size_t n,
		struct arena *arena)
{
	prefix_list prefixes = { 0 };
	int r = 0;

	*survey = (struct survey){ .n_inputs = n, .world = inputs[0]->world, .arena = arena };
	for (size_t i = 0; i < n; i++)
		survey->in[i] = inputs[i];
	for (size_t i = 0; i < n && r == 0; i++)
		r = note_rules(survey, i, &prefixes);
	if (r == 0)
		r = classify(survey);
	if (r < 0)
		return r;
	sort_classes(survey);
	keep_unique(survey, &prefixes);
	r = index_containers(survey);
	if (r == 0)
		r = survey_choose_addresses(survey);
	if (r == 0)
		r = survey_find_sources(survey);
	return r < 0 ? r : survey_find_openings(survey);
}
