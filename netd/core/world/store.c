/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/world/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"

struct world_store *world_store_new(void)
{
	return calloc(1, sizeof(struct world_store));
}

uint64_t world_store_moment(struct world_store *store)
{
	return ++store->moment;
}

void world_store_answers_from(struct world_store *store, uint64_t moment)
{
	store->asked = moment;
}

static struct store_network *stored_network_at(const struct store_table *table, size_t i)
{
	return (struct store_network *)table->by_name[i];
}

static struct store_container *container_at(const struct store_table *table, size_t i)
{
	return (struct store_container *)table->by_name[i];
}

static void free_docker_facts(struct world_store *store)
{
	for (size_t i = 0; i < store->networks.n; i++)
		(void)store_network_free(stored_network_at(&store->networks, i));
	for (size_t i = 0; i < store->containers.n; i++)
		(void)store_container_free(container_at(&store->containers, i));
	free(store->networks.by_id);
	free(store->networks.by_name);
	free(store->containers.by_id);
	free(store->containers.by_name);
	store->networks = store->containers = (struct store_table){ 0 };
}

struct world_store *world_store_free(struct world_store *store)
{
	if (!store)
		return NULL;
	store_changes(store);
	store_forget_copies(store);
	free_docker_facts(store);
	store_free_images(store);
	(void)images_free(store->reports);
	free(store->ports);
	free(store->bridges);
	free(store->altnames);
	free(store->parents);
	free(store->resolvers);
	free(store->host_addrs);
	(void)arena_free(store->members_arena);
	free(store);
	return NULL;
}

/* ---- commits ---- */

struct store_network *store_commit_network(struct world_store *store, struct store_network *fresh)
{
	struct store_network *old =
		(struct store_network *)store_find(&store->networks, fresh->facts.id);

	if (!old) {
		store_append(&store->networks, &fresh->object);
		return fresh;
	}
	if (strcmp(old->facts.name, fresh->facts.name) != 0)
		store->networks.renamed = true;
	void *block = old->block;
	old->facts = fresh->facts;
	old->block = fresh->block;
	old->block_size = fresh->block_size;
	old->object.id = old->facts.id;
	old->object.name = old->facts.name;
	old->object.gone = false;
	if (old->object.asked < fresh->object.asked)
		old->object.asked = fresh->object.asked;
	fresh->block = block;
	(void)store_network_free(fresh);
	return old;
}

/* It has another name now: what its former name stood for is not its. */
static void forget_named(struct world_store *store, struct store_container *container)
{
	for (size_t i = 0; i < store->networks.n; i++) {
		struct store_network *network = stored_network_at(&store->networks, i);
		for (size_t j = network->n_endpoints; j > 0; j--) {
			struct store_endpoint *endpoint = &network->endpoints[j - 1];
			if (endpoint->container != container || !endpoint->named)
				continue;
			store_drop_endpoint(store, network, j - 1);
		}
	}
}

void store_commit_container(struct world_store *store, struct store_container *fresh)
{
	struct store_container *old =
		(struct store_container *)store_find(&store->containers, fresh->facts.id);

	if (!old) {
		store_append(&store->containers, &fresh->object);
		return;
	}
	if (strcmp(old->facts.name, fresh->facts.name) != 0) {
		store->containers.renamed = true;
		forget_named(store, old);
	}
	struct store_container before = *old;
	*old = *fresh;
	old->object.id = old->facts.id;
	old->object.name = old->facts.name;
	old->object.index = before.object.index;
	old->n_endpoints = before.n_endpoints;
	fresh->block = before.block;
	fresh->bound = before.bound;
	fresh->configured = before.configured;
	fresh->published = before.published;
	(void)store_container_free(fresh);
}

bool store_is_sandbox(const struct store_container *container)
{
	return container->facts.kind != WORLD_CONTAINER;
}

