/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The way around: what Docker drops between two networks may pass through a port that the container
 * publishes, at an address of this host. Private to core/report. */
#pragma once

#include "core/report/report.h"

/* 1: the endpoint @from reaches the container's port through *ret; 0: it does not; -ENOMEM. */
struct around_question {
	uint32_t from;		/* endpoint */
	uint32_t to;		/* container */
	struct port_range port; /* of the container: one, or a range of them */
};
int around_find(const struct report_input *in, const struct around_question *question,
		struct arena *scratch, const struct world_published **ret) MUST_CHECK;
