/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Compose files, with NUL between them: `extends` finds the last one, the others are merged. */
#include "core/compose/compose.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz_world.h"

struct files {
	struct node_source sources[8];
	size_t n;
};

/* Any name is the last file's; what is secret are variables. */
static int load(void *userdata, struct arena *arena, const char *path, bool secret,
		struct node_source *ret)
{
	static const char env[] = "TAG=2\nMORE=\"$TAG\"\n";
	const struct files *files = userdata;

	(void)arena;
	assert(path && !strstr(path, "//") && !strstr(path, "/./"));
	if (secret) {
		*ret = (struct node_source){ path, env, sizeof(env) - 1 };
		return 0;
	}
	if (files->n < 2)
		return COMPOSE_E_ABSENT;
	*ret = files->sources[files->n - 1];
	ret->name = path;
	return 0;
}

static void check_project(const struct compose_project *project)
{
	assert(project->name && *project->name);
	for (size_t i = 0; i < project->world->n_containers; i++)
		assert(project->services[i] && project->places[i].file);
	free(fuzz_check_world(project->world));
	fuzz_check_compiles(project->world);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct compose_variable variables[] = { { "TAG", "1" }, { "EMPTY", "" } };
	static const char *const profiles[] = { "*" };
	static const char *const names[] = { "a.yaml", "b.yaml", "c.yaml", "d.yaml",
					     "e.yaml", "f.yaml", "g.yaml", "h.yaml" };
	struct fuzz_parts parts = { (const char *)data, (const char *)data + size, '\0' };
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	struct compose_project project = { 0 };
	struct files files = { .n = 0 };
	struct diag_list diags;

	while (files.n < ARRAY_LEN(names) &&
	       fuzz_next(&parts, &files.sources[files.n].bytes, &files.sources[files.n].len)) {
		files.sources[files.n].name = names[files.n];
		files.n++;
	}
	struct compose_input in = { .sources = files.sources,
				    .n_sources = files.n > 1 ? files.n - 1 : files.n,
				    .variables = variables,
				    .n_variables = ARRAY_LEN(variables),
				    .profiles = profiles,
				    .n_profiles = ARRAY_LEN(profiles),
				    .directory = "shop",
				    .load = load,
				    .userdata = &files };
	diag_init(&diags, arena);
	int r = compose_parse(&in, arena, &diags, &project);
	assert(r == 0 || r == COMPOSE_E_INVALID);
	assert((r == 0) == (project.world != NULL));
	fuzz_check_diags(&diags, r == 0);
	if (r == 0)
		check_project(&project);
	return 0;
}
