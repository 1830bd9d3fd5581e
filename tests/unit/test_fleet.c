/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a fleet keeps in a store: which files a host takes, what is not believed, records both ways.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/text.h"
#include "core/fleet/fleet.h"

static struct etcd_key key(const char *name, const char *value, int64_t revision)
{
	return (struct etcd_key){
		.key = name, .value = value, .len = strlen(value), .mod_revision = revision
	};
}

static void fill(struct etcd_mirror *mirror, const struct etcd_key *keys, size_t n)
{
	const struct etcd_answer answer = {
		.cluster_id = 7, .revision = 20, .keys = keys, .n_keys = n
	};

	assert_int_equal(etcd_mirror_fill(mirror, &answer), 0);
}

static void follows(void **state)
{
	CLEANUP(etcd_mirror_done) struct etcd_mirror mirror = { 0 };
	const struct etcd_key all[] = { key("b", "1", 2), key("d", "2", 3) };
	const struct etcd_key events[] = { key("a", "3", 21),
					   key("d", "4", 21),
					   key("c", "5", 21),
					   { .key = "b", .value = "", .is_deleted = true },
					   { .key = "x", .value = "", .is_deleted = true } };
	const struct etcd_answer watch = { .revision = 21, .keys = events, .n_keys = 5 };
	CLEANUP(text_done) struct text text = { 0 };

	(void)state;
	fill(&mirror, all, ARRAY_LEN(all));
	assert_int_equal(etcd_mirror_follow(&mirror, &watch), 0);
	for (size_t i = 0; i < mirror.n; i++)
		text_printf(&text, "%s=%s ", mirror.keys[i].key, mirror.keys[i].value);
	assert_string_equal(text_str(&text), "a=3 c=5 d=4 ");
	assert_int_equal(mirror.revision, 21);
	assert_null(etcd_mirror_find(&mirror, "b"));
	assert_string_equal(etcd_mirror_find(&mirror, "c")->value, "5");
}

/* Its groups' files, and nobody else's. */
static void takes_its_files(void **state)
{
	static const char *const groups[] = { "web", "edge" };
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(etcd_mirror_done) struct etcd_mirror mirror = { 0 };
	const struct etcd_key keys[] = {
		key("n/groups/db/x.yaml", "X", 9),  key("n/groups/edge/e.yaml", "E", 5),
		key("n/groups/web/w.yaml", "W", 6), key("n/groups/webby/v.yaml", "V", 11),
		key("n/policy/a.yaml", "A", 4),	    key("n/policy/b.yaml", "B", 7),
	};
	struct fleet_policy policy, other;
	CLEANUP(text_done) struct text text = { 0 };
	const char *error = NULL;

	(void)state;
	fill(&mirror, keys, ARRAY_LEN(keys));
	assert_int_equal(fleet_policy_of(&mirror, "n", groups, 2, arena, &policy, &error), 0);
	for (size_t i = 0; i < policy.n_sources; i++)
		text_printf(&text, "%s=%.*s ", policy.sources[i].name, (int)policy.sources[i].len,
			    policy.sources[i].bytes);
	assert_string_equal(text_str(&text), "policy/a.yaml=A policy/b.yaml=B groups/web/w.yaml=W "
					     "groups/edge/e.yaml=E ");
	assert_int_equal(policy.revision, 7);
	assert_int_equal(fleet_policy_of(&mirror, "n", groups, 1, arena, &other, &error), 0);
	assert_int_equal(other.n_sources, 3);
	assert_true(other.digest != policy.digest);
	assert_int_equal(fleet_policy_of(&mirror, "m", groups, 2, arena, &other, &error), 0);
	assert_int_equal(other.n_sources, 0);
}

