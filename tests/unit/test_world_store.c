/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The store: Docker's answers in, snapshots out, in every order Docker can produce. */
#include <errno.h>

#include "core/world/docker-want.h"
#include "core/world/world-store.h"
#include "tests/unit/test_world_store_lib.h"

static const struct store_row store_rows[] = {
	{ "network then list",
	  { { FRONT_HAS_WEB }, { WEB_IS_MADE } },
	  "net front br-111111111111\nctr web tier=web mode=bridge\nep web front 172.18.0.2\n" },
	{ "list then network",
	  { { WEB_IS_MADE }, { FRONT_HAS_WEB } },
	  "net front br-111111111111\nctr web tier=web mode=bridge\nep web front 172.18.0.2\n" },
	{ "network only: unknown",
	  { { FRONT_HAS_WEB } },
	  "net front br-111111111111\nctr aaaaaaaaaaaa? mode=\nep aaaaaaaaaaaa front "
	  "172.18.0.2\n" },
	{ "unknown goes with its endpoint",
	  { { FRONT_HAS_WEB }, { DISCONNECT, ID("1"), ID("a") } },
	  "net front br-111111111111\n" },
	{ "disconnect twice",
	  { { WEB_RUNS },
	    { FRONT_HAS_BOTH },
	    { DISCONNECT, ID("1"), ID("a") },
	    { DISCONNECT, ID("1"), ID("a") } },
	  "net front br-111111111111\nctr bbbbbbbbbbbb? mode=\nctr web tier=web mode=bridge\n"
	  "ep bbbbbbbbbbbb front 172.18.0.3\n" },
	{ "network body without it",
	  { { WEB_RUNS }, { FRONT_HAS_WEB }, { PUT_NETWORK, NET_BODY("1", "front", ""), NULL } },
	  "net front br-111111111111\nctr web tier=web mode=bridge\n" },
	{ "new address",
	  { { WEB_RUNS },
	    { FRONT_HAS_WEB },
	    { PUT_NETWORK, NET_BODY("1", "front", MEMBER("a", "172.18.0.9")), NULL } },
	  "net front br-111111111111\nctr web tier=web mode=bridge\nep web front 172.18.0.9\n" },
	{ "container removed",
	  { { WEB_AND_DB_RUN }, { FRONT_HAS_BOTH }, { DROP_CONTAINER, ID("a"), NULL } },
	  "net front br-111111111111\nctr db tier=db mode=bridge\nep db front 172.18.0.3\n" },
	{ "network removed",
	  { { WEB_RUNS },
	    { FRONT_HAS_WEB },
	    { PUT_NETWORK, NET_BODY("2", "back", MEMBER("a", "172.19.0.2")), NULL },
	    { DROP_NETWORK, ID("1"), NULL } },
	  "net back br-222222222222\nctr web tier=web mode=bridge\nep web back 172.19.0.2\n" },
	{ "whole lists",
	  { { WEB_AND_DB_RUN },
	    { FRONT_HAS_BOTH },
	    { PUT_NETWORK, NET_BODY("2", "back", MEMBER("a", "172.19.0.2")), NULL },
	    { SET_NETWORKS, "[" NET("3", "new") "}," NET("1", "front") "}]", NULL },
	    { SET_CONTAINERS, "[" LISTED("b", "db", "running", "") "]", NULL } },
	  "net front br-111111111111\nnet new br-333333333333\nctr db tier=db mode=bridge\n"
	  "ep db front 172.18.0.3\n" },
	{ "rename keeps the endpoint",
	  { { PUT_CONTAINERS,
	      "[" LISTED("a", "web", "running", "") "," LISTED("b", "xyz", "running", "") "]",
	      NULL },
	    { FRONT_HAS_WEB },
	    { PUT_CONTAINERS, "[" LISTED("a", "zzz", "running", "") "]", NULL },
	    { PUT_NETWORK, NET_BODY("1", "prod", MEMBER("a", "172.18.0.2")), NULL } },
	  "net prod br-111111111111\nctr xyz tier=xyz mode=bridge\nctr zzz tier=zzz mode=bridge\n"
	  "ep zzz prod 172.18.0.2\n" },
	{ "stopped, still on the network's list",
	  { { PUT_CONTAINERS, "[" LISTED("a", "web", "exited", BOUND) "]", NULL },
	    { FRONT_HAS_WEB } },
	  "net front br-111111111111\nctr web tier=web mode=bridge\nep web front 172.18.0.2\n" },
	{ "ports: listed",
	  { { PUT_CONTAINERS, "[" LISTED("a", "web", "running", EXPOSED "," BOUND) "]", NULL } },
	  "ctr web 127.0.0.1:8080>80/tcp tier=web mode=bridge\n" },
	{ "ports: configured, both families",
	  { { WEB_IS_MADE },
	    { INSPECTED,
	      INSPECT("a", "false",
		      "{\"80/tcp\":[{\"HostIp\":\"\",\"HostPort\":\"8000-8010\"}],"
		      "\"53/udp\":[{\"HostIp\":\"127.0.0.1\",\"HostPort\":\"53\"}]}",
		      "{}"),
	      NULL } },
	  "ctr web 127.0.0.1:53>53/udp 0.0.0.0:0>80/tcp :::0>80/tcp tier=web mode=bridge\n" },
	{ "ports: bound wins over configured",
	  { { WEB_IS_MADE },
	    { INSPECTED,
	      INSPECT("a", "false",
		      "{\"80/tcp\":[{\"HostPort\":\"\"}],\"81/"
		      "tcp\":[{\"HostIp\":\"::1\",\"HostPort\":\"81\"}]}",
		      "null"),
	      NULL },
	    { PUT_CONTAINERS, "[" LISTED("a", "web", "running", BOUND) "]", NULL } },
	  "ctr web 127.0.0.1:8080>80/tcp ::1:81>81/tcp tier=web mode=bridge\n" },
	{ "ports: stop forgets what was bound",
	  { { WEB_RUNS },
	    { INSPECTED,
	      INSPECT("a", "true", "{\"80/tcp\":[{\"HostIp\":\"192.0.2.1\",\"HostPort\":\"\"}]}",
		      "{\"80/tcp\":[{\"HostIp\":\"192.0.2.1\",\"HostPort\":\"32768\"}],\"90/"
		      "tcp\":null}"),
	      NULL },
	    { PUT_CONTAINERS, "[" LISTED("a", "web", "exited", "") "]", NULL } },
	  "ctr web 192.0.2.1:0>80/tcp tier=web mode=bridge\n" },
	{ "sandboxes of Docker's own",
	  { { PUT_NETWORK,
	      NET_BODY(
		      "1", "front",
		      SANDBOX("p2aex4bh25cfew3yqak6h3z12", "172.18.0.2") "," SANDBOX("ingress-sbox", "172.18.0.3") "," SANDBOX(
			      "lb-shop",
			      "172.18.0.4") "," SANDBOX("ep-" ID("7"),
							"172.18.0.5") "," SANDBOX("a/b",
										  "172.18.0.6")),
	      NULL } },
	  "net front br-111111111111\nctr build-p2aex4bh25cf [build] mode=\n"
	  "ctr ingress-sbox [ingress] mode=\nctr lb-shop [other] mode=\n"
	  "ep build-p2aex4bh25cf front 172.18.0.2\nep ingress-sbox front 172.18.0.3\n"
	  "ep lb-shop front 172.18.0.4\n" },
	{ "no list of containers shows a sandbox",
	  { { PUT_NETWORK, NET_BODY("1", "front", SANDBOX("ingress-sbox", "172.18.0.3")), NULL },
	    { SET_CONTAINERS, "[]", NULL },
	    { DROP_CONTAINER, "ingress-sbox", NULL } },
	  "net front br-111111111111\nctr ingress-sbox [ingress] mode=\n"
	  "ep ingress-sbox front 172.18.0.3\n" },
	{ "a sandbox goes with its endpoint",
	  { { PUT_NETWORK, NET_BODY("1", "front", SANDBOX("ingress-sbox", "172.18.0.3")), NULL },
	    { PUT_NETWORK, NET_BODY("1", "front", ""), NULL } },
	  "net front br-111111111111\n" },
	{ "inspect of a stranger", { { INSPECTED, INSPECT("a", "true", "{}", "{}"), NULL } }, "" },
};

