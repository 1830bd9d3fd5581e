/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The set of flows that a rule speaks of, prepared so that every rule of a policy can be compared
 * with every other: does one cover the other, do they overlap. A policy has millions of such pairs,
 * so both questions first compare two 64-bit digests, which rule most pairs out. An extent lives in
 * the arena that it was made in and borrows from its rule. */
#pragma once

#include "core/policy/policy.h"

struct extent_prefix {
	struct ip_prefix prefix;
	unsigned int zones; /* enum zone_relation */
	uint32_t tier;	    /* that speaks for it */
};

struct extent_end {
	uint64_t tiers[LIMIT_TIERS / 64];
	unsigned int zones; /* bit per enum peer_kind; world has lan and internet */
	const struct extent_prefix *prefixes; /* outside; sorted, none inside another */
	size_t n;
	const struct extent_prefix *spoken; /* the same, of those that a tier speaks for */
	size_t n_spoken;
	uint64_t digest; /* of tiers and zones: no common bit, nothing in common */
};

struct extent {
	struct extent_end from, to;
	const struct port_range *ports; /* sorted, none touches another; none: every port */
	size_t n_ports;
	uint64_t port_digest;
};

int policy_extent_make(const struct policy_rule *rule, struct arena *arena,
		       struct extent *ret) MUST_CHECK;
/* Whatever @inner matches, @outer matches. With @surely on every host: a CIDR inside `lan` may be
 * one of Docker's networks, which are not `lan`. */
bool policy_extent_covers(const struct extent *outer, const struct extent *inner, bool surely);
bool policy_extent_overlaps(const struct extent *a, const struct extent *b);
