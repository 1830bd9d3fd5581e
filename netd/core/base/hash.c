/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/base/hash.h"

#include <inttypes.h>
#include <stdio.h>

uint32_t hash_text(const char *text)
{
	uint32_t hash = UINT32_C(0x811c9dc5);

	for (const unsigned char *byte = (const unsigned char *)text; *byte; byte++)
		hash = (hash ^ *byte) * UINT32_C(0x01000193);
	return hash;
}

uint64_t hash_add(uint64_t hash, const void *bytes, size_t len)
{
	for (const uint8_t *byte = bytes; len > 0; byte++, len--)
		hash = (hash ^ *byte) * UINT64_C(0x100000001b3);
	return hash;
}

const char *hash_format(uint64_t hash, char ret[HASH_TEXT_LEN])
{
	(void)snprintf(ret, HASH_TEXT_LEN, "%016" PRIx64, hash);
	return ret;
}
