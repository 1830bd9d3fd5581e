/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Input made to hurt, as large as a policy may be: bounded time, bounded memory, a clear finding.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "core/base/text.h"
#include "core/policy/policy.h"

#define TIERS "version: 1\ntiers:\n  a: {match: [{network: a}]}\n  b: {match: [{network: b}]}\n"

struct result {
	int code;
	char id[32]; /* of the first finding */
	size_t findings, bytes;
	double seconds;
};

static double now(void)
{
	struct timespec t;

	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &t), 0);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct result run(const struct text *yaml)
{
	struct policy_source source = { "p.yaml", text_str(yaml), yaml->len };
	struct arena *CLEANUP(arena_freep) arena = arena_new();
	const struct policy *policy = NULL;
	struct result result = { 0 };
	struct diag_list diags;

	assert_false(text_failed(yaml));
	diag_init(&diags, arena);
	double start = now();
	result.code = policy_parse(&source, 1, arena, &diags, &policy);
	result.seconds = now() - start;
	result.bytes = arena_used(arena);
	result.findings = diags.n_errors + diags.n_warnings;
	if (diags.diags.n)
		(void)snprintf(result.id, sizeof(result.id), "%s", diags.diags.items[0].id);
	return result;
}

static void add_times(struct text *text, const char *bytes, size_t times)
{
	for (size_t i = 0; i < times; i++)
		text_add(text, bytes);
}

static void make_tiers(struct text *yaml, size_t n)
{
	text_add(yaml, "version: 1\ntiers:\n");
	for (size_t i = 0; i < n; i++)
		text_printf(yaml, "  t%zu: {match: [{network: n%zu}]}\n", i, i);
}

/* ---- input made to hurt: each fills @size bytes ---- */

static void hurt_nesting(struct text *yaml, size_t size)
{
	text_add(yaml, "version: 1\nallow: ");
	add_times(yaml, "[", size);
}

static void hurt_block_nesting(struct text *yaml, size_t size)
{
	text_add(yaml, "version: 1\nallow:\n  ");
	add_times(yaml, "- ", size / 2);
}

static void hurt_mapping_nesting(struct text *yaml, size_t size)
{
	add_times(yaml, "{a: ", size / 4);
}

static void hurt_keys(struct text *yaml, size_t size)
{
	text_add(yaml, "version: 1\n");
	for (size_t i = 0; yaml->len + 12 < size; i++)
		text_printf(yaml, "%zx:\n", i);
}

static void hurt_flow_keys(struct text *yaml, size_t size)
{
	text_add(yaml, "version: 1\ntiers: {");
	for (size_t i = 0; yaml->len + 12 < size; i++)
		text_printf(yaml, "%zx,", i);
	text_add(yaml, "}\n");
}

static void hurt_same_key(struct text *yaml, size_t size)
{
	add_times(yaml, "a:\n", size / 3);
}

static void hurt_same_key_under(struct text *yaml, size_t size)
{
	text_add(yaml, "version: 1\nallow: [{");
	add_times(yaml, "a,", size / 2 - 16);
	text_add(yaml, "}]\n");
}

static void hurt_items(struct text *yaml, size_t size)
{
	text_add(yaml, "version: 1\nallow: [");
	add_times(yaml, "a,", size / 2 - 16);
	text_add(yaml, "]\n");
}

static void hurt_unknown_tiers(struct text *yaml, size_t size)
{
	make_tiers(yaml, LIMIT_TIERS);
	text_add(yaml, "tests:\n");
	while (yaml->len + 40 < size)
		text_add(yaml, "- {from: t1x, to: t2x}\n");
}

static void hurt_long_word(struct text *yaml, size_t size)
{
	add_times(yaml, "a", size - 2);
	text_add(yaml, ": 1");
}

static void hurt_long_quote(struct text *yaml, size_t size)
{
	text_add(yaml, "version: \"");
	add_times(yaml, "\\\n ", size / 3 - 8);
}

static void hurt_lines(struct text *yaml, size_t size)
{
	text_add(yaml, "version: >\n a");
	add_times(yaml, "\n", size - 20);
}

static void hurt_comments(struct text *yaml, size_t size)
{
	add_times(yaml, "#\n", size / 2);
}

static void hurt_open_quotes(struct text *yaml, size_t size)
{
	add_times(yaml, "\"\" ", size / 3);
}

static void hurt_questions(struct text *yaml, size_t size)
{
	add_times(yaml, "? ", size / 2);
}

static void hurt_anchors(struct text *yaml, size_t size)
{
	text_add(yaml, "version: 1\nallow: [");
	add_times(yaml, "&a a,", size / 5 - 8);
	text_add(yaml, "]\n");
}

static void hurt_aliases(struct text *yaml, size_t size)
{
	text_add(yaml, "version: 1\nallow: [");
	add_times(yaml, "*a ,", size / 4 - 8);
	text_add(yaml, "]\n");
}

static void hurt_tags(struct text *yaml, size_t size)
{
	for (size_t i = 0; yaml->len + 24 < size; i++)
		text_printf(yaml, "%%TAG !%zx! !\n", i);
	text_add(yaml, "---\n");
}

static void hurt_documents(struct text *yaml, size_t size)
{
	add_times(yaml, "---\n", size / 4);
}

static void hurt_nul(struct text *yaml, size_t size)
{
	while (yaml->len < size)
		text_add_n(yaml, "", 1);
}

static void hurt_utf8(struct text *yaml, size_t size)
{
	add_times(yaml, "\xf0\x9f\x98\x80", size / 4 - 1);
	text_add(yaml, "\xf0\x9f\x98");
}

