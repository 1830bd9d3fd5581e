/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What reads YAML, at its limits and on input made to hurt: the same questions to core/policy and
 * core/compose. Each brings tables of texts and a function that reads one. */
#pragma once

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "core/base/diag.h"
#include "core/base/text.h"

/* ---- what reading came to ---- */

struct outcome {
	int code;
	char id[32]; /* of the first finding; "" none */
	size_t findings, bytes;
	double seconds;
};

/* Reads @yaml in an arena of its own. */
typedef struct outcome read_yaml(const struct text *yaml);

/* Of the processor, not of the wall: a busy machine makes no reader slow. */
static inline double now_s(void)
{
	struct timespec t;

	assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t), 0);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Of a reading that began at @start, by now_s(), and returned @code. */
static inline struct outcome outcome_of(int code, const struct diag_list *diags,
					const struct arena *arena, double start)
{
	struct outcome outcome = { .code = code,
				   .findings = diags->n_errors + diags->n_warnings,
				   .bytes = arena_used(arena),
				   .seconds = now_s() - start };

	if (diags->diags.n)
		(void)snprintf(outcome.id, sizeof(outcome.id), "%s", diags->diags.items[0].id);
	return outcome;
}

static inline void print_outcome(const struct outcome *outcome)
{
	print_message("%8.1f ms %6.1f MB  %zu findings, %s\n", outcome->seconds * 1e3,
		      (double)outcome->bytes / 1e6, outcome->findings, outcome->id);
}

static inline void add_times(struct text *text, const char *bytes, size_t times)
{
	for (size_t i = 0; i < times; i++)
		text_add(text, bytes);
}

/* ---- limits, at n and n + 1 ---- */

struct limit {
	const char *name;
	void (*make)(struct text *yaml, size_t n); /* writes one with n of something */
	size_t most;
	const char *id; /* of the first finding above the limit */
	int code;	/* at the limit */
};

/* @invalid: the reader's code for a text that is wrong. */
static inline void check_limit_of(const struct limit *limit, read_yaml *read, int invalid)
{
	CLEANUP(text_done) struct text fits = { 0 }, over = { 0 };

	limit->make(&fits, limit->most);
	struct outcome at = read(&fits);
	print_outcome(&at);
	assert_int_equal(at.code, limit->code);
	assert_string_not_equal(at.id, limit->id);
	limit->make(&over, limit->most + 1);
	struct outcome above = read(&over);
	assert_int_equal(above.code, invalid);
	assert_string_equal(above.id, limit->id);
}

/* ---- input made to hurt ---- */

/* A text that fills the size it is given: @before, @again as often as it fits, @after. In @again an
 * `@` is the count, from 0, in hex. @make: what is not of that form. */
struct hurt {
	const char *name;
	const char *id; /* of the first finding; "" none, NULL whatever it is */
	const char *before, *again, *after;
	void (*make)(struct text *yaml, size_t size);
};

static inline void add_counted(struct text *text, const char *bytes, size_t count)
{
	for (const char *at; (at = strchr(bytes, '@')); bytes = at + 1) {
		text_add_n(text, bytes, (size_t)(at - bytes));
		text_printf(text, "%zx", count);
	}
	text_add(text, bytes);
}

static inline void make_hurt(const struct hurt *hurt, struct text *yaml, size_t size)
{
	if (hurt->make) {
		hurt->make(yaml, size);
		return;
	}
	size_t reserved = strlen(hurt->again) + strlen(hurt->after) + 2 * sizeof(size_t);
	text_add(yaml, hurt->before);
	for (size_t i = 0; yaml->len + reserved < size; i++)
		add_counted(yaml, hurt->again, i);
	text_add(yaml, hurt->after);
}

static inline void hurt_nul(struct text *yaml, size_t size)
{
	while (yaml->len < size)
		text_add_n(yaml, "", 1);
}

/* Far above what is measured without instrumentation (see the messages), far below what a quadratic
 * step would take. */
#define HURT_SECONDS 20.0

/* Bounded time, less than @most_bytes of memory, a clear finding. */
static inline void check_hurt_of(const struct hurt *hurt, const struct outcome *outcome,
				 size_t most_bytes)
{
	print_outcome(outcome);
	assert_int_not_equal(outcome->code, -ENOMEM);
	assert_true(outcome->seconds < HURT_SECONDS);
	assert_true(outcome->bytes < most_bytes);
	if (hurt->id)
		assert_string_equal(outcome->id, hurt->id);
}
