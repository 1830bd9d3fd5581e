/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Worlds to ask about where there is no host: completed inventories, symbolic worlds, and what
 * policies compile to in them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/sort.h"
#include "core/plan/plan.h"
#include "core/report/report.h"
#include "core/simulate/simulate.h"

/* A resolver that no rule but `to: dns` opens: of the benchmarking ranges, which are in no zone. */
static const struct ip_addr symbolic_resolvers[] = {
	{ IP_V4, { 198, 19, 255, 53 } },
	{ IP_V6, { 0x01, [12] = 0xff, 0xff, 0, 0x53 } }, /* of the discard-only 100::/64 */
};

/* A host of a fleet that nobody has told of: of lan, where few others are. */
static const struct world_member symbolic_members[] = {
	{ "another-host", { IP_V4, { 100, 127, 255, 254 } } },
	{ "another-host", { IP_V6, { 0xfd, 0xff, 0xff, 0xff, [15] = 0xfe } } },
};

bool report_members_are_symbolic(const struct world *world)
{
	return world->members == symbolic_members;
}

static void complete_members(struct world *world, const struct world *host)
{
	bool known = host && host->n_members > 0;

	world->members = known ? host->members : symbolic_members;
	world->n_members = known ? host->n_members : ARRAY_LEN(symbolic_members);
}

/* Locally administered, and made of the endpoint's place: unique among themselves. */
static struct mac_addr symbolic_mac(size_t i)
{
	return (struct mac_addr){ { 0x0a, 0x6e, (uint8_t)(i >> 24), (uint8_t)(i >> 16),
				    (uint8_t)(i >> 8), (uint8_t)i } };
}

static void plug_in(const struct world *world, struct world_endpoint *endpoint, size_t i,
		    struct world_port *port)
{
	const struct world_network *network = &world->networks[endpoint->network];

	if (mac_is_zero(&endpoint->mac))
		endpoint->mac = symbolic_mac(i);
	(void)snprintf(port->ifname, sizeof(port->ifname), "port%06u", (unsigned int)i);
	memcpy(port->bridge, network->bridge, sizeof(port->bridge));
	port->peer_mac = endpoint->mac;
}

/* ---- ports of the host that Docker will choose ---- */

#define HOST_PORTS 65536u

struct host_ports {
	uint8_t taken[HOST_PORTS / 8];
	uint32_t next; /* counts down: Docker's own choices begin further below */
};

static void take_ports(const struct world_container *container, struct host_ports *ports)
{
	for (size_t i = 0; i < container->n_published; i++) {
		uint16_t port = container->published[i].host_port;
		ports->taken[port / 8] |= (uint8_t)(1u << port % 8);
	}
}

/* 0: there is none left. */
static uint16_t next_port(struct host_ports *ports)
{
	while (ports->next > 0) {
		uint32_t port = --ports->next;
		if (port && !(ports->taken[port / 8] & 1u << port % 8))
			return (uint16_t)port;
	}
	return 0;
}

/* A port without a number would be one that nobody judges. Each gets a number of its own: what is
 * asked about is the container's port, so the verdict is that of the number to come. */
static int number_ports(struct world_container *container, struct host_ports *ports,
			struct arena *arena)
{
	size_t n = container->n_published;
	struct world_published *published =
		arena_dup(arena, container->published, n * sizeof(*published));

	if (!published)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		if (published[i].host_port == 0) {
			published[i].host_port = next_port(ports);
			published[i].symbolic = true;
		}
	container->published = published;
	return 0;
}

static bool lacks_port(const struct world_container *container)
{
	for (size_t i = 0; i < container->n_published; i++)
		if (container->published[i].host_port == 0)
			return true;
	return false;
}

static bool any_lacks_port(const struct world *world)
{
	for (size_t i = 0; i < world->n_containers; i++)
		if (lacks_port(&world->containers[i]))
			return true;
	return false;
}

static int complete_ports(struct world *world, struct arena *arena)
{
	if (!any_lacks_port(world))
		return 0;
	struct world_container *containers =
		arena_dup(arena, world->containers, world->n_containers * sizeof(*containers));
	struct host_ports *ports = arena_alloc(arena, sizeof(*ports));
	int r = containers && ports ? 0 : -ENOMEM;

	for (size_t i = 0; i < world->n_containers && r == 0; i++)
		take_ports(&containers[i], ports);
	if (r == 0)
		ports->next = HOST_PORTS;
	for (size_t i = 0; i < world->n_containers && r == 0; i++)
		if (lacks_port(&containers[i]))
			r = number_ports(&containers[i], ports, arena);
	world->containers = containers;
	return r;
}

int report_complete_world(const struct world *world, struct arena *arena, const struct world **ret)
{
	struct world *copy = arena_dup(arena, world, sizeof(*world));
	struct world_endpoint *endpoints =
		arena_dup(arena, world->endpoints, world->n_endpoints * sizeof(*endpoints));
	struct world_port *ports = arena_alloc(arena, world->n_endpoints * sizeof(*ports));

	if (!copy || !endpoints || !ports)
		return -ENOMEM;
	if (world->n_ports > 0) {
		*ret = world;
		return 0;
	}
	for (size_t i = 0; i < world->n_endpoints; i++)
		if (world_network_is_managed(&world->networks[endpoints[i].network]))
			plug_in(world, &endpoints[i], i, &ports[copy->n_ports++]);
	copy->endpoints = endpoints;
	copy->ports = ports;
	if (world->n_resolvers == 0) {
		copy->resolvers = symbolic_resolvers;
		copy->n_resolvers = ARRAY_LEN(symbolic_resolvers);
	}
	complete_members(copy, world);
	*ret = copy;
	return complete_ports(copy, arena);
}

