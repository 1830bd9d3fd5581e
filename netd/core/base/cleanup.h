/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The compiler extensions netd uses, all in one place. */
#pragma once

#include <stdlib.h>

#define CLEANUP(fn) __attribute__((cleanup(fn)))
#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

/* Hand an owned pointer on: yields it and leaves NULL behind. */
#define TAKE_PTR(p)                                   \
	(__extension__({                              \
		__typeof__(p) *pp_ = &(p), p_ = *pp_; \
		*pp_ = NULL;                          \
		p_;                                   \
	}))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* For CLEANUP(free_ptr) on any malloc'ed pointer. */
static inline void free_ptr(void *pointer_to_pointer)
{
	free(*(void **)pointer_to_pointer);
}
