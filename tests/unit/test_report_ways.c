/* SPDX-License-Identifier: GPL-2.0-or-later */
/* core/report: of the many ways between two ends the best decides, wherever it is found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/report/report.h"
#include "tests/unit/test_report_lib.h"

/* An id has 64 hex digits. */
#define ZEROS "00000000000000000000000000000000000000000000000000000000000000"
#define NETWORK(id, name, subnets, rest)            \
	"{\"id\":\"" ZEROS id "\",\"name\":\"" name \
	"\",\"driver\":\"bridge\",\"bridge\":\"br-" name "\",\"subnets\":[" subnets "]" rest "}"
#define CONTAINER(id, name, endpoints, published)                                                  \
	"{\"id\":\"" ZEROS id "\",\"name\":\"" name                                                \
	"\",\"image\":\"i\",\"labels\":{},\"endpoints\":[" endpoints "],\"published\":[" published \
	"]}"
#define ON(network, v4, v6) "{\"network\":\"" network "\",\"ipv4\":\"" v4 "\",\"ipv6\":\"" v6 "\"}"
#define ON4(network, v4) "{\"network\":\"" network "\",\"ipv4\":\"" v4 "\"}"
#define OPEN6(host_port) "{\"host_ip\":\"::\",\"host_port\":" host_port ",\"port\":\"90/tcp\"}"
#define OPEN "{\"host_ip\":\"0.0.0.0\",\"host_port\":8080,\"port\":\"80/tcp\"}"

/* Docker does not filter IPv6 here. `both` is on left and right; old has no IPv6, on quiet Docker
 * lets nobody talk over IPv4, shut is internal. */
/* clang-format off */
static const char host[] =
	"{\"version\":1,\"ip6tables\":false,\"resolvers\":[\"8.8.8.8\"],\"networks\":["
	NETWORK("a1", "left", "\"10.77.1.0/24\",\"fd00:1::/64\"", "") ","
	NETWORK("a2", "old", "\"10.77.2.0/24\"", "") ","
	NETWORK("a3", "quiet", "\"10.77.3.0/24\",\"fd00:3::/64\"", ",\"icc\":false") ","
	NETWORK("a4", "right", "\"10.77.4.0/24\",\"fd00:4::/64\"", "") ","
	NETWORK("a5", "shut", "\"10.77.5.0/24\"", ",\"internal\":true") ","
	NETWORK("a6", "wide", "\"10.77.6.0/24\"", "")
	"],\"containers\":["
	CONTAINER("c1", "both", ON("left", "10.77.1.2", "fd00:1::2") ","
				ON("right", "10.77.4.2", "fd00:4::2"), OPEN6("9090")) ","
	CONTAINER("c2", "db", ON("right", "10.77.4.3", "fd00:4::3"), OPEN6("9091")) ","
	CONTAINER("c3", "one", ON4("old", "10.77.2.4") ","
			       ON("quiet", "10.77.3.4", "fd00:3::4"), "") ","
	CONTAINER("c4", "two", ON4("old", "10.77.2.5") ","
			       ON("quiet", "10.77.3.5", "fd00:3::5"), "") ","
	CONTAINER("c5", "web", ON("left", "10.77.1.6", "fd00:1::6"), "") ","
	CONTAINER("c6", "inner", ON4("shut", "10.77.5.7"), OPEN) ","
	CONTAINER("c7", "outer", ON4("wide", "10.77.6.8"), "")
	"]}";
/* clang-format on */

static const char rules[] = "version: 1\n"
			    "tiers:\n"
			    "  left: {match: [{network: left}], within: deny}\n"
			    "  right: {match: [{network: right}]}\n"
			    "  old: {match: [{network: old}], within: deny}\n"
			    "  quiet: {match: [{network: quiet}]}\n"
			    "  edge: {match: [{network: shut}, {network: wide}], mode: audit}\n"
			    "  empty: {match: [{network: none}]}\n"
			    "allow:\n"
			    "  - {from: left, to: right}\n"
			    "  - {from: left, to: [\"::/0\", 0.0.0.0/0], ports: [443/tcp]}\n"
			    "  - {from: empty, to: dns}\n"
			    "  - {from: lan, to: right}\n"
			    "deny:\n"
			    "  - {from: empty, to: internet, ports: [53/tcp]}\n";

