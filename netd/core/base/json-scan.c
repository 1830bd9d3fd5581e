/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/base/json-scan.h"

#include <endian.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "core/base/json-names.h"
#include "core/base/text.h"

/* Whether the escape at @s stands for a control character other than \t, \n and \r, or, where
 * those may be, for NUL. */
static bool is_bad_escape(const char *s, size_t left, bool controls)
{
	static const char *const allowed[] = { "0009", "000a", "000A", "000d", "000D" };

	if (left < 2)
		return false;
	if (s[1] == 'b' || s[1] == 'f')
		return !controls;
	if (s[1] != 'u' || left < 6)
		return false;
	if (controls)
		return memcmp(s + 2, "0000", 4) == 0;
	if (memcmp(s + 2, "007f", 4) == 0 || memcmp(s + 2, "007F", 4) == 0)
		return true;
	if (s[2] != '0' || s[3] != '0' || (s[4] != '0' && s[4] != '1'))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(allowed); i++) {
		if (memcmp(s + 2, allowed[i], 4) == 0)
			return false;
	}
	return true;
}

/* ---- letters ---- */

#define BYTES_OF(c) (UINT64_MAX / 0xff * (c))

/* The top bit of the first byte that is below @c (at most 0x80), and of none before it. */
static uint64_t mark_below(uint64_t word, uint8_t c)
{
	return (word - BYTES_OF(c)) & ~word & BYTES_OF(0x80u);
}

static uint64_t mark_equal(uint64_t word, uint8_t c)
{
	return mark_below(word ^ BYTES_OF((uint64_t)c), 1);
}

