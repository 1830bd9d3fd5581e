/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What Docker itself does with a flow, beside netd: which endpoint a published port leads to, and
 * what it lets nobody do. As measured on 20.10, 26.1 and 28.5. */
#include <string.h>

#include "core/simulate/way.h"

static bool is_filtered(const struct way *way)
{
	return world_filters(way->host->world, way->flow->family);
}

static uint32_t index_of(const struct world *world, const struct world_endpoint *endpoint)
{
	return (uint32_t)(endpoint - world->endpoints);
}

static struct port_range asked_port(const struct way *way)
{
	return (struct port_range){ (uint8_t)way->flow->proto, way->flow->port, way->flow->port };
}

/* The endpoint whose own address the destination is, and not one that its tier speaks for; or NULL.
 */
static const struct world_endpoint *destination(const struct way *way)
{
	return way->to.speaker == UINT32_MAX ? way->to.endpoint : NULL;
}

/* Of the destination's published ports those that the flow asks for, one a call. */
static const struct world_published *next_published(const struct way *way,
						    const struct world_published *last)
{
	const struct world_endpoint *to = destination(way);
	const struct port_range port = asked_port(way);

	return to ? world_next_published(&way->host->world->containers[to->container], &port,
					 way->flow->family, last)
		  : NULL;
}

/* ---- published ports ---- */

enum world_publishing docker_publishing(const struct way *way)
{
	const struct world *world = way->host->world;
	const struct world_endpoint *to = destination(way);
	enum ip_family family = way->flow->family;

	if (!to)
		return WORLD_PUBLISHES_NOT;
	if (way->to.network->internal &&
	    world_publisher(world, to->container, family) == WORLD_NO_ENDPOINT)
		return way->to.addr.family == family && is_filtered(way) ? WORLD_PUBLISHES_DNAT
									 : WORLD_PUBLISHES_PROXY;
	return world_publishing(world, index_of(world, to), family);
}

const struct world_published *docker_published(const struct way *way)
{
	const struct world_published *found = NULL, *next = NULL;

	if (way->publishing == WORLD_PUBLISHES_NOT || way->publishing == WORLD_PUBLISHES_ROUTED)
		return NULL;
	while ((next = next_published(way, next)))
		if (!found || ip_is_loopback(&found->host_ip))
			found = next;
	return found;
}

static bool is_at(const struct world_published *published, const struct sim_flow *flow)
{
	const struct ip_addr *at = &flow->to.addr;

	return published->host_port == flow->port && published->port.proto == flow->proto &&
	       published->host_ip.family == flow->family && !published->symbolic &&
	       !ip_is_loopback(&published->host_ip) &&
	       (at->family == IP_NONE || ip_is_unspecified(&published->host_ip) ||
		ip_compare(&published->host_ip, at) == 0);
}

const struct world_published *docker_published_on_host(const struct way *way,
						       uint32_t *ret_publisher)
{
	const struct world *world = way->host->world;

	for (uint32_t c = 0; c < world->n_containers && !way->host->symbolic; c++)
		for (size_t i = 0; i < world->containers[c].n_published; i++) {
			const struct world_published *published =
				&world->containers[c].published[i];
			if (!is_at(published, way->flow))
				continue;
			*ret_publisher = world_publisher_at_host(world, c, way->flow->family);
			if (*ret_publisher != WORLD_NO_ENDPOINT)
				return published;
		}
	return NULL;
}

bool docker_opens_directly(const struct way *way)
{
	const struct world *world = way->host->world;
	const struct world_published *next = NULL;

	if (way->publishing != WORLD_PUBLISHES_ROUTED)
		return false;
	while ((next = next_published(way, next)))
		if (world_opens_directly(world, index_of(world, way->to.endpoint), next))
			return true;
	return false;
}

/* The container publishes the port over the other family alone. */
static bool is_of_other_family(const struct way *way)
{
	const struct world_endpoint *to = destination(way);
	const struct port_range port = asked_port(way);

	return to && world_next_published(&way->host->world->containers[to->container], &port,
					  way->flow->family == IP_V6 ? IP_V4 : IP_V6, NULL);
}

