/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The inventory form: what is refused and why, what is printed, and running out of memory. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "core/base/limits.h"
#include "core/base/text.h"
#include "core/world/world.h"
#include "tests/unit/test_rows_lib.h"

#define ID1 "1111111111111111111111111111111111111111111111111111111111111111"
#define ID2 "2222222222222222222222222222222222222222222222222222222222222222"
#define IDA "aaaaaaaaaaaa1111111111111111111111111111111111111111111111111111"
#define IDB "aaaaaaaaaaaa2222222222222222222222222222222222222222222222222222"

static const struct world *parse(struct arena *arena, const char *json)
{
	const struct world *world = NULL;
	const char *error = NULL;

	if (world_parse_inventory(json, strlen(json), arena, &world, &error) != 0)
		fail_msg("refused: %s", error ? error : "no memory");
	return world;
}

/* ---- what is refused ---- */

struct bad_row {
	const char *name, *json, *error;
};

#define NETWORK "{\"version\":1,\"networks\":[{\"name\":\"n\","
#define CONTAINER "{\"version\":1,\"networks\":[{\"name\":\"n\"}],\"containers\":[{\"name\":\"c\","
#define ENDPOINT CONTAINER "\"endpoints\":[{\"network\":\"n\","
#define PORT CONTAINER "\"published\":[{"

