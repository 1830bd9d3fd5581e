/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a suggestion must not open, whoever chooses addresses, ports, labels of images and names:
 * nothing that the evidence does not show of the very same end. */
#include "core/suggest/suggest.h"

#include "tests/unit/test_report_lib.h"
#include "tests/unit/test_rows_lib.h"

#define NAME "policy.yaml"
#define LABELS(project, service)                     \
	"{\"com.docker.compose.project\":\"" project \
	"\",\"com.docker.compose.service\":\"" service "\"}"
#define NETWORK(name, n)                                                                    \
	"{\"id\":\"n" n "\",\"name\":\"" name "\",\"driver\":\"bridge\",\"bridge\":\"br-" n \
	"\",\"subnets\":[\"172.18." n ".0/24\",\"fd00:" n "::/64\"]}"
#define AT(network, address) "{\"network\":\"" network "\",\"ipv4\":\"" address "\"}"
#define AT6(network, address) "{\"network\":\"" network "\",\"ipv6\":\"" address "\"}"
#define CONTAINER(name, more, endpoints) \
	"{\"id\":\"" name "\",\"name\":\"" name "\"," more "\"endpoints\":[" endpoints "]}"
#define WORLD(networks, containers) \
	"{\"version\":1,\"networks\":[" networks "],\"containers\":[" containers "]}"

#define END(name, network, tier)                                            \
	"{\"kind\":\"container\",\"id\":\"" name "\",\"container\":\"" name \
	"\",\"network\":\"" network "\",\"tier\":" tier "}"
#define OUTSIDE(zone, address) \
	"{\"kind\":\"outside\",\"zone\":\"" zone "\",\"address\":\"" address "\"}"
#define FLOW(from, to, port, verdict)                                                         \
	"{\"v\":1,\"from\":" from ",\"to\":" to ",\"port\":\"" port "\",\"verdict\":" verdict \
	",\"count\":3,\"first\":\"2029-12-31T00:00:00Z\",\"last\":\"2029-12-31T01:00:00Z\"}\n"
#define PASSED "\"allowed\""
#define DENIED "\"denied\",\"reason\":\"no-rule\""

struct asked {
	struct arena *arena;
	struct suggest_evidence evidence;
	struct policy_source source;
	struct suggest_input in;
};

static void ask_about(const char *json, const char *flows, const char *policy, struct asked *ret)
{
	const struct world *world = NULL;
	const char *error = "";

	if (suggest_read(flows, strlen(flows), ret->arena, &ret->evidence, &error) != 0 ||
	    world_parse_inventory(json, strlen(json), ret->arena, &world, &error) != 0)
		fail_msg("%s", error);
	ret->source = (struct policy_source){ NAME, policy, policy ? strlen(policy) : 0 };
	ret->in =
		(struct suggest_input){ .world = world,
					.evidence = &ret->evidence,
					.policy = policy ? parse_policy(policy, ret->arena) : NULL,
					.sources = &ret->source,
					.n_sources = policy ? 1 : 0,
					.now = NOW };
}

/* ---- what is proposed ---- */

#define TO(zone, address) FLOW(END("web", "net", "null"), OUTSIDE(zone, address), "80/tcp", PASSED)
#define ALL_NETS NETWORK("front", "1") "," NETWORK("back", "2") "," NETWORK("n*", "3")
#define BY_NETWORK                                                                   \
	"version: 1\ntiers:\n  front: {match: [{network: front}]}\n  back: {match: " \
	"[{network: back}]}\n"

