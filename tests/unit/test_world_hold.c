/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whom the host may not reach yet: one generation after the other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/text.h"
#include "core/world/world.h"

#define WEB(ports, endpoints)                                                             \
	"{\"version\":1,\"networks\":[{\"name\":\"n\",\"subnets\":[\"172.18.0.0/16\"]}]," \
	"\"containers\":[{\"name\":\"a\"},{\"name\":\"web\",\"published\":[" ports "],"   \
	"\"endpoints\":[" endpoints "]},{\"name\":\"z\"}]}"
#define AT(port) "{\"host_port\":" port ",\"port\":\"80/tcp\"}"
#define AT_LOCALHOST(port) "{\"host_ip\":\"127.0.0.1\",\"host_port\":" port ",\"port\":\"80/tcp\"}"
#define ON_N "{\"network\":\"n\",\"ipv4\":\"172.18.0.2\"}"
#define NOBODY "{\"version\":1}"
#define START_US 5000000u

struct step {
	const char *name, *json;
	uint64_t after_us; /* since the step before */
	bool held;
};

static const struct step steps[] = {
	{ "at the first look", WEB(AT("8080"), ON_N), 0, false },
	{ "gone", NOBODY, 1000, false },
	{ "made", WEB(AT("8080"), ""), 1000, false },
	{ "on its network", WEB(AT("8080"), ON_N), 500000, true },
	{ "just before", WEB(AT("8080"), ON_N), WORLD_HOLD_US - 1, true },
	{ "then", WEB(AT("8080"), ON_N), 1, false },
	{ "bound to an address", WEB(AT_LOCALHOST("8080"), ON_N), 1, false },
	{ "one port more", WEB(AT("8080") "," AT("8081"), ON_N), 1, true },
	{ "which is gone again", WEB(AT("8081"), ON_N), WORLD_HOLD_US, false },
	{ "nothing published", WEB("", ON_N), 1, false },
	{ "a port", WEB(AT("8081"), ON_N), WORLD_HOLD_US * 2, true },
	{ "off its network", WEB(AT("8081"), ""), WORLD_HOLD_US, false },
	{ "on it again", WEB(AT("8081"), ON_N), WORLD_HOLD_US, true },
};

/* No datagram waits anywhere. */
static int hold_back(const struct world_held *before, const struct world *next, uint64_t now_us,
		     struct arena *arena, struct world_held *ret)
{
	const struct world_hold_time time = { now_us, NULL };

	return world_hold_back(before, next, &time, arena, ret);
}

static void holds(void **state)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct world_held held[ARRAY_LEN(steps)];
	uint64_t now = START_US;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		const struct world *world;
		const char *error = NULL;
		if (world_parse_inventory(steps[i].json, strlen(steps[i].json), arena, &world,
					  &error))
			fail_msg("%s: %s", steps[i].name, error ? error : "no memory");
		now += steps[i].after_us;
		assert_int_equal(hold_back(i ? &held[i - 1] : NULL, world, now, arena, &held[i]),
				 0);
		int web = world_find_container(held[i].world, "web");
		if ((web >= 0 && held[i].world->containers[web].starting) != steps[i].held)
			fail_msg("%s: %s", steps[i].name, steps[i].held ? "let go" : "held");
		assert_int_equal(held[i].until_us < UINT64_MAX, steps[i].held);
	}
	assert_int_equal(held[ARRAY_LEN(steps) - 1].until_us, now + WORLD_HOLD_US);
}

/* A commit may take as long as the wait: it is counted from its end, and for those alone that it
 * has closed. */
