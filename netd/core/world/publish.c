/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which endpoint of a container publishes its ports, and how: the one place that knows what Docker
 * does there. */
#include <stdlib.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/sort.h"
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

static const char *const isolation_names[] = {
	[WORLD_ISOLATION_UNSAID] = "",
	[WORLD_ISOLATION_NONE] = "false",
	[WORLD_ISOLATION_MUTUAL] = "true",
	[WORLD_ISOLATION_STRICT] = "strict",
	[WORLD_ISOLATION_UNMANAGED] = "unmanaged",
};

const char *world_isolation_name(enum world_isolation isolation)
{
	return isolation_names[isolation];
}

bool world_isolation_parse(const char *text, enum world_isolation *ret)
{
	for (size_t i = WORLD_ISOLATION_NONE; i < ARRAY_LEN(isolation_names); i++)
		if (strcmp(isolation_names[i], text) == 0) {
			*ret = (enum world_isolation)i;
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

bool world_filters(const struct world *world, enum ip_family family)
{
	return !world->unfiltered[family == IP_V6];
}

/* What a network has that says nothing, from then on (netavark 2.0, which podman 6 needs). */
#define STRICT_FROM 6u

static enum world_isolation isolation_of(const struct world *world, uint32_t network)
{
	enum world_isolation said = world->networks[network].isolation;
	unsigned long major = strtoul(world->engine + strlen(WORLD_PODMAN), NULL, 10);

	if (said != WORLD_ISOLATION_UNSAID)
		return said;
	return major >= STRICT_FROM ? WORLD_ISOLATION_STRICT : WORLD_ISOLATION_NONE;
}

/* NETAVARK-ISOLATION-1 to -3 drop whatever comes from a strict network, and all answers to it; and
 * between two that are isolated at all (measured on 5.4, 5.8, 6.1). */
static bool is_isolated(const struct world *world, uint32_t a, uint32_t b)
{
	enum world_isolation first = isolation_of(world, a), second = isolation_of(world, b);

	if (first == WORLD_ISOLATION_UNMANAGED || second == WORLD_ISOLATION_UNMANAGED)
		return false;
	return first == WORLD_ISOLATION_STRICT || second == WORLD_ISOLATION_STRICT ||
	       (first == WORLD_ISOLATION_MUTUAL && second == WORLD_ISOLATION_MUTUAL);
}

bool world_may_route(const struct world *world, enum ip_family family)
{
	return world_is_podman(world) || !world_filters(world, family);
}

bool world_routes(const struct world *world, enum ip_family family, uint32_t from, uint32_t to)
{
	if (world_is_podman(world))
		return !world->networks[from].internal && !world->networks[to].internal &&
		       !is_isolated(world, from, to);
	return !world_filters(world, family) &&
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

/* Docker gives the default route to no network of these; an overlay has no way out of its own. */
static bool is_out_of_question(const struct world_network *network)
{
	static const char *const drivers[] = { "host", "null", "overlay" };

	for (size_t i = 0; i < ARRAY_LEN(drivers); i++)
		if (strcmp(network->driver, drivers[i]) == 0)
			return true;
	return network->internal;
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

/* The one of a container's endpoints with the default route; family IP_NONE: whatever it has. */
static uint32_t gateway_among(const struct world *world, uint32_t first, size_t n,
			      enum ip_family family)
{
	uint32_t found = WORLD_NO_ENDPOINT;

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

/* world_endpoints_of() the container of that one: they are beside it. */
static uint32_t endpoints_beside(const struct world *world, uint32_t endpoint, size_t *ret_n)
{
	uint32_t container = world->endpoints[endpoint].container, first = endpoint,
		 end = endpoint + 1;

	while (first > 0 && world->endpoints[first - 1].container == container)
		first--;
	while (end < world->n_endpoints && world->endpoints[end].container == container)
		end++;
	*ret_n = end - first;
	return first;
}

/* From Docker 28 on each family has its own. */
#define ROUTE_BY_FAMILY_FROM 28u

bool world_has_default_route(const struct world *world, uint32_t endpoint, enum ip_family family)
{
	const struct world_endpoint *e = &world->endpoints[endpoint];
	unsigned long major = world_engine_major(world);
	bool by_family = major == 0 || major >= ROUTE_BY_FAMILY_FROM;
	size_t n;
	uint32_t first = endpoints_beside(world, endpoint, &n),
		 found = gateway_among(world, first, n, by_family ? family : IP_NONE);

	if (found == WORLD_NO_ENDPOINT)
		return world->networks[e->network].internal && internal_has_route(world);
	return found == endpoint;
}

uint32_t world_publisher(const struct world *world, uint32_t container, enum ip_family family)
{
	size_t n;
	uint32_t first = world_endpoints_of(world, container, &n),
		 found = gateway_among(world, first, n, family);

	if (found == WORLD_NO_ENDPOINT)
		found = gateway_among(world, first, n, IP_NONE);
	return found != WORLD_NO_ENDPOINT && world_may_publish(world, found) ? found
									     : WORLD_NO_ENDPOINT;
}

/* An older one takes the option for a word of somebody else's, and publishes at this host. */
#define MODES_FROM 27u

enum world_gateway_mode world_gateway_mode(const struct world *world,
					   const struct world_network *network,
					   enum ip_family family)
{
	enum world_gateway_mode mode = network->modes[family == IP_V6];

	if (mode == WORLD_GATEWAY_NAT)
		return mode;
	unsigned long major = world_engine_major(world);
	return major == 0 || major >= MODES_FROM ? mode : WORLD_GATEWAY_NAT;
}

enum world_publishing world_publishing(const struct world *world, uint32_t endpoint,
				       enum ip_family family)
{
	const struct world_endpoint *e = &world->endpoints[endpoint];
	enum world_gateway_mode mode =
		world_gateway_mode(world, &world->networks[e->network], family);

	if (world_publisher(world, e->container, family) != endpoint ||
	    mode == WORLD_GATEWAY_ISOLATED)
		return WORLD_PUBLISHES_NOT;
	if (!has_family(e, family))
		return WORLD_PUBLISHES_PROXY;
	if (mode == WORLD_GATEWAY_ROUTED)
		return WORLD_PUBLISHES_ROUTED;
	return world_filters(world, family) ? WORLD_PUBLISHES_DNAT : WORLD_PUBLISHES_PROXY;
}

uint32_t world_publisher_at_host(const struct world *world, uint32_t container,
				 enum ip_family family)
{
	uint32_t found = world_publisher(world, container, family);

	return found == WORLD_NO_ENDPOINT ||
			       world_publishing(world, found, family) == WORLD_PUBLISHES_ROUTED
		       ? WORLD_NO_ENDPOINT
		       : found;
}

bool world_opens_directly(const struct world *world, uint32_t endpoint,
			  const struct world_published *published)
{
	enum ip_family family = (enum ip_family)published->host_ip.family;

	return !ip_is_loopback(&published->host_ip) &&
	       world_is_open_to_networks(world, family, world->endpoints[endpoint].network) &&
	       world_publishing(world, endpoint, family) == WORLD_PUBLISHES_ROUTED;
}

const struct world_published *world_next_published(const struct world_container *container,
						   const struct port_range *port,
						   enum ip_family family,
						   const struct world_published *last)
{
	size_t i = last ? (size_t)(last - container->published) + 1
			: world_first_published(container, port->lo);

	for (; i < container->n_published && container->published[i].port.lo == port->lo; i++)
		if (container->published[i].port.proto == port->proto &&
		    container->published[i].host_ip.family == (uint8_t)family)
			return &container->published[i];
	return NULL;
}

/* ---- between networks ---- */

bool world_masquerades(const struct world *world, enum ip_family family, uint32_t network)
{
	const struct world_network *from = &world->networks[network];
	enum world_gateway_mode mode = world_gateway_mode(world, from, family);

	return world_filters(world, family) && !from->no_masquerade &&
	       (mode == WORLD_GATEWAY_NAT || mode == WORLD_GATEWAY_UNPROTECTED);
}

bool world_answers_elsewhere(const struct world *world, enum ip_family family, uint32_t network,
			     uint32_t container)
{
	const struct world_endpoint *there = world_find_endpoint(world, container, network);

	return there && has_family(there, family) && !world_masquerades(world, family, network);
}

bool world_is_open_to_networks(const struct world *world, enum ip_family family, uint32_t network)
{
	const struct world_network *to = &world->networks[network];

	return !to->internal && world_gateway_mode(world, to, family) == WORLD_GATEWAY_ROUTED;
}

bool world_lets_in(const struct world *world, enum ip_family family, uint32_t endpoint,
		   const struct port_range *port)
{
	const struct world_endpoint *to = &world->endpoints[endpoint];

	if (!world_is_open_to_networks(world, family, to->network))
		return false;
	return !proto_has_ports((enum ip_proto)port->proto) ||
	       (world_next_published(&world->containers[to->container], port, family, NULL) &&
		world_publishing(world, endpoint, family) == WORLD_PUBLISHES_ROUTED);
}

bool world_sends_to_networks(const struct world *world, enum ip_family family, uint32_t endpoint)
{
	return !world->networks[world->endpoints[endpoint].network].internal &&
	       world_has_default_route(world, endpoint, family);
}

/* ---- the host's own addresses ---- */

static int by_address(const void *left, const void *right)
{
	return ip_compare(left, right);
}

size_t world_sort_addresses(struct ip_addr *items, size_t n)
{
	return sort_once(items, n, sizeof(*items), by_address);
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
