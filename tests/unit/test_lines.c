/* SPDX-License-Identifier: GPL-2.0-or-later */
/* core/base/lines: a stream cut into lines, wherever the network split it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/lines.h"
#include "core/base/text.h"

static void lines_come_in_any_pieces(void **state)
{
	static const char stream[] = "one\n\nthree\nlast";
	static const char *const want[] = { "one", "", "three" };
	const char *line;
	size_t len;

	(void)state;
	for (size_t piece = 1; piece < sizeof(stream); piece++) {
		CLEANUP(lines_done) struct lines lines;
		size_t n_lines = 0;

		lines_init(&lines, 100, LINES_ONE_READ);
		for (size_t i = 0; i < sizeof(stream) - 1; i += piece) {
			size_t left = sizeof(stream) - 1 - i;
			assert_int_equal(lines_add(&lines, stream + i, left < piece ? left : piece),
					 0);
			while (lines_next(&lines, &line, &len) == LINES_LINE) {
				assert_true(n_lines < ARRAY_LEN(want));
				assert_int_equal(len, strlen(want[n_lines]));
				assert_memory_equal(line, want[n_lines], len);
				n_lines++;
			}
		}
		assert_int_equal(n_lines, ARRAY_LEN(want));
		assert_false(lines_is_empty(&lines));
		assert_false(lines_has_line(&lines));
		assert_int_equal(lines.len, 4);
	}
}

static void lines_have_a_limit(void **state)
{
	const char *line;
	size_t len;
	char big[70000];
	CLEANUP(lines_done) struct lines lines;

	(void)state;
	memset(big, 'x', sizeof(big));
	lines_init(&lines, 10, LINES_ONE_READ);
	assert_int_equal(lines_add(&lines, "0123456789\n", 11), 0);
	assert_int_equal(lines_next(&lines, &line, &len), LINES_LINE);
	assert_int_equal(len, 10);
	assert_int_equal(lines_add(&lines, "0123456789", 10), 0);
	assert_int_equal(lines_next(&lines, &line, &len), LINES_PARTIAL);
	assert_int_equal(lines_add(&lines, "a", 1), 0);
	assert_int_equal(lines_next(&lines, &line, &len), LINES_TOO_LONG);
	assert_int_equal(lines_add(&lines, "\n", 1), 0);
	assert_int_equal(lines_next(&lines, &line, &len), LINES_TOO_LONG);
	assert_int_equal(lines_add(&lines, big, sizeof(big)), -EMSGSIZE);
	lines_done(&lines);
	assert_true(lines_is_empty(&lines));
	assert_int_equal(lines.limit, 10);
}

static const char stream[] = "{\"a\":1}\n\n{\"b\":\"x\\n\"}\r\n\r\n{}\n{\"cut\":";
static const char want[] = "[{\"a\":1}][{\"b\":\"x\\n\"}][{}]";

static void collect(struct lines *lines, struct text *out)
{
	const char *line;
	size_t len;

	while (lines_next_text(lines, &line, &len)) {
		text_add(out, "[");
		text_add_n(out, line, len);
		text_add(out, "]");
	}
}

/* Every pair of cuts, so every line is met whole, in two parts and in three. */
static void texts_are_cut_anywhere(void **state)
{
	size_t n = sizeof(stream) - 1;

	(void)state;
	for (size_t i = 0; i <= n; i++)
		for (size_t j = i; j <= n; j++) {
			CLEANUP(lines_done) struct lines lines = { .limit = 64, .ahead = 64 };
			CLEANUP(text_done) struct text out = { 0 };
			assert_int_equal(lines_add(&lines, stream, i), 0);
			collect(&lines, &out);
			assert_int_equal(lines_add(&lines, stream + i, j - i), 0);
			collect(&lines, &out);
			assert_int_equal(lines_add(&lines, stream + j, n - j), 0);
			collect(&lines, &out);
			assert_string_equal(text_str(&out), want);
		}
}

/* Lines not taken yet stay when more comes. */
static void untaken_lines_stay(void **state)
{
	CLEANUP(lines_done) struct lines lines = { .limit = 8, .ahead = 3002 * 9 };
	CLEANUP(text_done) struct text out = { 0 };

	(void)state;
	for (int i = 0; i < 3000; i++)
		assert_int_equal(lines_add(&lines, "12345678\n", 9), 0);
	const char *line;
	size_t len, n = 1;
	assert_true(lines_next_text(&lines, &line, &len));
	assert_int_equal(lines_add(&lines, "last\n", 5), 0);
	while (lines_next_text(&lines, &line, &len))
		n++;
	assert_int_equal(n, 3001);
	assert_int_equal(len, 4);
	assert_int_equal(lines_add(&lines, "x\n", 2), 0);
	collect(&lines, &out);
	assert_string_equal(text_str(&out), "[x]");
}

/* A line of the limit passes, one byte more does not, in one piece or byte by byte. */
static void an_unfinished_line_overflows(void **state)
{
	CLEANUP(lines_done)
	struct lines whole = { .limit = 8, .ahead = 20 }, bytes = whole;

	(void)state;
	assert_int_equal(lines_add(&whole, "12345678", 8), 0);
	assert_false(lines_overflow(&whole));
	assert_int_equal(lines_add(&whole, "\n123456789", 10), 0);
	assert_true(lines_overflow(&whole));
	for (int i = 0; i < 8; i++)
		assert_int_equal(lines_add(&bytes, "x", 1), 0);
	assert_false(lines_overflow(&bytes));
	assert_int_equal(lines_add(&bytes, "x", 1), 0);
	assert_true(lines_overflow(&bytes));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_come_in_any_pieces),
		cmocka_unit_test(lines_have_a_limit),
		cmocka_unit_test(texts_are_cut_anywhere),
		cmocka_unit_test(untaken_lines_stay),
		cmocka_unit_test(an_unfinished_line_overflows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
