/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sorting and lookups. */
#include "core/ruleset/order.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int by_set_name(const void *left, const void *right)
{
	const struct rs_set *const *a = left, *const *b = right;

	return strcmp((*a)->name, (*b)->name);
}

static int by_text(const void *left, const void *right)
{
	const char *const *a = left, *const *b = right;

	return strcmp(*a, *b);
}

static int by_chain_name(const void *left, const void *right)
{
	const struct rs_chain *const *a = left, *const *b = right;

	return strcmp((*a)->name, (*b)->name);
}

void rs_counters_sort(struct rs_table *table)
{
	size_t n = 0;

	if (table->counters.n)
		qsort(table->counters.items, table->counters.n, sizeof(const char *), by_text);
	for (size_t i = 0; i < table->counters.n; i++)
		if (n == 0 || strcmp(table->counters.items[n - 1], table->counters.items[i]) != 0)
			table->counters.items[n++] = table->counters.items[i];
	table->counters.n = n;
}

int rs_chains_sort(struct rs_table *table, struct arena *arena)
{
	size_t n = table->chains.n;
	const struct rs_chain **by_name = arena_alloc(arena, n * sizeof(*by_name));

	if (!by_name)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		by_name[i] = table->chains.items[i];
	if (n)
		qsort(by_name, n, sizeof(*by_name), by_chain_name);
	table->by_name = by_name;
	return 0;
}

int rs_table_sort(struct rs_table *table, struct arena *arena)
{
	size_t n = table->chains.n;

	table->places = arena_alloc(arena, n * sizeof(*table->places));
	if (!table->places || rs_chains_sort(table, arena) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		table->places[i] = (uint32_t)i + 1;
	table->at = table->by_name;
	table->n_at = n;
	for (size_t i = 0; i < table->sets.n; i++)
		rs_elems_sort(table->sets.items[i]);
	if (table->sets.n)
		qsort(table->sets.items, table->sets.n, sizeof(struct rs_set *), by_set_name);
	rs_counters_sort(table);
	return 0;
}

static int set_against_name(const void *key, const void *item)
{
	const struct rs_set *const *set = item;

	return strcmp(key, (*set)->name);
}

uint32_t rs_set_place(const struct rs_table *table, const char *name)
{
	if (!table->sets.n)
		return 0;
	struct rs_set *const *found = bsearch(name, table->sets.items, table->sets.n,
					      sizeof(struct rs_set *), set_against_name);
	return found ? (uint32_t)(found - table->sets.items) + 1 : 0;
}

const struct rs_set *rs_set_at(const struct rs_table *table, uint32_t place)
{
	return place ? table->sets.items[place - 1] : NULL;
}

const struct rs_chain *rs_chain_at(const struct rs_table *table, uint32_t place)
{
	return place ? table->at[place - 1] : NULL;
}

const struct rs_set *ruleset_find_set(const struct rs_table *table, const char *name)
{
	return rs_set_at(table, rs_set_place(table, name));
}

static int chain_against_name(const void *key, const void *item)
{
	const struct rs_chain *const *chain = item;

	return strcmp(key, (*chain)->name);
}

ptrdiff_t rs_chain_index(const struct rs_table *table, const char *name)
{
	if (!table->chains.n || !table->by_name)
		return -1;
	const struct rs_chain *const *found = bsearch(name, table->by_name, table->chains.n,
						      sizeof(*table->by_name), chain_against_name);
	return found ? found - table->by_name : -1;
}

uint32_t rs_chain_place(const struct rs_table *table, const char *name)
{
	ptrdiff_t i = rs_chain_index(table, name);

	return i < 0 ? 0 : table->places[i];
}

const struct rs_chain *ruleset_find_chain(const struct rs_table *table, const char *name)
{
	ptrdiff_t i = rs_chain_index(table, name);

	return i < 0 ? NULL : table->by_name[i];
}

bool rs_table_is_there(const struct rs_table *table)
{
	return table->family != RS_NETDEV || table->chains.n > 0;
}

bool rs_match_is_flag(const struct rs_match *match)
{
	uint32_t mask;

	if (match->op != RS_BITS ||
	    !ruleset_type_info(ruleset_field_info(match->fields[0])->type)->bits)
		return false;
	memcpy(&mask, match->mask.bytes, sizeof(mask));
	return (mask & (mask - 1)) == 0 && rs_key_compare(&match->mask, &match->value) == 0;
}
