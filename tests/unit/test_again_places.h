/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether what a ruleset keeps as places is what it names: the evaluator goes by places. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/ruleset/ruleset.h"

static inline void check_chain_place(const struct rs_table *table, uint32_t place, const char *name)
{
	assert_non_null(ruleset_find_chain(table, name));
	assert_ptr_equal(rs_chain_at(table, place), ruleset_find_chain(table, name));
}

static inline void check_rule_places(const struct rs_table *table, const struct rs_rule *rule)
{
	if (rule->verdict == RS_JUMP || rule->verdict == RS_GOTO)
		check_chain_place(table, rule->chain, rule->target);
	if (rule->verdict == RS_VMAP)
		assert_ptr_equal(rs_set_at(table, rule->map),
				 ruleset_find_set(table, rule->target));
	for (size_t m = 0; m < rule->n_matches; m++)
		if (rule->matches[m].set)
			assert_ptr_equal(rs_set_at(table, rule->matches[m].found),
					 ruleset_find_set(table, rule->matches[m].set));
}

static inline void check_places(const struct ruleset *rs)
{
	for (int family = 0; family < RS_FAMILY_COUNT; family++) {
		const struct rs_table *table = &rs->tables[family];
		for (size_t i = 0; i < table->chains.n; i++)
			for (size_t k = 0; k < table->chains.items[i]->rules.n; k++)
				check_rule_places(table, &table->chains.items[i]->rules.items[k]);
		for (size_t i = 0; i < table->sets.n; i++) {
			const struct rs_set *set = table->sets.items[i];
			for (size_t k = 0; k < set->outcomes.n; k++)
				if (set->outcomes.items[k].target)
					check_chain_place(table, set->outcomes.items[k].chain,
							  set->outcomes.items[k].target);
		}
	}
}
