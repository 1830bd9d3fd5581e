/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What validate takes compiles, whatever tiers and files are called: names made from a policy meet
 * neither nft's words nor netd's own names. tests/netns/test_fw_nft.c loads them with nft. A rule's
 * name tells where it is written. */
#include "test_names_lib.h"
#include "tests/unit/test_compile_lib.h"

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

static const struct rs_rule *find_rule(const struct ruleset *rs, const char *counter)
{
	const struct rs_table *table = &rs->tables[RS_INET];

	for (size_t i = 0; i < table->chains.n; i++)
		for (size_t j = 0; j < table->chains.items[i]->rules.n; j++) {
			const struct rs_rule *rule = &table->chains.items[i]->rules.items[j];
			if (rule->counter && strcmp(rule->counter, counter) == 0)
				return rule;
		}
	fail_msg("no rule with the counter %s", counter);
	return NULL;
}

/* Files are named as their owner likes; nft takes few characters in names, and no quotes. */
static void rules_are_named_after_any_file(void **state)
{
	static const struct {
		const char *file, *counter, *comment;
	} rows[] = {
		{ "/etc/netd/policy.d/20-shop.yaml", "rule.20-shop.yaml.2", "20-shop.yaml:2" },
		{ "a\"b\\c$\x1b.yaml", "rule.a_b_c__.yaml-58358a59.2", "a?b?c??.yaml:2" },
		{ "d/\xc3\xa4\xc2\x9b.yaml", "rule.____.yaml-3f022a26.2", "\xc3\xa4??.yaml:2" },
	};
	struct fixture f;

	(void)state;
	fixture_make(&f, "");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		static const char text[] = "version: 1\n"
					   "allow: [{from: internet, to: web, log: true}]\n" TIERS;
		const struct policy_source source = { rows[i].file, text, sizeof(text) - 1 };
		struct compile_output out;
		struct diag_list diags;
		const char *why = NULL;
		diag_init(&diags, f.arena);
		assert_int_equal(policy_parse(&source, 1, f.arena, &diags, &f.policy), 0);
		struct compile_input in = { .policy = f.policy,
					    .world = f.world,
					    .mark_bit = COMPILE_MARK_BIT,
					    .stamp = STAMP,
					    .log_group = 1 };
		if (compile_ruleset(&in, f.arena, &out, &why) != 0)
			fail_msg("%s: %s", rows[i].file, why);
		assert_string_equal(find_rule(out.ruleset, rows[i].counter)->comment,
				    rows[i].comment);
	}
	(void)arena_free(f.arena);
}

/* Each has a counter of its own. */
static void rules_of_one_line_are_told_apart(void **state)
{
	struct fixture f;

	(void)state;
	fixture_make(&f, "allow: [{from: web, to: app}, {from: web, to: db}]\n");
	(void)find_rule(f.compiled.ruleset, "rule.p.yaml.6-9");
	(void)find_rule(f.compiled.ruleset, "rule.p.yaml.6-31");
	(void)arena_free(f.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whatever_is_valid_compiles),
		cmocka_unit_test(the_names_that_are_near_are_drawn),
		cmocka_unit_test(own_names_and_words_have_no_dot),
		cmocka_unit_test(names_of_a_policy_have_a_dot),
		cmocka_unit_test(rules_are_named_after_any_file),
		cmocka_unit_test(rules_of_one_line_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
