/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which containers the host may not reach yet, because their host ports were closed only now. */
#include <errno.h>
#include <string.h>

#include "core/base/sort.h"
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

/* The place in @before of container @i, if it took part; *@from goes along with the order of both.
 */
static bool find_part(const struct world *before, const struct world *world, uint32_t i,
		      const bool *took_part, uint32_t *from)
{
	for (; *from < before->n_containers; (*from)++) {
		const struct world_container *one, *container;
		if (world_is_one_record(before, *from, world, i))
			return took_part[*from];
		one = &before->containers[*from];
		container = &world->containers[i];
		int order = strcmp(one->name, container->name);
		if (order == 0)
			order = strcmp(one->id, container->id);
		if (order >= 0)
			return order == 0 && took_part[*from];
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

static int by_text(const void *left, const void *right)
{
	const char *const *a = left, *const *b = right;

	return strcmp(*a, *b);
}

static bool is_among(const struct world_waiting *waiting, const char *id)
{
	size_t i = sort_bound(&id, waiting->ids, waiting->n_ids, sizeof(*waiting->ids), by_text);

	return i < waiting->n_ids && strcmp(waiting->ids[i], id) == 0;
}

static bool is_waiting(const struct world_waiting *waiting, const struct world_container *container)
{
	if (waiting && is_among(waiting, container->id))
		return true;
	for (size_t i = 0; waiting && i < container->n_published; i++) {
		uint16_t port = container->published[i].host_port;
		if (container->published[i].port.proto == PROTO_UDP &&
		    (waiting->ports[port / 8] & 1u << port % 8))
			return true;
	}
	return false;
}

/* Of a container that was there before, at @at. */
static void take_times(const struct world_held *before, size_t at, const struct world *next,
		       const struct world_hold_time *time, struct world_held *ret, size_t i)
{
	bool is_held = before->world->holds && before->world->containers[at].starting;
	uint64_t closed = before->closed_since_us[at];

	ret->closed_since_us[i] = closed;
	ret->quiet_since_us[i] = is_held && is_waiting(time->waiting, &next->containers[i]) &&
						 time->now_us - closed < WORLD_HOLD_MOST_US
					 ? time->now_us
					 : before->quiet_since_us[at];
}

/* Nothing was known before. Whom docker-proxy tries to reach has been closed to the host, by the
 * tables of an earlier run or as all was, and its ports may have been open. */
static void take_first_times(const struct world *next, const struct world_hold_time *time,
			     struct world_held *ret)
{
	for (size_t i = 0; time->waiting && i < next->n_containers; i++)
		if (is_among(time->waiting, next->containers[i].id))
			ret->closed_since_us[i] = ret->quiet_since_us[i] = time->now_us;
}

/* Since when the host ports of each container are closed, as far as the container takes part. */
static int find_times(const struct world_held *before, const struct world *next,
		      const struct world_hold_time *time, struct arena *arena,
		      struct world_held *ret)
{
	size_t bytes = next->n_containers * sizeof(*ret->closed_since_us);
	bool *took_part = before ? find_parts(before->world, arena) : NULL;
	uint32_t at = 0;

	ret->closed_since_us = arena_alloc(arena, bytes);
	ret->quiet_since_us = arena_alloc(arena, bytes);
	if (!ret->closed_since_us || !ret->quiet_since_us || (before && !took_part))
		return -ENOMEM;
	if (!before)
		take_first_times(next, time, ret);
	for (uint32_t i = 0; before && i < next->n_containers; i++) {
		bool was = find_part(before->world, next, i, took_part, &at);
		if (was && (world_is_one_record(before->world, at, next, i) ||
			    has_all_ports(&before->world->containers[at], &next->containers[i])))
			take_times(before, at, next, time, ret, i);
		else
			ret->closed_since_us[i] = ret->quiet_since_us[i] = time->now_us;
	}
	return 0;
}

static bool is_held(const struct world_held *held, const bool *takes_part, size_t i,
		    uint64_t now_us)
{
	uint64_t since = held->quiet_since_us[i];

	return since && since + WORLD_HOLD_US > now_us && takes_part[i] &&
	       held->world->containers[i].n_published > 0;
}

/* Nobody was held, and Docker has said nothing since: nobody is. */
static bool is_as_before(const struct world_held *before, const struct world *next)
{
	return before && before->until_us == UINT64_MAX && next->records &&
	       before->world->containers == next->containers;
}

static int copy_times(const struct world_held *before, size_t n, struct arena *arena,
		      struct world_held *ret)
{
	ret->closed_since_us = arena_dup(arena, before->closed_since_us, n * sizeof(uint64_t));
	ret->quiet_since_us = arena_dup(arena, before->quiet_since_us, n * sizeof(uint64_t));
	return ret->closed_since_us && ret->quiet_since_us ? 0 : -ENOMEM;
}

int world_hold_back(const struct world_held *before, const struct world *next,
		    const struct world_hold_time *time, struct arena *arena, struct world_held *ret)
{
	struct world *world = arena_dup(arena, next, sizeof(*next));
	struct world_container *containers = NULL;
	bool *takes_part;

	if (!world)
		return -ENOMEM;
	*ret = (struct world_held){ .world = world, .until_us = UINT64_MAX };
	if (is_as_before(before, next))
		return copy_times(before, next->n_containers, arena, ret);
	takes_part = find_parts(next, arena);
	if (!takes_part || find_times(before, next, time, arena, ret) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < next->n_containers; i++) {
		if (!is_held(ret, takes_part, i, time->now_us))
			continue;
		if (!containers)
			containers = arena_dup(arena, next->containers,
					       next->n_containers * sizeof(*containers));
		if (!containers)
			return -ENOMEM;
		world->containers = containers;
		world->holds = true;
		containers[i].starting = true;
		uint64_t until = ret->quiet_since_us[i] + WORLD_HOLD_US;
		ret->until_us = until < ret->until_us ? until : ret->until_us;
	}
	return 0;
}

void world_hold_from(struct world_held *held, uint64_t made_us, uint64_t now_us)
{
	held->until_us = UINT64_MAX;
	for (size_t i = 0; i < held->world->n_containers; i++) {
		uint64_t *quiet = &held->quiet_since_us[i];
		if (held->closed_since_us[i] == made_us)
			held->closed_since_us[i] = *quiet = now_us;
		if (held->world->containers[i].starting && *quiet + WORLD_HOLD_US < held->until_us)
			held->until_us = *quiet + WORLD_HOLD_US;
	}
}
