/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bytes of a stream to lines: partial and pipelined frames, with a cap on one line. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/base/cleanup.h"

struct frame_buffer {
	char *bytes;
	size_t start, len, cap; /* the unread part is bytes[start .. start + len) */
	size_t scanned;		/* of the unread part: known to hold no newline */
	size_t limit;		/* longest line */
};

void frame_init(struct frame_buffer *frame, size_t limit);
void frame_done(struct frame_buffer *frame);
/* Copies bytes in. 0; -ENOMEM; -EMSGSIZE: more than a whole line and a read ahead are waiting. */
int frame_add(struct frame_buffer *frame, const char *bytes, size_t len) MUST_CHECK;

enum frame_state { FRAME_PARTIAL, FRAME_LINE, FRAME_TOO_LONG };
/* FRAME_LINE: *ret (len *ret_len, no newline) is valid until the next frame_add() or frame_done(),
 * and is taken out. FRAME_TOO_LONG: the stream cannot go on. */
enum frame_state frame_next(struct frame_buffer *frame, const char **ret, size_t *ret_len);
bool frame_has_line(struct frame_buffer *frame);
bool frame_is_empty(const struct frame_buffer *frame);
