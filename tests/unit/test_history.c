/* SPDX-License-Identifier: GPL-2.0-or-later */
/* core/report/history: records that come back as they were kept, and files that were damaged. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/limits.h"
#include "core/report/history.h"

static const struct policy_source sources[] = {
	{ "10-shop.yaml", "version: 1\n# \"quoted\", \t and \x7f\n", 33 },
	{ "20-\xc3\xa9.yaml", "version: 1\n", 11 },
};

static struct history_record sample(void)
{
	struct history_record record = {
		.entry = { .generation = 12,
			   .when = 1893456000,
			   .digest = UINT64_C(0xfedcba9876543210) },
		.origin = "rollback to generation 3 by root (uid 0)",
		.sources = sources,
		.n_sources = ARRAY_LEN(sources),
	};

	record.entry.author = (struct history_author){ HISTORY_BY_ROLLBACK, 0, "root", 3 };
	return record;
}

static int parse(const char *text, size_t len, struct arena *arena, struct history_record *ret)
{
	cJSON *root = NULL;
	int r = history_parse(text, len, arena, ret, &root);

	cJSON_Delete(root);
	return r;
}

static void records_come_back(void **state)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct history_record record = sample(), got;
	cJSON *plan = cJSON_Parse("{\"v\":1,\"gained\":[{}],\"lost\":[{},{}],"
				  "\"exposures\":{\"opened\":[{},{},{}],\"closed\":[]}}");
	cJSON *root = NULL;

	(void)state;
	history_count(&record.entry, plan);
	record.plan = plan;
	CLEANUP(free_ptr) char *text = history_print(&record);
	assert_non_null(text);
	assert_int_equal(history_parse(text, strlen(text), arena, &got, &root), 0);
	assert_memory_equal(&got.entry, &record.entry, sizeof(got.entry));
	assert_string_equal(got.origin, record.origin);
	assert_int_equal(got.n_sources, ARRAY_LEN(sources));
	for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
		assert_string_equal(got.sources[i].name, sources[i].name);
		assert_string_equal(got.sources[i].bytes, sources[i].bytes);
		assert_int_equal(got.sources[i].len, strlen(sources[i].bytes));
	}
	assert_true(cJSON_Compare(got.plan, plan, true));
	assert_int_equal(got.entry.lost, 2);
	assert_int_equal(got.entry.opened, 3);
	cJSON_Delete(root);
	cJSON_Delete(plan);
}

/* Whatever a crash, a full disk or an editor left of a file. */
static void damaged_records_are_refused(void **state)
{
	static const char *const texts[] = {
		"", "null", "[]", "{}", "{\"version\":1}",
	};
	static const struct {
		const char *was, *is;
	} edits[] = {
		{ "\"version\":1", "\"version\":2" },
		{ "\"version\":1", "\"version\":\"1\"" },
		{ "\"generation\":12", "\"generation\":0" },
		{ "\"generation\":12", "\"generation\":-1" },
		{ "\"generation\":12", "\"generation\":1.5" },
		{ "\"generation\":12", "\"generation\":1e300" },
		{ "\"when\":1893456000", "\"when\":-1" },
		{ "\"when\":1893456000", "\"when\":1e15" },
		{ "\"by\":\"rollback\"", "\"by\":\"somebody\"" },
		{ "\"by\":\"rollback\"", "\"by\":null" },
		{ "\"uid\":0", "\"uid\":4294967296" },
		{ "\"uid\":0", "\"gid\":0" },
		{ "\"of\":3", "\"of\":\"3\"" },
		{ "\"digest\":\"fedc", "\"digest\":\"xedc" },
		{ "\"origin\":", "\"original\":" },
		{ "\"files\":[", "\"pages\":[" },
		{ "\"name\":\"10-shop.yaml\"", "\"name\":10" },
		{ "\"when\"", "\"gained\":1,\"when\"" }, /* a count without the others */
	};
	struct history_record record = sample(), got = { 0 };
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(free_ptr) char *text = history_print(&record);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		assert_int_equal(parse(texts[i], strlen(texts[i]), arena, &got), -EINVAL);
	for (size_t len = 0; len < strlen(text); len++)
		assert_int_equal(parse(text, len, arena, &got), -EINVAL);
	for (size_t i = 0; i < ARRAY_LEN(edits); i++) {
		const char *at = strstr(text, edits[i].was);
		assert_non_null(at);
		const char *edited = arena_printf(arena, "%.*s%s%s", (int)(at - text), text,
						  edits[i].is, at + strlen(edits[i].was));
		if (parse(edited, strlen(edited), arena, &got) != -EINVAL)
			fail_msg("taken: %s", edited);
	}
	assert_int_equal(parse(text, strlen(text), arena, &got), 0);
}

