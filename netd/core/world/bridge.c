/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whose a bridge of the host is. What no fact names is closed where an engine may have made it, and
 * left alone where its name or its ports say that somebody else did. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/world/facts.h"
#include "core/world/store.h"

static const char *const kind_names[] = {
	[WORLD_BRIDGE_FOREIGN] = "foreign",
	[WORLD_BRIDGE_MANAGED] = "managed",
	[WORLD_BRIDGE_UNCLAIMED] = "unclaimed",
	[WORLD_BRIDGE_UNDECIDED] = "undecided",
};

const char *world_bridge_kind_name(enum world_bridge_kind kind)
{
	return kind_names[kind];
}

/* ---- names ---- */

bool world_bridge_is_engines(const char *name)
{
	static const char prefix[] = "br-";
	size_t digits = 0;

	if (strcmp(name, "docker0") == 0 || strcmp(name, "docker_gwbridge") == 0 ||
	    text_begins(name, "podman"))
		return true;
	if (!text_begins(name, prefix))
		return false;
	name += strlen(prefix);
	digits = strspn(name, "0123456789abcdef");
	return digits == 12 && name[digits] == '\0';
}

/* libvirt, LXD, LXC, Incus, CNI, Proxmox, Xen: they do not share theirs with Docker. */
static bool is_others(const char *name)
{
	static const char *const prefixes[] = { "virbr", "lxdbr", "lxcbr", "incusbr",
						"cni",	 "cbr",	  "vmbr",  "xenbr" };

	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
		if (text_begins(name, prefixes[i]))
			return true;
	return false;
}

/* ---- ports ---- */

/* An engine's own bridge is no place to plug other cables into: on it, a veth by another name is
 * somebody's container as well. */
static bool is_containers(const char *bridge, const struct world_port *port)
{
	return port->kind == WORLD_PORT_CONTAINER ||
	       (port->kind == WORLD_PORT_CABLE && world_bridge_is_engines(bridge));
}

bool world_port_is_judged(const struct world_bridge *bridge, const struct world_port *port)
{
	return !bridge || is_containers(bridge->name, port);
}

/* ---- what the host says ---- */

static int by_bridge_name(const void *left, const void *right)
{
	const struct store_bridge *a = left, *b = right;

	return strcmp(a->facts.name, b->facts.name);
}

static const struct store_bridge *find_same(const struct world_store *store,
					    const struct world_bridge *bridge)
{
	for (size_t i = 0; i < store->n_bridges; i++)
		if (store->bridges[i].facts.ifindex == bridge->ifindex &&
		    strcmp(store->bridges[i].facts.name, bridge->name) == 0)
			return &store->bridges[i];
	return NULL;
}

static int bridge_of_port(const void *key, const void *item)
{
	const struct store_bridge *bridge = item;

	return strcmp(key, bridge->facts.name);
}

static void count_ports(const struct world_store *store, struct store_bridge *bridges, size_t n)
{
	for (size_t i = 0; n && i < store->n_ports; i++) {
		const struct world_port *port = &store->ports[i];
		struct store_bridge *bridge =
			bsearch(port->bridge, bridges, n, sizeof(*bridges), bridge_of_port);
		if (!bridge)
			continue;
		bool container = is_containers(port->bridge, port);
		bridge->has_container |= container;
		bridge->has_other |= !container;
	}
}

static bool same_altnames(const struct world_store *store, const struct world_bridges *bridges)
{
	return store->n_altnames == bridges->n_altnames &&
	       (store->n_altnames == 0 ||
		memcmp(store->altnames, bridges->altnames,
		       store->n_altnames * sizeof(*store->altnames)) == 0);
}

int world_store_set_bridges(struct world_store *store, const struct world_bridges *bridges)
{
	struct store_bridge *items = calloc(bridges->n + 1, sizeof(*items));
	struct world_altname *altnames = calloc(bridges->n_altnames + 1, sizeof(*altnames));

	if (!same_altnames(store, bridges)) /* Docker's networks may be named by them */
		store_changes(store);
	if (!items || !altnames) {
		free(items);
		free(altnames);
		return -ENOMEM;
	}
	for (size_t i = 0; i < bridges->n; i++) {
		const struct store_bridge *same = find_same(store, &bridges->items[i]);
		items[i].asking = same && same->asking;
		items[i].asked = same && same->asked;
		items[i].facts = bridges->items[i];
	}
	if (bridges->n)
		qsort(items, bridges->n, sizeof(*items), by_bridge_name);
	count_ports(store, items, bridges->n);
	for (size_t i = 0; i < bridges->n_altnames; i++)
		altnames[i] = bridges->altnames[i];
	free(store->bridges);
	free(store->altnames);
	store->bridges = items;
	store->n_bridges = bridges->n;
	store->altnames = altnames;
	store->n_altnames = bridges->n_altnames;
	return store_set_parents(store, bridges->parents, bridges->n_parents);
}

