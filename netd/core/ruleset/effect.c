/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an element more can do to flows that pass today: whether a set stands where it denies. */
#include "core/ruleset/order.h"

#include <string.h>

#include "core/base/text.h"

static bool chain_denies(const struct rs_table *table, const char *name);

static bool rule_denies(const struct rs_table *table, const struct rs_rule *rule)
{
	if (rule->verdict == RS_JUMP || rule->verdict == RS_GOTO)
		return chain_denies(table, rule->target);
	return rule->verdict != RS_ACCEPT && rule->verdict != RS_CONTINUE;
}

/* Anything but counting, marking and accepting. Nesting is bounded by ruleset_seal(). */
static bool chain_denies(const struct rs_table *table, const char *name)
{
	const struct rs_chain *chain = ruleset_find_chain(table, name);

	for (size_t i = 0; i < chain->rules.n; i++)
		if (rule_denies(table, &chain->rules.items[i]))
			return true;
	return false;
}

static bool rule_may_deny(const struct rs_table *table, const struct rs_rule *rule, const char *set)
{
	for (size_t i = 0; i < rule->n_matches; i++) {
		if (!text_equal(rule->matches[i].set, set))
			continue;
		if (rule->matches[i].op == RS_NOT_IN || rule_denies(table, rule))
			return true;
	}
	return false;
}

/* A map's new element is an endpoint that was nobody before, and nobody has no flows. */
bool rs_set_may_deny(const struct rs_table *table, const struct rs_set *set)
{
	for (size_t i = 0; !set->map && i < table->chains.n; i++) {
		const struct rs_chain *chain = table->chains.items[i];
		for (size_t j = 0; j < chain->rules.n; j++)
			if (rule_may_deny(table, &chain->rules.items[j], set->name))
				return true;
	}
	return false;
}
