/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whose a bridge is, by its name, its ports and what Docker has said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/world/world-store.h"
#include "tests/unit/test_world_kept_lib.h"

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define NAMED(name)                                                  \
	"[{\"Id\":\"" HEX "\",\"Name\":\"n\",\"Driver\":\"bridge\"," \
	"\"Options\":{\"com.docker.network.bridge.name\":\"" name "\"}}]"

enum when { NEVER, BEFORE, AFTER }; /* the last full reading of Docker: before or after the port */

static const struct {
	const char *bridge;
	const char *port; /* "" none */
	enum world_port_kind kind;
	enum when asked;
	const char *networks; /* of Docker, or NULL */
	const char *want, *shared;
	bool asks; /* Docker must be asked */
} rows[] = {
	{ "docker0", "", 0, AFTER, NULL, "unclaimed", "", false },
	{ "docker_gwbridge", "", 0, NEVER, NULL, "unclaimed", "", false },
	{ "podman1", "", 0, NEVER, NULL, "unclaimed", "", false },
	{ "br-0123456789ab", "veth1", 0, AFTER, NULL, "unclaimed", "", false },
	{ "br-0123456789ab", "veth1", 0, BEFORE, NULL, "unclaimed", "", true },
	{ "br-0123456789ab", "veth1", 0, NEVER, NULL, "unclaimed", "", true },
	{ "br-0123456789ab", "", 0, NEVER, NAMED("br-0123456789ab"), "managed", "", false },
	{ "br-0123456789a", "", 0, NEVER, NULL, "foreign", "", false },
	{ "br-0123456789AB", "", 0, NEVER, NULL, "foreign", "", false },
	{ "br-data", "", 0, NEVER, NULL, "foreign", "", false },
	{ "br0", "", 0, NEVER, NULL, "foreign", "", false },
	{ "br0", "veth1", 0, NEVER, NULL, "undecided", "", true },
	{ "br0", "veth1", 0, BEFORE, NULL, "undecided", "", true },
	{ "br0", "veth1", 0, AFTER, NULL, "foreign", "", false },
	{ "br0", "veth1", 0, AFTER, NAMED("br0"), "managed", "", false },
	{ "br0", "veth1", 0, NEVER, NAMED("br0"), "managed", "", false },
	{ "br0", "veth1", 0, NEVER, NAMED("lan0"), "managed", "", false }, /* its altname */
	{ "br0", "vnet1", WORLD_PORT_TAP, NEVER, NULL, "foreign", "shared", false },
	{ "br0", "eth0", WORLD_PORT_UPLINK, NEVER, NULL, "foreign", "shared", false },
	{ "br0", "eth0", WORLD_PORT_UPLINK, NEVER, NAMED("br0"), "managed", "shared", false },
	{ "br0", "lan1", WORLD_PORT_CABLE, NEVER, NULL, "foreign", "shared", false },
	/* On an engine's own bridge such a cable is a container's. */
	{ "docker0", "lan1", WORLD_PORT_CABLE, NEVER, NULL, "unclaimed", "", true },
	{ "docker0", "tap1", WORLD_PORT_TAP, NEVER, NULL, "unclaimed", "shared", false },
	{ "virbr0", "veth1", 0, NEVER, NULL, "foreign", "", false },
	{ "lxdbr0", "veth1", 0, NEVER, NULL, "foreign", "", false },
	/* Facts cannot name these, so nobody can say that they are not Docker's. */
	{ "q\xff", "veth1", 0, AFTER, NULL, "unclaimed", "", false },
	{ "q\xff", "veth1", 0, NEVER, NULL, "unclaimed", "", true },
	{ "q\xff", "", 0, AFTER, NULL, "foreign", "", false },
	{ "a*b", "veth1", 0, AFTER, NULL, "foreign", "", false },
	{ "q\"t", "veth1", 0, AFTER, NULL, "foreign", "", false },
};

static void read_docker(struct world_store *store, const char *networks)
{
	const char *error;

	world_store_reading_begins(store);
	if (networks)
		assert_int_equal(
			world_store_set_networks(store, networks, strlen(networks), &error), 0);
	world_store_reading_ended(store);
}

static void take_links(struct world_store *store, size_t row, bool with_port)
{
	struct world_bridge bridge = { .ifindex = 7 };
	struct world_altname altname = { .name = "lan0" };
	struct world_port port = { .kind = rows[row].kind, .ifindex = 8 };
	struct world_bridges bridges = {
		.items = &bridge, .n = 1, .altnames = &altname, .n_altnames = 1
	};

	strcpy(bridge.name, rows[row].bridge);
	strcpy(altname.bridge, rows[row].bridge);
	strcpy(port.bridge, rows[row].bridge);
	strcpy(port.ifname, rows[row].port);
	assert_int_equal(world_store_set_ports(store, &port, with_port && *rows[row].port), 0);
	assert_int_equal(world_store_set_bridges(store, &bridges), 0);
}

static void tells_whose_a_bridge_is(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world_store *store = world_store_new();
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		const struct world *world = NULL;
		const char *error;

		take_links(store, i, false);
		assert_kept_is_true(store);
		if (rows[i].asked == BEFORE)
			read_docker(store, rows[i].networks);
		take_links(store, i, true);
		if (rows[i].asked == AFTER)
			read_docker(store, rows[i].networks);
		else if (rows[i].networks)
			assert_int_equal(world_store_set_networks(store, rows[i].networks,
								  strlen(rows[i].networks), &error),
					 0);
		assert_kept_is_true(store);
		assert_int_equal(world_store_must_ask(store), rows[i].asks);
		assert_int_equal(world_store_snapshot(store, arena, &world), 0);
		const struct world_bridge *bridge = world_find_bridge(world, rows[i].bridge);
		assert_non_null(bridge);
		if (strcmp(world_bridge_kind_name(bridge->kind), rows[i].want) != 0)
			print_message("row %zu: %s\n", i, rows[i].bridge);
		assert_string_equal(world_bridge_kind_name(bridge->kind), rows[i].want);
		assert_string_equal(bridge->shared ? "shared" : "", rows[i].shared);
		if (world->n_networks && strcmp(rows[i].want, "managed") == 0)
			assert_string_equal(world->networks[0].bridge, rows[i].bridge);
		(void)world_store_free(store);
	}
}

/* What was decided of a bridge is not decided of another one that takes its name. */
static void a_new_bridge_is_a_new_question(void **state)
{
	struct world_store *store = world_store_new();
	struct world_bridge bridge = { .name = "br0", .ifindex = 7 };
	const struct world_port port = { .ifname = "veth1", .bridge = "br0", .ifindex = 9 };
	const struct world_bridges bridges = { .items = &bridge, .n = 1 };

	(void)state;
	assert_int_equal(world_store_set_ports(store, &port, 1), 0);
	assert_int_equal(world_store_set_bridges(store, &bridges), 0);
	assert_true(world_store_must_ask(store));
	world_store_reading_begins(store);
	assert_false(world_store_must_ask(store));
	world_store_reading_ended(store);
	assert_int_equal(world_store_set_bridges(store, &bridges), 0);
	assert_false(world_store_must_ask(store));
	bridge.ifindex = 8;
	assert_int_equal(world_store_set_bridges(store, &bridges), 0);
	assert_true(world_store_must_ask(store));
	(void)world_store_free(store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_whose_a_bridge_is),
		cmocka_unit_test(a_new_bridge_is_a_new_question),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
