/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bytes in less room and back; what is not packed, or says that it is of another size. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "edge/pack/pack.h"

#define SIZE 100000u

static char *make_bytes(void)
{
	char *bytes = calloc(1, SIZE);

	assert_non_null(bytes);
	for (size_t i = 0; i < SIZE; i++)
		bytes[i] = (char)(i * i / 7 % 11);
	return bytes;
}

static void both_ways(void **state)
{
	CLEANUP(free_ptr) char *bytes = make_bytes();
	CLEANUP(free_ptr) char *packed = NULL;
	CLEANUP(free_ptr) char *again = NULL;
	size_t len = 0;

	(void)state;
	assert_int_equal(pack_bytes(bytes, SIZE, &packed, &len), 0);
	assert_true(len < SIZE / 2);
	assert_int_equal(pack_undo(packed, len, SIZE, &again), 0);
	assert_memory_equal(again, bytes, SIZE);
	assert_int_equal(again[SIZE], 0);
}

static void says_no(void **state)
{
	CLEANUP(free_ptr) char *bytes = make_bytes();
	CLEANUP(free_ptr) char *packed = NULL;
	char *again = NULL;
	size_t len = 0;

	(void)state;
	assert_int_equal(pack_bytes(bytes, SIZE, &packed, &len), 0);
	/* Of another size: more than that is not even looked at. */
	assert_int_equal(pack_undo(packed, len, SIZE - 1, &again), -EINVAL);
	assert_int_equal(pack_undo(packed, len, SIZE + 1, &again), -EINVAL);
	assert_int_equal(pack_undo(packed, len, 0, &again), -EINVAL);
	/* Cut off, and with something behind. */
	assert_int_equal(pack_undo(packed, len - 1, SIZE, &again), -EINVAL);
	assert_int_equal(pack_undo(packed, 0, SIZE, &again), -EINVAL);
	char *longer = realloc(packed, len + 1);
	assert_non_null(longer);
	packed = longer;
	packed[len] = 'x';
	assert_int_equal(pack_undo(packed, len + 1, SIZE, &again), -EINVAL);
	/* Another byte: the checksum behind it all. */
	packed[len / 2] ^= 1;
	assert_int_equal(pack_undo(packed, len, SIZE, &again), -EINVAL);
	assert_int_equal(pack_undo("hello", 5, SIZE, &again), -EINVAL);
	assert_null(again);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(both_ways),
					    cmocka_unit_test(says_no) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
