/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What others have in nf_tables that matters to netd's answers: the policy of iptables' chain
 * FORWARD, and whether Docker filters IPv6. */
#include <errno.h>

#include "core/base/text.h"
#include "edge/fw/handle.h"

int fw_take_forward(const struct nlmsghdr *nlh, void *userdata)
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

/* All chains of one family. */
static int ask_chains(struct fw *fw, uint8_t nfproto, fw_answer_fn *take, void *found, size_t len)
{
	struct fw_dump dump = { take, found, found, len };
	char buffer[FW_QUESTION_BYTES];

	return fw_dump(fw, fw_question(buffer, NFT_MSG_GETCHAIN, NLM_F_DUMP, nfproto), &dump);
}

int fw_forward_policy(struct fw *fw, enum ip_family family, enum fw_forward *ret,
		      struct fw_error *error)
{
	uint8_t nfproto = family == IP_V6 ? NFPROTO_IPV6 : NFPROTO_IPV4;
	enum fw_forward found = FW_FORWARD_NONE; /* zero */
	int r = ask_chains(fw, nfproto, fw_take_forward, &found, sizeof(found));

	if (r < 0)
		return fw_fail(error, r, "reading iptables' chains: %s", strerror(-r));
	*ret = found;
	return 0;
}

int fw_take_docker_chain(const struct nlmsghdr *nlh, void *userdata)
{
	bool *found = userdata;
	struct fw_attrs attrs = fw_attrs_of(nlh);
	const char *table = fw_attr_text(fw_attrs_find(attrs, NFTA_CHAIN_TABLE));
	const char *chain = fw_attr_text(fw_attrs_find(attrs, NFTA_CHAIN_NAME));

	*found |= strcmp(table, "docker-bridges") == 0 ||
		  (strcmp(table, "filter") == 0 && text_begins(chain, "DOCKER"));
	return 0;
}

int fw_docker_ip6(struct fw *fw, bool *ret, struct fw_error *error)
{
	bool found = false;
	int r = ask_chains(fw, NFPROTO_IPV6, fw_take_docker_chain, &found, sizeof(found));

	if (r < 0)
		return fw_fail(error, r, "reading Docker's IPv6 chains: %s", strerror(-r));
	*ret = found;
	return 0;
}
