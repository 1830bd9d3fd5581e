/* SPDX-License-Identifier: GPL-2.0-or-later */
/* core/report/cut: which connections a change cuts, without a kernel: whose address is whose, what
 * is asked once, and the bounds. tests/ctl/connections compares it with real ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/limits.h"
#include "core/report/cut.h"
#include "tests/unit/test_report_lib.h"

static const char world_text[] =
	"{\"version\":1,\"networks\":[{\"name\":\"front\",\"driver\":\"bridge\",\"bridge\":\"br-"
	"f\","
	"\"subnets\":[\"172.18.0.0/16\"],\"gateways\":[\"172.18.0.1\"]},"
	"{\"name\":\"back\",\"driver\":\"bridge\",\"bridge\":\"br-b\","
	"\"subnets\":[\"172.19.0.0/16\"],\"gateways\":[\"172.19.0.1\"]},"
	"{\"name\":\"side\",\"driver\":\"bridge\",\"bridge\":\"br-s\","
	"\"subnets\":[\"172.20.0.0/16\"],\"gateways\":[\"172.20.0.1\"]},"
	"{\"name\":\"flat\",\"driver\":\"macvlan\",\"subnets\":[\"192.0.2.0/24\"]}],"
	"\"containers\":["
	"{\"name\":\"cache\",\"endpoints\":[{\"network\":\"side\",\"ipv4\":\"172.20.0.2\"}]},"
	"{\"name\":\"db\",\"endpoints\":[{\"network\":\"back\",\"ipv4\":\"172.19.0.2\"}]},"
	"{\"name\":\"far\",\"endpoints\":[{\"network\":\"flat\",\"ipv4\":\"192.0.2.9\"}]},"
	"{\"name\":\"web\",\"endpoints\":[{\"network\":\"front\",\"ipv4\":\"172.18.0.2\"}],"
	"\"published\":[{\"host_ip\":\"0.0.0.0\",\"host_port\":80,\"port\":\"8080/tcp\"},"
	"{\"host_ip\":\"198.51.100.1\",\"host_port\":81,\"port\":\"8081/tcp\"}]},"
	"{\"name\":\"web2\",\"endpoints\":[{\"network\":\"front\",\"ipv4\":\"172.18.0.3\"}]}]}";

#define TIERS                                                      \
	"version: 1\ntiers:\n  web: {match: [{network: front}]}\n" \
	"  db: {match: [{network: back}]}\n"
static const char open_policy[] = TIERS
	"  cache: {match: [{network: side}]}\nallow:\n  - {from: [internet, web], to: [web, db]}\n"
	"  - {from: web, to: [internet, host]}\n";
/* The rule stands on line 6. */
static const char closed_policy[] = TIERS "deny:\n  - {from: [internet, web], to: [web, db]}\n";

struct fixture {
	struct arena *arena;
	struct report_input in[2];
	struct ip_addr host[2];
	struct cut_facts facts;
};

static struct ip_addr ip(const char *text)
{
	struct ip_addr addr;

	assert_int_equal(ip_parse(text, &addr), 0);
	return addr;
}

static int set_up(void **state)
{
	static struct fixture f;
	const struct policy *policies[2];
	const struct world *world;

	f = (struct fixture){ .arena = arena_new(), .facts.error = "" };
	policies[0] = parse_policy(open_policy, f.arena);
	policies[1] = parse_policy(closed_policy, f.arena);
	assert_int_equal(report_complete_world(parse_world(world_text, f.arena), f.arena, &world),
			 0);
	assert_int_equal(report_prepare(policies, 2, world, NOW, f.arena, f.in), 0);
	f.host[0] = ip("172.18.0.1");
	f.host[1] = ip("198.51.100.1");
	f.facts.host = f.host;
	f.facts.n_host = ARRAY_LEN(f.host);
	*state = &f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	f->arena = arena_free(f->arena);
	return 0;
}

struct row {
	const char *from, *sent_to, *to;
	uint16_t sent_port, port;
	enum ip_proto proto;
	const char *cut; /* "from to port", NULL: it is not */
};

static void add(struct fixture *f, const struct row *row)
{
	struct cut_connection connection = { .from = ip(row->from),
					     .sent_to = ip(row->sent_to),
					     .to = ip(row->to),
					     .from_port = 40000,
					     .sent_port = row->sent_port,
					     .port = row->port,
					     .proto = row->proto };

	assert_int_equal(VEC_PUSH(f->arena, &f->facts.connections, connection), 0);
}

static cJSON *ask(const struct fixture *f)
{
	cJSON *plan = cJSON_CreateObject();

	assert_int_equal(report_cut(&f->in[0], &f->in[1], &f->facts, plan), 0);
	return plan;
}

static const char *text_of(const cJSON *object, const char *name)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(object, name));

	return text ? text : "-";
}

static double number_of(const cJSON *plan, const char *name)
{
	return cJSON_GetObjectItem(cJSON_GetObjectItem(plan, "connections"), name)->valuedouble;
}

