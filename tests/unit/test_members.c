/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The hosts of a fleet: as a text both ways, and who is one of them as hosts come and go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/text.h"
#include "core/fleet/fleet.h"
#include "core/fleet/members.h"

static void texts_go_both_ways(void **state)
{
	static const struct {
		const char *text, *canonical, *error;
	} rows[] = {
		{ "", "", NULL },
		{ "# nobody\n\n", "", NULL },
		{ "b - 192.0.2.7\na - 2001:DB8::1, 192.0.2.1",
		  "a - 2001:db8::1 192.0.2.1\nb - 192.0.2.7\n", NULL },
		{ "a 1764406183 192.0.2.7\n", "a 1764406183 192.0.2.7\n", NULL },
		{ "a -\n", "a - \n", NULL },
		{ "a\n", NULL, "line 1 is not `HOST - ADDRESS...`" },
		{ "a - 192.0.2.0/24\n", NULL, "line 1 is not `HOST - ADDRESS...`" },
		{ "a - 1.1.1.1 1.1.1.2 1.1.1.3 1.1.1.4 1.1.1.5 1.1.1.6 1.1.1.7 1.1.1.8 1.1.1.9\n",
		  NULL, "line 1 is not `HOST - ADDRESS...`" },
		{ "a - 192.0.2.1\n../b - 192.0.2.2\n", NULL, "line 2 is not `HOST - ADDRESS...`" },
		{ "a 0 192.0.2.1\n", NULL, "line 1 is not `HOST - ADDRESS...`" },
		{ "a -1 192.0.2.1\n", NULL, "line 1 is not `HOST - ADDRESS...`" },
		{ "a - 1.1.1.1\na - 1.1.1.2", NULL,
		  "line 2 is not the last one: a host stands twice" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		struct fleet_members members;
		const char *error = "";
		int r = fleet_read_members(rows[i].text, strlen(rows[i].text), arena, &members,
					   &error);
		if (rows[i].error) {
			assert_int_equal(r, FLEET_E_INVALID);
			assert_string_equal(error, rows[i].error);
			continue;
		}
		assert_int_equal(r, 0);
		CLEANUP(free_ptr) char *text = fleet_print_members(&members);
		assert_string_equal(text, rows[i].canonical);
	}
}

/* ---- who is one of them ---- */

struct fleet {
	struct arena *arena;
	struct etcd_mirror mirror;
	struct fleet_members members;
	uint64_t heard_s;
};

static void store_has(struct fleet *fleet, const char *const *keys, size_t n)
{
	struct etcd_key all[8] = { 0 };
	const struct etcd_answer answer = {
		.cluster_id = 7, .revision = 20, .keys = all, .n_keys = n
	};

	for (size_t i = 0; i < n; i++)
		all[i] = (struct etcd_key){ .key = keys[2 * i],
					    .value = keys[2 * i + 1],
					    .len = strlen(keys[2 * i + 1]) };
	assert_int_equal(etcd_mirror_fill(&fleet->mirror, &answer), 0);
}

/* At that second; the store was heard of then, or at the one before. */
static void expect(struct fleet *fleet, uint64_t now_s, bool is_heard, const char *text)
{
	const struct fleet_word word = { .mirror = &fleet->mirror,
					 .prefix = "n",
					 .self = "me",
					 .now_us = now_s * 1000000,
					 .heard_us = (is_heard ? now_s : fleet->heard_s) * 1000000,
					 .now = 1000 + (int64_t)now_s,
					 .grace_us = 60 * 1000000 };
	struct fleet_members next;

	fleet->heard_s = is_heard ? now_s : fleet->heard_s;
	assert_int_equal(
		fleet_next_members(&fleet->members, &word, fleet->arena, &next),
		0);
	CLEANUP(free_ptr) char *got = fleet_print_members(&next);
	assert_string_equal(got, text);
	fleet->members = next;
}

static void hosts_come_and_go(void **state)
{
	static const char *const three[] = { "n/addresses/a",  "192.0.2.1 2001:db8::1",
					     "n/addresses/b",  "192.0.2.2",
					     "n/addresses/me", "192.0.2.9" };
	static const char *const moved[] = { "n/addresses/a", "192.0.2.7", "n/addresses/me", "192.0.2.9" };
	static const char *const wrong[] = { "n/groups/x/hosts", "192.0.2.8", "n/addresses/.a",
					     "192.0.2.4",	 "n/addresses/a", "0.0.0.0/0",
					     "n/addresses/b/c",	 "192.0.2.5", "n/policy/a",
					     "192.0.2.6" };
	struct fleet fleet = { .arena = arena_new() };

	(void)state;
	store_has(&fleet, three, 3);
	expect(&fleet, 10, true, "a - 192.0.2.1 2001:db8::1\nb - 192.0.2.2\n");
	/* One has moved, one is gone. */
	store_has(&fleet, moved, 2);
	expect(&fleet, 20, true, "a - 192.0.2.7\nb 1020 192.0.2.2\n");
	expect(&fleet, 80, true, "a - 192.0.2.7\nb 1020 192.0.2.2\n");
	expect(&fleet, 200, false, "a - 192.0.2.7\nb 1020 192.0.2.2\n"); /* cut off */
	expect(&fleet, 201, true, "a - 192.0.2.7\n");
	/* It comes back, goes again and comes back in time: that counts anew. */
	store_has(&fleet, three, 3);
	expect(&fleet, 210, true, "a - 192.0.2.1 2001:db8::1\nb - 192.0.2.2\n");
	store_has(&fleet, moved, 2);
	expect(&fleet, 220, true, "a - 192.0.2.7\nb 1220 192.0.2.2\n");
	store_has(&fleet, three, 3);
	expect(&fleet, 230, true, "a - 192.0.2.1 2001:db8::1\nb - 192.0.2.2\n");
	store_has(&fleet, moved, 2);
	expect(&fleet, 285, true, "a - 192.0.2.7\nb 1285 192.0.2.2\n");
	/* What is no address, or no host's name, is nobody. */
	store_has(&fleet, wrong, 5);
	expect(&fleet, 400, true, "a - \n");
	etcd_mirror_done(&fleet.mirror);
	(void)arena_free(fleet.arena);
}

/* Where they are is nothing that all hosts follow. */
static void beside_the_policies(void **state)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct fleet_range policies, addresses;

	(void)state;
	assert_int_equal(fleet_policy_range("n", arena, &policies), 0);
	assert_int_equal(fleet_addresses_range("n", arena, &addresses), 0);
	const char *key = fleet_addresses_key("n", "a", arena);
	assert_true(strcmp(key, addresses.first) > 0 && strcmp(key, addresses.end) < 0);
	assert_true(strcmp(addresses.end, policies.first) < 0);
}

