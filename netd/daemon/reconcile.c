/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Carries out what core/plan asks for: snapshot, compile, one transaction. A generation that is
 * committed is kept, as the base of the next difference and as what status and explain speak of. */
#include <errno.h>
#include <string.h>

#include "core/world/world-store.h"
#include "daemon/daemon.h"
#include "edge/base/clock.h"
#include "edge/journal/journal.h"
#include "edge/loop/loop.h"

/* 1: nothing differs. */
static int commit_generation(struct daemon *d, struct generation *next, bool whole)
{
	const struct ruleset *from = d->committed && !whole ? d->committed->compiled.ruleset : NULL;
	struct arena *scratch CLEANUP(arena_freep) = arena_new();
	struct rs_diff diff;

	if (!scratch)
		return -ENOMEM;
	int r = ruleset_diff(from, next->compiled.ruleset, scratch, &diff);
	if (r < 0)
		return r;
	if (from && diff.empty)
		return 1;
	/* A stamp that was not used before: every connection is judged anew. Not by a try that
	 * failed either: if only the kernel's word of it was lost, its rules may have stamped
	 * connections. */
	if (!from || diff.takes_away) {
		d->stamp = plan_next_stamp(d->stamp);
		ruleset_set_stamp(next->compiled.ruleset, d->stamp);
		r = ruleset_diff(from, next->compiled.ruleset, scratch, &diff);
	}
	return r < 0 ? r : fw_commit_diff(d->fw, &diff, from == NULL, &d->last_error);
}

/* ---- what follows from a commit ---- */

void reconcile_keep_networks(struct daemon *d)
{
	struct world networks = { .networks = d->committed->world->networks,
				  .n_networks = d->committed->world->n_networks };

	/* Until a first policy is confirmed it leaves no trace by which the next boot is closed. */
	if (d->previous && d->previous->none)
		return;
	statefiles_write(
		&d->state, DAEMON_NETWORKS_FILE, world_print_inventory(&networks),
		"after a boot, networks that are not in it may be open until Docker answers");
}

static bool same_networks(const struct world *a, const struct world *b)
{
	if (a->n_networks != b->n_networks)
		return false;
	for (size_t i = 0; i < a->n_networks; i++)
		if (strcmp(a->networks[i].id, b->networks[i].id) != 0 ||
		    strcmp(a->networks[i].bridge, b->networks[i].bridge) != 0)
			return false;
	return true;
}

/* A change that may still be taken back is kept once it is confirmed: a restart before that comes
 * back with the policy before it. */
static void keep_policy(struct daemon *d, const struct policy_set *old)
{
	const struct policy_set *set = d->committed->policy;
	const struct policy_set *before = d->previous ? d->previous : old;
	struct history_change change = {
		.record = { .entry = { .when = clock_epoch_s(),
				       .author = set->author,
				       .digest = set->digest },
			    .origin = set->origin,
			    .sources = set->sources,
			    .n_sources = set->n_sources },
		.before = before ? before->policy : NULL,
		.policy = set->policy,
		.world = d->committed->world,
		.waits = d->previous != NULL,
	};

	if (!d->previous) /* what it takes the place of was not taken back */
		history_keep(&d->history);
	history_note(&d->history, &change);
	if (!d->previous)
		policy_save(d);
	log_info(LOG_ID_COMMITTED, "policy in force: %s", set->origin);
	ready_tell_status(d);
}

/* Files that were edited have taken the place of what waited for confirmation: that is not taken
 * back any more, and neither are they. */
static void end_wait(struct daemon *d)
{
	struct policy_set *previous = d->previous;

	if (!previous || d->committed->policy->author.by != HISTORY_BY_FILES)
		return;
	d->previous = NULL; /* the timer finds nothing */
	staged_replaced(d);
	if (previous->none)
		reconcile_keep_networks(d);
	policy_forget(d, previous);
}

/* Whoever was admitted through a port keeps it. */
static void keep_owners(struct daemon *d)
{
	const struct generation *now = d->committed;

	for (size_t i = 0; i < now->world->n_endpoints; i++) {
		const struct world_port *port = compile_port(&now->compiled.assignments[i]);
		if (port && port->owner == 0)
			world_store_set_owner(d->store, port, now->world->endpoints[i].id);
	}
}