void store_unplug(struct world_store *store, struct store_container *container)
{
	container->n_endpoints--;
	store->is_stale |= !container->listed && container->n_endpoints == 0;
}

void store_set_endpoints(struct world_store *store, struct store_network *network,
			 struct store_endpoint *endpoints, size_t n, char *told)
{
	for (size_t i = 0; i < n; i++)
		endpoints[i].container->n_endpoints++;
	for (size_t i = 0; i < network->n_endpoints; i++)
		store_unplug(store, network->endpoints[i].container);
	free(network->endpoints);
	free(network->told);
	network->endpoints = endpoints;
	network->n_endpoints = n;
	network->told = told;
}

void store_drop_endpoint(struct world_store *store, struct store_network *network, size_t i)
{
	struct store_endpoint *endpoint = &network->endpoints[i];

	store_unplug(store, endpoint->container);
	network->n_endpoints--;
	memmove(endpoint, endpoint + 1, (network->n_endpoints - i) * sizeof(*endpoint));
}

/* ---- the host's own facts ---- */

static int replace_copy(void **items, const void *from, size_t size)
{
	void *copy = NULL;

	if (size) {
		copy = malloc(size);
		if (!copy)
			return -ENOMEM;
		memcpy(copy, from, size);
	}
	free(*items);
	*items = copy;
	return 0;
}

static int compare_port_names(const void *left, const void *right)
{
	const struct world_port *a = left, *b = right;

	return strcmp(a->ifname, b->ifname);
}

/* As edge/rtnl has them. */
static bool is_sorted(const struct world_port *ports, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (compare_port_names(&ports[i - 1], &ports[i]) > 0)
			return false;
	return true;
}

static bool same_port(const struct world_port *a, const struct world_port *b)
{
	return a->ifindex == b->ifindex && strcmp(a->bridge, b->bridge) == 0;
}

/* What is known of those that were there already. The MAC can come later than the port, and goes
 * away for a moment while the far end moves into its container: it is not looked at. */
static void recognize_ports(struct world_store *store, struct world_port *ports, size_t n)
{
	uint64_t now = world_store_moment(store);

	for (size_t i = 0, old = 0; i < n; i++) {
		while (old < store->n_ports &&
		       compare_port_names(&store->ports[old], &ports[i]) < 0)
			old++;
		bool known = old < store->n_ports &&
			     compare_port_names(&store->ports[old], &ports[i]) == 0 &&
			     same_port(&store->ports[old], &ports[i]);
		ports[i].since = known ? store->ports[old].since : now;
		ports[i].owner = known ? store->ports[old].owner : 0;
	}
}

int world_store_set_ports(struct world_store *store, const struct world_port *ports, size_t n)
{
	void *items = NULL;
	int r = replace_copy(&items, ports, n * sizeof(*ports));

	if (r < 0)
		return r;
	if (items) {
		if (!is_sorted(items, n))
			qsort(items, n, sizeof(*ports), compare_port_names);
		recognize_ports(store, items, n);
	}
	free(store->ports);
	store->ports = items;
	store->n_ports = n;
	return 0;
}

void world_store_set_owner(struct world_store *store, const struct world_port *port, uint64_t id)
{
	struct world_port *found = store->n_ports ? bsearch(port, store->ports, store->n_ports,
							    sizeof(*port), compare_port_names)
						  : NULL;

	if (found && same_port(found, port))
		found->owner = id;
}

void world_store_set_engine(struct world_store *store, const char *version)
{
	(void)snprintf(store->engine, sizeof(store->engine), "%s", version);
	text_clean(store->engine);
}

void world_store_set_unfiltered(struct world_store *store, enum ip_family family, bool unfiltered)
{
	store->unfiltered[family == IP_V6] = unfiltered;
}

void world_store_set_docker(struct world_store *store, bool no_proxy, bool dns_by_docker)
{
	store->no_proxy = no_proxy;
	store->dns_by_docker = dns_by_docker;
}

