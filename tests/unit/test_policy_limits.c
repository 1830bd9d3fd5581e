/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every limit at n and n + 1, and memory that runs out at every allocation once. */
#include "tests/unit/test_policy_lib.h"
#include "tests/unit/test_rows_lib.h"

/* ---- limits: each maker writes a policy with n of something ---- */

static void make_bytes(struct text *yaml, size_t n)
{
	text_add(yaml, "version: 1\n#");
	while (yaml->len < n)
		text_add(yaml, "x");
}

static void make_depth(struct text *yaml, size_t n)
{
	text_add(yaml, "version: 1\ntiers: {a: {description: ");
	add_times(yaml, "[", n - 3);
	add_times(yaml, "]", n - 3);
	text_add(yaml, ", match: [{network: a}]}}\n");
}

static void make_rules(struct text *yaml, size_t n)
{
	text_add(yaml, TIERS "allow:\n");
	for (size_t i = 0; i < n; i++)
		text_printf(yaml, "  - {from: a, to: b, ports: %zu/tcp}\n", i + 1);
}

static void make_tests(struct text *yaml, size_t n)
{
	text_add(yaml, TIERS "tests:\n");
	for (size_t i = 0; i < n; i++)
		text_printf(yaml, "  - {from: a, to: b, port: %zu/tcp, expect: deny}\n", i + 1);
}

static void make_ports(struct text *yaml, size_t n)
{
	text_add(yaml, TIERS "allow:\n  - from: a\n    to: b\n    ports:\n");
	for (size_t i = 0; i < n; i++)
		text_printf(yaml, "      - %zu/tcp\n", i + 1);
}

static void make_peers(struct text *yaml, size_t n)
{
	text_add(yaml, TIERS "allow:\n  - to: b\n    from:\n");
	for (size_t i = 0; i < n; i++)
		text_printf(yaml, "      - 10.0.%zu.0/24\n", i);
}

/* A few in each rule, and the rest in the last. */
static void make_combinations(struct text *yaml, size_t n)
{
	enum { EACH = 8 };

	text_add(yaml, TIERS "allow:\n");
	for (size_t i = 0; i < n; i += EACH) {
		text_printf(yaml, "  - {from: a, to: b, ports: [");
		for (size_t k = i; k < n && k < i + EACH; k++)
			text_printf(yaml, "%s%zu/tcp", k > i ? ", " : "", k + 1);
		text_add(yaml, "]}\n");
	}
}

static void make_matches(struct text *yaml, size_t n)
{
	text_add(yaml, "version: 1\ntiers:\n  a:\n    match:\n");
	for (size_t i = 0; i < n; i++)
		text_printf(yaml, "      - network: n%zu\n", i);
}

static void make_name(struct text *yaml, size_t n)
{
	text_add(yaml, "version: 1\ntiers:\n  ");
	add_times(yaml, "a", n);
	text_add(yaml, ": {match: [{network: a}]}\n");
}

static const struct limit limits[] = {
	{ "bytes", make_bytes, LIMIT_POLICY_BYTES, "too-large", 0 },
	{ "depth", make_depth, LIMIT_YAML_DEPTH, "too-deep", POLICY_E_INVALID },
	{ "tiers", make_tiers, LIMIT_TIERS, "too-many-tiers", 0 },
	{ "rules", make_rules, LIMIT_RULES, "too-many-rules", 0 },
	{ "tests", make_tests, LIMIT_RULES, "too-many-tests", 0 },
	{ "ports", make_ports, LIMIT_RULE_ITEMS, "too-many-items", 0 },
	{ "peers", make_peers, LIMIT_RULE_ITEMS, "too-many-items", 0 },
	{ "combinations", make_combinations, LIMIT_COMBINATIONS, "too-many-combinations", 0 },
	{ "matches", make_matches, LIMIT_RULE_ITEMS, "too-many-items", 0 },
	{ "tier name", make_name, POLICY_TIER_NAME, "bad-name", 0 },
};

static void check_limit(void **state)
{
	check_limit_of(*state, read_policy, POLICY_E_INVALID);
}

