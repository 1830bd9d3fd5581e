/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where docker-proxy takes connections for containers, and to where it dials. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/text.h"
#include "core/world/places.h"

static const char host[] =
	"{\"version\":1,\"networks\":[{\"name\":\"m\",\"subnets\":[\"172.19.0.0/16\"]},"
	"{\"name\":\"n\",\"subnets\":[\"172.18.0.0/16\",\"fd00:18::/64\"]}],\"containers\":["
	"{\"name\":\"a\",\"published\":["
	"{\"host_ip\":\"0.0.0.0\",\"host_port\":8080,\"port\":\"80/tcp\"},"
	"{\"host_ip\":\"::\",\"host_port\":8080,\"port\":\"80/tcp\"},"
	"{\"host_ip\":\"127.0.0.1\",\"host_port\":8081,\"port\":\"81/tcp\"},"
	"{\"host_port\":8053,\"port\":\"53/udp\"}],\"endpoints\":["
	"{\"network\":\"m\",\"ipv4\":\"172.19.0.2\"},"
	"{\"network\":\"n\",\"ipv4\":\"172.18.0.2\",\"ipv6\":\"fd00:18::2\"}]},"
	"{\"name\":\"b\",\"published\":["
	"{\"host_ip\":\"192.0.2.1\",\"host_port\":8080,\"port\":\"80/tcp\"},"
	"{\"host_port\":8082,\"port\":\"82/tcp\"}],\"endpoints\":["
	"{\"network\":\"n\",\"ipv4\":\"172.18.0.3\"}]},"
	"{\"name\":\"c\",\"published\":[{\"host_port\":9,\"port\":\"9/tcp\"}],\"endpoints\":["
	"{\"network\":\"n\",\"ipv4\":\"172.18.0.4\"}]}]}";
static const bool wanted[] = { true, true, false };

static const struct world *read_host(struct arena *arena)
{
	const struct world *world = NULL;
	const char *error = NULL;

	if (world_parse_inventory(host, sizeof(host) - 1, arena, &world, &error))
		fail_msg("%s", error ? error : "no memory");
	return world;
}

/* "ab": the containers to which a connection there comes. */
static void expect(const struct world_places *places, const char *addr, uint16_t port,
		   const char *want)
{
	const struct world_place *place = NULL;
	struct ip_addr at;
	char got[8] = "";

	assert_int_equal(ip_parse(addr, &at), 0);
	while ((place = world_places_next(places, &at, port, place)) && strlen(got) < 4)
		got[strlen(got)] = (char)('a' + place->container);
	if (strcmp(got, want) != 0)
		fail_msg("%s %u: %s, not %s", addr, port, got, want);
}

static void at_the_host(void **state)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct world_places places;

	(void)state;
	assert_int_equal(world_places_at_host(read_host(arena), wanted, arena, &places), 0);
	assert_int_equal(places.of.n, 3);
	expect(&places, "192.0.2.1", 8080, "ab");
	expect(&places, "192.0.2.5", 8080, "a");
	expect(&places, "2001:db8::1", 8080, "a");
	expect(&places, "192.0.2.5", 8082, "b");
	expect(&places, "127.0.0.1", 8081, ""); /* nobody else gets there */
	expect(&places, "192.0.2.1", 8053, ""); /* UDP */
	expect(&places, "192.0.2.1", 9, "");	/* of one that is not wanted */
	expect(&places, "192.0.2.1", 65535, "");
}

static void inside(void **state)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct ip_prefix prefixes[WORLD_PLACES_PREFIXES];
	struct world_places places;
	char text[PREFIX_TEXT_LEN];

	(void)state;
	assert_int_equal(world_places_inside(read_host(arena), wanted, arena, &places), 0);
	expect(&places, "172.18.0.2", 80, "a");
	expect(&places, "172.19.0.2", 80, "a");
	expect(&places, "fd00:18::2", 80, "a");
	expect(&places, "172.18.0.3", 80, "b");
	expect(&places, "172.18.0.3", 82, "b");
	expect(&places, "172.18.0.2", 82, "");
	expect(&places, "172.18.0.2", 53, "");
	expect(&places, "172.18.0.4", 9, "");
	assert_int_equal(world_places_prefixes(&places, prefixes), 2);
	for (size_t i = 0; i < 2; i++)
		assert_string_equal(ip_prefix_format(&prefixes[i], text),
				    prefixes[i].addr.family == IP_V4 ? "172.18.0.0/15"
								     : "fd00:18::2/128");
}

static void nobody(void **state)
{
	static const bool none[3];
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct ip_prefix prefixes[WORLD_PLACES_PREFIXES];
	struct world_places places;
	struct world_ports ports;

	(void)state;
	assert_int_equal(world_places_at_host(read_host(arena), none, arena, &places), 0);
	expect(&places, "192.0.2.1", 8080, "");
	assert_int_equal(world_places_ranges(&places, &ports, 1), 0);
	assert_int_equal(world_places_prefixes(&places, prefixes), 0);
}

static void ranges(void **state)
{
	static const struct {
		uint16_t ports[6];
		size_t most;
		const char *want;
	} rows[] = {
		{ { 80 }, 4, "80-80 " },
		{ { 80, 80, 81, 82, 90 }, 4, "80-82 90-90 " },
		{ { 1, 80, 443, 8080 }, 4, "1-1 80-80 443-443 8080-8080 " },
		{ { 1, 80, 443, 8080, 65534, 65535 }, 4, "1-1 80-80 443-443 8080-65535 " },
		{ { 65534, 65535 }, 1, "65534-65535 " },
		{ { 1, 65535 }, 1, "1-65535 " },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world_place items[ARRAY_LEN(rows[i].ports)] = { 0 };
		struct world_places places = { .of = { .items = items } };
		struct world_ports got[4];
		char text[128] = "";
		for (size_t k = 0; k < ARRAY_LEN(items) && rows[i].ports[k]; k++)
			items[places.of.n++].port = rows[i].ports[k];
		size_t n = world_places_ranges(&places, got, rows[i].most);
		for (size_t k = 0; k < n; k++)
			(void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%u-%u ",
				       got[k].first, got[k].last);
		assert_string_equal(text, rows[i].want);
	}
}

static void survives_no_memory(void **state)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct world *world = read_host(arena);
	int r = -1;

	(void)state;
	for (uint64_t n = 1; r != 0; n++) {
		CLEANUP(arena_freep) struct arena *poor = arena_new();
		struct world_places places;
		arena_fail_after(poor, n);
		r = world_places_at_host(world, wanted, poor, &places);
		if (r == 0)
			r = world_places_inside(world, wanted, poor, &places);
		assert_true(n < 20);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(at_the_host),
		cmocka_unit_test(inside),
		cmocka_unit_test(nobody),
		cmocka_unit_test(ranges),
		cmocka_unit_test(survives_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
