/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The world in the order of the sets: addresses, and bridge ports with who is behind them. What is
 * emitted in order need not be sorted, set by set. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/compile/emit.h"

static int by_address(const void *left, const void *right)
{
	const struct owned_addr *a = left, *b = right;

	return ip_compare(&a->addr, &b->addr);
}

const struct owned_addr *compile_addresses(const struct world *world, struct arena *arena,
					   size_t *ret_n)
{
	struct owned_addr *all = arena_alloc(arena, 2 * world->n_endpoints * sizeof(*all));
	size_t n = 0;

	for (uint32_t i = 0; all && i < world->n_endpoints; i++) {
		const struct world_endpoint *endpoint = &world->endpoints[i];
		if (!world_network_is_managed(&world->networks[endpoint->network]))
			continue;
		if (endpoint->ipv4.family)
			all[n++] = (struct owned_addr){ endpoint->ipv4, i };
		if (endpoint->ipv6.family)
			all[n++] = (struct owned_addr){ endpoint->ipv6, i };
	}
	if (n)
		qsort(all, n, sizeof(*all), by_address);
	*ret_n = n;
	return all;
}

/* ---- ports ---- */

static int by_bridge(const void *left, const void *right)
{
	const struct world_network *const *a = left, *const *b = right;

	return strcmp((*a)->bridge, (*b)->bridge);
}

static int bridge_against_network(const void *key, const void *item)
{
	const struct world_network *const *network = item;

	return strcmp(key, (*network)->bridge);
}

/* The managed networks by the names of their bridges. */
static const struct world_network **sort_bridges(const struct world *world, struct arena *arena,
						 size_t *ret_n)
{
	const struct world_network **all = arena_alloc(arena, world->n_networks * sizeof(*all));
	size_t n = 0;

	for (size_t i = 0; all && i < world->n_networks; i++)
		if (world_network_is_managed(&world->networks[i]))
			all[n++] = &world->networks[i];
	if (n)
		qsort(all, n, sizeof(*all), by_bridge);
	*ret_n = n;
	return all;
}

/* An assignment's port is the name inside world->ports: its place follows from the pointer. */
static size_t port_index(const struct world *world, const char *port)
{
	return (size_t)(port - world->ports[0].ifname) / sizeof(world->ports[0]);
}

int emit_order(struct emit *e)
{
	const struct world *world = e->in->world;
	size_t n_bridges = 0;
	const struct world_network **bridges = sort_bridges(world, e->arena, &n_bridges);
	struct port_facts *ports = arena_alloc(e->arena, world->n_ports * sizeof(*ports));

	if (!bridges || !ports)
		return -ENOMEM;
	for (size_t i = 0; i < world->n_ports; i++)
		ports[i] = (struct port_facts){
			.managed = n_bridges && bsearch(world->ports[i].bridge, bridges, n_bridges,
							sizeof(*bridges), bridge_against_network),
			.endpoint = NOBODY,
		};
	for (uint32_t i = 0; i < world->n_endpoints; i++)
		if (e->assignments[i].port && emit_group_of(e, i))
			ports[port_index(world, e->assignments[i].port)].endpoint = i;
	e->ports = ports;
	return 0;
}
