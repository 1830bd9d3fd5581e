/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a fleet of hosts keeps in a store, as keys and values:
 *
 *     PREFIX/policy/NAME.yaml          a policy file of every host
 *     PREFIX/groups/GROUP/NAME.yaml    one of the hosts of that group
 *     PREFIX/policy.canary/GROUP/NAME.yaml    what the hosts of that group have in the place of the
 *                                      first, while it is there: to be tried on them first
 *     PREFIX/policy.signature          who vouches for all of them (signature.h)
 *     PREFIX/records/HOST              what a host says of itself, under a lease
 *     PREFIX/addresses/HOST            where it is (members.h), under the same one
 *     PREFIX/worlds/HOST               what it runs (inventory.h), under none
 *
 * A host follows the first four, which are one range of keys, so that one revision of the store
 * says what the policy of every host is, and nothing in it changes because a host does. Of the last
 * three it writes its own and nothing else; it asks for the addresses of the others now and then.
 * Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "core/base/arena.h"
#include "core/etcd/mirror.h"
#include "core/policy/policy.h"

/* Of a prefix, a group or a host: letters, digits, `-`, `_` and `.`, not a `.` at the beginning; a
 * prefix may have slashes inside. */
#define FLEET_NAME 64u
bool fleet_is_name(const char *text);
bool fleet_is_prefix(const char *text);

/* The range of keys in which all policies are: PREFIX/groups/ up to PREFIX/policy0. In @arena;
 * NULL: no memory. */
struct fleet_range {
	const char *first, *end;
};
int fleet_policy_range(const char *prefix, struct arena *arena, struct fleet_range *ret) MUST_CHECK;
const char *fleet_record_key(const char *prefix, const char *host, struct arena *arena) MUST_CHECK;

/* ---- the policy of a host ---- */

struct fleet_policy {
	const struct policy_source
		*sources; /* "policy/a.yaml", "groups/web/b.yaml", in this order */
	size_t n_sources;
	int64_t revision; /* of the store at which one of these files was last changed */
	/* Of names and texts: equal on two hosts that have the same files. Those of a canary go by
	 * the names that they will have, so nothing changes on its hosts when all others have them.
	 */
	uint64_t digest;
	const char *canary; /* the group whose canary it is; NULL: of none */
};

#define FLEET_E_INVALID 1

/* The files for a host of @groups, as the copy of the store has them. Texts are borrowed from
 * @mirror until it changes. What a key holds that is no file of that form is a fault of whoever
 * wrote it, and costs the whole: FLEET_E_INVALID, *error names the key. 0 with no sources: there is
 * no policy there. -ENOMEM. */
int fleet_policy_of(const struct etcd_mirror *mirror, const char *prefix, const char *const *groups,
		    size_t n_groups, struct arena *arena, struct fleet_policy *ret,
		    const char **error) MUST_CHECK;

/* "PREFIX/policy.canary/GROUP/", with "" for the group: what all of them begin with. In @arena;
 * NULL: no memory. */
const char *fleet_canary_below(const char *prefix, const char *group,
			       struct arena *arena) MUST_CHECK;
/* The group that has one, in @arena; NULL: none has. 0 or -ENOMEM. */
int fleet_canary_group(const struct etcd_mirror *mirror, const char *prefix, struct arena *arena,
		       const char **ret) MUST_CHECK;

/* What a host keeps over restarts: the last policy of the store that netd took. Revisions never go
 * back, and a policy that is in force already is not applied once more. */
struct fleet_seen {
	uint64_t cluster_id;
	int64_t revision;    /* the store's at that time; 0: nothing was seen yet */
	uint64_t digest;     /* of the policy */
	uint64_t generation; /* netd's, by which that policy came into force */
	uint64_t counter;    /* of the newest signature that was good; 0: there was none */
};
/* NULL, or why this copy is not believed: it is of another cluster, or older than what was seen, as
 * a store is that was restored from a backup. @counter: of the signature, which is good, 0: of a
 * store without a policy, which needs none; NULL: nothing need be signed. A new signature is an
 * admin's word for whatever store it lies in; one that is older than what was seen is good for
 * nothing. */
const char *fleet_doubt(const struct fleet_seen *seen, const struct etcd_mirror *mirror,
			const uint64_t *counter);
/* As text for a file, and back. NULL: no memory; 0, -EINVAL. */
char *fleet_print_seen(const struct fleet_seen *seen) MUST_CHECK;
int fleet_read_seen(const char *bytes, size_t len, struct fleet_seen *ret) MUST_CHECK;

/* ---- the record of a host ---- */

/* What became of the policy that the store has for this host. */
enum fleet_state {
	FLEET_NONE,	/* the store has none */
	FLEET_WAITING,	/* netd cannot be asked, or has not answered yet */
	FLEET_IN_FORCE, /* netd says so */
	FLEET_REFUSED,	/* netd, or a check before it, says no: error says why */
	FLEET_DIFFERS,	/* another policy is in force, which somebody applied on the host itself */
};
const char *fleet_state_name(enum fleet_state state);

struct fleet_record {
	const char *host, *version;
	enum fleet_state state;
	int64_t revision; /* of the policy that state is about */
	uint64_t digest;
	const char *error;	     /* or NULL */
	const cJSON *status;	     /* fleet_pick_status(), or NULL */
	uint64_t inventory;	     /* the digest of the newest; 0: there was none yet */
	const char *inventory_error; /* why that is not in the store, or NULL */
	const char *const *groups;   /* of the host */
	size_t n_groups;
	const char *namesake; /* where another host of this name is, as it says; NULL: there is none */
	/* While a canary is in force there: what passed before and was denied since. */
	bool has_canary;
	bool is_blind;	 /* what is denied is not seen there */
	uint64_t n_cut;	 /* distinct flows */
	const char *cut; /* the last one of them, or NULL */
};
/* Of netd's status what tells of the host's health and changes seldom: no counters, so that a
 * record is written when something has happened. The caller's to delete; NULL: no memory. */
cJSON *fleet_pick_status(const cJSON *status) MUST_CHECK;
/* The caller's to free; NULL: no memory. */
char *fleet_print_record(const struct fleet_record *record) MUST_CHECK;
/* Texts live in @arena; *json owns ret->status, and is the caller's to delete. 0; -EINVAL: it is no
 * record; -ENOMEM. */
int fleet_read_record(const char *bytes, size_t len, struct arena *arena, struct fleet_record *ret,
		      cJSON **json) MUST_CHECK;
