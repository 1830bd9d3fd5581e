/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Notifications of nf_tables: a message per object, then one per transaction that names the
 * process. Docker's commits are read and forgotten; only the name and family of each object are
 * looked at, and of rules whether they keep security marks. */
#include <stdio.h>

#include "edge/fw/decode.h"

/* Every object's message has its table's name as attribute 1, and most their own as 2 or 3. */
#define TABLE_ATTR 1

static const struct {
	const char *verb, *noun;
	uint16_t name; /* attribute; 0: the table's */
} kinds[] = {
	[NFT_MSG_NEWTABLE] = { "added", "table", 0 },
	[NFT_MSG_DELTABLE] = { "deleted", "table", 0 },
	[NFT_MSG_NEWCHAIN] = { "added", "chain", NFTA_CHAIN_NAME },
	[NFT_MSG_DELCHAIN] = { "deleted", "chain", NFTA_CHAIN_NAME },
	[NFT_MSG_NEWRULE] = { "added", "rule in chain", NFTA_RULE_CHAIN },
	[NFT_MSG_DELRULE] = { "deleted", "rule in chain", NFTA_RULE_CHAIN },
	[NFT_MSG_NEWSET] = { "added", "set", NFTA_SET_NAME },
	[NFT_MSG_DELSET] = { "deleted", "set", NFTA_SET_NAME },
	[NFT_MSG_NEWSETELEM] = { "added", "element in set", NFTA_SET_ELEM_LIST_SET },
	[NFT_MSG_DELSETELEM] = { "deleted", "element in set", NFTA_SET_ELEM_LIST_SET },
	[NFT_MSG_NEWOBJ] = { "added", "counter", NFTA_OBJ_NAME },
	[NFT_MSG_DELOBJ] = { "deleted", "counter", NFTA_OBJ_NAME },
};

static void note_object(struct fw_change *change, const struct nlmsghdr *nlh, uint8_t type)
{
	struct fw_attrs attrs = fw_attrs_of(nlh);
	enum rs_family family;

	if (!fw_family_find(fw_family_of(nlh), &family))
		return;
	if (strcmp(fw_attr_text(fw_attrs_find(attrs, TABLE_ATTR)), RS_TABLE_NAME) != 0)
		return;
	if (change->n++ > 0)
		return;
	const char *name =
		kinds[type].name ? fw_attr_text(fw_attrs_find(attrs, kinds[type].name)) : "";
	(void)snprintf(change->first, sizeof(change->first), "%s %s %s %s%s%s", kinds[type].verb,
		       kinds[type].noun, rs_family_name(family), RS_TABLE_NAME, *name ? " " : "",
		       name);
}

/* The end of a transaction: who made it. */
static bool end_transaction(struct fw_notices *notices, const struct nlmsghdr *nlh,
			    struct fw_change *ret)
{
	struct fw_attrs attrs = fw_attrs_of(nlh);
	struct fw_change change = notices->change;

	notices->change = (struct fw_change){ 0 };
	if (change.n == 0)
		return false;
	change.pid = fw_attr_be32(fw_attrs_find(attrs, NFTA_GEN_PROC_PID), 0);
	(void)snprintf(change.process, sizeof(change.process), "%s",
		       fw_attr_text(fw_attrs_find(attrs, NFTA_GEN_PROC_NAME)));
	*ret = change;
	return true;
}

bool fw_take_notice(struct fw_notices *notices, const struct nlmsghdr *nlh, struct fw_change *ret)
{
	uint8_t type = (uint8_t)nlh->nlmsg_type;

	if (nlh->nlmsg_type >> 8 != NFNL_SUBSYS_NFTABLES || nlh->nlmsg_pid == notices->own_port)
		return false;
	if (type == NFT_MSG_NEWGEN)
		return end_transaction(notices, nlh, ret);
	if (type == NFT_MSG_NEWRULE || type == NFT_MSG_DELRULE)
		notices->secmark |= fw_keeps_secmark(nlh);
	if (type < ARRAY_LEN(kinds) && kinds[type].verb)
		note_object(&notices->change, nlh, type);
	return false;
}
