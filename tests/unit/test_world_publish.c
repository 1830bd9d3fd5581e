/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which endpoint publishes, and how; who has the default route; what is this host's. The rows are
 * what Docker 20.10, 26.1 and 28.5 were seen to do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/world/world-store.h"
#include "tests/unit/test_rows_lib.h"

#define NETWORKS                                                                            \
	"\"networks\":[{\"name\":\"alpha\"},{\"name\":\"beta\"},{\"name\":\"gamma\"},"      \
	"{\"name\":\"inner\",\"internal\":true},{\"name\":\"lan\",\"driver\":\"macvlan\"}," \
	"{\"name\":\"routed\",\"gateway_mode_ipv4\":\"routed\"},"                           \
	"{\"name\":\"shut\",\"internal\":true,\"gateway_mode_ipv4\":\"isolated\"}]"
#define V4(network, last, more) \
	"{\"network\":\"" network "\",\"ipv4\":\"172.18.0." last "\"" more "}"
#define V46(network, last, more) V4(network, last, ",\"ipv6\":\"fd00::" last "\"" more)
#define PRIORITY(n) ",\"gw_priority\":" n
#define OLD "\"engine\":\"20.10.24\",\"ip6tables\":false,"
#define MIDDLE "\"engine\":\"26.1.5\",\"ip6tables\":false,"
#define NEW "\"engine\":\"28.5.2\","

/* For IPv4 and for IPv6: the network, and d DNAT, p docker-proxy, r routed. "-": none. */
static const struct publish_row {
	const char *name, *facts, *endpoints, *want4, *want6;
} publish_rows[] = {
	{ "one network", NEW, V4("gamma", "2", ""), "gamma d", "gamma p" },
	{ "both families", NEW, V46("gamma", "2", ""), "gamma d", "gamma d" },
	{ "without ip6tables", OLD, V46("gamma", "2", ""), "gamma d", "gamma p" },
	{ "by name", OLD, V4("gamma", "2", "") "," V4("alpha", "3", ""), "alpha d", "alpha p" },
	{ "both families first", MIDDLE, V4("alpha", "2", "") "," V46("beta", "3", ""), "beta d",
	  "beta p" },
	{ "priority", NEW, V4("alpha", "2", "") "," V4("gamma", "3", PRIORITY("5")), "gamma d",
	  "gamma p" },
	{ "a low priority", NEW, V4("alpha", "2", PRIORITY("-1")) "," V4("gamma", "3", ""),
	  "gamma d", "gamma p" },
	{ "both families before priority", NEW,
	  V4("alpha", "2", PRIORITY("5")) "," V46("beta", "3", ""), "beta d", "beta d" },
	{ "not an internal one", OLD, V46("inner", "2", "") "," V4("gamma", "3", ""), "gamma d",
	  "gamma p" },
	{ "internal alone", OLD, V4("inner", "2", ""), "-", "-" },
	{ "a network of another kind", OLD, V4("gamma", "2", "") "," V4("lan", "3", ""), "gamma d",
	  "gamma p" },
	{ "that comes first", OLD, V46("lan", "2", "") "," V4("gamma", "3", ""), "-", "-" },
	{ "without iptables", NEW "\"iptables\":false,", V46("gamma", "2", ""), "gamma p",
	  "gamma d" },
	{ "routed", NEW, V46("routed", "2", ""), "routed r", "routed d" },
	{ "routed, the other family by docker-proxy", NEW, V4("routed", "2", ""), "routed r",
	  "routed p" },
	{ "a mode that Docker does not know yet", MIDDLE, V46("routed", "2", ""), "routed d",
	  "routed p" },
	{ "isolated", NEW, V4("shut", "2", ""), "-", "-" },
	{ "no networks", NEW, "", "-", "-" },
};

static const struct world *parse(const char *facts, const char *endpoints, struct arena *arena)
{
	char json[2048];
	const char *error = "";
	const struct world *world = NULL;

	(void)snprintf(json, sizeof(json),
		       "{\"version\":1,%s" NETWORKS ",\"containers\":[{\"name\":\"a\"},"
		       "{\"name\":\"c\",\"endpoints\":[%s]},{\"name\":\"d\",\"endpoints\":[" V46(
			       "alpha", "99", "") "]}]}",
		       facts, endpoints);
	if (world_parse_inventory(json, strlen(json), arena, &world, &error) != 0)
		fail_msg("%s: %s", json, error);
	return world;
}