static void files_have_a_limit(void **state)
{
	struct policy_source many[LIMIT_POLICY_FILES + 1];
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct history_record record = sample(), got;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(many); i++)
		many[i] = sources[1];
	record.sources = many;
	for (size_t extra = 0; extra < 2; extra++) {
		record.n_sources = LIMIT_POLICY_FILES + extra;
		CLEANUP(free_ptr) char *text = history_print(&record);
		assert_int_equal(parse(text, strlen(text), arena, &got), extra ? -EINVAL : 0);
	}
}

/* Its counts stay. */
static void long_plans_are_left_out(void **state)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct history_record record = sample(), got;
	CLEANUP(free_ptr) char *filler = malloc(LIMIT_HISTORY_PLAN + 1);

	(void)state;
	assert_non_null(filler);
	memset(filler, 'x', LIMIT_HISTORY_PLAN);
	filler[LIMIT_HISTORY_PLAN] = '\0';
	/* {"gained":[{}],"x":"..."} is 22 bytes longer than what fills it. */
	for (size_t over = 0; over < 2; over++) {
		cJSON *plan = cJSON_Parse("{\"gained\":[{}]}"), *root = NULL;
		filler[LIMIT_HISTORY_PLAN - 22 + over] = '\0';
		assert_non_null(cJSON_AddStringToObject(plan, "x", filler));
		filler[LIMIT_HISTORY_PLAN - 22 + over] = 'x';
		history_count(&record.entry, plan);
		record.plan = plan;
		CLEANUP(free_ptr) char *text = history_print(&record);
		assert_int_equal(history_parse(text, strlen(text), arena, &got, &root), 0);
		assert_int_equal(got.plan == NULL, over);
		assert_int_equal(got.entry.gained, 1);
		cJSON_Delete(root);
		cJSON_Delete(plan);
	}
}

static void memory_runs_out(void **state)
{
	struct history_record record = sample(), got;
	CLEANUP(free_ptr) char *text = history_print(&record);
	int r = -ENOMEM;

	(void)state;
	for (uint64_t n = 1; r == -ENOMEM; n++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		arena_fail_after(arena, n);
		r = parse(text, strlen(text), arena, &got);
		assert_true(n < 100);
	}
	assert_int_equal(r, 0);
}

static void authors_have_words(void **state)
{
	static const struct {
		struct history_author author;
		const char *text;
	} rows[] = {
		{ { HISTORY_BY_FILES, 0, "", 0 }, "" },
		{ { HISTORY_BY_APPLY, 0, "root", 0 }, "apply by root (uid 0)" },
		{ { HISTORY_BY_APPLY, UINT32_MAX, "", 0 }, "apply by uid 4294967295" },
		{ { HISTORY_BY_ROLLBACK, 1000, "a-name-of-thirty-two-characters!", UINT64_MAX },
		  "rollback to generation 18446744073709551615 by "
		  "a-name-of-thirty-two-characters! (uid 1000)" },
	};
	char text[HISTORY_AUTHOR_LEN];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_string_equal(history_author_text(&rows[i].author, text), rows[i].text);
}

/* The latest first, and which is in force. */
static void lists_are_sorted(void **state)
{
	const struct history_entry entries[] = { { .generation = 3 },
						 { .generation = 9 },
						 { .generation = 4 } };
	static const int wanted[] = { 9, 4, 3 };
	const struct history_list list = { entries, 3, 4, "" };
	cJSON *report = NULL;

	(void)state;
	assert_int_equal(report_history(&list, &report), 0);
	const cJSON *items = cJSON_GetObjectItem(report, "policies");
	assert_int_equal(cJSON_GetArraySize(items), 3);
	for (int i = 0; i < 3; i++) {
		const cJSON *item = cJSON_GetArrayItem(items, i);
		assert_int_equal(cJSON_GetObjectItem(item, "generation")->valueint, wanted[i]);
		assert_int_equal(cJSON_IsTrue(cJSON_GetObjectItem(item, "in_force")),
				 wanted[i] == 4);
	}
	cJSON_Delete(report);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_come_back),  cmocka_unit_test(damaged_records_are_refused),
		cmocka_unit_test(files_have_a_limit), cmocka_unit_test(long_plans_are_left_out),
		cmocka_unit_test(memory_runs_out),    cmocka_unit_test(authors_have_words),
		cmocka_unit_test(lists_are_sorted),
	};

	return cmocka_run_group_tests_name("history", tests, NULL, NULL);
}
