/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A value of JSON, and what is asked of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/json-scan.h"
#include "core/base/json.h"

/* In memory that ends with it: a sanitizer sees who looks further. */
static cJSON *parse(const char *text, size_t *ret_offset)
{
	size_t len = strlen(text);
	CLEANUP(free_ptr) char *bytes = malloc(len ? len : 1);

	assert_non_null(bytes);
	memcpy(bytes, text, len);
	return json_parse(bytes, len, ret_offset);
}

static void a_whole_value(void **state)
{
	static const char *const texts[] = { "1", " {\"a\": [true, null]}\n", "\t\"text\" \r\n", "[]" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		CLEANUP(json_freep) cJSON *json = parse(texts[i], NULL);

		assert_non_null(json);
	}
}

static void no_whole_value(void **state)
{
	static const struct {
		const char *text;
		size_t offset;
	} rows[] = { { "", 0 },	      { "{\"a\":1", 6 }, { "[1,", 3 },	     { "{\"a\"", 4 },
		     { "1 2", 2 },    { "[] x", 3 },	 { "{\"a\":tru", 5 } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t offset = 99;
		CLEANUP(json_freep) cJSON *json = parse(rows[i].text, &offset);

		assert_null(json);
		assert_in_range(offset, 0, strlen(rows[i].text));
		if (rows[i].text[0] != '\0')
			assert_int_equal(offset, rows[i].offset);
	}
}

static void members(void **state)
{
	CLEANUP(json_freep) cJSON *json =
		parse("{\"text\":\"a\",\"yes\":true,\"no\":false,\"number\":7}", NULL);

	(void)state;
	assert_string_equal(json_text(json, "text"), "a");
	assert_null(json_text(json, "number"));
	assert_null(json_text(json, "none"));
	assert_string_equal(json_word(json, "text"), "a");
	assert_string_equal(json_word(json, "number"), "");
	assert_true(json_is_true(json, "yes"));
	assert_false(json_is_true(json, "no"));
	assert_false(json_is_true(json, "text"));
	assert_null(json_member(json_member(json, "text"), "text"));
	assert_null(json_member(NULL, "text"));
}

static void integers(void **state)
{
	static const struct {
		const char *text;
		bool fine;
	} rows[] = { { "1", true },   { "9", true },	{ "0", false },	  { "10", false },
		     { "1.5", false }, { "\"1\"", false }, { "1e400", false }, { "true", false } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		CLEANUP(json_freep) cJSON *json = parse(rows[i].text, NULL);
		int64_t value = -1;

		assert_int_equal(json_integer(json, 1, 9, &value), rows[i].fine);
		assert_int_equal(value, rows[i].fine ? strtol(rows[i].text, NULL, 10) : -1);
	}
}

/* What ends in memory that ends, too. */
static const char *scan(const char *text, bool controls, size_t *ret_offset)
{
	static const struct json_limits none = { 8, 100, false, false },
					all = { 8, 100, true, false };
	size_t len = strlen(text);
	CLEANUP(free_ptr) char *bytes = malloc(len ? len : 1);

	assert_non_null(bytes);
	memcpy(bytes, text, len);
	return json_scan(bytes, len, controls ? all : none, ret_offset);
}

/* Letters are looked at eight at a time: each kind is found at each place. */
static void odd_letters(void **state)
{
	static const struct {
		const char *letter;
		bool fine, fine_as_control;
	} rows[] = {
		{ "a", true, true },	    { "~", true, true },	 { " ", true, true },
		{ "\xc3\xa4", true, true }, { "\\n", true, true },	 { "\\\"", true, true },
		{ "\x7f", false, true },    { "\\b", false, true },	 { "\x1f", false, false },
		{ "\1", false, false },	    { "\\u0000", false, false }, { "\x80", false, false },
		{ "\xff", false, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (int before = 0; before < 20; before++)
			for (int behind = 0; behind < 10; behind++) {
				char text[64];
				size_t offset = 0;
				(void)snprintf(text, sizeof(text), "\"%.*s%s%.*s\"", before,
					       "abcdefghijklmnopqrst", rows[i].letter, behind,
					       "0123456789");
				assert_int_equal(!scan(text, false, &offset), rows[i].fine);
				if (!rows[i].fine)
					assert_int_equal(offset, before + 1);
				assert_int_equal(!scan(text, true, &offset),
						 rows[i].fine_as_control);
			}
}

static void values_of_keys(void **state)
{
	static const struct {
		const char *text, *value; /* NULL: none */
	} rows[] = {
		{ "{\"k\":1}", "1" },
		{ " { \"k\" : [1, {\"k\":2}] , \"b\":0}", "[1, {\"k\":2}] " },
		{ "{\"a\":{\"k\":0},\"k\":\"}\"}", "\"}\"" },
		{ "{\"a\":\"\\\\\",\"k\":\"\\\",\"}", "\"\\\",\"" },
		{ "{\"\\u006b\":1,\"k\":2}", "1" },
		{ "{\"kk\":1,\"\":2}", NULL },
		{ "{\"k\":1", NULL },
		{ "{\"k\":\"1", NULL },
		{ "{\"k\":\"1\\\"}", NULL },
		{ "{\"k\" 1}", NULL },
		{ "{\"k", NULL },
		{ "{", NULL },
		{ "[\"k\",1]", NULL },
		{ "", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t len = strlen(rows[i].text);
		CLEANUP(free_ptr) char *bytes = malloc(len ? len : 1);
		struct json_span value;

		assert_non_null(bytes);
		memcpy(bytes, rows[i].text, len);
		bool found = json_find_value((struct json_span){ bytes, len }, "k", &value);
		assert_int_equal(found, rows[i].value != NULL);
		if (!rows[i].value)
			continue;
		assert_int_equal(value.len, strlen(rows[i].value));
		assert_memory_equal(value.bytes, rows[i].value, value.len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_value),
		cmocka_unit_test(no_whole_value),
		cmocka_unit_test(members),
		cmocka_unit_test(integers),
		cmocka_unit_test(odd_letters),
		cmocka_unit_test(values_of_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
