/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/base/base64.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Up to three bytes as four characters. */
static void add_group(struct text *out, const uint8_t *bytes, size_t len)
{
	uint32_t bits = (uint32_t)bytes[0] << 16;
	char group[4];

	if (len > 1)
		bits |= (uint32_t)bytes[1] << 8;
	if (len > 2)
		bits |= bytes[2];
	for (size_t i = 0; i < sizeof(group); i++)
		group[i] = i <= len ? alphabet[bits >> (18 - 6 * i) & 63u] : '=';
	text_add_n(out, group, sizeof(group));
}

void base64_add(struct text *out, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;

	for (size_t i = 0; i < len; i += 3)
		add_group(out, at + i, len - i < 3 ? len - i : 3);
}

/* The six bits of a character, or -1. */
static int value_of(char c)
{
	const char *at = c ? strchr(alphabet, c) : NULL;

	return at ? (int)(at - alphabet) : -1;
}

/* Four characters, of which the last @n_pad are padding, as 3 - @n_pad bytes. Bits that stand for
 * nothing are zero, so each text has one form. 0 or -EINVAL. */
static int decode_group(const char *group, size_t n_pad, char *ret)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < 4; i++) {
		int value = i < 4 - n_pad ? value_of(group[i]) : 0;
		if (value < 0)
			return -EINVAL;
		bits = bits << 6 | (uint32_t)value;
	}
	if (n_pad > 0 && (bits & ((1u << (8 * n_pad)) - 1)) != 0)
		return -EINVAL;
	for (size_t i = 0; i < 3 - n_pad; i++)
		ret[i] = (char)(bits >> (16 - 8 * i) & 0xff);
	return 0;
}

int base64_decode(const char *text, struct arena *arena, char **ret, size_t *ret_len)
{
	size_t len = strlen(text), n_pad = 0;

	if (len % 4 != 0)
		return -EINVAL;
	while (n_pad < 2 && n_pad < len && text[len - 1 - n_pad] == '=')
		n_pad++;
	char *bytes = arena_alloc(arena, len / 4 * 3 + 1);
	if (!bytes)
		return -ENOMEM;
	for (size_t i = 0; i < len; i += 4)
		if (decode_group(text + i, i + 4 == len ? n_pad : 0, bytes + i / 4 * 3) < 0)
			return -EINVAL;
	*ret = bytes;
	*ret_len = len / 4 * 3 - n_pad;
	bytes[*ret_len] = '\0';
	return 0;
}
