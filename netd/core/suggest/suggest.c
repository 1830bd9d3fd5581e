/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The steps from what was seen to what is proposed, and the look at it before it is shown. */
#include "core/suggest/suggest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/limits.h"
#include "core/suggest/draft.h"

/* What the file is called in findings. */
#define SUGGESTED "suggested.yaml"

static int prepare_in_force(struct suggest *s)
{
	if (!s->in->policy)
		return 0;
	s->in_force = arena_alloc(s->arena, sizeof(*s->in_force));
	if (!s->in_force)
		return -ENOMEM;
	return report_prepare(&s->in->policy, 1, s->world, s->in->now, s->arena, s->in_force);
}

static int by_flow(const void *left, const void *right)
{
	return suggest_compare_flows(*(const struct flow *const *)left,
				     *(const struct flow *const *)right);
}

static int sort_flows(struct suggest *s)
{
	size_t n = s->in->evidence->n;

	s->flows = arena_alloc(s->arena, (n + 1) * sizeof(struct flow *));
	if (!s->flows)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		s->flows[i] = &s->in->evidence->flows[i];
	if (n)
		qsort(s->flows, n, sizeof(struct flow *), by_flow);
	return 0;
}

typedef int suggest_step(struct suggest *s);

static int run_steps(struct suggest *s, suggest_step *const *steps, size_t n)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++)
		r = steps[i](s);
	return r;
}

int suggest_look(struct suggest *s)
{
	static suggest_step *const steps[] = { sort_flows, suggest_add_gone, prepare_in_force,
					       suggest_find_whos };

	return run_steps(s, steps, ARRAY_LEN(steps));
}

/* What was seen of one tier or rule, and how often. */
struct suggest_weight {
	uint32_t index;
	uint64_t count;
};

static int by_weight(const void *left, const void *right)
{
	const struct suggest_weight *a = left, *b = right;

	if (a->count != b->count)
		return a->count > b->count ? -1 : 1;
	return a->index < b->index ? -1 : a->index > b->index;
}

static bool names_group(const struct suggest *s, const struct suggest_side *side, uint32_t group)
{
	return side->kind == SUGGEST_WHO && side->who != SUGGEST_NONE &&
	       s->whos.items[side->who].group == group;
}

static uint64_t weigh_group(const struct suggest *s, uint32_t group)
{
	uint64_t count = s->groups[group].in_force ? UINT64_MAX : 0;

	for (size_t i = 0; i < s->edges.n && count != UINT64_MAX; i++) {
		const struct suggest_edge *edge = &s->edges.items[i];
		if (names_group(s, &edge->from, group) || names_group(s, &edge->to, group))
			count += edge->flow->count;
	}
	return count;
}

/* A policy has so many tiers: those that were seen least are left out. */
static int trim_groups(struct suggest *s, bool *trimmed)
{
	struct suggest_weight *list = arena_alloc(s->arena, (s->n_groups + 1) * sizeof(*list));

	*trimmed = s->n_groups > LIMIT_TIERS;
	if (!list || !*trimmed)
		return list ? 0 : -ENOMEM;
	for (uint32_t i = 0; i < s->n_groups; i++)
		list[i] = (struct suggest_weight){ i, weigh_group(s, i) };
	qsort(list, s->n_groups, sizeof(*list), by_weight);
	for (size_t g = LIMIT_TIERS; g < s->n_groups; g++)
		for (size_t i = 0; i < s->edges.n; i++) {
			struct suggest_edge *edge = &s->edges.items[i];
			if (names_group(s, &edge->from, list[g].index) ||
			    names_group(s, &edge->to, list[g].index))
				suggest_leave(edge, "a policy has no more tiers than that");
		}
	return 0;
}

/* Likewise of rules. */
static bool trim_rules(struct suggest *s)
{
	size_t most = LIMIT_RULES - (s->in->policy ? s->in->policy->n_rules : 0);

	for (size_t i = most; i < s->n_rules; i++)
		for (size_t k = 0; k < s->rules[i].n_edges; k++)
			suggest_leave(s->rules[i].edges[k], "a policy has no more rules than that");
	return s->n_rules > most;
}

static int settle_once(struct suggest *s, bool *again)
{
	static suggest_step *const steps[] = { suggest_name_groups, suggest_make_rules };
	int r;

	s->groups = NULL;
	s->n_groups = s->n_rules = 0;
	for (size_t i = 0; i < s->whos.n; i++)
		s->whos.items[i].group = SUGGEST_NONE;
	r = suggest_choose_peers(s);
	if (r == 0)
		r = suggest_group_whos(s);
	if (r == 0)
		r = trim_groups(s, again);
	if (r == 0 && !*again)
		r = run_steps(s, steps, ARRAY_LEN(steps));
	*again |= r == 0 && trim_rules(s);
	return r;
}

int suggest_settle(struct suggest *s)
{
	bool again = true;
	int r = 0;

	while (r == 0 && again)
		r = settle_once(s, &again);
	return r;
}

