/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A reviewer must see what netd sees. libyaml ends a line at a lone CR, NEL, LS and PS, editors do
 * not: a rule could hide behind a comment. Direction marks and control characters hide text too. */
#include "core/yaml/charset.h"

#include <stdbool.h>

static const struct {
	uint32_t first, last;
	const char *what;
	bool seen_in_prose; /* joins the parts of an emoji */
} refused[] = {
	{ 0x00, 0x00, "a NUL byte", false },
	{ 0x01, 0x08, "a control character", false },
	{ 0x0b, 0x0c, "a control character", false },
	{ 0x0d, 0x0d, "a carriage return inside a line", false },
	{ 0x0e, 0x1f, "a control character", false },
	{ 0x7f, 0x84, "a control character", false },
	{ 0x85, 0x85, "a line break that editors do not show", false },
	{ 0x86, 0x9f, "a control character", false },
	{ 0x200b, 0x200f, "an invisible character", true },
	{ 0x2028, 0x2029, "a line break that editors do not show", false },
	{ 0x202a, 0x202e, "a text direction mark", false },
	{ 0x2066, 0x2069, "a text direction mark", false },
	{ 0xd800, 0xdfff, "half a surrogate pair", false },
	{ 0xfeff, 0xfeff, "an invisible character", false },
	{ 0xfffe, 0xffff, "a character that does not exist", false },
};

/* Length of the UTF-8 sequence at @p, 0 when it is none; overlong forms are none. */
static size_t decode_utf8(const unsigned char *p, size_t left, uint32_t *ret)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n = *p < 0x80   ? 1
		   : *p < 0xc0 ? 0
		   : *p < 0xe0 ? 2
		   : *p < 0xf0 ? 3
		   : *p < 0xf8 ? 4
			       : 0;
	uint32_t code = n == 1 ? *p : *p & (0x7fu >> n);

	if (n == 0 || n > left)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (p[i] & 0x3fu);
	}
	if (code < smallest[n] || code > 0x10ffff)
		return 0;
	*ret = code;
	return n;
}

static const char *why_refused(uint32_t code, bool strict)
{
	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		if (code >= refused[i].first && code <= refused[i].last)
			return strict || !refused[i].seen_in_prose ? refused[i].what : NULL;
	return NULL;
}

int charset_check(const char *bytes, size_t len, bool strict, struct charset_fault *ret)
{
	const unsigned char *p = (const unsigned char *)bytes, *end = p + len;
	struct charset_fault fault = { .line = 1, .col = 1 };

	while (p < end) {
		size_t n = decode_utf8(p, (size_t)(end - p), &fault.code);
		bool plain = n == 1 && fault.code >= ' ' && fault.code < 0x7f;
		bool newline = n == 1 && fault.code == '\n';
		bool crlf = n == 1 && fault.code == '\r' && p + 1 < end && p[1] == '\n';

		if (n == 0)
			fault.code = *p;
		fault.what = n == 0	     ? "a byte that is not UTF-8"
			     : plain || crlf ? NULL
					     : why_refused(fault.code, strict);
		if (fault.what) {
			*ret = fault;
			return CHARSET_E_FAULT;
		}
		fault.line += newline;
		fault.col = newline ? 1 : fault.col + 1;
		p += n;
	}
	return 0;
}
