/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a policy must show before it is wanted, as findings. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/base/json.h"
#include "core/report/print.h"

static int say_uncompiled(const struct policy *policy, const char *why, struct diag_list *diags)
{
	struct source_loc loc = policy->n_rules	  ? policy->rules[0].loc
				: policy->n_tiers ? policy->tiers[0].loc
						  : (struct source_loc){ .file = "" };

	diag_add(diags, DIAG_ERROR, loc, REPORT_UNCOMPILED,
		 "this is a bug in netd: report it, and write the policy another way",
		 "the policy is valid, but it cannot be compiled: %s",
		 why ? why : "no reason is known");
	return POLICY_E_INVALID;
}

int report_check_compiles(const struct compile_input *in, struct diag_list *diags)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct compile_output out;
	const char *why = NULL;
	int r = arena ? compile_ruleset(in, arena, &out, &why) : -ENOMEM;

	return r == -EINVAL ? say_uncompiled(in->policy, why, diags) : r;
}

static const char *verdict(const cJSON *result, const char *name)
{
	return strcmp(json_word(result, name), "allow") == 0 ? "allowed" : "denied";
}

static void say_failed(const struct policy_test *test, const cJSON *result, struct diag_list *diags)
{
	const cJSON *rule = cJSON_GetObjectItemCaseSensitive(result, "rule");
	const cJSON *line = cJSON_GetObjectItemCaseSensitive(rule, "line");
	char by[DIAG_PLACE_LEN + 8] = "", place[DIAG_PLACE_LEN];

	if (cJSON_IsNumber(line)) {
		const struct source_loc loc = { json_word(rule, "file"), (uint32_t)line->valuedouble,
						0 };
		(void)snprintf(by, sizeof(by), ", by the rule %s",
			       diag_place(test->loc, loc, place));
	}
	diag_add(diags, DIAG_ERROR, test->loc, REPORT_TEST_FAILS,
		 "`netdctl test` runs them all, `netdctl explain` shows the way",
		 "the test fails: %s to %s on %s should be %s, and is %s%s", json_word(result, "from"),
		 json_word(result, "to"), json_word(result, "port"), verdict(result, "expect"),
		 verdict(result, "got"), by);
}

int report_check_tests(const struct policy *policy, int64_t now, struct diag_list *diags)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct report_input in;
	cJSON *report = NULL;
	size_t failed = 0, i = 0;
	const cJSON *result;

	if (!arena)
		return -ENOMEM;
	if (policy->n_tests == 0)
		return 0;
	int r = report_prepare(&policy, 1, NULL, now, arena, &in);
	if (r == -EINVAL)
		return say_uncompiled(policy, NULL, diags);
	if (r == 0)
		r = report_test(&in, &report, &failed);
	if (r < 0)
		return r;
	cJSON_ArrayForEach(result, cJSON_GetObjectItemCaseSensitive(report, "tests")) {
		const cJSON *passed = cJSON_GetObjectItemCaseSensitive(result, "passed");
		if (!cJSON_IsTrue(passed))
			say_failed(&policy->tests[i], result, diags);
		i++;
	}
	cJSON_Delete(report);
	return failed ? POLICY_E_INVALID : 0;
}
