/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every bad policy of tests/golden/policy-bad with exactly what is said about it. NAME.yaml, or
 * NAME/ with the files of one policy in it; NAME.diags. REGOLD=1 writes the .diags anew: review is
 * the diff.
 * Lines that only these files know, comments to YAML: "#% 300 text @" is 300 lines of that text
 * with
 * @ counting from 1, "#%copies 257" is the file 257 times. */
#include <sys/stat.h>

#include "core/policy/policy.h"
#include "tests/unit/test_file_lib.h"

#define FOLDER "tests/golden/policy-bad/"
#define MOST_SOURCES 300u
#define NOW 1893456000 /* 2030-01-01T00:00:00Z */

struct sources {
	struct text texts[MOST_SOURCES];
	char names[MOST_SOURCES][64];
	size_t n;
	bool many; /* a folder: findings name their file */
};

static void sources_done(struct sources *sources)
{
	for (size_t i = 0; i < sources->n; i++)
		text_done(&sources->texts[i]);
}

static void repeat_line(struct text *out, const char *line, size_t len)
{
	char *rest;
	unsigned long count = strtoul(line, &rest, 10);
	const char *end = line + len;

	for (unsigned long i = 1; i <= count; i++) {
		for (const char *c = rest + 1; c < end; c++)
			if (*c == '@')
				text_printf(out, "%lu", i);
			else
				text_add_n(out, c, 1);
		text_add(out, "\n");
	}
}

static void add_source(struct sources *sources, const char *path, const char *name)
{
	struct text CLEANUP(text_done) raw = read_all(path);
	const char *line = text_str(&raw), *end = line + raw.len;
	unsigned long copies = 1;

	assert_true(sources->n < MOST_SOURCES);
	struct text *out = &sources->texts[sources->n];
	(void)snprintf(sources->names[sources->n++], sizeof(sources->names[0]), "%s", name);
	while (line < end) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));
		const char *next = newline ? newline + 1 : end;
		if (strncmp(line, "#%copies ", 9) == 0)
			copies = strtoul(line + 9, NULL, 10);
		else if (strncmp(line, "#% ", 3) == 0)
			repeat_line(out, line + 3, (size_t)(next - line) - 4);
		else
			text_add_n(out, line, (size_t)(next - line));
		line = next;
	}
	for (; copies > 1; copies--) {
		text_add_n(&sources->texts[sources->n], text_str(out), out->len);
		(void)snprintf(sources->names[sources->n++], sizeof(sources->names[0]), "%s", name);
	}
}

static int visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void load(struct sources *sources, const char *entry)
{
	char path[512];
	struct dirent **entries;
	struct stat info;

	(void)snprintf(path, sizeof(path), FOLDER "%s", entry);
	assert_int_equal(stat(path, &info), 0);
	sources->many = S_ISDIR(info.st_mode);
	if (!sources->many) {
		add_source(sources, path, entry);
		return;
	}
	int n = scandir(path, &entries, visible, alphasort);
	assert_true(n > 0);
	for (int i = 0; i < n; i++) {
		(void)snprintf(path, sizeof(path), FOLDER "%s/%s", entry, entries[i]->d_name);
		add_source(sources, path, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
}

static struct text diagnose(const struct sources *sources)
{
	struct policy_source list[MOST_SOURCES];
	struct arena *CLEANUP(arena_freep) arena = arena_new();
	const struct policy *policy = NULL;
	struct diag_list diags;
	struct text out = { 0 };

	for (size_t i = 0; i < sources->n; i++)
		list[i] = (struct policy_source){ sources->names[i], text_str(&sources->texts[i]),
						  sources->texts[i].len };
	diag_init(&diags, arena);
	int r = policy_parse(list, sources->n, arena, &diags, &policy);
	assert_int_equal(r, diags.n_errors ? POLICY_E_INVALID : 0);
	if (r == 0)
		policy_check_time(policy, NOW, &diags);
	assert_true(diags.n_errors + diags.n_warnings > 0);
	print_diags(&out, &diags, sources->many);
	return out;
}

static void golden_path(const char *entry, char path[512])
{
	size_t stem = strlen(entry);

	if (stem > 5 && strcmp(entry + stem - 5, ".yaml") == 0)
		stem -= 5;
	(void)snprintf(path, 512, FOLDER "%.*s.diags", (int)stem, entry);
}

static void check_golden(void **state)
{
	const char *entry = *state;
	struct sources *sources = calloc(1, sizeof(*sources));
	char path[512];

	assert_non_null(sources);
	load(sources, entry);
	struct text CLEANUP(text_done) got = diagnose(sources);
	golden_path(entry, path);
	sources_done(sources);
	free(sources);
	compare_golden(path, text_str(&got));
}

static int is_golden(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return dot && strcmp(dot, ".diags") == 0;
}

/* The table, the manual and these files name the same ids. */
static void check_every_id_is_shown(void **state)
{
	size_t n;
	const struct diag_info *table = policy_diag_table(&n);
	struct text CLEANUP(text_done) all = { 0 };
	struct dirent **entries;
	char word[64];

	(void)state;
	int files = scandir(FOLDER, &entries, is_golden, alphasort);
	assert_true(files >= 60);
	for (int i = 0; i < files; i++) {
		char path[512];
		(void)snprintf(path, sizeof(path), FOLDER "%s", entries[i]->d_name);
		struct text CLEANUP(text_done) one = read_all(path);
		text_add(&all, text_str(&one));
		free(entries[i]);
	}
	free(entries);
	for (size_t i = 0; i < n; i++) {
		(void)snprintf(word, sizeof(word), "%s[%s]",
			       table[i].severity == DIAG_ERROR ? "error" : "warning", table[i].id);
		if (!strstr(text_str(&all), word))
			fail_msg("no golden file shows %s", word);
	}
}

int main(void)
{
	return run_golden("policy_golden", FOLDER, check_golden,
			  (struct CMUnitTest)cmocka_unit_test(check_every_id_is_shown));
}
