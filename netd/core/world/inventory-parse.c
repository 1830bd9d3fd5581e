/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inventory JSON to a snapshot. People write this form too, so it is read strictly: unknown and
 * repeated keys are refused, and every error names its field. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/json-scan.h"
#include "core/base/limits.h"
#include "core/world/inventory-read.h"

static int read_subnets(struct inventory_reader *reader, struct inventory_field field,
			struct world_network *network)
{
	struct inventory_place place = { field.place, field.key, 0 };
	size_t n;
	int r = inventory_list(reader, field, INVENTORY_MOST_ITEMS, &n);

	if (r)
		return r;
	struct ip_prefix *items = arena_alloc(reader->arena, n * sizeof(*items));
	if (!items)
		return -ENOMEM;
	for (const cJSON *item = n ? field.value->child : NULL; item; item = item->next) {
		const char *text = cJSON_GetStringValue(item);
		r = text ? ip_prefix_parse(text, &items[place.index]) : -EINVAL;
		if (r)
			return inventory_fail(
				reader, (struct inventory_field){ &place, NULL, item },
				r > 0 ? "has bits set beyond the prefix" : "not a subnet");
		place.index++;
	}
	network->subnets = items;
	network->n_subnets = n;
	return 0;
}

static int read_listed_bridge(struct inventory_reader *reader, struct inventory_field field,
			      struct world_network *network)
{
	const char *name = cJSON_GetStringValue(field.value);
	bool is_bridge = strcmp(network->driver, "bridge") == 0;

	if (!field.value && is_bridge)
		world_bridge_default(network->bridge, network->id);
	if (!field.value)
		return 0;
	if (!name || (*name && !world_ifname_valid(name)))
		return inventory_fail(reader, field, "not an interface name");
	if (*name && !is_bridge)
		return inventory_fail(reader, field, "only a network of driver bridge has one");
	memcpy(network->bridge, name, strlen(name) + 1);
	return 0;
}

static int read_mode(struct inventory_reader *reader, struct inventory_field field,
		     enum world_gateway_mode *ret)
{
	const char *text = cJSON_GetStringValue(field.value);

	if (field.value && (!text || !world_gateway_mode_parse(text, ret)))
		return inventory_fail(reader, field,
				      "must be nat, nat-unprotected, routed or isolated");
	return 0;
}

static int read_network(struct inventory_reader *reader, const cJSON *json,
			const struct inventory_place *place, struct world_network *ret)
{
	enum {
		ID,
		NAME,
		DRIVER,
		BRIDGE,
		INTERNAL,
		DNS,
		ICC,
		MODE4,
		MODE6,
		SUBNETS,
		GATEWAYS,
		FLAW,
		N
	};
	struct inventory_field f[N] = {
		[ID] = { place, "id", NULL },
		[NAME] = { place, "name", NULL },
		[DRIVER] = { place, "driver", NULL },
		[BRIDGE] = { place, "bridge", NULL },
		[INTERNAL] = { place, "internal", NULL },
		[DNS] = { place, "dns", NULL },
		[ICC] = { place, "icc", NULL },
		[MODE4] = { place, "gateway_mode_ipv4", NULL },
		[MODE6] = { place, "gateway_mode_ipv6", NULL },
		[SUBNETS] = { place, "subnets", NULL },
		[GATEWAYS] = { place, "gateways", NULL },
		[FLAW] = { place, "flaw", NULL },
	};
	struct world_network network = { 0 };
	int r = inventory_fields(reader, json, f, N);

	if (!r)
		r = inventory_text(reader, f[NAME], NULL, &network.name);
	if (!r)
		r = inventory_id(reader, f[ID], network.name, network.id);
	if (!r)
		r = inventory_text(reader, f[DRIVER], "bridge", &network.driver);
	if (!r)
		r = read_listed_bridge(reader, f[BRIDGE], &network);
	if (!r)
		r = inventory_bool(reader, f[INTERNAL], false, &network.internal);
	if (!r)
		r = inventory_bool(reader, f[DNS], false, &network.dns);
	if (!r)
		r = inventory_bool(reader, f[ICC], true, &network.icc);
	if (!r)
		r = read_mode(reader, f[MODE4], &network.modes[0]);
	if (!r)
		r = read_mode(reader, f[MODE6], &network.modes[1]);
	if (!r)
		r = read_subnets(reader, f[SUBNETS], &network);
	if (!r)
		r = inventory_addresses(reader, f[GATEWAYS], &network.gateways,
					&network.n_gateways);
	if (!r)
		r = inventory_text_or_null(reader, f[FLAW], &network.flaw);
	if (!r)
		*ret = network;
	return r;
}

