/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The store to an immutable snapshot. Records are in order already; only the endpoints, kept per
 * network, are turned into the order by container, by counting.
 *
 * Of most containers nothing has changed since all were copied last: what of them lies elsewhere
 * (texts, labels, ports) is borrowed from that copy, and those that did are copied again. */
#include <errno.h>
#include <string.h>

#include "core/world/store.h"

static const struct store_network *network_at(const struct world_store *store, size_t i)
{
	return (const struct store_network *)store->networks.by_name[i];
}

static const struct store_container *container_at(const struct world_store *store, size_t i)
{
	return (const struct store_container *)store->containers.by_name[i];
}

/* Above so many that have changed since all were copied all are copied again. */
#define MOST_CHANGED 128u

static int copy_networks(const struct world_store *store, struct arena *arena, struct world *world)
{
	size_t n = store->networks.n, size = 0;

	for (size_t i = 0; i < n; i++)
		size += store_network_room(network_at(store, i));
	char *room = arena_alloc(arena, size);
	struct world_network *networks = arena_alloc(arena, n * sizeof(*networks));
	if (!room || !networks)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		networks[i] = store_network_copy(network_at(store, i), &room);
	store_name_bridges(store, networks, n);
	world->networks = networks;
	world->n_networks = n;
	return 0;
}

static int copy_containers(const struct world_store *store, struct arena *arena,
			   struct world *world)
{
	size_t n = store->containers.n, size = 0;

	for (size_t i = 0; i < n; i++)
		size += store_container_room(container_at(store, i));
	char *room = arena_room(arena, size);
	struct world_container *containers = arena_room(arena, n * sizeof(*containers));
	uint32_t *copied = arena_alloc(arena, n * sizeof(*copied));
	if (!room || !containers || !copied)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++) {
		containers[i] = store_container_copy(container_at(store, i), &room);
		copied[i] = i;
	}
	world->containers = containers;
	world->n_containers = n;
	world->copied = copied;
	world->copy = containers;
	return 0;
}

/* Fills @copied; how many have changed. */
static size_t find_changed(const struct world_store *store, uint32_t *copied)
{
	size_t changed = 0;

	for (size_t i = 0; i < store->containers.n; i++) {
		const struct store_object *object = store->containers.by_name[i];
		bool same = object->copy == store->n_copies;
		copied[i] = same ? object->at : UINT32_MAX;
		changed += !same;
	}
	return changed;
}

/* How many from @i on stand in the copy one after the other. */
static size_t run_of(const uint32_t *copied, size_t i, size_t n)
{
	size_t run = 0;

	while (i + run < n && copied[i + run] != UINT32_MAX && copied[i + run] == copied[i] + run)
		run++;
	return run;
}

static int copy_changed(const struct world_store *store, struct arena *arena, size_t i,
			struct world_container *ret)
{
	const struct store_container *container = container_at(store, i);
	char *room = arena_alloc(arena, store_container_room(container));

	if (!room)
		return -ENOMEM;
	*ret = store_container_copy(container, &room);
	return 0;
}

/* As the above; 1: too many have changed. */
static int borrow_containers(const struct world_store *store, struct arena *arena,
			     struct world *world)
{
	size_t n = store->containers.n;
	uint32_t *copied = arena_room(arena, n * sizeof(*copied));

	if (!copied)
		return -ENOMEM;
	if (find_changed(store, copied) > MOST_CHANGED)
		return 1;
	struct world_container *containers = arena_room(arena, n * sizeof(*containers));
	if (!containers)
		return -ENOMEM;
	for (size_t i = 0; i < n;) {
		size_t run = run_of(copied, i, n);
		if (run == 0 && copy_changed(store, arena, i, &containers[i]) < 0)
			return -ENOMEM;
		if (run)
			memcpy(&containers[i], &store->copy.containers[copied[i]],
			       run * sizeof(*containers));
		i += run ? run : 1;
	}
	world->containers = containers;
	world->n_containers = n;
	world->copied = copied;
	world->copy = store->copy.copy;
	return arena_keep(arena, store->copy.records);
}

static int32_t priority_of(const struct store_endpoint *endpoint, const char *network)
{
	const struct world_container *facts = &endpoint->container->facts;

	for (size_t i = 0; i < facts->n_priorities; i++)
		if (strcmp(facts->priorities[i].network, network) == 0)
			return facts->priorities[i].priority;
	return endpoint->gw_priority;
}

/* What it may do hangs on its container's facts as well; a sandbox has none. */
static uint64_t asked_about(const struct store_endpoint *endpoint)
{
	const struct store_container *container = endpoint->container;
	uint64_t listed = container->object.asked;

	if (store_is_sandbox(container))
		return endpoint->asked;
	if (listed < endpoint->named)
		return 0;
	return listed < endpoint->asked ? listed : endpoint->asked;
}

