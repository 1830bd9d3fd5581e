/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inventory JSON to a snapshot. People write this form too, so it is read strictly: unknown and
 * repeated keys are refused, and every error names its field. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/limits.h"
#include "core/base/text.h"
#include "core/world/inventory-read.h"
#include "core/world/world-store.h"

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

static int read_isolation(struct inventory_reader *reader, struct inventory_field field,
			  enum world_isolation *ret)
{
	const char *text = cJSON_GetStringValue(field.value);

	if (field.value && (!text || !world_isolation_parse(text, ret)))
		return inventory_fail(reader, field, "must be false, true, strict or unmanaged");
	return 0;
}

enum network_field {
	NETWORK_ID,
	NETWORK_NAME,
	NETWORK_DRIVER,
	NETWORK_BRIDGE,
	NETWORK_INTERNAL,
	NETWORK_DNS,
	NETWORK_ICC,
	NETWORK_MASQUERADE,
	NETWORK_MODE4,
	NETWORK_MODE6,
	NETWORK_ISOLATE,
	NETWORK_SUBNETS,
	NETWORK_GATEWAYS,
	NETWORK_FLAW,
	NETWORK_PARENT,
	NETWORK_HOOKS,
	NETWORK_SIBLINGS,
	NETWORK_FIELDS
};

static int read_siblings(struct inventory_reader *reader, struct inventory_field field,
			 enum world_siblings *ret)
{
	const char *text = cJSON_GetStringValue(field.value);

	if (field.value && (!text || !world_siblings_parse(text, ret)))
		return inventory_fail(reader, field, "must be bridge, vepa or private");
	return 0;
}

/* Of a macvlan network. Its interface has hooks unless the file says otherwise. */
static int read_parent(struct inventory_reader *reader, const struct inventory_field *f,
		       struct world_network *network)
{
	const char *parent = NULL;
	bool hooks = true;
	int r = inventory_text_or_null(reader, f[NETWORK_PARENT], &parent);

	if (!r)
		r = inventory_bool(reader, f[NETWORK_HOOKS], true, &hooks);
	if (!r)
		r = read_siblings(reader, f[NETWORK_SIBLINGS], &network->siblings);
	if (r || !parent)
		return r;
	if (!world_ifname_valid(parent))
		return inventory_fail(reader, f[NETWORK_PARENT], "is no name of an interface");
	memcpy(network->parent, parent, strlen(parent) + 1);
	if (!hooks)
		return 0;
	struct world_parent found = { 0 };
	memcpy(found.name, network->parent, sizeof(found.name));
	return VEC_PUSH(reader->arena, &reader->parents, found);
}

/* How the engine was told to run it. */
static int read_network_settings(struct inventory_reader *reader, const struct inventory_field *f,
				 struct world_network *network)
{
	int r = inventory_bool(reader, f[NETWORK_INTERNAL], false, &network->internal);

	if (!r)
		r = inventory_bool(reader, f[NETWORK_DNS], false, &network->dns);
	if (!r)
		r = inventory_bool(reader, f[NETWORK_ICC], true, &network->icc);
	if (!r)
		r = inventory_is_off(reader, f[NETWORK_MASQUERADE], &network->no_masquerade);
	if (!r)
		r = read_mode(reader, f[NETWORK_MODE4], &network->modes[0]);
	if (!r)
		r = read_mode(reader, f[NETWORK_MODE6], &network->modes[1]);
	if (!r)
		r = read_isolation(reader, f[NETWORK_ISOLATE], &network->isolation);
	return r;
}

static int read_network(struct inventory_reader *reader, const cJSON *json,
			const struct inventory_place *place, struct world_network *ret)
{
	struct inventory_field f[NETWORK_FIELDS] = {
		[NETWORK_ID] = { place, "id", NULL },
		[NETWORK_NAME] = { place, "name", NULL },
		[NETWORK_DRIVER] = { place, "driver", NULL },
		[NETWORK_BRIDGE] = { place, "bridge", NULL },
		[NETWORK_INTERNAL] = { place, "internal", NULL },
		[NETWORK_DNS] = { place, "dns", NULL },
		[NETWORK_ICC] = { place, "icc", NULL },
		[NETWORK_MASQUERADE] = { place, "masquerade", NULL },
		[NETWORK_MODE4] = { place, "gateway_mode_ipv4", NULL },
		[NETWORK_MODE6] = { place, "gateway_mode_ipv6", NULL },
		[NETWORK_ISOLATE] = { place, "isolate", NULL },
		[NETWORK_SUBNETS] = { place, "subnets", NULL },
		[NETWORK_GATEWAYS] = { place, "gateways", NULL },
		[NETWORK_FLAW] = { place, "flaw", NULL },
		[NETWORK_PARENT] = { place, "parent", NULL },
		[NETWORK_HOOKS] = { place, "parent_hooks", NULL },
		[NETWORK_SIBLINGS] = { place, "macvlan_mode", NULL },
	};
	struct world_network network = { 0 };
	int r = inventory_fields(reader, json, f, NETWORK_FIELDS);

	if (!r)
		r = inventory_text(reader, f[NETWORK_NAME], NULL, &network.name);
	if (!r)
		r = inventory_id(reader, f[NETWORK_ID], network.name, network.id);
	if (!r)
		r = inventory_text(reader, f[NETWORK_DRIVER], "bridge", &network.driver);
	if (!r)
		r = read_listed_bridge(reader, f[NETWORK_BRIDGE], &network);
	if (!r)
		r = read_network_settings(reader, f, &network);
	if (!r)
		r = read_parent(reader, f, &network);
	if (!r)
		r = read_subnets(reader, f[NETWORK_SUBNETS], &network);
	if (!r)
		r = inventory_addresses(reader, f[NETWORK_GATEWAYS], &network.gateways,
					&network.n_gateways);
	if (!r)
		r = inventory_text_or_null(reader, f[NETWORK_FLAW], &network.flaw);
	if (!r)
		*ret = network;
	return r;
}

