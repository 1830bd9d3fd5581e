/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel tells of new connections. */
#include "edge/conntrack/conntrack.h"
#include "tests/fuzz/fuzz_netlink.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_datagram datagram CLEANUP(fuzz_datagram_done) = fuzz_datagram(data, size);
	const struct nlmsghdr *nlh;

	while ((nlh = fuzz_next_message(&datagram))) {
		struct conntrack_connection connection = { 0 };
		int r = conntrack_parse(nlh, &connection);
		assert(r == 0 || r == CONNTRACK_E_OTHER);
		if (r == 0)
			assert(ip_len(&connection.original.source) > 0 &&
			       ip_len(&connection.reply.source) > 0);
	}
	return 0;
}
