/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Carries out what core/plan asks for: snapshot, compile, one transaction. A generation that is
 * committed is kept, as the base of the next difference and as what status and explain speak of. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "daemon/daemon.h"
#include "edge/base/clock.h"
#include "edge/journal/journal.h"
#include "edge/loop/loop.h"

/* Facts come in bursts; the loop's idle moment gathers them, this bounds the wait in a storm. */
#define LONGEST_WAIT_US 10000u

struct generation *generation_free(struct generation *generation)
{
	if (generation)
		(void)arena_free(generation->arena);
	return NULL;
}

static void generation_freep(struct generation **generation)
{
	*generation = generation_free(*generation);
}

/* ---- latency ---- */

static void note_sample(struct latency *latency, uint64_t took_us)
{
	latency->samples_us[latency->n++ % LATENCY_SAMPLES] = (uint32_t)took_us;
	histogram_note(&latency->histogram, took_us);
}

static bool is_admitted(const struct generation *generation, const char *network_id,
			const char *container_id)
{
	const struct world *world = generation->world;

	for (size_t i = 0; i < world->n_endpoints; i++) {
		const struct world_endpoint *endpoint = &world->endpoints[i];
		if (strcmp(world->containers[endpoint->container].id, container_id) == 0 &&
		    strcmp(world->networks[endpoint->network].id, network_id) == 0)
			return generation->compiled.assignments[i].kind != ASSIGN_UNKNOWN;
	}
	return false;
}

void latency_begin(struct latency *latency, const struct generation *in_force,
		   const struct world_event *event, uint64_t now_us)
{
	if (in_force && is_admitted(in_force, event->network_id, event->container_id)) {
		note_sample(latency, 0);
		return;
	}
	if (latency->n_pending == ARRAY_LEN(latency->pending))
		return; /* a sample, not an account */
	size_t i = latency->n_pending++;
	(void)snprintf(latency->pending[i].network_id, WORLD_ID_LEN, "%s", event->network_id);
	(void)snprintf(latency->pending[i].container_id, WORLD_ID_LEN, "%s", event->container_id);
	latency->pending[i].since_us = now_us;
}

static void latency_end(struct latency *latency, const struct generation *generation,
			uint64_t now_us)
{
	/* A container that stopped again before it was seen never ends its wait. */
	enum { FORGET_AFTER_US = 10 * 1000000 };
	size_t kept = 0;

	for (size_t i = 0; i < latency->n_pending; i++) {
		uint64_t took = now_us - latency->pending[i].since_us;
		if (is_admitted(generation, latency->pending[i].network_id,
				latency->pending[i].container_id))
			note_sample(latency, took);
		else if (took < FORGET_AFTER_US)
			latency->pending[kept++] = latency->pending[i];
	}
	latency->n_pending = kept;
}

static int by_duration(const void *left, const void *right)
{
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

	return a < b ? -1 : a > b;
}

uint32_t latency_count(const struct latency *latency)
{
	return latency->n < LATENCY_SAMPLES ? (uint32_t)latency->n : LATENCY_SAMPLES;
}

uint32_t latency_percentile(const struct latency *latency, unsigned int q)
{
	uint32_t sorted[LATENCY_SAMPLES];
	size_t n = latency_count(latency);

	if (n == 0)
		return 0;
	memcpy(sorted, latency->samples_us, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), by_duration);
	return sorted[(n - 1) * q / 100];
}

/* ---- one generation ---- */

/* Before Docker was read nothing is known of anybody, and nobody is held back when it was. */
static int take_snapshot(struct daemon *d, struct generation *next)
{
	const struct generation *old = d->committed;
	const struct world *world;
	int r = world_store_snapshot(d->store, next->arena, &world);

	next->made_us = clock_monotonic_us();
	if (r == 0)
		r = world_hold_back(old && old->synced ? &old->held : NULL, world, next->made_us,
				    next->arena, &next->held);
	next->world = next->held.world;
	next->synced = d->plan.synced;
	return r;
}

/* Builds for tests compile one in eight of those that were reused as a whole, too. */
static int check_reuse(const struct daemon *d, const struct generation *next)
{
#if defined(NETD_CHECK_REUSE)
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	struct compile_output whole;
	const char *why;

	if (d->n_reused % 8 != 1)
		return 0;
	int r = arena ? compile_ruleset(&next->input, arena, &whole, &why) : -ENOMEM;
	if (r == 0)
		assert(ruleset_equal(whole.ruleset, next->compiled.ruleset));
	return r;
#else
	(void)d;
	(void)next;
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
	return result.reused ? check_reuse(d, next) : 0;
}

static int make_generation(struct daemon *d, struct generation **ret)
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
	first_contact_tell_systemd(d);
}

/* Files that were edited have taken the place of what waited for confirmation: that is not taken
 * back any more, and neither are they. */
static void end_wait(struct daemon *d)
{
	struct policy_set *previous = d->previous;

	if (!previous || d->committed->policy->author.by != HISTORY_BY_FILES)
		return;
	d->previous = NULL; /* the timer finds nothing */
	staged_confirmed(d);
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

/* Rules that end do so on their own, by the wall clock; they are looked at again whenever that one
 * is set, as one that has ended may begin anew. */
static int arm_until(struct daemon *d)
{
	/* From the moment the rules in force were made for: what ends between then and now must not
	 * be missed. */
	int64_t next = policy_next_change(d->wanted->policy, d->committed->judged_at);

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
	int r = make_generation(d, &next);

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
		floor_tell_ready(d);
		return 0;
	}
	if (r == 0) {
		d->n_commits++;
		d->committed_at = clock_epoch_s();
		world_hold_from(&next->held, next->made_us, clock_monotonic_us());
	}
	take_into_force(d, TAKE_PTR(next)); /* also when nothing differs: its facts are newer */
	reconcile_note(d, PLAN_COMMITTED);
	floor_tell_ready(d);
	latency_end(&d->latency, d->committed, clock_monotonic_us());
	int armed = arm_hold(d);
	if (armed == 0)
		armed = agree_look(d);
	return armed < 0 ? armed : arm_until(d);
}

void reconcile_note(struct daemon *d, enum plan_input input)
{
	d->floor_lags |= input != PLAN_FAILED;
	plan_note(&d->plan, input, (struct plan_time){ clock_monotonic_us() });
}

void reconcile_soon(struct daemon *d)
{
	if (d->bound_armed || !d->bound)
		return;
	d->bound_armed = loop_arm(d->bound, LONGEST_WAIT_US) == 0;
}

int reconcile_off(struct daemon *d)
{
	struct generation *gone = d->committed;
	int r = fw_off(d->fw, &d->last_error);

	if (r < 0)
		return r;
	reconcile_note(d, PLAN_OFF);
	floor_leave(d);
	flows_forget_whom(&d->flows);
	d->committed = NULL;
	if (gone) {
		struct policy_set *policy = gone->policy;
		(void)generation_free(gone);
		policy_forget(d, policy);
	}
	return 0;
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
