/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/plan/doubt.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/limits.h"
#include "core/plan/plan.h"

static int compare_subjects(const void *left, const void *right)
{
	const struct doubt *a = left, *b = right;

	if (a->is_port != b->is_port)
		return a->is_port ? -1 : 1;
	return (a->key > b->key) - (a->key < b->key);
}

void doubts_done(struct doubts *doubts)
{
	free(doubts->items);
	*doubts = (struct doubts){ 0 };
}

/* ---- what disagrees ---- */

struct found {
	struct doubt *items;
	size_t n, cap;
};

static int add(struct found *found, const struct doubt *doubt)
{
	if (found->n == LIMIT_DOUBTS)
		return 0;
	if (found->n == found->cap) {
		size_t cap = found->cap ? found->cap * 2 : 16;
		struct doubt *items = realloc(found->items, cap * sizeof(*items));
		if (!items)
			return -ENOMEM;
		found->items = items;
		found->cap = cap;
	}
	found->items[found->n++] = *doubt;
	return 0;
}

/* Ids are random numbers; where there is none, the MAC tells endpoints apart as well as it can. */
static uint64_t endpoint_key(const struct world_endpoint *endpoint)
{
	uint64_t key = 0;

	if (endpoint->id)
		return endpoint->id;
	memcpy(&key, endpoint->mac.bytes, sizeof(endpoint->mac.bytes));
	return key;
}

/* The first of the digits of its id, which are random, too. */
static uint64_t network_key(const struct world_network *network)
{
	char digits[2 * sizeof(uint64_t) + 1];

	(void)snprintf(digits, sizeof(digits), "%.16s", network->id);
	return strtoull(digits, NULL, 16);
}

static int add_endpoints(struct found *found, const struct world *world,
			 const struct assignment *assignments)
{
	int r = 0;

	for (size_t i = 0; i < world->n_endpoints && r == 0; i++) {
		const struct world_endpoint *endpoint = &world->endpoints[i];
		const struct world_container *container = &world->containers[endpoint->container];
		const struct world_network *network = &world->networks[endpoint->network];
		const struct assignment *as = &assignments[i];
		struct doubt doubt = { .kind = as->stale		 ? DOUBT_STALE
					       : compile_is_admitted(as) ? DOUBT_CONTAINER
									 : DOUBT_ENDPOINT,
				       .key = endpoint_key(endpoint) };
		if (as->kind == ASSIGN_UNMANAGED ||
		    (compile_is_admitted(as) && as->kind != ASSIGN_UNKNOWN))
			continue;
		doubt.noun = world_kind_noun(container->kind);
		memcpy(doubt.network, network->id, sizeof(doubt.network));
		if (container->kind == WORLD_CONTAINER) /* no list tells of sandboxes */
			memcpy(doubt.container, container->id, sizeof(doubt.container));
		memcpy(doubt.bridge, as->at_parent ? network->parent : network->bridge,
		       sizeof(doubt.bridge));
		(void)snprintf(doubt.subject, sizeof(doubt.subject), "%s", container->name);
		r = add(found, &doubt);
	}
	return r;
}

static const struct world_network *network_of(const struct world *world, const char *bridge)
{
	for (size_t i = 0; i < world->n_networks; i++)
		if (world_network_is_managed(&world->networks[i]) &&
		    strcmp(world->networks[i].bridge, bridge) == 0)
			return &world->networks[i];
	return NULL;
}

/* What a look at the ports has found out so far. */
struct port_look {
	const struct world *world;
	const struct assignment *assignments;
	bool *explained; /* per port */
	bool *is_taken;	 /* per endpoint: some other port is awaited for it */
};

/* Docker has told of an endpoint since the port came, and that has no port yet: before its far end
 * shows a MAC, the port may be its own. */
static bool take_waiting(struct port_look *look, const struct world_network *network,
			 const struct world_port *port)
{
	const struct world *world = look->world;
	size_t i = 0;

	if (!mac_is_zero(&port->peer_mac))
		return false;
	while (i < world->n_endpoints &&
	       (&world->networks[world->endpoints[i].network] != network ||
		look->assignments[i].port || look->is_taken[i] ||
		world->endpoints[i].asked < port->since))
		i++;
	if (i < world->n_endpoints)
		look->is_taken[i] = true;
	return i < world->n_endpoints;
}