int suggest_draft(struct suggest *s)
{
	static suggest_step *const steps[] = { suggest_look, suggest_find_edges, suggest_settle };

	return run_steps(s, steps, ARRAY_LEN(steps));
}

/* What it made must be a policy that passes its own tests: anything else is a bug of this module.
 */
static int check(struct suggest *s, const struct suggest_patched *files, const struct policy **ret)
{
	struct diag_list diags;

	diag_init(&diags, s->arena);
	int r = policy_parse(files->sources, files->n, s->arena, &diags, ret);
	if (r == 0)
		r = report_check_tests(*ret, s->in->now, &diags);
	return r > 0 ? -EINVAL : r;
}

/* Rules that do nothing are taken out, and what was one tier because of them is looked at again:
 * each time there are fewer. */
static int measure(struct suggest *s, const struct policy *policy, bool *again)
{
	size_t idle = 0;
	int r = suggest_measure(s, policy, &idle);

	*again = r == 0 && idle > 0;
	return *again ? suggest_settle(s) : r;
}

static int try_policy(struct suggest *s, struct text *out, bool *again)
{
	struct policy_source source = { .name = SUGGESTED };
	const struct policy *policy = NULL;

	suggest_print_policy(s, out);
	if (text_failed(out))
		return -ENOMEM;
	source.bytes = text_str(out);
	source.len = out->len;
	int r = check(s, &(struct suggest_patched){ &source, 1 }, &policy);
	return r == 0 ? measure(s, policy, again) : r;
}

static int write_policy(struct suggest *s, struct text *out)
{
	bool again = true;
	int r = 0;

	while (r == 0 && again) {
		text_done(out);
		*out = (struct text){ 0 };
		r = try_policy(s, out, &again);
	}
	if (r == 0)
		suggest_print_measure(s, out);
	return r == 0 && text_failed(out) ? -ENOMEM : r;
}

/* In its lines, or else apart: a file may be written in ways that lines do not show. */
static int patch_files(struct suggest *s, struct text *diff, const struct policy **ret)
{
	struct suggest_patched patched = { NULL, 0 };
	int r = suggest_patch(s, false, diff, &patched);

	if (r == 0)
		r = check(s, &patched, ret);
	if (r != -EINVAL)
		return r;
	text_done(diff);
	*diff = (struct text){ 0 };
	r = suggest_patch(s, true, diff, &patched);
	return r == 0 ? check(s, &patched, ret) : r;
}

static bool adds_something(const struct suggest *s)
{
	bool adds = suggest_active_rules(s) > 0;

	for (size_t i = 0; i < s->n_groups; i++)
		adds |= !s->groups[i].in_force;
	return adds;
}

static int try_patch(struct suggest *s, struct text *diff, bool *again)
{
	const struct policy *policy = s->in->policy;
	int r = adds_something(s) ? patch_files(s, diff, &policy) : 0;

	return r == 0 ? measure(s, policy, again) : r;
}

/* What stands before a patch is a comment to whoever applies it. */
static int write_patch(struct suggest *s, struct text *out)
{
	struct text diff CLEANUP(text_done) = { 0 };
	bool again = true;
	int r = 0;

	while (r == 0 && again) {
		text_done(&diff);
		diff = (struct text){ 0 };
		r = try_patch(s, &diff, &again);
	}
	if (r < 0)
		return r;
	text_add(out, diff.len ? "# What the policy in force lacks of what was seen.\n"
			       : "# The policy in force has a rule for everything that was seen "
				 "to pass and can have one.\n");
	suggest_print_measure(s, out);
	text_printf(out, "%s%s", diff.len ? "\n" : "", text_str(&diff));
	return text_failed(out) ? -ENOMEM : 0;
}

/* One that is there to log alone: everything is lacking, and a patch of it would be hard to read.
 */
static bool says_nothing(const struct policy *policy)
{
	return policy->n_tiers + policy->n_rules + policy->n_tests == 0 &&
	       policy->unmatched == POLICY_UNMATCHED_DENY;
}

int suggest_make(const struct suggest_input *in, struct suggest_output *ret)
{
	struct suggest_input beside = *in;
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct text text CLEANUP(text_done) = { 0 };
	struct suggest s = { .in = &beside, .arena = arena };

	if (in->policy && says_nothing(in->policy))
		beside.policy = NULL;
	int r = arena ? suggest_draft(&s) : -ENOMEM;
	if (r == 0)
		r = beside.policy ? write_patch(&s, &text) : write_policy(&s, &text);
	if (r < 0)
		return r;
	ret->json = suggest_to_json(&s, text_str(&text));
	ret->text = TAKE_PTR(text.bytes); /* it says at least how much it is */
	ret->adds = beside.policy && adds_something(&s);
	if (ret->json && ret->text)
		return 0;
	suggest_output_done(ret);
	return -ENOMEM;
}

void suggest_output_done(struct suggest_output *output)
{
	cJSON_Delete(output->json);
	free(output->text);
	*output = (struct suggest_output){ 0 };
}
