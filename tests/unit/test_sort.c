/* SPDX-License-Identifier: GPL-2.0-or-later */
/* core/base: items in order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/sort.h"

static int by_key_of_five(const void *left, const void *right)
{
	return memcmp(left, right, 5);
}

/* Keys with few and with many different bytes, in every length up to some hundreds. */
static void sorting_by_bytes(void **state)
{
	enum { MOST = 300, SIZE = 9 };
	uint8_t items[MOST * SIZE], same[MOST * SIZE];

	(void)state;
	srand(1);
	for (size_t n = 0; n < MOST; n++) {
		unsigned int values = n % 3 ? 256 : 2;
		for (size_t i = 0; i < n * SIZE; i++)
			items[i] = (uint8_t)((unsigned int)rand() % values);
		memcpy(same, items, sizeof(items));
		sort_by_bytes(items, n, SIZE, 5);
		qsort(same, n, SIZE, by_key_of_five);
		for (size_t i = 0; i < n; i++)
			assert_memory_equal(items + i * SIZE, same + i * SIZE, 5);
		/* Whole items have moved, and none is lost. */
		sort_by_bytes(items, n, SIZE, SIZE);
		sort_by_bytes(same, n, SIZE, SIZE);
		assert_memory_equal(items, same, n * SIZE);
	}
}

struct numbered {
	uint8_t key;
	size_t at;
};

static int by_number(const void *left, const void *right)
{
	const struct numbered *a = left, *b = right;

	return a->key - b->key;
}

static int number_against(const void *key, const void *item)
{
	return *(const uint8_t *)key - ((const struct numbered *)item)->key;
}

/* Each key once, the one that stood first; and where each key is, or would be. */
static void sorting_once(void **state)
{
	enum { MOST = 40, KEYS = 9 };
	struct numbered items[MOST];

	(void)state;
	srand(2);
	assert_int_equal(sort_once(NULL, 0, sizeof(*items), by_number), 0);
	for (size_t n = 0; n < MOST; n++) {
		size_t first[KEYS], kept = 0;
		memset(first, 0xff, sizeof(first));
		for (size_t i = 0; i < n; i++) {
			items[i] = (struct numbered){ (uint8_t)((unsigned int)rand() % KEYS), i };
			if (first[items[i].key] == SIZE_MAX)
				first[items[i].key] = i;
		}
		size_t left = sort_once(items, n, sizeof(*items), by_number);
		for (uint8_t key = 0; key < KEYS; key++) {
			assert_int_equal(
				sort_bound(&key, items, left, sizeof(*items), number_against),
				kept);
			if (first[key] == SIZE_MAX)
				continue;
			assert_int_equal(items[kept].key, key);
			assert_int_equal(items[kept++].at, first[key]);
		}
		assert_int_equal(left, kept);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sorting_by_bytes),
		cmocka_unit_test(sorting_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