static int add_port(struct found *found, struct port_look *look, const struct world_port *port)
{
	const struct world *world = look->world;
	const struct world_network *network = network_of(world, port->bridge);
	struct doubt doubt = { .kind = DOUBT_PORT,
			       .key = port->ifindex,
			       .is_port = true,
			       .has_mac = !mac_is_zero(&port->peer_mac) };

	if (!network || found->n == LIMIT_DOUBTS ||
	    !world_port_is_judged(world_find_bridge(world, port->bridge), port))
		return 0;
	doubt.is_awaited = take_waiting(look, network, port);
	memcpy(doubt.network, network->id, sizeof(doubt.network));
	memcpy(doubt.bridge, port->bridge, sizeof(doubt.bridge));
	memcpy(doubt.subject, port->ifname, sizeof(port->ifname));
	return add(found, &doubt);
}

static int add_ports(struct found *found, const struct world *world,
		     const struct assignment *assignments)
{
	struct port_look look = { world, assignments,
				  calloc(world->n_ports + 1, sizeof(*look.explained)),
				  calloc(world->n_endpoints + 1, sizeof(*look.is_taken)) };
	int r = look.explained && look.is_taken ? 0 : -ENOMEM;

	for (size_t i = 0; i < world->n_endpoints && r == 0; i++) {
		const struct world_port *port = compile_port(&assignments[i]);
		if (port)
			look.explained[port - world->ports] = true;
	}
	for (size_t i = 0; i < world->n_ports && r == 0; i++)
		if (!look.explained[i])
			r = add_port(found, &look, &world->ports[i]);
	free(look.explained);
	free(look.is_taken);
	return r;
}

/* Docker makes the bridge before it tells of the network, and takes it away a moment before it
 * tells of that. */
static int add_networks(struct found *found, const struct world *world)
{
	int r = 0;

	if (world_is_podman(world)) /* a bridge is there while a container is on it */
		return 0;
	for (size_t i = 0; i < world->n_networks && r == 0; i++) {
		const struct world_network *network = &world->networks[i];
		struct doubt doubt = { .kind = DOUBT_NETWORK, .key = network_key(network) };
		if (!world_network_is_managed(network) || world_find_bridge(world, network->bridge))
			continue;
		memcpy(doubt.network, network->id, sizeof(doubt.network));
		memcpy(doubt.bridge, network->bridge, sizeof(doubt.bridge));
		(void)snprintf(doubt.subject, sizeof(doubt.subject), "%s", network->name);
		r = add(found, &doubt);
	}
	return r;
}

/* ---- how far each is ---- */

/* What Docker said is too old: no use in waiting for its event. */
static void begin(struct doubt *doubt, uint64_t now_us)
{
	bool is_early = doubt->is_port && !doubt->is_awaited;
	bool at_once = is_early || doubt->kind == DOUBT_STALE;

	doubt->stage = is_early ? DOUBT_EARLY : DOUBT_NEW;
	doubt->due_us = now_us + (at_once ? 0 : DOUBT_GRACE_US);
}

static void take_next_step(struct doubts *doubts, struct found *found, uint64_t now_us)
{
	for (size_t i = 0, old = 0; i < found->n; i++) {
		struct doubt *doubt = &found->items[i];
		while (old < doubts->n && compare_subjects(&doubts->items[old], doubt) < 0)
			old++;
		begin(doubt, now_us);
		if (old == doubts->n || compare_subjects(&doubts->items[old], doubt) != 0)
			continue;
		const struct doubt *known = &doubts->items[old];
		if (doubt->kind == DOUBT_STALE && known->kind != DOUBT_STALE)
			continue; /* another port has come */
		if (doubt->is_awaited != known->is_awaited && known->stage <= DOUBT_NEW)
			continue; /* Docker has told of somebody, or it is not that one */
		if (doubt->has_mac && !known->has_mac)
			continue; /* whose it is shows from now on */
		doubt->stage = known->stage;
		doubt->n_early = known->n_early;
		doubt->due_us = known->due_us;
	}
}

