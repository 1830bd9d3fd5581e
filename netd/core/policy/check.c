/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every rule against those that it can have to do with, the matches of all tiers by sorting, and
 * what all rules come to. */
#include "core/policy/check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/policy/extent.h"
#include "core/policy/finding.h"

static const char *action_name(const struct policy_rule *rule)
{
	return rule->action == POLICY_ALLOW ? "allow" : "deny";
}

/* @a ends no earlier than @b. */
static bool lasts_as_long(const struct policy_rule *a, const struct policy_rule *b)
{
	return a->until == 0 || (b->until != 0 && a->until >= b->until);
}

/* Rules, as indices, in order. */
typedef VEC(uint32_t) rule_list;

struct rule_lists {
	rule_list all;
	rule_list from[LIMIT_TIERS], to[LIMIT_TIERS]; /* that name the tier */
};

/* The tier of a peer of that side, or NULL. */
static const struct policy_peer *first_tier(const struct policy_peer *peers, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (peers[i].kind == PEER_TIER)
			return &peers[i];
	return NULL;
}

/* What covers a rule names every tier that it names: any of them will do. */
static const rule_list *may_cover(const struct rule_lists *earlier, const struct policy_rule *rule)
{
	const struct policy_peer *to = first_tier(rule->to, rule->n_to);
	const struct policy_peer *from = first_tier(rule->from, rule->n_from);

	if (to)
		return &earlier->to[to->tier];
	return from ? &earlier->from[from->tier] : &earlier->all;
}

static void check_shadowed(const struct policy *policy, const struct extent *extents, size_t index,
			   const rule_list *earlier, struct diag_list *diags)
{
	const struct policy_rule *rule = &policy->rules[index];
	char place[DIAG_PLACE_LEN];

	for (size_t k = 0; k < earlier->n; k++) {
		uint32_t i = earlier->items[k];
		const struct policy_rule *other = &policy->rules[i];
		if (!policy_extent_covers(&extents[i], &extents[index], false) ||
		    other->action != rule->action || !lasts_as_long(other, rule))
			continue;
		policy_report(diags, F_SHADOWED_RULE, rule->loc, "remove one of the two",
			      "the `%s` %s already covers all of this rule", action_name(rule),
			      diag_place(rule->loc, other->loc, place));
		return;
	}
}

static void report_denied(const struct policy_rule *allow, const struct policy_rule *deny,
			  bool wholly, struct diag_list *diags)
{
	char place[DIAG_PLACE_LEN];

	diag_place(allow->loc, deny->loc, place);
	if (wholly)
		policy_report(diags, F_CONTRADICTING_RULE, allow->loc,
			      "a deny beats every allow: remove one of the two",
			      "the `deny` %s takes away everything that this rule allows", place);
	else
		policy_report(diags, F_PARTLY_DENIED, allow->loc,
			      "a deny beats every allow: check that this is meant",
			      "the `deny` %s takes away part of what this rule allows", place);
}

static void check_denied(const struct policy *policy, const struct extent *extents, size_t index,
			 const rule_list *denies, struct diag_list *diags)
{
	const struct policy_rule *rule = &policy->rules[index], *partly = NULL;

	for (size_t k = 0; k < denies->n; k++) {
		uint32_t i = denies->items[k];
		const struct policy_rule *deny = &policy->rules[i];
		if (!policy_extent_overlaps(&extents[i], &extents[index]))
			continue;
		if (lasts_as_long(deny, rule) &&
		    policy_extent_covers(&extents[i], &extents[index], true)) {
			report_denied(rule, deny, true, diags);
			return;
		}
		partly = partly ? partly : deny;
	}
	if (partly)
		report_denied(rule, partly, false, diags);
}

static int note_peers(const struct policy_peer *peers, size_t n, uint32_t rule, struct arena *arena,
		      rule_list *lists)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++)
		if (peers[i].kind == PEER_TIER)
			r = VEC_PUSH(arena, &lists[peers[i].tier], rule);
	return r;
}

static int note_rule(const struct policy_rule *rule, uint32_t index, struct arena *arena,
		     struct rule_lists *lists)
{
	int r = VEC_PUSH(arena, &lists->all, index);

	if (r == 0)
		r = note_peers(rule->from, rule->n_from, index, arena, lists->from);
	return r < 0 ? r : note_peers(rule->to, rule->n_to, index, arena, lists->to);
}

/* What is found is about the tiers of the rule. */
static int set_subject(const struct policy *policy, const struct policy_rule *rule,
		       struct arena *arena, struct diag_list *diags)
{
	size_t n = 0;
	const char *const *tiers = policy_rule_tiers(policy, rule, arena, &n);

	diags->about = (struct diag_subject){ .tiers = tiers, .n_tiers = n };
	return tiers ? 0 : -ENOMEM;
}

