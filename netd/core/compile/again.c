/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/compile/again.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/compile/emit.h"

/* Above this many ports the whole is as quick. */
#define MOST_TOUCHED 64u
#define GONE UINT32_MAX

/* ---- whether anything else is as it was ---- */

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_bridges(const struct world *a, const struct world *b)
{
	if (a->n_bridges != b->n_bridges)
		return false;
	for (size_t i = 0; i < a->n_bridges; i++) {
		const struct world_bridge *one = &a->bridges[i], *other = &b->bridges[i];
		if (strcmp(one->name, other->name) != 0 || one->kind != other->kind ||
		    one->stacked != other->stacked || one->shared != other->shared ||
		    memcmp(&one->mac, &other->mac, sizeof(one->mac)) != 0)
			return false;
	}
	return true;
}

static bool same_parents(const struct world *a, const struct world *b)
{
	if (a->n_parents != b->n_parents)
		return false;
	for (size_t i = 0; i < a->n_parents; i++)
		if (strcmp(a->parents[i].name, b->parents[i].name) != 0 ||
		    a->parents[i].ifindex != b->parents[i].ifindex)
			return false;
	return true;
}

static bool same_addresses(const struct ip_addr *a, size_t n_a, const struct ip_addr *b, size_t n_b)
{
	return n_a == n_b && (n_a == 0 || memcmp(a, b, n_a * sizeof(*a)) == 0);
}

static bool same_world_but_ports(const struct world *a, const struct world *b)
{
	return a->records && a->records == b->records && a->containers == b->containers &&
	       a->reports == b->reports && a->awaits_reports == b->awaits_reports &&
	       a->members == b->members &&
	       memcmp(a->unfiltered, b->unfiltered, sizeof(a->unfiltered)) == 0 &&
	       a->no_proxy == b->no_proxy && a->dns_by_docker == b->dns_by_docker &&
	       same_text(a->engine, b->engine) &&
	       same_addresses(a->resolvers, a->n_resolvers, b->resolvers, b->n_resolvers) &&
	       same_addresses(a->host_addrs, a->n_host_addrs, b->host_addrs, b->n_host_addrs) &&
	       same_bridges(a, b) && same_parents(a, b);
}

/* No rule has ended or begun in between, and no report has become too old. */
static bool same_rules(const struct compile_before *before, const struct compile_input *in)
{
	int64_t next = before->output->next_change;

	return before->in->policy == in->policy && in->now >= before->in->now &&
	       (next == 0 || in->now < next);
}

static bool same_but_ports(const struct compile_input *a, const struct compile_input *b)
{
	return !a->assignments && !b->assignments && (a->stamp == 0) == (b->stamp == 0) &&
	       a->mark_bit == b->mark_bit && a->log_group == b->log_group &&
	       same_world_but_ports(a->world, b->world);
}

/* ---- which ports are touched ---- */

/* A MAC on a bridge. */
struct mac_place {
	struct mac_addr mac;
	const char *bridge;
	size_t n_ports, n_endpoints; /* that have it */
	uint32_t port, endpoint;     /* the last of them */
};

struct again {
	struct emit e;
	const struct world *old, *new;
	uint32_t *moved;	     /* per old port: its place now, or GONE */
	bool *touched;		     /* per new port */
	VEC(struct rs_prefix) names; /* of all that are touched, gone ones too; in order */
	VEC(struct mac_place) places;
	struct assignment *assignments;
};

static bool is_at(const struct mac_place *place, const struct mac_addr *mac, const char *bridge)
{
	return memcmp(&place->mac, mac, sizeof(*mac)) == 0 && strcmp(place->bridge, bridge) == 0;
}

static struct mac_place *find_place(struct again *a, const struct mac_addr *mac, const char *bridge)
{
	for (size_t i = 0; i < a->places.n; i++)
		if (is_at(&a->places.items[i], mac, bridge))
			return &a->places.items[i];
	return NULL;
}

static int add_place(struct again *a, const struct world_port *port)
{
	const struct mac_place place = { .mac = port->peer_mac, .bridge = port->bridge };

	if (mac_is_zero(&port->peer_mac) || find_place(a, &port->peer_mac, port->bridge))
		return 0;
	return VEC_PUSH(a->e.arena, &a->places, place);
}

static bool same_port(const struct world_port *a, const struct world_port *b)
{
	return strcmp(a->bridge, b->bridge) == 0 && a->kind == b->kind && a->since == b->since &&
	       a->owner == b->owner && memcmp(&a->peer_mac, &b->peer_mac, sizeof(a->peer_mac)) == 0;
}

/* Both lists are in the order of their names. */
static int compare_ports(struct again *a)
{
	const struct world *old = a->old, *new = a->new;
	int r = 0;

	for (size_t i = 0, j = 0; r == 0 && (i < old->n_ports || j < new->n_ports);) {
		const struct world_port *was = &old->ports[i], *is = &new->ports[j];
		int order = i == old->n_ports	? 1
			    : j == new->n_ports ? -1
						: strcmp(was->ifname, is->ifname);
		bool same = order == 0 && same_port(was, is);
		struct rs_prefix name = { 0 };
		if (order <= 0)
			a->moved[i++] = order == 0 ? (uint32_t)j : GONE;
		if (!same && order <= 0)
			r = add_place(a, was);
		if (!same && order >= 0 && r == 0)
			r = add_place(a, is);
		if (order >= 0)
			a->touched[j++] = !same;
		const char *ifname = order <= 0 ? was->ifname : is->ifname;
		memcpy(name.bytes, ifname, strnlen(ifname, sizeof(name.bytes) - 1));
		if (!same && r == 0)
			r = VEC_PUSH(a->e.arena, &a->names, name);
		if (a->names.n > MOST_TOUCHED)
			return 1;
	}
	return r;
}

