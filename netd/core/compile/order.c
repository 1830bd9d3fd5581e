/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The world in the order of the sets: addresses, and bridge ports with who is behind them. What is
 * emitted in order need not be sorted, set by set. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/sort.h"
#include "core/compile/elements.h"

const struct owned_addr *compile_addresses(const struct world *world, bool at_parent,
					   struct arena *arena, size_t *ret_n)
{
	struct owned_addr *all = arena_alloc(arena, 2 * world->n_endpoints * sizeof(*all));
	size_t n = 0;

	for (uint32_t i = 0; all && i < world->n_endpoints; i++) {
		const struct world_endpoint *endpoint = &world->endpoints[i];
		const struct world_network *network = &world->networks[endpoint->network];
		if (at_parent ? !world_find_parent(world, network)
			      : !world_network_is_managed(network))
			continue;
		if (endpoint->ipv4.family)
			all[n++] = (struct owned_addr){ endpoint->ipv4, i };
		if (endpoint->ipv6.family)
			all[n++] = (struct owned_addr){ endpoint->ipv6, i };
	}
	sort_by_bytes(all, n, sizeof(*all), sizeof(all->addr));
	*ret_n = n;
	return all;
}

/* ---- ports ---- */

static int by_bridge(const void *left, const void *right)
{
	const struct judged_bridge *a = left, *b = right;

	return strcmp(a->name, b->name);
}

static int judged_against_name(const void *key, const void *item)
{
	const struct judged_bridge *bridge = item;

	return strcmp(key, bridge->name);
}

const struct judged_bridge *emit_find_bridge(const struct emit *e, const char *name)
{
	return e->n_bridges ? bsearch(name, e->bridges, e->n_bridges, sizeof(*e->bridges),
				      judged_against_name)
			    : NULL;
}

/* Managed ones, whether rtnetlink shows them already or not, and those that are closed. */
int emit_find_bridges(struct emit *e)
{
	const struct world *world = e->in->world;
	struct judged_bridge *all =
		arena_alloc(e->arena, (world->n_networks + world->n_bridges) * sizeof(*all));
	size_t n = 0;

	if (!all)
		return -ENOMEM;
	for (size_t i = 0; i < world->n_networks; i++) {
		const struct world_network *network = &world->networks[i];
		const struct world_bridge *seen = world_find_bridge(world, network->bridge);
		e->any_dns |= world_network_is_managed(network) && network->dns;
		if (world_network_is_managed(network))
			all[n++] = (struct judged_bridge){ network->bridge, true,
							   seen && seen->shared, seen };
	}
	for (size_t i = 0; i < world->n_bridges; i++)
		if (world_bridge_is_closed(&world->bridges[i]))
			all[n++] = (struct judged_bridge){ world->bridges[i].name, false,
							   world->bridges[i].shared,
							   &world->bridges[i] };
	e->bridges = all;
	e->n_bridges = sort_once(all, n, sizeof(*all), by_bridge);
	for (size_t i = 0; i < e->n_bridges; i++) {
		e->any_shared |= all[i].shared;
		e->any_stacked |= all[i].seen && all[i].seen->stacked;
	}
	return 0;
}

/* An assignment's port is the name inside world->ports: its place follows from the pointer. */
static size_t port_index(const struct world *world, const char *port)
{
	return (size_t)(port - world->ports[0].ifname) / sizeof(world->ports[0]);
}

/* What is plugged in there is no endpoint that Docker told of when everything was read since, and
 * has not the MAC of one. */
struct mac_on_bridge {
	struct mac_addr mac;
	const char *bridge;
};

static int by_mac(const void *left, const void *right)
{
	const struct mac_on_bridge *a = left, *b = right;
	int order = memcmp(&a->mac, &b->mac, sizeof(a->mac));

	return order ? order : strcmp(a->bridge, b->bridge);
}

static int leave_alone(struct emit *e, struct port_facts *ports)
{
	const struct world *world = e->in->world;
	struct mac_on_bridge *taken = arena_alloc(e->arena, world->n_endpoints * sizeof(*taken));

	if (!taken)
		return -ENOMEM;
	for (size_t i = 0; i < world->n_endpoints; i++) {
		const struct world_endpoint *endpoint = &world->endpoints[i];
		taken[i] = (struct mac_on_bridge){ endpoint->mac,
						   world->networks[endpoint->network].bridge };
	}
	if (world->n_endpoints)
		qsort(taken, world->n_endpoints, sizeof(*taken), by_mac);
	for (size_t i = 0; i < world->n_ports; i++) {
		const struct world_port *port = &world->ports[i];
		const struct mac_on_bridge key = { port->peer_mac, port->bridge };
		if (!ports[i].managed || ports[i].endpoint != NOBODY ||
		    ports[i].closed != REASON_NOT_ADMITTED || mac_is_zero(&port->peer_mac) ||
		    world->read < port->since || world->read == 0)
			continue;
		if (!world->n_endpoints ||
		    !bsearch(&key, taken, world->n_endpoints, sizeof(*taken), by_mac))
			ports[i].guard = GUARD_LEFT;
	}
	return 0;
}

/* Of a port that an endpoint is plugged into. */
static enum port_guard guard_of(const struct emit *e, const struct group *group)
{
	if (group->unjudged)
		return GUARD_LEFT;
	return group->audited && !e->audit ? GUARD_AUDITED : GUARD_STRICT;
}

struct port_facts emit_look_at_port(const struct emit *e, const struct world_port *port)
{
	const struct judged_bridge *judged = emit_find_bridge(e, port->bridge);
	bool container = world_port_is_judged(world_find_bridge(e->in->world, port->bridge), port);

	return (struct port_facts){ .managed = judged && container,
				    .others = judged && !container,
				    .stacked = judged && container && judged->seen &&
					       judged->seen->stacked,
				    .endpoint = NOBODY,
				    .closed = REASON_NOT_ADMITTED };
}

void emit_plug_in(const struct emit *e, uint32_t i, struct port_facts *port)
{
	const struct group *group = emit_group_of(e, i);

	if (!port->managed) /* the far end of a cable that shows a container's MAC */
		return;
	if (group) {
		port->endpoint = i;
		port->guard = guard_of(e, group);
	} else {
		port->closed = compile_closed_reason(&e->assignments[i]);
	}
}

int emit_order(struct emit *e)
{
	const struct world *world = e->in->world;
	struct port_facts *ports = arena_alloc(e->arena, world->n_ports * sizeof(*ports));

	if (emit_find_bridges(e) < 0 || !ports)
		return -ENOMEM;
	for (size_t i = 0; i < world->n_ports; i++)
		ports[i] = emit_look_at_port(e, &world->ports[i]);
	for (uint32_t i = 0; i < world->n_endpoints; i++)
		if (e->assignments[i].port)
			emit_plug_in(e, i, &ports[port_index(world, e->assignments[i].port)]);
	e->ports = ports;
	return e->ignore ? leave_alone(e, ports) : 0;
}
