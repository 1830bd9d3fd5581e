/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/report/dns.h"

#include <stdlib.h>
#include <string.h>

static bool has_ipv6(const struct world_network *network)
{
	for (size_t i = 0; i < network->n_subnets; i++)
		if (network->subnets[i].addr.family == IP_V6)
			return true;
	return false;
}

bool report_dns_leaks(const char *engine, const struct world_network *network,
		      const struct ip_addr *resolver)
{
	enum { IPV6_FROM = 26, ALL_FROM = 28 };
	unsigned long major = engine ? strtoul(engine, NULL, 10) : 0;

	if (!world_network_is_managed(network) || strcmp(network->name, "bridge") == 0)
		return false;
	if (major == 0 || major >= ALL_FROM || ip_is_loopback(resolver))
		return true;
	return major >= IPV6_FROM && resolver->family == IP_V6 && !has_ipv6(network);
}

bool report_dns_leaks_from(const struct world *world, const struct world_endpoint *endpoint)
{
	bool leaks = false;

	for (size_t i = 0; i < world->n_resolvers; i++)
		leaks |= report_dns_leaks(world->engine, &world->networks[endpoint->network],
					  &world->resolvers[i]);
	return leaks && !world->dns_by_docker && world->containers[endpoint->container].n_dns == 0;
}