static const char *verdict(const struct report_input *in, const struct report_question *question,
			   struct arena *arena)
{
	struct report_explained answer;

	assert_int_equal(report_explain(in, question, arena, &answer), 0);
	const char *said = cJSON_GetStringValue(cJSON_GetObjectItem(answer.json, "verdict"));
	assert_non_null(said);
	said = arena_strdup(arena, said);
	cJSON_Delete(answer.json);
	return said;
}

static void the_best_way_decides(void **state)
{
	static const struct {
		const char *from, *to, *port, *want;
	} questions[] = {
		/* IPv6 is routed, and the answer comes back the same way. */
		{ "web", "db", "80/tcp", "allow" },
		/* Its answer would leave on left, with an address of right. */
		{ "web", "both", "80/tcp", "deny" },
		{ "tier:left", "tier:right", "80/tcp", "allow" },
		{ "web", "tier:right", "80/tcp", "allow" },
		{ "tier:left", "both", "80/tcp", "deny" },
		/* On quiet, where enable_icc=false holds IPv4 alone. */
		{ "one", "two", "80/tcp", "allow" },
		/* What stands for a wide prefix can be sent to. */
		{ "web", "::/0", "443/tcp", "allow" },
		{ "web", "0.0.0.0/0", "443/tcp", "allow" },
		{ "web", "fd00:ec2::254", "443/tcp", "allow" },
		/* The host's resolver, where a tier has no containers: a deny rule may hold it. */
		{ "empty", "dns", "53/udp", "allow" },
		{ "empty", "8.8.8.8", "53/udp", "allow" },
		{ "empty", "dns", "53/tcp", "deny" },
		/* Behind docker-proxy it does not show on which network `both` answers; db does. */
		{ "lan", "tier:right", "90/tcp", "allow" },
		{ "lan", "both", "90/tcp", "deny" },
		/* Docker closes the internal network; the other member is audited. */
		{ "internet", "tier:edge", "80/tcp", "audit" },
	};
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct policy *policy = parse_policy(rules, arena);
	struct report_input in;

	(void)state;
	assert_int_equal(report_prepare(&policy, 1, parse_world(host, arena), NOW, arena, &in), 0);
	for (size_t i = 0; i < ARRAY_LEN(questions); i++) {
		const struct report_question question = { questions[i].from, questions[i].to,
							  questions[i].port };
		const char *got = verdict(&in, &question, arena);
		if (strcmp(got, questions[i].want) != 0)
			fail_msg("%s -> %s %s: %s", question.from, question.to, question.port, got);
	}
}

/* Of two networks without traffic between containers, legacy links are on Docker's own alone. */
static void a_legacy_link_is_of_dockers_network(void **state)
{
	/* clang-format off */
	static const char json[] =
		"{\"version\":1,\"networks\":["
		NETWORK("a1", "bridge", "\"10.77.1.0/24\"", ",\"icc\":false") ","
		NETWORK("a2", "quiet", "\"10.77.2.0/24\"", ",\"icc\":false")
		"],\"containers\":["
		CONTAINER("c1", "one", ON4("bridge", "10.77.1.2"), "") ","
		CONTAINER("c2", "two", ON4("bridge", "10.77.1.3"), "") ","
		CONTAINER("c3", "three", ON4("quiet", "10.77.2.2"), "") ","
		CONTAINER("c4", "four", ON4("quiet", "10.77.2.3"), "")
		"]}";
	/* clang-format on */
	static const char yaml[] = "version: 1\ntiers: {all: {match: [{network: \"*\"}]}}\n";
	static const struct {
		const char *from, *to;
		bool link;
	} rows[] = { { "one", "two", true }, { "three", "four", false } };
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct policy *policy = parse_policy(yaml, arena);
	struct report_input in;

	(void)state;
	assert_int_equal(report_prepare(&policy, 1, parse_world(json, arena), NOW, arena, &in), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct report_question question = { rows[i].from, rows[i].to, "80/tcp" };
		struct report_explained answer;
		assert_int_equal(report_explain(&in, &question, arena, &answer), 0);
		CLEANUP(free_ptr) char *said = cJSON_PrintUnformatted(answer.json);
		cJSON_Delete(answer.json);
		assert_non_null(strstr(said, "enable_icc=false"));
		assert_int_equal(strstr(said, "legacy --link") != NULL, rows[i].link);
		assert_int_equal(strstr(said, "\"uncertain\":true") != NULL, rows[i].link);
	}
}

