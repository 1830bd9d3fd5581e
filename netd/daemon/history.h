/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The policies that were in force, each in a file of its own in the state folder: a damaged one
 * takes none with it. What netd enforces never depends on them; the file of the policy in force
 * (policy.c) is another one. Nothing here fails: what is wrong is logged, and in history_error().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/limits.h"
#include "core/report/history.h"
#include "core/world/world.h"
#include "daemon/statefiles.h"

struct history {
	const char *dir;
	struct statefiles *files;
	struct beside *planning;		     /* the plan of the latest one is being made */
	struct history_entry entries[LIMIT_HISTORY]; /* generation 0: the file is free */
	uint64_t last;	   /* generation given out; it counts policies, not commits */
	uint64_t in_force; /* generation of the policy in force; 0: it has none */
	struct {
		struct history_entry entry;
		char *text;		     /* NULL: nothing waits */
	} pending;			     /* in force, and kept once it is confirmed */
	char damage[256];		     /* what was wrong at the start; "" */
	char failure[256];		     /* why the last one is not kept; "" */
	const struct history_change *change; /* in the process that makes the plan */
};

/* A policy that came into force. */
struct history_change {
	struct history_record record;	      /* without generation, counts and plan */
	const struct policy *before, *policy; /* before: what it is compared with; NULL: nothing */
	const struct world *world;
	bool waits; /* for confirmation: it is not kept yet */
};

/* At start. @files is borrowed, and started. */
void history_start(struct history *history, struct statefiles *files);
void history_done(struct history *history);
/* Gives it a generation, unless it is the latest one again. Its plan is made beside the loop, and
 * added when it is done. */
void history_note(struct history *history, const struct history_change *change);
/* What waits is confirmed, or another policy takes its place without it being taken back. */
void history_keep(struct history *history);
/* It is taken back. */
void history_drop(struct history *history);
/* The generation that came into force last, of those that are kept; 0: there are none. And whether
 * it is the policy of that digest. */
uint64_t history_latest(const struct history *history);
bool history_latest_is(const struct history *history, uint64_t digest);
/* No policy was ever kept here, as far as the files tell: none is there, damaged ones included. */
bool history_is_bare(const struct history *history);
/* The generation to go back to: the latest before the one in force; 0: there is none. */
uint64_t history_previous(const struct history *history);
/* As history_parse(); -ENOENT: it is not kept; another -errno: it cannot be read. */
int history_read(const struct history *history, uint64_t generation, struct arena *arena,
		 struct history_record *ret, cJSON **ret_root) MUST_CHECK;
/* Why something is missing; "" nothing is. */
const char *history_error(const struct history *history);
/* Those that are kept, and how many; in no order. */
size_t history_entries(const struct history *history, struct history_entry ret[LIMIT_HISTORY]);