static void check(const struct world *world, enum ip_family family, const char *want)
{
	uint32_t publisher = world_publisher(world, 1, family);
	char got[80] = "-";
	size_t n;
	uint32_t first = world_endpoints_of(world, 1, &n);

	if (publisher != WORLD_NO_ENDPOINT)
		(void)snprintf(got, sizeof(got), "%s %c",
			       world->networks[world->endpoints[publisher].network].name,
			       "-dpr"[world_publishing(world, publisher, family)]);
	assert_string_equal(got, want);
	for (uint32_t i = first; i < first + n; i++)
		if (i != publisher)
			assert_int_equal(world_publishing(world, i, family), WORLD_PUBLISHES_NOT);
}

static void publishes(void **state)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct publish_row *row = *state;
	const struct world *world = parse(row->facts, row->endpoints, arena);

	check(world, IP_V4, row->want4);
	check(world, IP_V6, row->want6);
}

/* The network that has the default route: for IPv4, and for IPv6. */
static const struct route_row {
	const char *name, *facts, *endpoints, *want4, *want6;
} route_rows[] = {
	{ "one for both", OLD, V4("alpha", "2", "") "," V46("beta", "3", ""), "beta", "beta" },
	{ "one of internal ones", OLD, V4("inner", "2", ""), "inner", "inner" },
	{ "no longer", MIDDLE, V4("inner", "2", ""), "-", "-" },
	{ "beside an internal one", MIDDLE, V46("inner", "2", "") "," V4("gamma", "3", ""), "gamma",
	  "gamma" },
	{ "for each family", NEW, V46("inner", "2", "") "," V4("gamma", "3", ""), "gamma", "-" },
	{ "nobody knows the version", "", V4("inner", "2", ""), "-", "-" },
};

static void check_route(const struct world *world, enum ip_family family, const char *want)
{
	size_t n;
	uint32_t first = world_endpoints_of(world, 1, &n);

	for (uint32_t i = first; i < first + n; i++) {
		const char *network = world->networks[world->endpoints[i].network].name;
		assert_int_equal(world_has_default_route(world, i, family),
				 strcmp(network, want) == 0);
	}
}

static void has_default_route(void **state)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct route_row *row = *state;
	const struct world *world = parse(row->facts, row->endpoints, arena);

	check_route(world, IP_V4, row->want4);
	check_route(world, IP_V6, row->want6);
}

/* What Docker lets pass between networks, as enable_ip_masquerade, gateway modes and --internal
 * say. */
static void knows_what_passes_between_networks(void **state)
{
	static const char json[] =
		"{\"version\":1,\"engine\":\"28.5.2\",\"networks\":["
		"{\"name\":\"a-nat\"},{\"name\":\"b-keeps\",\"masquerade\":false},"
		"{\"name\":\"c-open\",\"gateway_mode_ipv4\":\"routed\"},"
		"{\"name\":\"d-inner\",\"internal\":true,\"gateway_mode_ipv4\":\"routed\"}],"
		"\"containers\":[{\"name\":\"c\",\"published\":[{\"port\":\"80/tcp\"},"
		"{\"host_ip\":\"::\",\"port\":\"81/tcp\"}],\"endpoints\":["
		"{\"network\":\"a-nat\",\"ipv4\":\"172.18.0.2\"},"
		"{\"network\":\"b-keeps\",\"ipv4\":\"172.19.0.2\"},"
		"{\"network\":\"c-open\",\"ipv4\":\"172.20.0.2\",\"gw_priority\":1},"
		"{\"network\":\"d-inner\",\"ipv4\":\"172.21.0.2\"}]}]}";
	static const struct {
		bool masquerades, open, sends, answers, icmp, port;
	} want[] = { { true, false, false, false, false, false },
		     { false, false, false, true, false, false },
		     { false, true, true, true, true, true },
		     { false, false, false, true, false, false } };
	static const struct port_range icmp = { PROTO_ICMP, 0, 0 }, http = { PROTO_TCP, 80, 80 },
				       other = { PROTO_TCP, 81, 81 };
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct world *world = NULL;
	const char *error = "";

	(void)state;
	if (world_parse_inventory(json, strlen(json), arena, &world, &error) != 0)
		fail_msg("%s", error);
	for (uint32_t i = 0; i < ARRAY_LEN(want); i++) {
		assert_int_equal(world_masquerades(world, IP_V4, i), want[i].masquerades);
		assert_int_equal(world_is_open_to_networks(world, IP_V4, i), want[i].open);
		assert_false(world_is_open_to_networks(world, IP_V6, i));
		assert_int_equal(world_sends_to_networks(world, IP_V4, i), want[i].sends);
		assert_int_equal(world_answers_elsewhere(world, IP_V4, i, 0), want[i].answers);
		assert_int_equal(world_lets_in(world, IP_V4, i, &icmp), want[i].icmp);
		assert_int_equal(world_lets_in(world, IP_V4, i, &http), want[i].port);
		assert_false(world_lets_in(world, IP_V4, i, &other)); /* over the other family */
	}
}

