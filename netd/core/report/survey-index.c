/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What rules say of each class of a survey: which classes they join, who may come from outside, and
 * where they cut its ports. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/sort.h"
#include "core/report/survey.h"

/* ---- the classes of a tier ---- */

static int list_classes(struct survey *survey, size_t input)
{
	size_t n_tiers = survey->in[input]->policy->n_tiers;
	survey_classes *of_tier = arena_alloc(survey->arena, n_tiers * sizeof(*of_tier));
	int r = of_tier ? 0 : -ENOMEM;

	for (uint32_t c = 0; c < survey->n_classes && r == 0; c++) {
		const struct assignment *as = &survey->classes[c].as[input];
		if (as->kind == ASSIGN_TIER)
			r = VEC_PUSH(survey->arena, &of_tier[as->tier], c);
	}
	survey->of_tier[input] = of_tier;
	return r;
}

static const survey_classes *classes_of(const struct survey *survey, size_t input,
					const struct policy_peer *peer)
{
	static const survey_classes none = { 0 };

	return peer->kind == PEER_TIER ? &survey->of_tier[input][peer->tier] : &none;
}

/* ---- classes that a rule joins ---- */

static void join(struct survey *survey, const survey_classes *from, const survey_classes *to)
{
	for (size_t a = 0; a < from->n; a++)
		for (size_t b = 0; b < to->n; b++) {
			size_t bit = from->items[a] * survey->n_classes + to->items[b];
			survey->joined[bit / 8] |= (uint8_t)(1u << bit % 8);
		}
}

static void join_by_rule(struct survey *survey, size_t input, const struct policy_rule *rule)
{
	if (rule->action != POLICY_ALLOW)
		return;
	for (size_t a = 0; a < rule->n_from; a++)
		for (size_t b = 0; b < rule->n_to; b++)
			join(survey, classes_of(survey, input, &rule->from[a]),
			     classes_of(survey, input, &rule->to[b]));
}

bool survey_is_joined(const struct survey *survey, uint32_t from, uint32_t to)
{
	size_t bit = from * survey->n_classes + to;

	return survey->joined[bit / 8] & 1u << bit % 8;
}

static bool is_rule_enforced(const struct report_input *in, const struct assignment *as)
{
	return as->kind == ASSIGN_TIER && in->policy->tiers[as->tier].mode == POLICY_ENFORCE;
}

bool survey_may_pass(const struct survey *survey, uint32_t from, uint32_t to)
{
	if (from == to || survey_is_joined(survey, from, to))
		return true;
	for (size_t i = 0; i < survey->n_inputs; i++) {
		const struct assignment *a = &survey->classes[from].as[i];
		const struct assignment *b = &survey->classes[to].as[i];
		bool one_tier =
			a->kind == ASSIGN_TIER && b->kind == ASSIGN_TIER && a->tier == b->tier;
		if (one_tier ||
		    (!is_rule_enforced(survey->in[i], a) && !is_rule_enforced(survey->in[i], b)))
			return true;
	}
	return false;
}

/* ---- what rules to a class name ---- */

/* One number and the class that it belongs to. */
struct named {
	uint32_t class, number;
};
typedef VEC(struct named) named_list;

static int by_named(const void *left, const void *right)
{
	const struct named *a = left, *b = right;

	if (a->class != b->class)
		return a->class < b->class ? -1 : 1;
	return a->number < b->number ? -1 : a->number > b->number;
}

static survey_port number_of(uint8_t proto, uint32_t port)
{
	return (survey_port)proto << 17 | port;
}

static int note_sources(struct survey *survey, const struct policy_rule *rule, uint32_t class,
			named_list *sources)
{
	int r = 0;

	for (size_t i = 0; i < rule->n_from && r == 0; i++)
		if (rule->from[i].kind == PEER_PREFIX && !rule->from[i].spoken)
			r = VEC_PUSH(
				survey->arena, sources,
				(struct named){ class,
						survey_prefix_at(survey, &rule->from[i].prefix) });
	return r;
}