static const struct row {
	const char *name, *world, *flows, *policy;
	const char *has, *has_not;
} rows[] = {
	{ "a metadata service is near those that were seen",
	  WORLD(NETWORK("net", "1"), CONTAINER("web", "", AT("net", "172.18.1.2"))),
	  TO("lan", "100.100.100.1") TO("lan", "100.100.100.2") TO("lan", "100.100.100.3")
		  TO("lan", "100.100.100.4") TO("lan", "100.100.100.5"),
	  NULL, "- {from: web, to: lan, ports: [80/tcp]}", "100.100.100.0/24" },
	{ "it is in a folded network",
	  WORLD(NETWORK("net", "1"), CONTAINER("web", "", AT6("net", "fd00:1::2"))),
	  TO("lan", "fd00:ec2::/64"), NULL, "- {from: web, to: lan, ports: [80/tcp]}",
	  "to: \"fd00" },
	{ "an image says that it is of the service that was there",
	  WORLD(NETWORK("net", "1"),
		CONTAINER("web", "\"labels\":" LABELS("shop", "web") ",", AT("net", "172.18.1.2")) "," CONTAINER(
			"db", "\"labels\":" LABELS("shop", "db") ",",
			AT("net",
			   "172.18.1.3")) "," CONTAINER("other",
							"\"labels\":" LABELS(
								"shop",
								"backup") ",\"image_labels\":["
									  "\"com.docker.compose."
									  "project\",\"com.docker."
									  "compose.service\"],",
							AT("net", "172.18.1.4"))),
	  FLOW(END("shop-backup-1", "net", "null"), END("db", "net", "null"), "5432/tcp", PASSED),
	  NULL, "{compose: {project: shop, service: backup}}", "{container: other}" },
	{ "it has left the network, where it was in another tier",
	  WORLD(ALL_NETS,
		CONTAINER("job", "", AT("front", "172.18.1.2")) "," CONTAINER(
			"api", "",
			AT("back", "172.18.2.3")) "," CONTAINER("db", "",
								AT("back", "172.18.2.4"))),
	  FLOW(END("job", "back", "\"back\""), OUTSIDE("lan", "192.168.7.7"), "22/tcp", PASSED),
	  BY_NETWORK, "+  - {from: back, to: 192.168.7.7, ports: [22/tcp]}", "{from: front" },
	{ "it has left it, and nobody knows which tier it was in",
	  WORLD(ALL_NETS,
		CONTAINER("job", "", AT("front", "172.18.1.2") "," AT("back", "172.18.2.2"))),
	  FLOW(END("job", "gone", "null"), OUTSIDE("lan", "192.168.7.7"), "22/tcp", PASSED),
	  BY_NETWORK, "nothing tells what it was", "+++" },
	{ "a network's name would match others",
	  WORLD(ALL_NETS,
		CONTAINER("job", "", AT("front", "172.18.1.2") "," AT("n*", "172.18.3.2"))),
	  FLOW(END("job", "n*", "null"), OUTSIDE("lan", "192.168.7.7"), "22/tcp", PASSED),
	  BY_NETWORK, "letters that no `match` takes", "+++" },
};

static void test_proposed(void **state)
{
	const struct row *row = *state;
	struct asked asked = { .arena = arena_new() };
	struct arena *arena CLEANUP(arena_freep) = asked.arena;
	struct suggest_output output CLEANUP(suggest_output_done) = { 0 };

	assert_non_null(arena);
	ask_about(row->world, row->flows, row->policy, &asked);
	assert_int_equal(suggest_make(&asked.in, &output), 0);
	if (!strstr(output.text, row->has) || strstr(output.text, row->has_not))
		fail_msg("%s", output.text);
}

/* A name is cut for a comment, but not inside a character: that would be no YAML any more. */
static void test_a_long_name(void **state)
{
	static const char letters[] = "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeefffffffff";
	struct asked asked = { .arena = arena_new() };
	struct arena *arena CLEANUP(arena_freep) = asked.arena;
	struct suggest_output output CLEANUP(suggest_output_done) = { 0 };

	(void)state;
	assert_non_null(arena);
	const char *name = arena_printf(arena, "%s\xc3\xa9\xc3\xa9", letters);
	const char *world = arena_printf(
		arena,
		WORLD(NETWORK("net", "1"),
		      "{\"id\":\"a\",\"name\":\"%s\",\"endpoints\":[" AT("net", "172.18.1.2") "]}"),
		name);
	const char *flows = arena_printf(
		arena,
		FLOW("{\"kind\":\"container\",\"id\":\"a\",\"container\":\"%s\",\"network\":"
		     "\"net\",\"tier\":null}",
		     OUTSIDE("lan", "192.168.7.7"), "80/tcp", PASSED),
		name);
	ask_about(world, flows, NULL, &asked);
	assert_int_equal(suggest_make(&asked.in, &output), 0);
	assert_non_null(strstr(output.text, letters));
}

