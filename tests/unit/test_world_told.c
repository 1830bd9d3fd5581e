/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An answer about a network is read only where it is not written as the one before: what comes of
 * that is what comes of reading all of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/world/docker-json.h"
#include "tests/unit/test_world_kept_lib.h"

enum { MEMBERS = 12, STEPS = 3000 };

#define NETWORK_ID "1111111111111111111111111111111111111111111111111111111111111111"

/* Somebody who may be on the network. */
struct member {
	bool is_there;
	unsigned int key, name, address, mac, endpoint;
};

struct play {
	uint64_t dice;
	struct member members[MEMBERS];
	struct world_store *again, *whole; /* the second one reads each answer anew */
	size_t n_put, n_refused;
};

static unsigned int roll(struct play *play, unsigned int n) /* 0..n-1 */
{
	play->dice ^= play->dice << 13;
	play->dice ^= play->dice >> 7;
	play->dice ^= play->dice << 17;
	return (unsigned int)(play->dice >> 33) % n;
}

/* ---- what Docker writes, and what it may write one day ---- */

static void print_key(struct text *out, struct play *play, const struct member *member)
{
	if (member->key == 0)
		text_add(out, "ingress-sbox");
	else if (member->key == 1)
		text_add(out, "qqqqqqqqqqqqqqqqqqqqqqqqq"); /* of a build */
	else if (member->key == 2)
		text_printf(out, "ep-%064x", member->endpoint);
	else
		text_printf(out, "%s%015x%048x", roll(play, 60) ? "0" : "\\u0030",
			    member->key * 0x1111, member->key);
}

static void print_member(struct text *out, struct play *play, const struct member *member)
{
	const char *blank = roll(play, 40) ? "" : " ";

	text_add(out, "\"");
	print_key(out, play, member);
	text_printf(out, "\":%s{\"Name\":\"c%u\",\"EndpointID\":\"%016x%048x\"", blank,
		    member->name, member->endpoint, 0u);
	if (member->mac)
		text_printf(out, ",\"MacAddress\":\"02:42:ac:12:00:%02x\"", member->mac);
	else
		text_add(out, ",\"MacAddress\":\"none\"");
	text_printf(out, ",\"IPv4Address\":\"172.18.0.%u/16\",\"IPv6Address\":\"\"%s}%s",
		    member->address, roll(play, 60) ? "" : ",\"More\":[{}]", blank);
}

/* In the order of their keys, mostly. */
static void print_members(struct text *out, struct play *play)
{
	unsigned int first = roll(play, 8) ? 0 : roll(play, MEMBERS);
	const char *comma = "";

	for (unsigned int i = 0; i < MEMBERS; i++) {
		const struct member *member = &play->members[(first + i) % MEMBERS];
		unsigned int times = roll(play, 200) ? 1 : 2;
		for (; member->is_there && times > 0; times--) {
			text_add(out, comma);
			print_member(out, play, member);
			comma = ",";
		}
	}
}

static void print_answer(struct text *out, struct play *play)
{
	text_printf(out, "{\"Name\":\"n%u\",\"Id\":\"" NETWORK_ID "\",\"Driver\":\"%s\"",
		    roll(play, 2), roll(play, 20) ? "bridge" : "overlay");
	if (!roll(play, 20))
		text_add(out, ",\"Containers\":null");
	text_add(out, ",\"Containers\":{");
	print_members(out, play);
	text_add(out, "}");
	if (!roll(play, 30))
		text_add(out, ",\"Containers\":{\"x\":1}");
	if (!roll(play, 30))
		text_add(out, ",\"Id\":\"\"");
	text_add(out, roll(play, 30) ? "}" : ",\"Options\":{}} \n");
	if (!roll(play, 30))
		text_add(out, "}");
	if (!roll(play, 25))
		out->len = 1 + roll(play, (unsigned int)out->len);
}

/* ---- what happens ---- */

/* Of one or two of them something is another one. */
static void change_members(struct play *play)
{
	for (unsigned int n = 1 + roll(play, 2); n > 0; n--) {
		unsigned int key = roll(play, MEMBERS);
		struct member *member = &play->members[key];
		*member = (struct member){ .is_there = member->is_there ? roll(play, 3) : true,
					   .key = key,
					   .name = roll(play, 4),
					   .address = 2 + roll(play, 4),
					   .mac = roll(play, 4),
					   .endpoint = roll(play, 4) };
	}
}

