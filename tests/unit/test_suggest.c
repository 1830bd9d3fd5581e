/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Patches of policies in all the forms that people write, and whom addresses outside stand for.
 * What is proposed for whole hosts is in tests/golden/ctl and tests/ctl/suggest. */
#include "core/suggest/suggest.h"

#include "tests/unit/test_report_lib.h"
#include "tests/unit/test_rows_lib.h"

#define NAME "policy.yaml"

static const char world_json[] =
	"{\"version\":1,\"networks\":[{\"id\":\"n\",\"name\":\"net\",\"driver\":\"bridge\","
	"\"bridge\":\"br-n\",\"subnets\":[\"172.18.0.0/24\"],\"gateways\":[\"172.18.0.1\"]}],"
	"\"containers\":["
	"{\"id\":\"a\",\"name\":\"web\",\"endpoints\":[{\"network\":\"net\",\"ipv4\":\"172.18.0."
	"2\"}],"
	"\"published\":[{\"host_port\":80,\"port\":\"80/tcp\"}]},"
	"{\"id\":\"b\",\"name\":\"db\",\"endpoints\":[{\"network\":\"net\",\"ipv4\":\"172.18.0.3\"}"
	"]}]}";

#define CONTAINER(id)                                                                     \
	"{\"kind\":\"container\",\"id\":\"" id "\",\"container\":\"" id "\",\"network\":" \
	"\"net\",\"tier\":null,\"address\":\"172.18.0.2\"}"
#define TIMES(first, last) "\"count\":3,\"first\":\"" first "\",\"last\":\"" last "\"}\n"
#define MONTH TIMES("2029-12-01T00:00:00Z", "2029-12-31T00:00:00Z")
#define HOUR TIMES("2029-12-31T00:00:00Z", "2029-12-31T01:00:00Z")
#define PASSED "\",\"verdict\":\"allowed\","
#define FROM(zone, address)                                                                    \
	"{\"v\":1,\"from\":{\"kind\":\"outside\",\"zone\":\"" zone "\",\"address\":\"" address \
	"\"},\"to\":" CONTAINER("a") ",\"host_port\":80,\"port\":\"80/tcp" PASSED
#define INNER "{\"v\":1,\"from\":" CONTAINER("a") ",\"to\":" CONTAINER("b") ",\"port\":\""

static void suggest_for(const char *flows, const char *policy, struct arena *arena,
			struct suggest_output *ret)
{
	struct policy_source source = { NAME, policy, policy ? strlen(policy) : 0 };
	struct suggest_evidence evidence;
	const struct world *world = NULL;
	const char *error = "";

	if (suggest_read(flows, strlen(flows), arena, &evidence, &error) != 0)
		fail_msg("%s", error);
	assert_int_equal(
		world_parse_inventory(world_json, strlen(world_json), arena, &world, &error), 0);
	struct suggest_input in = { .world = world,
				    .evidence = &evidence,
				    .policy = policy ? parse_policy(policy, arena) : NULL,
				    .sources = &source,
				    .n_sources = policy ? 1 : 0,
				    .now = NOW };
	assert_int_equal(suggest_make(&in, ret), 0);
}

/* ---- patches ---- */

/* The container `a` is called `web`, `b` `db`: both are proposed anew, or in these tiers. */
#define TIERS "  web: {match: [{container: web}]}\n  db: {match: [{container: db}]}\n"

static const struct patch_row {
	const char *name, *policy;
	const char *has, *has_not;
} patch_rows[] = {
	{ "lists in lines", "version: 1\ntiers:\n" TIERS "allow:\n  - {from: web, to: dns}\n",
	  "+\n+  # 3 times", "suggested.yaml" },
	{ "entries at the margin", "version: 1\ntiers:\n" TIERS "allow:\n- {from: web, to: dns}\n",
	  "\n+- {from: web, to: db, ports: [22/tcp]}\n", "suggested.yaml" },
	{ "no list yet", "version: 1\ntiers:\n" TIERS, "\n+allow:\n", "suggested.yaml" },
	{ "no newline at the end", "version: 1\ntiers:\n" TIERS "allow:\n  - {from: web, to: dns}",
	  "\\ No newline at end of file\n+  - {from: web, to: dns}\n", "suggested.yaml" },
	{ "a list in brackets", "version: 1\ntiers:\n" TIERS "allow: [{from: web, to: dns}]\n",
	  "+++ suggested.yaml\n", NULL },
	{ "all in braces",
	  "{version: 1, tiers: {web: {match: [{container: web}]}, db: {match: [{container: db}]}}}",
	  "+++ suggested.yaml\n", "+++ policy.yaml" },
	{ "an empty list", "version: 1\ntiers:\n" TIERS "allow: []\n", "+++ suggested.yaml\n",
	  NULL },
	{ "carriage returns",
	  "version: 1\r\ntiers:\r\n  web: {match: [{container: web}]}\r\n"
	  "  db: {match: [{container: db}]}\r\nallow:\r\n  - {from: web, to: dns}\r\n",
	  "+  - {from: web, to: db, ports: [22/tcp]}\n", "suggested.yaml" },
	{ "a comment behind the list",
	  "version: 1\ntiers:\n" TIERS "allow:\n  - {from: web, to: dns}\n  # inside\n# outside\n",
	  "   # inside\n+\n+  # 3 times", "suggested.yaml" },
	{ "a tier is missing", "version: 1\ntiers:\n  web: {match: [{container: web}]}\n",
	  "+  db:\n+    match:\n+      - {container: db}\n", "suggested.yaml" },
	{ "a deny rule", "version: 1\ntiers:\n" TIERS "deny:\n  - {from: web, to: db}\n",
	  "the deny rule at policy.yaml:6 forbids it", "+++" },
	{ "a test",
	  "version: 1\ntiers:\n" TIERS
	  "tests:\n  - {from: web, to: db, port: 22/tcp, expect: deny}\n",
	  "the test at policy.yaml:6 expects it to be denied", "+++" },
	{ "it is there", "version: 1\ntiers:\n" TIERS "allow:\n  - {from: web, to: db}\n",
	  "has a rule for everything", "+++" },
};

