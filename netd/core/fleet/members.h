/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The hosts of a fleet by their addresses: what each says of itself in the store, and who is one of
 * them as of now.
 *
 *     PREFIX/addresses/HOST     "192.0.2.7 2001:db8::7", under the lease of the host's record
 *
 * These keys lie before all that hosts follow, and are asked for now and then: each host would have
 * an event of each that comes, goes or moves, and n hosts that start n² of them. As a text, for
 * netd and its state folder, a host is a line: its name, `-` or since when it is gone (seconds
 * since the epoch), its addresses. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/ip.h"
#include "core/base/limits.h"
#include "core/etcd/mirror.h"
#include "core/fleet/fleet.h"
#include "core/world/world.h"

struct fleet_member {
	const char *host;
	int64_t gone_since; /* seconds since the epoch, for people; 0: it is there */
	uint64_t gone_us;   /* on the clock of fleet_word: the text has none, so it counts anew */
	const struct ip_addr *addrs; /* at most LIMIT_MEMBER_ADDRESSES */
	size_t n_addrs;
};

struct fleet_members {
	const struct fleet_member *items; /* by host, each once */
	size_t n;
};

/* In @arena; NULL: no memory. With "" for the host: what all of them begin with. */
const char *fleet_addresses_key(const char *prefix, const char *host,
				struct arena *arena) MUST_CHECK;
/* All of them: PREFIX/addresses/ up to PREFIX/addresses0. 0 or -ENOMEM. */
int fleet_addresses_range(const char *prefix, struct arena *arena,
			  struct fleet_range *ret) MUST_CHECK;

/* Of that form, for a key; the caller's to free, NULL: no memory. */
char *fleet_print_addresses(const struct ip_addr *addrs, size_t n) MUST_CHECK;
/* Addresses with blanks or commas between, no networks. 0; -EINVAL: something else, or too many. */
int fleet_read_addresses(const char *text, struct ip_addr ret[LIMIT_MEMBER_ADDRESSES],
			 size_t *ret_n) MUST_CHECK;

/* Lines; those that begin with # and empty ones say nothing. 0; FLEET_E_INVALID: *error says which
 * line is wrong, in @arena; -ENOMEM. */
int fleet_read_members(const char *bytes, size_t len, struct arena *arena,
		       struct fleet_members *ret, const char **error) MUST_CHECK;
char *fleet_print_members(const struct fleet_members *members) MUST_CHECK; /* NULL: no memory */

/* The store's word, by a monotonic clock in microseconds. */
struct fleet_word {
	const struct etcd_mirror *mirror;
	const char *prefix, *self; /* self: this host, which is none of the others */
	uint64_t now_us, heard_us; /* heard: when the copy was last what the store has */
	int64_t now;		   /* seconds since the epoch */
	uint64_t grace_us;
};
/* Who is one of the fleet now. A host that is not in the store any more stays for the time of
 * grace, and until the store was asked after that: whoever is cut off keeps those that it knew.
 * What a host says that is of no such form is no address. *ret lives in @arena. 0 or -ENOMEM. */
int fleet_next_members(const struct fleet_members *before, const struct fleet_word *word,
		       struct arena *arena, struct fleet_members *ret) MUST_CHECK;

/* As facts of the world, an address each, in the order of the hosts. Names are borrowed. 0 or
 * -ENOMEM. */
int fleet_world_members(const struct fleet_members *members, struct arena *arena,
			struct world_member **ret, size_t *ret_n) MUST_CHECK;

/* When a host says in the store what became of a change, in microseconds after it. Each host hears
 * of it at once, and an event and what its host does with it are some 2 ms of two processors
 * (netd/PERFORMANCE.md); a record is as much. So no turn comes before most of @n hosts have theirs,
 * and all have come by twice that time; a few hosts wait for milliseconds, nobody for more than
 * 10 s. */
uint64_t fleet_turn_us(const char *host, size_t n);