static int note_cuts(struct survey *survey, const struct policy_rule *rule, uint32_t class,
		     named_list *cuts)
{
	int r = 0;

	for (size_t i = 0; i < rule->n_ports && r == 0; i++) {
		const struct port_range *ports = &rule->ports[i];
		r = VEC_PUSH(survey->arena, cuts,
			     (struct named){ class, number_of(ports->proto, ports->lo) });
		if (r == 0)
			r = VEC_PUSH(
				survey->arena, cuts,
				(struct named){ class, number_of(ports->proto, ports->hi + 1u) });
	}
	return r;
}

/* Who reaches a port from inside is asked of published ones, too: all rules to a class cut it. */
static int index_policy_rule(struct survey *survey, size_t input, uint32_t rule,
			     named_list *sources, named_list *cuts)
{
	const struct policy_rule *r = &survey->in[input]->policy->rules[rule];
	int error = 0;

	for (size_t i = 0; i < r->n_to; i++) {
		const survey_classes *classes = classes_of(survey, input, &r->to[i]);
		for (size_t c = 0; c < classes->n && error == 0; c++) {
			error = note_sources(survey, r, classes->items[c], sources);
			if (error == 0)
				error = note_cuts(survey, r, classes->items[c], cuts);
		}
	}
	return error;
}

/* The numbers of each class, sorted and each once, class by class. NULL: out of memory. */
static uint32_t *sort_named(struct survey *survey, named_list *list)
{
	uint32_t *numbers = arena_alloc(survey->arena, list->n * sizeof(*numbers));

	list->n = sort_once(list->items, list->n, sizeof(*list->items), by_named);
	for (size_t i = 0; numbers && i < list->n; i++)
		numbers[i] = list->items[i].number;
	return numbers;
}

static size_t count_rules_of(const named_list *list, size_t first, size_t class)
{
	size_t n = 0;

	while (first + n < list->n && list->items[first + n].class == class)
		n++;
	return n;
}

static int hand_out(struct survey *survey, named_list *sources, named_list *cuts)
{
	uint32_t *prefixes = sort_named(survey, sources), *ports = sort_named(survey, cuts);

	if (!prefixes || !ports)
		return -ENOMEM;
	for (size_t c = 0, s = 0, p = 0; c < survey->n_classes; c++) {
		struct survey_class *class = &survey->classes[c];
		class->sources = prefixes + s;
		class->n_sources = count_rules_of(sources, s, c);
		class->cuts = ports + p;
		class->n_cuts = count_rules_of(cuts, p, c);
		class->exposed = arena_alloc(survey->arena,
					     4 * (class->n_cuts + 1) * sizeof(*class->exposed));
		if (!class->exposed)
			return -ENOMEM;
		s += class->n_sources;
		p += class->n_cuts;
	}
	return 0;
}

int survey_index_classes(struct survey *survey)
{
	named_list sources = { 0 }, cuts = { 0 };
	int r = 0;

	survey->joined = arena_alloc(survey->arena, survey->n_classes * survey->n_classes / 8 + 1);
	if (!survey->joined)
		return -ENOMEM;
	for (size_t i = 0; i < survey->n_inputs && r == 0; i++) {
		const struct policy *policy = survey->in[i]->policy;
		r = list_classes(survey, i);
		for (uint32_t k = 0; k < policy->n_rules && r == 0; k++) {
			join_by_rule(survey, i, &policy->rules[k]);
			r = index_policy_rule(survey, i, k, &sources, &cuts);
		}
	}
	return r < 0 ? r : hand_out(survey, &sources, &cuts);
}

size_t survey_part_of(const struct survey *survey, uint32_t class, const struct port_range *port)
{
	const struct survey_class *c = &survey->classes[class];
	survey_port wanted = number_of(port->proto, port->lo);
	size_t low = 0, high = c->n_cuts;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (c->cuts[middle] <= wanted)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}
