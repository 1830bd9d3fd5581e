/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Scripts of nft in a host's /etc. */
#include "core/conf/script.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct script script;

	script_read((const char *)data, size, &script);
	assert(script.n_includes <= SCRIPT_INCLUDES);
	for (size_t i = 0; i < script.n_includes; i++) {
		assert(memchr(script.includes[i], '\0', SCRIPT_PATH_LEN));
		assert(*script.includes[i] && !strchr(script.includes[i], '"'));
	}
	/* Whoever names netd has its name in the text. */
	assert(!script.names_netd || memmem(data, size, "netd", 4));
	return 0;
}
