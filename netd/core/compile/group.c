/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Groups: what is judged alike, the tiers and, where they take part, the unmatched containers. */
#include <errno.h>

#include "core/compile/emit.h"

const struct group *emit_group_of_tier(const struct emit *e, uint32_t tier)
{
	return &e->groups[tier]; /* groups begin with the tiers, in order */
}

const struct group *emit_group_of(const struct emit *e, size_t endpoint)
{
	const struct assignment *assignment = &e->assignments[endpoint];

	if (assignment->kind == ASSIGN_TIER)
		return emit_group_of_tier(e, assignment->tier);
	if (assignment->kind == ASSIGN_UNMATCHED && e->n_groups > e->in->policy->n_tiers)
		return &e->groups[e->n_groups - 1];
	return NULL;
}

const struct group *emit_left_group(const struct emit *e)
{
	return &e->groups[e->n_groups - 1];
}

bool emit_is_guarded(const struct emit *e, size_t endpoint)
{
	const struct group *group = emit_group_of(e, endpoint);

	return group && !group->unjudged;
}

/* Unmatched containers take part where they are left alone, and where everything is only audited.
 */
int emit_make_groups(struct emit *e)
{
	const struct policy *policy = e->in->policy;
	bool ignored = policy->unmatched == POLICY_UNMATCHED_IGNORE;
	bool audited = policy->mode == POLICY_AUDIT;
	struct group *groups = arena_alloc(e->arena, (policy->n_tiers + 1) * sizeof(*groups));

	if (!groups)
		return -ENOMEM;
	for (size_t i = 0; i < policy->n_tiers; i++) {
		const struct policy_tier *tier = &policy->tiers[i];
		groups[i] = (struct group){ .name = tier->name,
					    .tier = (int)i,
					    .audited = audited || tier->mode == POLICY_AUDIT,
					    .within = tier->within,
					    .speaks = emit_speaks_for_range(e, (uint32_t)i),
					    .routes = { tier->routes[0], tier->routes[1] } };
		e->any_audited |= groups[i].audited;
	}
	e->n_groups = policy->n_tiers;
	if (ignored || audited)
		groups[e->n_groups++] = (struct group){ .name = "unmatched",
							.tier = GROUP_UNMATCHED,
							.audited = audited,
							.unjudged = ignored,
							.within = ignored };
	e->any_audited |= audited;
	e->ignore = ignored;
	e->audit = audited;
	for (size_t i = 0; i < e->n_groups; i++)
		if (emit_name_group(e, &groups[i]) < 0)
			return -ENOMEM;
	e->groups = groups;
	return 0;
}

static bool rule_joins(const struct policy_rule *rule, const struct group *from,
		       const struct group *to)
{
	return rule_touches_tier(rule->from, rule->n_from, from->tier) &&
	       rule_touches_tier(rule->to, rule->n_to, to->tier);
}

bool emit_fully_within(const struct emit *e, const struct group *group)
{
	const struct policy *policy = e->in->policy;

	/* What comes through a router is judged by who sends it, and to whom. */
	if (!group->within || group->speakers)
		return false;
	for (size_t i = 0; i < policy->n_rules; i++)
		if (policy->rules[i].action == POLICY_DENY &&
		    emit_rule_active(e, &policy->rules[i]) &&
		    rule_joins(&policy->rules[i], group, group))
			return false;
	return true;
}

/* Some flow from one group to the other may pass, by what a connection is. */
static bool decided_by_state(const struct emit *e, const struct group *from, const struct group *to)
{
	const struct policy *policy = e->in->policy;

	if (from == to && emit_fully_within(e, from))
		return false;
	if (from->unjudged && to->unjudged) /* passes by its ports */
		return false;
	if ((from == to && from->within) ||
	    ((from->audited || from->unjudged) && (to->audited || to->unjudged)))
		return true;
	for (size_t i = 0; i < policy->n_rules; i++)
		if (policy->rules[i].action == POLICY_ALLOW &&
		    emit_rule_active(e, &policy->rules[i]) &&
		    rule_joins(&policy->rules[i], from, to))
			return true;
	return false;
}

/* Two of these groups on one network, or one group that looks at connections within itself; or a
 * router, through which its neighbours reach what rules about the outside decide on. */
static bool any_decided_by_state(const struct emit *e, const bool *present)
{
	for (size_t a = 0; a < e->n_groups; a++)
		if (present[a] && (e->groups[a].routes[0] || e->groups[a].routes[1]))
			return true;
	for (size_t a = 0; a < e->n_groups; a++)
		for (size_t b = 0; present[a] && b < e->n_groups; b++)
			if (present[b] && decided_by_state(e, &e->groups[a], &e->groups[b]))
				return true;
	return false;
}

int emit_bridge_nf(struct emit *e)
{
	const struct world *world = e->in->world;
	bool *present = arena_alloc(e->arena, world->n_networks * e->n_groups * sizeof(*present));
	bool *needed = arena_alloc(e->arena, world->n_networks * sizeof(*needed));

	if (!present || !needed)
		return -ENOMEM;
	for (size_t i = 0; i < world->n_endpoints; i++) {
		const struct group *group = emit_group_of(e, i);
		size_t row = world->endpoints[i].network * e->n_groups;
		if (group)
			present[row + (size_t)(group - e->groups)] = true;
	}
	for (size_t n = 0; n < world->n_networks; n++) {
		needed[n] = any_decided_by_state(e, present + n * e->n_groups);
		e->needs_bridge_nf |= needed[n];
	}
	/* Between its containers and what it is shared with only the inet hooks can tell. */
	e->needs_bridge_nf |= e->any_shared;
	e->bridge_nf_on = needed;
	return 0;
}
