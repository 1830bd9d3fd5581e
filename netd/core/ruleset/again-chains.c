/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A sealed ruleset once more, with some other chains. What is borrowed finds a chain by its place,
 * so each of them keeps the one that it has, whatever comes and goes around it. */
#include <errno.h>
#include <string.h>

#include "core/ruleset/order.h"
#include "core/ruleset/seal.h"

int ruleset_replace_chains(struct ruleset *rs, enum rs_family family, size_t n_before,
			   struct rs_run *run)
{
	struct rs_table *table = &rs->tables[family];
	size_t n_added = table->chains.n - n_before, end = run->first + run->n;
	struct rs_chain **from = table->chains.items + run->first;
	struct rs_chain **added =
		arena_dup(rs->arena, table->chains.items + n_before, n_added * sizeof(*added));

	if (!added)
		return -ENOMEM;
	memmove(from + n_added, table->chains.items + end, (n_before - end) * sizeof(*from));
	memcpy(from, added, n_added * sizeof(*from));
	table->chains.n -= run->n;
	run->n = n_added;
	return 0;
}

void ruleset_drop_counter(struct ruleset *rs, enum rs_family family, const char *name)
{
	struct rs_table *table = &rs->tables[family];
	size_t n = 0;

	for (size_t i = 0; i < table->counters.n; i++)
		if (strcmp(table->counters.items[i], name) != 0)
			table->counters.items[n++] = table->counters.items[i];
	table->counters.n = n;
}

/* Both are sorted by name. */
static void keep_places(struct rs_table *table, const struct rs_table *from)
{
	size_t i = 0, j = 0;

	while (i < from->chains.n && j < table->chains.n) {
		int order = strcmp(from->by_name[i]->name, table->by_name[j]->name);
		if (order == 0) {
			table->places[j] = from->places[i];
			table->at[from->places[i] - 1] = table->by_name[j];
		}
		i += order <= 0;
		j += order >= 0;
	}
}

/* What is gone leaves its place to what is new, so that there are not more and more of them. */
static void give_places(struct rs_table *table)
{
	size_t free = 0;

	for (size_t j = 0; j < table->chains.n; j++) {
		if (table->places[j])
			continue;
		while (table->at[free])
			free++;
		table->at[free] = table->by_name[j];
		table->places[j] = (uint32_t)free + 1;
	}
	while (table->n_at > 0 && !table->at[table->n_at - 1])
		table->n_at--;
}

static int place_chains(struct rs_table *table, const struct rs_table *from, struct arena *arena)
{
	table->n_at = from->n_at + table->chains.n; /* for now: all may be new */
	table->at = arena_alloc(arena, table->n_at * sizeof(*table->at));
	table->places = arena_alloc(arena, table->chains.n * sizeof(*table->places));
	if (!table->at || !table->places)
		return -ENOMEM;
	keep_places(table, from);
	give_places(table);
	return 0;
}

int ruleset_settle_chains(struct ruleset *rs, enum rs_family family, const struct ruleset *from,
			  const struct rs_run *runs, size_t n_runs)
{
	struct rs_table *table = &rs->tables[family];

	if (rs_chains_sort(table, rs->arena) < 0 ||
	    place_chains(table, &from->tables[family], rs->arena) < 0)
		return -ENOMEM;
	rs_counters_sort(table);
	int r = seal_some_chains(rs, family, runs, n_runs);
	return r == -EINVAL ? 1 : r;
}

int ruleset_check_calls(struct ruleset *rs, enum rs_family family)
{
	int r = seal_calls(rs, family);

	return r == -EINVAL ? 1 : r;
}
