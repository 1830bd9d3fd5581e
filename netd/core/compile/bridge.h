/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside core/compile: what the files of table bridge netd share. */
#pragma once

#include "core/compile/emit.h"

#define SET_CLOSED "closed_ports"
#define SET_GUARD4 COMPILE_GUARD4
#define SET_GUARD6 COMPILE_GUARD6
#define SET_GUARD_ND "guard_nd"
#define SET_MACS "any_mac"
#define SET_PORT_MAC "port_mac"
#define SET_ROUTED_ICMPV6 "routed_icmpv6"
#define MAP_WITHIN "within_tier"

#define BRIDGE_PRIORITY_FIRST (-300)

enum {
	ETHERTYPE_IP = 0x0800,
	ETHERTYPE_ARP = 0x0806,
	ETHERTYPE_IP6 = 0x86dd,
	ETHERTYPE_VLAN = 0x8100,
	ETHERTYPE_SVLAN = 0x88a8
};
enum {
	MLD_QUERY = 130,
	ND_ROUTER_ADVERT = 134,
	ND_SOLICIT = 135,
	ND_ADVERT = 136,
	ND_REDIRECT = 137
};

static inline struct rs_match ether_type(uint32_t type)
{
	return match_number(RS_ETHER_TYPE, type);
}

static inline struct rs_match is_icmpv6(void)
{
	return match_number(RS_META_L4PROTO, proto_number(PROTO_ICMPV6));
}

/* Why a closed port is closed: a set for each of these reasons, and not admitted yet otherwise.
 * Sets, since a map's new goto makes the kernel look at the whole table again. */
struct closed_reason {
	enum reason reason;
	const char *ports;
};
const struct closed_reason *emit_closed_reasons(void);
/* Ends what comes from, or goes to, a port that is closed: @field is its name there. */
void emit_closed_ports(struct emit *e, struct rs_chain *chain, enum rs_field field);

void emit_bridge_sets(struct emit *e);	   /* bridge-sets.c */
void emit_bridge_identity(struct emit *e); /* bridge-guard.c: prerouting */
void emit_bridge_between(struct emit *e);  /* bridge-between.c: the other hooks */