int world_store_set_resolvers(struct world_store *store, const struct ip_addr *resolvers, size_t n)
{
	void *items = store->resolvers;
	int r = replace_copy(&items, resolvers, n * sizeof(*resolvers));

	if (r < 0)
		return r;
	store->resolvers = items;
	store->n_resolvers = n;
	return 0;
}

int store_set_host_addresses(struct world_store *store, const struct ip_addr *addrs, size_t n)
{
	void *items = store->host_addrs;
	int r = replace_copy(&items, addrs, n * sizeof(*addrs));

	if (r < 0)
		return r;
	store->host_addrs = items;
	store->n_host_addrs = n;
	return 0;
}

static bool has_people(const struct world_network *network)
{
	return world_network_is_managed(network) || world_network_is_beyond(network);
}

const char *world_store_peopled_network(const struct world_store *store, size_t *cursor)
{
	while (*cursor < store->networks.n) {
		const struct store_network *network =
			stored_network_at(&store->networks, (*cursor)++);
		if (has_people(&network->facts))
			return network->facts.id;
	}
	return NULL;
}

const char *world_store_idle_container(const struct world_store *store, size_t *cursor)
{
	while (*cursor < store->containers.n) {
		const struct store_container *container =
			container_at(&store->containers, (*cursor)++);
		if (container->listed && container->n_endpoints == 0 && !container->facts.inspected)
			return container->facts.id;
	}
	return NULL;
}

static const char *uninspected(const struct world_store *store, size_t *cursor, bool starting)
{
	while (*cursor < store->containers.n) {
		const struct store_container *container =
			container_at(&store->containers, (*cursor)++);
		if (container->listed && container->n_endpoints > 0 &&
		    !container->facts.inspected && (starting || !container->facts.starting))
			return container->facts.id;
	}
	return NULL;
}

const char *world_store_busy_container(const struct world_store *store, size_t *cursor)
{
	return uninspected(store, cursor, true);
}

const char *world_store_running_container(const struct world_store *store, size_t *cursor)
{
	return uninspected(store, cursor, false);
}

const char *world_store_named_container(const struct world_store *store, const char *network_id,
					size_t *cursor)
{
	const struct store_network *network =
		(const struct store_network *)store_find(&store->networks, network_id);

	while (network && *cursor < network->n_endpoints) {
		const struct store_endpoint *endpoint = &network->endpoints[(*cursor)++];
		if (endpoint->named > endpoint->container->object.asked)
			return endpoint->container->facts.id;
	}
	return NULL;
}

uint64_t world_store_port_changes(const struct world_store *store)
{
	return store->n_port_changes;
}

bool world_store_lacks_inspect(const struct world_store *store, const char *id)
{
	const struct store_container *container =
		(const struct store_container *)store_find(&store->containers, id);

	return container && container->listed && !container->facts.inspected;
}

uint64_t world_store_posture_changes(const struct world_store *store)
{
	return store->n_posture_changes;
}

bool world_store_has_cut_labels(const struct world_store *store)
{
	for (size_t i = 0; i < store->containers.n; i++)
		if (container_at(&store->containers, i)->facts.labels_cut)
			return true;
	return false;
}

bool world_store_is_empty(const struct world_store *store, const char *network_id)
{
	const struct store_network *network =
		(const struct store_network *)store_find(&store->networks, network_id);

	return network && !has_people(&network->facts);
}

void world_store_replace(struct world_store *store, struct world_store *from)
{
	store_changes(store);
	store_changes(from);
	store_forget_copies(store);
	store_forget_copies(from);
	struct world_store before = *store;
	store->networks = from->networks;
	store->containers = from->containers;
	memcpy(store->nameless, from->nameless, sizeof(store->nameless));
	store->images = from->images;
	store->n_images = from->n_images;
	from->networks = before.networks;
	from->containers = before.containers;
	from->images = before.images;
	from->n_images = before.n_images;
}
