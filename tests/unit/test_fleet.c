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

#include "core/base/limits.h"
#include "core/base/text.h"
#include "core/fleet/fleet.h"
#include "core/fleet/inventory.h"
#include "core/fleet/signature.h"

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

/* Its group has others in the place of those of all hosts, by the same names. */
static void takes_a_canary(void **state)
{
	static const char *const groups[] = { "web", "edge" }, *const others[] = { "web" };
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(etcd_mirror_done) struct etcd_mirror with = { 0 }, after = { 0 };
	const struct etcd_key tried[] = { key("n/groups/web/w.yaml", "w", 3),
					  key("n/policy.canary/edge/a.yaml", "new", 9),
					  key("n/policy/a.yaml", "old", 2),
					  key("n/policy/b.yaml", "b", 2) };
	const struct etcd_key given[] = { key("n/groups/web/w.yaml", "w", 3),
					  key("n/policy/a.yaml", "new", 12) };
	struct fleet_policy policy, again;
	const char *error = NULL, *group = NULL;

	(void)state;
	fill(&with, tried, ARRAY_LEN(tried));
	assert_int_equal(fleet_policy_of(&with, "n", groups, 2, arena, &policy, &error), 0);
	assert_string_equal(policy.canary, "edge");
	assert_int_equal(policy.n_sources, 2);
	assert_string_equal(policy.sources[0].name, "policy/a.yaml");
	assert_string_equal(policy.sources[0].bytes, "new");
	assert_string_equal(policy.sources[1].name, "groups/web/w.yaml");
	assert_int_equal(policy.revision, 9);
	/* All others have what they had. */
	assert_int_equal(fleet_policy_of(&with, "n", others, 1, arena, &again, &error), 0);
	assert_null(again.canary);
	assert_int_equal(again.n_sources, 3);
	assert_string_equal(again.sources[0].bytes, "old");
	assert_int_equal(fleet_canary_group(&with, "n", arena, &group), 0);
	assert_string_equal(group, "edge");
	/* When all have it, nothing is new to its hosts. */
	fill(&after, given, ARRAY_LEN(given));
	assert_int_equal(fleet_policy_of(&after, "n", groups, 2, arena, &again, &error), 0);
	assert_null(again.canary);
	assert_true(again.digest == policy.digest);
	assert_int_equal(fleet_canary_group(&after, "n", arena, &group), 0);
	assert_null(group);
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
	static const uint64_t five = 5, none = 0;
	static const struct {
		struct fleet_seen seen;
		const uint64_t *counter;
		bool doubted;
	} rows[] = { { { .revision = 0 }, NULL, false },
		     { { 7, 20, 0, 0, 0 }, NULL, false },
		     { { 7, 19, 0, 0, 9 }, NULL, false },
		     { { 7, 21, 0, 0, 0 }, NULL, true },
		     { { 8, 20, 0, 0, 0 }, NULL, true },
		     { { 7, 20, 0, 0, 5 }, &five, false },
		     { { 7, 21, 0, 0, 5 }, &five, true },
		     { { 8, 20, 0, 0, 5 }, &five, true },
		     { { 8, 21, 0, 0, 4 }, &five, false },
		     { { 7, 19, 0, 0, 6 }, &five, true },
		     { { .revision = 0, .counter = 6 }, &five, true },
		     { { .revision = 0 }, &none, false },
		     { { 7, 20, 0, 0, 5 }, &none, true } };
	CLEANUP(etcd_mirror_done) struct etcd_mirror mirror = { 0 };

	(void)state;
	fill(&mirror, NULL, 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(fleet_doubt(&rows[i].seen, &mirror, rows[i].counter) != NULL,
				 rows[i].doubted);
}

static void keeps_what_was_seen(void **state)
{
	static const char *const bad[] = {
		"",
		"cluster 1 revision 2 digest a generation 1 counter 1 x",
		"cluster 1",
		"cluster 1 revision 2 digest a generation 1 counter\n",
		"cluster 1 revision 2 digest a\n",
		"cluster 1 revision -3 digest a generation 1 counter 1\n"
	};
	static const char old[] = "cluster 1 revision 2 digest a generation 3\n";
	const struct fleet_seen seen = { UINT64_MAX, INT64_MAX, UINT64_MAX, UINT64_MAX,
					 UINT64_MAX };
	struct fleet_seen again = { 0 };
	char *text = fleet_print_seen(&seen);

	(void)state;
	assert_int_equal(fleet_read_seen(text, strlen(text), &again), 0);
	assert_memory_equal(&again, &seen, sizeof(seen));
	free(text);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(fleet_read_seen(bad[i], strlen(bad[i]), &again), -EINVAL);
	assert_memory_equal(&again, &seen, sizeof(seen));
	/* Before there were signatures. */
	assert_int_equal(fleet_read_seen(old, strlen(old), &again), 0);
	assert_true(again.revision == 2 && again.digest == 10 && again.generation == 3);
	assert_int_equal(again.counter, 0);
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
					    .error = "a?b",
					    .inventory = UINT64_C(0x0123456789abcdef),
					    .inventory_error = "too large",
					    .namesake = "192.0.2.9" };
	text = fleet_print_record(&clean);
	assert_int_equal(fleet_read_record(text, strlen(text), arena, &again, &json), 0);
	assert_string_equal(again.host, "h1");
	assert_int_equal(again.state, FLEET_REFUSED);
	assert_int_equal(again.revision, 12);
	assert_true(again.digest == clean.digest);
	assert_string_equal(again.error, "a?b");
	assert_string_equal(again.namesake, "192.0.2.9");
	assert_true(again.inventory == clean.inventory);
	assert_string_equal(again.inventory_error, "too large");
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
		("{\"policy\":{\"state\":\"none\",\"revision\":1e99,"
		 "\"digest\":\"0000000000000000\"}}"),
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

/* ---- signatures ---- */

static void adds(struct fleet_files *files, struct arena *arena, const char *name, const char *text)
{
	assert_int_equal(VEC_PUSH(arena, &files->sources,
				  (struct policy_source){ name, text, strlen(text) }),
			 0);
}

static void one_message_one_meaning(void **state)
{
	static const struct {
		const char *prefix, *group;
		uint64_t counter;
		const char *name, *text, *other_name, *other_text;
	} rows[] = {
		{ "n", NULL, 1, "policy/a", "A", "policy/b", "B" },
		{ "m", NULL, 1, "policy/a", "A", "policy/b", "B" },
		{ "n", "n", 1, "policy/a", "A", "policy/b", "B" },
		{ "n", NULL, 2, "policy/a", "A", "policy/b", "B" },
		{ "n", NULL, 1, "policy/c", "A", "policy/b", "B" },
		{ "n", NULL, 1, "policy/a", "AB", "policy/b", "" },
		{ "n", NULL, 1, "policy/a", "A\nfile 8 1 policy/b\nB", NULL, NULL },
		{ "n 1\nfor 0 ", NULL, 1, "policy/a", "A", "policy/b", "B" },
	};
	char *texts[ARRAY_LEN(rows)];
	CLEANUP(arena_freep) struct arena *arena = arena_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fleet_files files = { 0 };
		const struct fleet_message message = { rows[i].prefix, rows[i].group,
						       rows[i].counter, &files };
		size_t len = 0;
		adds(&files, arena, rows[i].name, rows[i].text);
		if (rows[i].other_name)
			adds(&files, arena, rows[i].other_name, rows[i].other_text);
		texts[i] = fleet_signed_message(&message, &len);
		assert_int_equal(strlen(texts[i]), len);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(texts[i], texts[k]);
	}
	assert_string_equal(texts[0],
			    "netd fleet policy 1\nprefix 1 n\nfor 0 \ncounter 1\nfiles 2\n"
			    "file 8 1 policy/a\nA\nfile 8 1 policy/b\nB\n");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		free(texts[i]);
}