static void knows_the_host(void **state)
{
	static const struct {
		const char *addr;
		bool is_host;
	} rows[] = { { "192.0.2.1", true },   { "192.0.2.2", false },  { "127.0.0.9", true },
		     { "::1", true },	      { "2001:db8::1", true }, { "172.19.0.1", true },
		     { "172.19.0.2", false }, { "172.20.0.1", false } /* a macvlan's: a router */ };
	static const char json[] =
		"{\"version\":1,\"host_addresses\":[\"2001:db8::1\",\"192.0.2.1\",\"192.0.2.1\"],"
		"\"networks\":[{\"name\":\"a\",\"gateways\":[\"172.19.0.1\"]},"
		"{\"name\":\"b\",\"driver\":\"macvlan\",\"gateways\":[\"172.20.0.1\"]}]}";
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct world *world = NULL;
	const char *error = "";

	(void)state;
	assert_int_equal(world_parse_inventory(json, strlen(json), arena, &world, &error), 0);
	assert_int_equal(world->n_host_addrs, 2);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ip_addr addr;
		assert_int_equal(ip_parse(rows[i].addr, &addr), 0);
		assert_int_equal(world_is_host_address(world, &addr), rows[i].is_host);
	}
}

/* What Docker 28 lists, in a snapshot and in the inventory made of it. */
static void priorities_of_docker(void **state)
{
	static const char network[] =
		"{\"Id\":\"n1\",\"Name\":\"n\",\"Driver\":\"bridge\",\"Options\":{"
		"\"com.docker.network.bridge.enable_ip_masquerade\":\"false\","
		"\"com.docker.network.bridge.gateway_mode_ipv6\":\"routed\"},\"Containers\":{"
		"\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\":{"
		"\"IPv4Address\":\"172.18.0.2/16\"}}}";
	static const char list[] =
		"[{\"Id\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\","
		"\"Names\":[\"/c\"],\"State\":\"running\",\"Labels\":{\"x\":\"y\"},"
		"\"NetworkSettings\":{\"Networks\":{\"m\":{\"NetworkID\":\"n0\",\"GwPriority\":3},"
		"\"n\":{\"NetworkID\":\"n1\",\"GwPriority\":-7}}}}]";
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct world_store *store = world_store_new();
	const struct world *world = NULL, *again = NULL;
	const char *error = "";

	(void)state;
	assert_int_equal(world_store_put_containers(store, list, sizeof(list) - 1, &error), 0);
	assert_int_equal(world_store_put_network(store, network, sizeof(network) - 1, &error), 0);
	assert_int_equal(world_store_snapshot(store, arena, &world), 0);
	assert_int_equal(world->n_endpoints, 1);
	assert_int_equal(world->endpoints[0].gw_priority, -7);
	assert_int_equal(world->networks[0].modes[0], WORLD_GATEWAY_NAT);
	assert_int_equal(world->networks[0].modes[1], WORLD_GATEWAY_ROUTED);
	assert_true(world->networks[0].no_masquerade);
	char *printed CLEANUP(free_ptr) = world_print_inventory(world);
	assert_int_equal(world_parse_inventory(printed, strlen(printed), arena, &again, &error), 0);
	assert_int_equal(again->endpoints[0].gw_priority, -7);
	assert_int_equal(again->networks[0].modes[1], WORLD_GATEWAY_ROUTED);
	(void)world_store_free(store);
}

#define CONTAINER_ID "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void check_routed_ports(const struct world *world)
{
	const struct world_container *c = &world->containers[0];
	assert_int_equal(c->n_published, 6);
	assert_true(world_opens_directly(world, 0, &c->published[0])); /* 80, IPv4 */
	assert_int_equal(c->published[0].host_port, 0);
	assert_false(world_opens_directly(world, 0, &c->published[1])); /* 80, IPv6 */
	assert_int_equal(c->published[1].host_port, 8080);
	assert_true(ip_is_loopback(&c->published[2].host_ip));
	assert_false(world_opens_directly(world, 0, &c->published[2])); /* 82 */
	/* 84: the wish for every address of IPv6 says nothing of IPv4 */
	assert_true(ip_is_loopback(&c->published[3].host_ip));
	assert_false(world_opens_directly(world, 0, &c->published[3]));
	assert_int_equal(c->published[4].host_ip.family, IP_V6);
	assert_int_equal(c->published[4].host_port, 8084);
	assert_true(world_opens_directly(world, 0, &c->published[5])); /* 85 */
}

/* Docker 28 lists a port that it opens at the container's own address without one of the host, and
 * whichever address it was asked for on: only an inspect tells that. Until then it is none. */
