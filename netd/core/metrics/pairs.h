/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counts by both ends, as tiers: of what the rules have logged, and of connections. The kernel
 * counts every packet by reason and by one end; both ends are known of those alone that it hands
 * on. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "core/base/cleanup.h"
#include "core/base/limits.h"
#include "core/compile/reason.h"

#define METRICS_PAIR_BUCKETS 1024u
/* Both ends of those that had no place any more. No tier has such a name, so none is mixed up. */
#define PAIRS_OTHERS "_others"

/* Begins zeroed. */
struct metrics_pairs {
	struct metrics_pair {
		char from[LIMIT_NAME + 1], to[LIMIT_NAME + 1]; /* a tier, or what it is in none */
		enum logged_kind kind;
		enum reason reason;
		uint64_t n;    /* packets, or connections */
		uint16_t next; /* in the same bucket: place + 1 */
	} items[LIMIT_METRIC_PAIRS];
	uint16_t buckets[METRICS_PAIR_BUCKETS]; /* place + 1 */
	size_t n;
	uint64_t others[LOGGED_KIND_COUNT]; /* that had no place any more */
};

/* The place of a pair, which is made; LIMIT_METRIC_PAIRS: there is none left. */
size_t pairs_find(struct metrics_pairs *pairs, const char *from, const char *to,
		  const struct logged *logged) MUST_CHECK;
/* One more there. */
void pairs_count(struct metrics_pairs *pairs, size_t place, const struct logged *logged);
