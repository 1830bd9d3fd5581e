/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What leaves the store, with what goes with it. */
#include <string.h>

#include "core/world/store.h"

static void drop_endpoints_of_gone(struct world_store *store, struct store_network *network)
{
	size_t kept = 0;

	for (size_t i = 0; i < network->n_endpoints; i++) {
		struct store_endpoint *endpoint = &network->endpoints[i];
		if (network->object.gone || endpoint->container->object.gone)
			store_unplug(store, endpoint->container);
		else
			network->endpoints[kept++] = *endpoint;
	}
	network->n_endpoints = kept;
}

static void free_network(struct store_object *object)
{
	(void)store_network_free((struct store_network *)object);
}

static void free_container(struct store_object *object)
{
	(void)store_container_free((struct store_container *)object);
}

static size_t keep_present(struct store_object **items, size_t n,
			   void (*free_object)(struct store_object *))
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (!items[i]->gone)
			items[kept++] = items[i];
		else if (free_object)
			free_object(items[i]);
	return kept;
}

static void sweep_table(struct store_table *table, void (*free_object)(struct store_object *))
{
	(void)keep_present(table->by_id, table->n, NULL);
	table->n = keep_present(table->by_name, table->n, free_object);
	table->n_sorted = table->n;
	for (size_t i = 0; i < table->n; i++)
		table->by_name[i]->index = (uint32_t)i;
}

static bool any_gone(const struct store_table *table)
{
	for (size_t i = 0; i < table->n; i++)
		if (table->by_name[i]->gone)
			return true;
	return false;
}

/* What goes with the networks and containers that have gone; the containers may be some more. */
static void drop_endpoints(struct world_store *store)
{
	if (!any_gone(&store->networks) && !any_gone(&store->containers)) /* mostly */
		return;
	for (size_t i = 0; i < store->networks.n; i++)
		drop_endpoints_of_gone(store, (struct store_network *)store->networks.by_name[i]);
}

void store_sweep(struct world_store *store)
{
	bool gone = false;

	if (!store->is_stale) /* mostly */
		return;
	store_changes(store);
	drop_endpoints(store);
	for (size_t i = 0; i < store->containers.n; i++) {
		struct store_container *container =
			(struct store_container *)store->containers.by_name[i];
		container->object.gone |= !container->listed && container->n_endpoints == 0;
		gone |= container->object.gone;
	}
	if (any_gone(&store->networks))
		sweep_table(&store->networks, free_network);
	if (gone)
		sweep_table(&store->containers, free_container);
	store->is_stale = false;
}

void world_store_remove_network(struct world_store *store, const char *id)
{
	struct store_object *network = store_find(&store->networks, id);

	if (!network)
		return;
	network->gone = store->is_stale = true;
	store_sweep(store);
}

void world_store_remove_container(struct world_store *store, const char *id)
{
	struct store_object *container = store_find(&store->containers, id);

	if (!container || store_is_sandbox((struct store_container *)container))
		return;
	container->gone = store->is_stale = true;
	store_sweep(store);
}

void world_store_disconnect(struct world_store *store, const char *network_id,
			    const char *container_id)
{
	struct store_network *network =
		(struct store_network *)store_find(&store->networks, network_id);

	for (size_t i = 0; network && i < network->n_endpoints; i++) {
		struct store_container *container = network->endpoints[i].container;
		if (strcmp(container->facts.id, container_id) != 0)
			continue;
		store_changes(store);
		store_drop_endpoint(store, network, i);
		store_sweep(store);
		return;
	}
}
