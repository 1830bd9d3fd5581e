/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Chains must not call each other in a loop, nor nest deeper than the kernel follows. */
#include "core/ruleset/seal.h"

#include <errno.h>

#include "core/ruleset/order.h"

enum visit_state { UNSEEN, WALKING, WALKED };

struct walk {
	struct seal *seal;
	uint8_t *states;
	uint8_t *heights; /* the longest way down from a walked chain */
};

static int visit(struct walk *walk, const char *name, unsigned int depth, uint8_t *highest);

static int visit_map(struct walk *walk, const char *name, unsigned int depth, uint8_t *highest)
{
	const struct rs_set *map = ruleset_find_set(walk->seal->table, name);

	for (size_t i = 0; i < map->outcomes.n; i++) {
		const struct rs_outcome *outcome = &map->outcomes.items[i];
		int r = outcome->verdict == RS_GOTO ? visit(walk, outcome->target, depth, highest)
						    : 0;
		if (r < 0)
			return r;
	}
	return 0;
}

static int visit_rules(struct walk *walk, const struct rs_chain *chain, unsigned int depth,
		       uint8_t *highest)
{
	for (size_t i = 0; i < chain->rules.n; i++) {
		const struct rs_rule *rule = &chain->rules.items[i];
		int r = 0;
		if (rule->verdict == RS_JUMP || rule->verdict == RS_GOTO)
			r = visit(walk, rule->target, depth, highest);
		else if (rule->verdict == RS_VMAP)
			r = visit_map(walk, rule->target, depth, highest);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Depth first, each chain once; met again while it is being walked, it is in a loop. The depth
 * bounds the recursion, too. */
static int visit(struct walk *walk, const char *name, unsigned int depth, uint8_t *highest)
{
	ptrdiff_t at = rs_chain_index(walk->seal->table, name);
	uint8_t height = 0;

	if (at < 0) /* named by a chain that was sealed with others */
		return seal_fail(walk->seal, "no chain %s", name);
	if (walk->states[at] == WALKING)
		return seal_fail(walk->seal, "chain %s is reachable from itself", name);
	if (depth + walk->heights[at] > RS_MAX_DEPTH)
		return seal_fail(walk->seal, "chain %s: calls nest too deeply", name);
	if (walk->states[at] == UNSEEN) {
		walk->states[at] = WALKING;
		int r = visit_rules(walk, walk->seal->table->by_name[at], depth + 1, &height);
		if (r < 0)
			return r;
		walk->states[at] = WALKED;
		walk->heights[at] = height;
	}
	height = walk->heights[at] + 1;
	if (height > *highest)
		*highest = height;
	return 0;
}

int seal_graph(struct seal *seal)
{
	const struct rs_table *table = seal->table;
	struct walk walk = { seal, arena_alloc(seal->rs->arena, table->chains.n),
			     arena_alloc(seal->rs->arena, table->chains.n) };
	uint8_t highest = 0;

	if (!walk.states || !walk.heights)
		return -ENOMEM;
	for (size_t i = 0; i < table->chains.n; i++) {
		int r = visit(&walk, table->by_name[i]->name, 0, &highest);
		if (r < 0)
			return r;
	}
	return 0;
}
