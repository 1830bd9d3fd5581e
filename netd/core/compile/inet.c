/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The base chains of table inet netd: what is asked of every packet, and in which order. */
#include "core/compile/emit.h"

#include <errno.h>

/* Before `filter`, where Docker, ufw and firewalld sit: a drop here is final, an accept is not. */
#define PRIORITY_BEFORE_FILTER (-10)
#define PRIORITY_LAST INT32_MAX

/* Values of nft_ct_direction and of the ICMPv6 types (RFC 4861, RFC 3810). */
enum { CT_ORIGINAL = 0, CT_REPLY = 1 };
/* NF_CT_STATE_BIT(IP_CT_RELATED) */
#define CT_STATE_RELATED 4u
enum { ND_SOLICIT = 135, ND_ADVERT = 136 };

/* Rules about a packet of this host or of its neighbours, and a container on a shared bridge. */
static void emit_of_shared(struct emit *e, struct rs_chain *chain, const char *target,
			   struct rs_match bridge, bool is_source)
{
	if (!e->any_shared)
		return;
	EMIT(e, chain, RS_GOTO, target, bridge,
	     match_in(is_source ? RS_IP_SADDR : RS_IP_DADDR, SET_SHARED4));
	EMIT(e, chain, RS_GOTO, target, bridge,
	     match_in(is_source ? RS_IP6_SADDR : RS_IP6_DADDR, SET_SHARED6));
}

/* What was accepted under the policy in force passes on one rule. */
static void emit_stamped(struct emit *e, struct rs_chain *chain)
{
	if (e->in->stamp)
		EMIT(e, chain, RS_ACCEPT, NULL, match_stamp(e));
}

/* What a port that is not guarded strictly has said was judged by its mark, and goes on without. */
static void emit_unmarked(struct emit *e, struct rs_chain *chain)
{
	struct rs_mark clear = { RS_META_MARK, ~e->in->mark_bit, 0, false };
	struct draft draft = { .rule = { .mark = arena_dup(e->arena, &clear, sizeof(clear)) } };

	if (!draft.rule.mark) {
		e->err = -ENOMEM;
		return;
	}
	draft_add(&draft, match_marked(e));
	draft_add(&draft, match_in(RS_META_IIFNAME, SET_BRIDGES));
	emit_verdict(e, chain, &draft, RS_CONTINUE, NULL);
}

/* Whether a connection is stamped with where it was judged: on one bridge, or not. */
static bool emit_tells_bridged(const struct emit *e)
{
	return e->needs_bridge_nf && e->in->stamp;
}

/* meta mark set meta mark | bit: tells bridge netd that the inet hooks let this frame pass. Last of
 * all, so that nobody's mark comes in between. Of a connection that was judged between two bridges,
 * or with the outside, no frame goes from port to port: it need not be looked up. Were there one,
 * it would be without the mark, and closed. */
static void emit_bridged(struct emit *e)
{
	const struct rs_match same = match_in2(RS_META_IIFNAME, RS_META_OIFNAME, SET_SAME_BRIDGE);

	if (e->err || (!e->needs_bridge_nf && !emit_has_loose_ports(e)))
		return;
	struct rs_chain *chain = emit_base_chain(
		e, "bridged", RS_HOOK_FORWARD, PRIORITY_LAST,
		"between ports of one bridge: told to bridge netd, which waits for it");
	if (e->err)
		return;
	if (emit_has_loose_ports(e))
		emit_unmarked(e, chain);
	if (emit_tells_bridged(e))
		EMIT(e, chain, RS_ACCEPT, NULL,
		     match_bits(RS_CT_SECMARK, COMPILE_ROUTED_BIT, COMPILE_ROUTED_BIT));
	if (e->needs_bridge_nf)
		emit_marked(e, chain, &same, 1, RS_CONTINUE);
}

/* A related packet wears the stamp of a connection that it is not of: an ICMP error, or the first
 * of a connection that a helper expects (netd assigns none, others may), which is judged by itself.
 */