/* ---- a world for several policies ---- */

static int by_tier_name(const void *left, const void *right)
{
	const struct policy_tier *a = left, *b = right;

	return strcmp(a->name, b->name);
}

/* The tiers of all policies, each name once: all that a symbolic world is made from. */
static int unite_tiers(const struct policy *const *policies, size_t n, struct arena *arena,
		       struct policy *ret)
{
	size_t total = 0;

	for (size_t i = 0; i < n; i++)
		total += policies[i]->n_tiers;
	struct policy_tier *tiers = arena_alloc(arena, total * sizeof(*tiers));
	if (!tiers)
		return -ENOMEM;
	for (size_t i = 0, at = 0; i < n; at += policies[i++]->n_tiers)
		if (policies[i]->n_tiers)
			memcpy(&tiers[at], policies[i]->tiers,
			       policies[i]->n_tiers * sizeof(*tiers));
	total = sort_once(tiers, total, sizeof(*tiers), by_tier_name);
	*ret = (struct policy){ .tiers = tiers, .n_tiers = total };
	return 0;
}

/* From tiers of the united policy to those of one of them, by name. */
static struct assignment *assign_by_name(const struct policy *united,
					 const struct assignment *assignments, size_t n,
					 const struct policy *policy, struct arena *arena)
{
	struct assignment *own = arena_dup(arena, assignments, n * sizeof(*own));

	for (size_t i = 0; own && i < n; i++) {
		int tier = policy_find_tier(policy, united->tiers[own[i].tier].name);
		if (tier >= 0)
			own[i].tier = (uint32_t)tier;
		else
			own[i].kind = ASSIGN_UNMATCHED;
	}
	return own;
}

static int compile_one(const struct compile_input *compile, struct arena *arena, bool symbolic,
		       struct report_input *ret)
{
	struct compile_output *output = arena_alloc(arena, sizeof(*output));
	const char *why = NULL;

	if (!output)
		return -ENOMEM;
	int r = compile_ruleset(compile, arena, output, &why);
	if (r < 0)
		return r;
	*ret = (struct report_input){ .policy = compile->policy,
				      .world = compile->world,
				      .compiled = output,
				      .symbolic = symbolic,
				      .now = compile->now };
	return 0;
}

/* With the resolvers of @host, if it has some (it may be NULL). */
static int make_world_symbolic(const struct policy *united, const struct world *host,
			       struct arena *arena, const struct world **ret,
			       const struct assignment **ret_assignments)
{
	bool known = host && host->n_resolvers > 0;
	const struct world *plain;
	int r = sim_symbolic_world(united, arena, &plain, ret_assignments);
	struct world *world = r < 0 ? NULL : arena_dup(arena, plain, sizeof(*plain));

	if (!world)
		return -ENOMEM;
	world->resolvers = known ? host->resolvers : symbolic_resolvers;
	world->n_resolvers = known ? host->n_resolvers : ARRAY_LEN(symbolic_resolvers);
	complete_members(world, host);
	*ret = world;
	return 0;
}

static struct compile_input compile_for(const struct world *world, int64_t now)
{
	return (struct compile_input){ .stamp = plan_first_stamp(0),
				       .mark_bit = COMPILE_MARK_BIT,
				       .log_group = COMPILE_LOG_GROUP,
				       .world = world,
				       .now = now };
}

static int prepare_symbolic(const struct policy *const *policies, size_t n,
			    struct compile_input *compile, struct arena *arena,
			    struct report_input *ret)
{
	const struct assignment *assignments;
	struct policy united;
	int r = unite_tiers(policies, n, arena, &united);

	if (r == 0)
		r = make_world_symbolic(&united, compile->world, arena, &compile->world,
					&assignments);
	for (size_t i = 0; i < n && r == 0; i++) {
		compile->policy = policies[i];
		compile->assignments = assign_by_name(
			&united, assignments, compile->world->n_endpoints, policies[i], arena);
		r = compile->assignments ? compile_one(compile, arena, true, &ret[i]) : -ENOMEM;
	}
	return r;
}

int report_prepare(const struct policy *const *policies, size_t n, const struct world *world,
		   int64_t now, struct arena *arena, struct report_input *ret)
{
	struct compile_input compile = compile_for(world, now);
	int r = 0;

	if (!world)
		return prepare_symbolic(policies, n, &compile, arena, ret);
	for (size_t i = 0; i < n && r == 0; i++) {
		compile.policy = policies[i];
		r = compile_one(&compile, arena, false, &ret[i]);
	}
	return r;
}

int report_prepare_symbolic(const struct report_input *in, struct arena *arena,
			    struct report_input *ret)
{
	struct compile_input compile = compile_for(in->world, in->now);

	return prepare_symbolic(&in->policy, 1, &compile, arena, ret);
}
