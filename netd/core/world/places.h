/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Both ends of what docker-proxy does for containers over TCP: the ports of the host at which it
 * takes connections, and those to which it then opens its own, its dials. */
#pragma once

#include "core/world/world.h"

struct world_place {
	struct ip_addr addr; /* unspecified: every one of the host's */
	uint16_t port;
	uint32_t container; /* its index in the world */
};

/* Sorted by port. */
struct world_places {
	VEC(struct world_place) of;
};

/* Where the containers that are @wanted (of each an answer) are published over TCP at the host:
 * not on loopback addresses, which nobody else reaches. 0 or -ENOMEM. */
int world_places_at_host(const struct world *world, const bool *wanted, struct arena *arena,
			 struct world_places *ret) MUST_CHECK;
/* Where these ports are at the containers' own addresses, on each of their networks. */
int world_places_inside(const struct world *world, const bool *wanted, struct arena *arena,
			struct world_places *ret) MUST_CHECK;
/* Those to which a connection to @addr and @port comes, one a call: the one after @last, NULL for
 * the first. NULL after the last. */
const struct world_place *world_places_next(const struct world_places *places,
					    const struct ip_addr *addr, uint16_t port,
					    const struct world_place *last);
/* The ports as ranges from the lowest to the highest, @most (at least one) of them: where there are
 * more, the last has what is between as well. How many. */
struct world_ports {
	uint16_t first, last;
};
size_t world_places_ranges(const struct world_places *places, struct world_ports *ret, size_t most);
/* For each family the longest prefix that has all addresses of places. How many. */
#define WORLD_PLACES_PREFIXES 2u
size_t world_places_prefixes(const struct world_places *places,
			     struct ip_prefix ret[WORLD_PLACES_PREFIXES]);
