/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/base/json-scan.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

size_t json_utf8_len(const unsigned char *s, size_t left)
{
	static const struct {
		unsigned char lo, hi, len, second_lo, second_hi;
	} forms[] = {
		{ 0x00, 0x7f, 1, 0x00, 0x00 }, { 0xc2, 0xdf, 2, 0x80, 0xbf },
		{ 0xe0, 0xe0, 3, 0xa0, 0xbf }, { 0xe1, 0xec, 3, 0x80, 0xbf },
		{ 0xed, 0xed, 3, 0x80, 0x9f }, { 0xee, 0xef, 3, 0x80, 0xbf },
		{ 0xf0, 0xf0, 4, 0x90, 0xbf }, { 0xf1, 0xf3, 4, 0x80, 0xbf },
		{ 0xf4, 0xf4, 4, 0x80, 0x8f },
	};
	size_t f = 0;

	while (f < ARRAY_LEN(forms) && (s[0] < forms[f].lo || s[0] > forms[f].hi))
		f++;
	if (f == ARRAY_LEN(forms) || forms[f].len > left)
		return 0;
	if (forms[f].len > 1 && (s[1] < forms[f].second_lo || s[1] > forms[f].second_hi))
		return 0;
	for (size_t i = 2; i < forms[f].len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	}
	return forms[f].len;
}

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

struct scan {
	struct json_limits limits;
	size_t depth, items;
	bool in_string;
};

/* Bytes to go on by, or 0 with *error set. */
static size_t scan_string(struct scan *scan, const char *s, size_t left, const char **error)
{
	if (*s == '"') {
		scan->in_string = false;
		return 1;
	}
	if (*s == '\\') {
		if (is_bad_escape(s, left, scan->limits.controls))
			*error = "a string holds a control character";
		return *error ? 0 : 1u + (left > 1);
	}
	if ((unsigned char)*s < 0x20 || (*s == 0x7f && !scan->limits.controls)) {
		*error = "a string holds a control character";
		return 0;
	}
	size_t n = json_utf8_len((const unsigned char *)s, left);
	if (n == 0)
		*error = "the text is not UTF-8";
	return n;
}

static const char *scan_structure(struct scan *scan, char c)
{
	if (c == '"')
		scan->in_string = true;
	else if (c == '\n' && scan->limits.lines)
		return NULL;
	else if ((unsigned char)c >= 0x7f || ((unsigned char)c < 0x20 && c != '\t' && c != '\r'))
		return "the text is not JSON";
	else if (c == '{' || c == '[')
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

/* Most of a text: letters of a string that stand for themselves. */
static bool is_plain_character(char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

const char *json_scan(const char *bytes, size_t len, struct json_limits limits, size_t *ret_offset)
{
	struct scan scan = { .limits = limits };
	const char *error = NULL;
	size_t i = 0;

	while (i < len && !error) {
		while (scan.in_string && i < len && is_plain_character(bytes[i]))
			i++;
		*ret_offset = i;
		if (i == len)
			break;
		if (scan.in_string) {
			i += scan_string(&scan, bytes + i, len - i, &error);
			continue;
		}
		error = scan_structure(&scan, bytes[i]);
		i++;
	}
	return error;
}

/* ---- elements of a list ---- */

static size_t skip_blanks(const struct json_elements *e, size_t at)
{
	while (at < e->len && e->bytes[at] && strchr(" \t\r\n", e->bytes[at]))
		at++;
	return at;
}

/* Behind the string that begins at @at. */
static size_t skip_string(const struct json_elements *e, size_t at)
{
	for (at++; at < e->len && e->bytes[at] != '"'; at++)
		at += e->bytes[at] == '\\';
	return at + 1;
}

/* The comma or bracket that ends the value at @at; e->len: there is none. */
static size_t skip_value(const struct json_elements *e, size_t at)
{
	size_t depth = 0;

	while (at < e->len) {
		char c = e->bytes[at];
		if (depth == 0 && (c == ',' || c == ']'))
			return at;
		if (c == '"') {
			at = skip_string(e, at);
			continue;
		}
		if (c == '[' || c == '{')
			depth++;
		else if ((c == ']' || c == '}') && depth > 0)
			depth--;
		at++;
	}
	return e->len;
}

static enum json_step end_of_list(const struct json_elements *e, size_t at)
{
	return skip_blanks(e, at) == e->len ? JSON_END : JSON_BROKEN;
}

enum json_step json_next_element(struct json_elements *e, const char **ret, size_t *ret_len)
{
	bool first = e->at == 0;
	size_t at = first ? skip_blanks(e, 0) : e->at;

	if (at >= e->len || (first && e->bytes[at] != '['))
		return JSON_BROKEN;
	if (!first && e->bytes[at] == ']')
		return end_of_list(e, at + 1);
	at = skip_blanks(e, at + 1); /* over the bracket or a comma */
	if (first && at < e->len && e->bytes[at] == ']')
		return end_of_list(e, at + 1);
	e->at = skip_value(e, at);
	if (e->at >= e->len)
		return JSON_BROKEN;
	*ret = e->bytes + at;
	*ret_len = e->at - at;
	return JSON_ELEMENT;
}
