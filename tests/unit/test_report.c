/* SPDX-License-Identifier: GPL-2.0-or-later */
/* core/report: the answers as a whole (goldens in tests/golden/report), and what a golden does not
 * show: representatives, agreement with the evaluator, memory running out.
 * REGOLD=1 writes the goldens anew: review is the diff. */
#include <errno.h>

#include "core/policy/zone.h"
#include "core/report/explain.h"
#include "core/report/report.h"
#include "core/report/survey.h"
#include "tests/unit/test_file_lib.h"
#include "tests/unit/test_report_lib.h"

#define FOLDER "tests/golden/report/"

struct fixture {
	struct arena *arena;
	struct report_input in;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	CLEANUP(text_done) struct text policy_text = read_all(FOLDER "policy.yaml");
	CLEANUP(text_done) struct text world_text = read_all(FOLDER "inventory.json");

	assert_non_null(f);
	f->arena = arena_new();
	const char *yaml = arena_strdup(f->arena, text_str(&policy_text));
	const struct policy *policy = parse_policy(yaml, f->arena);
	const struct world *world = parse_world(text_str(&world_text), f->arena);
	assert_int_equal(report_prepare(&policy, 1, world, NOW, f->arena, &f->in), 0);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	arena_free(f->arena);
	free(f);
	return 0;
}

/* Takes @json. */
static void compare_json(const char *name, cJSON *json)
{
	CLEANUP(free_ptr) char *text = cJSON_Print(json);
	CLEANUP(text_done) struct text found = { 0 };
	char path[128];

	cJSON_Delete(json);
	assert_non_null(text);
	text_printf(&found, "%s\n", text);
	(void)snprintf(path, sizeof(path), FOLDER "%s.json", name);
	compare_golden(path, text_str(&found));
}

/* ---- goldens ---- */

static const struct report_counter counters[] = {
	{ "inet", "denied_to_host", 7, 420 },
	{ "bridge", "denied_spoofed", 5, 300 },
	{ "bridge", "rule.policy.yaml.13", 1, 60 },
	{ "inet", "rule.policy.yaml.13", 12345678, 9876543210 },
	{ "inet", "rule.policy.yaml.15", 0, 0 },
};

static int by_counter(const void *left, const void *right)
{
	const struct report_counter *a = left, *b = right;
	int order = strcmp(a->name, b->name);

	return order ? order : strcmp(a->table, b->table);
}

static void tables_are_as_agreed(void **state)
{
	const struct fixture *f = *state;
	struct report_counter sorted[ARRAY_LEN(counters)];
	struct report_input in = f->in;
	static const char *const disagreements[] = {
		"nothing that Docker knows of explains port veth9 of br-app"
	};
	const struct report_health health = { .generation = 12,
					      .disagreements = disagreements,
					      .n_listed = 1,
					      .n_disagreements = 3,
					      .policy_generation = 7,
					      .policy_digest = "0123456789abcdef",
					      .history_error = "",
					      .policy_path = "/etc/netd/policy.d",
					      .policy_error = "",
					      .docker = "up 20.10.24",
					      .docker_state = REPORT_DOCKER_UP,
					      .docker_error = "",
					      .version = "0.1.0",
					      .committed_at = NOW - 60,
					      .confirm_until = NOW + 60,
					      .drifts = 2,
					      .bridge_nf = { true, false } };
	cJSON *json = NULL;

	memcpy(sorted, counters, sizeof(sorted));
	qsort(sorted, ARRAY_LEN(sorted), sizeof(sorted[0]), by_counter);
	in.counters = sorted;
	in.n_counters = ARRAY_LEN(sorted);
	assert_int_equal(report_endpoints(&in, &json), 0);
	compare_json("endpoints", json);
	assert_int_equal(report_rules(&in, &json), 0);
	compare_json("rules", json);
	assert_int_equal(report_ports(&in, &json), 0);
	compare_json("ports", json);
	assert_int_equal(report_status(&in, &health, &json), 0);
	compare_json("status", json);
}

