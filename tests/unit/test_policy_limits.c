/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every limit at n and n + 1, and memory that runs out at every allocation once. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/text.h"
#include "core/policy/policy.h"

#define TIERS "version: 1\ntiers:\n  a: {match: [{network: a}]}\n  b: {match: [{network: b}]}\n"

struct result {
	int code;
	char id[32]; /* of the first finding */
};

static struct result run(const struct text *yaml)
{
	struct policy_source source = { "p.yaml", text_str(yaml), yaml->len };
	struct arena *CLEANUP(arena_freep) arena = arena_new();
	const struct policy *policy = NULL;
	struct result result = { 0 };
	struct diag_list diags;

	assert_false(text_failed(yaml));
	diag_init(&diags, arena);
	result.code = policy_parse(&source, 1, arena, &diags, &policy);
	if (diags.diags.n)
		(void)snprintf(result.id, sizeof(result.id), "%s", diags.diags.items[0].id);
	return result;
}

static void add_times(struct text *text, const char *bytes, size_t times)
{
	for (size_t i = 0; i < times; i++)
		text_add(text, bytes);
}

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

static void make_tiers(struct text *yaml, size_t n)
{
	text_add(yaml, "version: 1\ntiers:\n");
	for (size_t i = 0; i < n; i++)
		text_printf(yaml, "  t%zu: {match: [{network: n%zu}]}\n", i, i);
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

static const struct limit {
	const char *name;
	size_t most;
	void (*make)(struct text *yaml, size_t n);
	const char *id;
	int code; /* within the limit */
} limits[] = {
	{ "bytes", LIMIT_POLICY_BYTES, make_bytes, "too-large", 0 },
	{ "depth", LIMIT_YAML_DEPTH, make_depth, "too-deep", POLICY_E_INVALID },
	{ "tiers", LIMIT_TIERS, make_tiers, "too-many-tiers", 0 },
	{ "rules", LIMIT_RULES, make_rules, "too-many-rules", 0 },
	{ "tests", LIMIT_RULES, make_tests, "too-many-tests", 0 },
	{ "ports", LIMIT_RULE_ITEMS, make_ports, "too-many-items", 0 },
	{ "peers", LIMIT_RULE_ITEMS, make_peers, "too-many-items", 0 },
	{ "matches", LIMIT_RULE_ITEMS, make_matches, "too-many-items", 0 },
	{ "tier name", POLICY_TIER_NAME, make_name, "bad-name", 0 },
};

static void check_limit(void **state)
{
	const struct limit *limit = *state;
	struct text CLEANUP(text_done) most = { 0 }, more = { 0 };

	limit->make(&most, limit->most);
	struct result at = run(&most);
	assert_int_equal(at.code, limit->code);
	assert_string_not_equal(at.id, limit->id);
	limit->make(&more, limit->most + 1);
	struct result above = run(&more);
	assert_int_equal(above.code, POLICY_E_INVALID);
	assert_string_equal(above.id, limit->id);
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
	static struct limit states[ARRAY_LEN(limits)];
	struct CMUnitTest tests[ARRAY_LEN(limits) + 3] = {
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_bytes_of_all_files),
		cmocka_unit_test(test_out_of_memory),
	};

	memcpy(states, limits, sizeof(limits));
	for (size_t i = 0; i < ARRAY_LEN(limits); i++)
		tests[i + 3] =
			(struct CMUnitTest){ limits[i].name, check_limit, NULL, NULL, &states[i] };
	return cmocka_run_group_tests_name("policy_limits", tests, NULL, NULL);
}
