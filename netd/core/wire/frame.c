/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/wire/frame.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Room for what a read brings beyond the end of a line. */
#define READ_AHEAD ((size_t)65536)
/* A buffer that one long line made large is given back when it is empty. */
#define KEEP ((size_t)65536)

void frame_init(struct frame_buffer *frame, size_t limit)
{
	*frame = (struct frame_buffer){ .limit = limit };
}

void frame_done(struct frame_buffer *frame)
{
	free(frame->bytes);
	*frame = (struct frame_buffer){ .limit = frame->limit };
}

static int reserve(struct frame_buffer *frame, size_t more)
{
	size_t most = frame->limit + READ_AHEAD;

	if (more > most || frame->len > most - more)
		return -EMSGSIZE;
	if (frame->start) {
		memmove(frame->bytes, frame->bytes + frame->start, frame->len);
		frame->start = 0;
	}
	if (frame->cap - frame->len >= more)
		return 0;
	size_t cap = frame->cap ? frame->cap : 512;
	while (cap - frame->len < more)
		cap *= 2;
	char *bytes = realloc(frame->bytes, cap);
	if (!bytes)
		return -ENOMEM;
	frame->bytes = bytes;
	frame->cap = cap;
	return 0;
}

int frame_add(struct frame_buffer *frame, const char *bytes, size_t len)
{
	if (len == 0)
		return 0;
	if (frame->len == 0 && frame->cap > KEEP)
		frame_done(frame);
	int r = reserve(frame, len);
	if (r < 0)
		return r;
	memcpy(frame->bytes + frame->len, bytes, len);
	frame->len += len;
	return 0;
}

/* Searches each byte once, however many pieces a line comes in. NULL: no newline yet. */
static const char *newline(struct frame_buffer *frame)
{
	if (frame->len == frame->scanned)
		return NULL;
	const char *unread = frame->bytes + frame->start;
	const char *end = memchr(unread + frame->scanned, '\n', frame->len - frame->scanned);

	/* A newline found stays unscanned, so the next call finds it again. */
	frame->scanned = end ? (size_t)(end - unread) : frame->len;
	return end;
}

enum frame_state frame_next(struct frame_buffer *frame, const char **ret, size_t *ret_len)
{
	const char *end = newline(frame);

	if (!end)
		return frame->len > frame->limit ? FRAME_TOO_LONG : FRAME_PARTIAL;
	const char *line = frame->bytes + frame->start;
	size_t len = (size_t)(end - line);

	if (len > frame->limit)
		return FRAME_TOO_LONG;
	frame->start += len + 1;
	frame->len -= len + 1;
	frame->scanned = 0;
	*ret = line;
	*ret_len = len;
	return FRAME_LINE;
}

bool frame_has_line(struct frame_buffer *frame)
{
	return newline(frame) != NULL;
}

bool frame_is_empty(const struct frame_buffer *frame)
{
	return frame->len == 0;
}
