/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/input-compose.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

struct compose_reading {
	struct arena *arena;
	struct input_policy *into;
	const struct ctl_args *args;
	struct compose_variables variables;
	size_t n_environment; /* of them */
	VEC(struct node_source) sources;
	const char *folder; /* of the project: "", or with a slash at its end */
	const char *beside; /* what `docker compose up` reads, too; NULL: nothing */
	const char *error;
};

/* "dir/file" to "dir/", "file" to "": what stands before the name. */
static const char *folder_of(struct arena *arena, const char *path)
{
	const char *slash = strrchr(path, '/');

	return arena_strndup(arena, path, slash ? (size_t)(slash + 1 - path) : 0);
}

static bool is_folder(const char *path)
{
	struct stat info;

	return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* ---- files ---- */

/* 0, COMPOSE_E_UNREADABLE (error says why), COMPOSE_E_ABSENT or -ENOMEM. What is no secret is kept
 * for findings to show. */
static int read_one(struct compose_reading *reading, const char *path, bool secret,
		    struct node_source *ret)
{
	CLEANUP(text_done) struct text text = { 0 };
	struct policydir *dir = &reading->into->dir;
	bool standard = strcmp(path, "-") == 0;

	if (!standard && (access(path, F_OK) < 0 || is_folder(path))) {
		reading->error =
			arena_printf(reading->arena, "cannot read %s: %s", path,
				     is_folder(path) ? "it is a directory" : strerror(errno));
		return reading->error ? COMPOSE_E_ABSENT : -ENOMEM;
	}
	reading->error = read_file_or_stdin(path, LIMIT_COMPOSE_BYTES, &text);
	if (reading->error) {
		reading->error =
			arena_printf(reading->arena, "cannot read %s: %s", path, reading->error);
		return reading->error ? COMPOSE_E_UNREADABLE : -ENOMEM;
	}
	*ret = (struct node_source){ arena_strdup(reading->arena, path),
				     arena_dup(reading->arena, text_str(&text), text.len + 1),
				     text.len };
	if (text_failed(&text) || !ret->name || !ret->bytes)
		return -ENOMEM;
	struct policy_source shown = { ret->name, ret->bytes, ret->len };
	return secret ? 0 : VEC_PUSH(reading->arena, &dir->sources, shown);
}

static int load(void *userdata, struct arena *arena, const char *path, bool secret,
		struct node_source *ret)
{
	(void)arena;
	return read_one(userdata, path, secret, ret);
}

static int add_file(struct compose_reading *reading, const char *path)
{
	struct node_source source;
	int r = path ? read_one(reading, path, false, &source) : -ENOMEM;

	if (r == 0)
		r = VEC_PUSH(reading->arena, &reading->sources, source);
	return r == COMPOSE_E_ABSENT ? COMPOSE_E_UNREADABLE : r;
}

/* Words of a list from outside, each to @add: "folder/" in front of those that are no full paths.
 */
static int add_each(struct compose_reading *reading, const char *list, const char *separator,
		    int (*add)(struct compose_reading *reading, const char *path))
{
	int r = 0;

	for (const char *end; list && r == 0; list = end) {
		end = strstr(list, separator);
		size_t len = end ? (size_t)(end - list) : strlen(list);
		const char *path =
			arena_printf(reading->arena, "%s%.*s", *list == '/' ? "" : reading->folder,
				     (int)len, list);
		r = path ? add(reading, path) : -ENOMEM;
		end = end ? end + strlen(separator) : NULL;
	}
	return r;
}

/* ---- variables: the environment first, then files ---- */

static int add_environment(struct compose_reading *reading)
{
	int r = 0;

	for (char **one = environ; *one && r == 0; one++) {
		const char *equals = strchr(*one, '=');
		if (!equals)
			continue;
		struct compose_variable variable = {
			arena_strndup(reading->arena, *one, (size_t)(equals - *one)), equals + 1
		};
		r = variable.name ? VEC_PUSH(reading->arena, &reading->variables.list, variable)
				  : -ENOMEM;
	}
	return r;
}

static const char *variable(const struct compose_reading *reading, const char *name)
{
	for (size_t i = 0; i < reading->variables.list.n; i++)
		if (strcmp(reading->variables.list.items[i].name, name) == 0)
			return reading->variables.list.items[i].value;
	return NULL;
}

/* Its lines may be secrets. COMPOSE_E_INVALID: reported. */
static int read_env_file(struct compose_reading *reading, const char *path)
{
	struct compose_variables more = { 0 };
	struct node_source source;
	int r = read_one(reading, path, true, &source);

	if (r == 0)
		r = compose_parse_env(&source, &reading->variables, reading->arena,
				      &reading->into->diags, &more);
	return r ? r
		 : compose_add_variables(&reading->variables, reading->n_environment, &more,
					 reading->arena);
}

static int add_named_env_file(struct compose_reading *reading, const char *path)
{
	int r = read_env_file(reading, path);

	return r == COMPOSE_E_ABSENT ? COMPOSE_E_UNREADABLE : r;
}

static int add_env_files(struct compose_reading *reading)
{
	const struct ctl_args *args = reading->args;
	const char *listed = variable(reading, "COMPOSE_ENV_FILES");
	const char *off = variable(reading, "COMPOSE_DISABLE_ENV_FILE");
	const char *path = arena_printf(reading->arena, "%s.env", reading->folder);
	int r = 0;

	reading->n_environment = reading->variables.list.n;
	for (size_t i = 0; i < args->n_env_files && r == 0; i++)
		r = add_named_env_file(reading, args->env_files[i]);
	if (args->n_env_files || r)
		return r;
	if (listed && *listed)
		return add_each(reading, listed, ",", add_named_env_file);
	if (off && (strcmp(off, "1") == 0 || strcasecmp(off, "true") == 0))
		return 0;
	r = path ? read_env_file(reading, path) : -ENOMEM;
	return r == COMPOSE_E_ABSENT ? 0 : r;
}

/* ---- which files ---- */

static const char *const names[] = { "compose.yaml", "compose.yml", "docker-compose.yml",
				     "docker-compose.yaml" };
static const char *const overrides[] = { "compose.override.yml", "compose.override.yaml",
					 "docker-compose.override.yml",
					 "docker-compose.override.yaml" };

/* The first of them that is in the folder; NULL: none. */
static const char *find_one(struct compose_reading *reading, const char *const list[4])
{
	for (size_t i = 0; i < 4; i++) {
		const char *path = arena_printf(reading->arena, "%s%s", reading->folder, list[i]);
		if (path && access(path, F_OK) == 0)
			return path;
	}
	return NULL;
}

/* What `docker compose up` reads in that folder. */
static int add_folder(struct compose_reading *reading)
{
	const char *listed = variable(reading, "COMPOSE_FILE");
	const char *separator = variable(reading, "COMPOSE_PATH_SEPARATOR");
	const char *first = find_one(reading, names), *more = find_one(reading, overrides);

	if (listed)
		return add_each(reading, listed, separator && *separator ? separator : ":",
				add_file);
	if (!first) {
		reading->error = arena_printf(reading->arena, "there is no compose.yaml in %s",
					      reading->args->compose[0]);
		return reading->error ? COMPOSE_E_UNREADABLE : -ENOMEM;
	}
	int r = add_file(reading, first);
	return r == 0 && more ? add_file(reading, more) : r;
}

static int read_compose_files(struct compose_reading *reading)
{
	const struct ctl_args *args = reading->args;
	const char *first = find_one(reading, names);
	int r = 0;

	for (size_t i = 0; i < args->n_compose && r == 0; i++)
		r = add_file(reading, args->compose[i]);
	if (args->n_compose == 1 && first && strcmp(first, args->compose[0]) == 0)
		reading->beside = find_one(reading, overrides);
	return r;
}

/* Where the project is: a folder that is given, or that of the first file. */
static int find_folder(struct compose_reading *reading, bool *ret_given)
{
	const struct ctl_args *args = reading->args;
	const char *first = args->compose[0];

	for (size_t i = 0; i < args->n_compose && strcmp(first, "-") == 0; i++)
		first = args->compose[i];
	*ret_given = args->n_compose == 1 && is_folder(first);
	bool slash = *first && first[strlen(first) - 1] == '/';
	reading->folder = *ret_given ? arena_printf(reading->arena, "%s%s", first, slash ? "" : "/")
				     : folder_of(reading->arena, first);
	return reading->folder ? 0 : -ENOMEM;
}

/* By its name, not by what a symbolic link leads to: `current -> releases/7` is the project
 * `current`. */
static const char *full_name(struct compose_reading *reading)
{
	const char *pwd = getenv("PWD");
	struct stat named, here;
	char buffer[PATH_MAX];

	if (*reading->folder == '/')
		return reading->folder;
	if (!pwd || *pwd != '/' || stat(pwd, &named) < 0 || stat(".", &here) < 0 ||
	    named.st_dev != here.st_dev || named.st_ino != here.st_ino)
		pwd = getcwd(buffer, sizeof(buffer));
	return arena_printf(reading->arena, "%s/%s", pwd ? pwd : "", reading->folder);
}

static int settle(int r, const struct compose_reading *reading)
{
	if (r < 0)
		return ctl_out_of_memory();
	if (r == COMPOSE_E_UNREADABLE) {
		ctl_complain("%s", reading->error);
		return CTL_USAGE;
	}
	return CTL_OK; /* or reported in the diagnostics */
}

int input_compose(const struct ctl_args *args, struct arena *arena, struct input_policy *into,
		  struct compose_project *ret)
{
	struct compose_reading reading = { .arena = arena, .into = into, .args = args };
	bool given = false;
	int r = add_environment(&reading);

	*ret = (struct compose_project){ 0 };
	if (r == 0)
		r = find_folder(&reading, &given);
	if (r == 0)
		r = add_env_files(&reading);
	if (r == 0)
		r = given ? add_folder(&reading) : read_compose_files(&reading);
	const char *directory = r == 0 ? full_name(&reading) : "";
	if (r || !directory)
		return settle(r ? r : -ENOMEM, &reading);
	struct compose_input in = { .sources = reading.sources.items,
				    .n_sources = reading.sources.n,
				    .variables = reading.variables.list.items,
				    .n_variables = reading.variables.list.n,
				    .services = (const char *const *)args->services,
				    .n_services = args->n_services,
				    .directory = directory,
				    .beside = reading.beside,
				    .load = load,
				    .userdata = &reading };
	r = compose_parse(&in, arena, &into->diags, ret);
	return settle(r == COMPOSE_E_INVALID ? 0 : r, &reading);
}
