/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records in two orders. One record is inserted by moving pointers (10,000: 40 us); many, or a
 * rename, are sorted. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/world/store.h"

#define FEW 16 /* above this, sorting beats moving */

static int compare_ids(const void *left, const void *right)
{
	const struct store_object *const *a = left, *const *b = right;

	return strcmp((*a)->id, (*b)->id);
}

static int compare_names(const void *left, const void *right)
{
	const struct store_object *const *a = left, *const *b = right;
	int names = strcmp((*a)->name, (*b)->name);

	return names ? names : strcmp((*a)->id, (*b)->id);
}

typedef int store_order(const void *left, const void *right);

/* Where @object belongs among the first @n. */
static size_t bound(struct store_object **items, size_t n, struct store_object *const *object,
		    store_order *order)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (order(&items[mid], object) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

struct store_object *store_find(const struct store_table *table, const char *id)
{
	struct store_object key = { .id = id }, *object = &key;
	size_t n = table->n_sorted, at = bound(table->by_id, n, &object, compare_ids);

	if (at < n && strcmp(table->by_id[at]->id, id) == 0)
		return table->by_id[at];
	return NULL;
}

struct store_object *store_find_name(const struct store_table *table, const char *name)
{
	struct store_object key = { .id = "", .name = name }, *object = &key;
	size_t n = table->n_sorted, at = bound(table->by_name, n, &object, compare_names);

	if (at == n || strcmp(table->by_name[at]->name, name) != 0 ||
	    (at + 1 < n && strcmp(table->by_name[at + 1]->name, name) == 0))
		return NULL;
	return table->by_name[at];
}

int store_reserve(struct store_table *table, size_t more)
{
	size_t cap = table->n + more;

	if (cap <= table->cap)
		return 0;
	if (cap < table->cap * 2)
		cap = table->cap * 2;
	struct store_object **by_id = realloc(table->by_id, cap * sizeof(struct store_object *));
	if (!by_id)
		return -ENOMEM;
	table->by_id = by_id;
	struct store_object **by_name =
		realloc(table->by_name, cap * sizeof(struct store_object *));
	if (!by_name)
		return -ENOMEM;
	table->by_name = by_name;
	table->cap = cap;
	return 0;
}

void store_append(struct store_table *table, struct store_object *object)
{
	table->by_id[table->n] = object;
	table->by_name[table->n++] = object;
}

static void sort_in(struct store_object **items, size_t n_sorted, size_t n, store_order *order)
{
	if (n - n_sorted > FEW) {
		qsort(items, n, sizeof(struct store_object *), order);
		return;
	}
	for (size_t i = n_sorted; i < n; i++) {
		struct store_object *object = items[i];
		size_t at = bound(items, i, &object, order);
		memmove(items + at + 1, items + at, (i - at) * sizeof(struct store_object *));
		items[at] = object;
	}
}

void store_settle(struct store_table *table)
{
	if (table->n_sorted == table->n && !table->renamed)
		return;
	sort_in(table->by_id, table->n_sorted, table->n, compare_ids);
	if (table->renamed)
		qsort(table->by_name, table->n, sizeof(struct store_object *), compare_names);
	else
		sort_in(table->by_name, table->n_sorted, table->n, compare_names);
	for (size_t i = 0; i < table->n; i++)
		table->by_name[i]->index = (uint32_t)i;
	table->n_sorted = table->n;
	table->renamed = false;
}

void store_changes(struct world_store *store)
{
	(void)arena_free(store->records.records);
	store->records = (struct world){ 0 };
}

void store_forget_copies(struct world_store *store)
{
	(void)arena_free(store->copies.arena);
	store->copies = (struct store_copies){ .number = store->copies.number };
}
