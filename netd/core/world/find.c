/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Look-ups in a snapshot. Names by bisection; ids, which people type, one after the other. */
#include <string.h>

#include "core/base/sort.h"
#include "core/base/text.h"
#include "core/world/world.h"

static const char *const kind_names[] = {
	[WORLD_CONTAINER] = "container",
	[WORLD_BUILD] = "build",
	[WORLD_INGRESS] = "ingress",
	[WORLD_OTHER] = "other",
};

const char *world_kind_name(enum world_kind kind)
{
	return kind_names[kind];
}

const char *world_kind_noun(enum world_kind kind)
{
	return kind == WORLD_CONTAINER ? kind_names[kind] : "sandbox";
}

enum world_kind world_find_kind(const char *name)
{
	unsigned int i = 0;

	while (i < ARRAY_LEN(kind_names) && strcmp(kind_names[i], name) != 0)
		i++;
	return (enum world_kind)i;
}

#define SHORTEST_ID_PREFIX 12 /* what `docker ps` shows */

const struct world_label *world_find_label(const struct world_container *container, const char *key)
{
	size_t lo = 0, hi = container->n_labels;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int order = strcmp(container->labels[mid].key, key);
		if (order == 0)
			return &container->labels[mid];
		if (order < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

const char *world_label_value(const struct world_container *container, const char *key)
{
	const struct world_label *label = world_find_label(container, key);

	return label ? label->value : NULL;
}

static int container_by_name(const void *name, const void *container)
{
	return strcmp(name, ((const struct world_container *)container)->name);
}

/* The first container whose name is not before @name. */
static size_t container_bound(const struct world *world, const char *name)
{
	return sort_bound(name, world->containers, world->n_containers, sizeof(*world->containers),
			  container_by_name);
}

static int find_container_id(const struct world *world, const char *id)
{
	size_t len = strlen(id);
	int found = -1;

	for (size_t i = 0; i < world->n_containers; i++) {
		if (strncmp(world->containers[i].id, id, len) != 0)
			continue;
		if (world->containers[i].id[len] == '\0')
			return (int)i;
		if (len < SHORTEST_ID_PREFIX)
			continue;
		found = found == -1 ? (int)i : -2;
	}
	return found < 0 ? -1 : found;
}

int world_find_container(const struct world *world, const char *name)
{
	size_t at = container_bound(world, name);

	if (at < world->n_containers && strcmp(world->containers[at].name, name) == 0)
		return (int)at;
	return *name ? find_container_id(world, name) : -1;
}

int world_network_owner(const struct world *world, const struct world_container *container)
{
	const char *owner = text_after(container->network_mode, "container:");

	return owner ? world_find_container(world, owner) : -1;
}

static int network_by_name(const void *name, const void *network)
{
	return strcmp(name, ((const struct world_network *)network)->name);
}

int world_find_network(const struct world *world, const char *name)
{
	size_t at = sort_bound(name, world->networks, world->n_networks, sizeof(*world->networks),
			       network_by_name);

	return at < world->n_networks && strcmp(world->networks[at].name, name) == 0 ? (int)at : -1;
}

const struct world_endpoint *world_find_endpoint(const struct world *world, uint32_t container,
						 uint32_t network)
{
	size_t lo = 0, hi = world->n_endpoints;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct world_endpoint *e = &world->endpoints[mid];
		if (e->container < container || (e->container == container && e->network < network))
			lo = mid + 1;
		else
			hi = mid;
	}
	const struct world_endpoint *found = &world->endpoints[lo];
	return lo < world->n_endpoints && found->container == container && found->network == network
		       ? found
		       : NULL;
}

bool world_network_is_managed(const struct world_network *network)
{
	return strcmp(network->driver, "bridge") == 0 && network->bridge[0] != '\0';
}

bool world_port_is_explained(const struct world_port *port, const struct world_endpoint *endpoint)
{
	return endpoint->asked >= port->since && (port->owner == 0 || port->owner == endpoint->id);
}

size_t world_first_published(const struct world_container *container, uint16_t port)
{
	size_t low = 0, high = container->n_published;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (container->published[middle].port.lo < port)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}