static int by_name_and_id(const char *name_a, const char *id_a, const char *name_b,
			  const char *id_b)
{
	int names = strcmp(name_a, name_b);

	return names ? names : strcmp(id_a, id_b);
}

static int compare_listed_networks(const void *left, const void *right)
{
	const struct world_network *a = left, *b = right;

	return by_name_and_id(a->name, a->id, b->name, b->id);
}

static int compare_network_ids(const void *left, const void *right)
{
	const struct world_network *const *a = left, *const *b = right;

	return strcmp((*a)->id, (*b)->id);
}

static int compare_listed_containers(const void *left, const void *right)
{
	const struct inventory_container *a = left, *b = right;

	return by_name_and_id(a->facts.name, a->facts.id, b->facts.name, b->facts.id);
}

static int compare_texts(const void *left, const void *right)
{
	const char *const *a = left, *const *b = right;

	return strcmp(*a, *b);
}

/* @ids is sorted here. WORLD_E_INVALID when two are equal. */
static int check_unique(struct inventory_reader *reader, struct inventory_field field,
			const char **ids, size_t n)
{
	if (n)
		qsort(ids, n, sizeof(*ids), compare_texts);
	for (size_t i = 1; i < n; i++)
		if (strcmp(ids[i - 1], ids[i]) == 0)
			return inventory_fail(reader, field, "two have the same id");
	return 0;
}

static int read_networks(struct inventory_reader *reader, struct inventory_field field,
			 struct world *world)
{
	struct inventory_place place = { NULL, field.key, 0 };
	size_t n;
	int r = inventory_list(reader, field, LIMIT_ENDPOINTS, &n);

	if (r)
		return r;
	struct world_network *items = arena_alloc(reader->arena, n * sizeof(*items));
	const char **ids = arena_alloc(reader->arena, n * sizeof(*ids));
	reader->networks_by_id = arena_alloc(reader->arena, n * sizeof(*reader->networks_by_id));
	if (!items || !ids || !reader->networks_by_id)
		return -ENOMEM;
	for (const cJSON *item = n ? field.value->child : NULL; item; item = item->next) {
		r = read_network(reader, item, &place, &items[place.index]);
		if (r)
			return r;
		ids[place.index] = items[place.index].id;
		place.index++;
	}
	r = check_unique(reader, field, ids, n);
	if (r)
		return r;
	if (n)
		qsort(items, n, sizeof(*items), compare_listed_networks);
	for (size_t i = 0; i < n; i++)
		reader->networks_by_id[i] = &items[i];
	if (n)
		qsort(reader->networks_by_id, n, sizeof(*reader->networks_by_id),
		      compare_network_ids);
	world->networks = items;
	world->n_networks = n;
	return 0;
}

/* From one list per container to the two arrays of the snapshot. */
static int lay_out(struct inventory_reader *reader, const struct inventory_container *items,
		   size_t n, struct world *world)
{
	size_t n_endpoints = 0;

	for (size_t i = 0; i < n; i++)
		n_endpoints += items[i].n_endpoints;
	if (n_endpoints > LIMIT_ENDPOINTS)
		return inventory_fail(reader, (struct inventory_field){ 0 }, "too many endpoints");
	struct world_container *containers = arena_alloc(reader->arena, n * sizeof(*containers));
	struct world_endpoint *endpoints =
		arena_alloc(reader->arena, n_endpoints * sizeof(*endpoints));
	if (!containers || !endpoints)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		containers[i] = items[i].facts;
		for (size_t j = 0; j < items[i].n_endpoints; j++) {
			endpoints[world->n_endpoints] = items[i].endpoints[j];
			endpoints[world->n_endpoints++].container = (uint32_t)i;
		}
	}
	world->containers = containers;
	world->n_containers = n;
	world->endpoints = endpoints;
	return 0;
}

static int read_containers(struct inventory_reader *reader, struct inventory_field field,
			   struct world *world)
{
	struct inventory_place place = { NULL, field.key, 0 };
	size_t n;
	int r = inventory_list(reader, field, LIMIT_ENDPOINTS, &n);

