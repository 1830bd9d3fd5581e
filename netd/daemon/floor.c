/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The floor: while netd has put nothing into force and has found nothing that holds, the closed
 * base is in the kernel. It is made of as little as possible, since something has just failed: of
 * no policy and no container, and if need be of no network either; then what is called as an
 * engine's bridge is closed by its name. Where the policy that was in force last is in audit mode,
 * so is the floor: it logs, and drops nothing. */
#include "daemon/daemon.h"

#include <errno.h>
#include <string.h>

#include "core/world/world-store.h"
#include "edge/base/clock.h"
#include "edge/journal/journal.h"

static bool is_policy_audited(const struct daemon *d)
{
	const struct policy_set *last =
		d->fallback && d->fallback->was_in_force ? d->fallback : d->wanted;

	return last && last->was_in_force && last->policy->mode == POLICY_AUDIT;
}

static int compile_closed(struct daemon *d, const struct world *world, struct arena *arena,
			  const struct ruleset **ret)
{
	const struct policy nothing = { .mode = is_policy_audited(d) ? POLICY_AUDIT
								     : POLICY_ENFORCE,
					.unmatched = POLICY_UNMATCHED_DENY };
	const struct compile_input in = { .policy = &nothing,
					  .world = world,
					  .mark_bit = d->options->mark_bit,
					  .log_group = fw_can_log(d->fw) ? COMPILE_LOG_GROUP : 0,
					  .now = clock_epoch_s() };
	struct compile_output compiled;
	const char *why = NULL;
	int r = compile_ruleset(&in, arena, &compiled, &why);

	if (r == 0)
		*ret = compiled.ruleset;
	return r;
}

/* @arena holds what is in force from then on. */
static int commit_closed(struct daemon *d, const struct ruleset *closed, struct arena **arena)
{
	struct fw_error error = { 0 };
	int r = fw_commit(d->fw, NULL, closed, *arena, &error);

	if (r < 0)
		return r;
	floor_leave(d);
	d->floor = closed;
	d->floor_arena = TAKE_PTR(*arena);
	d->has_floor = true;
	return 0;
}

/* Networks, bridges and ports, without anybody on them. */
static int take_bare_world(struct daemon *d, struct arena *arena, struct world *ret)
{
	const struct world *all;
	int r = world_store_snapshot(d->store, arena, &all);

	if (r < 0)
		return r;
	*ret = *all;
	ret->n_containers = ret->n_endpoints = 0;
	return 0;
}

static int lay(struct daemon *d, const struct world *world)
{
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	const struct ruleset *closed;
	struct world bare;
	int r = arena ? 0 : -ENOMEM;

	if (r == 0 && !world) {
		r = take_bare_world(d, arena, &bare);
		world = &bare;
	}
	if (r == 0)
		r = compile_closed(d, world, arena, &closed);
	return r < 0 ? r : commit_closed(d, closed, &arena);
}

void floor_lay(struct daemon *d)
{
	static const struct world nowhere;
	bool had_floor = d->has_floor;

	/* On a host that never had a policy, there is nothing to close (first.c). */
	if (d->committed || d->plan.adopted || d->plan.off || (d->fallback && d->fallback->none))
		return;
	d->floor_lags = false;
	int r = lay(d, NULL);
	if (r < 0)
		r = lay(d, &nowhere);
	if (r < 0)
		log_error(LOG_ID_COMMIT_FAILED,
			  "the closed base cannot be put into force either: %s", strerror(-r));
	else if (!had_floor)
		log_warning(LOG_ID_COMMIT_FAILED, "until that succeeds, %s",
			    is_policy_audited(d)
				    ? "everything on Docker's networks passes, since the policy "
				      "that was in force is in audit mode"
				    : "everything on Docker's networks is closed");
}

void floor_follow(struct daemon *d)
{
	struct arena *arena CLEANUP(arena_freep) = NULL;
	const struct ruleset *closed;
	struct rs_diff diff;
	struct world bare;

	if (!d->floor || !d->floor_lags)
		return;
	d->floor_lags = false;
	arena = arena_new();
	int r = arena ? take_bare_world(d, arena, &bare) : -ENOMEM;
	if (r == 0)
		r = compile_closed(d, &bare, arena, &closed);
	if (r == 0)
		r = ruleset_diff(d->floor, closed, arena, &diff);
	if (r == 0 && !diff.empty)
		r = commit_closed(d, closed, &arena);
	if (r < 0)
		log_error(LOG_ID_COMMIT_FAILED, "the closed base cannot follow: %s", strerror(-r));
}

void floor_leave(struct daemon *d)
{
	d->floor = NULL;
	d->floor_arena = arena_free(d->floor_arena);
}
