/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Groups: what is judged alike, the tiers and, where they take part, the unmatched containers. */
#include <errno.h>

#include "core/compile/emit.h"

const struct group *emit_group_of_tier(const struct emit *e, uint32_t tier)
{
	return &e->groups[tier]; /* groups begin with the tiers, in order */
}

static const struct group *group_of(const struct emit *e, const struct assignment *assignment)
{
	if (assignment->kind == ASSIGN_TIER)
		return emit_group_of_tier(e, assignment->tier);
	if (assignment->kind == ASSIGN_UNMATCHED && e->n_groups > e->in->policy->n_tiers)
		return &e->groups[e->n_groups - 1];
	return NULL;
}

const struct group *emit_group_of(const struct emit *e, size_t endpoint)
{
	return e->assignments[endpoint].at_parent ? NULL : group_of(e, &e->assignments[endpoint]);
}

const struct group *emit_group_at_parent(const struct emit *e, size_t endpoint)
{
	return e->assignments[endpoint].at_parent ? group_of(e, &e->assignments[endpoint]) : NULL;
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

/* Whether connections within the group are looked at, or only ports. */
static bool looks_within(const struct emit *e, const struct group *group)
{
	return !group->unjudged && !emit_fully_within(e, group);
}

/* Of the groups on one network. */
struct presence {
	const bool *groups;
	const bool *looks; /* looks_within() of each group */
};

/* The group of a peer that is there, or -1. */
static int group_present(const struct policy_peer *peer, const struct presence *presence)
{
	bool names_tier = peer->kind == PEER_TIER || peer->spoken;

	return names_tier && presence->groups[peer->tier] ? (int)peer->tier : -1;
}

/* From one group that is there to another, or within one that looks at connections. */
static bool rule_decides(const struct policy_rule *rule, const struct presence *presence)
{
	for (size_t i = 0; i < rule->n_from; i++) {
		int from = group_present(&rule->from[i], presence);
		for (size_t k = 0; from >= 0 && k < rule->n_to; k++) {
			int to = group_present(&rule->to[k], presence);
			if (to >= 0 && (to != from || presence->looks[from]))
				return true;
		}
	}
	return false;
}

/* Without any rule: a router, through which its neighbours reach what rules about the outside
 * decide on; a group that looks at connections within itself; two that are not guarded strictly. */
static bool groups_decide(const struct emit *e, const struct presence *presence)
{
	size_t n_loose = 0;

	for (size_t g = 0; g < e->n_groups; g++) {
		const struct group *group = &e->groups[g];
		if (!presence->groups[g])
			continue;
		if (group->routes[0] || group->routes[1] ||
		    (presence->looks[g] && (group->within || group->audited)))
			return true;
		n_loose += group->audited || group->unjudged;
	}
	return n_loose > 1;
}

/* Some flow between ports of one network may pass, by what a connection is. */
static bool any_decided_by_state(const struct emit *e, const struct presence *presence)
{
	const struct policy *policy = e->in->policy;

	if (groups_decide(e, presence))
		return true;
	for (size_t i = 0; i < policy->n_rules; i++)
		if (policy->rules[i].action == POLICY_ALLOW &&
		    emit_rule_active(e, &policy->rules[i]) &&
		    rule_decides(&policy->rules[i], presence))
			return true;
	return false;
}

static const bool *find_looks(struct emit *e)
{
	bool *looks = arena_alloc(e->arena, e->n_groups * sizeof(*looks));

	for (size_t g = 0; looks && g < e->n_groups; g++)
		looks[g] = looks_within(e, &e->groups[g]);
	return looks;
}

int emit_bridge_nf(struct emit *e, const bool *changed)
{
	const struct world *world = e->in->world;
	size_t n_networks = world->n_networks;
	bool *present = arena_alloc(e->arena, n_networks * e->n_groups * sizeof(*present));
	bool *needed = changed ? arena_dup(e->arena, e->bridge_nf_on, n_networks * sizeof(*needed))
			       : arena_alloc(e->arena, n_networks * sizeof(*needed));

	if (!changed)
		e->looks_within = find_looks(e);
	if (!present || !needed || !e->looks_within)
		return -ENOMEM;
	for (size_t i = 0; i < world->n_endpoints; i++) {
		size_t network = world->endpoints[i].network;
		const struct group *group =
			changed && !changed[network] ? NULL : emit_group_of(e, i);
		if (group)
			present[network * e->n_groups + (size_t)(group - e->groups)] = true;
	}
	/* Between its containers and what it is shared with only the inet hooks can tell. */
	e->needs_bridge_nf = e->any_shared;
	for (size_t n = 0; n < n_networks; n++) {
		const struct presence presence = { present + n * e->n_groups, e->looks_within };
		if (!changed || changed[n])
			needed[n] = any_decided_by_state(e, &presence);
		e->needs_bridge_nf |= needed[n];
	}
	e->bridge_nf_on = needed;
	return 0;
}
