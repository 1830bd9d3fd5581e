/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What validate takes compiles, whatever tiers and files are called: names made from a policy meet
 * neither nft's words nor netd's own names. tests/netns/test_fw_nft.c loads them with nft. */
#include "test_names_lib.h"

static void whatever_is_valid_compiles(void **state)
{
	const char *text = getenv("SEED");
	uint64_t seed = text ? strtoull(text, NULL, 0) : 1;

	(void)state;
	print_message("SEED=%llu\n", (unsigned long long)seed);
	for (uint64_t round = 0; round < 5; round++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		struct names names;
		size_t next = 0, compiled = 0;
		assert_non_null(arena);
		names_make(&names, arena, seed + round);
		while (names_next_ruleset(&names, &next, arena))
			compiled++;
		assert_true(compiled * NAMES_TIERS > NAMES_RANDOM);
	}
}

/* Those that broke once are among the candidates, and valid. */
static void the_names_that_are_near_are_drawn(void **state)
{
	static const char *const near[] = { "ip",   "icmpv",  "nobody", "tier4",  "any-endpoint",
					    "tier", "bridge", "guard",	"forward" };
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct names names;

	(void)state;
	assert_non_null(arena);
	names_make(&names, arena, 1);
	for (size_t i = 0; i < ARRAY_LEN(near); i++) {
		bool found = false;
		for (size_t c = 0; c < names.candidates.n; c++)
			found |= strcmp(names.candidates.items[c], near[i]) == 0;
		if (!found || !names_is_valid(&names, near[i]))
			fail_msg("%s is not tried", near[i]);
	}
}

/* By construction: netd's own names and nft's words have no dot, all others have. */
static bool is_own(const char *name)
{
	return name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_")] == '\0';
}

static void own_names_and_words_have_no_dot(void **state)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct names names;
	size_t n;

	(void)state;
	assert_non_null(arena);
	names = (struct names){ .arena = arena };
	names_add_own(&names);
	assert_true(names.candidates.n > 30);
	for (size_t i = 0; i < names.candidates.n; i++)
		if (strchr(names.candidates.items[i], '.') &&
		    !strstr(names.candidates.items[i], "unmatche"))
			fail_msg("%s has a dot", names.candidates.items[i]);
	const char *const *words = ruleset_reserved_words(&n);
	for (size_t i = 0; i < n; i++)
		assert_null(strchr(words[i], '.'));
}

static size_t count_own(const struct rs_table *table)
{
	size_t n = 0;

	for (size_t i = 0; i < table->sets.n; i++)
		n += is_own(table->sets.items[i]->name);
	for (size_t i = 0; i < table->chains.n; i++)
		n += is_own(table->chains.items[i]->name);
	for (size_t i = 0; i < table->counters.n; i++)
		n += is_own(table->counters.items[i]);
	return n;
}

/* No policy adds a name without a dot: what it makes has one. */
static void names_of_a_policy_have_a_dot(void **state)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct ruleset *before = NULL, *now;
	struct names names;
	size_t next = 0;

	(void)state;
	assert_non_null(arena);
	names_make(&names, arena, 7);
	while ((now = names_next_ruleset(&names, &next, arena))) {
		for (size_t t = 0; before && t < RS_FAMILY_COUNT; t++)
			assert_int_equal(count_own(&before->tables[t]), count_own(&now->tables[t]));
		before = now;
	}
	assert_non_null(before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whatever_is_valid_compiles),
		cmocka_unit_test(the_names_that_are_near_are_drawn),
		cmocka_unit_test(own_names_and_words_have_no_dot),
		cmocka_unit_test(names_of_a_policy_have_a_dot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