static void hurt_same_rules(struct text *yaml, size_t size)
{
	(void)size;
	text_add(yaml, TIERS "allow:\n");
	add_times(yaml, "- {from: a, to: b, ports: 1/tcp}\n", LIMIT_RULES);
}

/* No pair of rules can be told apart by a digest. */
static void hurt_alike_rules(struct text *yaml, size_t size)
{
	text_add(yaml, TIERS);
	for (size_t rule = 0; yaml->len + 600 < size; rule++) {
		text_printf(yaml, "%s- {from: a, to: b, ports: [",
			    rule == 0	  ? "allow:\n"
			    : rule == 400 ? "deny:\n"
					  : "");
		for (size_t i = 0; i < 64; i++)
			text_printf(yaml, "%zu/%s,", 1 + i * 1000 + rule % 1000,
				    rule < 400 ? "tcp" : "udp");
		text_add(yaml, "]}\n");
	}
}

static void hurt_prefixes(struct text *yaml, size_t size)
{
	text_add(yaml, TIERS);
	for (size_t rule = 0; yaml->len + 3000 < size; rule++) {
		text_printf(yaml, "%s- {to: a, from: [",
			    rule == 0	  ? "allow:\n"
			    : rule == 150 ? "deny:\n"
					  : "");
		for (size_t i = 0; i < 256; i++)
			text_printf(yaml, "%zu.%zu.1.%zu,", 11 + rule / 200, rule % 200, i);
		text_add(yaml, "]}\n");
	}
}

static const struct hurt {
	const char *name;
	void (*make)(struct text *yaml, size_t size);
	const char *id;
} hurts[] = {
	{ "nesting", hurt_nesting, "too-deep" },
	{ "block nesting", hurt_block_nesting, "too-deep" },
	{ "mapping nesting", hurt_mapping_nesting, "too-deep" },
	{ "keys", hurt_keys, "unknown-key" },
	{ "flow keys", hurt_flow_keys, "bad-name" },
	{ "the same key", hurt_same_key, "duplicate-key" },
	{ "the same key in a rule", hurt_same_key_under, "duplicate-key" },
	{ "items", hurt_items, "wrong-type" },
	{ "unknown tiers", hurt_unknown_tiers, NULL },
	{ "long word", hurt_long_word, "yaml-syntax" },
	{ "long quote", hurt_long_quote, "yaml-syntax" },
	{ "lines", hurt_lines, "wrong-type" },
	{ "comments", hurt_comments, "missing-key" },
	{ "open quotes", hurt_open_quotes, "yaml-syntax" },
	{ "questions", hurt_questions, "too-deep" },
	{ "anchors", hurt_anchors, "yaml-alias" },
	{ "aliases", hurt_aliases, "yaml-alias" },
	{ "tag lines", hurt_tags, "yaml-tag" },
	{ "documents", hurt_documents, "yaml-multi-document" },
	{ "NUL bytes", hurt_nul, "yaml-encoding" },
	{ "half a character", hurt_utf8, "yaml-encoding" },
	{ "the same rule", hurt_same_rules, "shadowed-rule" },
	{ "rules alike", hurt_alike_rules, NULL },
	{ "prefixes", hurt_prefixes, NULL },
};

/* Bounds far above what is measured without instrumentation (see the messages), far below what a
 * quadratic step would take. */
#define HURT_SECONDS 20.0
#define HURT_BYTES (256u * 1024 * 1024)

static void check_hurt(void **state)
{
	const struct hurt *hurt = *state;
	struct text CLEANUP(text_done) yaml = { 0 };

	hurt->make(&yaml, LIMIT_POLICY_BYTES - 64);
	assert_true(yaml.len <= LIMIT_POLICY_BYTES);
	struct result result = run(&yaml);
	print_message("%8.1f ms %6.1f MB  %zu findings, %s\n", result.seconds * 1e3,
		      (double)result.bytes / 1e6, result.findings, result.id);
	assert_int_not_equal(result.code, -ENOMEM);
	assert_true(result.seconds < HURT_SECONDS);
	assert_true(result.bytes < HURT_BYTES);
	if (hurt->id)
		assert_string_equal(result.id, hurt->id);
}

/* A large policy as people write it. */
static void test_two_thousand_rules(void **state)
{
	struct text CLEANUP(text_done) yaml = { 0 };

	(void)state;
	make_tiers(&yaml, 100);
	text_add(&yaml, "allow:\n");
	for (size_t i = 0; i < 1900; i++)
		text_printf(&yaml, "  - {from: t%zu, to: [t%zu, t%zu], ports: [%zu/tcp, 53/udp]}\n",
			    i % 100, (i / 100 + i) % 100, (i + 50) % 100, 1000 + i);
	text_add(&yaml, "deny:\n");
	for (size_t i = 0; i < 100; i++)
		text_printf(&yaml, "  - {from: internet, to: t%zu, ports: [22/tcp]}\n", i);
	struct result result = run(&yaml);
	print_message("%8.1f ms %6.1f MB  %zu findings, %s\n", result.seconds * 1e3,
		      (double)result.bytes / 1e6, result.findings, result.id);
	assert_int_equal(result.code, 0);
	assert_true(result.seconds < 2.0);
}

int main(void)
{
	static struct hurt states[ARRAY_LEN(hurts)];
	struct CMUnitTest tests[ARRAY_LEN(hurts) + 1] = {
		cmocka_unit_test(test_two_thousand_rules),
	};

	memcpy(states, hurts, sizeof(hurts));
	for (size_t i = 0; i < ARRAY_LEN(hurts); i++)
		tests[i + 1] =
			(struct CMUnitTest){ hurts[i].name, check_hurt, NULL, NULL, &states[i] };
	return cmocka_run_group_tests_name("policy_hostile", tests, NULL, NULL);
}
