/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From what was seen to a policy that says it: tiers of what the operator calls services, one rule
 * for each pair that spoke, its evidence as a comment; beside a policy in force, what it lacks.
 * What is proposed is compiled and judged by the evaluator before it is shown. Pure: the same facts
 * and flows give the same bytes, in whatever order the flows come. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "core/base/arena.h"
#include "core/flow/flow.h"
#include "core/policy/policy.h"
#include "core/world/world.h"

/* What `netdctl flows --format json` prints (netdctl(8)). */
struct suggest_evidence {
	const struct flow *flows; /* texts and all in the arena */
	size_t n;
	uint64_t pushed_out, lost; /* forgotten for newer ones; that the kernel could not tell of */
	/* On whose bridges connections between two containers are not seen. */
	const char *const *unseen_networks;
	size_t n_unseen;
	size_t n_passed_over; /* lines of another version */
};

/* One object a line. 0; SUGGEST_E_INVALID: *error (in @arena) says which line, and why; -ENOMEM. */
#define SUGGEST_E_INVALID 1
int suggest_read(const char *bytes, size_t len, struct arena *arena, struct suggest_evidence *ret,
		 const char **error) MUST_CHECK;

struct suggest_input {
	const struct world *world; /* as the inventory or Docker says it */
	const struct suggest_evidence *evidence;
	const struct policy *policy; /* in force, made of the sources; NULL: none is */
	const struct policy_source *sources;
	size_t n_sources;
	int64_t now; /* seconds since the epoch */
};

struct suggest_output {
	/* Without a policy in force, or with one that has neither tiers nor rules nor tests: a
	 * policy. With another one: a patch of its files, "" where it lacks nothing. malloc'ed. */
	char *text;
	/* {"v":1,"policy" or "patch","evidence","tiers","left_out"}: netdctl(8). */
	cJSON *json;
	bool adds; /* the patch has a rule or a tier */
};

/* Both are the caller's. 0 or -ENOMEM; -EINVAL: what it made is no policy, which is a bug. */
int suggest_make(const struct suggest_input *in, struct suggest_output *ret) MUST_CHECK;
void suggest_output_done(struct suggest_output *output); /* for CLEANUP() too */

/* ---- from a denial to a rule ---- */

/* The denials of the policy in force that a rule could let pass, each with a number that is made of
 * the rule, so that it names the same rule whatever else was denied meanwhile. {"v":1,"rules":
 * [{"number","rule","from","to","port","count","first","last","who","note"}],"others":[…]}.
 * 0 or -ENOMEM. */
int suggest_denied(const struct suggest_input *in, cJSON **ret) MUST_CHECK;
/* The policy file with these rules of suggest_denied()'s list: @old is its text, or "", and stays
 * as it is but for what is added. malloc'ed. 0; SUGGEST_E_INVALID: *error (in @arena) says which
 * number is none's, or more than one's; -ENOMEM. */
struct suggest_chosen {
	const uint32_t *numbers;
	size_t n;
	const char *old;
	int64_t now;
};
int suggest_allow(const cJSON *denied, const struct suggest_chosen *chosen, struct arena *arena,
		  char **ret, const char **error) MUST_CHECK;
