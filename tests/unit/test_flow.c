/* SPDX-License-Identifier: GPL-2.0-or-later */
/* core/flow: what is distinct, what is folded, what goes first, and what comes back of a file. */
#include <errno.h>

#include "tests/unit/test_flow_lib.h"

static size_t count_folded(const struct flow_store *store, unsigned int folded, uint8_t len)
{
	struct flow flow;
	size_t n = 0;

	for (uint32_t at = 0; flow_store_next(store, true, &at, &flow);)
		n += flow.folded == folded && flow.from.len == len;
	return n;
}

static void the_same_flow_is_counted(void **state)
{
	CLEANUP(freep) struct flow_store *store = new_store();
	struct flow flow = make(container("a", "net"), container("b", "net"), 80);

	(void)state;
	note(store, &flow, NOW);
	flow.from.tier = "other"; /* and is told of as it is now */
	flow.from.name = "renamed";
	note(store, &flow, NOW + 5);
	struct flow got = only(store);
	assert_int_equal(got.count, 2);
	assert_int_equal(got.first, NOW);
	assert_int_equal(got.last, NOW + 5);
	assert_string_equal(got.from.name, "renamed");
	assert_string_equal(got.from.tier, "other");
	assert_string_equal(got.to.name, "b");
}

static void each_part_makes_a_flow_distinct(void **state)
{
	CLEANUP(freep) struct flow_store *store = new_store();
	const struct flow flow = make(container("a", "net"), container("b", "net"), 80);
	struct flow others[] = { flow, flow, flow, flow, flow, flow, flow, flow };

	(void)state;
	others[1].port = 81;
	others[2].proto = 17;
	others[3].from = container("a", "other");
	others[4].to = container("c", "net");
	others[5].verdict = FLOW_DENIED;
	others[5].reason = REASON_NO_RULE;
	others[6] = others[5];
	others[6].place = "policy.yaml:3";
	others[7].host_port = 8080;
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		note(store, &others[i], NOW);
	assert_int_equal(flow_store_counts(store).kept, ARRAY_LEN(others));
	assert_true(flow_store_passed(store, &others[1]));
	others[1].port = 82;
	assert_false(flow_store_passed(store, &others[1]));
	others[1].to = container("nobody", "net");
	assert_false(flow_store_passed(store, &others[1]));
}

/* Whatever the clock does, the order is that in which they came. */
/* Nothing tells them apart that could be shown, or be in a rule. */
static void keys_of_calls_are_no_ports(void **state)
{
	CLEANUP(freep) struct flow_store *store = new_store();
	struct flow flow = make(container("a", "net"), container("b", "net"), 7);

	(void)state;
	flow.proto = 47;
	note(store, &flow, NOW);
	flow.port = 8;
	note(store, &flow, NOW);
	assert_int_equal(only(store).count, 2);
}

static void the_least_recent_goes_first(void **state)
{
	CLEANUP(freep) struct flow_store *store = new_store();
	struct flow flow, got;

	(void)state;
	flow_store_limit(store, 3);
	for (uint16_t port = 1; port <= 3; port++) {
		flow = make(container("a", "net"), container("b", "net"), port);
		note(store, &flow, NOW - port * 1000);
	}
	flow = make(container("a", "net"), container("b", "net"), 1);
	note(store, &flow, 5); /* in 1970, for a clock */
	flow.port = 4;
	note(store, &flow, NOW * 1000);
	assert_int_equal(flow_store_counts(store).kept, 3);
	assert_int_equal(flow_store_counts(store).pushed_out, 1);
	uint32_t at = 0;
	const uint16_t ports[] = { 4, 1, 3 };
	for (size_t i = 0; i < ARRAY_LEN(ports); i++) {
		assert_true(flow_store_next(store, true, &at, &got));
		assert_int_equal(got.port, ports[i]);
		assert_true(got.first <= got.last);
	}
	assert_false(flow_store_next(store, true, &at, &got));
}

