/* SPDX-License-Identifier: GPL-2.0-or-later */
/* core/report: containers that are on no network of their own, names that are two things, and what
 * a plan says of tiers. */
#include "core/base/text.h"
#include "tests/unit/test_report_lib.h"
#include "tests/unit/test_rows_lib.h"

static const char host[] =
	"{\"version\":1,\"networks\":[{\"name\":\"front\",\"subnets\":[\"172.18.0.0/16\"]}],"
	"\"containers\":["
	"{\"name\":\"web-1\",\"endpoints\":[{\"network\":\"front\",\"ipv4\":\"172.18.0.2\"}]},"
	"{\"name\":\"db\",\"endpoints\":[{\"network\":\"front\",\"ipv4\":\"172.18.0.3\"}]},"
	"{\"name\":\"agent\",\"network_mode\":\"host\",\"traits\":[]},"
	"{\"name\":\"side\",\"network_mode\":\"container:web-1\"},"
	"{\"name\":\"lost\",\"network_mode\":\"container:gone\"},"
	"{\"name\":\"idle\",\"traits\":[\"privileged\",\"docker-socket\"]}]}";

static const char rules[] = "version: 1\n"
			    "tiers:\n"
			    "  web: {match: [{container: web-1}]}\n"
			    "  db: {match: [{container: db}], within: deny}\n"
			    "allow: [{from: web, to: db, ports: [5432/tcp]}]\n";

static void prepare(const char *yaml, struct arena *arena, struct report_input *ret)
{
	const struct policy *policy = parse_policy(yaml, arena);
	const struct world *world = parse_world(host, arena);

	assert_int_equal(report_prepare(&policy, 1, world, NOW, arena, ret), 0);
}

struct question {
	const char *name, *from, *to, *port;
	const char *verdict; /* NULL: not understood, and the text says @want */
	const char *want;
};

static const struct question questions[] = {
	{ "the host's network is the host", "agent", "db", "9/tcp", "allow",
	  "agent uses the host's own network" },
	{ "to the host's network", "web-1", "agent", "9/tcp", "deny", "agent uses" },
	{ "another's network", "side", "db", "5432/tcp", "allow", "" },
	{ "another's network, a port that is closed", "side", "db", "5433/tcp", "deny", "" },
	{ "the network of nobody", "lost", "db", "5432/tcp", NULL, "`lost` is on no network" },
	{ "no network", "idle", "db", "5432/tcp", NULL, "`idle` is on no network" },
	{ "a tier and a container", "web-1", "db", "5432/tcp", "allow", "ask for container:db" },
	{ "no resolvers", "web-1", "dns", "53/udp", NULL, "resolvers are not known" },
};

static void ends(void **state)
{
	const struct question *row = *state;
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	const struct report_question question = { row->from, row->to, row->port };
	struct report_explained explained = { 0 };
	struct report_input in;

	prepare(rules, arena, &in);
	struct world world = *in.world;
	world.n_resolvers = 0;
	in.world = &world;
	int r = report_explain(&in, &question, arena, &explained);
	assert_int_equal(r, row->verdict ? 0 : REPORT_E_QUESTION);
	CLEANUP(free_ptr) char *text = cJSON_PrintUnformatted(explained.json);
	const char *said = row->verdict ? text : explained.error;
	if (!said || !strstr(said, row->want))
		fail_msg("`%s` is not in %s", row->want, said);
	const cJSON *verdict = cJSON_GetObjectItem(explained.json, "verdict");
	if (row->verdict)
		assert_string_equal(cJSON_GetStringValue(verdict), row->verdict);
	cJSON_Delete(explained.json);
}

/* Who cannot be held is listed, with why. */
static void unholdable(void **state)
{
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	struct report_input in;
	cJSON *json = NULL;

	(void)state;
	prepare(rules, arena, &in);
	assert_int_equal(report_endpoints(&in, &json), 0);
	CLEANUP(free_ptr)
	char *text = cJSON_PrintUnformatted(cJSON_GetObjectItem(json, "unholdable"));
	assert_string_equal(text, "[{\"container\":\"agent\",\"id\":\"agent\",\"traits\":"
				  "[\"host-network\"]},{\"container\":\"idle\",\"id\":\"idle\","
				  "\"traits\":[\"privileged\",\"docker-socket\"]}]");
	cJSON_Delete(json);
}

