/* SPDX-License-Identifier: GPL-2.0-or-later */
/* core/base/json-pick: what is asked for comes out, however the text was cut, and nothing else
 * costs memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/json-names.h"
#include "core/base/json-pick.h"
#include "tests/unit/test_rows_lib.h"

static const struct json_want host[] = { { "Mode", NULL, false, false },
					 { NULL, NULL, false, false } };
static const struct json_want binding[] = { { "HostPort", NULL, false, false },
					    { NULL, NULL, false, false } };
static const struct json_want each[] = { { "*", binding, false, false },
					 { NULL, NULL, false, false } };
static const struct json_want wants[] = {
	{ "Id", NULL, false, false },	  { "Names", NULL, false, false },
	{ "Host", host, false, false },	  { "Ports", each, false, false },
	{ "Labels", NULL, true, false },  { "a\"b", NULL, false, false },
	{ "Ümlaut", NULL, false, false }, { NULL, NULL, false, false },
};
static const char *const names[] = { "tier", "a\"b", "gone" };

struct row {
	const char *name, *json, *want;
};

static const struct row rows[] = {
	{ "nothing", "", "" },
	{ "empty list", " [ ] ", "[]\n" },
	{ "a list", "[{\"Id\":\"1\",\"x\":[1,{\"y\":\"]}\"}]}, {\"Id\" : 2}]\n",
	  "[{\"Id\":\"1\"},{\"Id\":2}]\n" },
	{ "other elements", "[7,null,\"a\",[{\"Id\":1,\"z\":2}]]",
	  "[7,null,\"a\",[{\"Id\":1}]]\n" },
	{ "one object", "{\"x\":{\"Id\":3},\"Id\":4}", "{\"Id\":4}\n" },
	{ "lines", "{\"Id\":1}\n{\"y\":0}\r\n{\"Id\":2}\n", "{\"Id\":1}\n{}\n{\"Id\":2}\n" },
	{ "deeper", "{\"Host\":{\"Mode\":\"m\",\"More\":[{}]},\"Names\":[\"/a\",{\"b\":[1]}]}",
	  "{\"Host\":{\"Mode\":\"m\"},\"Names\":[\"/a\",{\"b\":[1]}]}\n" },
	{ "of each",
	  "{\"Ports\":{\"80/tcp\":[{\"HostIp\":\"x\",\"HostPort\":\"1\"}],\"81/tcp\":null}}",
	  "{\"Ports\":{\"80/tcp\":[{\"HostPort\":\"1\"}],\"81/tcp\":null}}\n" },
	{ "strings with all in them", "{\"x\":\"\\\\\\\"},\",\"Id\":\"a\\\"]\\\\\"}",
	  "{\"Id\":\"a\\\"]\\\\\"}\n" },
	{ "escaped keys",
	  "{\"\\u0049d\":1,\"a\\\"b\":2,\"a\\u0022b\":3,\"\\u00dcmlaut\":4,\"Id\\u0000\":5}",
	  "{\"\\u0049d\":1,\"a\\\"b\":2,\"a\\u0022b\":3,\"\\u00dcmlaut\":4}\n" },
	{ "numbers and words", "{\"Id\":-1.5e3,\"Names\":true,\"x\":false}",
	  "{\"Id\":-1.5e3,\"Names\":true}\n" },
	{ "few labels", "{\"Labels\":{\"b\":\"2\",\"tier\":\"web\"}}",
	  "{\"Labels\":{\"b\":\"2\",\"tier\":\"web\"}}\n" },
	{ "labels that are too much",
	  "{\"Labels\":{\"b\":\"12345678901234567890\",\"tier\":\"web\",\"c\":\"1\"}}",
	  "{\"Labels\":{\"tier\":\"web\",\"c\":\"1\",\"\":null,\"a\\\"b\":null,\"gone\":null}}\n" },
	{ "labels of two objects",
	  "[{\"Labels\":{\"b\":\"12345678901234567890\"}},{\"Labels\":{\"b\":\"1\"}},{\"Labels\":"
	  "null}]",
	  "[{\"Labels\":{\"\":null,\"tier\":null,\"a\\\"b\":null,\"gone\":null}},"
	  "{\"Labels\":{\"b\":\"1\"}},{\"Labels\":null}]\n" },
	{ "a label that looks like one asked for", "{\"Labels\":{\"tier\\u0000\":\"x\"}}",
	  "{\"Labels\":{\"tier\\u0000\":\"x\"}}\n" },
	{ "cut off", "[{\"Id\":1},{\"Id\":2", "[{\"Id\":1}" },
	{ "behind the list", "[{\"Id\":1}] {\"Id\":2}", "[{\"Id\":1}]\n" },
	{ "no JSON", "<html>\n", "<html>\n" },
	{ "a line that is none", "{\"Id\":1}\n{\"Id\"}\n{\"Id\":2}\n",
	  "{\"Id\":1}\nnull\n{\"Id\":2}\n" },
	{ "a line that ends too early", "{\"Type\":\n{\"Id\":2}\n", "null\n{\"Id\":2}\n" },
	{ "and one in what is not taken", "{\"x\":{\"y\":[\n{\"Id\":2}\n", "null\n{\"Id\":2}\n" },
	{ "a list on a line", "{\"Id\":1}\n]\n{\"Id\":2}\n", "{\"Id\":1}\nnull\n{\"Id\":2}\n" },
	{ "a list on the first line", " [{\"Id\":1,\"x\":2}]\n{\"Id\":2}\n",
	  "[{\"Id\":1}]\n{\"Id\":2}\n" },
	{ "a first line that begins one", " [\n{\"Id\":1}\n{\"Id\":2}\n",
	  "null\n{\"Id\":1}\n{\"Id\":2}\n" },
	{ "brackets that do not meet", "{\"Id\":[1}\n{\"Id\":2}\n", "null\n{\"Id\":2}\n" },
};

/* Fed in pieces of @step bytes. */
static void pick_text(const char *json, size_t len, size_t step, struct text *out)
{
	struct json_names *asked = json_names_new(names, ARRAY_LEN(names), 20);
	struct json_pick *pick = json_pick_new(wants, asked, 65536, strchr(json, '[') != json);

	asked = json_names_unref(asked);
	for (size_t at = 0; at < len; at += step)
		assert_int_equal(
			json_pick_feed(pick, json + at, len - at < step ? len - at : step, out), 0);
	(void)json_pick_free(pick);
}

