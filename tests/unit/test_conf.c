/* SPDX-License-Identifier: GPL-2.0-or-later */
/* netd.conf: what a line says, what is refused and where, and that the command line, the files and
 * the environment count in this order. */
#include "test_rows_lib.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/limits.h"
#include "core/base/text.h"
#include "core/compile/compile.h"
#include "core/conf/conf.h"
#include "daemon/options.h"
#include "test_file_lib.h"

/* ---- core/conf ---- */

struct row {
	const char *name, *bytes;
	const char *want;  /* "key=value@line " of each setting */
	const char *wrong; /* the findings, or "" */
};

static const struct row rows[] = {
	{ "nothing", "", "", "" },
	{ "comments", "# a\n; b\n\n \t\n", "", "" },
	{ "one", "policy = /p\n", "policy=/p@1 ", "" },
	{ "no newline at the end", "policy = /p", "policy=/p@1 ", "" },
	{ "no blanks", "policy=/p\n", "policy=/p@1 ", "" },
	{ "many blanks", " \tpolicy \t=\t /p \t\n", "policy=/p@1 ", "" },
	{ "lines of DOS", "policy = /p\r\nstate = /s\r\n", "policy=/p@1 state=/s@2 ", "" },
	{ "an equals sign in a value", "policy = /a=b\n", "policy=/a=b@1 ", "" },
	{ "a blank in a value", "policy = /a b\n", "policy=/a b@1 ", "" },
	{ "a hash in a value", "policy = /a#b\n", "policy=/a#b@1 ", "" },
	{ "a comment behind a value", "policy = /a # b\n", "",
	  "1:1: error[bad-value]: a comment needs a line of its own\n" },
	{ "no value", "policy =\n", "",
	  "1:1: error[bad-value]: there is no value behind the `=`\n"
	  "  hint: leave the line out to have the default\n" },
	{ "no key", "\n = /a\n", "", "2:2: error[syntax]: this line is not `key = value`\n" },
	{ "no equals sign", "policy /a\n", "",
	  "1:1: error[syntax]: this line is not `key = value`\n" },
	{ "a section", "[netd]\n", "", "1:1: error[syntax]: this line is not `key = value`\n" },
	{ "a capital letter", "Policy = /a\n", "",
	  "1:1: error[syntax]: this line is not `key = value`\n" },
	{ "twice", "policy = /a\nstate = /s\npolicy = /b\n", "policy=/a@1 state=/s@2 ",
	  "3:1: error[duplicate-key]: `policy` is set already on line 1\n" },
	{ "a control character", "policy = /a\033[2J\n", "",
	  "1:1: error[bad-value]: there is a control character in the value\n" },
	{ "all of them in one run", "x\npolicy =\ny\n", "",
	  "1:1: error[syntax]: this line is not `key = value`\n"
	  "2:1: error[bad-value]: there is no value behind the `=`\n"
	  "  hint: leave the line out to have the default\n"
	  "3:1: error[syntax]: this line is not `key = value`\n" },
};

static void line_says(void **state)
{
	const struct row *row = *state;
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	CLEANUP(text_done) struct text got = { 0 }, wrong = { 0 };
	struct conf conf = { 0 };
	struct diag_list diags;

	diag_init(&diags, arena);
	int r = conf_parse("f", row->bytes, strlen(row->bytes), arena, &diags, &conf);
	for (size_t i = 0; i < conf.settings.n; i++)
		text_printf(&got, "%s=%s@%u ", conf.settings.items[i].key,
			    conf.settings.items[i].value, conf.settings.items[i].loc.line);
	print_diags(&wrong, &diags, false);
	assert_string_equal(text_str(&got), row->want);
	assert_string_equal(text_str(&wrong), row->wrong);
	assert_int_equal(r, *row->wrong ? CONF_E_INVALID : 0);
}

static void limits_hold(void **state)
{
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	CLEANUP(free_ptr) char *bytes = malloc(LIMIT_CONF_BYTES + 1);
	struct conf conf = { 0 };
	struct diag_list diags;

	(void)state;
	assert_non_null(bytes);
	diag_init(&diags, arena);
	memset(bytes, '\n', LIMIT_CONF_BYTES + 1);
	assert_int_equal(conf_parse("f", bytes, LIMIT_CONF_BYTES, arena, &diags, &conf), 0);
	assert_int_equal(conf_parse("f", bytes, LIMIT_CONF_BYTES + 1, arena, &diags, &conf),
			 CONF_E_INVALID);
	memset(bytes, 'x', LIMIT_CONF_VALUE + 3);
	memcpy(bytes, "a=", 2);
	assert_int_equal(conf_parse("f", bytes, LIMIT_CONF_VALUE + 2, arena, &diags, &conf), 0);
	assert_int_equal(conf_parse("f", bytes, LIMIT_CONF_VALUE + 3, arena, &diags, &conf),
			 CONF_E_INVALID);
	assert_int_equal(conf_parse("f", "a = b\0c", 7, arena, &diags, &conf), CONF_E_INVALID);
	assert_int_equal(conf.settings.n, 1);
}