static const struct bad_row bad_rows[] = {
	{ "empty", "", "line 1: not JSON" },
	{ "cut", "{\n\"version\":1,\n\"networks\":[", "line 3: not JSON" },
	{ "not UTF-8", "{\"version\":1,\n\"networks\":[{\"name\":\"\xc3(\"}]}",
	  "line 2: the text is not UTF-8" },
	{ "escaped NUL", NETWORK "\"id\":\"a\\u0000b\"}]}",
	  "line 1: a string holds a control character" },
	{ "control byte", "{\"version\":1,\1\"networks\":[]}", "line 1: the text is not JSON" },
	{ "too deep", "[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]", "line 1: it is nested too deeply" },
	{ "rest", "{\"version\":1}\n}", "line 2: not JSON" },
	{ "list", "[]", "top level: must be an object" },
	{ "no version", "{}", "version: must be 1" },
	{ "version 2", "{\"version\":2}", "version: must be 1" },
	{ "version 1.5", "{\"version\":1.5}", "version: must be 1" },
	{ "version text", "{\"version\":\"1\"}", "version: must be 1" },
	{ "unknown key", "{\"version\":1,\"network\":[]}",
	  "network: unknown key; did you mean `networks`?" },
	{ "unlike any key", "{\"version\":1,\"services\":[]}",
	  "services: unknown key; there is: version, networks, containers, resolvers, "
	  "host_addresses, "
	  "hosts, iptables, ip6tables, userland_proxy, docker_dns, engine" },
	{ "unknown key that a terminal obeys", "{\"version\":1,\"\\u001b[2J\xc2\x9bm\":[]}",
	  " [2J  m: unknown key; there is: version, networks, containers, resolvers, "
	  "host_addresses, "
	  "hosts, iptables, ip6tables, userland_proxy, docker_dns, engine" },
	{ "name that a terminal obeys", "{\"version\":1,\"networks\":[{\"name\":\"\\u009b2J\"}]}",
	  "networks[0].name: has control characters" },
	{ "key twice", "{\"version\":1,\"version\":1}", "version: given twice" },
	{ "networks object", "{\"version\":1,\"networks\":{}}", "networks: must be a list" },
	{ "network text", "{\"version\":1,\"networks\":[\"x\"]}",
	  "networks[0]: must be an object" },
	{ "no name", "{\"version\":1,\"networks\":[{}]}", "networks[0].name: missing" },
	{ "name number", "{\"version\":1,\"networks\":[{\"name\":1}]}",
	  "networks[0].name: must be text" },
	{ "name empty", "{\"version\":1,\"networks\":[{\"name\":\"\"}]}",
	  "networks[0].name: must have 1 to 511 bytes" },
	{ "name newline", "{\"version\":1,\"networks\":[{\"name\":\"a\\nb\"}]}",
	  "networks[0].name: has control characters" },
	{ "name no id", "{\"version\":1,\"networks\":[{\"name\":\"a b\"}]}",
	  "networks[0].id: missing, and the name cannot take its place" },
	{ "id slash", NETWORK "\"id\":\"../x\"}]}",
	  "networks[0].id: must be 1 to 64 letters, digits, _ . -" },
	{ "id 65", NETWORK "\"id\":\"" ID1 "1\"}]}",
	  "networks[0].id: must be 1 to 64 letters, digits, _ . -" },
	{ "id twice",
	  "{\"version\":1,\"networks\":[{\"name\":\"a\",\"id\":\"x\"},{\"name\":\"b\",\"id\":\"x\"}"
	  "]}",
	  "networks: two have the same id" },
	{ "bridge long", NETWORK "\"bridge\":\"abcdefghijklmnop\"}]}",
	  "networks[0].bridge: not an interface name" },
	{ "bridge that the kernel gives a number", NETWORK "\"bridge\":\"br%d\"}]}",
	  "networks[0].bridge: not an interface name" },
	{ "bridge of overlay", NETWORK "\"driver\":\"overlay\",\"bridge\":\"br0\"}]}",
	  "networks[0].bridge: only a network of driver bridge has one" },
	{ "internal", NETWORK "\"internal\":1}]}", "networks[0].internal: must be true or false" },
	{ "subnet", NETWORK "\"subnets\":[\"10.0.0.0/8\",\"x\"]}]}",
	  "networks[0].subnets[1]: not a subnet" },
	{ "subnet bits", NETWORK "\"subnets\":[\"10.0.0.1/8\"]}]}",
	  "networks[0].subnets[0]: has bits set beyond the prefix" },
	{ "gateway", NETWORK "\"gateways\":[\"10.0.0.256\"]}]}",
	  "networks[0].gateways[0]: not an IP address" },
	{ "endpoint unknown", CONTAINER "\"endpoints\":[{\"network\":\"m\"}]}]}",
	  "containers[0].endpoints[0].network: no network of that name" },
	{ "endpoint twice", CONTAINER "\"endpoints\":[{\"network\":\"n\"},{\"network\":\"n\"}]}]}",
	  "containers[0].endpoints: two on one network" },
	{ "ipv4 is 6", ENDPOINT "\"ipv4\":\"fd00::1\"}]}]}",
	  "containers[0].endpoints[0].ipv4: not an IPv4 address" },
	{ "ipv6 is 4", ENDPOINT "\"ipv6\":\"10.0.0.1\"}]}]}",
	  "containers[0].endpoints[0].ipv6: not an IPv6 address" },
	{ "loopback", ENDPOINT "\"ipv4\":\"127.0.0.1\"}]}]}",
	  "containers[0].endpoints[0].ipv4: no container can have that address" },
	{ "multicast", ENDPOINT "\"ipv6\":\"ff02::1\"}]}]}",
	  "containers[0].endpoints[0].ipv6: no container can have that address" },
	{ "mac", ENDPOINT "\"mac\":\"02:42\"}]}]}",
	  "containers[0].endpoints[0].mac: not a MAC address" },
	{ "mac multicast", ENDPOINT "\"mac\":\"01:00:5e:00:00:01\"}]}]}",
	  "containers[0].endpoints[0].mac: a multicast address" },
	{ "label number", CONTAINER "\"labels\":{\"a\":1}}]}",
	  "containers[0].labels: values must be text" },
	{ "label twice", CONTAINER "\"labels\":{\"a\":\"1\",\"b\":\"\",\"a\":\"2\"}}]}",
	  "containers[0].labels: a key is given twice" },
	{ "host_port", PORT "\"port\":\"80/tcp\",\"host_port\":65536}]}]}",
	  "containers[0].published[0].host_port: must be a number from 0 to 65535" },
	{ "host_port 1.5", PORT "\"port\":\"80/tcp\",\"host_port\":1.5}]}]}",
	  "containers[0].published[0].host_port: must be a number from 0 to 65535" },
	{ "port range", PORT "\"port\":\"80-90/tcp\"}]}]}",
	  "containers[0].published[0].port: must be one port, like \"80/tcp\"" },
	{ "port icmp", PORT "\"port\":\"icmp\"}]}]}",
	  "containers[0].published[0].port: must be one port, like \"80/tcp\"" },
	{ "host address", "{\"version\":1,\"host_addresses\":[\"here\"]}",
	  "host_addresses[0]: not an IP address" },
	{ "gateway mode",
	  "{\"version\":1,\"networks\":[{\"name\":\"n\",\"gateway_mode_ipv6\":\"open\"}]}",
	  "networks[0].gateway_mode_ipv6: must be nat, nat-unprotected, routed or isolated" },
	{ "isolation", "{\"version\":1,\"networks\":[{\"name\":\"n\",\"isolate\":\"\"}]}",
	  "networks[0].isolate: must be false, true, strict or unmanaged" },
	{ "gateway priority",
	  "{\"version\":1,\"networks\":[{\"name\":\"n\"}],\"containers\":[{\"name\":\"c\","
	  "\"endpoints\":[{\"network\":\"n\",\"gw_priority\":0.5}]}]}",
	  "containers[0].endpoints[0].gw_priority: must be a number" },
	{ "host without an address", "{\"version\":1,\"hosts\":[{\"name\":\"a\"}]}",
	  "hosts[0].address: missing" },
	{ "host that is a network",
	  "{\"version\":1,\"hosts\":[{\"name\":\"a\",\"address\":\"192.0.2.0/24\"}]}",
	  "hosts[0].address: not an IP address" },
	{ "resolver", "{\"version\":1,\"resolvers\":[\"dns.example\"]}",
	  "resolvers[0]: not an IP address" },
	{ "same name",
	  "{\"version\":1,\"networks\":[{\"name\":\"n\",\"id\":\"x\"},"
	  "{\"name\":\"n\",\"id\":\"y\"}],\"containers\":[{\"name\":\"c\","
	  "\"endpoints\":[{\"network\":\"n\"}]}]}",
	  "containers[0].endpoints[0].network: two networks have that name, give the id" },
	/* The list of containers is read for itself. */
	{ "containers no list", "{\"version\":1,\"containers\":{}}", "containers: must be a list" },
	{ "containers twice", "{\"version\":1,\"containers\":[],\n\"containers\":[]}",
	  "containers: given twice" },
	{ "containers escaped and twice",
	  "{\"version\":1,\"\\u0063ontainers\":[],\"containers\":[]}", "containers: given twice" },
	{ "containers cut", CONTAINER "\n\"image\":\"i\"}", "line 2: not JSON" },
	{ "containers without a comma", "{\"version\":1,\"containers\":[{\"name\":\"c\"}\n{}]}",
	  "line 2: not JSON" },
	{ "containers with one too many", "{\"version\":1,\"containers\":[{\"name\":\"c\"},\n]}",
	  "line 2: not JSON" },
	{ "behind the containers", "{\"version\":1,\"containers\":[{\"name\":\"c\"}]\n x}",
	  "line 2: not JSON" },
	{ "brackets that do not match", "{\"version\":1,\"containers\":[{\"name\":\"c\"]\n}}",
	  "line 1: not JSON" },
	{ "no JSON behind a container that is wrong",
	  "{\"version\":1,\"containers\":[{\"name\":1},\n{\"name\" \"c\"}]}", "line 2: not JSON" },
	{ "the second container", "{\"containers\":[{\"name\":\"a\"},{\"nam\":1}],\"version\":1}",
	  "containers[1].nam: unknown key; did you mean `name`?" },
	{ "container twice",
	  "{\"version\":1,\"containers\":[{\"name\":\"c\"},{\"name\":\"b\",\"id\":\"c\"}]}",
	  "containers: two have the same id" },
};

