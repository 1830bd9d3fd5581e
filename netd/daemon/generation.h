/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is in force in the kernel, and what it was made from. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/cleanup.h"
#include "core/compile/again.h"
#include "core/world/world.h"

struct daemon;
struct policy_set;

struct generation {
	struct arena *arena; /* world, ruleset, assignments */
	struct policy_set *policy;
	const struct world *world;
	struct world_held held;	    /* of world */
	bool synced;		    /* the world is all that Docker knows */
	struct compile_input input; /* of what compiled is made, for the next time */
	struct compile_output compiled;
	struct arena *base; /* of compiled: kept by arena */
	int64_t judged_at;  /* seconds since the epoch: rules with `until` hold or not as of then */
	uint64_t made_us;   /* CLOCK_MONOTONIC: held as of then */
};

/* Of the facts as they are now and the policy that is wanted; @ret is the caller's. 0 or -errno;
 * what the compiler says is logged. */
int generation_make(struct daemon *d, struct generation **ret) MUST_CHECK;
struct generation *generation_free(struct generation *generation); /* NULL is fine; returns NULL */
void generation_freep(struct generation **generation);
/* The order of endpoints, over generations: 0: the same one. */
int generation_compare(const struct generation *a, size_t i, const struct generation *b, size_t j);
