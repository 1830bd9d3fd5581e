/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/input-compose.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* "dir/file" to "dir/", "file" to "": what stands before the name. */
static int folder_len(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? (int)(slash + 1 - path) : 0;
}

/* One file into @dir. 0, COMPOSE_E_UNREADABLE (dir->error says why) or -ENOMEM. */
static int read_one(const char *path, struct arena *arena, struct policydir *dir,
		    struct node_source *ret)
{
	size_t before = dir->sources.n;
	int r = policydir_read(path, arena, dir);

	if (r)
		return r < 0 ? r : COMPOSE_E_UNREADABLE;
	if (dir->sources.n != before + 1 || strcmp(dir->sources.items[before].name, path) != 0) {
		dir->sources.n = before;
		dir->error = arena_printf(arena, "cannot read %s: it is a directory", path);
		return dir->error ? COMPOSE_E_UNREADABLE : -ENOMEM;
	}
	const struct policy_source *source = &dir->sources.items[before];
	*ret = (struct node_source){ source->name, source->bytes, source->len };
	return 0;
}

static int load(void *userdata, struct arena *arena, const char *from, const char *path,
		struct node_source *ret)
{
	struct policydir *dir = userdata;
	const char *full =
		*path == '/' ? path : arena_printf(arena, "%.*s%s", folder_len(from), from, path);

	if (!full)
		return -ENOMEM;
	for (size_t i = 0; i < dir->sources.n; i++)
		if (strcmp(dir->sources.items[i].name, full) == 0) {
			*ret = (struct node_source){ full, dir->sources.items[i].bytes,
						     dir->sources.items[i].len };
			return 0;
		}
	return read_one(full, arena, dir, ret);
}

/* ---- variables: the environment first, then the .env file ---- */

static int add_environment(struct arena *arena, struct compose_variables *ret)
{
	int r = 0;

	for (char **one = environ; *one && r == 0; one++) {
		const char *equals = strchr(*one, '=');
		if (!equals)
			continue;
		struct compose_variable variable = {
			arena_strndup(arena, *one, (size_t)(equals - *one)), equals + 1
		};
		r = variable.name ? VEC_PUSH(arena, &ret->list, variable) : -ENOMEM;
	}
	return r;
}

/* Its lines may be secrets, so they are not among the texts that findings show. COMPOSE_E_INVALID:
 * reported. */
static int add_env_file(const char *first, struct arena *arena, struct input_policy *into,
			struct compose_variables *ret)
{
	const char *path = arena_printf(arena, "%.*s.env", folder_len(first), first);
	struct compose_variables more = { 0 };
	struct policydir hidden = { 0 };
	struct node_source source;

	if (!path)
		return -ENOMEM;
	if (access(path, F_OK) < 0)
		return 0;
	int r = read_one(path, arena, &hidden, &source);
	into->dir.error = hidden.error;
	if (r == 0)
		r = compose_parse_env(&source, ret, arena, &into->diags, &more);
	for (size_t i = 0; i < more.list.n && r == 0; i++)
		r = VEC_PUSH(arena, &ret->list, more.list.items[i]);
	return r;
}

static int settle(int r, const struct policydir *dir)
{
	if (r < 0)
		return ctl_out_of_memory();
	if (r == COMPOSE_E_UNREADABLE) {
		ctl_complain("%s", dir->error);
		return CTL_USAGE;
	}
	return CTL_OK; /* or reported in the diagnostics */
}

int input_compose(char *const *files, size_t n, struct arena *arena, struct input_policy *into,
		  struct compose_project *ret)
{
	struct node_source *sources = arena_alloc(arena, n * sizeof(*sources));
	struct compose_variables variables = { 0 };
	const char *folder = NULL;
	CLEANUP(free_ptr) char *directory = NULL;
	int r = sources ? add_environment(arena, &variables) : -ENOMEM;

	*ret = (struct compose_project){ 0 };
	for (size_t i = 0; i < n && r == 0; i++)
		r = read_one(files[i], arena, &into->dir, &sources[i]);
	if (r == 0)
		r = add_env_file(files[0], arena, into, &variables);
	if (r == 0)
		folder = arena_printf(arena, "%.*s.", folder_len(files[0]), files[0]);
	if (r || !folder)
		return settle(r ? r : -ENOMEM, &into->dir);
	directory = realpath(folder, NULL);
	struct compose_input in = { .sources = sources,
				    .n_sources = n,
				    .variables = variables.list.items,
				    .n_variables = variables.list.n,
				    .directory = directory,
				    .load = load,
				    .userdata = &into->dir };
	r = compose_parse(&in, arena, &into->diags, ret);
	return settle(r == COMPOSE_E_UNREADABLE ? 0 : r, &into->dir);
}
