/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ports that are new, gone or others since the compilation before, and what they have in the sets.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/compile/elements.h"
#include "core/compile/renew.h"

/* ---- which ports are touched ---- */

/* The first bytes of the keys of a port: its name, filled up with zeroes. */
struct port_name {
	uint8_t bytes[WORLD_IFNAME_LEN];
};
typedef VEC(struct port_name) port_names;

static bool is_at(const struct mac_place *place, const struct mac_addr *mac, const char *bridge)
{
	return memcmp(&place->mac, mac, sizeof(*mac)) == 0 && strcmp(place->bridge, bridge) == 0;
}

static struct mac_place *find_place(struct again *a, const struct mac_addr *mac, const char *bridge)
{
	uint8_t last = mac->bytes[5];

	if (!(a->macs_seen[last / 64] & UINT64_C(1) << last % 64)) /* most */
		return NULL;
	for (size_t i = 0; i < a->places.n; i++)
		if (is_at(&a->places.items[i], mac, bridge))
			return &a->places.items[i];
	return NULL;
}

int renew_touch_place(struct again *a, const struct mac_addr *mac, const char *bridge)
{
	const struct mac_place place = { .mac = *mac, .bridge = bridge };
	uint8_t last = mac->bytes[5];

	if (mac_is_zero(mac) || find_place(a, mac, bridge))
		return 0;
	a->macs_seen[last / 64] |= UINT64_C(1) << last % 64;
	if (a->places.n >= 2 * RENEW_MOST)
		return 1;
	return VEC_PUSH(a->e.arena, &a->places, place);
}

static bool same_port(const struct world_port *a, const struct world_port *b)
{
	return strcmp(a->bridge, b->bridge) == 0 && a->kind == b->kind && a->since == b->since &&
	       a->owner == b->owner && memcmp(&a->peer_mac, &b->peer_mac, sizeof(a->peer_mac)) == 0;
}

static int add_name(struct again *a, port_names *names, const char *ifname)
{
	struct port_name name = { 0 };

	memcpy(name.bytes, ifname, strnlen(ifname, sizeof(name.bytes) - 1));
	return VEC_PUSH(a->e.arena, names, name);
}

/* Both lists are in the order of their names. */
static int compare(struct again *a, port_names *names)
{
	const struct world *old = a->old, *new = a->new;
	int r = 0;

	for (size_t i = 0, j = 0; r == 0 && (i < old->n_ports || j < new->n_ports);) {
		const struct world_port *was = &old->ports[i], *is = &new->ports[j];
		int order = i == old->n_ports	? 1
			    : j == new->n_ports ? -1
						: strcmp(was->ifname, is->ifname);
		bool same = order == 0 && same_port(was, is);
		if (order <= 0)
			a->moved[i++] = order == 0 ? (uint32_t)j : RENEW_GONE;
		if (!same && order <= 0)
			r = renew_touch_place(a, &was->peer_mac, was->bridge);
		if (!same && order >= 0 && r == 0)
			r = renew_touch_place(a, &is->peer_mac, is->bridge);
		if (order >= 0)
			a->touched[j++] = !same;
		if (!same && r == 0)
			r = add_name(a, names, order <= 0 ? was->ifname : is->ifname);
		if (names->n > RENEW_MOST)
			return 1;
	}
	return r;
}

static int by_name(const void *left, const void *right)
{
	return memcmp(left, right, sizeof(struct port_name));
}

/* Those with the MAC and bridge of one that changed are judged anew with it. */
static int touch_ports_at_places(struct again *a, port_names *names)
{
	size_t before = names->n;

	for (size_t j = 0; j < a->new->n_ports; j++) {
		const struct world_port *port = &a->new->ports[j];
		struct mac_place *place = find_place(a, &port->peer_mac, port->bridge);
		if (!place)
			continue;
		place->n_ports++;
		place->port = (uint32_t)j;
		if (a->touched[j])
			continue;
		a->touched[j] = true;
		if (add_name(a, names, port->ifname) < 0)
			return -ENOMEM;
	}
	if (names->n > before)
		qsort(names->items, names->n, sizeof(*names->items), by_name);
	return names->n > RENEW_MOST ? 1 : 0;
}

