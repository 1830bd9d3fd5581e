/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One policy with the texts it came from, from reading and checking it to the moment when nothing
 * refers to it any more. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/diag.h"
#include "core/policy/policy.h"
#include "core/report/history.h"

struct daemon;

/* Where a policy came from. */
struct policy_origin {
	const char *text; /* "/etc/netd/policy.d", "apply by root (uid 0)", … */
	struct history_author author;
	int64_t taken_at; /* seconds since the epoch; 0: now */
	bool admitted;	  /* policy_admit() has found nothing already, beside the loop */
};

/* A policy with the texts it came from; everything in its own arena. */
struct policy_set {
	struct arena *arena;
	const struct policy *policy;
	const struct policy_source *sources;
	size_t n_sources;
	const char *origin; /* as policy_origin.text */
	struct history_author author;
	int64_t taken_at;     /* seconds since the epoch: its tests passed as of then */
	uint64_t digest;      /* of the texts */
	uint64_t path_digest; /* of the files at --policy when it was taken */
	bool none;	      /* first contact (first.c): it stands for plain Docker */
	bool was_in_force;    /* last, before netd was started */
};

/* With their texts, into @arena. 0 or -ENOMEM. */
int policy_copy_sources(const struct policy_source *sources, size_t n, struct arena *arena,
			const struct policy_source **ret) MUST_CHECK;
/* Tells whether somebody edited the files, not who is lying. */
uint64_t policy_digest(const struct policy_source *sources, size_t n);
/* Rules can be made of it for this host, and its own tests pass as of @now. Nothing is wanted
 * before that. 0, POLICY_E_INVALID (@diags says what), -ENOMEM. */
int policy_admit(struct daemon *d, const struct policy *policy, int64_t now,
		 struct diag_list *diags) MUST_CHECK;
/* Parsed and checked as of @origin->taken_at; the findings live in @diags' arena, whole. 0: *ret is
 * the caller's; POLICY_E_INVALID; -ENOMEM. */
int policy_set_make(struct daemon *d, const struct policy_source *sources, size_t n,
		    const struct policy_origin *origin, struct diag_list *diags,
		    struct policy_set **ret) MUST_CHECK;
struct policy_set *policy_set_free(struct policy_set *set); /* NULL is fine; returns NULL */
/* Frees the policies that nothing refers to any more, after a commit. */
void policy_forget(struct daemon *d, struct policy_set *old);