static void emit_related_first(struct emit *e, struct rs_chain *chain, const char *name,
			       const char *judge)
{
	static const enum ip_proto judged[] = { PROTO_TCP, PROTO_UDP };
	static const enum rs_field sides[] = { RS_META_IIFNAME, RS_META_OIFNAME };
	static const enum rs_field ends[] = { RS_IP_SADDR, RS_IP6_SADDR, RS_IP_DADDR,
					      RS_IP6_DADDR };
	struct rs_chain *related = emit_chain(e, name, NULL);

	if (e->err)
		return;
	EMIT(e, chain, RS_JUMP, name, match_bits(RS_CT_STATE, CT_STATE_RELATED, CT_STATE_RELATED));
	for (size_t i = 0; i < ARRAY_LEN(judged); i++)
		for (size_t side = 0; side < ARRAY_LEN(sides); side++)
			EMIT(e, related, RS_GOTO, judge,
			     match_number(RS_META_L4PROTO, proto_number(judged[i])),
			     match_in(sides[side], SET_BRIDGES));
	for (size_t i = 0; i < ARRAY_LEN(judged) && e->any_shared; i++)
		for (size_t end = 0; end < ARRAY_LEN(ends); end++)
			EMIT(e, related, RS_GOTO, judge,
			     match_number(RS_META_L4PROTO, proto_number(judged[i])),
			     match_in(ends[end], end % 2 ? SET_SHARED6 : SET_SHARED4));
	emit_always(e, related, RS_GOTO, CHAIN_RELATED);
}

/* What a tier speaks for comes from its containers' ports alone. Only what is forwarded is looked
 * at: an address of the local network that a tier claims by mistake shall not cut the host off. */
static void emit_spoken_elsewhere(struct emit *e, struct rs_chain *chain)
{
	static const enum rs_field from[] = { RS_IP_SADDR, RS_IP6_SADDR };
	static const char *const sets[] = { SET_SPOKEN4, SET_SPOKEN6 };
	struct rs_match outside = match_not_in(RS_META_IIFNAME, SET_BRIDGES);

	for (size_t family = 0; e->n_spoken && family < 2 && !e->err; family++) {
		const char *elsewhere = emit_end(e, REASON_NOT_FROM_BRIDGE);
		struct rs_match source = match_in(from[family], sets[family]);
		if (e->any_shared)
			EMIT(e, chain, RS_GOTO, elsewhere, outside,
			     match_not_in(RS_META_IIFNAME, SET_SHARED), source);
		else
			EMIT(e, chain, RS_GOTO, elsewhere, outside, source);
	}
}

static void emit_forward(struct emit *e)
{
	struct rs_chain *chain =
		emit_base_chain(e, "forward", RS_HOOK_FORWARD, PRIORITY_BEFORE_FILTER,
				"a connection that was judged under the policy in force passes");

	if (e->err)
		return;
	emit_spoken_elsewhere(e, chain);
	emit_related_first(e, chain, "related_forward", CHAIN_JUDGE);
	emit_stamped(e, chain);
	EMIT(e, chain, RS_GOTO, CHAIN_JUDGE, match_in(RS_META_IIFNAME, SET_BRIDGES));
	EMIT(e, chain, RS_GOTO, CHAIN_JUDGE, match_in(RS_META_OIFNAME, SET_BRIDGES));
	if (e->any_shared) {
		EMIT(e, chain, RS_GOTO, CHAIN_JUDGE_SHARED, match_in(RS_META_IIFNAME, SET_SHARED));
		EMIT(e, chain, RS_GOTO, CHAIN_JUDGE_SHARED, match_in(RS_META_OIFNAME, SET_SHARED));
	}
	EMIT(e, chain, RS_GOTO, CHAIN_JUDGE, match_ifname(RS_META_OIFKIND, "bridge"),
	     match_in(RS_META_OIFNAME, SET_ENGINE_NAMES),
	     match_not_in(RS_META_OIFNAME, SET_FOREIGN));
}

