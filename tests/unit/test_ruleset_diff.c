/* SPDX-License-Identifier: GPL-2.0-or-later */
/* core/ruleset: applying diff(a, b) to a gives b, and what takes away. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "test_ruleset_random.h"

static int setup(void **state)
{
	*state = arena_new();
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	*state = arena_free(*state);
	return 0;
}

/* ---- applying, as the kernel would ---- */

static bool is_text_in(const char *const *items, size_t n, const char *text)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(items[i], text) == 0)
			return true;
	return false;
}

static const struct rs_chain *chain_in(const struct rs_chain *const *items, size_t n,
				       const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(items[i]->name, name) == 0)
			return items[i];
	return NULL;
}

static bool set_in(const struct rs_set *const *items, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(items[i]->name, name) == 0)
			return true;
	return false;
}

static bool is_deleted(const struct rs_table_diff *diff, const struct rs_set *set, size_t elem)
{
	for (size_t i = 0; i < diff->deleted.n; i++)
		if (diff->deleted.items[i].of == set && diff->deleted.items[i].elem == elem)
			return true;
	return false;
}

static void put_elem(struct ruleset *rs, struct rs_set *set, const struct rs_set *from, size_t i)
{
	struct rs_elem elem = rs_set_elem(from, i);

	assert_int_equal(ruleset_add_elem(rs, set, &elem), 0);
}

static struct rs_set *put_set(struct ruleset *rs, enum rs_family family, const struct rs_set *like)
{
	struct rs_set *set = ruleset_add_set(rs, family, like->name, like->types, like->n_types);

	assert_non_null(set);
	set->map = like->map;
	set->interval = like->interval;
	set->meter = like->meter;
	return set;
}

static void put_chain(struct ruleset *rs, enum rs_family family, const struct rs_chain *like)
{
	struct rs_chain *chain = ruleset_add_chain(rs, family, like->name, like->base);

	assert_non_null(chain);
	for (size_t i = 0; i < like->rules.n; i++)
		add_rule(rs, chain, like->rules.items[i]);
}

static void apply_sets(struct ruleset *rs, const struct rs_table *a,
		       const struct rs_table_diff *diff)
{
	for (size_t i = 0; i < a->sets.n; i++) {
		const struct rs_set *old = a->sets.items[i];
		if (set_in(diff->old_sets.items, diff->old_sets.n, old->name))
			continue;
		struct rs_set *set = put_set(rs, a->family, old);
		for (size_t j = 0; j < old->n_elems; j++)
			if (!is_deleted(diff, old, j))
				put_elem(rs, set, old, j);
		for (size_t j = 0; j < diff->added.n; j++)
			if (strcmp(diff->added.items[j].set->name, old->name) == 0)
				put_elem(rs, set, diff->added.items[j].of,
					 diff->added.items[j].elem);
	}
	for (size_t i = 0; i < diff->new_sets.n; i++) {
		struct rs_set *set = put_set(rs, a->family, diff->new_sets.items[i]);
		for (size_t j = 0; j < diff->new_sets.items[i]->n_elems; j++)
			put_elem(rs, set, diff->new_sets.items[i], j);
	}
}

static void apply_table(struct ruleset *rs, const struct rs_table *a,
			const struct rs_table_diff *diff)
{
	for (size_t i = 0; i < a->counters.n; i++)
		if (!is_text_in(diff->old_counters.items, diff->old_counters.n,
				a->counters.items[i]))
			assert_int_equal(ruleset_add_counter(rs, a->family, a->counters.items[i]),
					 0);
	for (size_t i = 0; i < diff->new_counters.n; i++)
		assert_int_equal(ruleset_add_counter(rs, a->family, diff->new_counters.items[i]),
				 0);
	apply_sets(rs, a, diff);
	for (size_t i = 0; i < a->chains.n; i++) {
		const struct rs_chain *old = a->chains.items[i];
		const struct rs_chain *changed =
			chain_in(diff->changed_chains.items, diff->changed_chains.n, old->name);
		if (!chain_in(diff->old_chains.items, diff->old_chains.n, old->name))
			put_chain(rs, a->family, changed ? changed : old);
	}
	for (size_t i = 0; i < diff->new_chains.n; i++)
		put_chain(rs, a->family, diff->new_chains.items[i]);
}

static struct ruleset *apply(struct arena *arena, const struct ruleset *a,
			     const struct rs_diff *diff)
{
	struct ruleset *rs = ruleset_new(arena);
	const char *why = "";

	rs->stamp_mask = a->stamp_mask;
	rs->stamp = a->stamp;
	for (int family = 0; family < RS_FAMILY_COUNT; family++)
		apply_table(rs, &a->tables[family], &diff->tables[family]);
	int r = ruleset_seal(rs, &why);
	if (r < 0)
		print_message("%s\n", why);
	assert_int_equal(r, 0);
	return rs;
}