static void put(struct play *play)
{
	CLEANUP(text_done) struct text json = { 0 };
	const char *why[2] = { "", "" };

	print_answer(&json, play);
	for (size_t i = 0; i < play->whole->networks.n; i++) {
		struct store_network *network =
			(struct store_network *)play->whole->networks.by_id[i];
		free(TAKE_PTR(network->told));
	}
	world_store_answers_from(play->again, world_store_moment(play->again));
	world_store_answers_from(play->whole, world_store_moment(play->whole));
	int r = world_store_put_network(play->again, text_str(&json), json.len, &why[0]);
	assert_int_equal(r,
			 world_store_put_network(play->whole, text_str(&json), json.len, &why[1]));
	assert_string_equal(why[0], why[1]);
	play->n_put++;
	play->n_refused += r != 0;
}

static void list(struct world_store *store, unsigned int key, unsigned int name)
{
	CLEANUP(text_done) struct text json = { 0 };
	const char *error = "";

	text_printf(&json,
		    "[{\"Id\":\"0%015x%048x\",\"Names\":[\"/c%u\"],\"Image\":\"i\","
		    "\"State\":\"running\",\"Labels\":{}}]",
		    key * 0x1111, key, name);
	world_store_answers_from(store, world_store_moment(store));
	assert_int_equal(world_store_put_containers(store, json.bytes, json.len, &error), 0);
}

static void happen(struct play *play)
{
	struct world_store *stores[2] = { play->again, play->whole };
	unsigned int key = 3 + roll(play, MEMBERS - 3), what = roll(play, 8), name = roll(play, 4);
	char id[WORLD_ID_LEN];

	(void)snprintf(id, sizeof(id), "0%015x%048x", key * 0x1111, key);
	for (size_t i = 0; i < ARRAY_LEN(stores); i++) {
		if (what == 0)
			world_store_disconnect(stores[i], NETWORK_ID, id);
		else if (what == 1)
			world_store_remove_container(stores[i], id);
		else if (what == 2)
			list(stores[i], key, name);
	}
	if (what > 2)
		change_members(play);
}

/* Both stores say the same, whatever was told. */
static void says_the_same(void **state)
{
	struct play play = { .dice = UINT64_C(0x9e3779b97f4a7c15),
			     .again = world_store_new(),
			     .whole = world_store_new() };

	(void)state;
	for (unsigned int i = 0; i < STEPS; i++) {
		happen(&play);
		put(&play);
		CLEANUP(free_ptr) char *again = say_all(play.again);
		CLEANUP(free_ptr) char *whole = say_all(play.whole);
		assert_string_equal(again, whole);
	}
	assert_in_range(play.n_refused, STEPS / 50, STEPS / 2);
	(void)world_store_free(play.again);
	(void)world_store_free(play.whole);
}

/* ---- what is not read again ---- */

/* NULL, or why it is refused. */
static const char *read_network(const char *json, const struct world_docker_known *known,
				size_t n_known, struct arena *arena,
				struct world_docker_network *ret)
{
	struct world_docker_answer answer = { .json = json, .len = strlen(json), .arena = arena };
	int r = world_docker_network(&answer, known, n_known, ret);

	assert_true(r == 0 || r == WORLD_E_INVALID);
	return r == 0 ? NULL : answer.error;
}

#define AT(n) "000000000000000000000000000000000000000000000000000000000000000" n
#define MEMBER(n, v4) "\"" AT(n) "\":{\"IPv4Address\":\"" v4 "\"}"
#define NUMBER(n, number) "\"" AT(n) "\":" number
#define NETWORK(members) "{\"Id\":\"" NETWORK_ID "\",\"Containers\":{" members "}}"

#define SPAN(text)                     \
	{                              \
		text, sizeof(text) - 1 \
	}

/* 1, 5 and 6 are as they were, 2 is gone, 3 has come, 4 has another address, and what 7 has begins
 * as it did. */
