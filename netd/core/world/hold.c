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

/* Since when the host ports of each container are closed, as far as the container takes part. */
static uint64_t *find_since(const struct world_held *before, const struct world *next,
			    uint64_t now_us, struct arena *arena)
{
	uint64_t *since = arena_alloc(arena, next->n_containers * sizeof(*since));
	bool *took_part = before ? find_parts(before->world, arena) : NULL;
	size_t at = 0;

	if (!since || (before && !took_part))
		return NULL;
	for (size_t i = 0; before && i < next->n_containers; i++) {
		bool closed = find_part(before->world, &next->containers[i], took_part, &at) &&
			      has_all_ports(&before->world->containers[at], &next->containers[i]);
		since[i] = closed ? before->closed_since_us[at] : now_us;
	}
	return since;
}

static bool is_held(const struct world_held *held, const bool *takes_part, size_t i,
		    uint64_t now_us)
{
	uint64_t since = held->closed_since_us[i];

	return takes_part[i] && held->world->containers[i].n_published > 0 && since &&
	       since + WORLD_HOLD_US > now_us;
}

/* Nobody was held, and Docker has said nothing since: nobody is. */
static bool is_as_before(const struct world_held *before, const struct world *next)
{
	return before && before->until_us == UINT64_MAX && next->records &&
	       before->world->containers == next->containers;
}

int world_hold_back(const struct world_held *before, const struct world *next, uint64_t now_us,
		    struct arena *arena, struct world_held *ret)
{
	struct world *world = arena_dup(arena, next, sizeof(*next));
	struct world_container *containers = NULL;
	bool *takes_part;

	if (!world)
		return -ENOMEM;
	*ret = (struct world_held){ world, NULL, UINT64_MAX };
	if (is_as_before(before, next)) {
		ret->closed_since_us =
			arena_dup(arena, before->closed_since_us,
				  next->n_containers * sizeof(*before->closed_since_us));
		return ret->closed_since_us ? 0 : -ENOMEM;
	}
	takes_part = find_parts(next, arena);
	ret->closed_since_us = find_since(before, next, now_us, arena);
	if (!takes_part || !ret->closed_since_us)
		return -ENOMEM;
	for (size_t i = 0; i < next->n_containers; i++) {
		if (!is_held(ret, takes_part, i, now_us))
			continue;
		if (!containers)
			containers = arena_dup(arena, next->containers,
					       next->n_containers * sizeof(*containers));
		if (!containers)
			return -ENOMEM;
		world->containers = containers;
		containers[i].starting = true;
		uint64_t until = ret->closed_since_us[i] + WORLD_HOLD_US;
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