/* Nobody outside pushes out what others have shown. */
static void addresses_from_outside_are_folded(void **state)
{
	CLEANUP(freep) struct flow_store *store = new_store();
	const struct flow_end server = container("web", "net");
	char text[IP_TEXT_LEN];

	(void)state;
	for (unsigned int i = 0; i < 20000; i++) {
		(void)snprintf(text, sizeof(text), "203.%u.%u.7", 1 + i / 256, i % 256);
		struct flow flow = make(outside(text), server, 443);
		note(store, &flow, NOW);
	}
	struct flow flow = make(outside("10.9.8.7"), server, 443); /* another zone */
	note(store, &flow, NOW);
	assert_int_equal(count_folded(store, 0, 32), LIMIT_FLOW_PEERS + 1);
	assert_int_equal(count_folded(store, FLOW_FOLDED_FROM, 24), LIMIT_FLOW_PEERS);
	assert_int_equal(count_folded(store, FLOW_FOLDED_FROM, 0), 1);
	assert_int_equal(flow_store_counts(store).kept, 2 * LIMIT_FLOW_PEERS + 2);
	/* Those that are kept are counted on. */
	flow = make(outside("203.1.0.7"), server, 443);
	note(store, &flow, NOW);
	assert_int_equal(flow_store_counts(store).kept, 2 * LIMIT_FLOW_PEERS + 2);
}

static void ports_are_folded(void **state)
{
	CLEANUP(freep) struct flow_store *store = new_store();
	struct flow flow = make(container("scanner", "net"), container("db", "net"), 1);

	(void)state;
	flow.verdict = FLOW_DENIED;
	flow.reason = REASON_NO_RULE;
	for (unsigned int port = 1; port <= UINT16_MAX; port++) {
		flow.port = (uint16_t)port;
		note(store, &flow, NOW);
	}
	assert_int_equal(flow_store_counts(store).kept, LIMIT_FLOW_PORTS + 1);
	uint32_t at = 0;
	char text[FLOW_PORT_LEN];
	assert_true(flow_store_next(store, true, &at, &flow));
	assert_int_equal(flow.folded, FLOW_FOLDED_PORT);
	assert_int_equal(flow.count, UINT16_MAX - LIMIT_FLOW_PORTS);
	assert_string_equal(flow_port_text(&flow, text), "tcp");
}

/* What was pushed out leaves its place to others. */
static void room_comes_back(void **state)
{
	CLEANUP(freep) struct flow_store *store = new_store();
	const struct flow_end server = container("web", "net"), other = container("other", "net");
	struct flow flow;
	char text[IP_TEXT_LEN];

	(void)state;
	flow_store_limit(store, LIMIT_FLOW_PEERS);
	for (unsigned int round = 0; round < 3; round++) {
		for (unsigned int i = 0; i < LIMIT_FLOW_PEERS; i++) {
			(void)snprintf(text, sizeof(text), "203.%u.%u.7", round + 1, i);
			flow = make(outside(text), server, 443);
			note(store, &flow, NOW);
		}
		assert_int_equal(count_folded(store, 0, 32), LIMIT_FLOW_PEERS);
		for (uint16_t port = 1; port <= LIMIT_FLOW_PEERS; port++) {
			flow = make(other, server, port);
			note(store, &flow, NOW);
		}
	}
}

/* Containers come and go: what is known of them is bounded, too. */
static void containers_are_forgotten(void **state)
{
	CLEANUP(freep) struct flow_store *store = new_store();
	char name[32];

	(void)state;
	for (unsigned int i = 0; i < LIMIT_FLOW_ENDS + 100; i++) {
		(void)snprintf(name, sizeof(name), "job-%u", i);
		struct flow flow = make(container(name, "net"), outside("192.0.2.1"), 443);
		note(store, &flow, NOW);
	}
	assert_int_equal(flow_store_counts(store).kept, LIMIT_FLOW_ENDS);
	assert_int_equal(flow_store_counts(store).pushed_out, 100);
}

static void staging_counts_anew(void **state)
{
	CLEANUP(freep) struct flow_store *store = new_store();
	struct flow flow = make(container("a", "net"), container("b", "net"), 80);

	(void)state;
	note(store, &flow, NOW);
	flow_store_stage(store);
	assert_int_equal(only(store).since_staged, 0);
	note(store, &flow, NOW);
	assert_int_equal(only(store).since_staged, 1);
	assert_int_equal(only(store).count, 2);
}

static char *print(const struct flow *flow)
{
	cJSON *json = flow_to_json(flow);

	assert_non_null(json);
	char *text = cJSON_PrintUnformatted(json);
	cJSON_Delete(json);
	assert_non_null(text);
	return text;
}

static struct flow odd_flow(unsigned int i)
{
	struct flow flow = make(container("a \"b\"\n", "net"), outside("2001:db8::7"), 443);

