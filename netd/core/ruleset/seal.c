/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The checks that make a ruleset safe to print, evaluate and commit: what passes here is accepted
 * by nft and by the kernel. A failure is a bug of the compiler, so the first one is enough. */
#include "core/ruleset/seal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/ruleset/order.h"

/* Of whatever letters: the kernel keeps it as it is. What nft cannot write of it the print shows
 * as ?. */
static bool ifname_ok(const uint8_t *bytes)
{
	return bytes[0] != 0 && bytes[15] == 0;
}

/* All names that begin with the key, which nft writes as "key*". */
static bool ifname_range_ok(const uint8_t *first, const uint8_t *last)
{
	size_t len = strnlen((const char *)first, 16);

	if (memcmp(first, last, 16) == 0)
		return true;
	for (size_t i = 0; i < 16; i++)
		if (i < len ? last[i] != first[i] : first[i] != 0 || last[i] != 0xff)
			return false;
	return true;
}

static int check_ifnames(struct seal *seal, const struct rs_set *set)
{
	size_t at = 0, stride = rs_set_stride(set);

	for (size_t f = 0; f < set->n_types; f++) {
		const uint8_t *name = set->packed + at;
		at += (ruleset_type_info(set->types[f])->len + 3u) / 4 * 4;
		if (set->types[f] != RS_TYPE_IFNAME)
			continue;
		for (size_t i = 0; i < set->n_elems; i++, name += stride)
			if (!ifname_ok(name))
				return seal_fail(seal, "set %s: no interface name", set->name);
	}
	return 0;
}

static int check_outcomes(struct seal *seal, const struct rs_set *set)
{
	for (size_t i = 0; i < set->outcomes.n; i++) {
		const struct rs_outcome *outcome = &set->outcomes.items[i];
		bool goes = outcome->verdict == RS_GOTO;
		if (!goes && outcome->verdict != RS_ACCEPT && outcome->verdict != RS_DROP)
			return seal_fail(seal, "map %s: element without a verdict", set->name);
		if (goes && !seal_is_target(rs_chain_at(seal->table, outcome->chain)))
			return seal_fail(seal, "map %s: no chain %s", set->name, outcome->target);
	}
	return 0;
}

/* Ranges at an end of the space would be written in another way. */
static bool at_an_end(const struct rs_set *set, size_t i)
{
	uint8_t none[RS_KEY_BYTES] = { 0 }, all[RS_KEY_BYTES];

	memset(all, 0xff, sizeof(all));
	return set->interval && (memcmp(rs_elem_key(set, i), none, set->key_len) == 0 ||
				 memcmp(rs_elem_last(set, i), all, set->key_len) == 0);
}

static int check_order(struct seal *seal, const struct rs_set *set)
{
	size_t len = set->key_len;

	if (set->ascending && !set->interval)
		return 0;
	for (size_t i = 0; i < set->n_elems; i++) {
		if (set->interval && memcmp(rs_elem_key(set, i), rs_elem_last(set, i), len) > 0)
			return seal_fail(seal, "set %s: not a range", set->name);
		if (at_an_end(set, i))
			return seal_fail(seal, "set %s: a range at an end of the space", set->name);
		if (i > 0 && memcmp(rs_elem_last(set, i - 1), rs_elem_key(set, i), len) >= 0)
			return seal_fail(seal, "set %s: element %zu twice", set->name, i);
	}
	return 0;
}

static int check_set(struct seal *seal, const struct rs_set *set)
{
	const struct rs_type_info *first = ruleset_type_info(set->types[0]);

	if (set->misfit)
		return seal_fail(seal, "set %s: %s", set->name, set->misfit);
	bool ordered = !first->host_order || set->types[0] == RS_TYPE_IFNAME;
	if (set->interval && (set->map || set->n_types > 1 || !ordered))
		return seal_fail(seal, "set %s: ranges are of one field in network order, no map",
				 set->name);
	for (size_t i = 0; set->interval && set->types[0] == RS_TYPE_IFNAME && i < set->n_elems;
	     i++)
		if (!ifname_range_ok(rs_elem_key(set, i), rs_elem_last(set, i)))
			return seal_fail(seal, "set %s: not a pattern of names", set->name);
	if (set->meter && (set->map || set->interval || set->n_types > 1 || set->n_elems ||
			   ruleset_type_is_raw(set->types[0])))
		return seal_fail(seal, "set %s: a meter is of one field, and empty", set->name);
	if (set->forgets_s && (set->map || set->interval || set->meter || set->n_elems))
		return seal_fail(seal, "set %s: what is remembered is keys, and empty", set->name);
	for (size_t i = 0; set->map && i < set->n_types; i++)
		if (ruleset_type_is_raw(set->types[i]))
			return seal_fail(seal, "map %s: nft cannot declare it", set->name);
	int r = check_ifnames(seal, set);
	if (r == 0)
		r = check_outcomes(seal, set);
	return r < 0 ? r : check_order(seal, set);
}

