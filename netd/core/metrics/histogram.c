/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/metrics/histogram.h"

#include <stddef.h>

void histogram_note(struct metrics_histogram *histogram, uint64_t us)
{
#define BOUND(us, text) us,
	static const uint64_t bounds[] = { METRICS_BOUNDS(BOUND) };
#undef BOUND
	size_t i = 0;

	while (i < METRICS_N_BOUNDS && us > bounds[i])
		i++;
	histogram->of[i]++;
	histogram->sum_us += us;
}
