/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One container of an inventory: its endpoints, labels and published ports. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/limits.h"
#include "core/world/inventory-read.h"

static int by_id(const void *id, const void *item)
{
	const struct world_network *const *network = item;

	return strcmp(id, (*network)->id);
}

/* By name, or else by id; -1: there is none. */
static int find_network(const struct inventory_reader *reader, const struct world *world,
			const char *name)
{
	int at = world_find_network(world, name);

	if (at >= 0 || world->n_networks == 0)
		return at;
	const struct world_network **found =
		bsearch(name, reader->networks_by_id, world->n_networks,
			sizeof(*reader->networks_by_id), by_id);
	return found ? (int)(*found - world->networks) : -1;
}

static int read_network_ref(struct inventory_reader *reader, struct inventory_field field,
			    const struct world *world, uint32_t *ret)
{
	const char *name;
	int r = inventory_text(reader, field, NULL, &name);

	if (r)
		return r;
	int at = find_network(reader, world, name);
	if (at < 0)
		return inventory_fail(reader, field, "no network of that name");
	size_t i = (size_t)at;
	if (i + 1 < world->n_networks && strcmp(world->networks[i].name, name) == 0 &&
	    strcmp(world->networks[i + 1].name, name) == 0)
		return inventory_fail(reader, field, "two networks have that name, give the id");
	*ret = (uint32_t)at;
	return 0;
}

static int read_mac(struct inventory_reader *reader, struct inventory_field field,
		    struct mac_addr *ret)
{
	const char *text = cJSON_GetStringValue(field.value);

	if (!field.value)
		return 0;
	if (!text || mac_parse(text, ret) < 0)
		return inventory_fail(reader, field, "not a MAC address");
	if (ret->bytes[0] & 1)
		return inventory_fail(reader, field, "a multicast address");
	return 0;
}

static int read_listed_address(struct inventory_reader *reader, struct inventory_field field,
			       enum ip_family family, struct ip_addr *ret)
{
	int r = inventory_address(reader, field, family, ret);

	if (r)
		return r;
	if (ret->family != IP_NONE && !world_address_possible(ret))
		return inventory_fail(reader, field, "no container can have that address");
	return 0;
}

static int read_listed_endpoint(struct inventory_reader *reader, const cJSON *json,
				const struct inventory_place *place, const struct world *world,
				struct world_endpoint *ret)
{
	enum { NETWORK, IPV4, IPV6, MAC, PRIORITY, N };
	struct inventory_field f[N] = {
		[NETWORK] = { place, "network", NULL },
		[IPV4] = { place, "ipv4", NULL },
		[IPV6] = { place, "ipv6", NULL },
		[MAC] = { place, "mac", NULL },
		[PRIORITY] = { place, "gw_priority", NULL },
	};
	int64_t priority = 0;
	int r = inventory_fields(reader, json, f, N);

	if (!r)
		r = read_network_ref(reader, f[NETWORK], world, &ret->network);
	if (!r)
		r = read_listed_address(reader, f[IPV4], IP_V4, &ret->ipv4);
	if (!r)
		r = read_listed_address(reader, f[IPV6], IP_V6, &ret->ipv6);
	if (!r)
		r = read_mac(reader, f[MAC], &ret->mac);
	if (!r && f[PRIORITY].value &&
	    !json_integer(f[PRIORITY].value, INT32_MIN, INT32_MAX, &priority))
		return inventory_fail(reader, f[PRIORITY], "must be a number");
	ret->gw_priority = (int32_t)priority;
	return r;
}

static int compare_listed_endpoints(const void *left, const void *right)
{
	const struct world_endpoint *a = left, *b = right;

	return (a->network > b->network) - (a->network < b->network);
}

static int read_listed_endpoints(struct inventory_reader *reader, struct inventory_field field,
				 const struct world *world, struct inventory_container *ret)
{
	struct inventory_place place = { field.place, field.key, 0 };
	size_t n;
	int r = inventory_list(reader, field, INVENTORY_MOST_ITEMS, &n);

	if (r)
		return r;
	struct world_endpoint *items = arena_alloc(reader->arena, n * sizeof(*items));
	if (!items)
		return -ENOMEM;
	for (const cJSON *item = n ? field.value->child : NULL; item; item = item->next) {
		r = read_listed_endpoint(reader, item, &place, world, &items[place.index]);
		if (r)
			return r;
		place.index++;
	}
	if (n > 1)
		qsort(items, n, sizeof(*items), compare_listed_endpoints);
	for (size_t i = 1; i < n; i++)
		if (items[i].network == items[i - 1].network)
			return inventory_fail(reader, field, "two on one network");
	ret->endpoints = items;
	ret->n_endpoints = n;
	return 0;
}