/* ---- what is allowed by its number ---- */

#define TWO_TIERS                                                                             \
	"version: 1\ntiers:\n  web: {match: [{container: web}]}\n  db: {match: [{container: " \
	"db}]}\n"
#define WEB_AND_DB                                                                              \
	WORLD(NETWORK("net", "1"), CONTAINER("web", "", AT("net", "172.18.1.2")) "," CONTAINER( \
					   "db", "", AT("net", "172.18.1.3")))

static cJSON *denials(const char *flows, struct arena *arena)
{
	struct asked asked = { .arena = arena };
	cJSON *denied = NULL;

	ask_about(WEB_AND_DB, flows, TWO_TIERS, &asked);
	assert_int_equal(suggest_denied(&asked.in, &denied), 0);
	return denied;
}

static const cJSON *rule_of(const cJSON *denied, int i)
{
	return cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(denied, "rules"), i);
}

/* 32 bits of FNV-1a are found by trying: the rule to the address outside has the hash of the one
 * to db. A container that may ask for any address chooses that. */
static void test_two_of_one_number(void **state)
{
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	const char *error = "";
	char *text = NULL;

	(void)state;
	assert_non_null(arena);
	cJSON *denied = denials(
		FLOW(END("web", "net", "\"web\""), END("db", "net", "\"db\""), "22/tcp", DENIED)
			FLOW(END("web", "net", "\"web\""), OUTSIDE("internet", "2001:db8::7:d2de"),
			     "5457/tcp", DENIED),
		arena);
	const cJSON *first = cJSON_GetObjectItemCaseSensitive(rule_of(denied, 0), "number");
	const cJSON *second = cJSON_GetObjectItemCaseSensitive(rule_of(denied, 1), "number");
	assert_true(cJSON_IsNumber(first) && cJSON_IsNumber(second));
	assert_true(first->valuedouble == second->valuedouble); /* or the test is for nothing */
	uint32_t number = (uint32_t)first->valuedouble;
	struct suggest_chosen chosen = { .numbers = &number, .n = 1, .old = "", .now = NOW };
	assert_int_equal(suggest_allow(denied, &chosen, arena, &text, &error), SUGGEST_E_INVALID);
	assert_non_null(strstr(error, "more than one denial"));
	assert_null(text);
	cJSON_Delete(denied);
}

/* The control: each of them alone has a number that is its own. */
static void test_one_of_one_number(void **state)
{
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	const char *error = "";
	char *text = NULL;

	(void)state;
	assert_non_null(arena);
	cJSON *denied = denials(
		FLOW(END("web", "net", "\"web\""), END("db", "net", "\"db\""), "22/tcp", DENIED),
		arena);
	const cJSON *number = cJSON_GetObjectItemCaseSensitive(rule_of(denied, 0), "number");
	assert_true(cJSON_IsNumber(number));
	uint32_t chosen_number = (uint32_t)number->valuedouble;
	struct suggest_chosen chosen = { .numbers = &chosen_number, .n = 1, .old = "", .now = NOW };
	assert_int_equal(suggest_allow(denied, &chosen, arena, &text, &error), 0);
	assert_non_null(strstr(text, "- {from: web, to: db, ports: [22/tcp]}\n"));
	free(text);
	cJSON_Delete(denied);
}

static void test_a_network_with_a_metadata_service(void **state)
{
	struct arena *arena CLEANUP(arena_freep) = arena_new();

	(void)state;
	assert_non_null(arena);
	cJSON *denied = denials(FLOW(END("web", "net", "\"web\""),
				     OUTSIDE("lan", "100.100.100.0/24"), "80/tcp", DENIED),
				arena);
	const char *note =
		cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(rule_of(denied, 0), "note"));
	assert_true(note && strstr(note, "metadata service"));
	cJSON_Delete(denied);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_LEN(rows) + 4] = {
		cmocka_unit_test(test_a_long_name),
		cmocka_unit_test(test_two_of_one_number),
		cmocka_unit_test(test_one_of_one_number),
		cmocka_unit_test(test_a_network_with_a_metadata_service),
	};

	ADD_ROWS(tests, 4, rows, test_proposed);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
