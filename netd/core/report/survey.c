/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Making a survey: the prefixes that rules name, and which rule names whom. */
#include "core/report/survey.h"
#include "core/base/sort.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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
static int note_peer_prefixes(struct survey *survey, const struct policy_peer *peers, size_t n,
			      uint8_t *tiers, uint8_t bit, prefix_list *prefixes)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		if (peers[i].kind == PEER_TIER)
			tiers[peers[i].tier] |= bit;
		if (peers[i].kind == PEER_PREFIX)
			r = VEC_PUSH(survey->arena, prefixes, peers[i].prefix);
		survey->names_dns |= peers[i].kind == PEER_DNS && bit == 2;
		survey->names_hosts |= peers[i].kind == PEER_HOSTS;
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
	for (size_t tier = 0; tier < n && rule->from_outside && r == 0; tier++)
		if (survey->tiers[input][i * n + tier] & 2)
			r = VEC_PUSH(survey->arena, &survey->into[input][tier], i);
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
	survey->into[input] =
		arena_alloc(survey->arena, policy->n_tiers * sizeof(*survey->into[input]));
	if (!tiers || !rules || !survey->from[input] || !survey->into[input])
		return -ENOMEM;
	for (uint32_t i = 0; i < policy->n_rules; i++) {
		const struct policy_rule *rule = &policy->rules[i];
		uint8_t *row = tiers + i * policy->n_tiers;
		int r = note_peer_prefixes(survey, rule->from, rule->n_from, row, 1, prefixes);
		if (r == 0)
			r = note_peer_prefixes(survey, rule->to, rule->n_to, row, 2, prefixes);
		if (r < 0)
			return r;
		rules[i] = (struct survey_rule){
			.from_host = names_kind(rule->from, rule->n_from, true),
			.from_outside = names_kind(rule->from, rule->n_from, false),
			.to_host = names_kind(rule->to, rule->n_to, true),
			.to_outside = names_kind(rule->to, rule->n_to, false),
		};
		r = index_rule(survey, input, i);
		if (r == 0)
			r = VEC_PUSH(survey->arena, &survey->every[input], i);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < policy->n_spoken; i++)
		if (survey_is_spoken(survey->in[input], &policy->spoken[i]) &&
		    VEC_PUSH(survey->arena, prefixes, policy->spoken[i].prefix) < 0)
			return -ENOMEM;
	return 0;
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
		r = survey_classify(survey);
	if (r < 0)
		return r;
	survey->prefixes = prefixes.items;
	survey->n_prefixes =
		sort_once(prefixes.items, prefixes.n, sizeof(*prefixes.items), by_prefix);
	r = index_containers(survey);
	if (r == 0)
		r = survey_choose_addresses(survey);
	if (r == 0)
		r = survey_index_classes(survey);
	if (r == 0)
		r = survey_group_hosts(survey);
	return r < 0 ? r : survey_find_openings(survey);
}
