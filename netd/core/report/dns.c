/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/report/dns.h"

#include <string.h>

static bool has_ipv6(const struct world_network *network)
{
	for (size_t i = 0; i < network->n_subnets; i++)
		if (network->subnets[i].addr.family == IP_V6)
			return true;
	return false;
}

bool report_dns_leaks(const struct world *world, const struct world_network *network,
		      const struct ip_addr *resolver)
{
	enum { IPV6_FROM = 26, ALL_FROM = 28 };
	unsigned long major = world_engine_major(world);

	if (!world_network_is_managed(network) || strcmp(network->name, "bridge") == 0)
		return false;
	if (major == 0 || major >= ALL_FROM || ip_is_loopback(resolver))
		return true;
	return major >= IPV6_FROM && resolver->family == IP_V6 && !has_ipv6(network);
}

/* From Docker 26 on its server asks nobody for who has no way out himself (measured on 20.10, 26.1
 * and 28.5, with resolvers of either family and on loopback). */
static bool asks_for(const struct world *world, uint32_t container)
{
	enum { ONLY_CONNECTED_FROM = 26 };
	bool connected = world_engine_major(world) < ONLY_CONNECTED_FROM;
	size_t n;
	uint32_t first = world_endpoints_of(world, container, &n);

	for (uint32_t i = first; i < first + n; i++)
		connected |= !world->networks[world->endpoints[i].network].internal;
	return connected;
}

bool report_dns_leaks_on(const struct world *world, const struct world_network *network,
			 const struct ip_addr *resolver)
{
	bool asked = !network->internal;

	for (size_t i = 0; i < world->n_endpoints && !asked; i++)
		asked = &world->networks[world->endpoints[i].network] == network &&
			asks_for(world, world->endpoints[i].container);
	return asked && report_dns_leaks(world, network, resolver);
}

bool report_dns_leaks_from(const struct world *world, const struct world_endpoint *endpoint)
{
	bool leaks = false;

	for (size_t i = 0; i < world->n_resolvers; i++)
		leaks |= report_dns_leaks(world, &world->networks[endpoint->network],
					  &world->resolvers[i]);
	return leaks && !world->dns_by_docker &&
	       world->containers[endpoint->container].n_dns == 0 &&
	       asks_for(world, endpoint->container);
}
