/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The conditions that nft puts in front of a field by itself (`meta nfproto ipv4` before `ip saddr`
 * in family inet), followed along one rule. The evaluator needs none of this: to it a field that
 * the packet does not have just does not match. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "core/base/cleanup.h"
#include "core/ruleset/ruleset.h"

/* Known of the packet at this point of the rule. */
struct rs_protocol {
	enum rs_family family;
	uint16_t network;  /* an ethertype; 0: unknown */
	uint8_t transport; /* an IP protocol; 0: unknown */
};

enum rs_implied_kind {
	RS_IMPLIED_NFPROTO,    /* meta nfproto */
	RS_IMPLIED_PROTOCOL,   /* meta protocol */
	RS_IMPLIED_ETHER_TYPE, /* ether type */
	RS_IMPLIED_L4PROTO,    /* meta l4proto */
};

/* A condition == value; value in host order. */
struct rs_implied {
	enum rs_implied_kind kind;
	uint16_t value;
};

#define RS_IMPLIED_MAX 2

/* What @need adds in front, into @ret, and what is known after it. 0, or -EINVAL: nft would refuse
 * (ARP in family inet, IPv6 after IPv4, a port before any protocol). */
int rs_protocol_need(struct rs_protocol *known, enum rs_need need,
		     struct rs_implied ret[RS_IMPLIED_MAX], size_t *ret_n) MUST_CHECK;
/* What is known after the condition held. */
void rs_protocol_learn(struct rs_protocol *known, const struct rs_match *match);
