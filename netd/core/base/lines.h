/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A line buffer: the bytes of a stream go in as they arrive, in pieces of any size, and whole lines
 * come out. The owner of the stream owns the buffer, which is one block of memory and grows as
 * needed. Two numbers bound it: the length of one line and the bytes that wait to be taken. It
 * never searches a byte for a newline twice, whatever the pieces are. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/base/cleanup.h"

struct lines {
	char *bytes;
	size_t start, len, cap; /* the bytes not taken yet are bytes[start .. start + len) */
	size_t scanned;		/* so many of them are known to hold no newline */
	size_t limit;		/* bytes of the longest line, without its newline */
	size_t ahead;		/* bytes that may wait beyond such a line */
};

/* What one read brings: enough for an owner that takes the lines after each read. */
#define LINES_ONE_READ ((size_t)65536)
void lines_init(struct lines *lines, size_t limit, size_t ahead);
void lines_done(struct lines *lines); /* frees; the buffer is empty then, with the same limits */
/* Copies the bytes in. 0; -ENOMEM; -EMSGSIZE: more than @limit and @ahead would be waiting. */
int lines_add(struct lines *lines, const char *bytes, size_t len) MUST_CHECK;

/* LINES_PARTIAL: there is no whole line yet. LINES_LINE: *ret is the next line, *ret_len its length
 * without the newline; it is taken out, and its bytes are valid until the next lines_add() or
 * lines_done(). LINES_TOO_LONG: the next line is longer than the limit, and stays. */
enum lines_state { LINES_PARTIAL, LINES_LINE, LINES_TOO_LONG };
enum lines_state lines_next(struct lines *lines, const char **ret, size_t *ret_len);
/* The same for a stream whose lines may end in "\r\n" and in which empty lines mean nothing. False:
 * there is no whole line, or it is too long. */
bool lines_next_text(struct lines *lines, const char **ret, size_t *ret_len);
bool lines_has_line(struct lines *lines);
bool lines_is_empty(const struct lines *lines);
/* Whether the last line, which has no end yet, is too long already, whatever waits before it. */
bool lines_overflow(const struct lines *lines);
