/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The other hosts of the fleet, for the zone `hosts`, and how the fleet's store is: as netd-fleet,
 * or an admin, tells. They are kept over restarts, so that a host that is cut off knows them. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/report/report.h"

struct daemon;

struct members {
	struct arena *arena;	   /* of the text; NULL: nobody has told of any host */
	const char *text;	   /* core/fleet/members.h */
	uint64_t digest;	   /* of the text */
	size_t n, n_gone;	   /* hosts, and those of them that are gone */
	struct report_store store; /* as told last: members_store() */
	char state[16];
	uint64_t told_us; /* when that was, on the monotonic clock */
};

/* What an earlier run has kept. 0 or -ENOMEM. */
int members_start(struct daemon *d) MUST_CHECK;
void members_done(struct members *members);
/* How the store is, as of now. */
struct report_store members_store(const struct members *members);
