/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/flow/key.h"

#include <string.h>

/* ---- of a flow ---- */

static void set_end(struct flow_key *key, size_t end, const struct flow_end *from)
{
	key->kinds[end] = (uint8_t)from->kind;
	key->zones[end] = (uint8_t)from->zone;
	key->addrs[end].family = from->addr.family;
	if (from->kind == FLOW_CONTAINER)
		return;
	key->addrs[end] = from->addr;
	key->lens[end] = from->len;
}

struct flow_key flow_key_of(const struct flow *flow)
{
	struct flow_key key;

	memset(&key, 0, sizeof(key));
	/* The kernel tells a GRE call's key where others have a port, too. */
	if (proto_has_ports(proto_find(flow->proto)))
		key.port = flow->port;
	key.host_port = flow->host_port;
	key.ether_type = flow->ether_type;
	key.proto = flow->proto;
	key.verdict = (uint8_t)flow->verdict;
	key.reason = (uint8_t)flow->reason;
	key.folded = (uint8_t)flow->folded;
	set_end(&key, 0, &flow->from);
	set_end(&key, 1, &flow->to);
	return key;
}

/* ---- wider ones ---- */

bool flow_key_has_address(const struct flow_key *key, size_t end)
{
	return (key->kinds[end] == FLOW_OUTSIDE || key->kinds[end] == FLOW_NOBODY) &&
	       key->addrs[end].family;
}

bool flow_key_is_exact(const struct flow_key *key, size_t end)
{
	return key->lens[end] == 8 * ip_len(&key->addrs[end]);
}

void flow_key_widen_to_zone(struct flow_key *key, size_t end)
{
	memset(key->addrs[end].bytes, 0, sizeof(key->addrs[end].bytes));
	key->lens[end] = 0;
	key->folded |= end ? FLOW_FOLDED_TO : FLOW_FOLDED_FROM;
}

void flow_key_widen_to_prefix(struct flow_key *key, size_t end)
{
	size_t len = key->addrs[end].family == IP_V4 ? 3 : 8;

	memset(key->addrs[end].bytes + len, 0, sizeof(key->addrs[end].bytes) - len);
	key->lens[end] = (uint8_t)(8 * len);
	key->folded |= end ? FLOW_FOLDED_TO : FLOW_FOLDED_FROM;
}
