/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inventories: the printed form is a fixed point, also by way of the daemon's store. */
#include "core/world/world-store.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz_world.h"

/* netd --inventory, and the state kept over boots. */
static void check_loaded(const struct world *world, const char *printed)
{
	struct world_store *store CLEANUP(fuzz_free_store) = world_store_new();
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	const struct world *snapshot = NULL;
	int r = world_store_load(store, world);

	assert(r == 0);
	/* Which interfaces there are says the host, which has all of these. */
	r = world_store_set_bridges(store,
				    &(struct world_bridges){ .parents = world->parents,
							     .n_parents = world->n_parents });
	assert(r == 0);
	r = world_store_snapshot(store, arena, &snapshot);
	assert(r == 0);
	char *again CLEANUP(free_ptr) = world_print_inventory(snapshot);
	assert(again && strcmp(again, printed) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	const struct world *world = NULL;
	const char *error = NULL;
	int r = world_parse_inventory((const char *)data, size, arena, &world, &error);

	assert(r == 0 || r == WORLD_E_INVALID);
	assert((r == 0) == (world != NULL));
	if (r != 0) {
		fuzz_check_text(error);
		return 0;
	}
	char *printed CLEANUP(free_ptr) = fuzz_check_world(world);
	check_loaded(world, printed);
	fuzz_check_compiles(world);
	return 0;
}