static void refuses(void **state)
{
	const struct bad_row *row = *state;
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct world *world = NULL;
	const char *error = NULL;

	assert_int_equal(world_parse_inventory(row->json, strlen(row->json), arena, &world, &error),
			 WORLD_E_INVALID);
	assert_null(world);
	assert_string_equal(error, row->error);
}

static void refuses_long_name(void **state)
{
	CLEANUP(text_done) struct text json = { 0 };
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct world *world = NULL;
	const char *error = NULL;

	(void)state;
	for (int extra = 0; extra < 2; extra++) {
		text_done(&json);
		text_add(&json, "{\"version\":1,\"containers\":[{\"id\":\"c\",\"name\":\"");
		for (unsigned int i = 0; i < WORLD_TEXT_MAX + (unsigned int)extra; i++)
			text_add(&json, "x");
		text_add(&json, "\"}]}");
		assert_int_equal(
			world_parse_inventory(text_str(&json), json.len, arena, &world, &error),
			extra);
	}
	assert_string_equal(error, "containers[0].name: must have 1 to 511 bytes");
}

/* A range of ports in a compose file is as many entries. */
static void takes_as_many_ports_as_compose(void **state)
{
	CLEANUP(text_done) struct text json = { 0 };
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct world *world = NULL;
	const char *error = NULL;

	(void)state;
	text_add(&json, CONTAINER "\"published\":[");
	for (unsigned int i = 0; i < LIMIT_COMPOSE_PORTS; i++)
		text_printf(&json, "{\"host_port\":%u,\"port\":\"%u/tcp\"},", i / 2, 1 + i % 2);
	size_t len = json.len - 1;
	text_add(&json, "{\"port\":\"3/tcp\"}]}]}");
	assert_int_equal(world_parse_inventory(text_str(&json), json.len, arena, &world, &error),
			 WORLD_E_INVALID);
	assert_string_equal(error, "containers[0].published: too many entries");
	memcpy(json.bytes + len, "]}]}", sizeof("]}]}"));
	assert_int_equal(world_parse_inventory(text_str(&json), strlen(text_str(&json)), arena,
					       &world, &error),
			 0);
	assert_int_equal(world->containers[0].n_published, LIMIT_COMPOSE_PORTS);
}