static void status_needs_no_policy(void **state)
{
	const struct report_input in = { .now = NOW };
	const struct report_health health = { .docker = "down", .version = "0.1.0" };
	cJSON *json = NULL;

	(void)state;
	assert_int_equal(report_status(&in, &health, &json), 0);
	assert_true(cJSON_IsNull(cJSON_GetObjectItem(json, "mode")));
	cJSON_Delete(json);
}

static void expired_rules_are_marked(void **state)
{
	const struct fixture *f = *state;
	struct report_input in = f->in;
	size_t expired = 0;
	cJSON *json = NULL;
	const cJSON *rule;

	in.now = NOW + INT64_C(10) * 365 * 86400;
	assert_int_equal(report_rules(&in, &json), 0);
	const cJSON *rules = cJSON_GetObjectItem(json, "rules");
	cJSON_ArrayForEach(rule, rules)
		expired += cJSON_IsTrue(cJSON_GetObjectItem(rule, "expired")) != 0;
	assert_int_equal(expired, 1);
	cJSON_Delete(json);
}

/* ---- representatives ---- */

static void addresses_stand_for_their_zone_alone(void **state)
{
	static const char yaml[] = "version: 1\n"
				   "tiers: {web: {match: [{network: web}]}}\n"
				   "allow:\n"
				   "  - {from: 198.51.100.0/24, to: web, ports: [1/tcp]}\n"
				   "  - {from: 203.0.113.0/24, to: web, ports: [2/tcp]}\n"
				   "  - {from: 192.168.0.0/16, to: web, ports: [3/tcp]}\n"
				   "  - {from: 192.168.0.0/17, to: web, ports: [4/tcp]}\n"
				   "  - {from: 10.0.0.0/8, to: web, ports: [5/tcp]}\n"
				   "  - {from: 2001:db8::/32, to: web, ports: [6/tcp]}\n";
	static const char json[] =
		"{\"version\":1,\"networks\":[{\"name\":\"web\",\"subnets\":[\"172.16.0.0/13\"]}],"
		"\"containers\":[]}";
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct policy *policy = parse_policy(yaml, arena);
	struct report_input in;
	const struct report_input *inputs[] = { &in };
	struct survey survey;

	(void)state;
	assert_int_equal(report_prepare(&policy, 1, parse_world(json, arena), NOW, arena, &in), 0);
	assert_int_equal(survey_init(&survey, inputs, 1, arena), 0);
	for (enum survey_kind kind = SURVEY_INTERNET; kind <= SURVEY_LAN; kind++) {
		struct ip_addr addr =
			survey_address(&survey, (struct survey_end){ kind, 0 }, IP_V4);
		assert_int_equal(addr.family, IP_V4);
		assert_true(
			policy_zone_contains(kind == SURVEY_LAN ? PEER_LAN : PEER_INTERNET, &addr));
		for (size_t i = 0; i < survey.n_prefixes; i++)
			assert_false(ip_in_prefix(&addr, &survey.prefixes[i]));
		assert_false(ip_in_prefix(&addr, &in.world->networks[0].subnets[0]));
	}
	/* The broader prefix is represented by an address that the narrower one does not hold. */
	for (uint32_t i = 0; i < survey.n_prefixes; i++) {
		struct ip_addr addr =
			survey_address(&survey, (struct survey_end){ SURVEY_PREFIX, i },
				       (enum ip_family)survey.prefixes[i].addr.family);
		assert_true(ip_in_prefix(&addr, &survey.prefixes[i]));
		for (size_t k = 0; k < survey.n_prefixes; k++)
			if (survey.prefixes[k].len > survey.prefixes[i].len)
				assert_false(ip_in_prefix(&addr, &survey.prefixes[k]));
	}
}

static const struct survey_part *part_of(const survey_parts *parts, uint16_t port)
{
	const struct survey_part *rest = NULL;

	for (size_t i = 0; i < parts->n; i++) {
		if (parts->items[i].rest)
			rest = &parts->items[i];
		else if (port_range_contains(&parts->items[i].ports, PROTO_TCP, port))
			return &parts->items[i];
	}
	return rest;
}

