/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a policy names: labels (of a container with very many, no others are kept), tiers of a rule.
 */
#include <stdlib.h>
#include <string.h>

#include "core/base/sort.h"
#include "core/policy/policy.h"

static int by_text(const void *left, const void *right)
{
	const char *const *a = left, *const *b = right;

	return strcmp(*a, *b);
}

static size_t each_label(const struct policy *policy, const char **ret)
{
	size_t n = 0;

	for (size_t t = 0; t < policy->n_tiers; t++)
		for (size_t m = 0; m < policy->tiers[t].n_matches; m++) {
			const struct policy_match *match = &policy->tiers[t].matches[m];
			for (size_t i = 0; i < match->n_labels; i++, n++)
				if (ret)
					ret[n] = match->labels[i].key;
		}
	return n;
}

const char *const *policy_label_keys(const struct policy *policy, struct arena *arena,
				     size_t *ret_n)
{
	size_t n = each_label(policy, NULL);
	const char **keys = arena_alloc(arena, (n + 1) * sizeof(*keys));

	if (!keys)
		return NULL;
	(void)each_label(policy, keys);
	*ret_n = sort_once(keys, n, sizeof(*keys), by_text);
	return keys;
}

static size_t add_tiers(const struct policy *policy, const struct policy_peer *peers, size_t n,
			const char **ret)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++)
		if (peers[i].kind == PEER_TIER)
			ret[found++] = policy->tiers[peers[i].tier].name;
	return found;
}

const char *const *policy_rule_tiers(const struct policy *policy, const struct policy_rule *rule,
				     struct arena *arena, size_t *ret_n)
{
	const char **names = arena_alloc(arena, (rule->n_from + rule->n_to) * sizeof(*names));

	*ret_n = names ? add_tiers(policy, rule->from, rule->n_from, names) : 0;
	if (names)
		*ret_n += add_tiers(policy, rule->to, rule->n_to, names + *ret_n);
	return names;
}