static int read_listed_labels(struct inventory_reader *reader, struct inventory_field field,
			      struct world_container *container)
{
	size_t n = 0;

	if (field.value && !cJSON_IsObject(field.value))
		return inventory_fail(reader, field, "must be an object");
	for (const cJSON *item = field.value ? field.value->child : NULL; item; item = item->next)
		n++;
	struct world_label *labels = arena_alloc(reader->arena, n * sizeof(*labels));
	if (!labels)
		return -ENOMEM;
	n = 0;
	for (const cJSON *item = field.value ? field.value->child : NULL; item; item = item->next) {
		const char *value = cJSON_GetStringValue(item);
		if (!value && !cJSON_IsNull(item))
			return inventory_fail(reader, field, "values must be text");
		struct world_label label = { .key = arena_strdup(reader->arena, item->string),
					     .value = value ? arena_strdup(reader->arena, value)
							    : NULL };
		if (!label.key || (value && !label.value))
			return -ENOMEM;
		labels[n++] = label;
	}
	if (n > 1)
		qsort(labels, n, sizeof(*labels), world_compare_labels);
	for (size_t i = 1; i < n; i++)
		if (strcmp(labels[i - 1].key, labels[i].key) == 0)
			return inventory_fail(reader, field, "a key is given twice");
	container->labels = labels;
	container->n_labels = n;
	return 0;
}

/* Keys of labels that are there. */
static int read_origins(struct inventory_reader *reader, struct inventory_field field,
			enum world_origin origin, struct world_container *container)
{
	size_t n;
	int r = inventory_list(reader, field, INVENTORY_MOST_ITEMS, &n);

	if (r || n == 0)
		return r;
	struct world_label *labels =
		arena_dup(reader->arena, container->labels, container->n_labels * sizeof(*labels));
	if (!labels)
		return -ENOMEM;
	container->labels = labels;
	for (const cJSON *item = n ? field.value->child : NULL; item; item = item->next) {
		const char *key = cJSON_GetStringValue(item);
		const struct world_label *label = key ? world_find_label(container, key) : NULL;
		if (!label)
			return inventory_fail(reader, field, "no key of its labels");
		labels[label - container->labels].origin = origin;
	}
	return 0;
}

static int read_published_entry(struct inventory_reader *reader, const cJSON *json,
				const struct inventory_place *place, struct world_published *ret)
{
	enum { HOST_IP, HOST_PORT, PORT, N };
	struct inventory_field f[N] = {
		[HOST_IP] = { place, "host_ip", NULL },
		[HOST_PORT] = { place, "host_port", NULL },
		[PORT] = { place, "port", NULL },
	};
	int r = inventory_fields(reader, json, f, N);
	const char *port = cJSON_GetStringValue(f[PORT].value);
	int64_t host_port = 0;

	if (!r)
		r = inventory_address(reader, f[HOST_IP], IP_NONE, &ret->host_ip);
	if (r)
		return r;
	if (ret->host_ip.family == IP_NONE)
		ret->host_ip.family = IP_V4; /* 0.0.0.0, Docker's own default */
	if (f[HOST_PORT].value && !json_integer(f[HOST_PORT].value, 0, 65535, &host_port))
		return inventory_fail(reader, f[HOST_PORT], "must be a number from 0 to 65535");
	if (!port || port_range_parse(port, &ret->port) < 0 ||
	    !proto_has_ports((enum ip_proto)ret->port.proto) || ret->port.lo != ret->port.hi)
		return inventory_fail(reader, f[PORT], "must be one port, like \"80/tcp\"");
	ret->host_port = (uint16_t)host_port;
	return 0;
}

static int read_published(struct inventory_reader *reader, struct inventory_field field,
			  struct world_container *container)
{
	struct inventory_place place = { field.place, field.key, 0 };
	size_t n;
	int r = inventory_list(reader, field, LIMIT_COMPOSE_PORTS, &n);

	if (r)
		return r;
	struct world_published *items = arena_alloc(reader->arena, n * sizeof(*items));
	if (!items)
		return -ENOMEM;
	for (const cJSON *item = n ? field.value->child : NULL; item; item = item->next) {
		r = read_published_entry(reader, item, &place, &items[place.index]);
		if (r)
			return r;
		place.index++;
	}
	container->published = items;
	container->n_published = world_sort_published(items, n);
	return 0;
}

static uint32_t find_trait(const char *name)
{
	enum world_trait trait;
	const char *known;

	for (size_t i = 0; name && (known = world_trait_name(i, &trait)); i++)
		if (strcmp(known, name) == 0)
			return trait;
	return 0;
}

/* An inventory without them does not know them: that is said by `inspected`. */
static int read_traits(struct inventory_reader *reader, struct inventory_field field,
		       struct world_container *container)
{
	size_t n;
	int r = inventory_list(reader, field, INVENTORY_MOST_ITEMS, &n);

