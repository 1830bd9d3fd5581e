/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a policy must show before it is wanted. */
#include <errno.h>
#include <string.h>

#include "core/report/report.h"
#include "tests/unit/test_report_lib.h"

#define RULES                                              \
	"version: 1\n"                                     \
	"tiers:\n"                                         \
	"  web: {match: [{label: {tier: web}}]}\n"         \
	"  web-db: {match: [{label: {tier: db}}]}\n"       \
	"allow:\n"                                         \
	"  - {from: web, to: web-db, ports: [5432/tcp]}\n" \
	"  - {from: web, to: web-db, ports: [6379/tcp], until: 2031-06-01T00:00:00Z}\n"

#define SUMMER 1938038400 /* 2031-06-01T00:00:00Z: the rule above has ended */

static void tests_that_fail_are_findings(void **state)
{
	static const struct {
		const char *tests;
		int64_t now;
		uint32_t line; /* 0: they pass */
		const char *text;
	} rows[] = {
		{ "", NOW, 0, NULL },
		{ "tests: [{from: web, to: web-db, port: 5432/tcp, expect: allow}]\n", NOW, 0,
		  NULL },
		{ "tests:\n"
		  "  - {from: web, to: web-db, port: 5432/tcp, expect: allow}\n"
		  "  - {from: web, to: web-db, port: 5432/tcp, expect: deny}\n",
		  NOW, 10, "should be denied, and is allowed, by the rule on line 6" },
		{ "tests: [{from: internet, to: web, port: 80/tcp, expect: allow}]\n", NOW, 8,
		  "the test fails: internet to web on 80/tcp should be allowed, and is denied" },
		{ "tests: [{from: web, to: web-db, port: 6379/tcp, expect: allow}]\n", NOW, 0,
		  NULL },
		{ "tests: [{from: web, to: web-db, port: 6379/tcp, expect: allow}]\n", SUMMER, 8,
		  "and is denied" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		struct diag_list diags;
		const char *yaml = arena_printf(arena, "%s%s", RULES, rows[i].tests);
		diag_init(&diags, arena);
		int r = report_check_tests(parse_policy(yaml, arena), rows[i].now, &diags);
		assert_int_equal(r, rows[i].line ? POLICY_E_INVALID : 0);
		assert_int_equal(diags.n_errors, rows[i].line ? 1 : 0);
		if (!rows[i].line)
			continue;
		assert_string_equal(diags.diags.items[0].id, "test-fails");
		assert_int_equal(diags.diags.items[0].loc.line, rows[i].line);
		if (!strstr(diags.diags.items[0].text, rows[i].text))
			fail_msg("%s", diags.diags.items[0].text);
	}
}

/* No policy that is valid is known that does not compile: this one has a name behind the parser's
 * back. */
static void what_does_not_compile_is_a_finding(void **state)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct policy *policy = parse_policy(RULES, arena);
	struct policy_tier tiers[2] = { policy->tiers[0], policy->tiers[1] };
	struct policy broken = *policy;
	struct compile_input in = { .policy = policy,
				    .world = parse_world("{\"version\":1,\"networks\":[],"
							 "\"containers\":[]}",
							 arena),
				    .mark_bit = COMPILE_MARK_BIT };
	struct diag_list diags;

	(void)state;
	diag_init(&diags, arena);
	assert_int_equal(report_check_compiles(&in, &diags), 0);
	assert_int_equal(diags.n_errors, 0);
	tiers[1].name = "web db";
	broken.tiers = tiers;
	in.policy = &broken;
	assert_int_equal(report_check_compiles(&in, &diags), POLICY_E_INVALID);
	assert_int_equal(diags.n_errors, 1);
	assert_string_equal(diags.diags.items[0].id, "uncompiled");
	assert_int_equal(diags.diags.items[0].loc.line, 6); /* the first rule */
	assert_non_null(strstr(diags.diags.items[0].text, "web db"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tests_that_fail_are_findings),
		cmocka_unit_test(what_does_not_compile_is_a_finding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
