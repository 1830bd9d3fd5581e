/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A text buffer that grows. Its owner is whoever declares it: a zeroed struct text is empty, and
 * text_done() frees it. An append that runs out of memory sticks: the buffer takes nothing more,
 * and one look at text_failed() at the end stands for a check after every append. Bytes are taken
 * as they are; what knows a character set knows UTF-8.
 *
 * Beside it, functions on plain texts that the whole tree shares. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "core/base/cleanup.h"

struct text {
	char *bytes; /* NUL-terminated once anything was added, else NULL */
	size_t len, cap;
	bool failed;
};

void text_done(struct text *text); /* frees; for CLEANUP() too */
void text_add(struct text *text, const char *string);
/* Room for so many bytes and the NUL. False: memory ran out, now or before. */
bool text_reserve(struct text *text, size_t more) MUST_CHECK;
static inline void text_add_n(struct text *text, const char *bytes, size_t len)
{
	bool has_room = !text->failed && text->cap - text->len > len; /* mostly */

	if (!has_room && !text_reserve(text, len))
		return;
	if (len)
		memcpy(text->bytes + text->len, bytes, len);
	text->len += len;
	text->bytes[text->len] = '\0';
}
void text_printf(struct text *text, const char *format, ...) PRINTF_LIKE(2, 3);
/* "" instead of NULL when empty. */
const char *text_str(const struct text *text);
bool text_failed(const struct text *text);
/* What was added, for the caller to free; NULL: memory ran out. The buffer is empty after it. */
char *text_take(struct text *text) MUST_CHECK;
/* How many bytes the control character takes that @bytes begins with; 0: it is none. C1 (U+0080 to
 * U+009F) counts: a terminal obeys those too. So does what has no width or turns the direction of
 * writing: with it one name looks like another. @left: bytes there are. */
size_t text_control_len(const char *bytes, size_t left);
/* Length of the UTF-8 sequence that @bytes begins with; 0: there is none. RFC 3629: no overlong
 * forms, no surrogates. */
size_t text_utf8_len(const char *bytes, size_t left);
bool text_equal(const char *a, const char *b); /* NULL equals NULL only */
/* UTF-8 without a control character: it can be shown, and stands in JSON as it is. */
bool text_is_printable(const char *text);
void text_clean(char *text); /* all else to '?', in place */
/* Whether @text begins with @prefix; what stands behind it, or NULL. */
bool text_begins(const char *text, const char *prefix);
const char *text_after(const char *text, const char *prefix);
/* A word from outside fit for a message: short, on one line, nothing that a terminal obeys. */
#define TEXT_QUOTE_LEN 64
const char *text_quote(const char *word, char ret[TEXT_QUOTE_LEN]);
/* The smallest number of single edits that turns a into b, at most limit + 1: for "did you mean".
 */
unsigned int text_distance(const char *a, const char *b, unsigned int limit);
/* @glob: * is any run of characters, ? any one; everything else is itself. Bounded: no worse than
 * length times length. */
bool text_glob(const char *glob, const char *word);
