/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `internet`, `lan` and `world` stand for, as address ranges: one list for everybody. A host's
 * own facts (Docker's networks are not `lan`) come on top. */
#pragma once

#include "core/policy/policy.h"

/* The ranges of internet or lan, sorted, no two adjacent. */
const struct ip_range *policy_zone_ranges(enum peer_kind zone, enum ip_family family,
					  size_t *ret_n);
/* internet, lan or world. */
bool policy_zone_contains(enum peer_kind zone, const struct ip_addr *addr);

/* Where an address is, for people: "zone lan", "zone internet", "no zone". */
const char *policy_zone_text(const struct ip_addr *addr);

/* An address that a host of the fleet can have: of internet or lan, and the same one on every link.
 */
bool policy_zone_may_have_host(const struct ip_addr *addr);

/* A metadata service of clouds, or a network that one is in. They are in no zone: only a CIDR opens
 * them, and one that was meant for others opens them, too. */
bool policy_prefix_holds_metadata(const struct ip_prefix *prefix);

/* How a prefix lies to the zones; bits. */
enum zone_relation {
	ZONE_IN_LAN = 1,
	ZONE_MEETS_LAN = 2,
	ZONE_IN_INTERNET = 4,
	ZONE_MEETS_INTERNET = 8,
	ZONE_LOOPBACK = 16,
	ZONE_IN_ONE = ZONE_IN_LAN | ZONE_IN_INTERNET,
};
unsigned int policy_zone_relation(const struct ip_prefix *prefix);

bool policy_prefix_contains(const struct ip_prefix *outer, const struct ip_prefix *inner);