static void counts_from_the_commit(void **state)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const uint64_t took = WORLD_HOLD_US - 1, in_force = START_US + took;
	struct world_held held[4];
	const struct world *nobody, *web;
	const char *error;

	(void)state;
	assert_int_equal(world_parse_inventory(NOBODY, strlen(NOBODY), arena, &nobody, &error), 0);
	assert_int_equal(
		world_parse_inventory(steps[0].json, strlen(steps[0].json), arena, &web, &error),
		0);
	assert_int_equal(hold_back(NULL, nobody, START_US, arena, &held[0]), 0);
	assert_int_equal(hold_back(&held[0], web, START_US, arena, &held[1]), 0);
	world_hold_from(&held[1], START_US, in_force);
	assert_int_equal(held[1].until_us, in_force + WORLD_HOLD_US);
	assert_int_equal(hold_back(&held[1], web, in_force + 1, arena, &held[2]), 0);
	world_hold_from(&held[2], in_force + 1, in_force + took);
	assert_int_equal(held[2].until_us, in_force + WORLD_HOLD_US);
	assert_int_equal(hold_back(&held[2], web, held[2].until_us, arena, &held[3]), 0);
	assert_true(held[3].until_us == UINT64_MAX);
}

/* What lies in the socket of whoever listens is waited for, at UDP ports of who is held back, and
 * not for ever. */
static void waits_for_what_waits(void **state)
{
	static const struct {
		const char *name, *ports;
		uint16_t waits_at;
		uint64_t looks; /* so often something waits there */
		bool held;
	} rows[] = {
		{ "nothing waits", "{\"host_port\":8053,\"port\":\"53/udp\"}", 0, 1, false },
		{ "at its port", "{\"host_port\":8053,\"port\":\"53/udp\"}", 8053, 1, true },
		{ "at its second port", AT("8080") ",{\"host_port\":8053,\"port\":\"53/udp\"}",
		  8053, 3, true },
		{ "at another port", "{\"host_port\":8053,\"port\":\"53/udp\"}", 8054, 1, false },
		{ "at a port of TCP", AT("8053"), 8053, 1, false },
		{ "for ever", "{\"host_port\":8053,\"port\":\"53/udp\"}", 8053,
		  WORLD_HOLD_MOST_US / WORLD_HOLD_US + 1, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		struct world_waiting waiting = { 0 };
		struct world_hold_time time = { START_US, &waiting };
		const struct world *nobody, *web;
		struct world_held held, next;
		const char *error;
		char json[1024];
		waiting.ports[rows[i].waits_at / 8] |= (uint8_t)(1u << rows[i].waits_at % 8);
		(void)snprintf(json, sizeof(json), WEB("%s", ON_N), rows[i].ports);
		assert_int_equal(
			world_parse_inventory(NOBODY, strlen(NOBODY), arena, &nobody, &error), 0);
		assert_int_equal(world_parse_inventory(json, strlen(json), arena, &web, &error), 0);
		assert_int_equal(hold_back(NULL, nobody, START_US, arena, &held), 0);
		assert_int_equal(hold_back(&held, web, START_US, arena, &next), 0);
		for (uint64_t n = 0; n < rows[i].looks && next.until_us != UINT64_MAX; n++) {
			held = next;
			time.now_us = held.until_us;
			assert_int_equal(world_hold_back(&held, web, &time, arena, &next), 0);
		}
		if ((next.until_us != UINT64_MAX) != rows[i].held)
			fail_msg("%s: %s", rows[i].name, rows[i].held ? "let go" : "held");
		if (!rows[i].held)
			continue;
		/* Nothing waits any more: the time has begun with the last look. */
		assert_true(next.until_us == time.now_us + WORLD_HOLD_US);
		held = next;
		assert_int_equal(hold_back(&held, web, held.until_us, arena, &next), 0);
		assert_true(next.until_us == UINT64_MAX);
		/* Who was let go is not held back again. */
		held = next;
		time.now_us = held.closed_since_us[0] + 2 * WORLD_HOLD_US;
		assert_int_equal(world_hold_back(&held, web, &time, arena, &next), 0);
		assert_true(next.until_us == UINT64_MAX);
	}
}

/* What docker-proxy took before its port was closed is waited for in the same way, by the id of the
 * container to which it would hand it on. */
static void waits_for_connections(void **state)
{
	static const char *const others[] = { "", "aaaa", "cccc" };
	static const char *const its[] = { "aaaa", "bbbb", "cccc" };
	static const struct {
		const char *name;
		const char *const *ids;
		size_t n_ids, looks;
		bool held;
	} rows[] = {
		{ "nothing was taken", NULL, 0, 1, false },
		{ "for others", others, 3, 1, false },
		{ "for it", its, 3, 2, true },
		{ "for it alone", its + 1, 1, 1, true },
		{ "for ever", its, 3, WORLD_HOLD_MOST_US / WORLD_HOLD_US + 1, false },
	};
	struct world_container containers[] = { { .id = "bbbb", .name = "web" } };
	const struct world_published published = { .host_port = 80, .port = { PROTO_TCP, 80, 80 } };
	const struct world_endpoint endpoint = { .container = 0 };
	const struct world nobody = { .networks = NULL };
	const struct world web = { .containers = containers,
				   .n_containers = 1,
				   .endpoints = &endpoint,
				   .n_endpoints = 1 };

	(void)state;
	containers[0].published = &published;
	containers[0].n_published = 1;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		const struct world_waiting waiting = { .ids = rows[i].ids, .n_ids = rows[i].n_ids };
		struct world_hold_time time = { START_US, &waiting };
		struct world_held held, next;
		assert_int_equal(hold_back(NULL, &nobody, START_US, arena, &held), 0);
		assert_int_equal(hold_back(&held, &web, START_US, arena, &next), 0);
		for (uint64_t n = 0; n < rows[i].looks && next.until_us != UINT64_MAX; n++) {
			held = next;
			time.now_us = held.until_us;
			assert_int_equal(world_hold_back(&held, &web, &time, arena, &next), 0);
		}
		if ((next.until_us != UINT64_MAX) != rows[i].held)
			fail_msg("%s: %s", rows[i].name, rows[i].held ? "let go" : "held");
		assert_true(!rows[i].held || next.until_us == time.now_us + WORLD_HOLD_US);
	}
}

