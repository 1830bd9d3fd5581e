/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An arena: memory that is handed out piece by piece and freed as a whole. Each generation of the
 * daemon, and each answer, has one; everything that the core makes for it lives there and is freed
 * by one arena_free(). So pointers between objects of one arena need no owner. An arena belongs to
 * one thread. */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/cleanup.h"

struct arena;

/* NULL when memory is out. */
struct arena *arena_new(void) MUST_CHECK;
/* Frees everything made in it, once no arena keeps it any more, and nobody else who called
 * arena_hold(); NULL is fine. Returns NULL. */
struct arena *arena_free(struct arena *arena);
void arena_freep(struct arena **arena); /* for CLEANUP() */
void arena_hold(struct arena *arena);	/* one arena_free() more */
/* Frees everything made in it, and keeps some room for what is made next. */
void arena_clear(struct arena *arena);
/* What is in @kept stays for as long as @arena does, which points to it. 0 or -ENOMEM. */
int arena_keep(struct arena *arena, struct arena *kept) MUST_CHECK;

/* Zeroed, aligned for any type; NULL when memory is out. size 0 gives a unique pointer. */
void *arena_alloc(struct arena *arena, size_t size) MUST_CHECK;
/* The same for who fills all of it: what is large is not zeroed. */
void *arena_room(struct arena *arena, size_t size) MUST_CHECK;
void *arena_dup(struct arena *arena, const void *bytes, size_t size) MUST_CHECK;
char *arena_strdup(struct arena *arena, const char *text) MUST_CHECK;
char *arena_strndup(struct arena *arena, const char *text, size_t len) MUST_CHECK;
char *arena_printf(struct arena *arena, const char *format, ...) PRINTF_LIKE(2, 3) MUST_CHECK;
char *arena_vprintf(struct arena *arena, const char *format, va_list args)
	PRINTF_LIKE(2, 0) MUST_CHECK;
/* Bytes handed out so far, for budgets and reports. */
size_t arena_used(const struct arena *arena);

/* Tests only: the n-th allocation from now (1 = the next) and all after it fail; 0 switches off. */
void arena_fail_after(struct arena *arena, uint64_t n);

/* A growing array inside an arena: struct { T *items; size_t n, cap; } v = {0};
 * VEC_PUSH(arena, &v, value) is 0 or -ENOMEM; pointers to items end with it. */
#define VEC(T)                 \
	struct {               \
		T *items;      \
		size_t n, cap; \
	}
int arena_vec_grow(struct arena *arena, void **items, size_t n, size_t *cap,
		   size_t item_size) MUST_CHECK;
#define VEC_PUSH(arena, v, ...)                                                                    \
	(__extension__({                                                                           \
		void *items_ = (v)->items;                                                         \
		int r_ = arena_vec_grow((arena), &items_, (v)->n, &(v)->cap, sizeof(*(v)->items)); \
		(v)->items = items_;                                                               \
		if (r_ == 0)                                                                       \
			(v)->items[(v)->n++] = (__VA_ARGS__);                                      \
		r_;                                                                                \
	}))