static const enum rs_field sources[] = { RS_IP_SADDR, RS_IP6_SADDR };
static const enum rs_field original[] = { RS_CT_ORIGINAL_IP_SADDR, RS_CT_ORIGINAL_IP6_SADDR };
static const enum rs_field reply[] = { RS_CT_REPLY_IP_SADDR, RS_CT_REPLY_IP6_SADDR };
static const char *const routed[] = { SET_ROUTED4, SET_ROUTED6 };

/* A router tells of the connections that pass through it: those of the addresses that it speaks
 * for, in its own name or in theirs. */
static void emit_related_spoken(struct emit *e, struct rs_chain *chain)
{
	for (size_t i = 0; i < 2 * e->n_groups && !e->err; i++) {
		const struct group *group = &e->groups[i / 2];
		size_t family = i % 2;
		const char *const from[] = { group->members[family], group->spoken[family] };
		for (size_t s = 0; group->speaks && s < ARRAY_LEN(from); s++) {
			EMIT(e, chain, RS_RETURN, NULL, match_in(sources[family], from[s]),
			     match_in(original[family], group->spoken[family]));
			EMIT(e, chain, RS_RETURN, NULL, match_in(sources[family], from[s]),
			     match_in(reply[family], group->spoken[family]));
		}
		if (!group->routes[family])
			continue;
		EMIT(e, chain, RS_RETURN, NULL, emit_on_one_bridge(),
		     match_in(sources[family], group->members[family]),
		     match_in(reply[family], routed[family]));
		EMIT(e, chain, RS_RETURN, NULL, emit_on_one_bridge(),
		     match_in(sources[family], routed[family]),
		     match_in(reply[family], routed[family]));
	}
}

static void emit_related_of_no_tier(struct emit *e, struct rs_chain *chain)
{
	static const enum rs_field ends[2][2] = {
		{ RS_CT_ORIGINAL_IP_SADDR, RS_CT_REPLY_IP_SADDR },
		{ RS_CT_ORIGINAL_IP6_SADDR, RS_CT_REPLY_IP6_SADDR },
	};
	static const char *const any[] = { SET_ANY4, SET_ANY6 };
	static const char *const spoken[] = { SET_SPOKEN4, SET_SPOKEN6 };

	for (size_t family = 0; family < 2 && !e->err; family++) {
		struct draft draft = { 0 };
		for (size_t i = 0; i < 2; i++)
			draft_add(&draft, match_not_in(ends[family][i], any[family]));
		for (size_t i = 0; i < 2 && e->n_spoken; i++)
			draft_add(&draft, match_not_in(ends[family][i], spoken[family]));
		emit_verdict(e, chain, &draft, RS_RETURN, NULL);
	}
}

/* Connection tracking takes an ICMP error for part of the connection that its payload speaks of,
 * whoever sent it. A container may only speak of its own connections; from outside come the errors
 * of routers, but none about a connection between two containers. */
