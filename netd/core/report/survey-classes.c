/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The classes of a survey: endpoints that all inputs treat alike, with those who stand for them on
 * each network. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/report/survey.h"

/* ---- which class an endpoint is in ---- */

#define N_KINDS (ASSIGN_UNMANAGED + 1)

/* How one input sees an endpoint, as a number: its tier, or why it has none. */
static size_t view_of(const struct report_input *in, const struct assignment *as)
{
	return as->kind == ASSIGN_TIER ? as->tier : in->policy->n_tiers + as->kind;
}

static size_t n_views(const struct report_input *in)
{
	return in->policy->n_tiers + N_KINDS;
}

static const char *view_name(const struct report_input *in, const struct assignment *as)
{
	return as->kind == ASSIGN_TIER ? in->policy->tiers[as->tier].name
				       : assign_kind_name(as->kind);
}

static const char *class_name(const struct survey *survey, const struct survey_class *class)
{
	size_t last = survey->n_inputs - 1;
	const char *old = view_name(survey->in[0], &class->as[0]);
	const char *new = view_name(survey->in[last], &class->as[last]);

	return strcmp(old, new) == 0 || survey->in[0]->plain
		       ? new
		       : arena_printf(survey->arena, "%s (was %s)", new, old);
}

typedef VEC(struct survey_class) class_list;

static int add_class(struct survey *survey, class_list *list, const struct assignment *as)
{
	struct survey_class class = { 0 };

	memcpy(class.as, as, sizeof(class.as));
	class.name = class_name(survey, &class);
	return class.name ? VEC_PUSH(survey->arena, list, class) : -ENOMEM;
}

/* Fills survey->class_of with classes in the order of their first endpoints. */
static int find_classes(struct survey *survey, class_list *list)
{
	const struct report_input *last = survey->in[survey->n_inputs - 1];
	size_t n = survey->world->n_endpoints, n_last = n_views(last);
	size_t size = n_views(survey->in[0]) * n_last * sizeof(uint32_t);
	uint32_t *class_at = arena_alloc(survey->arena, size);

	if (!class_at)
		return -ENOMEM;
	memset(class_at, 0xff, size);
	for (uint32_t e = 0; e < n; e++) {
		struct assignment as[SURVEY_INPUTS] = { 0 };
		for (size_t i = 0; i < survey->n_inputs; i++)
			as[i] = survey->in[i]->compiled->assignments[e];
		survey->class_of[e] = SURVEY_NONE;
		if (as[0].kind == ASSIGN_UNMANAGED)
			continue;
		uint32_t *class = &class_at[view_of(survey->in[0], &as[0]) * n_last +
					    view_of(last, &as[survey->n_inputs - 1])];
		if (*class == SURVEY_NONE) {
			*class = (uint32_t)list->n;
			if (add_class(survey, list, as) < 0)
				return -ENOMEM;
		}
		list->items[*class].n_endpoints++;
		survey->class_of[e] = *class;
	}
	return 0;
}

/* ---- their order ---- */

struct ranked {
	const struct survey_class *class;
	uint32_t found; /* its index before */
};

/* Tiers by name, then those that are in none. */
static int by_class_name(const void *left, const void *right)
{
	const struct ranked *a = left, *b = right;
	bool tiers[] = { a->class->as[0].kind == ASSIGN_TIER, b->class->as[0].kind == ASSIGN_TIER };

	if (tiers[0] != tiers[1])
		return tiers[0] ? -1 : 1;
	return strcmp(a->class->name, b->class->name);
}

static int sort_classes(struct survey *survey, const class_list *list)
{
	struct ranked *ranked = arena_alloc(survey->arena, list->n * sizeof(*ranked));
	uint32_t *now = arena_alloc(survey->arena, list->n * sizeof(*now));

	survey->classes = arena_alloc(survey->arena, list->n * sizeof(*survey->classes));
	survey->n_classes = list->n;
	if (!ranked || !now || !survey->classes)
		return -ENOMEM;
	for (uint32_t c = 0; c < list->n; c++)
		ranked[c] = (struct ranked){ &list->items[c], c };
	if (list->n)
		qsort(ranked, list->n, sizeof(*ranked), by_class_name);
	for (uint32_t c = 0; c < list->n; c++) {
		survey->classes[c] = *ranked[c].class;
		now[ranked[c].found] = c;
	}
	for (uint32_t e = 0; e < survey->world->n_endpoints; e++)
		if (survey->class_of[e] != SURVEY_NONE)
			survey->class_of[e] = now[survey->class_of[e]];
	return 0;
}

/* ---- their members ---- */

struct class_member {
	uint32_t class, network, endpoint;
	int worth; /* how completely it stands for its class */
};

static int by_class(const void *left, const void *right)
{
	const struct class_member *a = left, *b = right;

	if (a->class != b->class)
		return a->class < b->class ? -1 : 1;
	if (a->network != b->network)
		return a->network < b->network ? -1 : 1;
	if (a->worth != b->worth)
		return a->worth > b->worth ? -1 : 1;
	return a->endpoint < b->endpoint ? -1 : a->endpoint > b->endpoint;
}

bool survey_is_admitted(const struct survey *survey, uint32_t endpoint)
{
	return compile_is_admitted(
		&survey->in[survey->n_inputs - 1]->compiled->assignments[endpoint]);
}

