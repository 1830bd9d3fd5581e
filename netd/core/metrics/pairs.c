/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/metrics/pairs.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static bool is_same(const struct metrics_pair *pair, const char *from, const char *to,
		    const struct logged *logged)
{
	return pair->kind == logged->kind && pair->reason == logged->reason &&
	       strncmp(pair->from, from, LIMIT_NAME) == 0 && strncmp(pair->to, to, LIMIT_NAME) == 0;
}

size_t pairs_find(struct metrics_pairs *pairs, const char *from, const char *to,
		  const struct logged *logged)
{
	size_t i = 0;

	while (i < pairs->n && !is_same(&pairs->items[i], from, to, logged))
		i++;
	if (i < pairs->n || i == LIMIT_METRIC_PAIRS)
		return i;
	struct metrics_pair *pair = &pairs->items[pairs->n++];
	(void)snprintf(pair->from, sizeof(pair->from), "%.*s", (int)LIMIT_NAME, from);
	(void)snprintf(pair->to, sizeof(pair->to), "%.*s", (int)LIMIT_NAME, to);
	pair->kind = logged->kind;
	pair->reason = logged->reason;
	return i;
}

void pairs_count(struct metrics_pairs *pairs, size_t place, const struct logged *logged)
{
	if (place < pairs->n)
		pairs->items[place].packets++;
	else
		pairs->others[logged->kind]++;
}
