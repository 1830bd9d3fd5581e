/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What Docker itself does with a flow, beside netd: which endpoint a published port leads to, and
 * what it lets nobody do. As measured on 20.10, 26.1 and 28.5. */
#include <string.h>

#include "core/simulate/way.h"

/* Docker programs a filter for that family. */
static bool is_filtered(const struct way *way)
{
	return way->flow->family == IP_V4 || !way->host->world->ip6_unfiltered;
}

/* ---- published ports ---- */

enum world_publishing docker_publishing(const struct way *way)
{
	const struct world *world = way->host->world;
	const struct world_endpoint *to = way->to.endpoint;
	enum ip_family family = way->flow->family;

	if (!to || way->to.speaker != UINT32_MAX)
		return WORLD_PUBLISHES_NOT;
	if (way->to.network->internal &&
	    world_publisher(world, to->container, family) == WORLD_NO_ENDPOINT)
		return way->to.addr.family == family && is_filtered(way) ? WORLD_PUBLISHES_DNAT
									 : WORLD_PUBLISHES_PROXY;
	return world_publishing(world, (uint32_t)(to - world->endpoints), family);
}

const struct world_published *docker_published(const struct way *way)
{
	const struct world *world = way->host->world;
	const struct world_published *found = NULL;
	bool routed = way->publishing == WORLD_PUBLISHES_ROUTED;

	if (!way->to.endpoint || way->publishing == WORLD_PUBLISHES_NOT || routed)
		return NULL;
	const struct world_container *container = &world->containers[way->to.endpoint->container];
	for (size_t i = world_first_published(container, way->flow->port);
	     i < container->n_published && container->published[i].port.lo == way->flow->port;
	     i++) {
		const struct world_published *published = &container->published[i];
		if (published->host_ip.family != way->flow->family ||
		    published->port.proto != way->flow->proto)
			continue;
		if (!found || ip_is_loopback(&found->host_ip))
			found = published;
	}
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
			*ret_publisher = world_publisher(world, c, way->flow->family);
			if (*ret_publisher != WORLD_NO_ENDPOINT)
				return published;
		}
	return NULL;
}

const char *docker_why_direct(const struct way *way, struct arena *arena)
{
	const struct world *world = way->host->world;
	const struct world_published *published = NULL;
	const struct world_endpoint *to = way->to.endpoint;

	if (way->published)
		return "the port is published on a loopback address, so only this host reaches it";
	if (way->publishing == WORLD_PUBLISHES_ROUTED)
		return "gateway_mode is routed: the port is at the container's own address, not at "
		       "this host's, and what comes from outside reaches no container directly";
	for (size_t i = 0; to && i < world->containers[to->container].n_published; i++)
		if (world->containers[to->container].published[i].port.lo == way->flow->port &&
		    world->containers[to->container].published[i].port.proto == way->flow->proto)
			published = &world->containers[to->container].published[i];
	if (!published)
		return "only published ports can be reached from outside, and this one is not "
		       "published";
	uint32_t publisher = world_publisher(world, to->container, way->flow->family);
	if (publisher == WORLD_NO_ENDPOINT)
		return "Docker publishes no port of a container whose default route is on a "
		       "network "
		       "of another kind";
	if (&world->endpoints[publisher] == to)
		return "only published ports can be reached from outside, and this one is not "
		       "published over this family";
	return arena_printf(arena, "Docker publishes the port through network %s, not through %s",
			    world->networks[world->endpoints[publisher].network].name,
			    way->to.network->name);
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

static const char *why_not_routed(const struct way *way)
{
	if (world_is_podman(way->host->world))
		return way->from.network->internal || way->to.network->internal
			       ? "podman does not route from or to an internal network"
			       : NULL;
	if (is_filtered(way))
		return "Docker itself drops this, because the containers share no network";
	const struct world *world = way->host->world;
	if (!world_routes(world, (uint32_t)(way->from.network - world->networks),
			  (uint32_t)(way->to.network - world->networks)))
		return "Docker gives the containers of an internal network no route to others";
	return NULL;
}

static const char internal[] = "Docker itself drops this, because the network is internal";

static const char *why_not_inbound(const struct way *way)
{
	if (way->to.network->internal)
		return internal;
	if (way->path == SIM_PATH_PROXY && way->host->world->no_proxy)
		return "Docker publishes nothing there, because its userland-proxy is off";
	return NULL;
}

/* Away from its own network. */
static const char *why_not_away(const struct way *way)
{
	const struct world *world = way->host->world;

	if (!way->from.endpoint ||
	    world_has_default_route(world, (uint32_t)(way->from.endpoint - world->endpoints),
				    way->flow->family))
		return NULL;
	return way->from.network->internal
		       ? "Docker gives the containers of an internal network no route to that "
			 "address"
		       : "Docker gave the container its default route on another network";
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
	case SIM_PATH_NOT_OURS:
		break;
	}
	if (why)
		*reason = why;
	return why;
}
