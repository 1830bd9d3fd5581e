/* SPDX-License-Identifier: GPL-2.0-or-later */
/* resolv.conf. */
#include "edge/host/host.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct host_resolvers resolvers;

	host_resolvers_parse((const char *)data, size, &resolvers);
	assert(resolvers.n <= HOST_RESOLVERS);
	for (size_t i = 0; i < resolvers.n; i++) {
		assert(ip_len(&resolvers.addrs[i]) > 0);
		for (size_t j = 0; j < i; j++)
			assert(ip_compare(&resolvers.addrs[i], &resolvers.addrs[j]) != 0);
	}
	return 0;
}
