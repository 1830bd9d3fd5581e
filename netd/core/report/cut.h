/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The established connections that a change of policy cuts. Judged by the evaluator, each by its
 * own tuple, as the rules do it: who began it, who answers, and the port that answers. */
#pragma once

#include <cjson/cJSON.h>

#include "core/report/report.h"
#include "core/world/conntrack.h"

/* Adds "connections" to @plan, which is report_plan()'s of the two. Both are of one world, with its
 * real ports. 0 or -ENOMEM. */
int report_cut(const struct report_input *old, const struct report_input *new,
	       const struct cut_facts *facts, cJSON *plan) MUST_CHECK;