/* Where nothing was known before, those are held back that somebody tries to reach. */
static void holds_at_the_first_look(void **state)
{
	static const char *const ids[] = { "bbbb" };
	const struct world_waiting waiting = { .ids = ids, .n_ids = 1 };
	const struct world_hold_time time = { START_US, &waiting };
	const struct world_published published = { .host_port = 80, .port = { PROTO_TCP, 80, 80 } };
	const struct world_container containers[] = {
		{ .id = "aaaa", .name = "a", .published = &published, .n_published = 1 },
		{ .id = "bbbb", .name = "b", .published = &published, .n_published = 1 },
	};
	const struct world_endpoint endpoints[] = { { .container = 0 }, { .container = 1 } };
	const struct world world = { .containers = containers,
				     .n_containers = 2,
				     .endpoints = endpoints,
				     .n_endpoints = 2 };
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct world_held held, next;

	(void)state;
	assert_int_equal(world_hold_back(NULL, &world, &time, arena, &held), 0);
	assert_false(held.world->containers[0].starting);
	assert_true(held.world->containers[1].starting);
	assert_int_equal(held.until_us, START_US + WORLD_HOLD_US);
	assert_int_equal(hold_back(&held, &world, held.until_us, arena, &next), 0);
	assert_true(next.until_us == UINT64_MAX);
}

static void survives_no_memory(void **state)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct world *world;
	const char *error;
	struct world_held before, after;
	int r = -1;

	(void)state;
	assert_int_equal(
		world_parse_inventory(steps[0].json, strlen(steps[0].json), arena, &world, &error),
		0);
	assert_int_equal(hold_back(NULL, world, START_US, arena, &before), 0);
	for (uint64_t n = 1; r != 0; n++) {
		CLEANUP(arena_freep) struct arena *poor = arena_new();
		arena_fail_after(poor, n);
		r = hold_back(&before, world, START_US, poor, &after);
		assert_true(n < 20);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(holds),
		cmocka_unit_test(counts_from_the_commit),
		cmocka_unit_test(waits_for_what_waits),
		cmocka_unit_test(waits_for_connections),
		cmocka_unit_test(holds_at_the_first_look),
		cmocka_unit_test(survives_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