	if (r)
		return r;
	struct inventory_container *items = arena_alloc(reader->arena, n * sizeof(*items));
	const char **ids = arena_alloc(reader->arena, n * sizeof(*ids));
	if (!items || !ids)
		return -ENOMEM;
	for (const cJSON *item = n ? field.value->child : NULL; item; item = item->next) {
		r = inventory_read_container(reader, item, &place, world, &items[place.index]);
		if (r)
			return r;
		ids[place.index] = items[place.index].facts.id;
		place.index++;
	}
	r = check_unique(reader, field, ids, n);
	if (r)
		return r;
	if (n)
		qsort(items, n, sizeof(*items), compare_listed_containers);
	return lay_out(reader, items, n, world);
}

static int read_host_addresses(struct inventory_reader *reader, struct inventory_field field,
			       struct world *world)
{
	const struct ip_addr *items;
	size_t n;
	int r = inventory_addresses(reader, field, &items, &n);

	if (r)
		return r;
	struct ip_addr *sorted = arena_dup(reader->arena, items, n * sizeof(*items));
	if (!sorted)
		return -ENOMEM;
	world->host_addrs = sorted;
	world->n_host_addrs = world_sort_addresses(sorted, n);
	return 0;
}

static int read_top(struct inventory_reader *reader, const cJSON *json, struct world *world)
{
	enum {
		VERSION,
		NETWORKS,
		CONTAINERS,
		RESOLVERS,
		HOST,
		IP6TABLES,
		PROXY,
		DOCKER_DNS,
		ENGINE,
		N
	};
	struct inventory_field f[N] = {
		[VERSION] = { NULL, "version", NULL },
		[NETWORKS] = { NULL, "networks", NULL },
		[CONTAINERS] = { NULL, "containers", NULL },
		[RESOLVERS] = { NULL, "resolvers", NULL },
		[HOST] = { NULL, "host_addresses", NULL },
		[IP6TABLES] = { NULL, "ip6tables", NULL },
		[PROXY] = { NULL, "userland_proxy", NULL },
		[DOCKER_DNS] = { NULL, "docker_dns", NULL },
		[ENGINE] = { NULL, "engine", NULL },
	};
	bool ip6tables = true, proxy = true;
	int64_t version = 0;
	int r = inventory_fields(reader, json, f, N);

	if (r)
		return r;
	if (world_json_integer(f[VERSION].value, 1, 1, &version))
		return inventory_fail(reader, f[VERSION], "must be 1");
	r = read_networks(reader, f[NETWORKS], world);
	if (!r)
		r = read_containers(reader, f[CONTAINERS], world);
	if (!r)
		r = inventory_addresses(reader, f[RESOLVERS], &world->resolvers,
					&world->n_resolvers);
	if (!r)
		r = read_host_addresses(reader, f[HOST], world);
	if (!r)
		r = inventory_bool(reader, f[IP6TABLES], true, &ip6tables);
	if (!r)
		r = inventory_bool(reader, f[PROXY], true, &proxy);
	if (!r)
		r = inventory_bool(reader, f[DOCKER_DNS], false, &world->dns_by_docker);
	if (!r)
		r = inventory_text_or_null(reader, f[ENGINE], &world->engine);
	world->ip6_unfiltered = !ip6tables;
	world->no_proxy = !proxy;
	return r;
}

static size_t line_of(const char *bytes, size_t offset, size_t len)
{
	size_t line = 1;

	for (size_t i = 0; i < offset && i < len; i++)
		line += bytes[i] == '\n';
	return line;
}

int world_parse_inventory(const char *bytes, size_t len, struct arena *arena,
			  const struct world **ret, const char **error)
{
	static const struct json_limits limits = { LIMIT_INVENTORY_DEPTH, LIMIT_INVENTORY_VALUES,
						   .controls = true, .lines = true };
	struct inventory_reader reader = { .arena = arena };
	size_t offset = 0;

	if (len > LIMIT_DOCKER_BYTES) {
		*error = "too large";
		return WORLD_E_INVALID;
	}
	struct world *world = arena_alloc(arena, sizeof(*world));
	if (!world)
		return -ENOMEM;
	const char *why = json_scan(bytes, len, limits, &offset);
	CLEANUP(world_json_freep)
	cJSON *json = why ? NULL : world_json_parse(bytes, len, &offset);
	if (!json) {
		*error = arena_printf(arena, "line %zu: %s", line_of(bytes, offset, len),
				      why ? why : "not JSON");
		return *error ? WORLD_E_INVALID : -ENOMEM;
	}
	int r = read_top(&reader, json, world);
	if (r == 0)
		*ret = world;
	else if (r > 0)
		*error = reader.error;
	return r;
}
