/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bump allocation in blocks that double up to 1 MiB; large requests get a block of their own. */
#include "core/base/arena.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALIGNMENT sizeof(max_align_t)
#define FIRST_BLOCK 4096u
#define LARGEST_BLOCK (1024u * 1024u)
/* Growing arrays of at least this size have a block of their own. */
#define OWN_BLOCK 4096u

struct block {
	struct block *next;
	size_t size, used;
	max_align_t bytes[];
};

struct kept {
	struct kept *next;
	struct arena *arena;
};

struct arena {
	struct block *blocks;
	struct kept *kept;
	size_t refs; /* its owner's and those of the arenas that keep it */
	size_t used, next_size;
	uint64_t fail_after;
};

struct arena *arena_new(void)
{
	struct arena *arena = calloc(1, sizeof(*arena));

	if (arena) {
		arena->next_size = FIRST_BLOCK;
		arena->refs = 1;
	}
	return arena;
}

/* None keeps another that keeps it, so this ends. */
static void let_go(struct arena *arena)
{
	struct kept *kept = TAKE_PTR(arena->kept);

	for (; kept; kept = kept->next)
		(void)arena_free(kept->arena);
}

struct arena *arena_free(struct arena *arena)
{
	if (!arena || --arena->refs > 0)
		return NULL;
	let_go(arena);
	for (struct block *block = arena->blocks, *next; block; block = next) {
		next = block->next;
		free(block);
	}
	free(arena);
	return NULL;
}

void arena_hold(struct arena *arena)
{
	arena->refs++;
}

void arena_freep(struct arena **arena)
{
	*arena = arena_free(*arena);
}

/* What is handed out is zeroed, and what was not yet is still. */
void arena_clear(struct arena *arena)
{
	struct block *kept = arena->blocks;

	let_go(arena);
	if (!kept)
		return;
	for (struct block *block = kept->next, *next; block; block = next) {
		next = block->next;
		free(block);
	}
	memset(kept->bytes, 0, kept->used);
	kept->next = NULL;
	kept->used = arena->used = 0;
}

static size_t rounded(size_t size)
{
	return size ? (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT : ALIGNMENT;
}

static struct block *new_block(size_t room)
{
	struct block *block = calloc(1, sizeof(*block) + room);

	if (block)
		block->size = room;
	return block;
}

static void link_block(struct block *block, struct block **at)
{
	block->next = *at;
	*at = block;
}

/* The next to hand out from. */
static struct block *add_block(struct arena *arena)
{
	struct block *block = new_block(arena->next_size);

	if (!block)
		return NULL;
	if (arena->next_size < LARGEST_BLOCK)
		arena->next_size *= 2;
	link_block(block, &arena->blocks);
	return block;
}

/* For one request alone; behind the first block, whose room is not used up yet. */
static struct block *add_own_block(struct arena *arena, size_t size)
{
	struct block *block = new_block(size);

	if (block)
		link_block(block, arena->blocks ? &arena->blocks->next : &arena->blocks);
	return block;
}

static bool must_fail(struct arena *arena)
{
	if (arena->fail_after == 0)
		return false;
	if (arena->fail_after == 1)
		return true;
	arena->fail_after--;
	return false;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	if (size > SIZE_MAX / 2 || must_fail(arena))
		return NULL;
	size = rounded(size);

	struct block *block = arena->blocks;
	if (!block || block->size - block->used < size)
		block = size > arena->next_size ? add_own_block(arena, size) : add_block(arena);
	if (!block)
		return NULL;
	void *bytes = (char *)block->bytes + block->used;
	block->used += size;
	arena->used += size;
	return bytes;
}

int arena_keep(struct arena *arena, struct arena *kept)
{
	struct kept *link = arena_alloc(arena, sizeof(*link));

	if (!link)
		return -ENOMEM;
	*link = (struct kept){ arena->kept, kept };
	arena->kept = link;
	kept->refs++;
	return 0;
}

void *arena_room(struct arena *arena, size_t size)
{
	if (size <= arena->next_size || size > SIZE_MAX / 2 || must_fail(arena))
		return arena_alloc(arena, size);
	struct block *block = malloc(sizeof(*block) + rounded(size));
	if (!block)
		return NULL;
	block->size = block->used = rounded(size);
	link_block(block, arena->blocks ? &arena->blocks->next : &arena->blocks);
	arena->used += rounded(size);
	return block->bytes;
}

void *arena_dup(struct arena *arena, const void *bytes, size_t size)
{
	void *copy = arena_room(arena, size);

	if (copy && size)
		memcpy(copy, bytes, size);
	return copy;
}

char *arena_strndup(struct arena *arena, const char *text, size_t len)
{
	char *copy = arena_alloc(arena, len + 1);

	if (copy && len)
		memcpy(copy, text, len);
	return copy;
}

char *arena_strdup(struct arena *arena, const char *text)
{
	return arena_strndup(arena, text, strlen(text));
}

char *arena_vprintf(struct arena *arena, const char *format, va_list args)
{
	va_list again;

	va_copy(again, args);
	int len = vsnprintf(NULL, 0, format, args);
	char *text = len < 0 ? NULL : arena_alloc(arena, (size_t)len + 1);
	if (text)
		(void)vsnprintf(text, (size_t)len + 1, format, again);
	va_end(again);
	return text;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	char *text = arena_vprintf(arena, format, args);
	va_end(args);
	return text;
}

size_t arena_used(const struct arena *arena)
{
	return arena->used;
}

void arena_fail_after(struct arena *arena, uint64_t n)
{
	arena->fail_after = n;
}

/* Where the block of one array alone hangs; NULL: it has none. */
static struct block **find_own_block(struct arena *arena, const void *items, size_t size)
{
	struct block **at = &arena->blocks;

	while (*at && (const void *)(*at)->bytes != items)
		at = &(*at)->next;
	return *at && (*at)->used == size && (*at)->size == size ? at : NULL;
}

/* In a block of its own an array can grow where it is, and leaves no copy behind. */
static void *grow_alone(struct arena *arena, void *items, size_t old, size_t size)
{
	struct block **at = old < OWN_BLOCK ? NULL : find_own_block(arena, items, rounded(old));

	if (must_fail(arena))
		return NULL;
	struct block *block = at ? realloc(*at, sizeof(*block) + rounded(size))
				 : add_own_block(arena, rounded(size));
	if (!block)
		return NULL;
	if (at)
		*at = block;
	else if (old)
		memcpy(block->bytes, items, old);
	arena->used += rounded(size) - (at ? rounded(old) : 0);
	block->size = block->used = rounded(size);
	return block->bytes;
}

static void *grow_within(struct arena *arena, const void *items, size_t old, size_t size)
{
	void *copy = arena_alloc(arena, size);

	if (copy && old)
		memcpy(copy, items, old);
	return copy;
}

/* Arrays that stay short are many, and mostly of large items. */
static size_t first_items(size_t item_size)
{
	return item_size <= 16 ? 8 : item_size <= 32 ? 4 : 2;
}

int arena_vec_grow(struct arena *arena, void **items, size_t n, size_t *cap, size_t item_size)
{
	if (n < *cap)
		return 0;
	size_t grown = *cap ? *cap * 2 : first_items(item_size), old = n * item_size;
	if (grown > SIZE_MAX / 2 / item_size)
		return -ENOMEM;
	size_t size = grown * item_size;
	void *copy = size < OWN_BLOCK ? grow_within(arena, *items, old, size)
				      : grow_alone(arena, *items, old, size);

	if (!copy)
		return -ENOMEM;
	*items = copy;
	*cap = grown;
	return 0;
}
