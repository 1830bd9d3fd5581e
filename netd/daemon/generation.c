/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes a generation: the facts as they are now, compiled with the policy that is wanted. */
#include "daemon/generation.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "core/world/world-store.h"
#include "daemon/daemon.h"
#include "edge/base/clock.h"
#include "edge/host/host.h"
#include "edge/journal/journal.h"

struct generation *generation_free(struct generation *generation)
{
	if (generation)
		(void)arena_free(generation->arena);
	return NULL;
}

void generation_freep(struct generation **generation)
{
	*generation = generation_free(*generation);
}

static void look_at_datagrams(struct world_waiting *waiting)
{
	int r = host_waiting(waiting);

	if (r >= 0)
		return;
	log_warning(LOG_ID_INTERNAL,
		    "the kernel does not say at which ports datagrams wait: %s; this host reaches "
		    "new containers with published ports %u s later",
		    strerror(-r), WORLD_HOLD_MOST_US / 1000000u);
	memset(waiting->ports, 0xff, sizeof(waiting->ports));
}

/* What waits at published ports, when somebody may be let go: else nobody asks. 0 or -ENOMEM. */
static int look_who_waits(struct daemon *d, const struct world_held *before,
			  struct generation *next, struct world_hold_time *time)
{
	if (before && before->until_us > time->now_us)
		return 0;
	struct world_waiting *waiting = arena_alloc(next->arena, sizeof(*waiting));
	time->waiting = waiting;
	if (!waiting)
		return -ENOMEM;
	if (!before)
		return dials_find(&d->dials, next->world, next->arena, waiting);
	look_at_datagrams(waiting);
	return dials_look(&d->dials, before, time->now_us, next->arena, waiting);
}

/* Before Docker was read nothing is known of anybody. */
static int take_snapshot(struct daemon *d, struct generation *next)
{
	const struct generation *old = d->committed;
	const struct world_held *before = old && old->synced ? &old->held : NULL;
	struct world_hold_time time = { .now_us = clock_monotonic_us() };
	int r = world_store_snapshot(d->store, next->arena, &next->world);

	next->made_us = time.now_us;
	if (r == 0)
		r = look_who_waits(d, before, next, &time);
	if (r == 0)
		r = world_hold_back(before, next->world, &time, next->arena, &next->held);
	next->world = next->held.world;
	next->synced = d->plan.synced;
	return r;
}

/* Builds for tests compile as a whole, too, one in eight of those that were reused, and each in
 * which endpoints were made anew. */
static int check_reuse(const struct daemon *d, const struct generation *next, size_t n_renewed)
{
#if defined(NETD_CHECK_REUSE)
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	struct compile_output whole;
	const char *why;

	if (d->n_reused % 8 != 1 && n_renewed == 0)
		return 0;
	int r = arena ? compile_ruleset(&next->input, arena, &whole, &why) : -ENOMEM;
	if (r == 0)
		assert(ruleset_equal(whole.ruleset, next->compiled.ruleset));
	return r;
#else
	(void)d;
	(void)next;
	(void)n_renewed;
	return 0;
#endif
}

static int compile_generation(struct daemon *d, struct generation *next)
{
	const struct generation *old = d->committed;
	const struct compile_before before = { old ? &old->input : NULL,
					       old ? &old->compiled : NULL,
					       old ? old->base : NULL };
	struct compile_result result;
	const char *why = NULL;
	int r = compile_again(&next->input, old ? &before : NULL, next->arena, &result, &why);

	if (r < 0) {
		log_error(LOG_ID_INTERNAL, "the compiler failed: %s; the last rules stay in force",
			  why ? why : strerror(-r));
		return r;
	}
	next->compiled = result.output;
	next->base = result.base;
	d->n_reused += result.reused;
	return result.reused ? check_reuse(d, next, result.n_renewed) : 0;
}

int generation_make(struct daemon *d, struct generation **ret)
{
	struct arena *arena = arena_new();
	struct generation *generation CLEANUP(generation_freep) =
		arena ? arena_alloc(arena, sizeof(*generation)) : NULL;

	if (!generation) {
		(void)arena_free(arena);
		return -ENOMEM;
	}
	generation->arena = arena;
	generation->policy = d->wanted;
	generation->judged_at = clock_epoch_s();
	int r = take_snapshot(d, generation);
	if (r < 0)
		return r;
	generation->input = (struct compile_input){
		.policy = d->wanted->policy,
		.world = generation->world,
		.stamp = stamp_has_room(d) ? d->stamp : 0,
		.mark_bit = d->options->mark_bit,
		.log_group = fw_can_log(d->fw) ? COMPILE_LOG_GROUP : 0,
		.now = generation->judged_at,
	};
	r = compile_generation(d, generation);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(generation);
	return 0;
}

/* Worlds are sorted by container name, then network name: the order in which both are walked. */
int generation_compare(const struct generation *a, size_t i, const struct generation *b, size_t j)
{
	const struct world_endpoint *left = &a->world->endpoints[i],
				    *right = &b->world->endpoints[j];
	const struct world_container *one = &a->world->containers[left->container],
				     *other = &b->world->containers[right->container];
	const struct world_network *here = &a->world->networks[left->network],
				   *there = &b->world->networks[right->network];
	int c = strcmp(one->name, other->name);

	if (c == 0)
		c = strcmp(one->id, other->id);
	if (c == 0)
		c = strcmp(here->name, there->name);
	return c ? c : strcmp(here->id, there->id);
}