/* All keys of the two folders, of whatever form, and nothing else. */
static void all_files_are_signed(void **state)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(etcd_mirror_done) struct etcd_mirror mirror = { 0 };
	const struct etcd_key keys[] = {
		key("n/groups/db/x.yaml", "X", 9),  key("n/groups/odd", "", 5),
		key("n/next/policy/x.yaml", "", 6), key("n/policy.canary/db/x.yaml", "C", 7),
		key("n/policy.signature", "S", 11), key("n/policy/a b", "A", 4),
	};
	struct fleet_files files = { 0 };

	(void)state;
	fill(&mirror, keys, ARRAY_LEN(keys));
	assert_int_equal(fleet_all_files(&mirror, "n", arena, &files), 0);
	assert_int_equal(files.sources.n, 4);
	assert_string_equal(files.sources.items[0].name, "groups/db/x.yaml");
	assert_string_equal(files.sources.items[1].name, "groups/odd");
	assert_string_equal(files.sources.items[2].name, "policy.canary/db/x.yaml");
	assert_string_equal(files.sources.items[3].name, "policy/a b");
}

static void signatures_both_ways(void **state)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct fleet_signature signature = { .counter = UINT64_MAX }, again;
	CLEANUP(text_done) struct text text = { 0 };
	CLEANUP(free_ptr) char *good = NULL;

	(void)state;
	memset(signature.key, 0xa5, sizeof(signature.key));
	memset(signature.bytes, 0x5a, sizeof(signature.bytes));
	good = fleet_print_signature(&signature);
	assert_int_equal(fleet_read_signature(good, strlen(good), arena, &again), 0);
	assert_memory_equal(&again, &signature, sizeof(again));
	for (size_t len = 0; len < strlen(good); len++)
		assert_int_equal(fleet_read_signature(good, len, arena, &again), -EINVAL);
	/* Another form of the same is none. */
	text_printf(&text, "%s\n", good);
	assert_int_equal(fleet_read_signature(text.bytes, text.len, arena, &again), -EINVAL);
	char *blank = strchr(good, ' ');
	*blank = '\t';
	assert_int_equal(fleet_read_signature(good, strlen(good), arena, &again), -EINVAL);
	*blank = ' ';
	signature.counter = 0;
	CLEANUP(free_ptr) char *none = fleet_print_signature(&signature);
	assert_int_equal(fleet_read_signature(none, strlen(none), arena, &again), -EINVAL);
}

