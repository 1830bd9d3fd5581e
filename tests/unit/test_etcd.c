/* SPDX-License-Identifier: GPL-2.0-or-later */
/* etcd's JSON gateway as texts: requests as etcd 3.4 and 3.5 take them, answers as they give them.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/base64.h"
#include "core/base/limits.h"
#include "core/base/text.h"
#include "core/etcd/etcd.h"
#include "core/etcd/mirror.h"

#define HEADER "\"header\":{\"cluster_id\":\"14841639068965178418\",\"revision\":\"7\"}"

static void base64_both_ways(void **state)
{
	static const struct {
		const char *plain, *coded;
	} rows[] = { { "", "" },
		     { "f", "Zg==" },
		     { "fo", "Zm8=" },
		     { "foo", "Zm9v" },
		     { "foob", "Zm9vYg==" },
		     { "fooba", "Zm9vYmE=" },
		     { "foobar", "Zm9vYmFy" } };
	CLEANUP(arena_freep) struct arena *arena = arena_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(text_done) struct text text = { 0 };
		char *bytes = NULL;
		size_t len = 99;
		base64_add(&text, rows[i].plain, strlen(rows[i].plain));
		assert_string_equal(text_str(&text), rows[i].coded);
		assert_int_equal(base64_decode(rows[i].coded, arena, &bytes, &len), 0);
		assert_int_equal(len, strlen(rows[i].plain));
		assert_string_equal(bytes, rows[i].plain);
	}
}

static void base64_refuses(void **state)
{
	static const char *const rows[] = { "Z",    "Zg",	"Zg=",	 "Z===", "====",    "Zh==",
					    "Zm9=", "Zm 9v===", " Zm9v", "Zm-v", "Zg==Zg==" };
	CLEANUP(arena_freep) struct arena *arena = arena_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *bytes;
		size_t len;
		if (base64_decode(rows[i], arena, &bytes, &len) != -EINVAL)
			fail_msg("%s is taken", rows[i]);
	}
}

static void asks(void **state)
{
	const struct etcd_condition conditions[] = { { ETCD_UNCHANGED_SINCE, "n/p/", 7 },
						     { ETCD_IS_AT, "n/head", 0 } };
	const struct etcd_change changes[] = { { "n/p/a", "x", 1, 0 }, { "n/p/b", NULL, 0, 0 } };
	const struct etcd_txn txn = { conditions, 2, changes, 2 };
	const struct {
		char *text;
		const char *want;
	} rows[] = {
		{ etcd_ask_authenticate("a\"b", "c\\d"),
		  "{\"name\":\"a\\\"b\",\"password\":\"c\\\\d\"}" },
		{ etcd_ask_range("n/p/", "n/p0", 0),
		  "{\"key\":\"bi9wLw==\",\"range_end\":\"bi9wMA==\",\"revision\":\"0\"}" },
		{ etcd_ask_newer("n/p/", "n/p0", 7),
		  "{\"key\":\"bi9wLw==\",\"range_end\":\"bi9wMA==\",\"min_mod_revision\":\"8\"}" },
		{ etcd_ask_get("n/p/"), "{\"key\":\"bi9wLw==\"}" },
		{ etcd_ask_names("n/p/", "n/p0"),
		  "{\"key\":\"bi9wLw==\",\"range_end\":\"bi9wMA==\",\"keys_only\":true}" },
		{ etcd_ask_watch("n/p/", "n/p0", 8),
		  "{\"create_request\":{\"key\":\"bi9wLw==\",\"range_end\":\"bi9wMA==\","
		  "\"start_revision\":\"8\",\"progress_notify\":true}}" },
		{ etcd_ask_grant(30), "{\"TTL\":\"30\"}" },
		{ etcd_ask_keepalive(7587899228248891423), "{\"ID\":\"7587899228248891423\"}" },
		{ etcd_ask_txn(&txn),
		  "{\"compare\":[{\"target\":\"MOD\",\"key\":\"bi9wLw==\",\"range_end\":\"bi9wMA=="
		  "\","
		  "\"result\":\"LESS\",\"mod_revision\":\"8\"},{\"target\":\"MOD\","
		  "\"key\":\"bi9oZWFk\",\"result\":\"EQUAL\",\"mod_revision\":\"0\"}],"
		  "\"success\":[{\"request_put\":{\"key\":\"bi9wL2E=\",\"value\":\"eA==\","
		  "\"lease\":\"0\"}},{\"request_delete_range\":{\"key\":\"bi9wL2I=\"}}]}" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_string_equal(rows[i].text, rows[i].want);
		free(rows[i].text);
	}
}

static int read_text(struct arena *arena, const char *text, struct etcd_answer *ret,
		     const char **error)
{
	return etcd_read_answer(text, strlen(text), arena, ret, error);
}

static void reads_a_range(void **state)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct etcd_answer answer;
	const char *error;

	(void)state;
	assert_int_equal(
		read_text(arena,
			  "{" HEADER ",\"kvs\":[{\"key\":\"bi9wL2E=\",\"create_revision\":\"2\","
			  "\"mod_revision\":\"5\",\"version\":\"1\",\"value\":\"eA==\"},"
			  "{\"key\":\"bi9wL2I=\",\"mod_revision\":\"6\",\"lease\":\"12\"}],"
			  "\"count\":\"2\"}",
			  &answer, &error),
		0);
	assert_true(answer.cluster_id == UINT64_C(14841639068965178418));
	assert_int_equal(answer.revision, 7);
	assert_int_equal(answer.n_keys, 2);
	assert_int_equal(answer.count, 2);
	assert_string_equal(answer.keys[0].key, "n/p/a");
	assert_string_equal(answer.keys[0].value, "x");
	assert_int_equal(answer.keys[0].mod_revision, 5);
	assert_string_equal(answer.keys[1].value, "");
	assert_int_equal(answer.keys[1].lease, 12);
}

static void reads_a_watch(void **state)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct etcd_answer answer;
	const char *error;

	(void)state;
	assert_int_equal(
		read_text(arena, "{\"result\":{" HEADER ",\"created\":true}}", &answer, &error), 0);
	assert_true(answer.created);
	assert_int_equal(read_text(arena,
				   "{\"result\":{" HEADER
				   ",\"events\":[{\"kv\":{\"key\":\"YQ==\"}},"
				   "{\"type\":\"DELETE\",\"kv\":{\"key\":\"Yg==\","
				   "\"mod_revision\":\"7\"}}]}}",
				   &answer, &error),
			 0);
	assert_int_equal(answer.n_keys, 2);
	assert_false(answer.keys[0].is_deleted);
	assert_true(answer.keys[1].is_deleted);
}

static void reads_small_answers(void **state)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct etcd_answer answer;
	const char *error;

	(void)state;
	assert_int_equal(read_text(arena, "{" HEADER ",\"token\":\"abc.15\"}", &answer, &error), 0);
	assert_string_equal(answer.token, "abc.15");
	assert_int_equal(read_text(arena,
				   "{" HEADER ",\"ID\":\"7587899228248891423\",\"TTL\":\"30\"}",
				   &answer, &error),
			 0);
	assert_true(answer.lease == INT64_C(7587899228248891423));
	assert_int_equal(answer.ttl, 30);
	/* Of a stream that has one line: keepalive. */
	assert_int_equal(read_text(arena, "{\"result\":{" HEADER ",\"ID\":\"1\",\"TTL\":\"9\"}}\n",
				   &answer, &error),
			 0);
	assert_int_equal(answer.ttl, 9);
	assert_int_equal(read_text(arena, "{" HEADER ",\"succeeded\":true}", &answer, &error), 0);
	assert_true(answer.succeeded);
	assert_int_equal(read_text(arena, "{" HEADER "}", &answer, &error), 0);
	assert_false(answer.succeeded);
}