static int copy_endpoints(const struct world_store *store, struct arena *arena, struct world *world)
{
	size_t n_containers = store->containers.n, n = 0;
	/* Where the next endpoint of a container goes. */
	size_t *next = arena_alloc(arena, (n_containers + 1) * sizeof(*next));

	if (!next)
		return -ENOMEM;
	for (size_t i = 0; i < n_containers; i++) {
		next[i] = n;
		n += container_at(store, i)->n_endpoints;
	}
	struct world_endpoint *endpoints = arena_alloc(arena, n * sizeof(*endpoints));
	if (!endpoints)
		return -ENOMEM;
	for (size_t i = 0; i < store->networks.n; i++) {
		const struct store_network *network = network_at(store, i);
		for (size_t j = 0; j < network->n_endpoints; j++) {
			const struct store_endpoint *from = &network->endpoints[j];
			uint32_t container = from->container->object.index;
			endpoints[next[container]++] = (struct world_endpoint){
				.container = container,
				.network = (uint32_t)i,
				.ipv4 = from->ipv4,
				.ipv6 = from->ipv6,
				.mac = from->mac,
				.id = from->id,
				.asked = asked_about(from),
				.gw_priority = priority_of(from, network->facts.id),
			};
		}
	}
	world->endpoints = endpoints;
	world->n_endpoints = n;
	return 0;
}

/* Into an arena of their own. 1: not, as @containers said so. */
static int make_records(const struct world_store *store, struct world *ret,
			int (*containers)(const struct world_store *, struct arena *,
					  struct world *))
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct world records = { .records = arena };
	int r = arena ? containers(store, arena, &records) : -ENOMEM;

	if (r == 0)
		r = copy_networks(store, arena, &records);
	if (r == 0)
		r = copy_endpoints(store, arena, &records);
	if (r == 0)
		r = store_copy_images(store, arena, &records);
	if (r)
		return r;
	*ret = records;
	(void)TAKE_PTR(arena);
	return 0;
}

/* Of all records. */
static void keep_copy(struct world_store *store)
{
	store_forget_copy(store);
	store->copy = store->records;
	arena_hold(store->copy.records);
	store->n_copies++;
	for (size_t i = 0; i < store->containers.n; i++) {
		struct store_object *object = store->containers.by_name[i];
		object->copy = store->n_copies;
		object->at = (uint32_t)i;
	}
}

/* Docker's facts, as the store has them now. */
static int take_records(struct world_store *store)
{
	int r = store->copy.records ? make_records(store, &store->records, borrow_containers) : 1;

	if (r != 1)
		return r;
	r = make_records(store, &store->records, copy_containers);
	if (r == 0)
		keep_copy(store);
	return r;
}

static void copy_settings(const struct world_store *store, struct world *world)
{
	memcpy(world->unfiltered, store->unfiltered, sizeof(world->unfiltered));
	world->read = store->read;
	world->no_proxy = store->no_proxy;
	world->dns_by_docker = store->dns_by_docker;
	for (size_t i = 0; i < ARRAY_LEN(store->nameless); i++) {
		world->n_nameless += store->nameless[i].n;
		world->nameless = world->nameless ? world->nameless : store->nameless[i].why;
	}
}

int world_store_snapshot(struct world_store *store, struct arena *arena, const struct world **ret)
{
	int r = store->records.records ? 0 : take_records(store);

	if (r < 0 || arena_keep(arena, store->records.records) < 0)
		return -ENOMEM;
	struct world *world = arena_dup(arena, &store->records, sizeof(*world));
	if (!world || (store->reports && arena_keep(arena, store->reports->arena) < 0) ||
	    (store->members_arena && arena_keep(arena, store->members_arena) < 0))
		return -ENOMEM;
	world->reports = store->reports;
	world->awaits_reports = store->awaits_reports;
	world->ports = arena_dup(arena, store->ports, store->n_ports * sizeof(*store->ports));
	world->n_ports = store->n_ports;
	world->resolvers =
		arena_dup(arena, store->resolvers, store->n_resolvers * sizeof(*store->resolvers));
	world->n_resolvers = store->n_resolvers;
	world->host_addrs = arena_dup(arena, store->host_addrs,
				      store->n_host_addrs * sizeof(*store->host_addrs));
	world->n_host_addrs = store->n_host_addrs;
	world->members = store->members;
	world->n_members = store->n_members;
	copy_settings(store, world);
	if (*store->engine && !(world->engine = arena_strdup(arena, store->engine)))
		return -ENOMEM;
	if (!world->ports || !world->resolvers || !world->host_addrs)
		return -ENOMEM;
	r = store_copy_bridges(store, arena, world);
	if (r == 0)
		r = store_copy_parents(store, arena, world);
	if (r == 0)
		*ret = world;
	return r;
}
