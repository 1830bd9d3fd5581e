/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Docker's answers, one a line, one after the other into one store. The first letter of a line says
 * which answer it is. */
#include "core/world/world-store.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz_world.h"

/* Of the network whose id is all of ones. */
static int put_podman_network(struct world_store *store, const char *json, size_t len,
			      const char **error)
{
	char id[WORLD_ID_LEN] = "";

	memset(id, '1', sizeof(id) - 1);
	return world_store_put_podman_network(store, id, json, len, error);
}

static const struct {
	char letter;
	int (*take)(struct world_store *, const char *, size_t, const char **);
} answers[] = {
	{ 'N', world_store_set_networks },   { 'n', world_store_put_network },
	{ 'C', world_store_set_containers }, { 'c', world_store_put_containers },
	{ 'i', world_store_put_inspect },    { 'P', world_store_set_podman_networks },
	{ 'p', put_podman_network },
};

static char *print(struct world_store *store)
{
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	const struct world *world = NULL;
	int r = world_store_snapshot(store, arena, &world);

	assert(r == 0);
	return fuzz_check_world(world);
}

/* A refused answer leaves the store as it was, and so does one that comes again. */
static void take_answer(struct world_store *store, size_t kind, const char *json, size_t len)
{
	char *before CLEANUP(free_ptr) = print(store);
	const char *error = NULL;
	int r = answers[kind].take(store, json, len, &error);
	char *after CLEANUP(free_ptr) = print(store);

	assert(r == 0 || r == WORLD_E_INVALID);
	if (r == 0) {
		r = answers[kind].take(store, json, len, &error);
		char *again CLEANUP(free_ptr) = print(store);
		assert(r == 0 && strcmp(after, again) == 0);
		return;
	}
	fuzz_check_text(error);
	assert(strcmp(before, after) == 0);
}

static void compile(struct world_store *store)
{
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	const struct world *world = NULL;
	int r = world_store_snapshot(store, arena, &world);

	assert(r == 0);
	fuzz_check_compiles(world);
}

/* Everything goes, and nothing is left of it. */
static void remove_all(struct world_store *store)
{
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	const struct world *world = NULL;
	int r = world_store_snapshot(store, arena, &world);

	assert(r == 0);
	for (size_t i = 0; i < world->n_endpoints; i++)
		world_store_disconnect(store, world->networks[world->endpoints[i].network].id,
				       world->containers[world->endpoints[i].container].id);
	for (size_t i = 0; i < world->n_networks; i++)
		world_store_remove_network(store, world->networks[i].id);
	for (size_t i = 0; i < world->n_containers; i++)
		world_store_remove_container(store, world->containers[i].id);
	r = world_store_snapshot(store, arena, &world);
	assert(r == 0 && world->n_networks + world->n_containers + world->n_endpoints == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_parts parts = { (const char *)data, (const char *)data + size, '\n' };
	struct world_store *store CLEANUP(fuzz_free_store) = world_store_new();
	const char *part;
	size_t len;

	for (size_t n = 0; n < 16 && fuzz_next(&parts, &part, &len); n++)
		for (size_t kind = 0; kind < ARRAY_LEN(answers); kind++)
			if (len > 0 && *part == answers[kind].letter)
				take_answer(store, kind, part + 1, len - 1);
	compile(store);
	remove_all(store);
	return 0;
}