int renew_compare_ports(struct again *a)
{
	port_names names = { 0 };

	a->moved = arena_alloc(a->e.arena, a->old->n_ports * sizeof(*a->moved));
	a->touched = arena_alloc(a->e.arena, a->new->n_ports * sizeof(*a->touched));
	if (!a->moved || !a->touched)
		return -ENOMEM;
	int r = compare(a, &names);
	if (r == 0)
		r = touch_ports_at_places(a, &names);
	a->names = (struct rs_prefixes){ (const uint8_t *)names.items, names.n,
					 sizeof(struct port_name) };
	return r;
}

/* ---- whose they are ---- */

static void move_ports(struct again *a)
{
	const struct world *world = a->new;

	for (uint32_t i = 0; i < world->n_endpoints; i++) {
		struct assignment *as = &a->own[i];
		const struct world_endpoint *endpoint = &world->endpoints[i];
		const struct world_port *port = compile_port(as);
		if (port) {
			uint32_t at = a->moved[port - a->old->ports];
			as->port = at == RENEW_GONE ? NULL : world->ports[at].ifname;
		}
		struct mac_place *place =
			as->kind == ASSIGN_UNMANAGED
				? NULL
				: find_place(a, &endpoint->mac,
					     world->networks[endpoint->network].bridge);
		if (!place)
			continue;
		place->n_endpoints++;
		place->endpoint = i;
		as->port = NULL;
		as->stale = false;
	}
}

/* As bind_bridge_ports() of assign.c does: one of each, and Docker's word is younger. */
static void bind_places(struct again *a, struct port_facts *facts)
{
	for (size_t j = 0; j < a->new->n_ports; j++)
		if (a->touched[j])
			facts[j] = emit_look_at_port(&a->e, &a->new->ports[j]);
	for (size_t i = 0; i < a->places.n; i++) {
		const struct mac_place *place = &a->places.items[i];
		if (place->n_ports != 1 || place->n_endpoints != 1)
			continue;
		const struct world_port *port = &a->new->ports[place->port];
		struct assignment *as = &a->own[place->endpoint];
		bool right = world_port_is_explained(port, &a->new->endpoints[place->endpoint]);
		as->port = right ? port->ifname : NULL;
		as->stale = !right;
		if (right)
			emit_plug_in(&a->e, place->endpoint, &facts[place->port]);
	}
}

/* ---- the sets ---- */

static enum rs_family family_of(size_t set)
{
	return set == PORT_SET_INET ? RS_INET : RS_BRIDGE;
}

static int own_sets(struct again *a)
{
	struct emit *e = &a->e;
	size_t n = emit_n_port_sets(e);

	e->port_sets = arena_alloc(e->arena, n * sizeof(*e->port_sets));
	if (!e->port_sets)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		struct rs_set *set = a->parts->port_sets[i];
		if (!set)
			continue;
		e->port_sets[i] = ruleset_own_set(e->rs, family_of(i), set, &a->names);
		if (!e->port_sets[i])
			return -ENOMEM;
	}
	return 0;
}

static int settle_sets(const struct emit *e)
{
	int r = 0;

	for (size_t i = 0; i < emit_n_port_sets(e) && r == 0; i++)
		if (e->port_sets[i])
			r = ruleset_settle_set(e->rs, family_of(i), e->port_sets[i]);
	return r;
}

int renew_ports(struct again *a)
{
	struct emit *e = &a->e;
	struct port_facts *facts = arena_alloc(e->arena, a->new->n_ports * sizeof(*facts));

	if (!facts || own_sets(a) < 0)
		return -ENOMEM;
	move_ports(a);
	bind_places(a, facts);
	for (size_t j = 0; j < a->new->n_ports && !e->err; j++)
		if (a->touched[j])
			emit_port(e, &a->new->ports[j], &facts[j]);
	return e->err ? e->err : settle_sets(e);
}
