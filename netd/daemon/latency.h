/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How long a connection of a container to a network, which Docker tells of, waits for its rules. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "core/metrics/histogram.h"
#include "core/world/world-store.h"

struct generation;

#define LATENCY_SAMPLES 256

/* Docker's connect event -> the endpoint's rules committed. */
struct latency {
	struct metrics_histogram histogram; /* of all samples since netd started */
	uint32_t samples_us[LATENCY_SAMPLES];
	size_t n; /* ever taken */
	struct {
		char network_id[WORLD_ID_LEN], container_id[WORLD_ID_LEN];
		uint64_t since_us;
	} pending[64];
	size_t n_pending;
};

/* Docker has told of a container on a network. Rules that are there before that took no time. */
void latency_begin(struct latency *latency, const struct generation *in_force,
		   const struct world_event *event, uint64_t now_us);
/* What waited and is admitted in @generation waits no longer. */
void latency_end(struct latency *latency, const struct generation *generation, uint64_t now_us);
uint32_t latency_count(const struct latency *latency); /* samples that are held */
/* The q-th of 100 samples, in microseconds; 0 when there are none. */
uint32_t latency_percentile(const struct latency *latency, unsigned int q);