bool survey_has_family(const struct survey *survey, uint32_t endpoint, enum ip_family family)
{
	const struct world_endpoint *e = &survey->world->endpoints[endpoint];

	return survey_is_admitted(survey, endpoint) &&
	       (family == IP_V6 ? e->ipv6.family : e->ipv4.family) != IP_NONE;
}

static int worth_of(const struct survey *survey, uint32_t endpoint)
{
	const struct world *world = survey->world;

	return (survey_is_admitted(survey, endpoint) ? 16 : 0) +
	       (world_has_default_route(world, endpoint, IP_V4) ? 8 : 0) +
	       (world_has_default_route(world, endpoint, IP_V6) ? 4 : 0) +
	       (survey->world->endpoints[endpoint].ipv4.family ? 2 : 0) +
	       (survey->world->endpoints[endpoint].ipv6.family ? 1 : 0);
}

static size_t list_members(const struct survey *survey, struct class_member *members)
{
	size_t n = 0;

	for (uint32_t e = 0; e < survey->world->n_endpoints; e++)
		if (survey->class_of[e] != SURVEY_NONE)
			members[n++] = (struct class_member){ survey->class_of[e],
							      survey->world->endpoints[e].network,
							      e, worth_of(survey, e) };
	if (n)
		qsort(members, n, sizeof(*members), by_class);
	return n;
}

/* The first place that is free, if there is one. */
static void choose(uint32_t places[2], uint32_t endpoint)
{
	if (places[1] == SURVEY_NONE)
		places[places[0] != SURVEY_NONE] = endpoint;
}

static void note_sample(const struct survey *survey, uint32_t endpoint,
			struct survey_sample *sample)
{
	choose(sample->endpoint, endpoint);
	for (size_t v6 = 0; v6 < 2; v6++) {
		enum ip_family family = v6 ? IP_V6 : IP_V4;
		if (survey->is_open[v6] && sample->sender[v6][1] == SURVEY_NONE &&
		    survey_has_family(survey, endpoint, family) &&
		    world_sends_to_networks(survey->world, family, endpoint))
			choose(sample->sender[v6], endpoint);
	}
}

/* Of the members of one class, in order. */
static size_t choose_samples(const struct survey *survey, const struct class_member *members,
			     size_t n, struct survey_sample *ret)
{
	static const struct survey_sample none = { SURVEY_NONE,
						   { SURVEY_NONE, SURVEY_NONE },
						   { { SURVEY_NONE, SURVEY_NONE },
						     { SURVEY_NONE, SURVEY_NONE } } };
	size_t n_samples = 0;

	for (size_t i = 0; i < n; i++) {
		if (i == 0 || members[i].network != members[i - 1].network) {
			ret[n_samples] = none;
			ret[n_samples++].network = members[i].network;
		}
		note_sample(survey, members[i].endpoint, &ret[n_samples - 1]);
	}
	return n_samples;
}

static void find_open_networks(struct survey *survey)
{
	for (uint32_t n = 0; n < survey->world->n_networks; n++)
		for (size_t v6 = 0; v6 < 2; v6++)
			survey->is_open[v6] |=
				world_is_open_to_networks(survey->world, v6 ? IP_V6 : IP_V4, n);
}

static void find_open_classes(const struct survey *survey, struct survey_class *class)
{
	for (size_t i = 0; i < class->n_samples; i++)
		for (size_t v6 = 0; v6 < 2; v6++)
			class->is_open[v6] |= world_is_open_to_networks(
				survey->world, v6 ? IP_V6 : IP_V4, class->samples[i].network);
}

static int gather_members(struct survey *survey)
{
	size_t n = survey->world->n_endpoints;
	struct class_member *members = arena_alloc(survey->arena, n * sizeof(*members));
	uint32_t *endpoints = arena_alloc(survey->arena, n * sizeof(*endpoints));
	struct survey_sample *samples = arena_alloc(survey->arena, n * sizeof(*samples));

	if (!members || !endpoints || !samples)
		return -ENOMEM;
	find_open_networks(survey);
	n = list_members(survey, members);
	for (size_t i = 0; i < n; i++)
		endpoints[i] = members[i].endpoint;
	for (size_t c = 0, first = 0; c < survey->n_classes; c++) {
		struct survey_class *class = &survey->classes[c];
		class->members = endpoints + first;
		class->samples = samples + first;
		class->n_samples = choose_samples(survey, members + first, class->n_endpoints,
						  samples + first);
		find_open_classes(survey, class);
		first += class->n_endpoints;
	}
	return 0;
}

int survey_classify(struct survey *survey)
{
	size_t size = survey->world->n_endpoints * sizeof(*survey->class_of);
	class_list list = { 0 };

	survey->class_of = arena_alloc(survey->arena, size);
	if (!survey->class_of)
		return -ENOMEM;
	int r = find_classes(survey, &list);
	if (r == 0)
		r = sort_classes(survey, &list);
	return r < 0 ? r : gather_members(survey);
}

const struct survey_sample *survey_sample_on(const struct survey *survey, uint32_t class,
					     uint32_t network)
{
	const struct survey_class *c = &survey->classes[class];
	size_t low = 0, high = c->n_samples;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (c->samples[middle].network == network)
			return &c->samples[middle];
		if (c->samples[middle].network < network)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}