static const char isolated[] =
	"gateway_mode is isolated: Docker gave the bridge no address, so there "
	"is no way between it and this host";

const char *docker_why_direct(const struct way *way, struct arena *arena)
{
	const struct world *world = way->host->world;
	const struct world_endpoint *to = way->to.endpoint;

	if (way->to.speaker != UINT32_MAX)
		return "Docker publishes nothing at an address that a tier speaks for";
	if (way->published)
		return "the port is published on a loopback address, so only this host reaches it";
	if (!next_published(way, NULL))
		return is_of_other_family(way)
			       ? "only published ports can be reached from outside, and this one "
				 "is not published over this family"
			       : "only published ports can be reached from outside, and this one "
				 "is not published";
	uint32_t publisher = world_publisher(world, to->container, way->flow->family);
	if (publisher == WORLD_NO_ENDPOINT)
		return "Docker publishes no port of a container whose default route is on a "
		       "network of another kind";
	if (publisher != index_of(world, to))
		return arena_printf(arena,
				    "Docker publishes the port through network %s, not through %s",
				    world->networks[world->endpoints[publisher].network].name,
				    way->to.network->name);
	return way->publishing == WORLD_PUBLISHES_ROUTED ? "the port was asked for on a loopback "
							   "address, so only this host reaches it"
							 : isolated;
}

/* ---- what Docker drops ---- */

/* From Docker 28 on docker-proxy answers a datagram with the address it was sent to. */
#define PROXY_KNOWS_ADDRESS_FROM 28u

static bool proxy_knows_address(const struct world *world)
{
	unsigned long major = world_engine_major(world);

	return major == 0 || major >= PROXY_KNOWS_ADDRESS_FROM;
}

static bool is_on(const struct world_network *network, const struct ip_addr *addr)
{
	for (size_t i = 0; i < network->n_subnets; i++)
		if (ip_in_prefix(addr, &network->subnets[i]))
			return true;
	return false;
}

static const char *why_not_bridged(const struct way *way)
{
	if (way->from.network->icc || !is_filtered(way))
		return NULL;
	return docker_may_link(way)
		       ? "Docker itself drops this, because the network has enable_icc=false, but "
			 "for what a legacy --link exposes, which netd does not read"
		       : "Docker itself drops this, because the network has enable_icc=false";
}

/* Docker knows --link as an exception on its own network alone. */
bool docker_may_link(const struct way *way)
{
	return way->path == SIM_PATH_BRIDGED && !way->from.network->icc && is_filtered(way) &&
	       strcmp(way->from.network->name, "bridge") == 0;
}

static uint32_t network_index(const struct way *way, const struct world_network *network)
{
	return (uint32_t)(network - way->host->world->networks);
}

bool docker_answers_elsewhere(const struct way *way)
{
	const struct world_endpoint *to = destination(way);

	return way->path == SIM_PATH_ROUTED && to &&
	       world_answers_elsewhere(way->host->world, way->flow->family,
				       network_index(way, way->from.network), to->container);
}

/* Away from its own network. */
static const char *why_not_away(const struct way *way)
{
	const struct world *world = way->host->world;

	if (!way->from.endpoint ||
	    world_has_default_route(world, index_of(world, way->from.endpoint), way->flow->family))
		return NULL;
	return way->from.network->internal
		       ? "Docker gives the containers of an internal network no route to that "
			 "address"
		       : "Docker gave the container its default route on another network";
}

/* What Docker opens at a container's own address it opens to its other networks, too, and ping. */
static bool is_let_in(const struct way *way)
{
	const struct world *world = way->host->world;
	const struct world_endpoint *from = way->from.endpoint, *to = destination(way);
	const struct port_range port = asked_port(way);
	enum ip_family family = way->flow->family;

	if (from ? !world_sends_to_networks(world, family, index_of(world, from))
		 : way->from.network->internal)
		return false;
	if (to)
		return world_lets_in(world, family, index_of(world, to), &port);
	return !proto_has_ports(way->flow->proto) &&
	       world_is_open_to_networks(world, family, network_index(way, way->to.network));
}