/* Every allocation fails once. */
static void memory_runs_out(void **state)
{
	static const char bytes[] = "policy = /p\nstate = /s\nwrong\n";
	bool done = false;

	(void)state;
	for (uint64_t n = 1; !done; n++) {
		struct arena *arena CLEANUP(arena_freep) = arena_new();
		struct conf conf = { 0 };
		struct diag_list diags;
		diag_init(&diags, arena);
		arena_fail_after(arena, n);
		int r = conf_parse("f", bytes, sizeof(bytes) - 1, arena, &diags, &conf);
		assert_true(r == -ENOMEM || r == CONF_E_INVALID);
		done = r == CONF_E_INVALID;
	}
}

static void bits(void **state)
{
	static const char *const none[] = { "",	  "0",		 "3",
					    "x",  "1x",		 "-1",
					    " 1", "0x100000000", "99999999999999999999" };
	uint32_t bit = 7;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(none); i++)
		assert_false(conf_parse_bit(none[i], &bit));
	assert_int_equal(bit, 7);
	assert_true(conf_parse_bit("0x00100000", &bit) && bit == 0x100000);
	assert_true(conf_parse_bit("2147483648", &bit) && bit == 1u << 31);
}

/* ---- daemon/options, with files ---- */

struct fixture {
	char dir[64], said[4096];
	struct arena *arena;
	struct options options;
	int exit_status;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	(void)stpcpy(f->dir, "/tmp/netd-conf-XXXXXX");
	f->arena = arena_new();
	*state = f;
	return mkdtemp(f->dir) && f->arena ? 0 : -1;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	remove_folder(f->dir);
	arena_free(f->arena);
	free(f);
	return 0;
}

static void write_file(const struct fixture *f, const char *name, const char *text)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	FILE *file = fopen(path, "we");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

/* netd --config DIR/netd.conf ARG; f->said is what it wrote on stderr. */
static int parse(struct fixture *f, const char *arg)
{
	char path[256], program[] = "netd", config[] = "--config", last[128];
	char *argv[] = { program, config, path, last, NULL };
	FILE *catch = tmpfile();
	int saved = dup(STDERR_FILENO);

	assert_true(catch && saved >= 0);
	(void)snprintf(path, sizeof(path), "%s/netd.conf", f->dir);
	(void)snprintf(last, sizeof(last), "%s", arg ? arg : "");
	(void)fflush(stderr);
	assert_true(dup2(fileno(catch), STDERR_FILENO) >= 0);
	optind = 0;
	int r = daemon_options_parse(arg ? 4 : 3, argv, f->arena, &f->options, &f->exit_status);
	(void)fflush(stderr);
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	(void)close(saved);
	rewind(catch);
	f->said[fread(f->said, 1, sizeof(f->said) - 1, catch)] = '\0';
	(void)fclose(catch);
	return r;
}

static void command_line_beats_file_beats_environment(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(setenv("DOCKER_HOST", "unix:///env", 1), 0);
	write_file(f, "netd.conf", "# nothing\n");
	assert_int_equal(parse(f, NULL), 0);
	assert_string_equal(f->options.docker_url, "unix:///env");
	assert_string_equal(f->options.policy, "/etc/netd/policy.d");
	assert_string_equal(f->options.socket, "/run/netd/netd.sock");
	assert_string_equal(f->options.state_dir, "/var/lib/netd");
	assert_null(f->options.inventory);
	assert_int_equal(f->options.mark_bit, COMPILE_MARK_BIT);

	write_file(f, "netd.conf",
		   "docker = unix:///file\npolicy=/p\nsocket=/s\nstate=/t\ninventory=/i\n"
		   "mark-bit=0x2\n");
	assert_int_equal(parse(f, NULL), 0);
	assert_string_equal(f->options.docker_url, "unix:///file");
	assert_string_equal(f->options.policy, "/p");
	assert_string_equal(f->options.socket, "/s");
	assert_string_equal(f->options.state_dir, "/t");
	assert_string_equal(f->options.inventory, "/i");
	assert_int_equal(f->options.mark_bit, 2);

	assert_int_equal(parse(f, "--docker=unix:///line"), 0);
	assert_string_equal(f->options.docker_url, "unix:///line");
	assert_int_equal(parse(f, "--policy=here"), 0);
	assert_string_equal(f->options.policy, "here");
	assert_int_equal(parse(f, "--mark-bit=4"), 0);
	assert_int_equal(f->options.mark_bit, 4);
	assert_int_equal(unsetenv("DOCKER_HOST"), 0);
}

static void drop_ins_come_in_name_order(void **state)
{
	struct fixture *f = *state;
	char folder[256];

	(void)snprintf(folder, sizeof(folder), "%s/netd.conf.d", f->dir);
	assert_int_equal(mkdir(folder, 0700), 0);
	write_file(f, "netd.conf", "policy = /0\nstate = /0\n");
	write_file(f, "netd.conf.d/20.conf", "policy = /20\n");
	write_file(f, "netd.conf.d/10.conf", "policy = /10\nsocket = /10\n");
	write_file(f, "netd.conf.d/30.conf~", "policy = /30\n");
	write_file(f, "netd.conf.d/.40.conf", "policy = /40\n");
	assert_int_equal(parse(f, NULL), 0);
	assert_string_equal(f->options.policy, "/20");
	assert_string_equal(f->options.state_dir, "/0");
	assert_string_equal(f->options.socket, "/10");
}

