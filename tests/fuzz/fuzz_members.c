/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The other hosts of a fleet as a text: of an admin, of netd-fleet, of the state folder; and as
 * each of them says of itself in the store. */
#include <stdlib.h>

#include "core/fleet/fleet.h"
#include "core/fleet/members.h"
#include "tests/fuzz/fuzz.h"

/* The printed form is read as the same. */
static void check_again(const char *text, struct arena *arena)
{
	struct fleet_members again;
	const char *error = NULL;
	int r = fleet_read_members(text, strlen(text), arena, &again, &error);

	assert(r == 0);
	CLEANUP(free_ptr) char *printed = fleet_print_members(&again);
	assert(printed && strcmp(printed, text) == 0);
}

/* Each line is a host's key: its name, and what it says. */
static void fill(struct etcd_mirror *mirror, char *text, struct arena *arena)
{
	VEC(struct etcd_key) keys = { 0 };

	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		size_t len = strcspn(line, " ");
		const char *value = line + len + (line[len] != '\0');
		const char *key = arena_printf(arena, "n/addresses/%.*s", (int)len, line);
		const struct etcd_key one = { .key = key, .value = value, .len = strlen(value) };
		assert(key && VEC_PUSH(arena, &keys, one) == 0);
	}
	const struct etcd_answer range = { .revision = 1, .keys = keys.items, .n_keys = keys.n };
	int r = etcd_mirror_fill(mirror, &range);
	assert(r == 0);
}

static bool has(const struct fleet_members *members, const char *host)
{
	for (size_t i = 0; i < members->n; i++)
		if (strcmp(members->items[i].host, host) == 0)
			return true;
	return false;
}

/* Whatever they say, it is a list in order, this host is none of the others, and nobody goes while
 * the store is not heard of. */
static void check_next(const struct fleet_members *before, const struct etcd_mirror *mirror,
		       uint64_t heard_us)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct fleet_word word = { .mirror = mirror,
					 .prefix = "n",
					 .self = "a",
					 .now_us = 100,
					 .heard_us = heard_us,
					 .now = 100,
					 .grace_us = 10 };
	struct fleet_members next;
	int r = fleet_next_members(before, &word, arena, &next);

	assert(r == 0 && !has(&next, "a"));
	CLEANUP(free_ptr) char *text = fleet_print_members(&next);
	assert(text);
	check_again(text, arena);
	for (size_t i = 0; i < before->n && heard_us == 0; i++)
		assert(has(&next, before->items[i].host) || strcmp(before->items[i].host, "a") == 0);
}

static void check_store(const struct fleet_members *before, const uint8_t *data, size_t size)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(etcd_mirror_done) struct etcd_mirror mirror = { 0 };
	char *text = arena_strndup(arena, (const char *)data, size);

	assert(text);
	fill(&mirror, text, arena);
	check_next(before, &mirror, 0);
	check_next(before, &mirror, 100);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct fleet_members members = { 0 };
	const char *error = NULL;
	int r = fleet_read_members((const char *)data, size, arena, &members, &error);

	assert(r == 0 || r == FLEET_E_INVALID);
	check_store(&members, data, size);
	if (r != 0) {
		fuzz_check_text(error);
		return 0;
	}
	for (size_t i = 0; i < members.n; i++)
		assert(fleet_is_name(members.items[i].host) &&
		       members.items[i].n_addrs <= LIMIT_MEMBER_ADDRESSES);
	CLEANUP(free_ptr) char *text = fleet_print_members(&members);
	assert(text);
	check_again(text, arena);
	return 0;
}