/* From Docker 26 on nothing is routed from or to an internal network, for want of a route back. Who
 * is on the sender's network, too, needs none: Docker lets that pass, and netd's guard does not. */
static void who_answers_on_its_network_needs_no_route(void **state)
{
	/* clang-format off */
	static const char json[] =
		"{\"version\":1,\"engine\":\"26.1.5\",\"ip6tables\":false,\"networks\":["
		NETWORK("a1", "inner", "\"10.77.1.0/24\",\"fd00:1::/64\"", ",\"internal\":true") ","
		NETWORK("a2", "outer", "\"10.77.2.0/24\",\"fd00:2::/64\"", "")
		"],\"containers\":["
		CONTAINER("c1", "both", ON("inner", "10.77.1.2", "fd00:1::2") ","
					ON("outer", "10.77.2.2", "fd00:2::2"), "") ","
		CONTAINER("c2", "db", ON("inner", "10.77.1.3", "fd00:1::3"), "") ","
		CONTAINER("c3", "web", ON("outer", "10.77.2.3", "fd00:2::3"), "")
		"]}";
	/* clang-format on */
	static const char yaml[] = "version: 1\n"
				   "tiers:\n"
				   "  inner: {match: [{network: inner}]}\n"
				   "  outer: {match: [{network: outer}]}\n"
				   "allow:\n"
				   "  - {from: [inner, outer], to: [inner, outer]}\n";
	static const struct {
		const char *from, *to, *by;
	} rows[] = {
		{ "fd00:2::3", "fd00:1::2", "netd" },	/* its answer leaves on outer */
		{ "10.77.2.3", "10.77.1.2", "docker" }, /* filtered */
		{ "fd00:2::3", "fd00:1::3", "docker" },
		{ "fd00:1::3", "fd00:2::2", "docker" }, /* the question has no route */
	};
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct policy *policy = parse_policy(yaml, arena);
	struct report_input in;

	(void)state;
	assert_int_equal(report_prepare(&policy, 1, parse_world(json, arena), NOW, arena, &in), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct report_question question = { rows[i].from, rows[i].to, "80/tcp" };
		struct report_explained answer;
		/* Both families are answered, IPv4 first. */
		assert_int_equal(report_explain(&in, &question, arena, &answer), 0);
		const cJSON *way = cJSON_GetArrayItem(cJSON_GetObjectItem(answer.json, "ways"),
						      strchr(rows[i].from, ':') != NULL);
		assert_true(cJSON_IsFalse(cJSON_GetObjectItem(way, "allowed")));
		assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(way, "by")),
				    rows[i].by);
		cJSON_Delete(answer.json);
	}
}

/* The cell's member as text, "" where it has none. Frees @matrix. */
static const char *cell_text(cJSON *matrix, const char *from, const char *to, const char *member,
			     struct arena *arena)
{
	const char *found = "";
	cJSON *cell;

	cJSON_ArrayForEach(cell, cJSON_GetObjectItem(matrix, "cells")) {
		cJSON *item = cJSON_GetObjectItem(cell, member);
		if (!item ||
		    strcmp(cJSON_GetStringValue(cJSON_GetObjectItem(cell, "from")), from) != 0 ||
		    strcmp(cJSON_GetStringValue(cJSON_GetObjectItem(cell, "to")), to) != 0)
			continue;
		CLEANUP(free_ptr) char *text = cJSON_PrintUnformatted(item);
		found = arena_strdup(arena, text);
	}
	cJSON_Delete(matrix);
	return found;
}