static void inventories_both_ways(void **state)
{
	static const char *const groups[] = { "edge", "web" };
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct fleet_inventory inventory = { .groups = groups,
						   .n_groups = 2,
						   .digest = 0xabc,
						   .len = 7,
						   .packed = "\0a\n\0",
						   .packed_len = 4 };
	struct fleet_inventory again;
	size_t len = 0;
	CLEANUP(free_ptr) char *good = fleet_print_inventory(&inventory, &len);

	(void)state;
	assert_memory_equal(
		good, "netd inventory 1\ngroups 2 edge web\ndigest 0000000000000abc\nbytes 7\n",
		len - 4);
	assert_int_equal(fleet_read_inventory(good, len, arena, &again), 0);
	assert_int_equal(again.n_groups, 2);
	assert_string_equal(again.groups[1], "web");
	assert_true(again.digest == 0xabc && again.len == 7 && again.packed_len == 4);
	assert_memory_equal(again.packed, "\0a\n\0", 4);
	for (size_t cut = 0; cut < len - 4; cut++)
		assert_int_equal(fleet_read_inventory(good, cut, arena, &again), -EINVAL);
	assert_int_equal(fleet_read_inventory(good, len - 4, arena, &again), 0);
	assert_int_equal(again.packed_len, 0);
}