static uint64_t first_seed(void)
{
	const char *text = getenv("SEED");
	uint64_t seed = text ? strtoull(text, NULL, 0) : 1;

	print_message("SEED=%llu\n", (unsigned long long)seed);
	return seed;
}

static void applies(void **state)
{
	uint64_t seed = first_seed();
	size_t n_changes = 0;

	(void)state;
	for (uint64_t i = 0; i < 300; i++) {
		struct arena *arena = arena_new();
		const struct ruleset *a = random_ruleset(arena, seed + i);
		const struct ruleset *b = random_ruleset(arena, seed + i / 2 + 1000);
		struct rs_diff diff;
		assert_int_equal(ruleset_diff(a, b, arena, &diff), 0);
		bool equal = ruleset_equal(apply(arena, a, &diff), b);
		if (!equal)
			print_message("differs at SEED=%llu\n", (unsigned long long)(seed + i));
		assert_true(equal);
		assert_int_equal(diff.empty, ruleset_equal(a, b));
		n_changes += diff.tables[RS_INET].changed_chains.n;
		arena_free(arena);
	}
	assert_true(n_changes > 300); /* the pairs have chains in common */
}

static void no_difference(void **state)
{
	const struct ruleset *a = random_ruleset(*state, 7), *b = random_ruleset(*state, 7);
	struct rs_diff diff;

	assert_int_equal(ruleset_diff(a, b, *state, &diff), 0);
	assert_true(diff.empty);
	assert_false(diff.takes_away);
	assert_true(ruleset_equal(a, b));
}

static void from_nothing(void **state)
{
	const struct ruleset *a = random_ruleset(*state, 7);
	struct rs_diff diff;

	assert_int_equal(ruleset_diff(NULL, a, *state, &diff), 0);
	assert_false(diff.empty);
	assert_false(diff.takes_away);
	assert_int_equal(diff.tables[RS_INET].new_sets.n, a->tables[RS_INET].sets.n);
	assert_int_equal(diff.tables[RS_INET].new_chains.n, a->tables[RS_INET].chains.n);
	const struct ruleset *empty = ruleset_new(*state);
	assert_int_equal(ruleset_diff(NULL, empty, *state, &diff), 0);
	assert_false(diff.empty); /* the tables themselves */
}

/* ---- what takes away ---- */

static struct ruleset *changed_sample(struct arena *arena, void (*change)(struct ruleset *))
{
	struct ruleset *rs = sample_ruleset(arena);
	const char *why;

	if (change)
		change(rs);
	assert_int_equal(ruleset_seal(rs, &why), 0);
	return rs;
}

static struct rs_set *set_of(struct ruleset *rs, const char *name)
{
	for (size_t i = 0; i < rs->tables[RS_INET].sets.n; i++)
		if (strcmp(rs->tables[RS_INET].sets.items[i]->name, name) == 0)
			return rs->tables[RS_INET].sets.items[i];
	abort(); /* the sample has it */
}

static void new_endpoint(struct ruleset *rs)
{
	add_verdict(rs, set_of(rs, "to4"), key_ip("172.18.0.77"), RS_GOTO, "to_frontend");
	add_elem(rs, set_of(rs, "frontend4"), key_ip("172.18.0.77"));
}

static void endpoint_gone(struct ruleset *rs)
{
	set_of(rs, "frontend4")->n_elems--;
}

static void other_tier(struct ruleset *rs)
{
	set_of(rs, "to4")->outcomes.items[0] = (struct rs_outcome){ .verdict = RS_DROP };
}

static void more_negated(struct ruleset *rs)
{
	add_range(rs, set_of(rs, "lan4"), "172.16.0.0", "172.16.0.9");
}

static void more_dropped(struct ruleset *rs)
{
	add_elem(rs, set_of(rs, "bridges"), key_ifname("br-new"));
}

static void new_rule(struct ruleset *rs)
{
	add_rule(rs, rs->tables[RS_INET].chains.items[0], (struct rs_rule){ .verdict = RS_ACCEPT });
}

static void new_chain(struct ruleset *rs)
{
	(void)add_chain(rs, RS_INET, "unused");
}

static void knows_what_takes_away(void **state)
{
	static const struct {
		void (*change)(struct ruleset *);
		bool takes_away;
	} rows[] = {
		{ new_endpoint, false }, { endpoint_gone, true }, { other_tier, true },
		{ more_negated, true },	 { more_dropped, true },  { new_rule, true },
		{ new_chain, false },
	};
	const struct ruleset *before = changed_sample(*state, NULL);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct ruleset *after = changed_sample(*state, rows[i].change);
		struct rs_diff diff;
		assert_int_equal(ruleset_diff(before, after, *state, &diff), 0);
		assert_false(diff.empty);
		if (diff.takes_away != rows[i].takes_away)
			print_message("row %zu\n", i);
		assert_int_equal(diff.takes_away, rows[i].takes_away);
		assert_true(ruleset_equal(apply(*state, before, &diff), after));
	}
}