static bool is_plain(char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

/* Most of a text: how many letters of a string stand for themselves, eight at a time. */
static size_t plain_letters(const char *s, size_t left)
{
	size_t n = 0;

	for (uint64_t word; left - n >= sizeof(word); n += sizeof(word)) {
		memcpy(&word, s + n, sizeof(word));
		word = le64toh(word);
		uint64_t other = mark_below(word, 0x20) | mark_equal(word, '"') |
				 mark_equal(word, '\\') | mark_equal(word, 0x7f) |
				 (word & BYTES_OF(0x80u));
		if (other)
			return n + (size_t)__builtin_ctzll(other) / 8;
	}
	while (n < left && is_plain(s[n]))
		n++;
	return n;
}

/* Bytes to go on by, of what does not stand for itself, or 0 with *error set. */
static size_t scan_letter(const char *s, size_t left, bool controls, const char **error)
{
	if (*s == '\\') {
		if (is_bad_escape(s, left, controls))
			*error = "a string holds a control character";
		return *error ? 0 : 1u + (left > 1);
	}
	if ((unsigned char)*s < 0x20 || (*s == 0x7f && !controls)) {
		*error = "a string holds a control character";
		return 0;
	}
	size_t n = text_utf8_len(s, left);
	if (n == 0)
		*error = "the text is not UTF-8";
	return n;
}

/* From behind a quote to the one that ends the string, or to the end. */
static const char *scan_string(const char *bytes, size_t len, bool controls, size_t *at)
{
	const char *error = NULL;

	while (!error) {
		*at += plain_letters(bytes + *at, len - *at);
		if (*at == len || bytes[*at] == '"')
			break;
		*at += scan_letter(bytes + *at, len - *at, controls, &error);
	}
	return error;
}

/* ---- what is around them ---- */

struct scan {
	struct json_limits limits;
	size_t depth, items;
};

static const char *scan_structure(struct scan *scan, char c)
{
	if (c == ' ' || c == ':' || (c == '\n' && scan->limits.lines))
		return NULL;
	if ((unsigned char)c >= 0x7f || ((unsigned char)c < 0x20 && c != '\t' && c != '\r'))
		return "the text is not JSON";
	if (c == '{' || c == '[')
		scan->depth++;
	else if ((c == '}' || c == ']') && scan->depth > 0)
		scan->depth--;
	if (c == '{' || c == '[' || c == ',')
		scan->items++;
	if (scan->depth > scan->limits.depth)
		return "it is nested too deeply";
	if (scan->items > scan->limits.items)
		return "it has too many parts";
	return NULL;
}

const char *json_scan(const char *bytes, size_t len, struct json_limits limits, size_t *ret_offset)
{
	struct scan scan = { .limits = limits };
	const char *error = NULL;

	for (size_t i = 0; i < len && !error; i++) {
		if (bytes[i] == '"') {
			i++;
			error = scan_string(bytes, len, limits.controls, &i);
		} else {
			error = scan_structure(&scan, bytes[i]);
		}
		*ret_offset = i;
	}
	return error;
}

/* ---- elements of a list, members of an object ---- */

static size_t skip_blanks(const char *bytes, size_t len, size_t at)
{
	while (at < len && bytes[at] && strchr(" \t\r\n", bytes[at]))
		at++;
	return at;
}

/* Behind the string that begins at @at: the first quote without an odd number of backslashes. */
static size_t skip_string(const char *bytes, size_t len, size_t at)
{
	const char *begin = bytes + at + 1, *end = bytes + len, *quote = begin;

	while (quote < end && (quote = memchr(quote, '"', (size_t)(end - quote)))) {
		size_t n = 0;
		while (quote - n > begin && quote[-1 - (ptrdiff_t)n] == '\\')
			n++;
		quote++;
		if (n % 2 == 0)
			return (size_t)(quote - bytes);
	}
	return len;
}

/* The comma or @closing bracket that ends the value at @at; len: there is none. */
static size_t skip_value(const char *bytes, size_t len, size_t at, char closing)
{
	static const bool counts[UCHAR_MAX + 1] = {
		['"'] = true, ['['] = true, [']'] = true, ['{'] = true, ['}'] = true, [','] = true
	};
	size_t depth = 0;

	for (; at < len; at++) {
		char c = bytes[at];
		while (c == '"' && (at = skip_string(bytes, len, at)) < len)
			c = bytes[at];
		if (!counts[(unsigned char)c])
			continue;
		if (depth == 0 && (c == ',' || c == closing))
			return at;
		if (c == '[' || c == '{')
			depth++;
		else if (c != ',' && depth > 0)
			depth--;
	}
	return len;
}

static enum json_step end_of_list(const struct json_elements *e, size_t at)
{
	return skip_blanks(e->bytes, e->len, at) == e->len ? JSON_END : JSON_BROKEN;
}

enum json_step json_next_element(struct json_elements *e, const char **ret, size_t *ret_len)
{
	bool first = e->at == 0;
	size_t at = first ? skip_blanks(e->bytes, e->len, 0) : e->at;

	if (at >= e->len || (first && e->bytes[at] != '['))
		return JSON_BROKEN;
	if (!first && e->bytes[at] == ']')
		return end_of_list(e, at + 1);
	at = skip_blanks(e->bytes, e->len, at + 1); /* over the bracket or a comma */
	if (first && at < e->len && e->bytes[at] == ']')
		return end_of_list(e, at + 1);
	e->at = skip_value(e->bytes, e->len, at, ']');
	if (e->at >= e->len)
		return JSON_BROKEN;
	*ret = e->bytes + at;
	*ret_len = e->at - at;
	return JSON_ELEMENT;
}

bool json_open_object(struct json_cursor *c)
{
	size_t at = skip_blanks(c->bytes, c->len, c->at);

	if (at >= c->len || c->bytes[at] != '{')
		return false;
	c->at = at + 1;
	return c->is_opened = true;
}

static bool is_at(const struct json_cursor *c, size_t at, char wanted)
{
	return at < c->len && c->bytes[at] == wanted;
}

enum json_step json_next_key(struct json_cursor *c, struct json_span *ret)
{
	bool first = c->is_opened;
	size_t at = skip_blanks(c->bytes, c->len, c->at);

	c->is_opened = false;
	if (is_at(c, at, '}')) {
		c->at = at + 1;
		return JSON_END;
	}
	if (!first && !is_at(c, at, ','))
		return JSON_BROKEN;
	if (!first)
		at = skip_blanks(c->bytes, c->len, at + 1);
	if (!is_at(c, at, '"'))
		return JSON_BROKEN;
	size_t end = skip_string(c->bytes, c->len, at);
	size_t colon = skip_blanks(c->bytes, c->len, end);
	if (!is_at(c, colon, ':'))
		return JSON_BROKEN;
	c->at = skip_blanks(c->bytes, c->len, colon + 1);
	*ret = (struct json_span){ c->bytes + at + 1, end - at - 2 };
	return JSON_ELEMENT;
}

bool json_take_value(struct json_cursor *c, struct json_span *ret)
{
	size_t end = skip_value(c->bytes, c->len, c->at, '}');

	if (end >= c->len)
		return false;
	*ret = (struct json_span){ c->bytes + c->at, end - c->at };
	c->at = end;
	return true;
}

bool json_pass_member(struct json_cursor *c, struct json_span member)
{
	size_t at = c->is_opened ? c->at : c->at + 1;
	bool follows = c->is_opened || is_at(c, c->at, ',');

	if (!follows || at >= c->len || member.len >= c->len - at ||
	    memcmp(c->bytes + at, member.bytes, member.len) != 0)
		return false;
	at += member.len;
	if (c->bytes[at] != ',' && c->bytes[at] != '}')
		return false;
	c->at = at;
	c->is_opened = false;
	return true;
}

bool json_is_blank(const struct json_cursor *c)
{
	return skip_blanks(c->bytes, c->len, c->at) >= c->len;
}

bool json_find_value(struct json_span object, const char *key, struct json_span *ret)
{
	struct json_cursor cursor = { .bytes = object.bytes, .len = object.len };
	struct json_span name;

	if (!json_open_object(&cursor))
		return false;
	while (json_next_key(&cursor, &name) == JSON_ELEMENT && json_take_value(&cursor, ret))
		if (json_key_is(name.bytes, name.len, key))
			return true;
	return false;
}