int doubts_update(struct doubts *doubts, const struct world *world,
		  const struct assignment *assignments, uint64_t now_us)
{
	struct found found = { 0 };
	int r = add_endpoints(&found, world, assignments);

	if (r == 0)
		r = add_ports(&found, world, assignments);
	if (r == 0)
		r = add_networks(&found, world);
	if (r < 0) {
		free(found.items);
		return r;
	}
	if (found.n)
		qsort(found.items, found.n, sizeof(*found.items), compare_subjects);
	take_next_step(doubts, &found, now_us);
	free(doubts->items);
	doubts->items = found.items;
	doubts->n = found.n;
	return 0;
}

uint64_t doubts_due_us(const struct doubts *doubts)
{
	uint64_t due = PLAN_NEVER;

	for (size_t i = 0; i < doubts->n; i++)
		due = doubts->items[i].due_us < due ? doubts->items[i].due_us : due;
	return due;
}

/* All that are due for it are served by one reading. */
static enum doubt_action read_all(struct doubts *doubts, struct doubt *doubt, uint64_t now_us)
{
	uint64_t free_at = doubts->read_at_us ? doubts->read_at_us + DOUBT_PAUSE_US : 0;

	if (now_us < free_at) {
		doubt->due_us = free_at;
		return DOUBT_WAIT;
	}
	for (size_t i = 0; i < doubts->n; i++)
		if (doubts->items[i].stage == DOUBT_ASKED && doubts->items[i].due_us <= now_us) {
			doubts->items[i].stage = DOUBT_READ;
			doubts->items[i].due_us = now_us + DOUBT_ANSWER_US;
		}
	doubts->read_at_us = now_us;
	return DOUBT_READ_ALL;
}

static enum doubt_action advance(struct doubts *doubts, struct doubt *doubt, uint64_t now_us)
{
	switch (doubt->stage) {
	case DOUBT_EARLY:
		doubt->due_us = now_us + ((uint64_t)DOUBT_EARLY_US << doubt->n_early);
		if (++doubt->n_early == DOUBT_EARLY_QUESTIONS)
			doubt->stage = DOUBT_NEW;
		return DOUBT_ASK;
	case DOUBT_NEW:
		doubt->stage = DOUBT_ASKED;
		doubt->due_us = now_us + DOUBT_ANSWER_US;
		return DOUBT_ASK;
	case DOUBT_ASKED:
		return read_all(doubts, doubt, now_us);
	case DOUBT_READ:
		doubt->stage = DOUBT_SAID;
		doubt->due_us = PLAN_NEVER;
		return DOUBT_SAY;
	case DOUBT_SAID:
		doubt->due_us = PLAN_NEVER;
		break;
	}
	return DOUBT_WAIT;
}

enum doubt_action doubts_next(struct doubts *doubts, uint64_t now_us, const struct doubt **ret)
{
	for (size_t i = 0; i < doubts->n; i++) {
		struct doubt *doubt = &doubts->items[i];
		enum doubt_action action =
			doubt->due_us <= now_us ? advance(doubts, doubt, now_us) : DOUBT_WAIT;
		*ret = doubt;
		if (action != DOUBT_WAIT)
			return action;
	}
	return DOUBT_WAIT;
}

const char *doubt_text(const struct doubt *doubt, struct arena *arena)
{
	switch (doubt->kind) {
	case DOUBT_PORT:
		return arena_printf(arena, "nothing that Docker knows of explains port %s of %s",
				    doubt->subject, doubt->bridge);
	case DOUBT_ENDPOINT:
		return arena_printf(arena, "%s %s has no port on %s", doubt->noun, doubt->subject,
				    doubt->bridge);
	case DOUBT_STALE:
		return arena_printf(arena,
				    "the port of %s %s on %s is not the one that Docker "
				    "means: it is younger than its word, or was another's",
				    doubt->noun, doubt->subject, doubt->bridge);
	case DOUBT_CONTAINER:
		return arena_printf(arena, "Docker does not list container %s on %s",
				    doubt->subject, doubt->bridge);
	case DOUBT_NETWORK:
		return arena_printf(arena, "network %s has no bridge: %s is not there",
				    doubt->subject, doubt->bridge);
	}
	return NULL;
}
