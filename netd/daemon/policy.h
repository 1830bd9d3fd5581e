/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What policy.c (which policy is wanted), policy-files.c (what is at --policy) and policy-kept.c
 * (which one was in force, and which one is wanted at start) share. Private to the daemon. */
#pragma once

#include "core/base/diag.h"
#include "daemon/daemon.h"
#include "edge/policydir/policydir.h"

/* Findings written to the log; netdctl validate shows the rest. */
#define POLICY_LOGGED_FINDINGS 10u

/* The next commit takes it. */
void policy_want(struct daemon *d, struct policy_set *set);
void policy_log_findings(const struct daemon *d, const struct diag_list *diags);
/* Why the policy that was to come is not in force, for status. */
void policy_remember_error(struct daemon *d, const char *format, ...) PRINTF_LIKE(2, 3);
/* The files at --policy. What is wrong with them is logged, and remembered. 0; POLICY_E_INVALID:
 * none can be read, or there are none (ret->missing); -ENOMEM. */
int policy_read_path(struct daemon *d, struct arena *arena, struct policydir *ret) MUST_CHECK;
/* It is not that of the files that were there when it was taken. */
bool policy_is_applied(const struct policy_set *set);
/* For the log: the files win over what was applied. */
void policy_say_discarded(const struct daemon *d, const char *origin);
/* Wants them. As policy_set_make(). */
int policy_take_files(struct daemon *d, const struct policydir *files,
		      struct diag_list *diags) MUST_CHECK;

/* ---- beside the loop, and back ---- */

/* Which of them are taken: those that differ from the ones that were there when the wanted policy
 * was taken; all; all but those that would undo an apply, as nobody has edited them since. */
enum policy_files { POLICY_FILES_NEW, POLICY_FILES_ALL, POLICY_FILES_SPARE_APPLY };

struct policy_checked {
	struct policydir files;
	uint64_t digest;	     /* of files */
	const struct policy *policy; /* NULL: they are not taken, but for what undoes_apply */
	bool undoes_apply;	     /* so they are not taken */
	const char *why;	     /* there are none, or they cannot be read; or NULL */
};
/* In a child: reads and checks them. *found is what policy_files_found() is to be given. 0;
 * POLICY_E_INVALID: ret->why or @diags says why, *found is set; -errno. */
int policy_files_check(struct daemon *d, enum policy_files which, struct diag_list *diags,
		       struct policy_checked *ret, cJSON **found) MUST_CHECK;
/* STAYS: what is wanted, for there is nothing new, or something is wrong with it; SPARED: the same,
 * for it was applied. */
enum policy_outcome { POLICY_STAYS, POLICY_TAKEN, POLICY_SPARED };
/* In the loop: wants what was valid, logs and remembers what was not. 0; -EINVAL: @found is none of
 * ours; -ENOMEM. */
int policy_files_found(struct daemon *d, const cJSON *found, enum policy_outcome *ret) MUST_CHECK;