static const struct json_want *const wants[] = {
	[SET_NETWORKS] = world_want_networks,	  [PUT_NETWORK] = world_want_network,
	[SET_CONTAINERS] = world_want_containers, [PUT_CONTAINERS] = world_want_containers,
	[INSPECTED] = world_want_inspect,
};

/* The same step with what edge/docker would have kept of its answer. */
static void take_picked(struct world_store *store, const struct step *step, struct text *picked)
{
	struct json_pick *pick = NULL;
	struct step same = *step;

	if (step->verb <= INSPECTED) {
		pick = json_pick_new(wants[step->verb], NULL, 1000000, false);
		assert_int_equal(json_pick_feed(pick, step->a, strlen(step->a), picked), 0);
		same.a = text_str(picked);
	}
	take(store, &same);
	(void)json_pick_free(pick);
}

/* Whatever a reader looks at is picked out of the answer, too. */
static void picked_steps(void **state)
{
	const struct store_row *row = *state;
	struct world_store *store = world_store_new();

	for (size_t i = 0; i < ARRAY_LEN(row->steps) && row->steps[i].a; i++) {
		CLEANUP(text_done) struct text picked = { 0 };
		take_picked(store, &row->steps[i], &picked);
	}
	CLEANUP(free_ptr) char *got = digest(store);
	assert_string_equal(got, row->want);
	(void)world_store_free(store);
}

