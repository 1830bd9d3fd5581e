/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The words for peers: tiers, zones, addresses. */
#pragma once

#include <stdbool.h>

#include "core/policy/policy.h"

/* Why a word is no peer. */
enum peer_problem {
	PEER_OK,
	PEER_UNKNOWN_TIER, /* could be a tier, but none has that name */
	PEER_NOT_A_NAME,   /* no tier can have that name */
	PEER_BAD_CIDR,	   /* looks like an address */
	PEER_HOST_BITS,	   /* ret->prefix holds it without them */
	PEER_MAPPED,	   /* an IPv4 address in IPv6 clothes: no packet carries it */
};

/* An address or CIDR. */
enum peer_problem policy_prefix_parse(const char *text, struct ip_prefix *ret);
enum peer_problem policy_peer_parse(const struct policy *policy, const char *text,
				    struct policy_peer *ret);
/* host, internet, lan, world, dns, hosts, or NULL. */
const char *policy_peer_word(enum peer_kind kind);
/* The reserved words, in the order of enum peer_kind; two more that are no peers at the end. */
const char *const *policy_peer_words(size_t *ret_n);
bool policy_name_is_reserved(const char *name);
/* [a-z][a-z0-9-]*, at most POLICY_TIER_NAME characters. */
bool policy_name_is_tier(const char *name);
