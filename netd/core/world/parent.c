/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The interfaces that the containers of macvlan networks stand on. Docker names one by its network;
 * rtnetlink tells whether it is there. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/limits.h"
#include "core/base/sort.h"
#include "core/world/store.h"

static const char *const siblings_names[] = {
	[WORLD_SIBLINGS_TOGETHER] = "bridge",
	[WORLD_SIBLINGS_OUTSIDE] = "vepa",
	[WORLD_SIBLINGS_APART] = "private",
};

const char *world_siblings_name(enum world_siblings siblings)
{
	return siblings_names[siblings];
}

bool world_siblings_parse(const char *text, enum world_siblings *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(siblings_names); i++)
		if (strcmp(text, siblings_names[i]) == 0) {
			*ret = (enum world_siblings)i;
			return true;
		}
	return false;
}

static int parent_against_name(const void *key, const void *item)
{
	const struct world_parent *parent = item;

	return strcmp(key, parent->name);
}

const struct world_parent *world_find_parent(const struct world *world,
					     const struct world_network *network)
{
	if (!network->parent[0] || world->n_parents == 0 || network->flaw)
		return NULL;
	return bsearch(network->parent, world->parents, world->n_parents, sizeof(*world->parents),
		       parent_against_name);
}

int store_set_parents(struct world_store *store, const struct world_parent *parents, size_t n)
{
	struct world_parent *items = calloc(n + 1, sizeof(*items));

	if (!items)
		return -ENOMEM;
	if (n)
		memcpy(items, parents, n * sizeof(*items));
	free(store->parents);
	store->parents = items;
	store->n_parents = n;
	return 0;
}

static int by_parent_name(const void *left, const void *right)
{
	const struct world_parent *a = left, *b = right;

	return strcmp(a->name, b->name);
}

size_t world_sort_parents(struct world_parent *items, size_t n)
{
	n = sort_once(items, n, sizeof(*items), by_parent_name);
	return n < LIMIT_PARENTS ? n : LIMIT_PARENTS;
}

int store_copy_parents(const struct world_store *store, struct arena *arena, struct world *world)
{
	const struct world here = { .parents = store->parents, .n_parents = store->n_parents };
	struct world_parent *parents = arena_alloc(arena, world->n_networks * sizeof(*parents));
	size_t n = 0;

	if (!parents)
		return -ENOMEM;
	for (size_t i = 0; i < world->n_networks; i++) {
		const struct world_parent *parent = world_find_parent(&here, &world->networks[i]);
		if (parent)
			parents[n++] = *parent;
	}
	world->parents = parents;
	world->n_parents = world_sort_parents(parents, n);
	return 0;
}
