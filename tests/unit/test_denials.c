/* SPDX-License-Identifier: GPL-2.0-or-later */
/* daemon/denials: who is at the ends of what the rules have logged, in names and as metrics count
 * them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/report/report.h"
#include "daemon/denials.h"
#include "daemon/generation.h"
#include "daemon/policy-set.h"
#include "tests/unit/test_report_lib.h"
#include "tests/unit/test_rows_lib.h"

static const char rules[] = "version: 1\n"
			    "tiers:\n"
			    "  web: {match: [{network: front}]}\n"
			    "  away: {match: [{network: lan}, {network: swarm}]}\n";

/* The overlay's address is also one of the bridge's, the macvlan's one of the local network; its
 * gateway is a router. */
static const char host[] =
	"{\"version\":1,\"host_addresses\":[\"192.168.9.9\"],\"networks\":["
	"{\"name\":\"front\",\"bridge\":\"br-front\",\"subnets\":[\"10.0.1.0/24\"],"
	"\"gateways\":[\"10.0.1.1\"]},"
	"{\"name\":\"lan\",\"driver\":\"macvlan\",\"subnets\":[\"192.168.9.0/24\"],"
	"\"gateways\":[\"192.168.9.1\"]},"
	"{\"name\":\"swarm\",\"driver\":\"overlay\",\"subnets\":[\"10.0.1.0/24\"]}],"
	"\"containers\":["
	"{\"name\":\"a-task\",\"endpoints\":[{\"network\":\"swarm\",\"ipv4\":\"10.0.1.5\"}]},"
	"{\"name\":\"b-box\",\"endpoints\":[{\"network\":\"lan\",\"ipv4\":\"192.168.9.7\"}]},"
	"{\"name\":\"c-web\",\"endpoints\":[{\"network\":\"front\",\"ipv4\":\"10.0.1.5\","
	"\"mac\":\"02:42:0a:00:01:05\"}]}]}";

struct made {
	struct arena *arena;
	struct policy_set set;
	struct generation generation;
};

static void make(struct made *made)
{
	struct report_input in;
	const struct policy *policy;

	made->arena = arena_new();
	policy = parse_policy(rules, made->arena);
	assert_int_equal(
		report_prepare(&policy, 1, parse_world(host, made->arena), NOW, made->arena, &in),
		0);
	made->set = (struct policy_set){ .policy = policy };
	made->generation = (struct generation){ .policy = &made->set,
						.world = in.world,
						.compiled = *in.compiled };
}

static const struct end_row {
	const char *name, *addr, *container, *group;
} end_rows[] = {
	{ "a container", "10.0.1.5", "c-web", "web" }, /* not the overlay's */
	{ "by its MAC", "fe80::42:aff:fe00:105", "c-web", "web" },
	{ "a macvlan's is one outside", "192.168.9.7", NULL, "lan" },
	{ "and so is its router", "192.168.9.1", NULL, "lan" },
	{ "a gateway of a bridge", "10.0.1.1", NULL, "host" },
	{ "an address of this host", "192.168.9.9", NULL, "host" },
	{ "a loopback address", "127.0.0.1", NULL, "host" },
	{ "nobody's on a bridge", "10.0.1.77", NULL, "nobody" },
	{ "outside", "203.0.113.9", NULL, "internet" },
	{ "in no zone", "169.254.169.254", NULL, "nobody" },
};

static void knows_an_end(void **state)
{
	static struct denials denials;
	const struct end_row *row = *state;
	struct made made;
	struct nflog_packet packet = { .prefix = "netd: no-rule ", .has_port = true };
	const struct logged logged = { .kind = LOGGED_DENIED, .reason = REASON_NO_RULE };

	make(&made);
	memset(&denials, 0, sizeof(denials));
	assert_int_equal(ip_parse(row->addr, &packet.from), 0);
	assert_int_equal(ip_parse("203.0.113.7", &packet.to), 0);
	struct denied_end end = denials_end(&packet, true, &made.generation);
	const struct world *world = made.generation.world;
	assert_int_equal(end.endpoint == SIZE_MAX, row->container == NULL);
	if (row->container)
		assert_string_equal(
			world->containers[world->endpoints[end.endpoint].container].name,
			row->container);
	denials_note(&denials, &packet, &logged, &made.generation, 1);
	denials_note(&denials, &packet, &logged, &made.generation, 2); /* counted, not said */
	assert_int_equal(denials.pairs.n, 1);
	assert_string_equal(denials.pairs.items[0].from, row->group);
	assert_string_equal(denials.pairs.items[0].to, "internet");
	assert_int_equal(denials.pairs.items[0].n, 2);
	arena_freep(&made.arena);
}

/* Before Docker has told of anybody. */
static void knows_nobody_yet(void **state)
{
	struct nflog_packet packet = { .hook = NFLOG_FROM_HOST };
	const struct denied_end end = denials_end(&packet, true, NULL);

	(void)state;
	assert_true(end.endpoint == SIZE_MAX && end.is_host);
	assert_false(denials_end(&packet, false, NULL).is_host);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_LEN(end_rows) + 1] = {
		[ARRAY_LEN(end_rows)] = cmocka_unit_test(knows_nobody_yet)
	};

	ADD_ROWS(tests, 0, end_rows, knows_an_end);
	return cmocka_run_group_tests_name("denials", tests, NULL, NULL);
}