	if (r)
		return r;
	for (const cJSON *item = n ? field.value->child : NULL; item; item = item->next) {
		uint32_t trait = find_trait(cJSON_GetStringValue(item));
		if (!trait)
			return inventory_fail(reader, field, "no trait of a container");
		container->traits |= trait;
	}
	container->inspected = field.value;
	if (strcmp(container->network_mode, "host") == 0)
		container->traits |= WORLD_HOST_NETWORK;
	return 0;
}

/* The members of a container, in the order in which they are read. */
enum container_member {
	ID,
	NAME,
	KIND,
	IMAGE,
	IMAGE_ID,
	DIGESTS,
	MODE,
	KNOWN,
	FLAW,
	TRAITS,
	POSTURE,
	LABELS,
	CUT,
	FROM_IMAGE,
	UNTOLD,
	DNS,
	ENDPOINTS,
	PUBLISHED,
	N_MEMBERS
};

static int read_labels_and_origins(struct inventory_reader *reader, const struct inventory_field *f,
				   struct world_container *facts)
{
	int r = read_listed_labels(reader, f[LABELS], facts);

	if (!r)
		r = inventory_bool(reader, f[CUT], false, &facts->labels_cut);
	if (!r)
		r = read_origins(reader, f[FROM_IMAGE], WORLD_IMAGE, facts);
	return r ? r : read_origins(reader, f[UNTOLD], WORLD_UNTOLD, facts);
}

static int read_listed_kind(struct inventory_reader *reader, struct inventory_field field,
			    enum world_kind *ret)
{
	const char *name = world_kind_name(WORLD_CONTAINER);
	int r = inventory_text(reader, field, name, &name);

	*ret = r ? WORLD_CONTAINER : world_find_kind(name);
	if (*ret > WORLD_OTHER)
		return inventory_fail(reader, field, "must be container, build, ingress or other");
	return r;
}

static int read_identity(struct inventory_reader *reader, const struct inventory_field *f,
			 struct world_container *facts)
{
	int r = inventory_text(reader, f[NAME], NULL, &facts->name);

	if (!r)
		r = read_listed_kind(reader, f[KIND], &facts->kind);
	if (!r)
		r = inventory_id(reader, f[ID], facts->name, facts->id);
	if (!r)
		r = inventory_text(reader, f[IMAGE], "", &facts->image);
	if (!r)
		r = inventory_text(reader, f[MODE], "", &facts->network_mode);
	if (!r)
		r = inventory_bool(reader, f[KNOWN], true, &facts->known);
	if (!r)
		r = inventory_text_or_null(reader, f[FLAW], &facts->flaw);
	facts->known &= !facts->flaw;
	return r;
}

int inventory_read_container(struct inventory_reader *reader, const cJSON *json,
			     const struct inventory_place *place, const struct world *world,
			     struct inventory_container *ret)
{
	struct inventory_field f[N_MEMBERS] = {
		[ID] = { place, "id", NULL },
		[NAME] = { place, "name", NULL },
		[KIND] = { place, "kind", NULL },
		[IMAGE] = { place, "image", NULL },
		[IMAGE_ID] = { place, "image_id", NULL },
		[DIGESTS] = { place, "image_digests", NULL },
		[MODE] = { place, "network_mode", NULL },
		[KNOWN] = { place, "known", NULL },
		[FLAW] = { place, "flaw", NULL },
		[TRAITS] = { place, "traits", NULL },
		[POSTURE] = { place, "posture", NULL },
		[LABELS] = { place, "labels", NULL },
		[CUT] = { place, "labels_cut", NULL },
		[FROM_IMAGE] = { place, "image_labels", NULL },
		[UNTOLD] = { place, "untold_labels", NULL },
		[DNS] = { place, "dns", NULL },
		[ENDPOINTS] = { place, "endpoints", NULL },
		[PUBLISHED] = { place, "published", NULL },
	};
	struct world_container *facts = ret->facts;
	int r = inventory_fields(reader, json, f, N_MEMBERS);

	if (!r)
		r = read_identity(reader, f, facts);
	if (!r)
		r = inventory_read_image(reader, f[IMAGE_ID], f[DIGESTS], ret);
	if (!r)
		r = read_traits(reader, f[TRAITS], facts);
	if (!r)
		r = inventory_read_posture(reader, f[POSTURE], &facts->posture);
	if (!r)
		r = read_labels_and_origins(reader, f, facts);
	if (!r)
		r = inventory_addresses(reader, f[DNS], &facts->dns, &facts->n_dns);
	if (!r)
		r = read_published(reader, f[PUBLISHED], facts);
	return r ? r : read_listed_endpoints(reader, f[ENDPOINTS], world, ret);
}