static int by_name(const void *left, const void *right)
{
	return memcmp(left, right, sizeof(struct rs_prefix));
}

/* Those with the MAC and bridge of one that changed are judged anew with it. */
static int touch_places(struct again *a)
{
	size_t before = a->names.n;

	for (size_t j = 0; j < a->new->n_ports; j++) {
		const struct world_port *port = &a->new->ports[j];
		struct mac_place *place = find_place(a, &port->peer_mac, port->bridge);
		struct rs_prefix name = { 0 };
		if (!place)
			continue;
		place->n_ports++;
		place->port = (uint32_t)j;
		if (a->touched[j])
			continue;
		a->touched[j] = true;
		memcpy(name.bytes, port->ifname, strnlen(port->ifname, sizeof(name.bytes) - 1));
		if (VEC_PUSH(a->e.arena, &a->names, name) < 0)
			return -ENOMEM;
	}
	if (a->names.n > before)
		qsort(a->names.items, a->names.n, sizeof(*a->names.items), by_name);
	return a->names.n > MOST_TOUCHED ? 1 : 0;
}

/* ---- whose they are ---- */

static void move_assignments(struct again *a)
{
	const struct world *world = a->new;

	for (uint32_t i = 0; i < world->n_endpoints; i++) {
		struct assignment *as = &a->assignments[i];
		const struct world_endpoint *endpoint = &world->endpoints[i];
		const struct world_port *port = compile_port(as);
		if (port) {
			uint32_t at = a->moved[port - a->old->ports];
			as->port = at == GONE ? NULL : world->ports[at].ifname;
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
		struct assignment *as = &a->assignments[place->endpoint];
		bool right = world_port_is_explained(port, &a->new->endpoints[place->endpoint]);
		as->port = right ? port->ifname : NULL;
		as->stale = !right;
		if (right)
			emit_plug_in(&a->e, place->endpoint, &facts[place->port]);
	}
}

/* ---- the sets ---- */

static int own_sets(struct again *a, const struct emit *before)
{
	struct emit *e = &a->e;
	size_t n = emit_n_port_sets(e);

	e->port_sets = arena_alloc(e->arena, n * sizeof(*e->port_sets));
	if (!e->port_sets)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		struct rs_set *set = before->port_sets[i];
		if (!set)
			continue;
		e->port_sets[i] = ruleset_own_set(e->rs, i == PORT_SET_INET ? RS_INET : RS_BRIDGE,
						  set, a->names.items, a->names.n);
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
			r = ruleset_settle_set(e->rs, i == PORT_SET_INET ? RS_INET : RS_BRIDGE,
					       e->port_sets[i]);
	return r;
}

static int emit_touched(struct again *a)
{
	struct emit *e = &a->e;
	struct port_facts *facts = arena_alloc(e->arena, a->new->n_ports * sizeof(*facts));

	if (!facts)
		return -ENOMEM;
	move_assignments(a);
	bind_places(a, facts);
	for (size_t j = 0; j < a->new->n_ports && !e->err; j++)
		if (a->touched[j])
			emit_port(e, &a->new->ports[j], &facts[j]);
	return e->err ? e->err : settle_sets(e);
}

/* 1: it must be compiled as a whole. */
static int reuse(const struct compile_input *in, const struct compile_before *before,
		 struct arena *arena, struct compile_output *ret)
{
	const struct emit *parts = before->output->parts;
	struct again a = { .e = *parts, .old = before->in->world, .new = in->world };

	a.e.in = in;
	a.e.arena = arena;
	a.moved = arena_alloc(arena, a.old->n_ports * sizeof(*a.moved));
	a.touched = arena_alloc(arena, a.new->n_ports * sizeof(*a.touched));
	a.assignments = arena_dup(arena, before->output->assignments,
				  a.new->n_endpoints * sizeof(*a.assignments));
	a.e.assignments = a.assignments;
	a.e.rs = ruleset_again(before->output->ruleset, arena);
	if (!a.moved || !a.touched || !a.assignments || !a.e.rs || emit_find_bridges(&a.e) < 0)
		return -ENOMEM;
	int r = compare_ports(&a);
	if (r == 0)
		r = touch_places(&a);
	if (r == 0)
		r = own_sets(&a, parts);
	if (r == 0)
		r = emit_touched(&a);
	if (r != 0)
		return r;
	ruleset_set_stamp(a.e.rs, in->stamp);
	*ret = *before->output;
	ret->parts = arena_dup(arena, &a.e, sizeof(a.e));
	ret->ruleset = a.e.rs;
	ret->assignments = a.assignments;
	return ret->parts ? 0 : -ENOMEM;
}

/* In an arena of its own, which those who borrow from it keep. */
static int compile_base(const struct compile_input *in, struct arena *arena,
			struct compile_result *ret, const char **why)
{
	CLEANUP(arena_freep) struct arena *base = arena_new();
	int r = base ? arena_keep(arena, base) : -ENOMEM;

	if (r == 0 && in->world->records)
		r = arena_keep(base, in->world->records);
	if (r == 0)
		r = compile_ruleset(in, base, &ret->output, why);
	ret->base = base;
	ret->reused = false;
	return r;
}

int compile_again(const struct compile_input *in, const struct compile_before *before,
		  struct arena *arena, struct compile_result *ret, const char **why)
{
	int r = 1;

	*why = NULL;
	if (before && same_rules(before, in) && same_but_ports(before->in, in) &&
	    !before->output->parts->ignore) {
		r = arena_keep(arena, before->base);
		if (r == 0)
			r = reuse(in, before, arena, &ret->output);
		ret->base = before->base;
		ret->reused = true;
	}
	return r == 1 ? compile_base(in, arena, ret, why) : r;
}
