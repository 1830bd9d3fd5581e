/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who else uses the security mark of connections. */
#include <errno.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <stdio.h>

#include "edge/fw/handle.h"

static bool is_own_table(const struct nlmsghdr *nlh)
{
	uint8_t family = fw_family_of(nlh);

	return (family == NFPROTO_INET || family == NFPROTO_BRIDGE) &&
	       strcmp(fw_attr_text(fw_attrs_find(fw_attrs_of(nlh), NFTA_RULE_TABLE)),
		      RS_TABLE_NAME) == 0;
}

/* `ct secmark set …`; -j CONNSECMARK, which both saves and restores. */
static bool is_use(const char *name, const struct nlattr *data)
{
	if (strcmp(name, "ct") == 0)
		return fw_attr_inner(data, NFTA_CT_SREG) &&
		       fw_attr_be32(fw_attr_inner(data, NFTA_CT_KEY), UINT32_MAX) == NFT_CT_SECMARK;
	return strcmp(name, "target") == 0 &&
	       strcmp(fw_attr_text(fw_attr_inner(data, NFTA_TARGET_NAME)), "CONNSECMARK") == 0;
}

bool fw_keeps_secmark(const struct nlmsghdr *nlh)
{
	const struct nlattr *list = fw_attrs_find(fw_attrs_of(nlh), NFTA_RULE_EXPRESSIONS), *elem;

	if (!list || is_own_table(nlh))
		return false;
	struct fw_attrs elems = fw_attrs_in(list);
	while ((elem = fw_attrs_next(&elems)))
		if (is_use(fw_attr_text(fw_attr_inner(elem, NFTA_EXPR_NAME)),
			   fw_attr_inner(elem, NFTA_EXPR_DATA)))
			return true;
	return false;
}

static const char *family_name(uint8_t family)
{
	static const char *const names[] = {
		[NFPROTO_INET] = "inet",     [NFPROTO_IPV4] = "ip",	  [NFPROTO_ARP] = "arp",
		[NFPROTO_NETDEV] = "netdev", [NFPROTO_BRIDGE] = "bridge", [NFPROTO_IPV6] = "ip6"
	};

	return family < ARRAY_LEN(names) && names[family] ? names[family] : "";
}

int fw_take_secmark_user(const struct nlmsghdr *nlh, void *userdata)
{
	struct fw_attrs attrs = fw_attrs_of(nlh);
	char *place = userdata;

	if (*place || !fw_keeps_secmark(nlh))
		return 0;
	(void)snprintf(place, FW_PLACE_LEN, "table %s %s, chain %s", family_name(fw_family_of(nlh)),
		       fw_attr_text(fw_attrs_find(attrs, NFTA_RULE_TABLE)),
		       fw_attr_text(fw_attrs_find(attrs, NFTA_RULE_CHAIN)));
	return 0;
}

int fw_secmark_user(struct fw *fw, char ret[FW_PLACE_LEN], struct fw_error *error)
{
	struct fw_dump dump = { fw_take_secmark_user, ret, ret, FW_PLACE_LEN };
	char buffer[FW_QUESTION_BYTES];
	int r = fw_dump(fw, fw_question(buffer, NFT_MSG_GETRULE, NLM_F_DUMP, NFPROTO_UNSPEC),
			&dump);

	return r < 0 ? fw_fail(error, r, "reading the rules of others: %s", strerror(-r)) : 0;
}
