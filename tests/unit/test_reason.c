/* SPDX-License-Identifier: GPL-2.0-or-later */
/* core/compile/reason: what a rule logs is understood again, whatever the reason and the place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/compile/reason.h"
#include "core/ruleset/ruleset.h"

#define LONGEST_PREFIX 127u /* NF_LOG_PREFIXLEN of the kernel, without NUL */

static void a_prefix_is_understood_again(void **state)
{
	static const char longest[] =
		"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
		"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx:1000000";
	static const char *const places[] = { "", "to web", "policy.yaml:31", longest };
	struct arena *arena = arena_new();

	(void)state;
	for (int kind = 0; kind < LOGGED_KIND_COUNT; kind++)
		for (int reason = REASON_NONE; reason < REASON_COUNT; reason++)
			for (size_t p = 0; p < ARRAY_LEN(places); p++) {
				struct logged in = { (enum logged_kind)kind, (enum reason)reason,
						     places[p], strlen(places[p]) },
					      out;
				if ((kind == LOGGED_ALLOWED) != (reason == REASON_NONE))
					continue;
				if (places[p] == longest && kind != LOGGED_ALLOWED &&
				    reason != REASON_RULE)
					continue; /* else it is a tier's */
				const char *prefix = logged_prefix(&in, arena);
				assert_non_null(prefix);
				assert_true(strlen(prefix) <= LONGEST_PREFIX);
				assert_true(logged_parse(prefix, &out));
				assert_int_equal(out.kind, kind);
				assert_int_equal(out.reason, reason);
				assert_int_equal(out.place_len, in.place_len);
				assert_memory_equal(out.place, in.place, in.place_len);
			}
	(void)arena_free(arena);
}

static void other_prefixes_are_not(void **state)
{
	static const char *const others[] = { "",
					      "netd",
					      "netd ",
					      "netd deny",
					      "netd deny ",
					      "netd deny to web ",
					      "netd deny no-rulex ",
					      "netdx deny no-rule ",
					      "UFW BLOCK " };
	struct logged logged;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		assert_false(logged_parse(others[i], &logged));
}

/* Each word is a name in scripts, in JSON and, with `denied_` before it, of a chain. */
static void words_are_names(void **state)
{
	(void)state;
	for (int i = REASON_NONE + 1; i < REASON_COUNT; i++) {
		const char *word = reason_word((enum reason)i);
		assert_int_equal(strspn(word, "abcdefghijklmnopqrstuvwxyz-"), strlen(word));
		assert_true(strlen(word) > 0 && strlen(word) < 32);
		assert_true(strlen(reason_text((enum reason)i)) > 0);
		for (int k = REASON_NONE + 1; k < i; k++)
			assert_string_not_equal(word, reason_word((enum reason)k));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_prefix_is_understood_again),
		cmocka_unit_test(other_prefixes_are_not),
		cmocka_unit_test(words_are_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