	flow.from.image = "ghcr.io/acme/web:1";
	flow.from.labels =
		"com.docker.compose.project=shop\ncom.docker.compose.service=web \"=\"\n";
	if (i == 1)
		flow = make(outside("169.254.169.254"), container("b", "net"), 0);
	if (i == 2)
		flow.proto = 47;
	if (i == 3)
		flow.ether_type = 0x88cc;
	if (i == 4)
		flow.ether_type = 0x0806;
	if (i > 2)
		flow.to = flow_end_at(FLOW_NOBODY, &(struct ip_addr){ 0 });
	if (i > 3) {
		flow.verdict = FLOW_DENIED;
		flow.reason = REASON_SPOOFED;
		flow.place = "policy.yaml:7";
	}
	if (i == 5) {
		flow.from.sandbox = WORLD_BUILD;
		flow.to.kind = FLOW_HOST;
	}
	flow.host_port = i == 1 ? 8080 : 0;
	return flow;
}

static void flows_come_back_from_a_file(void **state)
{
	CLEANUP(freep) struct flow_store *store = new_store();
	CLEANUP(freep) struct flow_store *again = new_store();
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct flow flow, got;
	char text[IP_TEXT_LEN];

	(void)state;
	for (unsigned int i = 0; i < 6; i++) {
		flow = odd_flow(i);
		note(store, &flow, NOW + i);
	}
	for (unsigned int i = 0; i < 200; i++) {
		(void)snprintf(text, sizeof(text), "2001:db8:%x::7", i);
		flow = make(outside(text), container("b", "net"), 443);
		note(store, &flow, NOW);
	}
	for (uint32_t at = 0; flow_store_next(store, true, &at, &flow);) {
		cJSON *json = NULL;
		char *line = print(&flow);
		assert_int_equal(flow_read_line(line, strlen(line), arena, &got, &json), 0);
		assert_int_equal(flow_store_restore(again, &got), 0);
		cJSON_Delete(json);
		free(line);
	}
	assert_int_equal(flow_store_counts(again).kept, flow_store_counts(store).kept);
	uint32_t at = 0, at_again = 0;
	while (flow_store_next(store, true, &at, &flow)) {
		assert_true(flow_store_next(again, true, &at_again, &got));
		char *left = print(&flow), *right = print(&got);
		assert_string_equal(left, right);
		free(left);
		free(right);
	}
	/* And what was folded is folded on. */
	flow = make(outside("2001:db8:ffff::7"), container("b", "net"), 443);
	note(again, &flow, NOW);
	assert_int_equal(flow_store_counts(again).kept, flow_store_counts(store).kept);
}

static void damaged_lines_are_no_flows(void **state)
{
	static const char *const changes[][2] = {
		{ "\"v\":1", "\"v\":2" },
		{ "\"kind\":\"container\"", "\"kind\":\"ship\"" },
		{ "\"443/tcp\"", "\"443-444/tcp\"" },
		{ "\"443/tcp\"", "\"0/tcp\"" },
		{ "\"443/tcp\"", "7" },
		{ "\"allowed\"", "\"denied\"" }, /* without a reason */
		{ "\"allowed\"", "\"perhaps\"" },
		{ "\"count\":1", "\"count\":0" },
		{ "\"count\":1", "\"count\":-1" },
		{ "\"count\":1", "\"count\":1.5" },
		{ "\"count\":1", "\"count\":1e300" },
		{ "2001:db8::7", "2001:db8::7::1" },
		{ "2001:db8::7", "2001:db8::7/64" },
		{ "Z\"}", "\"}" },
	};
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct flow flow = odd_flow(0), got;
	cJSON *json = NULL;

	(void)state;
	flow.first = flow.last = NOW;
	CLEANUP(free_ptr) char *line = print(&flow);
	assert_int_equal(flow_read_line(line, strlen(line), arena, &got, &json), 0);
	cJSON_Delete(json);
	for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
		char changed[2048];
		const char *at = strstr(line, changes[i][0]);
		assert_non_null(at);
		(void)snprintf(changed, sizeof(changed), "%.*s%s%s", (int)(at - line), line,
			       changes[i][1], at + strlen(changes[i][0]));
		assert_int_equal(flow_read_line(changed, strlen(changed), arena, &got, &json),
				 FLOW_E_INVALID);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_flow_is_counted),
		cmocka_unit_test(each_part_makes_a_flow_distinct),
		cmocka_unit_test(keys_of_calls_are_no_ports),
		cmocka_unit_test(the_least_recent_goes_first),
		cmocka_unit_test(addresses_from_outside_are_folded),
		cmocka_unit_test(ports_are_folded),
		cmocka_unit_test(room_comes_back),
		cmocka_unit_test(containers_are_forgotten),
		cmocka_unit_test(staging_counts_anew),
		cmocka_unit_test(flows_come_back_from_a_file),
		cmocka_unit_test(damaged_lines_are_no_flows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
