/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where an end of a flow is: on which network, behind which port. */
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