/* Three hosts answer at once; a thousand do so one after the other, and not before most have heard.
 */
static void each_has_a_turn(void **state)
{
	unsigned per_tenth[10] = { 0 };
	char host[16];

	(void)state;
	assert_int_equal(fleet_turn_us("alpha", 0), 0);
	assert_true(fleet_turn_us("alpha", 3) <= 6000);
	assert_true(fleet_turn_us("alpha", SIZE_MAX / 1000) <= 10 * UINT64_C(1000000));
	assert_int_equal(fleet_turn_us("alpha", 1000), fleet_turn_us("alpha", 1000));
	for (unsigned i = 0; i < 1000; i++) {
		(void)snprintf(host, sizeof(host), "host-%03u", i);
		uint64_t us = fleet_turn_us(host, 1000);
		assert_in_range(us, 1000000, 2000000);
		per_tenth[(us - 1000000) / 100001]++;
	}
	for (unsigned i = 0; i < ARRAY_LEN(per_tenth); i++)
		assert_in_range(per_tenth[i], 60, 140);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_go_both_ways),
		cmocka_unit_test(hosts_come_and_go),
		cmocka_unit_test(each_has_a_turn),
		cmocka_unit_test(beside_the_policies),
	};

	return cmocka_run_group_tests_name("members", tests, NULL, NULL);
}
