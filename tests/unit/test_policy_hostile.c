/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Input made to hurt, as large as a policy may be: bounded time, bounded memory, a clear finding.
 */
#include "tests/unit/test_policy_lib.h"
#include "tests/unit/test_rows_lib.h"

/* ---- each fills @size bytes, or a limit ---- */

static void hurt_unknown_tiers(struct text *yaml, size_t size)
{
	make_tiers(yaml, LIMIT_TIERS);
	text_add(yaml, "tests:\n");
	while (yaml->len + 40 < size)
		text_add(yaml, "- {from: t1x, to: t2x}\n");
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

static const struct hurt hurts[] = {
	{ "nesting", "too-deep", "version: 1\nallow: ", "[", "", NULL },
	{ "block nesting", "too-deep", "version: 1\nallow:\n  ", "- ", "", NULL },
	{ "mapping nesting", "too-deep", "", "{a: ", "", NULL },
	{ "keys", "unknown-key", "version: 1\n", "@:\n", "", NULL },
	{ "flow keys", "bad-name", "version: 1\ntiers: {", "@,", "}\n", NULL },
	{ "the same key", "missing-key", "", "a:\n", "", NULL },
	{ "the same key in a rule", "missing-key", "version: 1\nallow: [{", "a,", "}]\n", NULL },
	{ "items", "wrong-type", "version: 1\nallow: [", "a,", "]\n", NULL },
	{ "unknown tiers", NULL, .make = hurt_unknown_tiers },
	{ "long word", "yaml-syntax", "", "a", ": 1", NULL },
	{ "long quote", "yaml-syntax", "version: \"", "\\\n ", "", NULL },
	{ "lines", "wrong-type", "version: >\n a", "\n", "", NULL },
	{ "comments", "missing-key", "", "#\n", "", NULL },
	{ "open quotes", "yaml-syntax", "", "\"\" ", "", NULL },
	{ "questions", "too-deep", "", "? ", "", NULL },
	{ "anchors", "wrong-type", "version: 1\nallow: [", "&a a,", "]\n", NULL },
	{ "aliases", "yaml-alias", "version: 1\nallow: [", "*a ,", "]\n", NULL },
	{ "tag lines", "yaml-tag", "", "%TAG !@! !\n", "---\n", NULL },
	{ "documents", "yaml-multi-document", "", "---\n", "", NULL },
	{ "NUL bytes", "yaml-encoding", .make = hurt_nul },
	{ "half a character", "yaml-encoding", "", "\xf0\x9f\x98\x80", "\xf0\x9f\x98", NULL },
	{ "the same rule", "shadowed-rule", .make = hurt_same_rules },
	{ "rules alike", NULL, .make = hurt_alike_rules },
	{ "prefixes", NULL, .make = hurt_prefixes },
};

#define HURT_BYTES (256u * 1024 * 1024)

static void check_hurt(void **state)
{
	const struct hurt *hurt = *state;
	struct text CLEANUP(text_done) yaml = { 0 };

	make_hurt(hurt, &yaml, LIMIT_POLICY_BYTES - 64);
	assert_true(yaml.len <= LIMIT_POLICY_BYTES);
	struct outcome outcome = read_policy(&yaml);
	check_hurt_of(hurt, &outcome, HURT_BYTES);
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
	struct outcome outcome = read_policy(&yaml);
	print_outcome(&outcome);
	assert_int_equal(outcome.code, 0);
	assert_true(outcome.seconds < 2.0);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_LEN(hurts) + 1] = {
		cmocka_unit_test(test_two_thousand_rules),
	};

	ADD_ROWS(tests, 1, hurts, check_hurt);
	return cmocka_run_group_tests_name("policy_hostile", tests, NULL, NULL);
}
