/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private to core/simulate: one flow with all that is known of its two ends, and the decisions of
 * Docker that lie on its way. A struct way lives on the stack of sim_flow() and borrows the flow
 * and the host. What Docker does was measured on 20.10, 26.1 and 28.5 (ARCHITECTURE.md). */
#pragma once

#include "core/simulate/simulate.h"

/* What is known of one end. */
struct place {
	const struct world_endpoint *endpoint; /* NULL: no known container on a managed network */
	const struct world_network *network;   /* the managed network it is on, or NULL */
	const char *port;		       /* "" unknown */
	/* A container at the parent of its network, or NULL: to the bridges of this host it is one
	 * more address outside. */
	const struct world_endpoint *standing;
	struct ip_addr addr;
	uint32_t speaker; /* the tier that speaks for the address, or UINT32_MAX */
};

struct way {
	const struct sim_host *host;
	const struct sim_flow *flow; /* an address of this host in it is SIM_HOST */
	struct place from, to;
	const struct world_published *published; /* the port's, or NULL */
	enum world_publishing publishing;	 /* how the destination publishes it */
	enum sim_path path;
	struct ip_addr host_addr; /* at which this host is spoken to */
};

/* The address that somebody outside sees who is spoken to by the source: this host's, where it is
 * the host or what it masquerades. */
/* An address of this host that the source could use: the one that was asked about or that the port
 * is published on, its gateway, or some other. */
struct ip_addr place_host_address(const struct way *way);
struct ip_addr place_outside_address(const struct way *way);
/* Both ends stand on one interface. */
bool place_between_siblings(const struct way *way);
/* What becomes of the flow on its way: *result as far as netd's rules decide it. travel.c. 0 or
 * -ENOMEM. */
int sim_travel(const struct way *way, struct arena *arena, struct sim_result *result) MUST_CHECK;

struct place place_of(const struct sim_host *host, const struct sim_end *end,
		      enum ip_family family);
/* An address that a tier speaks for is at the port of one of its containers: which one hangs on
 * where the other end is. */
void place_at_speaker(const struct sim_host *host, struct place *place, const struct place *other);

/* How the destination publishes its ports. One that Docker does not publish because the network is
 * internal counts as any other: that Docker drops it says more than that it is none. */
enum world_publishing docker_publishing(const struct way *way);
/* The published port that leads to the flow's destination, preferring one that is open to others
 * than this host; NULL: Docker publishes it through no port, or through another endpoint. */
const struct world_published *docker_published(const struct way *way);
/* Who publishes the port of this host that a flow to it asks for; NULL: nobody. *ret_publisher: the
 * endpoint that answers. */
const struct world_published *docker_published_on_host(const struct way *way,
						       uint32_t *ret_publisher);
/* Whether Docker drops what netd lets pass; *reason says why. */
bool docker_drops(const struct way *way, const char **reason);
/* A legacy --link could make an exception of what Docker drops: no list shows what one exposes. */
bool docker_may_link(const struct way *way);
/* A container that is on the source's network as well answers there, with an address that is not of
 * that port: Docker lets it, and the guard drops it. */
bool docker_answers_elsewhere(const struct way *way);
/* Docker opens the port at the container's own address, to others than this host. */
bool docker_opens_directly(const struct way *way);
/* Why the direct route to the destination is no published port. NULL: out of memory. */
const char *docker_why_direct(const struct way *way, struct arena *arena);
