/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One published port and who reaches it from outside. Private to core/report. */
#pragma once

#include "core/report/survey.h"

struct exposure {
	const struct world_container *container;
	const struct world_published *published;
	uint32_t endpoint; /* that answers for it */
};

typedef int exposure_fn(const struct survey *survey, const struct exposure *exposure,
			void *userdata);

/* Every published port of a container on a managed network; ends at the first negative answer. */
int exposure_walk(const struct survey *survey, exposure_fn *each, void *userdata) MUST_CHECK;
/* The i-th of those outside who may be asked about; the return value is how many there are. */
size_t exposure_sources(const struct survey *survey, size_t i, struct survey_end *ret);
/* 1: @who reaches it under that input, 0: not; -ENOMEM. */
int exposure_ask(const struct survey *survey, size_t input, const struct exposure *exposure,
		 struct survey_end who, struct arena *scratch) MUST_CHECK;
/* The same as for the zone that a prefix lies in, under all inputs: not worth a word. 1, 0,
 * -ENOMEM. */
int exposure_is_implied(const struct survey *survey, const struct exposure *exposure,
			struct survey_end who, struct arena *scratch) MUST_CHECK;
void exposure_print(struct rj *j, cJSON *object, const struct report_input *in,
		    const struct exposure *exposure);
