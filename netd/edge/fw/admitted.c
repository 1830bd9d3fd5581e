/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which ports were admitted, and with which MAC: read from the guard in the kernel itself, so that
 * a restarted daemon goes on with whom the last one knew. */
#include <errno.h>
#include <stdlib.h>

#include "edge/fw/handle.h"

/* An element's key: port (16 bytes) . MAC (6, padded to 8) . address. */
static int take_admitted_port(const struct nlattr *element, struct fw_reading *reading)
{
	const struct nlattr *key = fw_attr_inner(element, NFTA_SET_ELEM_KEY);
	const struct nlattr *value = fw_attr_inner(key, NFTA_DATA_VALUE);
	struct fw_admitted *admitted = reading->ret;
	struct world_port port = { 0 };
	const char *bytes;

	if (!value || fw_attr_len(value) < sizeof(port.ifname) + sizeof(port.peer_mac))
		return 0;
	bytes = fw_attr_bytes(value);
	memcpy(port.ifname, bytes, sizeof(port.ifname) - 1);
	memcpy(port.peer_mac.bytes, bytes + sizeof(port.ifname), sizeof(port.peer_mac));
	return VEC_PUSH(reading->arena, &admitted->ports, port);
}

int fw_take_admitted(const struct nlmsghdr *nlh, void *userdata)
{
	const struct nlattr *list = fw_attrs_find(fw_attrs_of(nlh), NFTA_SET_ELEM_LIST_ELEMENTS);
	const struct nlattr *element;
	int r = 0;

	if (!list)
		return 0;
	struct fw_attrs elements = fw_attrs_in(list);
	while (r == 0 && (element = fw_attrs_next(&elements)))
		r = take_admitted_port(element, userdata);
	return r;
}

int fw_read_admitted(struct fw *fw, const char *set, struct arena *arena, struct fw_admitted *ret,
		     struct fw_error *error)
{
	struct fw_admitted admitted;
	struct fw_reading reading = { arena, &admitted };
	struct fw_dump dump = { fw_take_admitted, &reading, &admitted, sizeof(admitted) };
	char buffer[FW_QUESTION_BYTES];
	struct nlmsghdr *nlh = fw_question(buffer, NFT_MSG_GETSETELEM, NLM_F_DUMP, NFPROTO_BRIDGE);

	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_TABLE, RS_TABLE_NAME);
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_SET, set);
	int r = fw_dump(fw, nlh, &dump);
	if (r == -ENOENT)
		r = 0; /* no such table or set: nobody was admitted */
	if (r < 0)
		return fw_fail(error, r, "reading the admitted ports: %s", strerror(-r));
	*ret = admitted;
	return 0;
}