static void ranges_instead(struct ruleset *rs)
{
	struct rs_set *set = set_of(rs, "frontend4");

	set->n_elems = set->cap_elems = 0;
	set->packed = NULL;
	set->interval = true;
	add_range(rs, set, "172.18.0.0", "172.18.0.9");
}

static bool looks_up(const struct rs_chain *chain, const char *set)
{
	for (size_t i = 0; i < chain->rules.n; i++)
		for (size_t j = 0; j < chain->rules.items[i].n_matches; j++) {
			const char *name = chain->rules.items[i].matches[j].set;
			if (name && strcmp(name, set) == 0)
				return true;
		}
	return false;
}

/* A rule holds on to the very set that it was written with. */
static void a_set_made_anew_rewrites_who_looks_it_up(void **state)
{
	const struct ruleset *before = changed_sample(*state, NULL);
	const struct ruleset *after = changed_sample(*state, ranges_instead);
	const struct rs_table *table = &after->tables[RS_INET];
	struct rs_diff diff;
	size_t n = 0;

	assert_int_equal(ruleset_diff(before, after, *state, &diff), 0);
	const struct rs_table_diff *inet = &diff.tables[RS_INET];
	assert_true(diff.takes_away);
	assert_int_equal(inet->old_sets.n, 1);
	assert_int_equal(inet->new_sets.n, 1);
	assert_string_equal(inet->new_sets.items[0]->name, "frontend4");
	for (size_t i = 0; i < table->chains.n; i++) {
		const struct rs_chain *chain = table->chains.items[i];
		bool uses = looks_up(chain, "frontend4");
		assert_int_equal(chain_in(inet->changed_chains.items, inet->changed_chains.n,
					  chain->name) != NULL,
				 uses);
		n += uses;
	}
	assert_true(n > 0 && n < table->chains.n);
	assert_true(ruleset_equal(apply(*state, before, &diff), after));
}

static void a_new_stamp_rewrites_little(void **state)
{
	struct ruleset *before = changed_sample(*state, NULL);
	struct ruleset *after = changed_sample(*state, NULL);
	struct rs_diff diff;

	ruleset_set_stamp(after, 0x00080000);
	assert_int_equal(ruleset_diff(before, after, *state, &diff), 0);
	assert_int_equal(diff.tables[RS_INET].changed_chains.n, 2);
	assert_int_equal(diff.tables[RS_INET].added.n + diff.tables[RS_INET].deleted.n, 0);
}

/* ---- out of memory: every allocation once ---- */

static bool everything(struct arena *arena, uint64_t fail_at)
{
	const struct ruleset *other = random_ruleset(arena, 3);
	struct ruleset *rs = ruleset_new(arena);
	const enum rs_type types[] = { RS_TYPE_IPV4, RS_TYPE_INET_SERVICE };
	struct rs_elem elem = { .key = key_ip("10.0.0.1"), .last = key_ip("10.0.0.9") };
	struct rs_mark mark = { RS_META_MARK, 0, 1, false };
	struct rs_log log = { "x", 1, 1, 1, NULL, RS_IP_SADDR };
	struct rs_diff diff;
	const char *why = NULL;

	assert_non_null(rs);
	arena_fail_after(arena, fail_at);
	struct rs_set *named = ruleset_add_set(rs, RS_INET, "s", types, 1);
	struct rs_chain *chain = ruleset_add_chain(rs, RS_INET, "c", &(struct rs_base){ 0 });
	bool ok = named && chain && ruleset_add_counter(rs, RS_INET, "n") == 0;
	if (ok)
		named->interval = true;
	ok = ok && ruleset_add_elem(rs, named, &elem) == 0;
	struct rs_match match = match_set(RS_IN, RS_IP_SADDR, "s");
	ok = ok &&
	     ruleset_add_rule(rs, chain,
			      &(struct rs_rule){ MATCHES(match), .log = &log, .mark = &mark }) == 0;
	ok = ok && ruleset_seal(rs, &why) == 0;
	ok = ok && ruleset_diff(other, rs, arena, &diff) == 0;
	arena_fail_after(arena, 0);
	return ok;
}

static void survives_no_memory(void **state)
{
	bool done = false;

	(void)state;
	for (uint64_t n = 1; !done; n++) {
		struct arena *arena = arena_new();
		done = everything(arena, n);
		arena_free(arena);
		assert_true(n < 1000);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(applies),
		cmocka_unit_test_setup_teardown(no_difference, setup, teardown),
		cmocka_unit_test_setup_teardown(from_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(knows_what_takes_away, setup, teardown),
		cmocka_unit_test_setup_teardown(a_set_made_anew_rewrites_who_looks_it_up, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_new_stamp_rewrites_little, setup, teardown),
		cmocka_unit_test(survives_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