static void emit_related(struct emit *e)
{
	static const enum rs_field ends[4][2] = {
		{ RS_IP_SADDR, RS_CT_ORIGINAL_IP_SADDR },
		{ RS_IP_SADDR, RS_CT_REPLY_IP_SADDR },
		{ RS_IP6_SADDR, RS_CT_ORIGINAL_IP6_SADDR },
		{ RS_IP6_SADDR, RS_CT_REPLY_IP6_SADDR },
	};
	struct rs_chain *own = emit_chain(e, CHAIN_OWN_ERROR, NULL);
	struct rs_chain *of_container = emit_chain(e, CHAIN_RELATED_OWN, NULL);
	struct rs_chain *chain =
		emit_chain(e, CHAIN_RELATED, "an ICMP error comes from an end of its connection");

	if (e->err)
		return;
	const char *denied = emit_end(e, REASON_FOREIGN_ERROR);
	emit_always(e, own, RS_RETURN, NULL);
	emit_of_shared(e, chain, CHAIN_RELATED_OWN, match_in(RS_META_IIFNAME, SET_SHARED), true);
	EMIT(e, chain, RS_GOTO, denied, match_not_in(RS_META_IIFNAME, SET_BRIDGES),
	     match_in(RS_CT_ORIGINAL_IP_SADDR, SET_ANY4), match_in(RS_CT_REPLY_IP_SADDR, SET_ANY4));
	EMIT(e, chain, RS_GOTO, denied, match_not_in(RS_META_IIFNAME, SET_BRIDGES),
	     match_in(RS_CT_ORIGINAL_IP6_SADDR, SET_ANY6),
	     match_in(RS_CT_REPLY_IP6_SADDR, SET_ANY6));
	EMIT(e, chain, RS_RETURN, NULL, match_not_in(RS_META_IIFNAME, SET_BRIDGES));
	emit_always(e, chain, RS_GOTO, CHAIN_RELATED_OWN);
	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		emit_vmap(e, of_container, ends[i], 2, i < 2 ? MAP_OWN4 : MAP_OWN6);
	emit_related_spoken(e, of_container);
	if (e->ignore)
		emit_related_of_no_tier(e, of_container);
	emit_always(e, of_container, RS_GOTO, denied);
}

/* The host's end of a packet, on its way in and on its way out. */
enum host_end { HOST_IS_DESTINATION, HOST_IS_SOURCE };

/* Published ports, the most exact key first. (Packet fields: nft cannot put `ct original proto-dst`
 * into a key.) */
static void emit_published_lookup(struct emit *e, struct rs_chain *chain, enum host_end end)
{
	static const enum rs_field keys[2][3][3] = {
		[HOST_IS_DESTINATION] = { { RS_IP_DADDR, RS_META_L4PROTO, RS_TH_DPORT },
					  { RS_IP6_DADDR, RS_META_L4PROTO, RS_TH_DPORT },
					  { RS_META_L4PROTO, RS_TH_DPORT } },
		[HOST_IS_SOURCE] = { { RS_IP_SADDR, RS_META_L4PROTO, RS_TH_SPORT },
				     { RS_IP6_SADDR, RS_META_L4PROTO, RS_TH_SPORT },
				     { RS_META_L4PROTO, RS_TH_SPORT } },
	};

	emit_vmap(e, chain, keys[end][0], 3, MAP_PUBLISHED4);
	emit_vmap(e, chain, keys[end][1], 3, MAP_PUBLISHED6);
	emit_vmap(e, chain, keys[end][2], 2, MAP_PUBLISHED);
}

static void emit_input(struct emit *e)
{
	struct rs_chain *chain =
		emit_base_chain(e, "input", RS_HOOK_INPUT, PRIORITY_BEFORE_FILTER,
				"to this host: from containers, and published ports from outside");

	if (e->err)
		return;
	emit_related_first(e, chain, "related_input", CHAIN_FROM_CONTAINER);
	emit_stamped(e, chain);
	EMIT(e, chain, RS_ACCEPT, NULL, match_ifname(RS_META_IIFNAME, "lo"));
	EMIT(e, chain, RS_ACCEPT, NULL, match_number(RS_CT_DIRECTION, CT_REPLY));
	EMIT(e, chain, RS_GOTO, CHAIN_FROM_CONTAINER, match_in(RS_META_IIFNAME, SET_BRIDGES));
	emit_of_shared(e, chain, CHAIN_FROM_CONTAINER, match_in(RS_META_IIFNAME, SET_SHARED), true);
	emit_published_lookup(e, chain, HOST_IS_DESTINATION);
}

/* Answers of this host. A flow that lost its stamp is judged here too, so that a denied one stops
 * in both directions. */
