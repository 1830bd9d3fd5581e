/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The chain that finds who judges a connection: by destination, by source, or nobody. */
#include "core/compile/emit.h"

enum { ND_SOLICIT = 135, ND_ADVERT = 136 };

static const enum rs_field destination4[] = { RS_CT_REPLY_IP_SADDR };
static const enum rs_field destination6[] = { RS_CT_REPLY_IP6_SADDR };
static const enum rs_field source4[] = { RS_CT_ORIGINAL_IP_SADDR };
static const enum rs_field source6[] = { RS_CT_ORIGINAL_IP6_SADDR };

static const enum rs_field original[] = { RS_CT_ORIGINAL_IP_SADDR, RS_CT_ORIGINAL_IP6_SADDR };
static const enum rs_field reply[] = { RS_CT_REPLY_IP_SADDR, RS_CT_REPLY_IP6_SADDR };
static const char *const routed[] = { SET_ROUTED4, SET_ROUTED6 };

/* Neighbour discovery has no connection to judge. Hop limit 255: it was not routed. On a bridge
 * its addresses are bound to the port by bridge netd. */
void emit_nd(struct emit *e, struct rs_chain *chain, uint32_t type)
{
	EMIT(e, chain, RS_ACCEPT, NULL, match_number(RS_IP6_HOPLIMIT, 255),
	     match_number(RS_META_L4PROTO, proto_number(PROTO_ICMPV6)),
	     match_number(RS_ICMPV6_TYPE, type));
}

/* Who is known by an address of its own, then what a tier speaks for. */
static void emit_by_destination(struct emit *e, struct rs_chain *chain)
{
	emit_vmap(e, chain, destination4, 1, MAP_TO4);
	emit_vmap(e, chain, destination6, 1, MAP_TO6);
	for (size_t i = 0; i < 2 * e->n_groups && !e->err; i++)
		if (e->groups[i / 2].speaks)
			EMIT(e, chain, RS_GOTO, e->groups[i / 2].to_chain,
			     match_in(reply[i % 2], e->groups[i / 2].spoken[i % 2]));
}

static void emit_by_source(struct emit *e, struct rs_chain *chain)
{
	emit_vmap(e, chain, source4, 1, MAP_FROM4);
	emit_vmap(e, chain, source6, 1, MAP_FROM6);
	for (size_t i = 0; i < 2 * e->n_groups && !e->err; i++)
		if (e->groups[i / 2].speaks)
			EMIT(e, chain, RS_GOTO, e->groups[i / 2].from_chain,
			     match_in(original[i % 2], e->groups[i / 2].spoken[i % 2]));
}

/* From a container through another one, a router, to the outside: that is egress of who sends it.
 * The other way round nothing begins. */
static void emit_through_router(struct emit *e, struct rs_chain *chain)
{
	struct rs_chain *egress = NULL;

	if (e->n_routed[0] || e->n_routed[1])
		egress = emit_chain(e, CHAIN_THROUGH_ROUTER, "egress of who sends it");
	for (size_t family = 0; family < 2 && !e->err; family++)
		if (e->n_routed[family])
			EMIT(e, chain, RS_GOTO, CHAIN_THROUGH_ROUTER, emit_on_one_bridge(),
			     match_in(reply[family], routed[family]));
	if (!egress || e->err)
		return;
	emit_by_source(e, egress);
	emit_always(e, egress, RS_GOTO, CHAIN_NOBODY);
}

/* On one bridge, between what is in no tier: bridge netd knows the ports. */
static void emit_left_alone(struct emit *e, struct rs_chain *chain)
{
	struct rs_match same = emit_on_one_bridge();

	emit_of_no_tier(e, chain, &same, 1, RS_GOTO, CHAIN_LEFT_ALONE);
}

/* What is known to be closed is not left alone. */
void emit_left_chain(struct emit *e)
{
	struct rs_chain *chain =
		e->ignore ? emit_chain(e, CHAIN_LEFT_ALONE, "no end of it is in a tier") : NULL;

	if (e->err || !chain)
		return;
	emit_vmap(e, chain, destination4, 1, MAP_CLOSED4);
	emit_vmap(e, chain, destination6, 1, MAP_CLOSED6);
	emit_vmap(e, chain, source4, 1, MAP_CLOSED4);
	emit_vmap(e, chain, source6, 1, MAP_CLOSED6);
	emit_always(e, chain, RS_GOTO, CHAIN_ACCEPTED);
}

/* From a container that is left alone to this host. */
void emit_left_to_host(struct emit *e, struct rs_chain *chain)
{
	const struct group *left = e->ignore ? emit_left_group(e) : NULL;

	if (!left)
		return;
	EMIT(e, chain, RS_GOTO, CHAIN_LEFT_ALONE,
	     match_in(RS_CT_ORIGINAL_IP_SADDR, left->members[0]));
	EMIT(e, chain, RS_GOTO, CHAIN_LEFT_ALONE,
	     match_in(RS_CT_ORIGINAL_IP6_SADDR, left->members[1]));
	EMIT(e, chain, RS_GOTO, CHAIN_LEFT_ALONE, match_marked(e));
}

void emit_judge(struct emit *e)
{
	struct rs_chain *chain = emit_chain(
		e, CHAIN_JUDGE,
		"by the connection's own tuple: the same answer for both of its directions");

	if (e->err)
		return;
	emit_nd(e, chain, ND_SOLICIT);
	emit_nd(e, chain, ND_ADVERT);
	emit_by_destination(e, chain);
	emit_through_router(e, chain);
	if (e->ignore)
		emit_left_alone(e, chain);
	EMIT(e, chain, RS_GOTO, CHAIN_NOBODY, match_in(RS_META_IIFNAME, SET_BRIDGES),
	     match_in(RS_META_OIFNAME, SET_BRIDGES));
	emit_by_source(e, chain);
	emit_always(e, chain, RS_GOTO, CHAIN_NOBODY);
}

/* On a bridge that carries others, what concerns none of its containers is not judged. */
void emit_judge_shared(struct emit *e)
{
	struct rs_chain *chain =
		e->any_shared ? emit_chain(e, CHAIN_JUDGE_SHARED,
					   "a bridge that others share: its containers are judged")
			      : NULL;

	if (e->err || !chain)
		return;
	emit_nd(e, chain, ND_SOLICIT);
	emit_nd(e, chain, ND_ADVERT);
	emit_by_destination(e, chain);
	emit_by_source(e, chain);
	EMIT(e, chain, RS_GOTO, CHAIN_NOBODY, match_in(RS_CT_ORIGINAL_IP_SADDR, SET_SHARED4));
	EMIT(e, chain, RS_GOTO, CHAIN_NOBODY, match_in(RS_CT_ORIGINAL_IP6_SADDR, SET_SHARED6));
	EMIT(e, chain, RS_GOTO, CHAIN_NOBODY, match_in(RS_CT_REPLY_IP_SADDR, SET_SHARED4));
	EMIT(e, chain, RS_GOTO, CHAIN_NOBODY, match_in(RS_CT_REPLY_IP6_SADDR, SET_SHARED6));
	emit_always(e, chain, RS_ACCEPT, NULL);
}
