/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "edge/pack/pack.h"

#include <errno.h>
#include <stdlib.h>
#include <zlib.h>

int pack_bytes(const char *bytes, size_t len, char **ret, size_t *ret_len)
{
	uLongf size = compressBound((uLong)len);
	CLEANUP(free_ptr) char *packed = malloc(size);

	if (!packed || compress2((Bytef *)packed, &size, (const Bytef *)bytes, (uLong)len,
				 Z_BEST_COMPRESSION) != Z_OK)
		return -ENOMEM;
	*ret = TAKE_PTR(packed);
	*ret_len = size;
	return 0;
}

int pack_undo(const char *bytes, size_t len, size_t size, char **ret)
{
	CLEANUP(free_ptr) char *plain = malloc(size + 1);
	uLongf got = (uLongf)size;
	uLong taken = (uLong)len;

	if (!plain)
		return -ENOMEM;
	/* Of nothing zlib would make nothing without a look. */
	int r = size > 0 ? uncompress2((Bytef *)plain, &got, (const Bytef *)bytes, &taken)
			 : Z_DATA_ERROR;
	if (r == Z_MEM_ERROR)
		return -ENOMEM;
	if (r != Z_OK || got != size || taken != len)
		return -EINVAL;
	plain[size] = '\0';
	*ret = TAKE_PTR(plain);
	return 0;
}