static void emit_output(struct emit *e)
{
	struct rs_chain *chain =
		emit_base_chain(e, "output", RS_HOOK_OUTPUT, PRIORITY_BEFORE_FILTER,
				"answers of this host; what it begins itself may go to containers");

	if (e->err)
		return;
	EMIT(e, chain, RS_GOTO, CHAIN_FROM_HOST, match_number(RS_CT_DIRECTION, CT_ORIGINAL),
	     match_in(RS_META_OIFNAME, SET_BRIDGES));
	EMIT(e, chain, RS_GOTO, CHAIN_FROM_HOST, match_number(RS_CT_DIRECTION, CT_ORIGINAL),
	     match_ifname(RS_META_OIFKIND, "bridge"), match_in(RS_META_OIFNAME, SET_ENGINE_NAMES),
	     match_not_in(RS_META_OIFNAME, SET_FOREIGN));
	if (e->any_shared)
		EMIT(e, chain, RS_JUMP, CHAIN_HOST_TO_SHARED,
		     match_number(RS_CT_DIRECTION, CT_ORIGINAL),
		     match_in(RS_META_OIFNAME, SET_SHARED));
	EMIT(e, chain, RS_ACCEPT, NULL, match_number(RS_CT_DIRECTION, CT_ORIGINAL));
	emit_stamped(e, chain);
	EMIT(e, chain, RS_GOTO, CHAIN_ANSWER, match_number(RS_CT_DIRECTION, CT_REPLY));
}

/* What the host itself begins is nobody's business. But docker-proxy, whose second half looks the
 * same, opens a published port before netd knows of it: the host reaches a container only when that
 * one is known, and its host ports too. Neighbours are asked by multicast and link-local. */
static void emit_from_host(struct emit *e)
{
	static const struct ip_prefix multicast4 = { { IP_V4, { 224 } }, 4 };
	static const struct ip_prefix multicast6 = { { IP_V6, { 0xff } }, 8 };
	static const struct ip_prefix local6 = { { IP_V6, { 0xfe, 0x80 } }, 10 };
	struct rs_chain *chain =
		emit_chain(e, CHAIN_FROM_HOST, "from this host to containers that are known");

	if (e->err)
		return;
	EMIT(e, chain, RS_ACCEPT, NULL, match_in(RS_IP_DADDR, SET_REACHED4));
	EMIT(e, chain, RS_ACCEPT, NULL, match_in(RS_IP6_DADDR, SET_REACHED6));
	for (size_t g = 0; g < e->n_groups && !e->err; g++)
		if (e->groups[g].speaks) {
			EMIT(e, chain, RS_ACCEPT, NULL,
			     match_in(RS_IP_DADDR, e->groups[g].spoken[0]));
			EMIT(e, chain, RS_ACCEPT, NULL,
			     match_in(RS_IP6_DADDR, e->groups[g].spoken[1]));
		}
	EMIT(e, chain, RS_ACCEPT, NULL, match_prefix(RS_IP_DADDR, &multicast4));
	EMIT(e, chain, RS_ACCEPT, NULL, match_prefix(RS_IP6_DADDR, &multicast6));
	EMIT(e, chain, RS_ACCEPT, NULL, match_prefix(RS_IP6_DADDR, &local6));
	emit_always(e, chain, RS_GOTO, CHAIN_NOBODY);
}

static void emit_host_to_shared(struct emit *e)
{
	struct rs_chain *chain = e->any_shared ? emit_chain(e, CHAIN_HOST_TO_SHARED, NULL) : NULL;

	if (e->err || !chain)
		return;
	EMIT(e, chain, RS_GOTO, CHAIN_FROM_HOST, match_in(RS_IP_DADDR, SET_SHARED4));
	EMIT(e, chain, RS_GOTO, CHAIN_FROM_HOST, match_in(RS_IP6_DADDR, SET_SHARED6));
}

