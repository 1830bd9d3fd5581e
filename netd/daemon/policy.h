/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What policy.c (which policy is wanted) and policy-kept.c (which one was in force, and which one
 * is wanted at start) share. Private to the daemon. */
#pragma once

#include "core/base/diag.h"
#include "daemon/daemon.h"
#include "edge/policydir/policydir.h"

/* Tells whether somebody edited the files, not who is lying. */
uint64_t policy_digest(const struct policy_source *sources, size_t n);
/* Parsed and checked as of @origin->taken_at; the findings live in @diags' arena, whole. 0: *ret is
 * the caller's; POLICY_E_INVALID; -ENOMEM. */
int policy_set_make(struct daemon *d, const struct policy_source *sources, size_t n,
		    const struct policy_origin *origin, struct diag_list *diags,
		    struct policy_set **ret) MUST_CHECK;
/* The next commit takes it. */
void policy_want(struct daemon *d, struct policy_set *set);
void policy_log_findings(const struct daemon *d, const struct diag_list *diags);
/* Why the policy that was to come is not in force, for status. */
void policy_remember_error(struct daemon *d, const char *format, ...) PRINTF_LIKE(2, 3);
/* Wants a policy that nobody wrote: @source is one of ours. 0 or -errno. */
int policy_take_none(struct daemon *d, const struct policy_source *source) MUST_CHECK;
/* The files at --policy. What is wrong with them is logged, and remembered. 0; POLICY_E_INVALID:
 * none can be read, or there are none (ret->missing); -ENOMEM. */
int policy_read_path(struct daemon *d, struct arena *arena, struct policydir *ret) MUST_CHECK;
/* For the log: the files win over what was applied. */
void policy_say_discarded(const struct daemon *d, const char *origin);
/* Wants them. As policy_set_make(). */
int policy_take_files(struct daemon *d, const struct policydir *files,
		      struct diag_list *diags) MUST_CHECK;
