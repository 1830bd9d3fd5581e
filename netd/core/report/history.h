/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Policies that were in force: the record that the daemon keeps of each, one file a policy, and the
 * answers of `history`. Pure: a record is bytes here, the daemon puts it on the disk.
 *
 * A record, as it is kept:
 *   {"version":1,"generation":N,"when":SECONDS,"by":S,"uid":N,"user":S,"of":N,"origin":S,
 *    "digest":HEX,"path_digest":HEX,"gained":N,"lost":N,"opened":N,"closed":N,"plan":PLAN,
 *    "files":[{"name":S,"text":S}]}
 * path_digest only in the record of the policy in force; uid and user only where somebody asked, of
 * only for a rollback; the counts only where there was a policy before it to compare with, and
 * memory and time for it; plan only up to LIMIT_HISTORY_PLAN. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "core/base/arena.h"
#include "core/policy/policy.h"

enum history_by {
	HISTORY_BY_FILES,    /* the files at --policy */
	HISTORY_BY_APPLY,    /* somebody, by `netdctl apply` */
	HISTORY_BY_ROLLBACK, /* somebody, by `netdctl rollback` */
	HISTORY_BY_KEPT,     /* in the state folder when netd started */
	HISTORY_BY_NOBODY,   /* no policy was found: none is recorded */
};

/* A login name, as Linux limits it. */
#define HISTORY_USER 33u

struct history_author {
	enum history_by by;
	uint32_t uid;		 /* APPLY, ROLLBACK */
	char user[HISTORY_USER]; /* "" unknown */
	uint64_t of;		 /* ROLLBACK: to this generation */
};

/* What is known of a record without reading it again. */
struct history_entry {
	uint64_t generation;
	int64_t when; /* seconds since the epoch */
	struct history_author author;
	uint64_t digest;		       /* of the texts */
	bool compared;			       /* the counts mean something */
	uint32_t gained, lost, opened, closed; /* of the plan against what was in force before */
};

/* "apply by root (uid 0)", "rollback to generation 3 by uid 1000"; "" for the others. */
#define HISTORY_AUTHOR_LEN 112
const char *history_author_text(const struct history_author *author, char ret[HISTORY_AUTHOR_LEN]);

/* Takes the counts of a report_plan(). */
void history_count(struct history_entry *entry, const cJSON *plan);

struct history_record {
	struct history_entry entry;
	const char *origin;
	const struct policy_source *sources;
	size_t n_sources;
	const cJSON *plan;    /* or NULL */
	bool has_path_digest; /* of the policy in force alone (policy.json) */
	uint64_t path_digest; /* of the files at --policy when it was taken */
};

/* The bytes to keep: malloc'ed; NULL: out of memory. */
char *history_print(const struct history_record *record) MUST_CHECK;
/* Bytes that were kept, whatever became of them since. Texts and sources live in @arena; the plan
 * is left in *ret_root, which the caller owns and which record->plan points into. 0; -EINVAL: no
 * such record; -ENOMEM. */
int history_parse(const char *bytes, size_t len, struct arena *arena, struct history_record *ret,
		  cJSON **ret_root) MUST_CHECK;

struct history_list {
	const struct history_entry *entries; /* in any order */
	size_t n;
	uint64_t in_force; /* generation; 0: what is in force is not kept */
	const char *error; /* "" none */
};

/* The list, the latest first. 0 or -ENOMEM. */
int report_history(const struct history_list *list, cJSON **ret) MUST_CHECK;
/* One of them, whole. */
int report_history_record(const struct history_record *record, cJSON **ret) MUST_CHECK;