/* ---- a copy that is asked for ---- */

static struct etcd_key key_of(const char *key, const char *value)
{
	return (struct etcd_key){ .key = key, .value = value, .len = strlen(value) };
}

static void copy_has(const struct etcd_mirror *mirror, const char *want)
{
	CLEANUP(text_done) struct text text = { 0 };

	for (size_t i = 0; i < mirror->n; i++)
		text_printf(&text, "%s=%s ", mirror->keys[i].key, mirror->keys[i].value);
	assert_string_equal(text_str(&text), want);
}

/* Each row is what the store says after the one before. */
static void renews_a_copy(void **state)
{
	static const struct {
		int64_t revision, count;
		const char *newer[4]; /* keys and values */
		int r;
		const char *want; /* NULL: whatever is in it does not count */
		uint64_t cluster;
	} rows[] = {
		{ 10, 2, { NULL }, 0, "a=1 b=1 ", 7 },
		{ 11, 3, { "c", "1" }, 0, "a=1 b=1 c=1 ", 7 },
		{ 12, 3, { "a", "2" }, 0, "a=2 b=1 c=1 ", 7 },
		{ 12, 3, { "a", "2", "c", "2" }, 0, "a=2 b=1 c=2 ", 7 },
		/* One has come and one is gone: as many as before. */
		{ 13, 3, { "d", "1" }, ETCD_MIRROR_E_STALE, NULL, 7 },
		{ 14, 2, { NULL }, 0, "a=1 b=1 ", 7 },
		{ 15, 1, { NULL }, ETCD_MIRROR_E_STALE, NULL, 7 },
		/* Gone and come again is newer. */
		{ 16, 2, { "b", "3" }, 0, "a=1 b=3 ", 7 },
		{ 15, 2, { NULL }, ETCD_MIRROR_E_STALE, NULL, 7 },
		{ 17, 2, { NULL }, ETCD_MIRROR_E_STALE, NULL, 8 },
	};
	const struct etcd_key first[] = { key_of("a", "1"), key_of("b", "1") };
	const struct etcd_answer all = {
		.cluster_id = 7, .revision = 9, .keys = first, .n_keys = 2, .count = 2
	};
	CLEANUP(etcd_mirror_done) struct etcd_mirror mirror = { 0 };

	(void)state;
	/* There is nothing to renew. */
	assert_int_equal(etcd_mirror_renew(&mirror, &all), ETCD_MIRROR_E_STALE);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct etcd_key keys[2];
		struct etcd_answer newer = { .cluster_id = rows[i].cluster,
					     .revision = rows[i].revision,
					     .keys = keys,
					     .count = rows[i].count };
		for (; newer.n_keys < 2 && rows[i].newer[2 * newer.n_keys]; newer.n_keys++)
			keys[newer.n_keys] = key_of(rows[i].newer[2 * newer.n_keys],
						    rows[i].newer[2 * newer.n_keys + 1]);
		if (!mirror.is_current)
			assert_int_equal(etcd_mirror_fill(&mirror, &all), 0);
		assert_int_equal(etcd_mirror_renew(&mirror, &newer), rows[i].r);
		assert_true(mirror.is_current == (rows[i].r == 0));
		if (rows[i].want)
			copy_has(&mirror, rows[i].want);
	}
}

