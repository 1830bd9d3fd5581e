/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The flows that the rules log, as lines of the journal in the names that the policy uses: which
 * container or tier to which, on which port, and why. The daemon owns one struct denials;
 * edge/nflog gives it packets. The same flow is logged once a minute, with the number of times that
 * it came meanwhile, so that a client which tries for ever does not fill the journal. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/compile/reason.h"
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
/* What the rule says of @packet; @generation: what is in force, NULL: nothing is known yet. False:
 * it is another program's, or no news. */
bool denials_read(const struct nflog_packet *packet, const struct generation *generation,
		  struct logged *ret);
/* Logs it, with the names of @generation. */
void denials_note(struct denials *denials, const struct nflog_packet *packet,
		  const struct logged *logged, const struct generation *generation,
		  uint64_t now_us);
/* Who is at an end of it. */
struct denied_end {
	size_t endpoint; /* of the generation's world; SIZE_MAX: none */
	bool is_host;	 /* where there is no endpoint */
};
struct denied_end denials_end(const struct nflog_packet *packet, bool source,
			      const struct generation *generation);
