/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/base/sort.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* ---- by bytes ---- */

/* Byte by byte from the first one on, in place (a radix sort, "American flag"): ten times as fast
 * as qsort() with a comparison for ten thousand addresses. */

#define VALUES 256u /* of a byte */
#define FEW 24u	    /* up to here, comparing is faster */

struct layout {
	size_t size, key_len;
};

static void sort_few(uint8_t *items, size_t n, const struct layout *l, size_t at)
{
	uint8_t item[SORT_ITEM_MAX];

	for (size_t i = 1; i < n; i++) {
		size_t to = i;
		memcpy(item, items + i * l->size, l->size);
		while (to > 0 &&
		       memcmp(items + (to - 1) * l->size + at, item + at, l->key_len - at) > 0)
			to--;
		memmove(items + (to + 1) * l->size, items + to * l->size, (i - to) * l->size);
		memcpy(items + to * l->size, item, l->size);
	}
}

static void swap(uint8_t *a, uint8_t *b, size_t size)
{
	uint8_t item[SORT_ITEM_MAX];

	memcpy(item, a, size);
	memcpy(a, b, size);
	memcpy(b, item, size);
}

static void count(const uint8_t *items, size_t n, size_t size, size_t ret[VALUES])
{
	memset(ret, 0, VALUES * sizeof(*ret));
	for (size_t i = 0; i < n; i++)
		ret[items[i * size]]++;
}

/* Puts each item where those of its byte at @at are; @ends: where the items of a byte end. */
static void deal_out(uint8_t *items, const struct layout *l, size_t at, const size_t counts[VALUES],
		     size_t ends[VALUES])
{
	size_t next[VALUES], sum = 0;

	for (size_t v = 0; v < VALUES; v++) {
		next[v] = sum;
		ends[v] = sum += counts[v];
	}
	for (size_t v = 0; v < VALUES; v++)
		while (next[v] < ends[v]) {
			uint8_t *item = items + next[v] * l->size;
			size_t *right = &next[item[at]];
			if (right != &next[v])
				swap(item, items + *right * l->size, l->size);
			(*right)++;
		}
}

/* The items have the bytes before @at in common. The key's length bounds the recursion. */
static void sort_from(uint8_t *items, size_t n, const struct layout *l, size_t at)
{
	size_t counts[VALUES], ends[VALUES];

	for (; at < l->key_len && n > FEW; at++) {
		count(items + at, n, l->size, counts);
		if (counts[items[at]] == n)
			continue;
		deal_out(items, l, at, counts, ends);
		for (size_t v = 0; v < VALUES; v++)
			if (counts[v] > 1)
				sort_from(items + (ends[v] - counts[v]) * l->size, counts[v], l,
					  at + 1);
		return;
	}
	if (at < l->key_len)
		sort_few(items, n, l, at);
}

void sort_by_bytes(void *items, size_t n, size_t size, size_t key_len)
{
	const struct layout layout = { size, key_len };

	assert(key_len <= size && size <= SORT_ITEM_MAX);
	if (n > 1)
		sort_from(items, n, &layout, 0);
}

/* ---- by a comparison ---- */

size_t sort_once(void *items, size_t n, size_t size, sort_order *order)
{
	uint8_t *bytes = items;
	size_t kept = 0;

	if (n)
		qsort(items, n, size, order);
	for (size_t i = 0; i < n; i++) {
		if (kept > 0 && order(bytes + (kept - 1) * size, bytes + i * size) == 0)
			continue;
		if (kept != i)
			memcpy(bytes + kept * size, bytes + i * size, size);
		kept++;
	}
	return kept;
}

size_t sort_bound(const void *key, const void *items, size_t n, size_t size, sort_order *order)
{
	const uint8_t *bytes = items;
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (order(key, bytes + middle * size) > 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}