/* `both` comes first, and does not stand for all of right. */
static void a_cell_is_of_those_who_meet(void **state)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct policy *policy = parse_policy(rules, arena);
	struct report_input in;
	cJSON *matrix = NULL;

	(void)state;
	assert_int_equal(report_prepare(&policy, 1, parse_world(host, arena), NOW, arena, &in), 0);
	assert_int_equal(report_matrix(&in, &matrix), 0);
	assert_string_equal(cell_text(matrix, "left", "right", "allow", arena),
			    "{\"ports\":[\"any\"],\"except\":[\"icmp\"]}");
	/* Behind docker-proxy `both` is closed, db is not. */
	assert_int_equal(report_matrix(&in, &matrix), 0);
	assert_string_equal(cell_text(matrix, "lan", "right", "allow", arena),
			    "{\"ports\":[\"90/tcp\"]}");
}

/* "any" is said of icmpv6 only where IPv6 is let through. */
static void a_cell_tells_icmpv6_from_icmp(void **state)
{
	static const char yaml[] = "version: 1\n"
				   "tiers: {web: {match: [{network: web}]}}\n"
				   "allow: [{from: web, to: 0.0.0.0/0}]\n";
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct policy *policy = parse_policy(yaml, arena);
	struct report_input in;
	cJSON *matrix = NULL;

	(void)state;
	assert_int_equal(report_prepare(&policy, 1, NULL, NOW, arena, &in), 0);
	assert_int_equal(report_matrix(&in, &matrix), 0);
	assert_string_equal(cell_text(matrix, "web", "internet", "allow", arena),
			    "{\"ports\":[\"any\"],\"except\":[\"icmpv6\"]}");
}

/* Audited over IPv4, allowed over IPv6. */
static void an_audited_way_hides_no_open_one(void **state)
{
	static const char yaml[] =
		"version: 1\n"
		"mode: audit\n"
		"tiers: {web: {match: [{network: web}]}}\n"
		"allow: [{from: web, to: \"::/0\"}]\n"
		"tests: [{from: web, to: internet, port: 443/tcp, expect: allow}]\n";
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct policy *policy = parse_policy(yaml, arena);
	struct report_input in;
	cJSON *json = NULL;
	size_t failed;

	(void)state;
	assert_int_equal(report_prepare(&policy, 1, NULL, NOW, arena, &in), 0);
	assert_int_equal(report_test(&in, &json, &failed), 0);
	cJSON_Delete(json);
	assert_int_equal(failed, 0);
}

/* A number that Docker is still to choose is judged like one that is known: web is open, db is not,
 * also to docker-proxy's clients, who have no other way to a container without IPv6. */
static void a_port_without_a_number_is_judged(void **state)
{
	/* clang-format off */
	static const char json[] =
		"{\"version\":1,\"networks\":["
		NETWORK("a1", "web", "\"10.77.1.0/24\"", "") ","
		NETWORK("a2", "db", "\"10.77.2.0/24\"", "")
		"],\"containers\":["
		CONTAINER("c1", "db-1", ON4("db", "10.77.2.2"), OPEN6("0")) ","
		CONTAINER("c2", "db-2", ON4("db", "10.77.2.3"), OPEN6("65535")) ","
		CONTAINER("c3", "web-1", ON4("web", "10.77.1.2"), OPEN6("0"))
		"]}";
	/* clang-format on */
	static const char yaml[] = "version: 1\n"
				   "tiers: {web: {match: [{network: web}]},"
				   " db: {match: [{network: db}]}}\n"
				   "allow: [{from: internet, to: web, ports: 90/tcp}]\n";
	static const char *const open[][2] = { { "web-1", "allow" },
					       { "db-1", "deny" },
					       { "db-2", "deny" } };
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct policy *policy = parse_policy(yaml, arena);
	struct report_input in;
	cJSON *ports = NULL;

	(void)state;
	assert_int_equal(report_prepare(&policy, 1, parse_world(json, arena), NOW, arena, &in), 0);
	for (size_t i = 0; i < ARRAY_LEN(open); i++) {
		const struct report_question question = { "internet", open[i][0], "90/tcp" };
		assert_string_equal(verdict(&in, &question, arena), open[i][1]);
	}
	assert_int_equal(report_ports(&in, &ports), 0);
	const cJSON *first = cJSON_GetArrayItem(cJSON_GetObjectItem(ports, "ports"), 0);
	assert_true(cJSON_GetNumberValue(cJSON_GetObjectItem(first, "host_port")) < 1);
	cJSON_Delete(ports);
}