struct bad {
	const char *name, *bytes, *said; /* behind the folder */
};

static const struct bad bad[] = {
	{ "an unknown key", "\npolcy = /p\n",
	  "/netd.conf:2:1: error[unknown-key]: there is no setting `polcy`\n"
	  "  did you mean `policy`?\n" },
	{ "what is no setting", "check = yes\n",
	  "/netd.conf:1:1: error[unknown-key]: there is no setting `check`\n" },
	{ "a relative path", "policy = policy.d\n",
	  "/netd.conf:1:1: error[bad-value]: `policy` takes a path that begins with /\n" },
	{ "a path in quotes", "state = \"/var/lib/netd\"\n",
	  "/netd.conf:1:1: error[bad-value]: `state` takes a path that begins with /\n" },
	{ "no URL", "docker = /run/docker.sock\n",
	  "/netd.conf:1:1: error[bad-value]: `docker` takes a URL, such as "
	  "unix:///run/docker.sock\n" },
	{ "no bit", "mark-bit = 3\n",
	  "/netd.conf:1:1: error[bad-value]: `mark-bit` takes one bit, such as 0x00100000\n" },
	{ "no setting", "policy\n",
	  "/netd.conf:1:1: error[syntax]: this line is not `key = value`\n" },
};

/* Exit status 2, and file and line, whatever the command line says. */
static void check_bad(struct fixture *f, const struct bad *row)
{
	char want[512];

	write_file(f, "netd.conf", row->bytes);
	assert_int_equal(parse(f, "--policy=/p"), OPTIONS_EXIT);
	assert_int_equal(f->exit_status, 2);
	(void)snprintf(want, sizeof(want), "%s%s", f->dir, row->said);
	assert_string_equal(f->said, want);
}

static void bad_files_keep_it_from_starting(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		check_bad(*state, &bad[i]);
}

static void named_file_has_to_be_there(void **state)
{
	struct fixture *f = *state;
	char path[256];

	assert_int_equal(parse(f, NULL), OPTIONS_EXIT);
	assert_int_equal(f->exit_status, 2);
	assert_non_null(strstr(f->said, "netd.conf: No such file or directory"));
	write_file(f, "netd.conf", "");
	(void)snprintf(path, sizeof(path), "%s/netd.conf.d", f->dir);
	assert_int_equal(symlink("nowhere", path), 0);
	assert_int_equal(parse(f, NULL), OPTIONS_EXIT);
	assert_non_null(strstr(f->said, "netd.conf.d: No such file or directory"));
}

/* Every setting of the file in the package, with the # taken away, is one, and says the default. */
static void shipped_file_shows_the_defaults(void **state)
{
	struct fixture *f = *state;
	CLEANUP(text_done) struct text shipped = read_all("packaging/netd.conf"), bare = { 0 };

	write_file(f, "netd.conf", text_str(&shipped));
	assert_int_equal(parse(f, NULL), 0);
	const struct options defaults = f->options;
	for (const char *at = text_str(&shipped); *at; at++)
		if (!(at[0] == '#' && at[1] != ' ' && at[1] != '\n'))
			text_add_n(&bare, at, 1);
	write_file(f, "netd.conf", text_str(&bare));
	assert_int_equal(parse(f, NULL), 0);
	assert_string_equal(f->options.policy, defaults.policy);
	assert_string_equal(f->options.socket, defaults.socket);
	assert_string_equal(f->options.state_dir, defaults.state_dir);
	assert_int_equal(f->options.mark_bit, defaults.mark_bit);
	assert_non_null(f->options.inventory);
}

int main(void)
{
	static const struct CMUnitTest fixed[] = {
		cmocka_unit_test(limits_hold),
		cmocka_unit_test(memory_runs_out),
		cmocka_unit_test(bits),
		cmocka_unit_test_setup_teardown(command_line_beats_file_beats_environment, setup,
						teardown),
		cmocka_unit_test_setup_teardown(drop_ins_come_in_name_order, setup, teardown),
		cmocka_unit_test_setup_teardown(bad_files_keep_it_from_starting, setup, teardown),
		cmocka_unit_test_setup_teardown(named_file_has_to_be_there, setup, teardown),
		cmocka_unit_test_setup_teardown(shipped_file_shows_the_defaults, setup, teardown),
	};
	struct CMUnitTest tests[ARRAY_LEN(fixed) + ARRAY_LEN(rows)];

	memcpy(tests, fixed, sizeof(fixed));
	ADD_ROWS(tests, ARRAY_LEN(fixed), rows, line_says);
	return cmocka_run_group_tests_name("conf", tests, NULL, NULL);
}
