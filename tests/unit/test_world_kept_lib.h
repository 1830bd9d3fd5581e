/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What snapshots have in common, or borrow from a copy of all, is what one says that is made anew:
 * whatever changed the store has said so. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/base/text.h"
#include "core/world/store.h"

/* malloc'ed. */
static inline char *say_all(struct world_store *store)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct world *world = NULL;
	struct text out = { 0 };

	assert_int_equal(world_store_snapshot(store, arena, &world), 0);
	CLEANUP(free_ptr) char *inventory = world_print_inventory(world);
	text_add(&out, inventory);
	for (size_t i = 0; i < world->n_endpoints; i++)
		text_printf(&out, "%llx %llu\n", (unsigned long long)world->endpoints[i].id,
			    (unsigned long long)world->endpoints[i].asked);
	for (size_t i = 0; i < world->n_containers; i++)
		for (size_t k = 0; k < world->containers[i].n_labels; k++)
			text_printf(&out, "%d", (int)world->containers[i].labels[k].origin);
	return out.bytes;
}

/* The snapshots after this have the same records, until something changes them; those after that
 * borrow from these. */
static inline void assert_kept_is_true(struct world_store *store)
{
	CLEANUP(free_ptr) char *kept = say_all(store);

	store_changes(store);
	CLEANUP(free_ptr) char *borrowed = say_all(store);
	store_changes(store);
	store_forget_copies(store);
	CLEANUP(free_ptr) char *anew = say_all(store);
	assert_string_equal(kept, anew);
	assert_string_equal(borrowed, anew);
}