static bool is_routed(const struct way *way)
{
	return world_routes(way->host->world, way->flow->family,
			    network_index(way, way->from.network),
			    network_index(way, way->to.network));
}

static const char *why_podman_routes_not(const struct way *way)
{
	if (is_routed(way))
		return NULL;
	return way->from.network->internal || way->to.network->internal
		       ? "podman does not route from or to an internal network"
		       : "podman itself drops this, because it isolates the networks: one has "
			 "isolate=strict, podman 6's default, or both have isolate=true";
}

static const char *why_not_routed(const struct way *way)
{
	if (world_is_podman(way->host->world))
		return why_podman_routes_not(way);
	if (is_let_in(way))
		return NULL;
	if (is_filtered(way))
		return "Docker itself drops this, because the containers share no network";
	/* Whoever answers on the source's network needs no route. */
	if (!way->from.network->internal && docker_answers_elsewhere(way))
		return NULL;
	if (!is_routed(way))
		return "Docker gives the containers of an internal network no route to others";
	return NULL;
}

static const char internal[] = "Docker itself drops this, because the network is internal";

/* Nobody but its own containers has a way to the network. */
static bool is_isolated(const struct way *way, const struct world_network *network)
{
	return world_gateway_mode(way->host->world, network, way->flow->family) ==
	       WORLD_GATEWAY_ISOLATED;
}

static const char *why_not_inbound(const struct way *way)
{
	if (way->to.network->internal)
		return internal;
	if (way->path == SIM_PATH_PROXY && way->host->world->no_proxy)
		return "Docker publishes nothing there, because its userland-proxy is off";
	return NULL;
}

/* A container that speaks to a port of this host is led to docker-proxy, whichever network it is
 * on; one of an internal network, and all where docker-proxy is off, into Docker's DNAT, and so
 * from one network to another. */
static const char *why_not_host(const struct way *way)
{
	const struct world *world = way->host->world;
	const struct world_network *from = way->from.network;
	const struct ip_addr *at = &way->flow->to.addr;
	bool elsewhere = at->family != IP_NONE && !is_on(from, at);
	uint32_t publisher;
	const struct world_published *published = docker_published_on_host(way, &publisher);

	if (is_isolated(way, from))
		return isolated;
	if (elsewhere && why_not_away(way))
		return why_not_away(way);
	if (!published)
		return NULL;
	bool same = &world->networks[world->endpoints[publisher].network] == from;
	bool dnat = world_publishing(world, publisher, way->flow->family) == WORLD_PUBLISHES_DNAT;
	if ((from->internal || world->no_proxy) && !same && dnat)
		return "Docker itself drops this, because the port leads to a container of another "
		       "network";
	if (world->no_proxy && !dnat)
		return "nobody answers there, because Docker's userland-proxy is off";
	if (elsewhere && !world->no_proxy && published->port.proto == PROTO_UDP &&
	    ip_is_unspecified(&published->host_ip) && !proxy_knows_address(world))
		return "docker-proxy before Docker 28 answers a datagram with another address than "
		       "it was sent to";
	return NULL;
}

bool docker_drops(const struct way *way, const char **reason)
{
	const char *why = NULL;

	if (way->host->symbolic)
		return false;
	switch (way->path) {
	case SIM_PATH_BRIDGED:
		why = why_not_bridged(way);
		break;
	case SIM_PATH_ROUTED:
		why = why_not_routed(way);
		break;
	case SIM_PATH_PUBLISHED:
	case SIM_PATH_PROXY:
	case SIM_PATH_DIRECT:
		why = why_not_inbound(way);
		break;
	case SIM_PATH_EGRESS:
		why = way->from.network->internal ? internal : why_not_away(way);
		break;
	case SIM_PATH_TO_HOST:
		why = why_not_host(way);
		break;
	case SIM_PATH_FROM_HOST:
		why = is_isolated(way, way->to.network) ? isolated : NULL;
		break;
	case SIM_PATH_PARENT:
	case SIM_PATH_NOT_OURS:
		break;
	}
	if (why)
		*reason = why;
	return why;
}
