/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A container that starts again keeps its address and, from Docker 28 on, gets another MAC. Docker
 * announces it on the network before it tells of the container: from a port that is not admitted
 * yet, so the announcement is dropped. The next one comes a second later. Until then the host would
 * send what is for the container to a MAC that is gone; so it is told with the admission. */
#include <string.h>

#include "daemon/daemon.h"

/* The port of the bridge that an endpoint speaks through, or NULL. */
static const char *admitted_at(const struct generation *generation, size_t i)
{
	const struct assignment *assignment = &generation->compiled.assignments[i];

	return assignment->kind == ASSIGN_CLASH ? NULL : assignment->port;
}

static bool is_as_before(const struct generation *old, size_t o, const struct generation *now,
			 size_t i)
{
	const char *port = admitted_at(old, o);

	return port && strcmp(port, admitted_at(now, i)) == 0 &&
	       memcmp(&old->world->endpoints[o].mac, &now->world->endpoints[i].mac,
		      sizeof(struct mac_addr)) == 0;
}

static void correct(struct rtnl *rtnl, const struct world *world,
		    const struct world_endpoint *endpoint)
{
	const struct ip_addr *addrs[] = { &endpoint->ipv4, &endpoint->ipv6 };

	/* Where it cannot be told, the host finds out by itself within some seconds. */
	for (size_t i = 0; i < ARRAY_LEN(addrs); i++)
		if (addrs[i]->family != IP_NONE &&
		    rtnl_correct_neighbour(rtnl, world->networks[endpoint->network].bridge,
					   addrs[i], &endpoint->mac) < 0)
			return;
}

void neighbours_correct(struct rtnl *rtnl, const struct generation *old,
			const struct generation *now)
{
	size_t n_old = old ? old->world->n_endpoints : 0;

	for (size_t i = 0, o = 0; i < now->world->n_endpoints; i++) {
		while (o < n_old && generation_compare(old, o, now, i) < 0)
			o++;
		if (!admitted_at(now, i))
			continue;
		if (o < n_old && generation_compare(old, o, now, i) == 0 &&
		    is_as_before(old, o, now, i))
			continue;
		correct(rtnl, now->world, &now->world->endpoints[i]);
	}
}