static int check_object_names(struct seal *seal)
{
	const struct rs_table *table = seal->table;

	for (size_t i = 0; i < table->sets.n; i++) {
		const char *name = table->sets.items[i]->name;
		if (!ruleset_name_ok(name) ||
		    (i > 0 && strcmp(table->sets.items[i - 1]->name, name) == 0))
			return seal_fail(seal, "set %s: bad name, or twice", name);
	}
	for (size_t i = 0; i < table->chains.n; i++) {
		const char *name = table->by_name[i]->name;
		if (!ruleset_name_ok(name) ||
		    (i > 0 && strcmp(table->by_name[i - 1]->name, name) == 0))
			return seal_fail(seal, "chain %s: bad name, or twice", name);
	}
	for (size_t i = 0; i < table->counters.n; i++)
		if (!ruleset_name_ok(table->counters.items[i]))
			return seal_fail(seal, "counter %s: bad name", table->counters.items[i]);
	return 0;
}

/* ---- what names refer to ---- */

static void link_rule(const struct rs_table *table, struct rs_rule *rule)
{
	for (size_t i = 0; i < rule->n_matches; i++)
		if (rule->matches[i].set)
			rule->matches[i].found = rs_set_place(table, rule->matches[i].set);
	if (rule->target && rule->verdict == RS_VMAP)
		rule->map = rs_set_place(table, rule->target);
	else if (rule->target)
		rule->chain = rs_chain_place(table, rule->target);
}

static void link_chain(const struct rs_table *table, struct rs_chain *chain)
{
	for (size_t k = 0; k < chain->rules.n; k++)
		link_rule(table, &chain->rules.items[k]);
}

static void link_table(struct rs_table *table)
{
	for (size_t i = 0; i < table->chains.n; i++)
		link_chain(table, table->chains.items[i]);
	for (size_t i = 0; i < table->sets.n; i++) {
		struct rs_set *set = table->sets.items[i];
		for (size_t k = 0; k < set->outcomes.n; k++)
			if (set->outcomes.items[k].target)
				set->outcomes.items[k].chain =
					rs_chain_place(table, set->outcomes.items[k].target);
	}
}

/* What a chain of family netdev is hooked to, and no other. */
static int check_bases(struct seal *seal)
{
	bool netdev = seal->table->family == RS_NETDEV;

	for (size_t i = 0; i < seal->table->bases.n; i++) {
		const struct rs_chain *chain = seal->table->bases.items[i];
		const struct rs_base *base = chain->base;
		if (netdev != (base->hook >= RS_HOOK_INGRESS) || netdev != (base->n_devices > 0))
			return seal_fail(seal, "chain %s: a hook of another family", chain->name);
		for (size_t d = 0; d < base->n_devices; d++)
			if (!ifname_ok((const uint8_t *)base->devices[d].name) ||
			    (d > 0 &&
			     strcmp(base->devices[d - 1].name, base->devices[d].name) >= 0))
				return seal_fail(seal, "chain %s: no interface, or not in order",
						 chain->name);
	}
	return 0;
}

static int seal_table(struct seal *seal)
{
	int r = check_object_names(seal);

	if (r == 0)
		r = check_bases(seal);

	for (size_t i = 0; r == 0 && i < seal->table->sets.n; i++)
		r = check_set(seal, seal->table->sets.items[i]);
	for (size_t i = 0; r == 0 && i < seal->table->chains.n; i++)
		r = seal_chain(seal, seal->table->chains.items[i]);
	return r < 0 ? r : seal_graph(seal);
}

int seal_some_chains(struct ruleset *rs, enum rs_family family, const struct rs_run *runs,
		     size_t n_runs)
{
	struct seal seal = { .rs = rs, .table = &rs->tables[family] };
	int r = check_object_names(&seal);

	for (size_t k = 0; k < n_runs; k++)
		for (size_t i = 0; i < runs[k].n && r == 0; i++) {
			struct rs_chain *chain = seal.table->chains.items[runs[k].first + i];
			link_chain(seal.table, chain);
			r = seal_chain(&seal, chain);
		}
	return r;
}

int seal_calls(struct ruleset *rs, enum rs_family family)
{
	struct seal seal = { .rs = rs, .table = &rs->tables[family] };

	return seal_graph(&seal);
}

int ruleset_seal(struct ruleset *rs, const char **why)
{
	for (int family = 0; family < RS_FAMILY_COUNT; family++) {
		struct seal seal = { .rs = rs, .table = &rs->tables[family] };
		int r = rs_table_sort(&rs->tables[family], rs->arena);
		if (r == 0) {
			link_table(&rs->tables[family]);
			r = seal_table(&seal);
		}
		if (r < 0) {
			*why = seal.why ? seal.why : "out of memory";
			return r;
		}
	}
	ruleset_set_stamp(rs, rs->stamp);
	return 0;
}