static void routed_ports_of_docker(void **state)
{
	static const char network[] =
		"{\"Id\":\"n1\",\"Name\":\"n\",\"Driver\":\"bridge\",\"Options\":{"
		"\"com.docker.network.bridge.gateway_mode_ipv4\":\"routed\"},\"Containers\":{"
		"\"" CONTAINER_ID "\":{\"IPv4Address\":\"172.18.0.2/16\"}}}";
	static const char list[] =
		"[{\"Id\":\"" CONTAINER_ID "\",\"Names\":[\"/c\"],\"State\":\"running\",\"Ports\":["
		"{\"IP\":\"0.0.0.0\",\"PrivatePort\":80,\"Type\":\"tcp\"},"
		"{\"IP\":\"::\",\"PrivatePort\":80,\"PublicPort\":8080,\"Type\":\"tcp\"},"
		"{\"IP\":\"0.0.0.0\",\"PrivatePort\":82,\"Type\":\"tcp\"},"
		"{\"PrivatePort\":83,\"Type\":\"tcp\"},"
		"{\"IP\":\"0.0.0.0\",\"PrivatePort\":84,\"Type\":\"tcp\"},"
		"{\"IP\":\"::\",\"PrivatePort\":84,\"PublicPort\":8084,\"Type\":\"tcp\"},"
		"{\"IP\":\"0.0.0.0\",\"PrivatePort\":85,\"Type\":\"tcp\"}]}]";
	static const char inspect[] =
		"{\"Id\":\"" CONTAINER_ID "\",\"State\":{\"Running\":true},\"HostConfig\":{"
		"\"PortBindings\":{\"80/tcp\":[{\"HostIp\":\"\",\"HostPort\":\"8080\"}],"
		"\"82/tcp\":[{\"HostIp\":\"127.0.0.1\",\"HostPort\":\"8082\"}],"
		"\"84/tcp\":[{\"HostIp\":\"127.0.0.1\",\"HostPort\":\"8084\"},"
		"{\"HostIp\":\"::\",\"HostPort\":\"8084\"}],"
		"\"85/tcp\":[{\"HostIp\":\"127.0.0.1\",\"HostPort\":\"8085\"},"
		"{\"HostIp\":\"192.0.2.1\",\"HostPort\":\"8085\"}]}},"
		"\"NetworkSettings\":{\"Ports\":{\"80/tcp\":[{\"HostIp\":\"0.0.0.0\",\"HostPort\":"
		"\"\"},{\"HostIp\":\"::\",\"HostPort\":\"8080\"}],\"82/tcp\":[{\"HostIp\":"
		"\"0.0.0.0\",\"HostPort\":\"\"}],\"83/tcp\":null,\"84/tcp\":[{\"HostIp\":"
		"\"0.0.0.0\",\"HostPort\":\"\"},{\"HostIp\":\"::\",\"HostPort\":\"8084\"}],"
		"\"85/tcp\":[{\"HostIp\":\"0.0.0.0\",\"HostPort\":\"\"}]}}}";
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct world_store *store = world_store_new();
	const struct world *world = NULL;
	const char *error = "";

	(void)state;
	assert_int_equal(world_store_put_containers(store, list, sizeof(list) - 1, &error), 0);
	assert_int_equal(world_store_put_network(store, network, sizeof(network) - 1, &error), 0);
	assert_int_equal(world_store_snapshot(store, arena, &world), 0);
	assert_int_equal(world->containers[0].n_published, 2); /* those of IPv6 */
	for (int listed_again = 0; listed_again < 2; listed_again++) {
		if (listed_again)
			assert_int_equal(
				world_store_put_containers(store, list, sizeof(list) - 1, &error),
				0);
		else
			assert_int_equal(world_store_put_inspect(store, inspect,
								 sizeof(inspect) - 1, &error),
					 0);
		assert_int_equal(world_store_snapshot(store, arena, &world), 0);
		check_routed_ports(world);
	}
	(void)world_store_free(store);
}

int main(void)
{
	enum { PUBLISHES = ARRAY_LEN(publish_rows), ROUTES = ARRAY_LEN(route_rows) };
	const struct CMUnitTest others[] = { cmocka_unit_test(knows_the_host),
					     cmocka_unit_test(knows_what_passes_between_networks),
					     cmocka_unit_test(priorities_of_docker),
					     cmocka_unit_test(routed_ports_of_docker) };
	struct CMUnitTest tests[PUBLISHES + ROUTES + ARRAY_LEN(others)];

	ADD_ROWS(tests, 0, publish_rows, publishes);
	ADD_ROWS(tests, PUBLISHES, route_rows, has_default_route);
	memcpy(&tests[PUBLISHES + ROUTES], others, sizeof(others));
	return cmocka_run_group_tests_name("world_publish", tests, NULL, NULL);
}