/* ---- what Docker's forms say ---- */

static void reads_networks(void **state)
{
	static const char json[] = "[" NET(
		"1",
		"odd\\nname") ",\"Internal\":true,\"Options\":{"
			      "\"com.docker.network.bridge.name\":\"docker0\","
			      "\"com.docker.network.bridge.enable_icc\":\"false\"},\"IPAM\":{"
			      "\"Config\":["
			      "{\"Subnet\":\"172.17.0.5/16\",\"Gateway\":\"172.17.0.1/16\"},"
			      "{\"Subnet\":\"fd00:1::/64\"}]}},"
			      "{\"Id\":\"" ID(
				      "2") "\",\"Name\":\"host\",\"Driver\":\"host\",\"Options\":"
					   "null,"
					   "\"IPAM\":{\"Driver\":\"default\",\"Config\":null}}]";
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct world_store *store = world_store_new();
	const struct world *world = NULL;
	char text[PREFIX_TEXT_LEN];
	size_t cursor = 0;

	(void)state;
	take(store, &(struct step){ SET_NETWORKS, json, NULL });
	assert_string_equal(world_store_peopled_network(store, &cursor), ID("1"));
	assert_null(world_store_peopled_network(store, &cursor));
	assert_int_equal(world_store_snapshot(store, arena, &world), 0);
	(void)world_store_free(store);
	const struct world_network *odd = &world->networks[1];
	assert_string_equal(world->networks[0].bridge, "");
	assert_string_equal(odd->name, "odd?name");
	assert_string_equal(odd->bridge, "docker0");
	assert_true(odd->internal && !odd->icc);
	assert_string_equal(ip_prefix_format(&odd->subnets[0], text), "172.17.0.0/16");
	assert_string_equal(ip_prefix_format(&odd->subnets[1], text), "fd00:1::/64");
	assert_string_equal(ip_format(&odd->gateways[0], text), "172.17.0.1");
	assert_int_equal(odd->n_gateways, 1);
}

/* An endpoint that is not joined yet is nobody; an impossible address is none; a link is not a
 * name. */
static void reads_oddities(void **state)
{
	static const char network[] = NET("1", "front") ",\"Containers\":{\"ep-" ID(
		"c") "\":{\"IPv4Address\":\"10.0.0.9/8\"}," MEMBER("a", "224.0.0.1") "}}";
	static const char list[] = "[{\"Id\":\"" ID(
		"a") "\",\"Names\":[\"/other/alias\",\"/web\"],"
		     "\"Image\":\"x\",\"State\":\"paused\",\"Labels\":null,\"Ports\":[" BOUND
		     "]},{\"Id\":\"" ID("b") "\",\"Names\":null}]";
	struct world_store *store = world_store_new();

	(void)state;
	take(store, &(struct step){ PUT_NETWORK, network, NULL });
	take(store, &(struct step){ SET_CONTAINERS, list, NULL });
	CLEANUP(free_ptr) char *got = digest(store);
	assert_string_equal(got, "net front br-111111111111\nctr bbbbbbbbbbbb? mode=\n"
				 "ctr web 127.0.0.1:8080>80/tcp mode=\nep web front -\n");
	(void)world_store_free(store);
}

