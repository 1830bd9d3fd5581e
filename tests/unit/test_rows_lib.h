/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables of rows as tests: every row is a test of its own, under its own name. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/cleanup.h"

/* Sets tests[first] and those after it, one for each row of the array @rows: named as the row's
 * `name`, run by @function, which finds the row in *state and leaves it alone. The caller made room
 * for ARRAY_LEN(rows) of them, and @rows outlives the run. */
#define ADD_ROWS(tests, first, rows, function)                              \
	for (size_t row_ = 0; row_ < ARRAY_LEN(rows); row_++)               \
		(tests)[(first) + row_] = (struct CMUnitTest)               \
		{                                                           \
			.name = (rows)[row_].name, .test_func = (function), \
			.initial_state = (void *)(uintptr_t) & (rows)[row_] \
		}