/* Endpoints name their networks by id; looked for one after the other, this took seconds. */
static void finds_many_networks_by_id(void **state)
{
	enum { N = 60000 };
	CLEANUP(text_done) struct text json = { 0 };
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct world *world = NULL;
	const char *error = NULL;

	(void)state;
	text_add(&json, "{\"version\":1,\"networks\":[{\"name\":\"n\"}");
	for (unsigned int i = 0; i < N; i++)
		text_printf(&json, ",{\"name\":\"n%u\",\"id\":\"i%u\"}", i, i);
	text_add(&json, "],\"containers\":[{\"name\":\"c\",\"endpoints\":[{\"network\":\"n\"}");
	for (unsigned int i = N; i > 0; i--)
		text_printf(&json, ",{\"network\":\"i%u\"}", i - 1);
	text_add(&json, "]}]}");
	clock_t start = clock();
	int r = world_parse_inventory(text_str(&json), json.len, arena, &world, &error);
	assert_int_equal(r, 0);
	assert_int_equal(world->n_endpoints, N + 1);
	assert_true(clock() - start < 3 * CLOCKS_PER_SEC);
}

/* ---- the canonical form ---- */

static const char messy[] =
	"{\"version\":1,\"containers\":["
	"{\"id\":\"" IDB "\",\"name\":\"web-1\",\"image\":\"nginx:1.25-alpine\","
	"\"labels\":{\"tier\":\"front\\\"end\",\"a\\u0001\":\"\"},\"known\":true,"
	"\"endpoints\":[{\"network\":\"frontend\",\"ipv4\":\"172.18.0.2\",\"ipv6\":\"FD00:1::2\","
	"\"mac\":\"02:42:AC:12:00:02\"},{\"network\":\"backend\"}],"
	"\"published\":[{\"host_ip\":\"::\",\"host_port\":8080,\"port\":\"80/tcp\"},"
	"{\"port\":\"53/udp\"},{\"host_ip\":\"0.0.0.0\",\"host_port\":8080,\"port\":\"80/tcp\"},"
	"{\"host_ip\":\"0.0.0.0\",\"host_port\":8080,\"port\":\"80/tcp\"}]},"
	"{\"id\":\"" IDA "\",\"name\":\"db\",\"known\":false,\"network_mode\":\"backend\"}],"
	"\"networks\":[{\"id\":\"" ID1 "\",\"name\":\"frontend\",\"driver\":\"bridge\","
	"\"subnets\":[\"172.18.0.0/16\",\"fd00:1::/64\"],\"gateways\":[\"172.18.0.1\"]},"
	"{\"id\":\"" ID2
	"\",\"name\":\"backend\",\"bridge\":\"br0\",\"internal\":true,\"icc\":false,"
	"\"masquerade\":false,\"isolate\":\"strict\"},{\"name\":\"host\",\"driver\":\"host\"}],"
	"\"resolvers\":[\"192.0.2.53\"],"
	"\"iptables\":false,\"hosts\":[{\"name\":\"gamma\",\"address\":\"2001:DB8::9\"},{\"name\":"
	"\"beta\","
	"\"address\":"
	"\"192.0.2.7\"},{\"name\":\"beta\",\"address\":\"192.0.2.7\"}]}";