static int compare_listed_networks(const void *left, const void *right)
{
	const struct world_network *a = left, *b = right;

	return inventory_by_name_and_id(a->name, a->id, b->name, b->id);
}

static int compare_network_ids(const void *left, const void *right)
{
	const struct world_network *const *a = left, *const *b = right;

	return strcmp((*a)->id, (*b)->id);
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
	r = inventory_check_unique(reader, field, ids, n);
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
	world->parents = reader->parents.items;
	world->n_parents = world_sort_parents(reader->parents.items, reader->parents.n);
	return 0;
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

static int read_member(struct inventory_reader *reader, const cJSON *json,
		       const struct inventory_place *place, struct world_member *ret)
{
	enum { NAME, ADDRESS, N };
	struct inventory_field f[N] = {
		[NAME] = { place, "name", NULL }, [ADDRESS] = { place, "address", NULL }
	};
	int r = inventory_fields(reader, json, f, N);

	if (!r)
		r = inventory_text(reader, f[NAME], NULL, &ret->host);
	if (!r && !f[ADDRESS].value)
		r = inventory_fail(reader, f[ADDRESS], "missing");
	return r ? r : inventory_address(reader, f[ADDRESS], IP_NONE, &ret->addr);
}

static int read_members(struct inventory_reader *reader, struct inventory_field field,
			struct world *world)
{
	struct inventory_place place = { NULL, field.key, 0 };
	size_t n;
	int r = inventory_list(reader, field, LIMIT_MEMBERS, &n);

	if (r)
		return r;
	struct world_member *items = arena_alloc(reader->arena, n * sizeof(*items));
	if (!items)
		return -ENOMEM;
	for (const cJSON *item = n ? field.value->child : NULL; item; item = item->next) {
		r = read_member(reader, item, &place, &items[place.index]);
		if (r)
			return r;
		place.index++;
	}
	world->members = items;
	world->n_members = world_sort_members(items, n);
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
		HOSTS,
		IPTABLES,
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
		[HOSTS] = { NULL, "hosts", NULL },
		[IPTABLES] = { NULL, "iptables", NULL },
		[IP6TABLES] = { NULL, "ip6tables", NULL },
		[PROXY] = { NULL, "userland_proxy", NULL },
		[DOCKER_DNS] = { NULL, "docker_dns", NULL },
		[ENGINE] = { NULL, "engine", NULL },
	};
	int64_t version = 0;
	int r = inventory_fields(reader, json, f, N);

	if (r)
		return r;
	if (!json_integer(f[VERSION].value, 1, 1, &version))
		return inventory_fail(reader, f[VERSION], "must be 1");
	r = read_networks(reader, f[NETWORKS], world);
	if (!r)
		r = inventory_read_containers(reader, f[CONTAINERS], world);
	if (!r)
		r = inventory_addresses(reader, f[RESOLVERS], &world->resolvers,
					&world->n_resolvers);
	if (!r)
		r = read_host_addresses(reader, f[HOST], world);
	if (!r)
		r = read_members(reader, f[HOSTS], world);
	if (!r)
		r = inventory_is_off(reader, f[IPTABLES], &world->unfiltered[0]);
	if (!r)
		r = inventory_is_off(reader, f[IP6TABLES], &world->unfiltered[1]);
	if (!r)
		r = inventory_is_off(reader, f[PROXY], &world->no_proxy);
	if (!r)
		r = inventory_bool(reader, f[DOCKER_DNS], false, &world->dns_by_docker);
	if (!r)
		r = inventory_text_or_null(reader, f[ENGINE], &world->engine);
	return r;
}

static size_t line_of(const char *bytes, size_t offset, size_t len)
{
	size_t line = 1;

	for (size_t i = 0; i < offset && i < len; i++)
		line += bytes[i] == '\n';
	return line;
}

/* The containers are most of a file, so they are read one by one: what is left without them is a
 * small tree. */
static int read_document(struct inventory_reader *reader, struct json_span all, struct world *world)
{
	CLEANUP(text_done) struct text rest = { 0 };
	struct json_span list;

	if (json_find_value(all, "containers", &list) && *list.bytes == '[') {
		reader->containers = (struct json_elements){ list.bytes, list.len, 0 };
		text_add_n(&rest, all.bytes, (size_t)(list.bytes - all.bytes));
		text_add(&rest, "[]");
		all.len -= (size_t)(list.bytes - all.bytes) + list.len;
		all.bytes = list.bytes + list.len;
	}
	text_add_n(&rest, all.bytes, all.len);
	if (text_failed(&rest))
		return -ENOMEM;
	CLEANUP(json_freep) cJSON *json = json_parse(text_str(&rest), rest.len, NULL);
	if (!json)
		return errno == ENOMEM ? -ENOMEM : WORLD_E_INVALID;
	return read_top(reader, json, world);
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
	int r = why ? WORLD_E_INVALID
		    : read_document(&reader, (struct json_span){ bytes, len }, world);
	if (r <= 0) {
		*ret = r < 0 ? *ret : world;
		return r;
	}
	/* That something is no JSON is said before all else, and where. */
	CLEANUP(json_freep) cJSON *json = why ? NULL : json_parse(bytes, len, &offset);
	*error = json && reader.error
			 ? reader.error
			 : arena_printf(arena, "line %zu: %s", line_of(bytes, offset, len),
					why ? why : "not JSON");
	return *error ? WORLD_E_INVALID : -ENOMEM;
}