/* ---- what Docker says ---- */

void world_store_reading_begins(struct world_store *store)
{
	store->reading = store->moment;
	for (size_t i = 0; i < store->n_bridges; i++)
		store->bridges[i].asking = store->bridges[i].has_container;
}

void world_store_reading_ended(struct world_store *store)
{
	store->read = store->reading;
	for (size_t i = 0; i < store->n_bridges; i++) {
		store->bridges[i].asked |= store->bridges[i].asking;
		store->bridges[i].asking = false;
	}
}

/* The kernel takes any bytes, JSON only letters: Docker shows such a name as another one. */
static bool can_be_named(const char *name)
{
	size_t len = strlen(name), step = 1;

	for (size_t at = 0; at < len && step; at += step)
		step = text_utf8_len(name + at, len - at);
	return step && world_ifname_valid(name);
}

/* But for what networks name. Where Docker cannot name it, nobody knows that it is not Docker's. */
static enum world_bridge_kind kind_without_name(const struct store_bridge *bridge)
{
	const char *name = bridge->facts.name;

	if (world_bridge_is_engines(name))
		return WORLD_BRIDGE_UNCLAIMED;
	if (is_others(name) || bridge->has_other || !bridge->has_container)
		return WORLD_BRIDGE_FOREIGN;
	if (!can_be_named(name))
		return WORLD_BRIDGE_UNCLAIMED;
	return bridge->asked ? WORLD_BRIDGE_FOREIGN : WORLD_BRIDGE_UNDECIDED;
}

/* A container is on it, and Docker was not asked since whose it is. Also where its name says enough
 * to close it: the event that told of its network may be lost. */
static bool awaits_answer(const struct store_bridge *bridge)
{
	enum world_bridge_kind kind = kind_without_name(bridge);

	return bridge->has_container && !bridge->asked && !bridge->asking &&
	       (kind == WORLD_BRIDGE_UNDECIDED || kind == WORLD_BRIDGE_UNCLAIMED);
}

bool world_store_must_ask(const struct world_store *store)
{
	for (size_t i = 0; i < store->n_bridges; i++)
		if (awaits_answer(&store->bridges[i]) &&
		    !store_names_bridge(store, store->bridges[i].facts.name))
			return true;
	return false;
}

/* ---- snapshots ---- */

static const char *bridge_name_of(const struct world_store *store, const char *bridge)
{
	for (size_t i = 0; i < store->n_altnames; i++)
		if (strcmp(store->altnames[i].name, bridge) == 0)
			return store->altnames[i].bridge;
	return bridge;
}

bool store_names_bridge(const struct world_store *store, const char *bridge)
{
	for (size_t i = 0; i < store->networks.n; i++) {
		const struct store_network *network =
			(const struct store_network *)store->networks.by_name[i];
		if (world_network_is_managed(&network->facts) &&
		    strcmp(bridge_name_of(store, network->facts.bridge), bridge) == 0)
			return true;
	}
	return false;
}

void store_name_bridges(const struct world_store *store, struct world_network *networks, size_t n)
{
	for (size_t i = 0; i < n && store->n_altnames; i++) {
		const char *name = bridge_name_of(store, networks[i].bridge);
		if (name != networks[i].bridge)
			memcpy(networks[i].bridge, name, sizeof(networks[i].bridge));
	}
}

static int bridge_against_name(const void *key, const void *item)
{
	const struct world_bridge *bridge = item;

	return strcmp(key, bridge->name);
}

const struct world_bridge *world_find_bridge(const struct world *world, const char *name)
{
	if (world->n_bridges == 0)
		return NULL;
	return bsearch(name, world->bridges, world->n_bridges, sizeof(*world->bridges),
		       bridge_against_name);
}

int store_copy_bridges(const struct world_store *store, struct arena *arena, struct world *world)
{
	size_t n = store->n_bridges;
	struct world_bridge *bridges = arena_alloc(arena, n * sizeof(*bridges));

	if (!bridges)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const struct store_bridge *from = &store->bridges[i];
		bridges[i] = from->facts;
		bridges[i].kind = kind_without_name(from);
		bridges[i].asked = from->asked;
		bridges[i].shared = from->has_other;
	}
	for (size_t i = 0; n && i < world->n_networks; i++) {
		struct world_bridge *named = bsearch(world->networks[i].bridge, bridges, n,
						     sizeof(*bridges), bridge_against_name);
		if (named && world_network_is_managed(&world->networks[i]))
			named->kind = WORLD_BRIDGE_MANAGED;
	}
	world->bridges = bridges;
	world->n_bridges = n;
	return 0;
}

bool world_bridge_is_closed(const struct world_bridge *bridge)
{
	return bridge->kind == WORLD_BRIDGE_UNCLAIMED || bridge->kind == WORLD_BRIDGE_UNDECIDED;
}