/* The internet reaches those that are admitted through a port. */
static void check_ports(const struct report_input *in)
{
	const cJSON *row;
	cJSON *report = NULL;
	int n = 0;

	assert_int_equal(report_ports(in, &report), 0);
	cJSON_ArrayForEach(row, cJSON_GetObjectItem(report, "ports")) {
		const cJSON *name = cJSON_GetObjectItem(row, "container");
		/* each is on one network: its endpoint has its place */
		int c = world_find_container(in->world, cJSON_GetStringValue(name));
		bool open = in->compiled->assignments[c].port != NULL;
		assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(row, "reachable_from")),
				 open ? 1 : 0);
		n++;
	}
	cJSON_Delete(report);
	assert_int_equal(n, 2);
}

static void check_cell(const struct report_input *in, const char *from, const char *to)
{
	const cJSON *cell;
	cJSON *matrix = NULL;
	int n = 0;

	assert_int_equal(report_matrix(in, &matrix), 0);
	cJSON_ArrayForEach(cell, cJSON_GetObjectItem(matrix, "cells")) {
		const char *one = cJSON_GetStringValue(cJSON_GetObjectItem(cell, "from"));
		const char *other = cJSON_GetStringValue(cJSON_GetObjectItem(cell, "to"));
		if (strcmp(one, from) != 0 || strcmp(other, to) != 0)
			continue;
		n += cJSON_GetObjectItem(cell, "allow") != NULL;
	}
	cJSON_Delete(matrix);
	assert_int_equal(n, 1);
}

/* One container of a tier is closed, as no port shows its MAC, or more than one: what is said of it
 * is not said of the others, nor the other way round. Each of three in turn: the first of those
 * that publish the port and alone on its network, one that publishes nothing, and the last. */
static void a_closed_container_speaks_for_nobody(void **state)
{
	/* clang-format off */
	static const char json[] =
		"{\"version\":1,\"networks\":["
		NETWORK("a1", "web", "\"10.77.1.0/24\"", "") ","
		NETWORK("a2", "web2", "\"10.77.2.0/24\"", "")
		"],\"containers\":["
		CONTAINER("c1", "web-1", ON4("web", "10.77.1.2"), OPEN) ","
		CONTAINER("c2", "web-2", ON4("web2", "10.77.2.3"), "") ","
		CONTAINER("c3", "web-3", ON4("web2", "10.77.2.4"), OPEN)
		"]}";
	/* clang-format on */
	static const char yaml[] = "version: 1\n"
				   "tiers: {web: {match: [{network: web*}]}}\n"
				   "allow: [{from: internet, to: web, ports: 80/tcp},"
				   " {from: web, to: internet}]\n";
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct policy *policy = parse_policy(yaml, arena);
	const struct world *whole = parse_world(json, arena);

	(void)state;
	for (size_t closed = 0; closed < whole->n_ports; closed++) {
		struct world world = *whole;
		struct world_port *ports =
			arena_dup(arena, whole->ports, whole->n_ports * sizeof(*ports));
		struct report_input in;
		ports[closed].peer_mac = (struct mac_addr){ 0 };
		world.ports = ports;
		assert_int_equal(report_prepare(&policy, 1, &world, NOW, arena, &in), 0);
		check_ports(&in);
		check_cell(&in, "internet", "web");
		check_cell(&in, "web", "internet");
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_best_way_decides),
		cmocka_unit_test(a_legacy_link_is_of_dockers_network),
		cmocka_unit_test(who_answers_on_its_network_needs_no_route),
		cmocka_unit_test(a_cell_is_of_those_who_meet),
		cmocka_unit_test(a_cell_tells_icmpv6_from_icmp),
		cmocka_unit_test(an_audited_way_hides_no_open_one),
		cmocka_unit_test(a_port_without_a_number_is_judged),
		cmocka_unit_test(a_closed_container_speaks_for_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