static void emit_answer(struct emit *e)
{
	struct rs_chain *chain = emit_chain(e, CHAIN_ANSWER, NULL);

	if (e->err)
		return;
	EMIT(e, chain, RS_ACCEPT, NULL, match_ifname(RS_META_OIFNAME, "lo"));
	emit_published_lookup(e, chain, HOST_IS_SOURCE);
	if (e->ignore) { /* what it answers was let in */
		emit_of_no_tier(e, chain, NULL, 0, RS_ACCEPT, NULL);
	}
	EMIT(e, chain, RS_GOTO, CHAIN_TO_HOST, match_in(RS_META_OIFNAME, SET_BRIDGES));
	emit_of_shared(e, chain, CHAIN_TO_HOST, match_in(RS_META_OIFNAME, SET_SHARED), false);
}

static void emit_from_container(struct emit *e)
{
	struct rs_chain *chain = emit_chain(e, CHAIN_FROM_CONTAINER,
					    "from a container to this host's own addresses");
	const char *loopback = emit_end(e, REASON_LOOPBACK);

	if (e->err)
		return;
	/* With route_localnet. */
	EMIT(e, chain, RS_GOTO, loopback, match_prefix(RS_IP_DADDR, emit_loopback(IP_V4)));
	EMIT(e, chain, RS_GOTO, loopback, match_prefix(RS_IP6_DADDR, emit_loopback(IP_V6)));
	emit_nd(e, chain, ND_SOLICIT);
	emit_nd(e, chain, ND_ADVERT);
	emit_published_lookup(e, chain, HOST_IS_DESTINATION);
	emit_left_to_host(e, chain);
	emit_noise(e, chain);
	emit_always(e, chain, RS_GOTO, CHAIN_TO_HOST);
}

/* ct secmark set ct secmark & mask | bits */
static struct draft setting_secmark(struct emit *e, struct rs_mark set)
{
	struct draft draft = { .rule = { .mark = arena_dup(e->arena, &set, sizeof(set)) } };

	if (!draft.rule.mark)
		e->err = -ENOMEM;
	return draft;
}

/* On one bridge, or not: emit_bridged(). Said anew whenever a connection is judged. */
static void emit_where_judged(struct emit *e, struct rs_chain *chain)
{
	struct draft on_one = setting_secmark(
		e, (struct rs_mark){ RS_CT_SECMARK, ~COMPILE_ROUTED_BIT, 0, false });
	struct draft elsewhere =
		setting_secmark(e, (struct rs_mark){ RS_CT_SECMARK, ~COMPILE_ROUTED_BIT,
						     COMPILE_ROUTED_BIT, false });

	draft_add(&on_one, match_ifname(RS_META_IIFKIND, "bridge"));
	draft_add(&on_one, emit_on_one_bridge());
	if (!e->err)
		emit_verdict(e, chain, &on_one, RS_ACCEPT, NULL);
	if (!e->err)
		emit_verdict(e, chain, &elsewhere, RS_CONTINUE, NULL);
}

static void emit_accepted(struct emit *e)
{
	struct draft stamping = setting_secmark(
		e, (struct rs_mark){ RS_CT_SECMARK, ~COMPILE_STAMP_MASK, e->in->stamp, true });
	struct rs_chain *chain = emit_chain(e, CHAIN_ACCEPTED, "judged under the policy in force");

	if (e->err)
		return;
	if (e->in->stamp)
		emit_verdict(e, chain, &stamping, RS_CONTINUE, NULL);
	if (emit_tells_bridged(e))
		emit_where_judged(e, chain);
	emit_always(e, chain, RS_ACCEPT, NULL);
}

void emit_inet_base(struct emit *e)
{
	emit_prerouting(e);
	emit_related(e);
	emit_forward(e);
	emit_bridged(e);
	emit_input(e);
	emit_output(e);
	emit_from_host(e);
	emit_host_to_shared(e);
	emit_left_chain(e);
	emit_judge(e);
	emit_judge_shared(e);
	emit_from_container(e);
	emit_answer(e);
	emit_accepted(e);
}
