/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The store to an immutable snapshot. Records are in order already; only the endpoints, kept per
 * network, are turned into the order by container, by counting.
 *
 * Of most containers nothing has changed since they were copied last: what of them lies elsewhere
 * (texts, labels, ports) is borrowed from that copy. Those that have are copied, once for all the
 * snapshots to come. */
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

/* ---- containers ---- */

/* That many copies may be out of date, beside as many as there are containers. */
#define MOST_STALE 128u

static struct store_place *place_of(struct world_store *store, size_t i)
{
	return &((struct store_container *)store->containers.by_name[i])->place;
}

/* All of them, one after the other. */
static int copy_all(struct world_store *store)
{
	size_t n = store->containers.n, size = 0;
	struct store_copies *copies = &store->copies;

	store_forget_copies(store);
	for (size_t i = 0; i < n; i++)
		size += store_container_room(container_at(store, i));
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	char *room = arena ? arena_room(arena, size) : NULL;
	struct world_container *first = room ? arena_room(arena, n * sizeof(*first)) : NULL;
	if (!first)
		return -ENOMEM;
	copies->number++;
	copies->first = first;
	copies->n_first = copies->n = n;
	for (size_t i = 0; i < n; i++) {
		first[i] = store_container_copy(container_at(store, i), &room);
		*place_of(store, i) =
			(struct store_place){ copies->number, (uint32_t)i, &first[i] };
	}
	copies->arena = TAKE_PTR(arena);
	return 0;
}

static int copy_one(struct world_store *store, size_t i)
{
	const struct store_container *container = container_at(store, i);
	struct store_copies *copies = &store->copies;
	char *room = arena_alloc(copies->arena, store_container_room(container));
	struct world_container *record = arena_alloc(copies->arena, sizeof(*record));

	if (!room || !record)
		return -ENOMEM;
	*record = store_container_copy(container, &room);
	*place_of(store, i) = (struct store_place){ copies->number, (uint32_t)copies->n++, record };
	return 0;
}

/* Fills @copied, where each of them stands. */
static int copy_changed(struct world_store *store, uint32_t *copied)
{
	size_t n = store->containers.n;
	bool anew = !store->copies.arena || store->copies.n > 2 * n + MOST_STALE;
	int r = anew ? copy_all(store) : 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		const struct store_place *place = place_of(store, i);
		if (place->copies != store->copies.number)
			r = copy_one(store, i);
		copied[i] = place->at;
	}
	return r;
}

/* How many from @i on stand among the first copies one after the other. */
static size_t run_of(const struct store_copies *copies, const uint32_t *copied, size_t i, size_t n)
{
	size_t run = 0;

	while (i + run < n && copied[i + run] < copies->n_first &&
	       copied[i + run] == copied[i] + run)
		run++;
	return run;
}

static int borrow_containers(struct world_store *store, struct arena *arena, struct world *world)
{
	size_t n = store->containers.n;
	uint32_t *copied = arena_room(arena, n * sizeof(*copied));
	struct world_container *containers = arena_room(arena, n * sizeof(*containers));

	if (!copied || !containers || copy_changed(store, copied) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < n;) {
		size_t run = run_of(&store->copies, copied, i, n);
		if (run)
			memcpy(&containers[i], &store->copies.first[copied[i]],
			       run * sizeof(*containers));
		else
			containers[i] = *place_of(store, i)->record;
		i += run ? run : 1;
	}
	world->containers = containers;
	world->n_containers = n;
	world->copied = copied;
	world->copy = store->copies.first;
	return arena_keep(arena, store->copies.arena);
}

/* ---- endpoints ---- */

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

/* ---- all of it ---- */

/* Docker's facts, as the store has them now, in an arena of their own. */
static int take_records(struct world_store *store)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct world records = { .records = arena };
	int r = arena ? borrow_containers(store, arena, &records) : -ENOMEM;

	if (r == 0)
		r = copy_networks(store, arena, &records);
	if (r == 0)
		r = copy_endpoints(store, arena, &records);
	if (r == 0)
		r = store_copy_images(store, arena, &records);
	if (r)
		return r;
	store->records = records;
	(void)TAKE_PTR(arena);
	return 0;
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
