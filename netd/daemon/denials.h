/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the rules log, in words: who to whom, by names. A flow is said once a minute, with how often
 * it came again: a client that tries again and again fills no log. */
#pragma once

#include <stdint.h>

#include "core/metrics/pairs.h"
#include "edge/nflog/nflog.h"

struct generation;

/* Flows of the last minute; two that fall on one place push each other out, and are said oftener.
 */
#define DENIALS_REMEMBERED 256u

struct denials {
	struct {
		uint64_t flow, said_us; /* a hash; 0: empty */
		uint32_t again;
		uint32_t pair; /* whose it is, of pairs */
	} recent[DENIALS_REMEMBERED];
	uint64_t lost_said_us;
	uint32_t lost;	 /* not said yet */
	uint64_t n_lost; /* ever */
	struct metrics_pairs pairs;
};

/* Says that messages were lost, once a minute. */
void denials_lost(struct denials *denials, uint32_t n, uint64_t now_us);
/* Logs @packet, with the names of @generation (NULL: none is known yet). */
void denials_note(struct denials *denials, const struct nflog_packet *packet,
		  const struct generation *generation, uint64_t now_us);
