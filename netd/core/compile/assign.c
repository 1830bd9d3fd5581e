/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which tier each endpoint is in, and which port of the bridge is its own. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/compile/emit.h"

static const char *const kind_names[] = {
	[ASSIGN_TIER] = "tier",		  [ASSIGN_UNMATCHED] = "unmatched",
	[ASSIGN_CONFLICT] = "conflict",	  [ASSIGN_UNKNOWN] = "unknown",
	[ASSIGN_CLASH] = "address-clash", [ASSIGN_UNMANAGED] = "unmanaged",
};

const char *assign_kind_name(enum assign_kind kind)
{
	return kind_names[kind];
}

static bool glob_matches(const char *glob, const char *value)
{
	return !glob || (value && text_glob(glob, value));
}

/* Whether a label has such a value; without a glob nobody asks. */
static bool label_matches(const char *glob, const struct world_container *container,
			  const char *key)
{
	return !glob || glob_matches(glob, world_label_value(container, key));
}

static bool labels_match(const struct policy_match *match, const struct world_container *container)
{
	for (size_t i = 0; i < match->n_labels; i++) {
		const char *value = world_label_value(container, match->labels[i].key);
		if (!value || !glob_matches(match->labels[i].value, value))
			return false;
	}
	return true;
}

static bool names_container(const struct policy_match *match)
{
	return match->compose_project || match->compose_service || match->container ||
	       match->image || match->n_labels;
}

static bool entry_matches(const struct policy_match *match, const struct world_container *container,
			  const struct world_network *network)
{
	return glob_matches(match->network, network->name) &&
	       glob_matches(match->container, container->name) &&
	       glob_matches(match->image, container->image) &&
	       label_matches(match->compose_project, container, "com.docker.compose.project") &&
	       label_matches(match->compose_service, container, "com.docker.compose.service") &&
	       labels_match(match, container);
}

/* The strongest entry of a tier that matches: 2 names the container, 1 only its network, 0 none. */
static int tier_strength(const struct policy_tier *tier, const struct world_container *container,
			 const struct world_network *network, const struct policy_match **ret)
{
	int strongest = 0;

	for (size_t i = 0; i < tier->n_matches; i++) {
		const struct policy_match *match = &tier->matches[i];
		int strength = names_container(match) ? 2 : 1;
		if (strength > strongest && entry_matches(match, container, network)) {
			strongest = strength;
			*ret = match;
		}
	}
	return strongest;
}

static struct assignment assign_one(const struct policy *policy,
				    const struct world_container *container,
				    const struct world_network *network)
{
	struct assignment found = { .kind = ASSIGN_UNMATCHED };
	int strongest = 0;

	if (!world_network_is_managed(network))
		return (struct assignment){ .kind = ASSIGN_UNMANAGED };
	if (!container->known)
		return (struct assignment){ .kind = ASSIGN_UNKNOWN };
	for (uint32_t i = 0; i < policy->n_tiers; i++) {
		const struct policy_match *match = NULL;
		int strength = tier_strength(&policy->tiers[i], container, network, &match);
		if (strength > strongest) {
			found = (struct assignment){ .kind = ASSIGN_TIER,
						     .tier = i,
						     .match = match };
			strongest = strength;
		} else if (strength && strength == strongest) {
			found.kind = ASSIGN_CONFLICT;
			found.other_tier = i;
		}
	}
	return found;
}

/* ---- addresses that two endpoints claim ---- */

static void close_clashes(const struct emit *e, struct assignment *all)
{
	for (size_t i = 1; i < e->n_addrs; i++)
		if (ip_compare(&e->addrs[i - 1].addr, &e->addrs[i].addr) == 0) {
			all[e->addrs[i - 1].endpoint].kind = ASSIGN_CLASH;
			all[e->addrs[i].endpoint].kind = ASSIGN_CLASH;
		}
}

/* ---- ports ---- */

/* A port on its bridge, or an endpoint on its network's, by MAC and bridge. */
struct plug {
	const char *bridge;
	const struct mac_addr *mac;
	size_t index;
};

static int by_plug(const void *left, const void *right)
{
	const struct plug *a = left, *b = right;
	int macs = memcmp(a->mac, b->mac, sizeof(*a->mac));

	return macs ? macs : strcmp(a->bridge, b->bridge);
}

/* Sorted, and those that are not the only one of their kind left out: two ports with one MAC are
 * an impostor and its victim, and nobody can say which is which. */
static size_t keep_unique(struct plug *plugs, size_t n)
{
	size_t kept = 0;

	if (n)
		qsort(plugs, n, sizeof(*plugs), by_plug);
	for (size_t i = 0; i < n; i++) {
		bool doubled = (i > 0 && by_plug(&plugs[i - 1], &plugs[i]) == 0) ||
			       (i + 1 < n && by_plug(&plugs[i], &plugs[i + 1]) == 0);
		if (!doubled)
			plugs[kept++] = plugs[i];
	}
	return kept;
}

static size_t endpoint_plugs(const struct world *world, const struct assignment *all,
			     struct plug *plugs)
{
	size_t n = 0;

	for (size_t i = 0; i < world->n_endpoints; i++) {
		const struct world_endpoint *endpoint = &world->endpoints[i];
		if (all[i].kind != ASSIGN_UNMANAGED && !mac_is_zero(&endpoint->mac))
			plugs[n++] = (struct plug){ world->networks[endpoint->network].bridge,
						    &endpoint->mac, i };
	}
	return n;
}

static size_t port_plugs(const struct world *world, struct plug *plugs)
{
	size_t n = 0;

	for (size_t i = 0; i < world->n_ports; i++)
		if (!mac_is_zero(&world->ports[i].peer_mac))
			plugs[n++] = (struct plug){ world->ports[i].bridge,
						    &world->ports[i].peer_mac, i };
	return n;
}

static int bind_ports(const struct world *world, struct arena *arena, struct assignment *all)
{
	struct plug *ports = arena_alloc(arena, world->n_ports * sizeof(*ports));
	struct plug *ends = arena_alloc(arena, world->n_endpoints * sizeof(*ends));

	if (!ports || !ends)
		return -ENOMEM;
	size_t n_ports = keep_unique(ports, port_plugs(world, ports));
	size_t n_ends = keep_unique(ends, endpoint_plugs(world, all, ends));
	for (size_t p = 0, e = 0; p < n_ports && e < n_ends;) {
		int order = by_plug(&ports[p], &ends[e]);
		if (order == 0)
			all[ends[e].index].port = world->ports[ports[p].index].ifname;
		p += order <= 0;
		e += order >= 0;
	}
	return 0;
}

const struct assignment *assign_endpoints(const struct emit *e)
{
	const struct world *world = e->in->world;
	struct assignment *all = arena_alloc(e->arena, world->n_endpoints * sizeof(*all));

	if (!all)
		return NULL;
	for (size_t i = 0; i < world->n_endpoints; i++) {
		const struct world_endpoint *endpoint = &world->endpoints[i];
		all[i] = assign_one(e->in->policy, &world->containers[endpoint->container],
				    &world->networks[endpoint->network]);
	}
	close_clashes(e, all);
	return bind_ports(world, e->arena, all) < 0 ? NULL : all;
}

const struct assignment *compile_assign(const struct policy *policy, const struct world *world,
					struct arena *arena)
{
	const struct compile_input in = { .policy = policy, .world = world };
	struct emit e = { .in = &in, .arena = arena };

	e.addrs = compile_addresses(world, arena, &e.n_addrs);
	return e.addrs ? assign_endpoints(&e) : NULL;
}
