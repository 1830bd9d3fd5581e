/* SPDX-License-Identifier: GPL-2.0-or-later */
/* core/conf/script: which scripts of nft name netd's tables, and what they include. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/conf/script.h"
#include "tests/unit/test_rows_lib.h"

static const struct script_row {
	const char *name, *text;
	bool names;
	const char *includes; /* each with a space behind; "!" at the end: something is left out */
} rows[] = {
	{ "nothing", "", false, "" },
	{ "a listing", "table inet netd { # progname netd\n\tflags owner,persist\n}\n", true, "" },
	{ "the other table", "table bridge netd\n", true, "" },
	{ "a rule", "add rule inet netd forward accept", true, "" },
	{ "on one line with others", "flush ruleset;table inet netd{}", true, "" },
	{ "over two lines", "table inet \\\n netd {\n}", true, "" },
	{ "in one word", "table inet netd{", true, "" },
	{ "another family", "table ip netd {\n}\ntable netd {}\ntable arp netd {}\n", false, "" },
	{ "another name", "table inet netd2 {}\ntable inet filter { chain netd {} }\n", false, "" },
	{ "two statements", "add table inet\nnetd\n", false, "" },
	{ "a comment", "# table inet netd\ntable inet filter {} # inet netd\n", false, "" },
	{ "a text", "add rule inet f c comment \"inet netd\"\n", false, "" },
	{ "a text that does not end", "comment \"inet netd\ntable inet netd {}\n", false, "" },
	{ "includes", "include \"/etc/nftables.d/*.nft\"\ninclude \"a.nft\" # include \"b\"\n",
	  false, "/etc/nftables.d/*.nft a.nft " },
	{ "no include", "include a.nft\ncomment \"include\" \"a\"\ninclude \"\"\n", false, "" },
	{ "an include that does not end", "include \"/etc/x", false, "/etc/x " },
	{ "a path that is too long",
	  "include \"0123456789012345678901234567890123456789012345678901234567890123"
	  "0123456789012345678901234567890123456789012345678901234567890123"
	  "0123456789012345678901234567890123456789012345678901234567890123"
	  "0123456789012345678901234567890123456789012345678901234567890123\"\n",
	  false, "!" },
};

static void reads(void **state)
{
	const struct script_row *row = *state;
	char got[SCRIPT_INCLUDES * SCRIPT_PATH_LEN] = "";
	struct script script;

	script_read(row->text, strlen(row->text), &script);
	for (size_t i = 0; i < script.n_includes; i++) {
		(void)strcat(got, script.includes[i]);
		(void)strcat(got, " ");
	}
	if (script.left_out)
		(void)strcat(got, "!");
	assert_int_equal(script.names_netd, row->names);
	assert_string_equal(got, row->includes);
}

static void has_a_limit(void **state)
{
	char text[SCRIPT_INCLUDES * 16 + 32] = "";
	struct script script;

	(void)state;
	for (size_t i = 0; i < SCRIPT_INCLUDES; i++)
		(void)strcat(text, "include \"x\"\n");
	script_read(text, strlen(text), &script);
	assert_int_equal(script.n_includes, SCRIPT_INCLUDES);
	assert_false(script.left_out);
	(void)strcat(text, "include \"x\"\n");
	script_read(text, strlen(text), &script);
	assert_int_equal(script.n_includes, SCRIPT_INCLUDES);
	assert_true(script.left_out);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_LEN(rows) + 1];

	ADD_ROWS(tests, 0, rows, reads);
	tests[ARRAY_LEN(rows)] = (struct CMUnitTest)cmocka_unit_test(has_a_limit);
	return cmocka_run_group_tests_name("script", tests, NULL, NULL);
}
