/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A histogram of durations, from a millisecond to ten seconds: what is asked of event -> committed
 * is whether a container waits for it, and for how long. */
#pragma once

#include <stdint.h>

/* Upper bounds in microseconds, and the same in seconds as Prometheus writes them. */
/* clang-format off: a row each */
#define METRICS_BOUNDS(X) \
	X(1000, "0.001")  \
	X(2000, "0.002")  \
	X(5000, "0.005")  \
	X(10000, "0.01")  \
	X(20000, "0.02")  \
	X(50000, "0.05")  \
	X(100000, "0.1")  \
	X(200000, "0.2")  \
	X(500000, "0.5")  \
	X(1000000, "1.0") \
	X(2000000, "2.0") \
	X(5000000, "5.0") \
	X(10000000, "10.0")
/* clang-format on */
#define METRICS_COUNT_BOUND(us, text) +1
#define METRICS_N_BOUNDS (0 METRICS_BOUNDS(METRICS_COUNT_BOUND))

/* Begins zeroed. */
struct metrics_histogram {
	uint64_t of[METRICS_N_BOUNDS + 1]; /* each alone; the last: longer than all bounds */
	uint64_t sum_us;
};

void histogram_note(struct metrics_histogram *histogram, uint64_t us);