static void each_by_its_own_tuple(void **state)
{
	static const struct row rows[] = {
		{ "172.18.0.2", "172.19.0.2", "172.19.0.2", 5432, 5432, PROTO_TCP,
		  "web db 5432/tcp" },
		{ "172.18.0.2", "172.18.0.3", "172.18.0.3", 80, 80, PROTO_SCTP,
		  "web web2 80/sctp" }, /* deny beats within */
		{ "172.18.0.2", "203.0.113.9", "203.0.113.9", 0, 0, PROTO_ICMP, "web - icmp" },
		{ "172.18.0.2", "172.18.0.1", "172.18.0.1", 53, 53, PROTO_UDP, "web host 53/udp" },
		/* Published: DNATed, and taken by docker-proxy. */
		{ "203.0.113.9", "198.51.100.1", "172.18.0.2", 80, 8080, PROTO_TCP,
		  "- web 8080/tcp" },
		{ "203.0.113.8", "198.51.100.1", "198.51.100.1", 80, 80, PROTO_TCP,
		  "- web 8080/tcp" },
		{ "203.0.113.7", "198.51.100.1", "198.51.100.1", 81, 81, PROTO_TCP,
		  "- web 8081/tcp" },
		{ "203.0.113.6", "172.18.0.1", "172.18.0.1", 81, 81, PROTO_TCP, NULL },
		{ "172.18.0.3", "198.51.100.1", "198.51.100.1", 80, 80, PROTO_TCP,
		  "web2 web 8080/tcp" },
		/* This host may reach what is in a tier, under either policy. */
		{ "172.18.0.1", "172.18.0.2", "172.18.0.2", 80, 80, PROTO_TCP, NULL },
		{ "127.0.0.1", "127.0.0.1", "127.0.0.1", 80, 80, PROTO_TCP, NULL },
		{ "172.18.0.1", "172.20.0.2", "172.20.0.2", 80, 80, PROTO_TCP,
		  "host cache 80/tcp" },
		/* Not netd's: past it, and what the old policy denied already. */
		{ "203.0.113.9", "198.51.100.1", "198.51.100.1", 22, 22, PROTO_TCP, NULL },
		{ "203.0.113.9", "192.0.2.9", "192.0.2.9", 80, 80, PROTO_TCP, NULL },
		{ "172.19.0.2", "172.18.0.2", "172.18.0.2", 80, 80, PROTO_TCP, NULL },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char got[128] = "";
		f->facts.connections.n = 0;
		add(f, &rows[i]);
		cJSON *plan = ask(f);
		const cJSON *item = cJSON_GetArrayItem(
			cJSON_GetObjectItem(cJSON_GetObjectItem(plan, "connections"), "cut"), 0);
		if (item)
			(void)snprintf(got, sizeof(got), "%s %s %s", text_of(item, "from"),
				       text_of(item, "to"), text_of(item, "port"));
		if (strcmp(got, rows[i].cut ? rows[i].cut : "") != 0)
			fail_msg("row %zu: `%s`", i, got);
		cJSON_Delete(plan);
	}
}

/* The line of the new policy; tiers of the one in force. */
static void says_by_what(void **state)
{
	static const struct row row = {
		"172.18.0.2", "172.19.0.2", "172.19.0.2", 1, 1, PROTO_TCP, ""
	};
	struct fixture *f = *state;

	add(f, &row);
	cJSON *plan = ask(f);
	const cJSON *item = cJSON_GetArrayItem(
		cJSON_GetObjectItem(cJSON_GetObjectItem(plan, "connections"), "cut"), 0);
	assert_string_equal(text_of(item, "from_tier"), "web");
	assert_string_equal(text_of(item, "to_tier"), "db");
	assert_string_equal(text_of(item, "from_address"), "172.18.0.2");
	assert_int_equal(cJSON_GetObjectItem(item, "from_port")->valueint, 40000);
	assert_int_equal(cJSON_GetObjectItem(cJSON_GetObjectItem(item, "rule"), "line")->valueint,
			 6);
	cJSON_Delete(plan);
}

static void has_bounds(void **state)
{
	struct fixture *f = *state;
	struct cut_connection connection = { .from = ip("203.0.113.1"),
					     .sent_to = ip("198.51.100.1"),
					     .to = ip("172.18.0.2"),
					     .port = 8080,
					     .proto = PROTO_TCP };

	f->facts.n_left_out = 7;
	/* One flow, however many connections. */
	for (uint16_t i = 0; i < LIMIT_CUT_LISTED + 1; i++) {
		connection.from_port = i;
		assert_int_equal(VEC_PUSH(f->arena, &f->facts.connections, connection), 0);
	}
	cJSON *plan = ask(f);
	assert_int_equal((int)number_of(plan, "more"), 1);
	assert_int_equal((int)number_of(plan, "not_judged"), 7);
	cJSON_Delete(plan);
	for (unsigned int i = 1; i <= LIMIT_CUT_FLOWS; i++) {
		connection.from.bytes[1] = (uint8_t)(1 + i / 256);
		connection.from.bytes[2] = (uint8_t)i;
		assert_int_equal(VEC_PUSH(f->arena, &f->facts.connections, connection), 0);
	}
	plan = ask(f);
	assert_int_equal((int)(number_of(plan, "not_judged") - 7), 1);
	cJSON_Delete(plan);
}

static void says_why_not(void **state)
{
	struct fixture *f = *state;

	f->facts.error = "reading the connection table: Operation not supported";
	cJSON *plan = ask(f);
	assert_string_equal(text_of(cJSON_GetObjectItem(plan, "connections"), "error"),
			    f->facts.error);
	cJSON_Delete(plan);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_by_its_own_tuple, set_up, tear_down),
		cmocka_unit_test_setup_teardown(says_by_what, set_up, tear_down),
		cmocka_unit_test_setup_teardown(has_bounds, set_up, tear_down),
		cmocka_unit_test_setup_teardown(says_why_not, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("cut", tests, NULL, NULL);
}
