/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Texts to policies and worlds, for the tests of core/report. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/report/report.h"

#define NOW 1893456000 /* 2030-01-01T00:00:00Z */

static inline const struct policy *parse_policy(const char *yaml, struct arena *arena)
{
	struct policy_source source = { "policy.yaml", yaml, strlen(yaml) };
	const struct policy *policy = NULL;
	struct diag_list diags;

	diag_init(&diags, arena);
	assert_int_equal(policy_parse(&source, 1, arena, &diags, &policy), 0);
	return policy;
}

static inline const struct world *parse_world(const char *json, struct arena *arena)
{
	const struct world *world = NULL, *complete = NULL;
	const char *error = "";

	if (world_parse_inventory(json, strlen(json), arena, &world, &error) != 0)
		fail_msg("%s", error);
	assert_int_equal(report_complete_world(world, arena, &complete), 0);
	return complete;
}