static int check_rules(const struct policy *policy, struct arena *arena, struct diag_list *diags)
{
	struct extent *extents = arena_alloc(arena, policy->n_rules * sizeof(*extents));
	struct rule_lists *earlier = arena_alloc(arena, sizeof(*earlier));
	rule_list denies = { 0 };
	int r = extents && earlier ? 0 : -ENOMEM;

	for (uint32_t i = 0; i < policy->n_rules && r == 0; i++) {
		r = policy_extent_make(&policy->rules[i], arena, &extents[i]);
		if (r == 0 && policy->rules[i].action == POLICY_DENY)
			r = VEC_PUSH(arena, &denies, i);
	}
	for (uint32_t i = 0; i < policy->n_rules && r == 0; i++) {
		r = set_subject(policy, &policy->rules[i], arena, diags);
		check_shadowed(policy, extents, i, may_cover(earlier, &policy->rules[i]), diags);
		if (policy->rules[i].action == POLICY_ALLOW)
			check_denied(policy, extents, i, &denies, diags);
		if (r == 0)
			r = note_rule(&policy->rules[i], i, arena, earlier);
	}
	diags->about = (struct diag_subject){ 0 };
	return r;
}

/* Each list has a bound of its own; what they come to together is a product. */
static void check_combinations(const struct policy *policy, struct diag_list *diags)
{
	size_t sum = 0;

	for (size_t i = 0; i < policy->n_rules; i++) {
		const struct policy_rule *rule = &policy->rules[i];
		sum += rule->n_from * rule->n_to * (rule->n_ports ? rule->n_ports : 1);
		if (sum <= LIMIT_COMBINATIONS)
			continue;
		policy_report(diags, F_TOO_MANY_COMBINATIONS, rule->loc,
			      "name fewer tiers in one rule, or ranges of ports: `8000-8080/tcp`",
			      "with this rule the policy has more than %u combinations of source, "
			      "destination and port",
			      LIMIT_COMBINATIONS);
		return;
	}
}

/* A match with the tier it stands in. */
struct tier_match {
	const struct policy_match *match;
	size_t tier;
};

static int compare_text(const char *a, const char *b)
{
	return !a || !b ? !!a - !!b : strcmp(a, b);
}

static int compare_labels(const struct policy_match *a, const struct policy_match *b)
{
	int order = a->n_labels < b->n_labels ? -1 : a->n_labels > b->n_labels;

	for (size_t i = 0; i < a->n_labels && order == 0; i++) {
		order = compare_text(a->labels[i].key, b->labels[i].key);
		if (order == 0)
			order = compare_text(a->labels[i].value, b->labels[i].value);
	}
	return order;
}

static int compare_matches(const struct policy_match *a, const struct policy_match *b)
{
	const char *const pairs[][2] = { { a->network, b->network },
					 { a->compose_project, b->compose_project },
					 { a->compose_service, b->compose_service },
					 { a->container, b->container },
					 { a->image, b->image },
					 { a->endpoint, b->endpoint } };

	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		int order = compare_text(pairs[i][0], pairs[i][1]);
		if (order)
			return order;
	}
	return compare_labels(a, b);
}

static int by_match(const void *left, const void *right)
{
	const struct tier_match *a = left, *b = right;
	int order = compare_matches(a->match, b->match);

	return order ? order : a->tier < b->tier ? -1 : a->tier > b->tier;
}

static int check_tiers(const struct policy *policy, struct arena *arena, struct diag_list *diags)
{
	VEC(struct tier_match) all = { 0 };
	char place[DIAG_PLACE_LEN];

	for (size_t i = 0; i < policy->n_tiers; i++)
		for (size_t k = 0; k < policy->tiers[i].n_matches; k++) {
			struct tier_match one = { &policy->tiers[i].matches[k], i };
			if (VEC_PUSH(arena, &all, one) < 0)
				return -ENOMEM;
		}
	if (all.n)
		qsort(all.items, all.n, sizeof(*all.items), by_match);
	for (size_t i = 1; i < all.n; i++) {
		const struct tier_match *a = &all.items[i - 1], *b = &all.items[i];
		diags->about = (struct diag_subject){ .tiers = &policy->tiers[b->tier].name,
						      .n_tiers = 1 };
		if (a->tier != b->tier && compare_matches(a->match, b->match) == 0)
			policy_report(diags, F_SAME_MATCH, b->match->loc,
				      "a container of two tiers is denied everything",
				      "tier `%s` has the same match %s",
				      policy->tiers[a->tier].name,
				      diag_place(b->match->loc, a->match->loc, place));
	}
	diags->about = (struct diag_subject){ 0 };
	return 0;
}

int policy_check(const struct policy *policy, struct arena *arena, struct diag_list *diags)
{
	int r = check_rules(policy, arena, diags);

	check_combinations(policy, diags);
	/* A match that was misread would look like others. */
	return r < 0 || diag_failed(diags) ? r : check_tiers(policy, arena, diags);
}
