/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which rules speak of which tier, so that a chain is not made by a look at all rules. */
#include <errno.h>

#include "core/compile/emit.h"

/* A tier's place in the lists of one side. */
struct tier_cursor {
	uint32_t n, seen; /* rules so far; the last one plus one: a rule may name a tier twice */
};

static void visit_peers(const struct policy_rule *rule, uint32_t index, enum side side,
			struct tier_cursor *cursors, uint32_t *const *lists)
{
	const struct policy_peer *peers = side == SIDE_SOURCE ? rule->from : rule->to;
	size_t n = side == SIDE_SOURCE ? rule->n_from : rule->n_to;

	for (size_t i = 0; i < n; i++) {
		struct tier_cursor *cursor = &cursors[peers[i].tier];
		if ((peers[i].kind != PEER_TIER && !peers[i].spoken) || cursor->seen == index + 1)
			continue;
		cursor->seen = index + 1;
		if (lists)
			lists[peers[i].tier][cursor->n] = index;
		cursor->n++;
	}
}

/* Deny rules beat every allow: two passes over the rules, in source order. */
static void visit_rules(const struct emit *e, enum side side, struct tier_cursor *cursors,
			uint32_t *const *lists)
{
	static const enum policy_action deny_first[] = { POLICY_DENY, POLICY_ALLOW };
	const struct policy *policy = e->in->policy;

	for (size_t a = 0; a < ARRAY_LEN(deny_first); a++)
		for (uint32_t i = 0; i < policy->n_rules; i++)
			if (policy->rules[i].action == deny_first[a] &&
			    emit_rule_active(e, &policy->rules[i]))
				visit_peers(&policy->rules[i], i, side, cursors, lists);
}

static int index_side(struct emit *e, enum side side)
{
	size_t n_tiers = e->in->policy->n_tiers;
	struct tier_cursor *counted = arena_alloc(e->arena, n_tiers * sizeof(*counted));
	struct tier_cursor *filled = arena_alloc(e->arena, n_tiers * sizeof(*filled));
	struct rule_list *lists = arena_alloc(e->arena, n_tiers * sizeof(*lists));
	uint32_t **items = arena_alloc(e->arena, n_tiers * sizeof(*items));

	if (!counted || !filled || !lists || !items)
		return -ENOMEM;
	visit_rules(e, side, counted, NULL);
	for (size_t i = 0; i < n_tiers; i++) {
		items[i] = arena_alloc(e->arena, counted[i].n * sizeof(**items));
		if (!items[i])
			return -ENOMEM;
		lists[i] = (struct rule_list){ items[i], counted[i].n };
	}
	visit_rules(e, side, filled, items);
	e->rules_of[side] = lists;
	return 0;
}

int emit_index_rules(struct emit *e)
{
	int r = index_side(e, SIDE_SOURCE);

	return r < 0 ? r : index_side(e, SIDE_DESTINATION);
}

struct rule_list emit_rules_of(const struct emit *e, const struct group *group, enum side side)
{
	return group->tier == GROUP_UNMATCHED ? (struct rule_list){ 0 }
					      : e->rules_of[side][group->tier];
}
