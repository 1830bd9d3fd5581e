/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The compose files of tests/golden/compose. A folder is a project: its compose.yaml (and
 * compose.override.yaml, or the files that `args` names), `env` as its .env file, and what must
 * come of it: expected.json, an inventory, and `diags`. A file alone, NAME.yaml, is bad or
 * doubtful: NAME.diags is all that is said about it. REGOLD=1 writes them anew: review is the diff.
 */
#include <sys/stat.h>
#include <unistd.h>

#include "core/compose/compose.h"
#include "core/compose/finding.h"
#include "tests/unit/test_file_lib.h"

#define FOLDER "tests/golden/compose/"
#define PATH_LEN 512
#define MOST 16

struct project {
	struct arena *arena;
	char folder[PATH_LEN];
	struct node_source sources[MOST];
	const char *profiles[MOST], *services[MOST];
	struct compose_variables variables;
	struct compose_input in;
	struct diag_list diags;
};

/* false: it is not there. */
static bool read_file(struct arena *arena, const char *path, struct node_source *ret)
{
	if (access(path, R_OK) != 0)
		return false;
	CLEANUP(text_done) struct text text = read_all(path);
	ret->bytes = arena_dup(arena, text_str(&text), text.len + 1);
	ret->len = text.len;
	assert_non_null(ret->bytes);
	return true;
}

/* Names in findings are relative to the folder. */
static int load(void *userdata, struct arena *arena, const char *path, bool secret,
		struct node_source *ret)
{
	const struct project *project = userdata;
	char full[PATH_LEN];

	(void)secret;
	ret->name = arena_strdup(arena, path);
	assert_non_null(ret->name);
	(void)snprintf(full, sizeof(full), "%.250s/%.250s", project->folder, path);
	return read_file(arena, full, ret) ? 0 : COMPOSE_E_ABSENT;
}

static void add_file(struct project *p, const char *name)
{
	struct node_source *source = &p->sources[p->in.n_sources++];
	char path[PATH_LEN];

	assert_true(p->in.n_sources <= MOST);
	(void)snprintf(path, sizeof(path), "%.250s/%.250s", p->folder, name);
	source->name = arena_strdup(p->arena, name);
	assert_true(read_file(p->arena, path, source));
}

static void add_variable(struct project *p, char *text)
{
	char *equals = strchr(text, '=');
	struct compose_variable one = { text, equals + 1 };

	assert_non_null(equals);
	*equals = '\0';
	assert_int_equal(VEC_PUSH(p->arena, &p->variables.list, one), 0);
}