static void test_patch(void **state)
{
	const struct patch_row *row = *state;
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	struct suggest_output output CLEANUP(suggest_output_done) = { 0 };

	suggest_for(INNER "22/tcp" PASSED MONTH, row->policy, arena, &output);
	if (!strstr(output.text, row->has) || (row->has_not && strstr(output.text, row->has_not)))
		fail_msg("%s", output.text);
	assert_int_equal(output.adds, strstr(output.text, "+++") != NULL);
}

/* ---- whom addresses stand for ---- */

static const struct peer_row {
	const char *name, *flows, *from;
} peer_rows[] = {
	{ "one in the local network", FROM("lan", "192.168.1.5") HOUR, "192.168.1.5" },
	{ "two", FROM("lan", "192.168.1.5") HOUR FROM("lan", "192.168.2.5") HOUR,
	  "[192.168.1.5, 192.168.2.5]" },
	{ "many of one network",
	  FROM("lan", "192.168.1.1") HOUR FROM("lan", "192.168.1.2") HOUR FROM("lan", "192.168.1.3")
		  HOUR FROM("lan", "192.168.1.4") HOUR FROM("lan", "192.168.1.5") HOUR,
	  "192.168.1.0/24" },
	{ "many of many",
	  FROM("lan", "10.0.1.1") HOUR FROM("lan", "10.0.2.2") HOUR FROM("lan", "10.0.3.3")
		  HOUR FROM("lan", "10.0.4.4") HOUR FROM("lan", "10.0.5.5") HOUR,
	  "lan" },
	{ "a folded network", FROM("lan", "192.168.1.0/24") HOUR, "192.168.1.0/24" },
	{ "of the internet, for an hour", FROM("internet", "203.0.113.5") HOUR, "internet" },
	{ "of the internet, for a month", FROM("internet", "203.0.113.5") MONTH, "203.0.113.5" },
	{ "of the internet, one of them new",
	  FROM("internet", "203.0.113.5") MONTH FROM("internet", "203.0.113.6") HOUR, "internet" },
};

static void test_peer(void **state)
{
	const struct peer_row *row = *state;
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	struct suggest_output output CLEANUP(suggest_output_done) = { 0 };
	const char *rule =
		arena_printf(arena, "\n  - {from: %s, to: web, ports: [80/tcp]}\n", row->from);

	suggest_for(row->flows, NULL, arena, &output);
	if (!strstr(output.text, rule))
		fail_msg("%s", output.text);
}

/* ---- numbers ---- */

static void test_ports_of_a_server_that_chooses(void **state)
{
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	struct suggest_output output CLEANUP(suggest_output_done) = { 0 };
	struct text flows CLEANUP(text_done) = { 0 };

	(void)state;
	for (unsigned int port = 30000; port < 30040; port += 2)
		text_printf(&flows, "%s%u%s", INNER, port, "/tcp" PASSED MONTH);
	suggest_for(text_str(&flows), NULL, arena, &output);
	assert_non_null(strstr(output.text, "The server chooses its ports"));
	assert_non_null(strstr(output.text, "{from: web, to: db, ports: [30000-30038/tcp]}"));
}

#define ANNOUNCED                                                 \
	"{\"v\":1,\"from\":" CONTAINER("b") ",\"to\":" CONTAINER( \
		"b") ",\"port\":\"arp\","                         \
		     "\"verdict\":\"audited\",\"reason\":\"unmatched\","

/* A container announces its address; to another one it would be left out. */
static void test_announcements(void **state)
{
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	struct suggest_output output CLEANUP(suggest_output_done) = { 0 };

	(void)state;
	suggest_for(INNER "22/tcp" PASSED MONTH ANNOUNCED MONTH, NULL, arena, &output);
	assert_non_null(strstr(output.text, "{from: web, to: db, ports: [22/tcp]}"));
	assert_null(strstr(output.text, "Left out"));
	suggest_output_done(&output);
	suggest_for(INNER "arp" PASSED MONTH, NULL, arena, &output);
	assert_non_null(strstr(output.text, "Left out"));
}

static void test_nothing_seen(void **state)
{
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	struct suggest_output output CLEANUP(suggest_output_done) = { 0 };

	(void)state;
	suggest_for("", NULL, arena, &output);
	assert_non_null(strstr(output.text, "Nothing was seen yet"));
	assert_false(output.adds);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_LEN(patch_rows) + ARRAY_LEN(peer_rows) + 3] = {
		cmocka_unit_test(test_ports_of_a_server_that_chooses),
		cmocka_unit_test(test_announcements),
		cmocka_unit_test(test_nothing_seen),
	};

	ADD_ROWS(tests, 3, patch_rows, test_patch);
	ADD_ROWS(tests, 3 + ARRAY_LEN(patch_rows), peer_rows, test_peer);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