static void knows_what_is_written_alike(void **state)
{
	static const struct world_docker_known known[] = {
		{ SPAN(MEMBER("1", "172.18.0.2")), AT("1"), WORLD_CONTAINER },
		{ SPAN(MEMBER("2", "172.18.0.3")), AT("2"), WORLD_CONTAINER },
		{ SPAN(MEMBER("4", "172.18.0.4")), AT("4"), WORLD_CONTAINER },
		{ SPAN(MEMBER("5", "172.18.0.5")), AT("5"), WORLD_CONTAINER },
		{ SPAN(MEMBER("6", "172.18.0.6")), AT("6"), WORLD_CONTAINER },
		{ SPAN(NUMBER("7", "1")), AT("7"), WORLD_CONTAINER },
	};
	/* clang-format off */
	static const char json[] = NETWORK(
		MEMBER("1", "172.18.0.2") "," MEMBER("3", "172.18.0.9") ","
		MEMBER("4", "172.18.0.44") "," MEMBER("5", "172.18.0.5") ","
		MEMBER("6", "172.18.0.6") "," NUMBER("7", "12"));
	/* clang-format on */
	static const struct world_docker_known *const want[] = { &known[0], NULL,      NULL,
								 &known[3], &known[4], NULL };
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct world_docker_network network;

	(void)state;
	assert_null(read_network(json, known, ARRAY_LEN(known), arena, &network));
	assert_int_equal(network.n_endpoints, ARRAY_LEN(want));
	for (size_t i = 0; i < ARRAY_LEN(want); i++)
		assert_ptr_equal(network.endpoints[i].known, want[i]);
}

/* After somebody has gone all others are known still. */
static void knows_those_who_stay(void **state)
{
	/* clang-format off */
	static const char all[] = NETWORK(
		MEMBER("1", "172.18.0.2") "," MEMBER("2", "172.18.0.3") ","
		MEMBER("3", "172.18.0.4") "," MEMBER("4", "172.18.0.5"));
	/* clang-format on */
	struct world_store *store = world_store_new();
	const char *error = "";

	(void)state;
	assert_int_equal(world_store_put_network(store, all, sizeof(all) - 1, &error), 0);
	world_store_disconnect(store, NETWORK_ID, AT("2"));
	const struct store_network *network = (struct store_network *)store->networks.by_id[0];
	assert_int_equal(network->n_endpoints, 3);
	for (size_t i = 1; i < network->n_endpoints; i++)
		assert_true(network->endpoints[i - 1].told_at < network->endpoints[i].told_at);
	(void)world_store_free(store);
}

/* Of two lists the first counts; on a network that netd does not enforce, containers alone. */
static void counts_what_was_first(void **state)
{
	static const char json[] =
		"{\"Id\":\"" NETWORK_ID "\",\"Driver\":\"overlay\","
		"\"Containers\":{" MEMBER("1", "172.18.0.2") ",\"lb-sbox\":{}},"
							     "\"Containers\":{}}";
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct world_docker_network network;

	(void)state;
	assert_null(read_network(json, NULL, 0, arena, &network));
	assert_int_equal(network.n_endpoints, 1);
	assert_string_equal(network.endpoints[0].container_id, AT("1"));
}

/* What is no object from its beginning to its end. */
static void refuses(void **state)
{
	static const char *const rows[] = {
		"{\"Id\":\"" NETWORK_ID "\",\"Containers\":{}} {}",
		"{\"Id\":\"" NETWORK_ID "\",\"Containers\":{}{\"a\":1}}",
		"{\"Id\":\"" NETWORK_ID "\",\"Containers\":{};\"a\":1}",
		"{\"Id\":\"" NETWORK_ID "\",\"Containers\":{},}",
		"{\"Id\":\"" NETWORK_ID "\",\"Containers\":{\"" AT("1") "\":}}",
		"{\"Id\":\"" NETWORK_ID "\",\"Containers\":{\"" AT("1") "\":{}",
		"[]",
		"",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		struct world_docker_network network;
		assert_string_equal(read_network(rows[i], NULL, 0, arena, &network), "not JSON");
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_the_same),
		cmocka_unit_test(knows_what_is_written_alike),
		cmocka_unit_test(knows_those_who_stay),
		cmocka_unit_test(counts_what_was_first),
		cmocka_unit_test(refuses),
	};

	return cmocka_run_group_tests_name("world_told", tests, NULL, NULL);
}
