/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the rules log: the packets are containers' own. */
#include <netinet/in.h>

#include "edge/nflog/nflog.h"
#include "tests/fuzz/fuzz_netlink.h"

static void check_packet(const struct nflog_packet *packet)
{
	assert(memchr(packet->prefix, '\0', sizeof(packet->prefix)));
	assert(packet->from.family == packet->to.family);
	assert(packet->bridged || ip_len(&packet->from) > 0);
	assert(!packet->has_port || packet->proto == IPPROTO_TCP || packet->proto == IPPROTO_UDP ||
	       packet->proto == IPPROTO_SCTP);
	assert(!packet->announces || packet->from.family != IP_NONE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_datagram datagram CLEANUP(fuzz_datagram_done) = fuzz_datagram(data, size);
	const struct nlmsghdr *nlh;

	while ((nlh = fuzz_next_message(&datagram))) {
		struct nflog_packet packet = { .proto = 0 };
		uint32_t number;
		int r = nflog_parse(nlh, &packet);
		(void)nflog_number(nlh, &number);
		assert(r == 0 || r == NFLOG_E_OTHER);
		if (r == 0)
			check_packet(&packet);
	}
	return 0;
}
