/* SPDX-License-Identifier: GPL-2.0-or-later */
/* core/wire: tables, and what a hostile peer may put into one line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/wire/wire.h"

static void codes_have_names_and_exit_statuses(void **state)
{
	static const struct {
		const char *name;
		int status;
	} rows[] = {
		{ "ok", 0 },	  { "finding", 1 },	{ "invalid", 1 },  { "usage", 2 },
		{ "refused", 4 }, { "unavailable", 3 }, { "internal", 3 },
	};
	enum wire_code code;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(wire_code_parse(rows[i].name, &code), 0);
		assert_string_equal(wire_code_name(code), rows[i].name);
		assert_int_equal(wire_exit_status(code), rows[i].status);
	}
	assert_int_equal(wire_code_parse("fine", &code), -EINVAL);
	assert_int_equal(wire_code_parse("", &code), -EINVAL);
}

static void verbs_are_consistent(void **state)
{
	size_t n;
	const struct wire_verb *verbs = wire_verbs(&n);

	(void)state;
	assert_true(n >= 12);
	for (size_t i = 0; i < n; i++) {
		assert_ptr_equal(wire_verb_find(verbs[i].name), &verbs[i]);
		assert_true(verbs[i].min <= verbs[i].max);
		assert_int_equal(verbs[i].max == 0, verbs[i].args[0] == '\0');
		assert_true(strlen(verbs[i].summary) > 0 && strlen(verbs[i].summary) < 60);
	}
	assert_null(wire_verb_find("nonsense"));
	assert_int_equal(wire_verb_find("apply")->access, WIRE_ACCESS_ADMIN);
	assert_int_equal(wire_verb_find("confirm")->access, WIRE_ACCESS_ADMIN);
	assert_int_equal(wire_verb_find("reload")->access, WIRE_ACCESS_ADMIN);
}

static int parse(const char *line, size_t len, const char **error)
{
	struct wire_request request;
	int r = wire_parse_request(line, len, &request, error);

	if (r == 0)
		wire_request_done(&request);
	return r;
}

static void good_requests_parse(void **state)
{
	static const char *const rows[] = {
		"{\"v\":1,\"verb\":\"status\"}",
		" {\"v\": 1, \"verb\":\t\"status\"} \r",
		"{\"verb\":\"apply\",\"v\":1,\"f\":[{\"text\":\"x:\\n\\ty\\r\"}]}",
		"{\"v\":1,\"verb\":\"explain\",\"src\":\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\xb3\"}",
		"{\"v\":1,\"verb\":\"explain\",\"src\":\"\\u00e9\\ud83d\\udc33\\u000a\"}",
		"{\"v\":1,\"verb\":\"explain\",\"src\":\"{[,\\\"{[,\\\\\"}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *error = NULL;
		if (parse(rows[i], strlen(rows[i]), &error) != 0)
			fail_msg("%s: %s", rows[i], error);
	}
}

static void bad_requests_are_refused(void **state)
{
#define V "{\"v\":1,\"verb\":\"status\""
	static const struct {
		const char *line, *want; /* part of the error */
	} rows[] = {
		{ "", "not JSON" },
		{ "status", "not JSON" },
		{ "{", "not JSON" },
		{ "{\"v\":1,\"verb\":\"status\"", "not JSON" },
		{ V "} {}", "not JSON" },
		{ V ",}", "not JSON" },
		{ "[]", "not a JSON object" },
		{ "1", "not a JSON object" },
		{ "\"status\"", "not a JSON object" },
		{ "null", "not a JSON object" },
		{ "{}", "protocol version" },
		{ "{\"verb\":\"status\"}", "protocol version" },
		{ "{\"v\":2,\"verb\":\"status\"}", "protocol version" },
		{ "{\"v\":\"1\",\"verb\":\"status\"}", "protocol version" },
		{ "{\"v\":1.5,\"verb\":\"status\"}", "protocol version" },
		{ "{\"v\":1}", "no \"verb\"" },
		{ "{\"v\":1,\"verb\":7}", "no \"verb\"" },
		{ "{\"v\":1,\"verb\":null}", "no \"verb\"" },
		{ "{\"v\":1,\"verb\":\"\"}", "unknown verb" },
		{ "{\"v\":1,\"verb\":\"Status\"}", "unknown verb" },
		{ "{\"v\":1,\"verb\":\"doctor who\"}", "unknown verb" },
		{ V ",\"verb\":\"apply\"}", "doubled" },
		{ V ",\"a\":1,\"a\":1}", "doubled" },
		{ V ",\"a\":\"x\\u0000y\"}", "control character" },
		{ V ",\"a\\u0000\":1}", "control character" },
		{ V ",\"a\":\"\\u001b[31m\"}", "control character" },
		{ V ",\"a\":\"\\u007f\"}", "control character" },
		{ V ",\"a\":\"\\b\"}", "control character" },
		{ V ",\"a\":\"\x1b[31m\"}", "control character" },
		{ V ",\"a\":\"\t\"}", "control character" },
		{ V ",\"a\":\"\xff\"}", "not UTF-8" },
		{ V ",\"a\":\"\xc0\x80\"}", "not UTF-8" },
		{ V ",\"a\":\"\xe0\x80\x80\"}", "not UTF-8" },
		{ V ",\"a\":\"\xed\xa0\x80\"}", "not UTF-8" },
		{ V ",\"a\":\"\xf5\x80\x80\x80\"}", "not UTF-8" },
		{ V ",\"a\":\"\xe2\x82", "not UTF-8" },
		{ V ",\x01\"a\":1}", "not JSON" },
		{ "\xef\xbb\xbf" V "}", "not JSON" },
		{ V ",\"a\":\"\\", "not JSON" },
		{ V ",\"a\":\"\\u00", "not JSON" },
	};