/* One answer may be that large, and many of them no larger together. */
static void renews_no_end(void **state)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(etcd_mirror_done) struct etcd_mirror mirror = { 0 };
	const size_t len = 1024 * 1024;
	char *value = arena_alloc(arena, len + 1);
	char name[] = "a";
	struct etcd_answer answer = { .cluster_id = 7, .revision = 1, .n_keys = 1 };

	(void)state;
	memset(value, 'x', len);
	value[len] = '\0';
	assert_int_equal(etcd_mirror_fill(&mirror, &(struct etcd_answer){ .cluster_id = 7 }), 0);
	while (++answer.count < (int64_t)(LIMIT_ETCD_BYTES / len)) {
		const struct etcd_key key = key_of(name, value);
		answer.keys = &key;
		assert_int_equal(etcd_mirror_renew(&mirror, &answer), 0);
		name[0]++;
	}
	const struct etcd_key key = key_of(name, value);
	answer.keys = &key;
	assert_int_equal(etcd_mirror_renew(&mirror, &answer), ETCD_MIRROR_E_LARGE);
	assert_false(mirror.is_current);
	assert_int_equal(mirror.n, 0);
}

/* What is wrong is told apart, in whatever form it comes. */
static const struct {
	const char *text;
	int r;
} wrong[] = {
	{ "{\"error\":\"x\",\"message\":\"etcdserver: invalid auth token\",\"code\":16}",
	  ETCD_E_TOKEN },
	{ "{\"error\":\"x\",\"message\":\"etcdserver: user name is empty\",\"code\":3}",
	  ETCD_E_TOKEN },
	{ "{\"error\":\"x\",\"message\":\"etcdserver: authentication failed, invalid user "
	  "ID "
	  "or password\",\"code\":3}",
	  ETCD_E_TOKEN },
	{ "{\"error\":\"x\",\"message\":\"etcdserver: revision of auth store is "
	  "old\",\"code\":3}",
	  ETCD_E_TOKEN },
	/* The same of members that are older. */
	{ "{\"error\":\"x\",\"message\":\"auth: revision in header is old\",\"code\":2}",
	  ETCD_E_TOKEN },
	{ "{\"error\":\"x\",\"message\":\"etcdserver: authentication is not "
	  "enabled\",\"code\":9}",
	  ETCD_E_NO_AUTH },
	{ "{\"error\":\"x\",\"message\":\"etcdserver: permission denied\",\"code\":7}",
	  ETCD_E_FORBIDDEN },
	{ "{\"error\":\"x\",\"message\":\"etcdserver: no leader\",\"code\":14}", ETCD_E_ERROR },
	{ "{\"error\":{\"grpc_code\":14,\"http_code\":503,\"message\":\"etcdserver: no "
	  "leader\"}}",
	  ETCD_E_ERROR },
	{ "{\"error\":\"x\",\"message\":\"etcdserver: mvcc: required revision has been "
	  "compacted\",\"code\":11}",
	  ETCD_E_COMPACTED },
	{ "{\"result\":{" HEADER ",\"watch_id\":\"-1\",\"created\":true,\"canceled\":true,"
	  "\"cancel_reason\":\"rpc error: code = PermissionDenied desc = etcdserver: "
	  "permission "
	  "denied\"}}",
	  ETCD_E_FORBIDDEN },
	{ "{\"result\":{" HEADER ",\"watch_id\":\"-1\",\"created\":true,\"canceled\":true,"
	  "\"cancel_reason\":\"rpc error: code = Unauthenticated desc = etcdserver: invalid "
	  "auth token\"}}",
	  ETCD_E_TOKEN },
	{ "{\"result\":{" HEADER ",\"canceled\":true,\"compact_revision\":\"4\"}}",
	  ETCD_E_COMPACTED },
	{ "{\"error\":\"\"}", ETCD_E_ERROR },
	{ "", ETCD_E_INVALID },
	{ "[]", ETCD_E_INVALID },
	{ "{}", ETCD_E_INVALID },
	{ "Not found", ETCD_E_INVALID },
	{ "{" HEADER, ETCD_E_INVALID },
	{ "{" HEADER ",\"kvs\":{}}", ETCD_E_INVALID },
	{ "{" HEADER ",\"kvs\":[1]}", ETCD_E_INVALID },
	{ "{" HEADER ",\"kvs\":[{\"value\":\"eA==\"}]}", ETCD_E_INVALID },
	{ "{" HEADER ",\"kvs\":[{\"key\":\"YQBi\"}]}", ETCD_E_INVALID },
	{ "{" HEADER ",\"kvs\":[{\"key\":\"YQ==\",\"value\":\"!\"}]}", ETCD_E_INVALID },
	{ "{" HEADER ",\"kvs\":[{\"key\":\"YQ==\",\"mod_revision\":5}]}", ETCD_E_INVALID },
	{ "{\"header\":{\"revision\":\"-1\"}}", ETCD_E_INVALID },
	{ "{" HEADER ",\"count\":2}", ETCD_E_INVALID },
	{ "{\"header\":{\"revision\":\"9223372036854775808\"}}", ETCD_E_INVALID },
};

static void reads_errors(void **state)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		struct etcd_answer answer;
		const char *error = NULL;
		int r = read_text(arena, wrong[i].text, &answer, &error);
		if (r != wrong[i].r || !error || !*error)
			fail_msg("%s is %d (%s)", wrong[i].text, r, error ? error : "no reason");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(base64_both_ways),
		cmocka_unit_test(base64_refuses),
		cmocka_unit_test(asks),
		cmocka_unit_test(renews_a_copy),
		cmocka_unit_test(renews_no_end),
		cmocka_unit_test(reads_a_range),
		cmocka_unit_test(reads_a_watch),
		cmocka_unit_test(reads_small_answers),
		cmocka_unit_test(reads_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