static void compare_endpoints(const struct survey *survey, uint32_t a, uint32_t b,
			      struct arena *arena)
{
	static const uint16_t ports[] = {
		1, 80, 443, 5432, 6379, 8080, 8443, 9000, 9005, 9010, 9011
	};
	const struct report_input *in = survey->in[0];
	const struct sim_host host = { in->world, in->policy, in->compiled, false };
	struct survey_end from = { SURVEY_CLASS, survey->class_of[a] };
	struct survey_end to = { SURVEY_CLASS, survey->class_of[b] };
	survey_parts parts;

	assert_int_equal(survey_ask(survey, from, to, arena, &parts), 0);
	/* Nothing that may pass: the evaluator must say so, too. */
	assert_true(parts.n > 0 || !survey_may_pass(survey, from.index, to.index));
	for (size_t p = 0; p < ARRAY_LEN(ports); p++) {
		struct sim_flow flow = { { .kind = SIM_ENDPOINT, .endpoint = a },
					 { .kind = SIM_ENDPOINT, .endpoint = b },
					 IP_V4,
					 PROTO_TCP,
					 ports[p] };
		const struct survey_part *part = part_of(&parts, ports[p]);
		struct sim_result result;
		assert_int_equal(sim_flow(&host, &flow, arena, &result), 0);
		if (parts.n > 0)
			assert_non_null(part);
		if ((part && part->verdict[0].allowed & 1) != result.allowed ||
		    (part && part->verdict[0].audited & 1) != result.audited)
			fail_msg("endpoints %u -> %u, port %u: %s", a, b, ports[p], result.reason);
	}
}

/* Every endpoint pair and every port that rules speak of: the matrix says what the evaluator says.
 */
static void matrix_agrees_with_every_flow(void **state)
{
	const struct fixture *f = *state;
	const struct report_input *inputs[] = { &f->in };
	const struct world_endpoint *endpoints = f->in.world->endpoints;
	struct survey survey;
	size_t compared = 0;

	assert_int_equal(survey_init(&survey, inputs, 1, f->arena), 0);
	for (uint32_t a = 0; a < survey.world->n_endpoints; a++)
		for (uint32_t b = 0; b < survey.world->n_endpoints; b++) {
			if (a == b || endpoints[a].network != endpoints[b].network)
				continue;
			compare_endpoints(&survey, a, b, f->arena);
			compared++;
		}
	assert_true(compared > 20);
}

static void parts_cover_the_port_space_once(void **state)
{
	const struct fixture *f = *state;
	const struct report_input *inputs[] = { &f->in };
	struct survey_end from, to;
	struct survey_walk walk;
	struct survey survey;

	assert_int_equal(survey_init(&survey, inputs, 1, f->arena), 0);
	assert_int_equal(survey_walk_init(&survey, &walk), 0);
	while (survey_walk_next(&survey, &walk, &from, &to)) {
		uint64_t sums[PROTO_ICMPV6 + 1] = { 0 };
		survey_parts parts;
		size_t rests = 0;
		assert_int_equal(survey_cut(&survey, from, to, f->arena, &parts), 0);
		for (size_t i = 0; i < parts.n; i++) {
			const struct port_range *ports = &parts.items[i].ports;
			rests += parts.items[i].rest;
			if (!parts.items[i].rest && proto_has_ports((enum ip_proto)ports->proto))
				sums[ports->proto] += ports->hi - ports->lo + 1u;
		}
		assert_int_equal(rests, 1);
		for (size_t p = 0; p <= PROTO_ICMPV6; p++)
			assert_true(sums[p] == 0 || sums[p] == 65535);
	}
}

/* ---- questions ---- */