static void test_files(void **state)
{
	static const char bytes[] = "version: 1\n";
	struct policy_source sources[LIMIT_POLICY_FILES + 1];
	struct arena *CLEANUP(arena_freep) arena = arena_new();
	const struct policy *policy;
	struct diag_list diags;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sources); i++)
		sources[i] = (struct policy_source){ "p.yaml", bytes, sizeof(bytes) - 1 };
	diag_init(&diags, arena);
	assert_int_equal(policy_parse(sources, LIMIT_POLICY_FILES, arena, &diags, &policy), 0);
	assert_int_equal(policy_parse(sources, LIMIT_POLICY_FILES + 1, arena, &diags, &policy),
			 POLICY_E_INVALID);
	assert_string_equal(diags.diags.items[0].id, "too-many-files");
}

/* The sum counts, not each file. */
static void test_bytes_of_all_files(void **state)
{
	struct text CLEANUP(text_done) half = { 0 };
	struct arena *CLEANUP(arena_freep) arena = arena_new();
	const struct policy *policy;
	struct diag_list diags;

	(void)state;
	make_bytes(&half, LIMIT_POLICY_BYTES / 2);
	struct policy_source sources[] = { { "1.yaml", text_str(&half), half.len },
					   { "2.yaml", text_str(&half), half.len },
					   { "3.yaml", text_str(&half), 11 } };
	diag_init(&diags, arena);
	assert_int_equal(policy_parse(sources, 2, arena, &diags, &policy), 0);
	assert_int_equal(policy_parse(sources, 3, arena, &diags, &policy), POLICY_E_INVALID);
	assert_string_equal(diags.diags.items[0].id, "too-large");
	assert_string_equal(diags.diags.items[0].loc.file, "3.yaml");
}

/* ---- out of memory ---- */

static const char sample[] =
	"version: 1\nmode: audit\n"
	"tiers:\n"
	"  front: {match: [{network: front}, {label: {a: b, c: d}}], description: x}\n"
	"  back: {match: [{compose: {project: p, service: s}, image: i}], within: deny}\n"
	"allow:\n"
	"  - {from: [internet, 10.0.0.0/8, \"2001:db8::/32\"], to: front, ports: [80/tcp, "
	"443/tcp]}\n"
	"  - {from: front, to: back, log: true, until: 2030-01-01T00:00:00Z}\n"
	"  - {from: front, to: back, ports: 1/tcp}\n"
	"  - {from: front, to: back, ports: [1/tcp, 1/tcp], until: 2029-01-01T00:00:00Z}\n"
	"deny:\n"
	"  - {from: lan, to: [front, back]}\n"
	"tests:\n"
	"  - {from: front, to: back, port: 80/tcp, expect: deny}\n";

static const char bad_sample[] =
	"version: 1\nmode: audti\nmode: audit\n"
	"tiers: {front: &x {match: [{network: front}], withn: deny}}\n"
	"allow:\n"
	"  - {from: fornt, to: 10.0.0.1/8, ports: [80, 90-80/tcp], until: never}\n"
	"  - {from: dns, to: front, unknown: y}\n"
	"  - {to: \"::ffff:1.2.3.4\"}\n";

static int parse_with(const char *yaml, uint64_t fail_after, bool *ret_lost)
{
	struct policy_source source = { "p.yaml", yaml, strlen(yaml) };
	struct arena *CLEANUP(arena_freep) arena = arena_new();
	const struct policy *policy = NULL;
	struct diag_list diags;

	diag_init(&diags, arena);
	arena_fail_after(arena, fail_after);
	int r = policy_parse(&source, 1, arena, &diags, &policy);
	assert_true((r == 0) == (policy != NULL));
	*ret_lost = diags.out_of_memory;
	return r;
}

static void sweep(const char *yaml, int want)
{
	uint64_t n = 1;
	int r = -ENOMEM;
	bool lost;

	for (; r == -ENOMEM; n++) {
		r = parse_with(yaml, n, &lost);
		assert_true(r == -ENOMEM || (r == want && !lost));
	}
	print_message("%ju allocations\n", (uintmax_t)n - 2);
	assert_true(n > 50);
}

static void test_out_of_memory(void **state)
{
	(void)state;
	sweep(sample, 0);
	sweep(bad_sample, POLICY_E_INVALID);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_LEN(limits) + 3] = {
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_bytes_of_all_files),
		cmocka_unit_test(test_out_of_memory),
	};

	ADD_ROWS(tests, 3, limits, check_limit);
	return cmocka_run_group_tests_name("policy_limits", tests, NULL, NULL);
}
