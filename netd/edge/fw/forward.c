/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The policy of iptables' chain FORWARD, where iptables works on nf_tables. */
#include <errno.h>

#include "edge/fw/handle.h"

#define ATTEMPTS 64 /* a dump is cut short when somebody commits meanwhile */

static int take_chain(const struct nlmsghdr *nlh, void *userdata)
{
	enum fw_forward *found = userdata;
	struct fw_attrs attrs = fw_attrs_of(nlh);

	if (strcmp(fw_attr_text(fw_attrs_find(attrs, NFTA_CHAIN_TABLE)), "filter") != 0 ||
	    strcmp(fw_attr_text(fw_attrs_find(attrs, NFTA_CHAIN_NAME)), "FORWARD") != 0)
		return 0;
	*found = fw_attr_be32(fw_attrs_find(attrs, NFTA_CHAIN_POLICY), NF_DROP) == NF_ACCEPT
			 ? FW_FORWARD_ACCEPT
			 : FW_FORWARD_DROP;
	return 0;
}

int fw_forward_policy(struct fw *fw, enum ip_family family, enum fw_forward *ret,
		      struct fw_error *error)
{
	uint8_t nfproto = family == IP_V6 ? NFPROTO_IPV6 : NFPROTO_IPV4;
	enum fw_forward found = FW_FORWARD_NONE;
	int r = -EINTR;

	for (int i = 0; i < ATTEMPTS && r == -EINTR; i++) {
		char buffer[FW_QUESTION_BYTES];
		struct nlmsghdr *nlh = fw_question(buffer, NFT_MSG_GETCHAIN, NLM_F_DUMP, nfproto);
		found = FW_FORWARD_NONE;
		r = fw_ask(fw, nlh, take_chain, &found);
	}
	if (r < 0)
		return fw_fail(error, r, "reading iptables' chains: %s", strerror(-r));
	*ret = found;
	return 0;
}