static void take_into_force(struct daemon *d, struct generation *next)
{
	struct generation *old = d->committed;
	struct policy_set *old_policy = old ? old->policy : NULL;
	bool new_policy = next->policy != old_policy;

	if (next->compiled.ruleset->stamp) /* else nobody carries one; the old ones stay old */
		d->stamp = next->compiled.ruleset->stamp;
	flows_forget_whom(&d->flows);
	d->committed = next;
	keep_owners(d);
	neighbours_correct(d->rtnl, old, next);
	closed_report(old, next);
	if (!old || !same_networks(old->world, next->world))
		reconcile_keep_networks(d);
	(void)generation_free(old);
	if (new_policy)
		end_wait(d);
	if (new_policy)
		keep_policy(d, old_policy);
	struct policy_set *fallback = TAKE_PTR(d->fallback);
	if (fallback != old_policy)
		policy_forget(d, fallback);
	policy_forget(d, old_policy);
	floor_leave(d);
	d->n_refusals = 0;
	ground_keep(d);
}

/* Rules end on their own, by the wall clock, and reports become too old by it. They are looked at
 * again whenever that clock is set, as what has ended may begin anew. */
static int arm_until(struct daemon *d)
{
	/* From the moment the rules in force were made for: what ends between then and now must not
	 * be missed. */
	int64_t next = d->committed->compiled.next_change;

	return loop_arm_wall(d->until, next ? next : LOOP_WALL_NEVER);
}

static int arm_hold(struct daemon *d)
{
	uint64_t until = d->committed->held.until_us, now = clock_monotonic_us();

	if (until == UINT64_MAX)
		return loop_disarm(d->hold);
	return loop_arm(d->hold, until > now ? until - now : 0);
}

static int run_step(struct daemon *d, enum plan_action action)
{
	struct generation *next CLEANUP(generation_freep) = NULL;
	int r = generation_make(d, &next);

	if (r == 0)
		r = commit_generation(d, next, action == PLAN_COMMIT_WHOLE);
	if (r < 0) {
		d->n_failures++;
		log_error(LOG_ID_COMMIT_FAILED,
			  "nftables commit failed: %s; the last rules stay in force, trying again",
			  d->last_error.text[0] ? d->last_error.text : strerror(-r));
		reconcile_note(d, PLAN_FAILED);
		policy_give_up(d);
		floor_lay(d);
		ready_tell(d);
		return 0;
	}
	uint64_t closed_us = next->made_us;
	if (r == 0) {
		d->n_commits++;
		d->committed_at = clock_epoch_s();
		closed_us = clock_monotonic_us();
		world_hold_from(&next->held, next->made_us, closed_us);
	}
	int watched = dials_begin(&d->dials, &next->held, closed_us);
	take_into_force(d, TAKE_PTR(next)); /* also when nothing differs: its facts are newer */
	reconcile_note(d, PLAN_COMMITTED);
	ready_tell(d);
	latency_end(&d->latency, d->committed, clock_monotonic_us());
	int armed = watched < 0 ? watched : arm_hold(d);
	if (armed == 0)
		armed = agree_look(d);
	return armed < 0 ? armed : arm_until(d);
}

int reconcile_run(struct daemon *d)
{
	struct plan_step step = plan_next(&d->plan, (struct plan_time){ clock_monotonic_us() });
	int r = labels_follow(d);

	if (r == 0 && d->bound_armed) {
		d->bound_armed = false;
		r = loop_disarm(d->bound);
	}
	if (r == 0 && step.action == PLAN_WAIT)
		floor_follow(d);
	if (r == 0 && step.action != PLAN_WAIT) {
		r = run_step(d, step.action);
		step = plan_next(&d->plan, (struct plan_time){ clock_monotonic_us() });
	}
	if (r < 0 || step.wake_at_us == PLAN_NEVER)
		return r;
	uint64_t now = clock_monotonic_us();
	return loop_arm(d->wake, step.wake_at_us > now ? step.wake_at_us - now : 0);
}
