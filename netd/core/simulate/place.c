/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where an end of a flow is: on which network, behind which port. */
#include <string.h>

#include "core/simulate/way.h"

static const struct world_network *network_of(const struct sim_host *host,
					      const struct ip_addr *addr)
{
	uint32_t network = compile_find_subnet(host->compiled, addr);

	return network == UINT32_MAX ? NULL : &host->world->networks[network];
}

static void put_at(const struct sim_host *host, struct place *place, uint32_t endpoint)
{
	const char *port = host->compiled->assignments[endpoint].port;

	place->endpoint = &host->world->endpoints[endpoint];
	place->network = &host->world->networks[place->endpoint->network];
	place->port = port ? port : "";
}

struct place place_of(const struct sim_host *host, const struct sim_end *end, enum ip_family family)
{
	struct place place = { .port = "", .addr = end->addr, .speaker = UINT32_MAX };

	if (end->kind == SIM_ADDRESS && !host->symbolic)
		place.network = network_of(host, &end->addr);
	if (end->kind == SIM_ADDRESS && end->addr.family == family)
		place.speaker = compile_find_spoken(host->compiled, &end->addr);
	if (end->kind != SIM_ENDPOINT)
		return place;
	const struct world_endpoint *endpoint = &host->world->endpoints[end->endpoint];
	place.addr = family == IP_V6 ? endpoint->ipv6 : endpoint->ipv4;
	if (world_network_is_managed(&host->world->networks[endpoint->network]))
		put_at(host, &place, end->endpoint); /* else one more address outside */
	else if (host->compiled->assignments[end->endpoint].at_parent)
		place.standing = endpoint;
	return place;
}

/* How well an endpoint speaks for an address towards another end: on its network, else from where
 * something leaves; its own port is no way to itself. 0: not at all. */
static int worth_as_speaker(const struct sim_host *host, uint32_t tier, uint32_t endpoint,
			    const struct place *other)
{
	const struct assignment *as = &host->compiled->assignments[endpoint];
	const struct world_endpoint *e = &host->world->endpoints[endpoint];

	if (as->kind != ASSIGN_TIER || as->tier != tier || !as->port)
		return 0;
	if (e == other->endpoint)
		return 1;
	if (&host->world->networks[e->network] == other->network)
		return 4;
	return host->world->networks[e->network].internal ? 2 : 3;
}

/* Where there is none, it is nowhere. */
void place_at_speaker(const struct sim_host *host, struct place *place, const struct place *other)
{
	uint32_t best = UINT32_MAX;
	int worth = 0;

	if (place->speaker == UINT32_MAX)
		return;
	for (uint32_t i = 0; i < host->world->n_endpoints; i++) {
		int more = worth_as_speaker(host, place->speaker, i, other);
		if (more > worth)
			best = i;
		worth = more > worth ? more : worth;
	}
	place->network = NULL;
	if (best != UINT32_MAX)
		put_at(host, place, best);
}

static const struct world_network *standing_network(const struct way *way,
						    const struct world_endpoint *endpoint)
{
	return &way->host->world->networks[endpoint->network];
}

bool place_between_siblings(const struct way *way)
{
	return way->from.standing && way->to.standing &&
	       strcmp(standing_network(way, way->from.standing)->parent,
		      standing_network(way, way->to.standing)->parent) == 0;
}

/* An address of this host that the source could use: the one that was asked about or that the port
 * is published on, its gateway, or some other. */
struct ip_addr place_host_address(const struct way *way)
{
	static const struct ip_addr other[] = { { IP_V4, { 192, 0, 2, 1 } },
						{ IP_V6, { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 } } };
	const struct world_network *network = way->from.network;

	if (way->flow->to.kind == SIM_HOST && way->to.addr.family == way->flow->family)
		return way->to.addr;
	if (way->published && !ip_is_unspecified(&way->published->host_ip))
		return way->published->host_ip;
	for (size_t i = 0; network && i < network->n_gateways; i++)
		if (network->gateways[i].family == way->flow->family)
			return network->gateways[i];
	return other[way->flow->family == IP_V6];
}

struct ip_addr place_outside_address(const struct way *way)
{
	const struct world *world = way->host->world;
	bool routed = way->from.network &&
		      !world_masquerades(world, way->flow->family,
					 (uint32_t)(way->from.network - world->networks));

	if (routed || (!way->from.network && way->flow->from.kind != SIM_HOST))
		return way->from.addr;
	for (size_t i = 0; i < world->n_host_addrs; i++)
		if (world->host_addrs[i].family == way->flow->family &&
		    !ip_is_loopback(&world->host_addrs[i]))
			return world->host_addrs[i];
	return place_host_address(way);
}
