/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The other hosts of the fleet, in order. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/sort.h"
#include "core/world/store.h"

static int by_address(const void *left, const void *right)
{
	const struct world_member *a = left, *b = right;
	int order = ip_compare(&a->addr, &b->addr);

	return order ? order : strcmp(a->host, b->host);
}

size_t world_sort_members(struct world_member *items, size_t n)
{
	return sort_once(items, n, sizeof(*items), by_address);
}

static struct world_member *copy_members(const struct world_member *members, size_t n,
					 struct arena *arena)
{
	struct world_member *copy = arena_alloc(arena, n * sizeof(*copy));

	for (size_t i = 0; copy && i < n; i++) {
		copy[i] = members[i];
		copy[i].host = arena_strdup(arena, members[i].host);
		if (!copy[i].host)
			return NULL;
	}
	return copy;
}

static bool is_as_before(const struct world_store *store, const struct world_member *sorted,
			 size_t n)
{
	if (!store->members_arena || n != store->n_members)
		return false;
	for (size_t i = 0; i < n; i++)
		if (by_address(&sorted[i], &store->members[i]) != 0)
			return false;
	return true;
}

int world_store_set_members(struct world_store *store, const struct world_member *members, size_t n)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct world_member *copy = arena ? copy_members(members, n, arena) : NULL;

	if (!copy)
		return -ENOMEM;
	n = world_sort_members(copy, n);
	/* Snapshots tell by the pointer that it is the same list. */
	if (is_as_before(store, copy, n))
		return 0;
	(void)arena_free(store->members_arena);
	store->members = copy;
	store->n_members = n;
	store->members_arena = TAKE_PTR(arena);
	return 0;
}