static const char canonical[] =
	"{\n  \"version\": 1,\n  \"resolvers\": [\"192.0.2.53\"],\n  \"hosts\": [\n"
	"    {\"name\": \"beta\", \"address\": \"192.0.2.7\"},\n"
	"    {\"name\": \"gamma\", \"address\": \"2001:db8::9\"}\n  ],\n  \"iptables\": false,\n"
	"  \"networks\": [\n"
	"    {\n      \"id\": \"" ID2 "\",\n      \"name\": \"backend\",\n"
	"      \"driver\": \"bridge\",\n      \"bridge\": \"br0\",\n      \"internal\": true,\n"
	"      \"icc\": false,\n      \"masquerade\": false,\n      \"isolate\": \"strict\",\n"
	"      \"subnets\": [],\n      \"gateways\": []\n    },\n"
	"    {\n      \"id\": \"" ID1 "\",\n      \"name\": \"frontend\",\n"
	"      \"driver\": \"bridge\",\n      \"bridge\": \"br-111111111111\",\n"
	"      \"internal\": false,\n      \"subnets\": [\"172.18.0.0/16\", \"fd00:1::/64\"],\n"
	"      \"gateways\": [\"172.18.0.1\"]\n    },\n"
	"    {\n      \"id\": \"host\",\n      \"name\": \"host\",\n      \"driver\": \"host\",\n"
	"      \"bridge\": \"\",\n      \"internal\": false,\n      \"subnets\": [],\n"
	"      \"gateways\": []\n    }\n  ],\n  \"containers\": [\n"
	"    {\n      \"id\": \"" IDA "\",\n      \"name\": \"db\",\n"
	"      \"network_mode\": \"backend\",\n      \"known\": false,\n      \"labels\": {},\n"
	"      \"endpoints\": [],\n      \"published\": []\n    },\n"
	"    {\n      \"id\": \"" IDB "\",\n      \"name\": \"web-1\",\n"
	"      \"image\": \"nginx:1.25-alpine\",\n      \"labels\": {\n"
	"        \"a\\u0001\": \"\",\n        \"tier\": \"front\\\"end\"\n      },\n"
	"      \"endpoints\": [\n        {\"network\": \"backend\"},\n"
	"        {\"network\": \"frontend\", \"ipv4\": \"172.18.0.2\", \"ipv6\": \"fd00:1::2\", "
	"\"mac\": \"02:42:ac:12:00:02\"}\n      ],\n      \"published\": [\n"
	"        {\"host_ip\": \"0.0.0.0\", \"host_port\": 0, \"port\": \"53/udp\"},\n"
	"        {\"host_ip\": \"0.0.0.0\", \"host_port\": 8080, \"port\": \"80/tcp\"},\n"
	"        {\"host_ip\": \"::\", \"host_port\": 8080, \"port\": \"80/tcp\"}\n      ]\n"
	"    }\n  ]\n}\n";

static void prints_canonically(void **state)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(free_ptr) char *once = world_print_inventory(parse(arena, messy));
	CLEANUP(free_ptr) char *twice = world_print_inventory(parse(arena, once));

	(void)state;
	assert_string_equal(once, canonical);
	assert_string_equal(twice, canonical);
}

