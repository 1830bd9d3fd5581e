/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which endpoint of a container publishes its ports, and how: the one place that knows what Docker
 * does there. */
#include <stdlib.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/text.h"
#include "core/world/world.h"

static const char *const mode_names[] = {
	[WORLD_GATEWAY_NAT] = "nat",
	[WORLD_GATEWAY_UNPROTECTED] = "nat-unprotected",
	[WORLD_GATEWAY_ROUTED] = "routed",
	[WORLD_GATEWAY_ISOLATED] = "isolated",
};

const char *world_gateway_mode_name(enum world_gateway_mode mode)
{
	return mode_names[mode];
}

bool world_gateway_mode_parse(const char *text, enum world_gateway_mode *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(mode_names); i++)
		if (strcmp(mode_names[i], text) == 0) {
			*ret = (enum world_gateway_mode)i;
			return true;
		}
	return false;
}

unsigned long world_engine_major(const struct world *world)
{
	return world->engine ? strtoul(world->engine, NULL, 10) : 0;
}

bool world_is_podman(const struct world *world)
{
	return world->engine && text_begins(world->engine, WORLD_PODMAN);
}

/* From Docker 26 on a container on internal networks alone has no route to anywhere else (measured
 * on 20.10, 26.1, 28.5). */
#define NO_ROUTE_FROM 26u

static bool internal_has_route(const struct world *world)
{
	unsigned long major = world_engine_major(world);

	return major != 0 && major < NO_ROUTE_FROM;
}

bool world_routes(const struct world *world, uint32_t from, uint32_t to)
{
	return world->ip6_unfiltered &&
	       ((!world->networks[from].internal && !world->networks[to].internal) ||
		internal_has_route(world));
}

uint32_t world_endpoints_of(const struct world *world, uint32_t container, size_t *ret_n)
{
	size_t lo = 0, hi = world->n_endpoints, n = 0;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (world->endpoints[mid].container < container)
			lo = mid + 1;
		else
			hi = mid;
	}
	while (lo + n < world->n_endpoints && world->endpoints[lo + n].container == container)
		n++;
	*ret_n = n;
	return (uint32_t)lo;
}

/* Docker gives the default route to no network of these. */
static bool is_out_of_question(const struct world_network *network)
{
	return network->internal || strcmp(network->driver, "host") == 0 ||
	       strcmp(network->driver, "null") == 0;
}

bool world_may_publish(const struct world *world, uint32_t endpoint)
{
	const struct world_network *network = &world->networks[world->endpoints[endpoint].network];

	return world_network_is_managed(network) && !is_out_of_question(network);
}

static bool has_both(const struct world_endpoint *endpoint)
{
	return endpoint->ipv4.family != IP_NONE && endpoint->ipv6.family != IP_NONE;
}

static bool has_family(const struct world_endpoint *endpoint, enum ip_family family)
{
	return (family == IP_V6 ? endpoint->ipv6 : endpoint->ipv4).family != IP_NONE;
}

/* @a comes before @b, which comes later in the order by name. */
static bool is_before(const struct world_endpoint *a, const struct world_endpoint *b)
{
	if (has_both(a) != has_both(b))
		return has_both(a);
	return a->gw_priority >= b->gw_priority;
}

/* The endpoint with the default route; family IP_NONE: whatever it has. */
static uint32_t gateway_endpoint(const struct world *world, uint32_t container,
				 enum ip_family family)
{
	uint32_t found = WORLD_NO_ENDPOINT;
	size_t n;
	uint32_t first = world_endpoints_of(world, container, &n);

	for (uint32_t i = first; i < first + n; i++) {
		const struct world_endpoint *endpoint = &world->endpoints[i];
		if (is_out_of_question(&world->networks[endpoint->network]) ||
		    (family != IP_NONE && !has_family(endpoint, family)))
			continue;
		if (found == WORLD_NO_ENDPOINT || !is_before(&world->endpoints[found], endpoint))
			found = i;
	}
	return found;
}

/* From Docker 28 on each family has its own. */
#define ROUTE_BY_FAMILY_FROM 28u

bool world_has_default_route(const struct world *world, uint32_t endpoint, enum ip_family family)
{
	const struct world_endpoint *e = &world->endpoints[endpoint];
	unsigned long major = world_engine_major(world);
	bool by_family = major == 0 || major >= ROUTE_BY_FAMILY_FROM;
	uint32_t found = gateway_endpoint(world, e->container, by_family ? family : IP_NONE);

	if (found == WORLD_NO_ENDPOINT)
		return world->networks[e->network].internal && internal_has_route(world);
	return found == endpoint;
}

uint32_t world_publisher(const struct world *world, uint32_t container, enum ip_family family)
{
	uint32_t found = gateway_endpoint(world, container, family);

	if (found == WORLD_NO_ENDPOINT)
		found = gateway_endpoint(world, container, IP_NONE);
	return found != WORLD_NO_ENDPOINT && world_may_publish(world, found) ? found
									     : WORLD_NO_ENDPOINT;
}

enum world_publishing world_publishing(const struct world *world, uint32_t endpoint,
				       enum ip_family family)
{
	const struct world_endpoint *e = &world->endpoints[endpoint];
	enum world_gateway_mode mode = world->networks[e->network].modes[family == IP_V6];

	if (world_publisher(world, e->container, family) != endpoint ||
	    mode == WORLD_GATEWAY_ISOLATED)
		return WORLD_PUBLISHES_NOT;
	if (!has_family(e, family))
		return WORLD_PUBLISHES_PROXY;
	if (mode == WORLD_GATEWAY_ROUTED)
		return WORLD_PUBLISHES_ROUTED;
	return family == IP_V6 && world->ip6_unfiltered ? WORLD_PUBLISHES_PROXY
							: WORLD_PUBLISHES_DNAT;
}

/* ---- the host's own addresses ---- */

static int by_address(const void *left, const void *right)
{
	return ip_compare(left, right);
}

size_t world_sort_addresses(struct ip_addr *items, size_t n)
{
	size_t kept = 0;

	if (n)
		qsort(items, n, sizeof(*items), by_address);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || ip_compare(&items[kept - 1], &items[i]) != 0)
			items[kept++] = items[i];
	return kept;
}

bool world_is_host_address(const struct world *world, const struct ip_addr *addr)
{
	if (ip_is_loopback(addr) ||
	    (world->n_host_addrs &&
	     bsearch(addr, world->host_addrs, world->n_host_addrs, sizeof(*addr), by_address)))
		return true;
	for (size_t i = 0; i < world->n_networks; i++)
		for (size_t g = 0; g < world->networks[i].n_gateways; g++)
			if (world_network_is_managed(&world->networks[i]) &&
			    ip_compare(&world->networks[i].gateways[g], addr) == 0)
				return true;
	return false;
}