/* What no flow shows is said of tiers and of `unmatched`. */
static void tiers_in_a_plan(void **state)
{
	static const char old[] = "version: 1\nunmatched: ignore\ntiers:\n"
				  "  a: {match: [{container: a}]}\n"
				  "  b: {match: [{container: b}], within: deny}\n"
				  "  c: {match: [{container: c}]}\n";
	static const char new[] = "version: 1\ntiers:\n"
				  "  a: {match: [{container: a}], within: deny, mode: audit}\n"
				  "  b: {match: [{container: b}]}\n"
				  "  d: {match: [{container: d}]}\n";
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	struct text said CLEANUP(text_done) = { 0 };
	struct report_input in[2];
	bool changed = false;
	cJSON *json = NULL;
	const cJSON *tier;

	(void)state;
	prepare(old, arena, &in[0]);
	prepare(new, arena, &in[1]);
	in[1].world = in[0].world;
	assert_int_equal(report_plan(&in[0], &in[1], &json, &changed), 0);
	assert_true(changed);
	cJSON_ArrayForEach(tier, cJSON_GetObjectItem(json, "tiers"))
		text_printf(&said, "%s: %s\n",
			    cJSON_GetStringValue(cJSON_GetObjectItem(tier, "name")),
			    cJSON_GetStringValue(cJSON_GetObjectItem(tier, "change")));
	assert_string_equal(text_str(&said), "unmatched: ignore -> deny\nc: removed\n"
					     "a: enforce -> audit\na: within: allow -> deny\n"
					     "b: within: deny -> allow\nd: added\n");
	cJSON_Delete(json);
}

/* On a network where containers may not speak to each other, rules of netd open nothing. */
static void what_docker_drops(void **state)
{
	static const char quiet[] =
		"{\"version\":1,\"networks\":[{\"name\":\"quiet\",\"icc\":false}],\"containers\":["
		"{\"name\":\"a\",\"endpoints\":[{\"network\":\"quiet\",\"ipv4\":\"172.18.0.2\"}]},"
		"{\"name\":\"b\",\"endpoints\":[{\"network\":\"quiet\",\"ipv4\":\"172.18.0.3\"}]},"
		"{\"name\":\"c\",\"endpoints\":[{\"network\":\"quiet\",\"ipv4\":\"172.18.0.4\"}]}]"
		"}";
	static const char yaml[] = "version: 1\ntiers:\n"
				   "  ta: {match: [{container: a}]}\n"
				   "  tb: {match: [{container: b}]}\n"
				   "  tc: {match: [{container: c}]}\n"
				   "allow:\n"
				   "  - {from: ta, to: tb, ports: [1/tcp]}\n"
				   "  - {from: [ta, tb], to: tc, ports: [2/tcp]}\n";
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	const struct policy *policy = parse_policy(yaml, arena);
	const struct world *world = parse_world(quiet, arena);
	struct text said CLEANUP(text_done) = { 0 };
	struct report_input in;
	struct diag_list diags;

	(void)state;
	diag_init(&diags, arena);
	assert_int_equal(report_prepare(&policy, 1, world, NOW, arena, &in), 0);
	report_check_world(&in, "host.json", NULL, &diags);
	for (size_t i = 0; i < diags.diags.n; i++)
		if (strcmp(diags.diags.items[i].id, "docker-drops") == 0)
			text_printf(&said, "%u: %s\n", diags.diags.items[i].loc.line,
				    diags.diags.items[i].text);
	assert_string_equal(
		text_str(&said),
		"7: Docker itself drops all of this between `ta` and `tb`\n"
		"8: Docker itself drops all of this between `tb` and `tc` (and between 1 "
		"other pair of tiers)\n");
}

int main(void)
{
	struct CMUnitTest tests[3 + ARRAY_LEN(questions)] = {
		cmocka_unit_test(unholdable),
		cmocka_unit_test(what_docker_drops),
		cmocka_unit_test(tiers_in_a_plan),
	};

	ADD_ROWS(tests, 3, questions, ends);
	return cmocka_run_group_tests_name("report_ends", tests, NULL, NULL);
}