static void read_args(struct project *p, char *args)
{
	char *save = NULL;

	for (char *line = strtok_r(args, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *word = strchr(line, ' ');
		assert_non_null(word);
		*word++ = '\0';
		if (strcmp(line, "file") == 0)
			add_file(p, word);
		else if (strcmp(line, "profile") == 0)
			p->profiles[p->in.n_profiles++] = word;
		else if (strcmp(line, "service") == 0)
			p->services[p->in.n_services++] = word;
		else if (strcmp(line, "beside") == 0)
			p->in.beside = word;
		else if (strcmp(line, "project") == 0)
			p->in.project = word;
		else if (strcmp(line, "env") == 0)
			add_variable(p, word);
		else
			fail_msg("args: %s", line);
	}
}

static void read_env(struct project *p)
{
	struct compose_variables list;
	struct node_source env = { .name = "env" };
	char path[PATH_LEN];

	(void)snprintf(path, sizeof(path), "%.500s/env", p->folder);
	if (!read_file(p->arena, path, &env))
		return;
	assert_int_equal(compose_parse_env(&env, &p->variables, p->arena, &p->diags, &list), 0);
	for (size_t i = 0; i < list.list.n; i++)
		assert_int_equal(VEC_PUSH(p->arena, &p->variables.list, list.list.items[i]), 0);
}

static void load_project(struct project *p, const char *entry)
{
	struct node_source args = { 0 };
	char path[PATH_LEN];

	(void)snprintf(p->folder, sizeof(p->folder), FOLDER "%s", entry);
	(void)snprintf(path, sizeof(path), "%.500s/args", p->folder);
	if (read_file(p->arena, path, &args))
		read_args(p, arena_strdup(p->arena, args.bytes));
	read_env(p);
	if (p->in.n_sources)
		return;
	add_file(p, "compose.yaml");
	(void)snprintf(path, sizeof(path), "%.480s/compose.override.yaml", p->folder);
	if (access(path, R_OK) == 0)
		add_file(p, "compose.override.yaml");
}

/* The world is what an inventory can say: printed, it reads and prints the same. */
static void check_inventory(struct project *p, const struct compose_project *made, const char *path)
{
	CLEANUP(free_ptr) char *printed = world_print_inventory(made->world);
	const struct world *again = NULL;
	const char *error = "";

	assert_non_null(printed);
	compare_golden(path, printed);
	if (world_parse_inventory(printed, strlen(printed), p->arena, &again, &error) != 0)
		fail_msg("%s: %s", p->folder, error);
	CLEANUP(free_ptr) char *second = world_print_inventory(again);
	assert_string_equal(second, printed);
	for (size_t i = 0; i < made->world->n_containers; i++) {
		const char *service = world_label_value(&made->world->containers[i],
							"com.docker.compose.service");
		assert_string_equal(made->services[i], service);
		assert_true(made->places[i].line > 0);
	}
}

static void parse(struct project *p, const char *expected)
{
	struct compose_project made = { 0 };

	p->in.sources = p->sources;
	p->in.profiles = p->profiles;
	p->in.services = p->services;
	p->in.variables = p->variables.list.items;
	p->in.n_variables = p->variables.list.n;
	p->in.directory = "/srv/My Project/";
	p->in.load = load;
	p->in.userdata = p;
	int r = compose_parse(&p->in, p->arena, &p->diags, &made);
	assert_int_equal(r, p->diags.n_errors ? COMPOSE_E_INVALID : 0);
	if (expected)
		assert_int_equal(r, 0);
	if (expected)
		check_inventory(p, &made, expected);
}

static void check_golden(void **state)
{
	const char *entry = *state;
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct project *p = arena_alloc(arena, sizeof(*p));
	CLEANUP(text_done) struct text diags = { 0 };
	char path[PATH_LEN], expected[PATH_LEN];
	struct stat info;

	p->arena = arena;
	diag_init(&p->diags, arena);
	(void)snprintf(path, sizeof(path), FOLDER "%s", entry);
	assert_int_equal(stat(path, &info), 0);
	if (S_ISDIR(info.st_mode)) {
		load_project(p, entry);
		(void)snprintf(expected, sizeof(expected), FOLDER "%s/expected.json", entry);
		(void)snprintf(path, sizeof(path), FOLDER "%s/diags", entry);
		parse(p, expected);
	} else {
		(void)snprintf(p->folder, sizeof(p->folder), FOLDER ".");
		add_file(p, entry);
		(void)snprintf(path, sizeof(path), FOLDER "%.*s.diags", (int)strlen(entry) - 5,
			       entry);
		parse(p, NULL);
		assert_true(p->diags.n_errors + p->diags.n_warnings > 0);
	}
	print_diags(&diags, &p->diags, true);
	compare_golden(path, text_str(&diags));
}

/* The table and these files name the same ids. */
static void check_every_id_is_shown(void **state)
{
	struct dirent **entries;
	CLEANUP(text_done) struct text all = { 0 };
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	size_t n, bad = 0;
	const struct diag_info *table = compose_diag_table(&n);
	char path[PATH_LEN], word[64];

	(void)state;
	int files = scandir(FOLDER, &entries, NULL, alphasort);
	for (int i = 0; i < files; i++) {
		struct node_source one = { 0 };
		const char *dot = strrchr(entries[i]->d_name, '.');
		bool alone = dot && strcmp(dot, ".diags") == 0;
		(void)snprintf(path, sizeof(path), FOLDER "%s%s", entries[i]->d_name,
			       alone ? "" : "/diags");
		if (*entries[i]->d_name != '.' && read_file(arena, path, &one))
			text_add(&all, one.bytes);
		bad += alone;
		free(entries[i]);
	}
	free(entries);
	assert_true(bad >= 25);
	for (size_t i = 0; i < n; i++) {
		assert_non_null(table[i].id);
		assert_true(i == 0 || strcmp(table[i - 1].id, table[i].id) < 0);
		assert_true(table[i].meaning[strlen(table[i].meaning) - 1] != '.');
		(void)snprintf(word, sizeof(word), "%s[%s]",
			       table[i].severity == DIAG_ERROR ? "error" : "warning", table[i].id);
		if (!strstr(text_str(&all), word))
			fail_msg("no golden file shows %s", word);
	}
}

int main(void)
{
	return run_golden("compose_golden", FOLDER, check_golden,
			  (struct CMUnitTest)cmocka_unit_test(check_every_id_is_shown));
}
