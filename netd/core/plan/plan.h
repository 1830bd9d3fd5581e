/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When netd writes to the kernel, and what: a pure state machine, (state, input, now) -> step, so
 * that a test can drive it through every order of events, cuts and failures in virtual time. The
 * daemon only carries out the steps.
 *
 * The rules it keeps:
 *  - Tables of an earlier run stay in force, untouched, until the world is known again: a restart
 *    neither opens nor cuts anything. Without such tables the closed base is written at once.
 *  - A failed commit leaves the last committed one in force, and is tried again with backoff; what
 *    is new to the kernel has not failed yet, and does not wait for what has.
 *  - A table that somebody else touched is written whole, from nothing.
 *  - Facts that are lost (Docker away) change nothing: the last world stays.
 *  - Tables that an admin took away stay away, whatever happens, until an admin asks for them. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Microseconds of CLOCK_MONOTONIC. */
struct plan_time {
	uint64_t us;
};

#define PLAN_NEVER UINT64_MAX
#define PLAN_RETRY_FIRST_US 50000u
#define PLAN_RETRY_LONGEST_US 5000000u
/* A policy that the kernel refuses that often is given up for the one that was in force. */
#define PLAN_TRIES 3u

enum plan_input {
	PLAN_FOUND_TABLES, /* at start: an earlier run's tables are in the kernel */
	PLAN_FOUND_NOTHING,
	PLAN_SYNCED,	/* a full snapshot of the world arrived */
	PLAN_CHANGED,	/* a fact changed */
	PLAN_POLICY,	/* another policy is wanted */
	PLAN_DISTURBED, /* somebody else wrote to our tables, or notifications were lost */
	PLAN_COMMITTED, /* the step that was asked for succeeded */
	PLAN_FAILED,	/* it failed */
	PLAN_OFF,	/* an admin had the tables removed */
	PLAN_ON,	/* an admin wants them: apply, reload */
};

enum plan_action {
	PLAN_WAIT,
	PLAN_COMMIT_CHANGES, /* the difference to what is committed */
	PLAN_COMMIT_WHOLE,   /* replace the tables */
};

struct plan {
	bool started, adopted; /* adopted: the tables in the kernel are an earlier run's */
	bool synced, dirty, whole;
	bool off;			  /* nothing is written */
	uint64_t retry_at_us, backoff_us; /* retry_at_us: PLAN_NEVER when no commit failed */
};

struct plan_step {
	enum plan_action action;
	uint64_t wake_at_us; /* plan_next() is due then; PLAN_NEVER */
};

void plan_init(struct plan *plan);
/* Notes an input; call plan_next() when all that has come is noted. */
void plan_note(struct plan *plan, enum plan_input input, struct plan_time now);
/* What to do now. After an action, PLAN_COMMITTED or PLAN_FAILED is noted before the next call. */
struct plan_step plan_next(const struct plan *plan, struct plan_time now);

/* Stamps of connections: never 0, never odd. The highest bit is set, so that none is a security
 * identifier of the kernel, which counts those from 1. The first one is anywhere, so that nobody
 * writes a rule that knows it; the same one comes again after 2^30 changes. */
uint32_t plan_first_stamp(uint32_t random);
uint32_t plan_next_stamp(uint32_t stamp);