/* The brackets of a list come with its first element. */
static void picks(void **state)
{
	const struct row *row = *state;

	for (size_t step = 1; step <= strlen(row->json) + 1; step++) {
		CLEANUP(text_done) struct text out = { 0 };
		pick_text(row->json, strlen(row->json), step, &out);
		assert_string_equal(text_str(&out), row->want);
	}
}

/* A text that nobody could use costs a text that is asked for, and no memory. */
static void long_texts(void **state)
{
	static const char *const forms[][2] = {
		{ "{\"Id\":\"%s\",\"Names\":[\"/a\",\"%s\"]}",
		  "{\"Id\":false,\"Names\":[\"/a\",false]}\n" },
		{ "{\"x\":\"%s\",\"Id\":\"1\",\"y\":\"%s\"}", "{\"Id\":\"1\"}\n" },
		{ "{\"Labels\":{\"tier\":\"%s\",\"b\":\"%s\",\"c\":\"1\"}}",
		  "{\"Labels\":{\"tier\":false,\"c\":\"1\",\"\":null,\"a\\\"b\":null,\"gone\":null}"
		  "}\n" },
		{ "{\"Labels\":{\"%s\":\"1\",\"%s\":\"2\",\"tier\":\"3\"}}",
		  "{\"Labels\":{\"tier\":\"3\",\"\":null,\"a\\\"b\":null,\"gone\":null}}\n" },
		{ "{\"%s\":1,\"%s\":2,\"Id\":3}", "{\"Id\":3}\n" },
	};
	char *text = malloc(300001);

	(void)state;
	memset(text, 'x', 300000);
	text[300000] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		CLEANUP(text_done) struct text json = { 0 }, out = { 0 };
		const char *at = forms[i][0];
		for (const char *place; (place = strstr(at, "%s")); at = place + 2) {
			text_add_n(&json, at, (size_t)(place - at));
			text_add(&json, text);
		}
		text_add(&json, at);
		pick_text(text_str(&json), json.len, 1000, &out);
		assert_string_equal(text_str(&out), forms[i][1]);
		assert_true(out.cap < 20000);
	}
	free(text);
}

/* An element that is too long costs itself. */
static void long_elements(void **state)
{
	CLEANUP(text_done) struct text json = { 0 }, out = { 0 };

	(void)state;
	text_add(&json, "[{\"Names\":[1");
	for (size_t i = 0; i < 100000; i++)
		text_add(&json, ",2");
	text_add(&json, "]},{\"Id\":1}]");
	pick_text(text_str(&json), json.len, 4096, &out);
	assert_string_equal(text_str(&out), "[null,{\"Id\":1}]\n");
	json.len = out.len = 0;
	text_add(&json, "[");
	for (size_t i = 0; i < 1000; i++)
		text_add(&json, "[");
	for (size_t i = 0; i < 1000; i++)
		text_add(&json, "]");
	text_add(&json, ",{\"Id\":1}]");
	pick_text(text_str(&json), json.len, 7, &out);
	assert_string_equal(text_str(&out), "[[[[[[[[[[[[[[[[[null]]]]]]]]]]]]]]]],{\"Id\":1}]\n");
}

/* A byte of zero is in no name: nothing behind the name's end is compared. */
static void zero_bytes(void **state)
{
	static const char key[] = "Id\0x", escaped[] = "\\u0049d\0x";

	(void)state;
	assert_true(json_key_is(key, 2, "Id"));
	assert_false(json_key_is(key, 3, key));
	assert_false(json_key_is(key, 4, key));
	assert_true(json_key_is(escaped, 7, "Id"));
	assert_false(json_key_is(escaped, 8, key));
	assert_false(json_key_is(escaped, 9, key));
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_LEN(rows) + 3] = {
		cmocka_unit_test(long_texts),
		cmocka_unit_test(long_elements),
		cmocka_unit_test(zero_bytes),
	};

	ADD_ROWS(tests, 3, rows, picks);
	return cmocka_run_group_tests_name("json_pick", tests, NULL, NULL);
}
