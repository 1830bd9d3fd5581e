/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private to core/compile: an index over the `match` entries of all tiers. An entry that wants one
 * exact value of a label is found by that label, the others by the network that they name, so that
 * a container is compared with few of thousands. The index only leaves out entries that cannot
 * match; whether one does is decided in assign.c. */
#pragma once

#include "core/compile/compile.h"

struct match_entry {
	const struct policy_match *match;
	uint32_t tier;
	int strength; /* 2 names the container, 1 only its network */
	/* A label that must have this value, which is no glob; NULL: it asks for none. */
	const char *key, *value;
};

/* A run of entries_by_label whose entries want the same key. */
struct match_key {
	const char *key;
	size_t first, n;
};

struct match_entries {
	const struct match_entry *all; /* by tier, then as written: the order they are asked in */
	size_t n;
	const struct match_entry **by_label; /* those with a key; by key, then by value */
	struct match_key *keys;
	size_t n_keys;
	/* Room for one network's entries, and for one container's. */
	const struct match_entry **of_network, **of_container;
	size_t n_of_network, n_of_container;
};

/* It asks for more than a network: for a container, or for what stands in its place. */
bool match_names_container(const struct policy_match *match);
/* 0 or -ENOMEM. Everything in @arena. */
int match_entries_make(const struct policy *policy, struct arena *arena,
		       struct match_entries *ret) MUST_CHECK;
/* Fills of_network: those without a key that the network does not rule out. */
void match_entries_of_network(struct match_entries *entries, const struct world_network *network);
/* Fills of_container from of_network and the container's labels: in order, and none that could
 * match is missing. */
void match_entries_of_container(struct match_entries *entries, const struct world_network *network,
				const struct world_container *container);
