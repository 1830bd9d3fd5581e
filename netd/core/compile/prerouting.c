/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Table inet netd, prerouting: what is asked of every packet before connection tracking sees it. */
#include "core/compile/emit.h"

/* Before connection tracking and before Docker's DNAT (-100), which rewrites 127.0.0.1 before any
 * martian check could see it. */
#define PRIORITY_RAW (-300)
const struct ip_prefix *emit_loopback(enum ip_family family)
{
	static const struct ip_prefix loopback[] = { { { IP_V4, { 127 } }, 8 },
						     { { IP_V6, { [15] = 1 } }, 128 } };

	return &loopback[family == IP_V6];
}

/* From the bridge on the packet was looked at by bridge netd, port by port; that is the most, so it
 * goes first. An engine's bridge by its name, which no fact has named yet, was made while netd was
 * away or stood still: everything from it ends here, bridged frames too where br_netfilter shows
 * them. What comes over other bridges comes from elsewhere. */
static void emit_over_bridge(struct emit *e)
{
	const char *unknown = emit_end(e, REASON_UNKNOWN_BRIDGE);
	struct rs_chain *chain = emit_chain(e, CHAIN_OVER_BRIDGE, NULL);

	if (e->err)
		return;
	EMIT(e, chain, RS_ACCEPT, NULL, match_in(RS_META_IIFNAME, SET_BRIDGES));
	EMIT(e, chain, RS_GOTO, unknown, match_in(RS_META_IIFNAME, SET_ENGINE_NAMES),
	     match_not_in(RS_META_IIFNAME, SET_FOREIGN));
}

static void widen(struct ip_range *all, const struct ip_range *one)
{
	if (all->first.family == IP_NONE) {
		*all = *one;
		return;
	}
	if (ip_compare(&one->first, &all->first) < 0)
		all->first = one->first;
	if (ip_compare(&one->last, &all->last) > 0)
		all->last = one->last;
}

/* From the lowest to the highest address that can be in SET_ANY4 or SET_ANY6, networks as a whole,
 * so that a new container changes no rule. IP_NONE: there is none. */
static struct ip_range endpoints_span(const struct emit *e, enum ip_family family)
{
	struct ip_range all = { 0 };

	for (size_t i = 0; i < e->n_subnets; i++)
		if (e->subnets[i].range.first.family == family)
			widen(&all, &e->subnets[i].range);
	for (size_t i = 0; i < e->n_addrs; i++)
		if (e->addrs[i].addr.family == family)
			widen(&all, &(struct ip_range){ e->addrs[i].addr, e->addrs[i].addr });
	for (size_t i = 0; i < e->n_spoken; i++)
		if (e->spoken[i].single && e->spoken[i].range.first.family == family)
			widen(&all, &e->spoken[i].range);
	return all;
}

/* A container's address, and not over its bridge. Most packets of the outside have none that is
 * anywhere near: a comparison is a tenth of a lookup. */
static void emit_not_from_bridge(struct emit *e, struct rs_chain *chain, enum ip_family family)
{
	enum rs_field source = family == IP_V6 ? RS_IP6_SADDR : RS_IP_SADDR;
	struct ip_range span = endpoints_span(e, family);

	if (!e->err && span.first.family != IP_NONE)
		EMIT(e, chain, RS_GOTO, emit_end(e, REASON_NOT_FROM_BRIDGE),
		     match_range(source, &span), match_not_loopback(),
		     match_in(source, family == IP_V6 ? SET_ANY6 : SET_ANY4));
}

static void emit_loopback_elsewhere(struct emit *e, struct rs_chain *chain, enum ip_family family)
{
	const enum rs_field ends[] = { family == IP_V6 ? RS_IP6_DADDR : RS_IP_DADDR,
				       family == IP_V6 ? RS_IP6_SADDR : RS_IP_SADDR };

	for (size_t i = 0; i < ARRAY_LEN(ends) && !e->err; i++)
		EMIT(e, chain, RS_GOTO, emit_end(e, REASON_LOOPBACK),
		     match_prefix(ends[i], emit_loopback(family)), match_not_loopback());
}

/* Asked of every packet, so comparisons come before lookups: one that is forwarded from outside
 * meets no set here. What a port receives itself went past the bridge: frames for 01:80:c2:00:00:0e
 * (LLDP) meet none of its hooks. The kernel hands a port nothing else (br_handle_frame()), and
 * these are for a group, whatever is in them. */
void emit_prerouting(struct emit *e)
{
	enum { MULTICAST = 2 };
	struct rs_chain *chain = emit_base_chain(e, "prerouting", RS_HOOK_PREROUTING, PRIORITY_RAW,
						 "loopback addresses never come from outside; "
						 "container addresses only from bridges");

	if (e->err)
		return;
	EMIT(e, chain, RS_JUMP, CHAIN_OVER_BRIDGE, match_ifname(RS_META_IIFKIND, "bridge"));
	EMIT(e, chain, RS_GOTO, emit_end(e, REASON_PAST_BRIDGE),
	     match_number(RS_META_PKTTYPE, MULTICAST), match_in(RS_META_IIFNAME, SET_PORTS));
	emit_loopback_elsewhere(e, chain, IP_V4);
	emit_loopback_elsewhere(e, chain, IP_V6);
	if (e->any_shared) /* bridge netd has seen that it comes from its port */
		EMIT(e, chain, RS_ACCEPT, NULL, match_in(RS_META_IIFNAME, SET_SHARED));
	emit_not_from_bridge(e, chain, IP_V4);
	emit_not_from_bridge(e, chain, IP_V6);
	emit_over_bridge(e);
}
