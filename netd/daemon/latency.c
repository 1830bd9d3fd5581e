/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How long a connection that Docker tells of waits for its rules. */
#include "daemon/latency.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/world/world-store.h"
#include "daemon/generation.h"

static void note_sample(struct latency *latency, uint64_t took_us)
{
	latency->samples_us[latency->n++ % LATENCY_SAMPLES] = (uint32_t)took_us;
	histogram_note(&latency->histogram, took_us);
}

static bool is_admitted(const struct generation *generation, const char *network_id,
			const char *container_id)
{
	const struct world *world = generation->world;

	for (size_t i = 0; i < world->n_endpoints; i++) {
		const struct world_endpoint *endpoint = &world->endpoints[i];
		if (strcmp(world->containers[endpoint->container].id, container_id) == 0 &&
		    strcmp(world->networks[endpoint->network].id, network_id) == 0)
			return generation->compiled.assignments[i].kind != ASSIGN_UNKNOWN;
	}
	return false;
}

void latency_begin(struct latency *latency, const struct generation *in_force,
		   const struct world_event *event, uint64_t now_us)
{
	if (in_force && is_admitted(in_force, event->network_id, event->container_id)) {
		note_sample(latency, 0);
		return;
	}
	if (latency->n_pending == ARRAY_LEN(latency->pending))
		return; /* a sample, not an account */
	size_t i = latency->n_pending++;
	(void)snprintf(latency->pending[i].network_id, WORLD_ID_LEN, "%s", event->network_id);
	(void)snprintf(latency->pending[i].container_id, WORLD_ID_LEN, "%s", event->container_id);
	latency->pending[i].since_us = now_us;
}

void latency_end(struct latency *latency, const struct generation *generation, uint64_t now_us)
{
	/* A container that stopped again before it was seen never ends its wait. */
	enum { FORGET_AFTER_US = 10 * 1000000 };
	size_t kept = 0;

	for (size_t i = 0; i < latency->n_pending; i++) {
		uint64_t took = now_us - latency->pending[i].since_us;
		if (is_admitted(generation, latency->pending[i].network_id,
				latency->pending[i].container_id))
			note_sample(latency, took);
		else if (took < FORGET_AFTER_US)
			latency->pending[kept++] = latency->pending[i];
	}
	latency->n_pending = kept;
}

static int by_duration(const void *left, const void *right)
{
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

	return a < b ? -1 : a > b;
}

uint32_t latency_count(const struct latency *latency)
{
	return latency->n < LATENCY_SAMPLES ? (uint32_t)latency->n : LATENCY_SAMPLES;
}

uint32_t latency_percentile(const struct latency *latency, unsigned int q)
{
	uint32_t sorted[LATENCY_SAMPLES];
	size_t n = latency_count(latency);

	if (n == 0)
		return 0;
	memcpy(sorted, latency->samples_us, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), by_duration);
	return sorted[(n - 1) * q / 100];
}