static void refuses_what_is_no_file(void **state)
{
	const struct etcd_key rows[] = {
		key("n/policy/a", "", 1),
		key("n/policy/.yaml", "", 1),
		key("n/policy/.a.yaml", "", 1),
		key("n/policy/a/b.yaml", "", 1),
		key("n/policy/a b.yaml", "", 1),
		key("n/policy/", "", 1),
		{ .key = "n/policy/a.yaml", .value = "a\0b", .len = 3 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		CLEANUP(etcd_mirror_done) struct etcd_mirror mirror = { 0 };
		struct fleet_policy policy;
		const char *error = NULL;
		fill(&mirror, &rows[i], 1);
		assert_int_equal(fleet_policy_of(&mirror, "n", NULL, 0, arena, &policy, &error),
				 FLEET_E_INVALID);
		assert_true(text_is_printable(error));
	}
}

static void doubts(void **state)
{
	static const struct {
		struct fleet_seen seen;
		bool doubted;
	} rows[] = { { { .revision = 0 }, false },
		     { { 7, 20, 0, 0 }, false },
		     { { 7, 19, 0, 0 }, false },
		     { { 7, 21, 0, 0 }, true },
		     { { 8, 20, 0, 0 }, true } };
	CLEANUP(etcd_mirror_done) struct etcd_mirror mirror = { 0 };

	(void)state;
	fill(&mirror, NULL, 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(fleet_doubt(&rows[i].seen, &mirror) != NULL, rows[i].doubted);
}

static void keeps_what_was_seen(void **state)
{
	static const char *const bad[] = { "", "cluster 1 revision 0 digest a generation 1\n",
					   "cluster 1 revision 2 digest a generation 1 x",
					   "cluster 1",
					   "cluster 1 revision -3 digest a generation 1\n" };
	const struct fleet_seen seen = { UINT64_MAX, INT64_MAX, UINT64_MAX, 1 };
	struct fleet_seen again = { 0 };
	char *text = fleet_print_seen(&seen);

	(void)state;
	assert_int_equal(fleet_read_seen(text, strlen(text), &again), 0);
	assert_memory_equal(&again, &seen, sizeof(seen));
	free(text);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(fleet_read_seen(bad[i], strlen(bad[i]), &again), -EINVAL);
}

static void records_both_ways(void **state)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct fleet_record record = { .host = "h1",
					     .version = "0.1.0",
					     .state = FLEET_REFUSED,
					     .revision = 12,
					     .digest = UINT64_C(0xfedcba9876543210),
					     .error = "a\033b" };
	struct fleet_record again;
	cJSON *json = NULL;
	char *text = fleet_print_record(&record);

	(void)state;
	assert_int_equal(fleet_read_record(text, strlen(text), arena, &again, &json), -EINVAL);
	free(text);
	const struct fleet_record clean = { .host = "h1",
					    .version = "0.1.0",
					    .state = FLEET_REFUSED,
					    .revision = 12,
					    .digest = UINT64_C(0xfedcba9876543210),
					    .error = "a?b" };
	text = fleet_print_record(&clean);
	assert_int_equal(fleet_read_record(text, strlen(text), arena, &again, &json), 0);
	assert_string_equal(again.host, "h1");
	assert_int_equal(again.state, FLEET_REFUSED);
	assert_int_equal(again.revision, 12);
	assert_true(again.digest == clean.digest);
	assert_string_equal(again.error, "a?b");
	cJSON_Delete(json);
	free(text);
}

static void what_is_no_record(void **state)
{
	static const char *const rows[] = {
		"",
		"[]",
		"{}",
		"{\"policy\":{\"state\":\"fine\",\"revision\":1,\"digest\":\"0\"}}",
		"{\"policy\":{\"state\":\"none\",\"revision\":1,\"digest\":\"0\"}}",
		"{\"policy\":{\"state\":\"none\",\"revision\":1e99,\"digest\":\"0000000000000000\"}}",
		"{\"policy\":{\"state\":\"none\",\"revision\":1,\"digest\":\"000000000000000x\"}}"
	};
	CLEANUP(arena_freep) struct arena *arena = arena_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fleet_record record;
		cJSON *json;
		assert_int_equal(fleet_read_record(rows[i], strlen(rows[i]), arena, &record, &json),
				 -EINVAL);
		assert_null(json);
	}
}

static void names(void **state)
{
	(void)state;
	assert_true(fleet_is_name("web-1.example"));
	assert_false(fleet_is_name(""));
	assert_false(fleet_is_name("../x"));
	assert_false(fleet_is_name("a/b"));
	assert_false(fleet_is_name("a b"));
	assert_true(fleet_is_prefix("netd"));
	assert_true(fleet_is_prefix("acme/netd"));
	assert_false(fleet_is_prefix("/netd"));
	assert_false(fleet_is_prefix("netd/"));
	assert_false(fleet_is_prefix(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(follows),
		cmocka_unit_test(takes_its_files),
		cmocka_unit_test(refuses_what_is_no_file),
		cmocka_unit_test(doubts),
		cmocka_unit_test(keeps_what_was_seen),
		cmocka_unit_test(records_both_ways),
		cmocka_unit_test(what_is_no_record),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
