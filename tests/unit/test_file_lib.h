/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files that tests read, folders that they remove, and folders of golden cases: each entry a test
 * of its own. */
#pragma once

#include <dirent.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/diag.h"
#include "core/base/text.h"

/* The whole file; the test fails where it cannot be read. The caller frees it with text_done(). */
static inline struct text read_all(const char *path)
{
	struct text text = { 0 };
	char buffer[4096];
	FILE *file = fopen(path, "re");

	assert_non_null(file);
	for (size_t n; (n = fread(buffer, 1, sizeof(buffer), file)) > 0;)
		text_add_n(&text, buffer, n);
	assert_int_equal(fclose(file), 0);
	return text;
}

static inline int remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

/* With all that is in it; a symbolic link is removed, not followed. */
static inline void remove_folder(const char *path)
{
	(void)nftw(path, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

/* The file says @got. REGOLD=1 writes it first. */
static inline void compare_golden(const char *path, const char *got)
{
	if (getenv("REGOLD")) {
		FILE *file = fopen(path, "we");
		assert_non_null(file);
		assert_true(fputs(got, file) >= 0);
		assert_int_equal(fclose(file), 0);
	}
	CLEANUP(text_done) struct text want = read_all(path);
	assert_string_equal(got, text_str(&want));
}

/* Every finding with its hint, as a golden file has it. @named: with the file it is in. */
static inline void print_diags(struct text *out, const struct diag_list *diags, bool named)
{
	for (size_t i = 0; i < diags->diags.n; i++) {
		const struct diag *diag = &diags->diags.items[i];
		if (named)
			text_printf(out, "%s:", diag->loc.file);
		text_printf(out, "%u:%u: %s[%s]: %s\n", diag->loc.line, diag->loc.col,
			    diag->severity == DIAG_ERROR ? "error" : "warning", diag->id,
			    diag->text);
		if (diag->hint)
			text_printf(out, "  hint: %s\n", diag->hint);
	}
	size_t all = diags->n_errors + diags->n_warnings;
	if (all > diags->diags.n)
		text_printf(out, "and %zu more\n", all - diags->diags.n);
}

/* NAME.yaml, or a folder. */
static inline int is_golden_case(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return entry->d_name[0] != '.' && (!dot || strcmp(dot, ".yaml") == 0);
}

/* Runs @check for every case in @folder, with the entry's name in *state, then @last; as
 * cmocka_run_group_tests(). An empty folder is a failure. */
static inline int run_golden(const char *group, const char *folder, CMUnitTestFunction check,
			     struct CMUnitTest last)
{
	struct dirent **entries;
	int n = scandir(folder, &entries, is_golden_case, alphasort);
	struct CMUnitTest *tests = calloc((size_t)(n > 0 ? n : 0) + 1, sizeof(*tests));

	if (n <= 0 || !tests) {
		(void)fprintf(stderr, "nothing in %s: run from the top folder\n", folder);
		free(tests);
		return 1;
	}
	for (int i = 0; i < n; i++)
		tests[i] = (struct CMUnitTest){ entries[i]->d_name, check, NULL, NULL,
						entries[i]->d_name };
	tests[n] = last;
	int failed = _cmocka_run_group_tests(group, tests, (size_t)n + 1, NULL, NULL);
	for (int i = 0; i < n; i++)
		free(entries[i]);
	free(entries);
	free(tests);
	return failed;
}