static const struct {
	const char *from, *to, *port;
	int r;
	const char *verdict, *error;
} questions[] = {
	{ "frontend", "backend", "8080/tcp", 0, "allow", NULL },
	{ "tier:frontend", "container:api-1", "9005/tcp", 0, "deny", NULL },
	{ "172.18.0.2", "api-1", "8080/tcp", 0, "allow", NULL },
	{ "host", "db-1", "5432/tcp", 0, "allow", NULL },
	{ "127.0.0.1", "db-1", "icmp", 0, "allow", NULL },
	{ "internet", "web-1", "443/tcp", 0, "allow", NULL },
	{ "198.51.100.7", "web-1", "443/tcp", 0, "allow", NULL },
	{ "internet", "old-2", "80/tcp", 0, "audit", NULL },
	{ "frontend", "internal", "6379/tcp", 0, "deny", NULL },
	{ "empty", "frontend", "80/tcp", 0, "deny", NULL },
	{ "frontend", "dns", "53/udp", 0, "allow", NULL },
	{ "fronted", "backend", "80/tcp", REPORT_E_QUESTION, NULL, "did you mean `frontend`?" },
	{ "world", "web-1", "80/tcp", REPORT_E_QUESTION, NULL, "ask for one of them" },
	{ "web-1", "api-1", "80", REPORT_E_QUESTION, NULL, "`80` is not a port" },
	{ "web-1", "api-1", "80-90/tcp", REPORT_E_QUESTION, NULL, "a range of ports" },
	{ "tier:nothing", "api-1", "80/tcp", REPORT_E_QUESTION, NULL, "`nothing` is not a tier" },
	{ "container:frontend", "api-1", "80/tcp", REPORT_E_QUESTION, NULL, "`frontend` is" },
	{ "stray", "empty", "80/tcp", REPORT_E_QUESTION, NULL, "in none" },
};

static void questions_are_understood_or_refused(void **state)
{
	const struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(questions); i++) {
		const struct report_question question = { questions[i].from, questions[i].to,
							  questions[i].port };
		struct report_explained explained;
		int r = report_explain(&f->in, &question, f->arena, &explained);
		const char *error = explained.error ? explained.error : "";
		if (r != questions[i].r)
			fail_msg("%s -> %s %s: %d %s", question.from, question.to, question.port, r,
				 error);
		if (r != 0 && !strstr(error, questions[i].error))
			fail_msg("`%s` says nothing of `%s`", error, questions[i].error);
		if (r != 0)
			continue;
		const cJSON *verdict = cJSON_GetObjectItem(explained.json, "verdict");
		assert_string_equal(cJSON_GetStringValue(verdict), questions[i].verdict);
		assert_int_equal(explained.allowed, strcmp(questions[i].verdict, "deny") != 0);
		cJSON_Delete(explained.json);
	}
}

static void a_plan_to_the_same_policy_is_empty(void **state)
{
	const struct fixture *f = *state;
	bool changed = true;
	cJSON *json = NULL;

	assert_int_equal(report_plan(&f->in, &f->in, &json, &changed), 0);
	assert_false(changed);
	cJSON_Delete(json);
}

/* ---- memory running out ---- */

static void running_out_of_memory_is_an_error(void **state)
{
	const struct fixture *f = *state;
	const struct report_question question = { "frontend", "backend", "8080/tcp" };
	int r = -ENOMEM;

	for (uint64_t n = 1; r == -ENOMEM; n++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		struct report_explained explained = { 0 };
		arena_fail_after(arena, n);
		r = report_explain(&f->in, &question, arena, &explained);
		assert_true(r == 0 || r == -ENOMEM);
		cJSON_Delete(explained.json);
	}
	assert_int_equal(r, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables_are_as_agreed),
		cmocka_unit_test(status_needs_no_policy),
		cmocka_unit_test(expired_rules_are_marked),
		cmocka_unit_test(addresses_stand_for_their_zone_alone),
		cmocka_unit_test(matrix_agrees_with_every_flow),
		cmocka_unit_test(parts_cover_the_port_space_once),
		cmocka_unit_test(questions_are_understood_or_refused),
		cmocka_unit_test(a_plan_to_the_same_policy_is_empty),
		cmocka_unit_test(running_out_of_memory_is_an_error),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