/* A label that turns the direction of writing does not turn the terminal's. */
static void prints_escapes(void **state)
{
	static const char json[] =
		"{\"version\":1,\"containers\":[{\"name\":\"c\",\"labels\":"
		"{\"a\":\"x\xe2\x80\xaey\xc2\x9b\\u007f\xf3\xa0\x81\x81\xc3\xa9\\n\"}}]}";
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct world *world = parse(arena, json);
	CLEANUP(free_ptr) char *text = world_print_inventory(world);

	(void)state;
	assert_non_null(
		strstr(text, "\"a\": \"x\\u202ey\\u009b\\u007f\\udb40\\udc41\xc3\xa9\\u000a\""));
	assert_string_equal(parse(arena, text)->containers[0].labels[0].value,
			    world->containers[0].labels[0].value);
}

static void prints_nothing(void **state)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(free_ptr) char *text = world_print_inventory(parse(arena, "{\"version\":1}"));

	(void)state;
	assert_string_equal(text,
			    "{\n  \"version\": 1,\n  \"networks\": [],\n  \"containers\": []\n}\n");
}

/* Two networks of one name: endpoints name them by id, and the print says so. */
static void prints_ids_of_namesakes(void **state)
{
	static const char json[] = "{\"version\":1,\"networks\":[{\"name\":\"n\",\"id\":\"y\"},"
				   "{\"name\":\"n\",\"id\":\"x\"}],\"containers\":[{\"name\":\"c\","
				   "\"endpoints\":[{\"network\":\"y\"}]}]}";
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct world *world = parse(arena, json);
	CLEANUP(free_ptr) char *text = world_print_inventory(world);

	(void)state;
	assert_int_equal(world->endpoints[0].network, 1);
	assert_non_null(strstr(text, "{\"network\": \"y\"}"));
	assert_int_equal(parse(arena, text)->endpoints[0].network, 1);
}

static void finds(void **state)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct world *world = parse(arena, messy);

	(void)state;
	assert_int_equal(world_find_container(world, "db"), 0);
	assert_int_equal(world_find_container(world, "web-1"), 1);
	assert_int_equal(world_find_container(world, IDB), 1);
	assert_int_equal(world_find_container(world, "aaaaaaaaaaaa2"), 1);
	assert_int_equal(world_find_container(world, "aaaaaaaaaaaa"), -1); /* both */
	assert_int_equal(world_find_container(world, "aaaaaaaaaaa"), -1);  /* too short */
	assert_int_equal(world_find_container(world, ""), -1);
	assert_int_equal(world_find_container(world, "web"), -1);
	assert_int_equal(world_find_network(world, "frontend"), 1);
	assert_int_equal(world_find_network(world, "backend"), 0);
	assert_int_equal(world_find_network(world, "zz"), -1);
	assert_true(world_network_is_managed(&world->networks[0]));
	assert_false(world_network_is_managed(&world->networks[2]));
	assert_string_equal(world_label_value(&world->containers[1], "tier"), "front\"end");
	assert_null(world_label_value(&world->containers[1], "tie"));
	assert_null(world_label_value(&world->containers[0], "tier"));
}

/* Every allocation fails once; none may crash, leak or give half a world. */
static void survives_no_memory(void **state)
{
	uint64_t n = 0;
	int r = -ENOMEM;

	(void)state;
	while (r != 0) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		const struct world *world = NULL;
		const char *error = NULL;
		arena_fail_after(arena, ++n);
		r = world_parse_inventory(messy, strlen(messy), arena, &world, &error);
		assert_true(r == 0 || r == -ENOMEM);
		assert_true((r == 0) == (world != NULL));
	}
	assert_true(n > 30);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_LEN(bad_rows) + 9];
	const struct CMUnitTest others[] = {
		cmocka_unit_test(refuses_long_name),
		cmocka_unit_test(takes_as_many_ports_as_compose),
		cmocka_unit_test(finds_many_networks_by_id),
		cmocka_unit_test(prints_canonically),
		cmocka_unit_test(prints_escapes),
		cmocka_unit_test(prints_nothing),
		cmocka_unit_test(prints_ids_of_namesakes),
		cmocka_unit_test(finds),
		cmocka_unit_test(survives_no_memory),
	};

	ADD_ROWS(tests, 0, bad_rows, refuses);
	memcpy(tests + ARRAY_LEN(bad_rows), others, sizeof(others));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