static void replaces_at_once(void **state)
{
	struct world_store *store = world_store_new(), *fresh = world_store_new();
	const struct world_port port = { .ifname = "veth1", .bridge = "br-1" };
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct world *world = NULL;

	(void)state;
	assert_int_equal(world_store_set_ports(store, &port, 1), 0);
	take(store, &base_steps[0]);
	take(fresh, &(struct step){ PUT_NETWORK, NET_BODY("2", "back", ""), NULL });
	world_store_replace(store, fresh);
	CLEANUP(free_ptr) char *got = digest(store);
	assert_string_equal(got, "net back br-222222222222\n");
	assert_int_equal(world_store_snapshot(store, arena, &world), 0);
	assert_int_equal(world->n_ports, 1);
	(void)world_store_free(store);
	(void)world_store_free(fresh);
}

/* Snapshot -> inventory -> load -> snapshot says the same. */
static void loads_what_it_printed(void **state)
{
	struct world_store *store = world_store_new(), *other = world_store_new();
	const struct ip_addr resolver = { IP_V4, { 192, 0, 2, 53 } };
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct world *world = NULL, *again = NULL;
	const char *error;

	(void)state;
	assert_int_equal(world_store_set_resolvers(store, &resolver, 1), 0);
	for (size_t i = 0; i < ARRAY_LEN(base_steps); i++)
		take(store, &base_steps[i]);
	assert_int_equal(world_store_snapshot(store, arena, &world), 0);
	CLEANUP(free_ptr) char *first = world_print_inventory(world);
	assert_int_equal(world_parse_inventory(first, strlen(first), arena, &again, &error), 0);
	take(other, &(struct step){ PUT_NETWORK, NET_BODY("9", "old", ""), NULL });
	assert_int_equal(world_store_load(other, again), 0);
	assert_int_equal(world_store_snapshot(other, arena, &again), 0);
	CLEANUP(free_ptr) char *second = world_print_inventory(again);
	assert_string_equal(first, second);
	(void)world_store_free(store);
	(void)world_store_free(other);
}

/* Until a container runs, its host ports are those it was created with, if these were read in time
 * and left Docker no choice. */
static void knows_who_is_starting(void **state)
{
#define FIXED "{\"80/tcp\":[{\"HostIp\":\"\",\"HostPort\":\"8080\"}]}"
#define RANDOM "{\"80/tcp\":[{\"HostIp\":\"\",\"HostPort\":\"\"}]}"
	static const struct {
		struct step step;
		bool starting;
	} rows[] = {
		{ { SET_NETWORKS, "[" NET("1", "front") "}]", NULL }, false },
		{ { WEB_IS_MADE }, true },
		{ { INSPECTED, INSPECT("a", "false", FIXED, "{}"), NULL }, false },
		{ { INSPECTED, INSPECT("a", "false", RANDOM, "{}"), NULL }, true },
		{ { WEB_IS_MADE }, true },
		{ { PUT_CONTAINERS, "[" LISTED("a", "web", "running", BOUND) "]", NULL }, false },
		{ { PUT_CONTAINERS, "[" LISTED("a", "web", "exited", "") "]", NULL }, true },
		{ { INSPECTED, INSPECT("a", "true", RANDOM, FIXED), NULL }, false },
	};
	struct world_store *store = world_store_new();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		const struct world *world;
		take(store, &rows[i].step);
		assert_int_equal(world_store_snapshot(store, arena, &world), 0);
		if (world->n_containers && world->containers[0].starting != rows[i].starting)
			fail_msg("row %zu", i);
	}
	(void)world_store_free(store);
}

static void snapshot_survives_no_memory(void **state)
{
	struct world_store *store = world_store_new();
	int r = -ENOMEM;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(base_steps); i++)
		take(store, &base_steps[i]);
	for (uint64_t n = 1; r != 0; n++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		const struct world *world = NULL;
		arena_fail_after(arena, n);
		r = world_store_snapshot(store, arena, &world);
		assert_true(r == 0 ? world != NULL : r == -ENOMEM && !world);
		assert_true(n < 100);
	}
	(void)world_store_free(store);
}

int main(void)
{
	const struct CMUnitTest others[] = {
		cmocka_unit_test(reads_networks),
		cmocka_unit_test(reads_oddities),
		cmocka_unit_test(replaces_at_once),
		cmocka_unit_test(loads_what_it_printed),
		cmocka_unit_test(knows_who_is_starting),
		cmocka_unit_test(snapshot_survives_no_memory),
	};
	enum { STORE = ARRAY_LEN(store_rows) };
	struct CMUnitTest tests[2 * STORE + ARRAY_LEN(others)];

	ADD_ROWS(tests, 0, store_rows, steps);
	ADD_ROWS(tests, STORE, store_rows, picked_steps);
	memcpy(tests + 2 * STORE, others, sizeof(others));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