#undef V
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *error = NULL;
		int r = parse(rows[i].line, strlen(rows[i].line), &error);

		if (r != WIRE_E_INVALID || !strstr(error, rows[i].want))
			fail_msg("row %zu: %d, %s", i, r, error ? error : "no error");
	}
}

static void a_nul_byte_is_no_end(void **state)
{
	static const char line[] = "{\"v\":1,\"verb\":\"status\"}\0{\"v\":1}";
	const char *error = NULL;

	(void)state;
	assert_int_equal(parse(line, sizeof(line) - 1, &error), WIRE_E_INVALID);
	assert_int_equal(parse("\0", 1, &error), WIRE_E_INVALID);
}

static void every_prefix_of_a_request_is_harmless(void **state)
{
	static const char line[] = "{\"v\":1,\"verb\":\"explain\",\"a\":[1,-2.5e3,true,null,{"
				   "\"\\u00e9\":\"\xe2\x82\xac\"}]}";

	(void)state;
	for (size_t len = 0; len < sizeof(line) - 1; len++) {
		const char *error = NULL;
		/* In a buffer of exactly that size, so that a read beyond it is seen. */
		char *bytes = malloc(len ? len : 1);
		assert_non_null(bytes);
		memcpy(bytes, line, len);
		assert_int_equal(parse(bytes, len, &error), WIRE_E_INVALID);
		assert_non_null(error);
		free(bytes);
	}
}

/* {"v":1,"verb":"status","a":[[[…]]]} with @n brackets, or a list of @n items. */
static int parse_made(const char *open, size_t n, const char *close)
{
	CLEANUP(text_done) struct text text = { 0 };
	const char *error = NULL;

	text_add(&text, "{\"v\":1,\"verb\":\"status\",\"a\":[0");
	for (size_t i = 0; i < n; i++)
		text_add(&text, open);
	for (size_t i = 0; i < n; i++)
		text_add(&text, close);
	text_add(&text, "]}");
	assert_false(text_failed(&text));
	return parse(text.bytes, text.len, &error);
}

static void depth_and_items_have_limits(void **state)
{
	(void)state;
	/* The object and "a" are two levels; three commas and two brackets five items. */
	assert_int_equal(parse_made(",0", WIRE_REQUEST_ITEMS - 4, ""), 0);
	assert_int_equal(parse_made(",0", WIRE_REQUEST_ITEMS - 3, ""), WIRE_E_INVALID);
	assert_int_equal(parse_made(",[0", WIRE_DEPTH - 2, "]"), 0);
	assert_int_equal(parse_made(",[0", WIRE_DEPTH - 1, "]"), WIRE_E_INVALID);
	assert_int_equal(parse_made("[", 1000000, "]"), WIRE_E_INVALID);
}

