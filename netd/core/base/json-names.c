/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/base/json-names.h"

#include <stdlib.h>
#include <string.h>

/* ---- names ---- */

struct json_names *json_names_new(const char *const *names, size_t n, size_t budget)
{
	struct json_names *copy;
	size_t size = sizeof(*copy) + n * sizeof(*names), at = size;

	for (size_t i = 0; i < n; i++)
		size += strlen(names[i]) + 1;
	copy = calloc(1, size);
	if (!copy)
		return NULL;
	copy->n_users = 1;
	copy->budget = budget;
	copy->n = n;
	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(names[i]) + 1;
		memcpy((char *)copy + at, names[i], len);
		copy->names[i] = (char *)copy + at;
		at += len;
	}
	return copy;
}

struct json_names *json_names_ref(struct json_names *names)
{
	if (names)
		names->n_users++;
	return names;
}

struct json_names *json_names_unref(struct json_names *names)
{
	if (names && --names->n_users == 0)
		free(names);
	return NULL;
}

/* ---- keys ---- */

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdefABCDEF";
	const char *at = c ? strchr(digits, c) : NULL;

	return !at ? -1 : at - digits < 16 ? (int)(at - digits) : (int)(at - digits) - 6;
}

/* The letter of \uXXXX at @at, as UTF-8; those beyond U+FFFF and NUL are in no name that is asked
 * for. */
static size_t unescape(const char *at, size_t left, char ret[3])
{
	unsigned int code = 0;

	for (size_t i = 2; i < 6; i++) {
		int digit = i < left ? hex_digit(at[i]) : -1;
		if (digit < 0)
			return 0;
		code = code << 4 | (unsigned int)digit;
	}
	if (code == 0 || (code >= 0xd800 && code < 0xe000))
		return 0;
	if (code < 0x80) {
		ret[0] = (char)code;
		return 1;
	}
	if (code < 0x800) {
		ret[0] = (char)(0xc0 | code >> 6);
		ret[1] = (char)(0x80 | (code & 0x3f));
		return 2;
	}
	ret[0] = (char)(0xe0 | code >> 12);
	ret[1] = (char)(0x80 | (code >> 6 & 0x3f));
	ret[2] = (char)(0x80 | (code & 0x3f));
	return 3;
}

/* One letter of a key as written, from @at on: its bytes to *ret, how many it took to *ret_n. The
 * length, 0: it is none that a name has. */
static size_t next_letter(const char *at, size_t left, char ret[3], size_t *ret_n)
{
	static const char escapes[] = "\"\"\\\\//b\bf\fn\nr\rt\t";

	*ret_n = 1;
	ret[0] = *at;
	if (*at != '\\')
		return *at != '\0'; /* behind which a name has nothing to compare */
	*ret_n = 2;
	for (const char *e = escapes; left > 1 && *e; e += 2)
		if (at[1] == e[0]) {
			ret[0] = e[1];
			return 1;
		}
	*ret_n = 6;
	return left > 1 && at[1] == 'u' ? unescape(at, left, ret) : 0;
}

bool json_key_is(const char *key, size_t left, const char *name)
{
	size_t n = 0;
	char letter[3];

	if (!memchr(key, '\\', left)) /* most */
		return strlen(name) == left && memcmp(key, name, left) == 0;
	while (left > 0) {
		size_t len = next_letter(key, left, letter, &n);
		if (len == 0 || strncmp(name, letter, len) != 0)
			return false;
		name += len;
		key += n;
		left -= n;
	}
	return *name == '\0';
}
