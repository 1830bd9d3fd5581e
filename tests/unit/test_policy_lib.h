/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Texts to policies, for the tests of core/policy that ask what becomes of large ones. */
#pragma once

#include "core/policy/policy.h"
#include "tests/unit/test_yaml_lib.h"

/* The beginning of a policy; `a` and `b` are tiers. */
#define TIERS "version: 1\ntiers:\n  a: {match: [{network: a}]}\n  b: {match: [{network: b}]}\n"

/* As read_yaml(). */
static inline struct outcome read_policy(const struct text *yaml)
{
	struct policy_source source = { "p.yaml", text_str(yaml), yaml->len };
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct policy *policy = NULL;
	struct diag_list diags;

	assert_false(text_failed(yaml));
	diag_init(&diags, arena);
	double start = now_s();
	int r = policy_parse(&source, 1, arena, &diags, &policy);
	return outcome_of(r, &diags, arena, start);
}

/* A policy of @n tiers, t0 to t<n - 1>; may be followed by rules. */
static inline void make_tiers(struct text *yaml, size_t n)
{
	text_add(yaml, "version: 1\ntiers:\n");
	for (size_t i = 0; i < n; i++)
		text_printf(yaml, "  t%zu: {match: [{network: n%zu}]}\n", i, i);
}
