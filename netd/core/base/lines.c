/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/base/lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A buffer that one long line made large is given back when it is empty. */
#define KEEP ((size_t)65536)

void lines_init(struct lines *lines, size_t limit, size_t ahead)
{
	*lines = (struct lines){ .limit = limit, .ahead = ahead };
}

void lines_done(struct lines *lines)
{
	free(lines->bytes);
	*lines = (struct lines){ .limit = lines->limit, .ahead = lines->ahead };
}

static int reserve(struct lines *lines, size_t more)
{
	size_t most = lines->limit + lines->ahead;

	if (more > most || lines->len > most - more)
		return -EMSGSIZE;
	if (lines->start) {
		memmove(lines->bytes, lines->bytes + lines->start, lines->len);
		lines->start = 0;
	}
	if (lines->cap - lines->len >= more)
		return 0;
	size_t cap = lines->cap ? lines->cap : 512;
	while (cap - lines->len < more)
		cap *= 2;
	char *bytes = realloc(lines->bytes, cap);
	if (!bytes)
		return -ENOMEM;
	lines->bytes = bytes;
	lines->cap = cap;
	return 0;
}

int lines_add(struct lines *lines, const char *bytes, size_t len)
{
	if (len == 0)
		return 0;
	if (lines->len == 0 && lines->cap > KEEP)
		lines_done(lines);
	int r = reserve(lines, len);
	if (r < 0)
		return r;
	memcpy(lines->bytes + lines->len, bytes, len);
	lines->len += len;
	return 0;
}

/* Searches each byte once, however many pieces a line comes in. NULL: no newline yet. */
static const char *newline(struct lines *lines)
{
	if (lines->len == lines->scanned)
		return NULL;
	const char *unread = lines->bytes + lines->start;
	const char *end = memchr(unread + lines->scanned, '\n', lines->len - lines->scanned);

	/* A newline found stays unscanned, so the next call finds it again. */
	lines->scanned = end ? (size_t)(end - unread) : lines->len;
	return end;
}

enum lines_state lines_next(struct lines *lines, const char **ret, size_t *ret_len)
{
	const char *end = newline(lines);

	if (!end)
		return lines->len > lines->limit ? LINES_TOO_LONG : LINES_PARTIAL;
	const char *line = lines->bytes + lines->start;
	size_t len = (size_t)(end - line);

	if (len > lines->limit)
		return LINES_TOO_LONG;
	lines->start += len + 1;
	lines->len -= len + 1;
	lines->scanned = 0;
	*ret = line;
	*ret_len = len;
	return LINES_LINE;
}

bool lines_next_text(struct lines *lines, const char **ret, size_t *ret_len)
{
	while (lines_next(lines, ret, ret_len) == LINES_LINE) {
		if (*ret_len > 0 && (*ret)[*ret_len - 1] == '\r')
			--*ret_len;
		if (*ret_len > 0)
			return true;
	}
	return false;
}

bool lines_has_line(struct lines *lines)
{
	return newline(lines) != NULL;
}

bool lines_is_empty(const struct lines *lines)
{
	return lines->len == 0;
}

bool lines_overflow(const struct lines *lines)
{
	if (lines->len <= lines->limit)
		return false;
	const char *unread = lines->bytes + lines->start;
	const char *last = memrchr(unread, '\n', lines->len);

	return lines->len - (last ? (size_t)(last - unread) + 1 : 0) > lines->limit;
}
