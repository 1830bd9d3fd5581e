/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What makes a flow distinct in the store, and how a key loses what tells it from others. Private to
 * core/flow. */
#pragma once

#include "core/flow/flow.h"

/* Without gaps, so that bytes compare. A container's address is that of its end, its family alone is
 * here. */
struct flow_key {
	uint32_t from, to, place; /* ends, 0: no container's; text */
	uint16_t port, host_port, ether_type;
	uint8_t proto, verdict, reason, folded;
	uint8_t kinds[2], zones[2], lens[2], unused[2];
	struct ip_addr addrs[2];
};

_Static_assert(sizeof(struct flow_key) == 64, "a gap in what is compared");

/* But for its references (from, to, place), which are 0. */
struct flow_key flow_key_of(const struct flow *flow);
/* That end has an address of somebody who is no container and not this host. */
bool flow_key_has_address(const struct flow_key *key, size_t end);
/* It is one address, not a prefix of them. */
bool flow_key_is_exact(const struct flow_key *key, size_t end);
/* The address goes, its zone stays. */
void flow_key_widen_to_zone(struct flow_key *key, size_t end);
/* To the /24 or /64 that it is in. */
void flow_key_widen_to_prefix(struct flow_key *key, size_t end);
