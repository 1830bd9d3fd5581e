/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "edge/docker/lines.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAP 4096u

void docker_lines_done(struct docker_lines *lines)
{
	free(lines->bytes);
	*lines = (struct docker_lines){ .limit = lines->limit };
}

/* What was read makes room first. */
static int make_room(struct docker_lines *lines, size_t more)
{
	if (lines->start > 0) {
		memmove(lines->bytes, lines->bytes + lines->start, lines->len - lines->start);
		lines->len -= lines->start;
		lines->scanned -= lines->start;
		lines->start = 0;
	}
	if (lines->cap - lines->len >= more)
		return 0;
	size_t cap = lines->cap ? lines->cap : FIRST_CAP;
	while (cap - lines->len < more) {
		if (cap > SIZE_MAX / 2)
			return -ENOMEM;
		cap *= 2;
	}
	char *bytes = realloc(lines->bytes, cap);
	if (!bytes)
		return -ENOMEM;
	lines->bytes = bytes;
	lines->cap = cap;
	return 0;
}

int docker_lines_feed(struct docker_lines *lines, const char *bytes, size_t n)
{
	if (n == 0)
		return 0;
	int r = make_room(lines, n);
	if (r < 0)
		return r;
	memcpy(lines->bytes + lines->len, bytes, n);
	lines->len += n;
	const char *last = memrchr(lines->bytes, '\n', lines->len);
	size_t tail = last ? (size_t)(lines->bytes + lines->len - last) - 1 : lines->len;
	return tail > lines->limit ? -EMSGSIZE : 0;
}

bool docker_lines_next(struct docker_lines *lines, const char **ret, size_t *ret_len)
{
	while (lines->scanned < lines->len) {
		const char *start = lines->bytes + lines->start;
		const char *end =
			memchr(lines->bytes + lines->scanned, '\n', lines->len - lines->scanned);
		if (!end) {
			lines->scanned = lines->len;
			break;
		}
		size_t len = (size_t)(end - start);
		lines->start = lines->scanned = (size_t)(end - lines->bytes) + 1;
		if (len > 0 && start[len - 1] == '\r')
			len--;
		if (len == 0)
			continue;
		*ret = start;
		*ret_len = len;
		return true;
	}
	return false;
}
