/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A change of the fleet's policy: the files of one folder of the store, "policy" or "groups/NAME",
 * become others in one transaction, on the condition that they are what was looked at. What they
 * become is kept under PREFIX/revisions/ to go back to, and signed where the fleet's policies are.
 * Each function gives CTL_OK, or an exit status after saying why. */
#pragma once

#include "core/base/hash.h"
#include "core/fleet/signature.h"
#include "ctl/fleet.h"

struct fleet_change {
	const struct fleet *fleet;
	const char *folder;	  /* "policy", "groups/web" */
	const char *below;	  /* "netd/policy/" */
	const char *without;	  /* what goes with it: "netd/policy.canary/edge/"; NULL: nothing */
	int64_t revision;	  /* of the store, as it was looked at */
	struct fleet_files files; /* that the folder is to hold, names without it */
	VEC(struct etcd_condition) conditions;
	VEC(struct etcd_change) changes;
};

/* ---- fleet-change.c ---- */

/* "groups/NAME", or NULL: "policy". */
int fleet_change_begin(struct fleet_change *change, const struct fleet *fleet,
		       const char *group) MUST_CHECK;
/* What a group is to have in the place of "policy": change->folder is "policy.canary/NAME". */
int fleet_change_begin_canary(struct fleet_change *change, const struct fleet *fleet,
			      const char *group) MUST_CHECK;
/* What the command line names are to be the folder's files. */
int fleet_change_read_files(struct fleet_change *change) MUST_CHECK;
/* 0 or -ENOMEM. */
int fleet_change_add(struct fleet_change *change, const char *key, const char *value,
		     size_t len) MUST_CHECK;
int fleet_change_condition(struct fleet_change *change, enum etcd_condition_kind kind,
			   const char *key, int64_t revision) MUST_CHECK;

/* Of all files that the store has for the fleet, as `--expect` names them. */
int fleet_policy_digest(const struct fleet *fleet, char ret[HASH_TEXT_LEN]) MUST_CHECK;
/* With `--expect` they are those that were looked at. */
int fleet_change_expect(const struct fleet *fleet) MUST_CHECK;
/* CTL_OK: no canary is under way. */
int fleet_canary_is_none(const struct fleet *fleet) MUST_CHECK;

/* ---- fleet-check.c ---- */

/* The store as it will be, in the arena: what hosts make of it tells the same function that they
 * ask. 0 or -ENOMEM. */
int fleet_change_store(const struct fleet_change *change, struct etcd_mirror *ret) MUST_CHECK;
/* What each host is to have it would take. */
int fleet_change_check(const struct fleet_change *change) MUST_CHECK;

/* ---- fleet-sign.c ---- */

/* Adds what says that the store has been changed by somebody who may. */
int fleet_change_sign(struct fleet_change *change) MUST_CHECK;
/* With a key: the signature of the files as they are kept under @key, in the arena; else NULL. 0 or
 * -ENOMEM. */
int fleet_change_sign_revision(const struct fleet_change *change, const char *key,
			       const char **ret) MUST_CHECK;
/* With a key: whether the files are what was signed under @key; @text may be NULL. Who signs does
 * not take them from the store's word alone. */
int fleet_change_check_revision(const struct fleet_change *change, const char *key,
				const char *text) MUST_CHECK;

/* ---- fleet-kept.c ---- */

/* The kept revisions, oldest first; *ret_below NULL: no memory. */
const struct etcd_key *fleet_kept_revisions(const struct fleet *fleet, const char **ret_below,
					    size_t *ret_n);
/* "root at desk, 2026-11-29T10:00:00Z,", of one of them; in the arena, NULL: no memory. */
const char *fleet_kept_author(const struct fleet *fleet, const struct etcd_key *key) MUST_CHECK;
/* The caller's; NULL: it is damaged, or no memory. And a text of it, fit to be printed. */
cJSON *fleet_kept_read(const struct etcd_key *key) MUST_CHECK;
const char *fleet_kept_member(const cJSON *json, const char *name, struct arena *arena) MUST_CHECK;

/* ---- fleet-commit.c ---- */

/* One transaction of what was added. */
int fleet_change_commit(struct fleet_change *change) MUST_CHECK;

/* ---- fleet-write.c ---- */

/* The change is signed and written, where anything changes; @is_kept: and kept. */
int fleet_change_write(struct fleet_change *change, bool is_kept) MUST_CHECK;
/* It is what was looked at, no canary is under way, and it is checked; then it is written. */
int fleet_change_carry_out(struct fleet_change *change) MUST_CHECK;

/* ---- fleet-canary.c ---- */

/* Tries the files on the hosts of a group; then all hosts have them. */
int fleet_apply_canary(const struct fleet *fleet) MUST_CHECK;
/* What the canary of a group has is tried no more. */
int fleet_canary_take_back(const struct fleet *fleet) MUST_CHECK;