static void answers_parse_and_may_be_large(void **state)
{
	struct wire_answer answer;
	const char *error = NULL;
	static const char bad[] = "{\"v\":1,\"code\":\"great\"}";
	static const char label[] = "{\"v\":1,\"code\":\"ok\",\"l\":\"a\\u001b\x7f\\b\"}";

	(void)state;
	assert_int_equal(wire_parse_answer(bad, sizeof(bad) - 1, &answer, &error), WIRE_E_INVALID);
	assert_non_null(strstr(error, "code"));
	assert_int_equal(wire_parse_answer(label, sizeof(label) - 1, &answer, &error), 0);
	wire_answer_done(&answer);

	cJSON *message = wire_new_answer(WIRE_FINDING),
	      *list = cJSON_AddArrayToObject(message, "l");
	size_t len = 0;
	for (int i = 0; i < 100000; i++)
		cJSON_AddItemToArray(list, cJSON_CreateNumber(i));
	char *line = wire_print(message, &len);
	assert_non_null(line);
	assert_int_equal(line[len - 1], '\n');
	assert_ptr_equal(memchr(line, '\n', len), line + len - 1);
	assert_int_equal(wire_parse_answer(line, len - 1, &answer, &error), 0);
	assert_int_equal(answer.code, WIRE_FINDING);
	assert_int_equal(cJSON_GetArraySize(wire_array(answer.json, "l")), 100000);
	wire_answer_done(&answer);
	free(line);
	cJSON_Delete(message);
}

static void members_are_typed(void **state)
{
	cJSON *m = wire_new_request("status");

	(void)state;
	assert_int_equal(wire_add_string(m, "s", "text\nmore"), 0);
	assert_int_equal(wire_add_bool(m, "b", true), 0);
	assert_int_equal(wire_add_number(m, "n", 60), 0);
	assert_int_equal(wire_add(m, "none", NULL), -ENOMEM);
	assert_string_equal(wire_string(m, "s"), "text\nmore");
	assert_null(wire_string(m, "b"));
	assert_null(wire_string(m, "S"));
	assert_null(wire_array(m, "s"));
	assert_true(wire_bool(m, "b", false));
	assert_true(wire_bool(m, "s", true));
	assert_true(wire_number(m, "n", 0) == 60);
	assert_true(wire_number(m, "s", 7) == 7);
	cJSON_Delete(m);

	m = wire_new_error(WIRE_REFUSED, "no %s for you", "apply");
	assert_string_equal(wire_error_text(m), "no apply for you");
	cJSON_Delete(m);
}

static void admin_socket_stands_beside(void **state)
{
	static const struct {
		const char *path, *want;
	} rows[] = {
		{ "/run/netd/netd.sock", "/run/netd/netd-admin.sock" },
		{ "/tmp/x", "/tmp/x-admin" },
		{ ".sock", ".sock-admin" },
		{ "a.sock", "a-admin.sock" },
	};
	char path[WIRE_PATH_LEN], longest[WIRE_PATH_LEN];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(wire_admin_path(rows[i].path, path), 0);
		assert_string_equal(path, rows[i].want);
	}
	memset(longest, 'x', sizeof(longest));
	longest[WIRE_PATH_LEN - 7] = '\0';
	assert_int_equal(wire_admin_path(longest, path), 0);
	assert_int_equal(strlen(path), WIRE_PATH_LEN - 1);
	longest[WIRE_PATH_LEN - 7] = 'x';
	longest[WIRE_PATH_LEN - 6] = '\0';
	assert_int_equal(wire_admin_path(longest, path), -ENAMETOOLONG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(codes_have_names_and_exit_statuses),
		cmocka_unit_test(verbs_are_consistent),
		cmocka_unit_test(good_requests_parse),
		cmocka_unit_test(bad_requests_are_refused),
		cmocka_unit_test(a_nul_byte_is_no_end),
		cmocka_unit_test(every_prefix_of_a_request_is_harmless),
		cmocka_unit_test(depth_and_items_have_limits),
		cmocka_unit_test(answers_parse_and_may_be_large),
		cmocka_unit_test(members_are_typed),
		cmocka_unit_test(admin_socket_stands_beside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