static void what_is_no_inventory(void **state)
{
	static const char *const rows[] = {
		"",
		"\n\n\n\n",
		"netd inventory 2\ngroups 0\ndigest 0000000000000abc\nbytes 7\n",
		"netd inventory 1\ngroups 1\ndigest 0000000000000abc\nbytes 7\n",
		"netd inventory 1\ngroups 0 a\ndigest 0000000000000abc\nbytes 7\n",
		"netd inventory 1\ngroups 1  a\ndigest 0000000000000abc\nbytes 7\n",
		"netd inventory 1\ngroups 1 ../a\ndigest 0000000000000abc\nbytes 7\n",
		"netd inventory 1\ngroups -1\ndigest 0000000000000abc\nbytes 7\n",
		"netd inventory 1\ngroups 0\ndigest abc\nbytes 7\n",
		"netd inventory 1\ngroups 0\ndigest 0000000000000ABC\nbytes 7\n",
		"netd inventory 1\ngroups 0\ndigest 0000000000000abc\nbytes -7\n",
		"netd inventory 1\ngroups 0\ndigest 0000000000000abc\nbytes 07\n",
		"netd inventory 1\ngroups 0\ndigest 0000000000000abc\nbytes 4194305\n",
		"netd inventory 1\ngroups 0\ndigest 0000000000000abc\nbytes 99999999999999999999\n",
		"netd inventory 1 \ngroups 0\ndigest 0000000000000abc\nbytes 7\n",
	};
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(text_done) struct text many = { 0 };
	struct fleet_inventory inventory;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(fleet_read_inventory(rows[i], strlen(rows[i]), arena, &inventory),
				 -EINVAL);
	text_printf(&many, "netd inventory 1\ngroups %u", LIMIT_FLEET_GROUPS + 1);
	for (size_t i = 0; i <= LIMIT_FLEET_GROUPS; i++)
		text_add(&many, " g");
	text_add(&many, "\ndigest 0000000000000abc\nbytes 7\n");
	assert_int_equal(fleet_read_inventory(many.bytes, many.len, arena, &inventory), -EINVAL);
}

/* Whose policies it is judged by is part of it. */
static void an_inventory_has_one_digest(void **state)
{
	static const char *const one[] = { "a", "b" };
	static const char *const other[] = { "ab" };

	(void)state;
	assert_true(fleet_inventory_digest(one, 2, "x", 1) ==
		    fleet_inventory_digest(one, 2, "x", 1));
	assert_true(fleet_inventory_digest(one, 2, "x", 1) !=
		    fleet_inventory_digest(other, 1, "x", 1));
	assert_true(fleet_inventory_digest(one, 2, "x", 1) !=
		    fleet_inventory_digest(one, 2, "y", 1));
	assert_true(fleet_inventory_digest(one, 1, "bx", 2) !=
		    fleet_inventory_digest(one, 2, "x", 1));
}

static void counters_rise(void **state)
{
	(void)state;
	assert_true(fleet_next_counter(0, 1764400000) == 1764400000);
	assert_true(fleet_next_counter(1764400000, 1764400000) == 1764400001);
	assert_true(fleet_next_counter(9, -5) == 10);
	assert_true(fleet_next_counter(0, 0) == 1);
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
		cmocka_unit_test(takes_a_canary),
		cmocka_unit_test(refuses_what_is_no_file),
		cmocka_unit_test(doubts),
		cmocka_unit_test(keeps_what_was_seen),
		cmocka_unit_test(records_both_ways),
		cmocka_unit_test(what_is_no_record),
		cmocka_unit_test(one_message_one_meaning),
		cmocka_unit_test(all_files_are_signed),
		cmocka_unit_test(signatures_both_ways),
		cmocka_unit_test(inventories_both_ways),
		cmocka_unit_test(what_is_no_inventory),
		cmocka_unit_test(an_inventory_has_one_digest),
		cmocka_unit_test(counters_rise),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
