/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which containers the host may not reach yet, because their host ports were closed only now. */
#include <errno.h>
#include <string.h>

#include "core/world/world.h"

/* Mostly it is where it was: @near is looked at first. */
static bool has_host_port(const struct world_container *container,
			  const struct world_published *port, size_t near)
{
	for (size_t i = 0; i < container->n_published; i++) {
		const struct world_published *one =
			&container->published[(near + i) % container->n_published];
		if (one->host_port == port->host_port && one->port.proto == port->port.proto)
			return true;
	}
	return false;
}

static bool has_all_ports(const struct world_container *then, const struct world_container *now)
{
	for (size_t i = 0; i < now->n_published; i++)
		if (now->published[i].host_port != 0 && !has_host_port(then, &now->published[i], i))
			return false;
	return true;
}

/* The place in @world of a container that takes part; *@from goes along with @container's order. */
static bool find_part(const struct world *world, const struct world_container *container,
		      const bool *takes_part, size_t *from)
{
	for (; *from < world->n_containers; (*from)++) {
		const struct world_container *one = &world->containers[*from];
		int order = strcmp(one->name, container->name);
		if (order == 0)
			order = strcmp(one->id, container->id);
		if (order >= 0)
			return order == 0 && takes_part[*from];
	}
	return false;
}

static bool *find_parts(const struct world *world, struct arena *arena)
{
	bool *takes_part = arena_alloc(arena, world->n_containers * sizeof(*takes_part));

	for (size_t i = 0; takes_part && i < world->n_endpoints; i++)
		takes_part[world->endpoints[i].container] = true;
	return takes_part;
}

int world_hold_back(const struct world_held *before, const struct world *next, uint64_t now_us,
		    struct arena *arena, struct world_held *ret)
{
	static const struct world empty;
	const struct world *then = before ? before->world : &empty;
	struct world *world = arena_dup(arena, next, sizeof(*next));
	struct world_container *containers =
		arena_dup(arena, next->containers, next->n_containers * sizeof(*containers));
	uint64_t *since = arena_alloc(arena, next->n_containers * sizeof(*since));
	bool *took_part = find_parts(then, arena), *takes_part = find_parts(next, arena);
	size_t at = 0;

	if (!world || !containers || !since || !took_part || !takes_part)
		return -ENOMEM;
	*ret = (struct world_held){ world, since, UINT64_MAX };
	world->containers = containers;
	for (size_t i = 0; before && i < next->n_containers; i++) {
		bool closed = find_part(then, &containers[i], took_part, &at) &&
			      has_all_ports(&then->containers[at], &containers[i]);
		since[i] = closed ? before->closed_since_us[at] : now_us;
		uint64_t until = since[i] ? since[i] + WORLD_HOLD_US : 0;
		if (!takes_part[i] || containers[i].n_published == 0 || until <= now_us)
			continue;
		containers[i].starting = true;
		ret->until_us = until < ret->until_us ? until : ret->until_us;
	}
	return 0;
}

void world_hold_from(struct world_held *held, uint64_t made_us, uint64_t now_us)
{
	held->until_us = UINT64_MAX;
	for (size_t i = 0; i < held->world->n_containers; i++) {
		uint64_t *since = &held->closed_since_us[i];
		if (*since == made_us)
			*since = now_us;
		if (held->world->containers[i].starting && *since + WORLD_HOLD_US < held->until_us)
			held->until_us = *since + WORLD_HOLD_US;
	}
}
