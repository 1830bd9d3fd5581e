/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/metrics/pairs.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "core/base/hash.h"

static bool is_same(const struct metrics_pair *pair, const char *from, const char *to,
		    const struct logged *logged)
{
	return pair->kind == logged->kind && pair->reason == logged->reason &&
	       strncmp(pair->from, from, LIMIT_NAME) == 0 && strncmp(pair->to, to, LIMIT_NAME) == 0;
}

static uint16_t *bucket_of(struct metrics_pairs *pairs, const char *from, const char *to,
			   const struct logged *logged)
{
	const unsigned char what[] = { (unsigned char)logged->kind, (unsigned char)logged->reason };
	uint64_t h = hash_add(HASH_BEGIN, from, strnlen(from, LIMIT_NAME));

	h = hash_add(h, what, sizeof(what));
	h = hash_add(h, to, strnlen(to, LIMIT_NAME));
	return &pairs->buckets[(h ^ h >> 32) % METRICS_PAIR_BUCKETS];
}

size_t pairs_find(struct metrics_pairs *pairs, const char *from, const char *to,
		  const struct logged *logged)
{
	uint16_t *bucket = bucket_of(pairs, from, to, logged);

	for (size_t i = *bucket; i; i = pairs->items[i - 1].next)
		if (is_same(&pairs->items[i - 1], from, to, logged))
			return i - 1;
	if (pairs->n == LIMIT_METRIC_PAIRS)
		return LIMIT_METRIC_PAIRS;
	size_t i = pairs->n++;
	struct metrics_pair *pair = &pairs->items[i];
	pair->next = *bucket;
	*bucket = (uint16_t)(i + 1);
	(void)snprintf(pair->from, sizeof(pair->from), "%.*s", (int)LIMIT_NAME, from);
	(void)snprintf(pair->to, sizeof(pair->to), "%.*s", (int)LIMIT_NAME, to);
	pair->kind = logged->kind;
	pair->reason = logged->reason;
	return i;
}

void pairs_count(struct metrics_pairs *pairs, size_t place, const struct logged *logged)
{
	if (place < pairs->n)
		pairs->items[place].n++;
	else
		pairs->others[logged->kind]++;
}
