/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private to core/report: a plan in the making. */
#pragma once

#include "core/report/survey.h"

enum { PLAN_OLD, PLAN_NEW };

struct planning {
	struct rj j;
	const struct survey *survey; /* of both policies */
	struct arena *scratch;	     /* of the pair or port at hand */
	cJSON *gained, *lost, *opened, *closed;
	cJSON *kept, *left_open; /* against plain Docker; else NULL */
	bool changed;
};

/* Fills gained, lost and kept. 0 or -ENOMEM. */
int plan_compare_flows(struct planning *p) MUST_CHECK;
