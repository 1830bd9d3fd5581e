/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A candidate beside the policy in force: kept, over restarts too, and put into force by nobody but
 * who asks for it. The flows that are seen are judged by it when somebody asks. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/policy/policy.h"
#include "core/report/history.h"

struct daemon;

struct staged {
	struct arena *arena; /* NULL: nothing is staged */
	const struct policy_source *sources;
	size_t n;
	struct history_author author;
	int64_t at; /* seconds since the epoch */
	/* It is in force and waits for confirm: until then it is out of sight, and comes back where
	 * it is not confirmed. A restart brings back both, the policy before and what was staged.
	 */
	bool applied;
};

/* Something is staged. */
bool staged_is(const struct daemon *d);

/* What an earlier run has kept. 0 or -ENOMEM. */
int staged_start(struct daemon *d) MUST_CHECK;
/* Copies them, in the place of what was staged, and keeps them. 0 or -ENOMEM: it is as before. */
int staged_take(struct daemon *d, const struct policy_source *sources, size_t n,
		const struct history_author *author) MUST_CHECK;
/* Nothing is staged any more. */
void staged_drop(struct daemon *d);
/* What was applied stays in force. */
void staged_confirmed(struct daemon *d);
/* Files took the place of what was applied: where they do not say the same, it is staged again. */
void staged_replaced(struct daemon *d);
void staged_done(struct staged *staged);
