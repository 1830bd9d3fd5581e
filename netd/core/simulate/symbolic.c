/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A host for a policy that is asked about without one. Addresses are of the benchmarking range
 * 198.18.0.0/15 (RFC 2544) and the discard-only 100::/64 (RFC 6666): no zone and no sensible CIDR
 * of a policy holds them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/simulate/simulate.h"

#define PER_TIER 2

static void fill_endpoint(struct world_endpoint *endpoint, struct world_port *port, uint32_t i)
{
	uint8_t high = (uint8_t)((i + 2) >> 8), low = (uint8_t)(i + 2);

	endpoint->container = i;
	endpoint->ipv4 = (struct ip_addr){ IP_V4, { 198, 18, high, low } };
	endpoint->ipv6 = (struct ip_addr){ IP_V6, { 0x01, [14] = high, [15] = low } };
	endpoint->mac = (struct mac_addr){ { 0x02, 0x42, 198, 18, high, low } };
	port->peer_mac = endpoint->mac;
	(void)snprintf(port->ifname, sizeof(port->ifname), "port%06u", i);
}

int sim_symbolic_world(const struct policy *policy, struct arena *arena, const struct world **ret,
		       const struct assignment **ret_assignments)
{
	size_t n = policy->n_tiers * PER_TIER;
	struct world *world = arena_alloc(arena, sizeof(*world));
	struct world_network *network = arena_alloc(arena, sizeof(*network));
	struct world_container *containers = arena_alloc(arena, n * sizeof(*containers));
	struct world_endpoint *endpoints = arena_alloc(arena, n * sizeof(*endpoints));
	struct world_port *ports = arena_alloc(arena, n * sizeof(*ports));
	struct assignment *assignments = arena_alloc(arena, n * sizeof(*assignments));

	if (!world || !network || !containers || !endpoints || !ports || !assignments)
		return -ENOMEM;
	*network = (struct world_network){ .id = "symbolic",
					   .name = "symbolic",
					   .driver = "bridge",
					   .bridge = "symbolic",
					   .icc = true };
	for (uint32_t i = 0; i < n; i++) {
		const char *tier = policy->tiers[i / PER_TIER].name;
		(void)snprintf(containers[i].id, sizeof(containers[i].id), "symbolic%u", i);
		containers[i].name = arena_printf(arena, "%s-%u", tier, i % PER_TIER + 1);
		containers[i].image = containers[i].network_mode = "";
		containers[i].known = true;
		memcpy(ports[i].bridge, network->bridge, sizeof(network->bridge));
		fill_endpoint(&endpoints[i], &ports[i], i);
		assignments[i] = (struct assignment){ .kind = ASSIGN_TIER,
						      .tier = i / PER_TIER,
						      .port = ports[i].ifname };
		if (!containers[i].name)
			return -ENOMEM;
	}
	*world = (struct world){ .networks = network,
				 .n_networks = 1,
				 .containers = containers,
				 .n_containers = n,
				 .endpoints = endpoints,
				 .n_endpoints = n,
				 .ports = ports,
				 .n_ports = n };
	*ret = world;
	*ret_assignments = assignments;
	return 0;
}
