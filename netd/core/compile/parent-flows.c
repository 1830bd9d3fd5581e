/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What table netdev netd remembers of packets. Keys have the container first, so that both
 * directions of a flow have one. Two sets for who began it: what the container began is answered by
 * others, what others began by the container. */
#include <string.h>

#include "core/compile/parent.h"

/* As long as connection tracking keeps a flow of UDP in which both have spoken
 * (nf_conntrack_udp_timeout_stream). */
#define FLOW_SECONDS 180u
/* As long as a kernel waits for the other pieces of a packet (ipfrag_time). */
#define PIECE_SECONDS 30u

#define CHAIN_PIECES_TO "pieces_to"
#define CHAIN_PIECES_FROM "pieces_from"
#define CHAIN_ERRORS "errors"

enum began { BY_CONTAINER, BY_OTHERS };

struct rs_match parent_is_ip(size_t family)
{
	enum { ETHERTYPE_IP = 0x0800, ETHERTYPE_IP6 = 0x86dd };

	return match_number(RS_META_PROTOCOL, family ? ETHERTYPE_IP6 : ETHERTYPE_IP);
}

static const char *const map_names[PARENT_MAPS][2] = {
	[PARENT_TO] = { MAP_TO4, MAP_TO6 },
	[PARENT_FROM] = { MAP_FROM4, MAP_FROM6 },
	[PARENT_ANSWERS_TO] = { "answers_to4", "answers_to6" },
	[PARENT_ANSWERS_FROM] = { "answers_from4", "answers_from6" },
};

const char *parent_map_name(enum parent_map map, size_t family)
{
	return map_names[map][family];
}

/* By ports, and of protocols that have none. */
static const char *const flow_sets[2][2] = {
	[BY_CONTAINER] = { "asked_by4", "asked_by6" },
	[BY_OTHERS] = { "asked_of4", "asked_of6" },
};
static const char *const portless_sets[2][2] = {
	[BY_CONTAINER] = { "spoken_by4", "spoken_by6" },
	[BY_OTHERS] = { "spoken_to4", "spoken_to6" },
};
static const char pieces[] = "pieces4";

/* The container's side first. */
static const enum rs_field flow_key[2][2][RS_KEY_FIELDS] = {
	[PARENT_INWARD] = { { RS_IP_DADDR, RS_IP_SADDR, RS_META_L4PROTO, RS_TH_DPORT, RS_TH_SPORT },
			    { RS_IP6_DADDR, RS_IP6_SADDR, RS_META_L4PROTO, RS_TH_DPORT,
			      RS_TH_SPORT } },
	[PARENT_OUTWARD] = { { RS_IP_SADDR, RS_IP_DADDR, RS_META_L4PROTO, RS_TH_SPORT,
			       RS_TH_DPORT },
			     { RS_IP6_SADDR, RS_IP6_DADDR, RS_META_L4PROTO, RS_TH_SPORT,
			       RS_TH_DPORT } },
};
#define FLOW_FIELDS 5
#define PORTLESS_FIELDS 3 /* of the same */

static const enum ip_proto with_ports[] = { PROTO_UDP, PROTO_SCTP };

static struct rs_match is_proto(enum ip_proto proto)
{
	return match_number(RS_META_L4PROTO, proto_number(proto));
}

/* One byte: (field & mask) == value */
static struct rs_match match_byte_bits(enum rs_field field, uint8_t mask, uint8_t value)
{
	struct rs_match match = match_is(field, &value);

	match.op = RS_BITS;
	rs_key_add(&match.mask, ruleset_field_info(field)->type, &mask, false);
	return match;
}

/* ip frag-off & mask == value, in host order */
static struct rs_match match_fragment(uint16_t mask, uint16_t value)
{
	const uint8_t bytes[] = { (uint8_t)(value >> 8), (uint8_t)value };
	const uint8_t of[] = { (uint8_t)(mask >> 8), (uint8_t)mask };
	struct rs_match match = match_is(RS_IP_FRAGMENT, bytes);

	match.op = RS_BITS;
	rs_key_add(&match.mask, RS_TYPE_FRAGMENT, of, false);
	return match;
}

/* ---- sets ---- */

static void emit_memory_set(struct emit *e, const char *name, const enum rs_field *key, size_t n)
{
	enum rs_type types[RS_KEY_FIELDS];

	for (size_t i = 0; i < n; i++)
		types[i] = ruleset_field_info(key[i])->type;
	struct rs_set *set = emit_set(e, name, types, n);
	if (set)
		set->forgets_s = name == pieces ? PIECE_SECONDS : FLOW_SECONDS;
}

static void emit_memory_sets(struct emit *e)
{
	for (size_t began = 0; began < 2; began++)
		for (size_t v6 = 0; v6 < 2 && !e->err; v6++) {
			const enum rs_field *key = flow_key[PARENT_INWARD][v6];
			emit_memory_set(e, flow_sets[began][v6], key, FLOW_FIELDS);
			emit_memory_set(e, portless_sets[began][v6], key, PORTLESS_FIELDS);
		}
	if (!e->err)
		emit_memory_set(e, pieces, flow_key[PARENT_INWARD][0], PORTLESS_FIELDS);
}

/* ---- what passes ---- */

static void emit_note(struct emit *e, struct rs_chain *chain, struct draft *draft, const char *set,
		      const enum rs_field *key, size_t n, enum rs_verdict verdict)
{
	struct rs_note note = { .set = set, .n_fields = (uint8_t)n };

	memcpy(note.fields, key, n * sizeof(*key));
	draft->rule.note = &note;
	emit_verdict(e, chain, draft, verdict, NULL);
	draft->rule.note = NULL;
}

/* What comes in from a container of the same parent was not seen on its way out: that one began it,
 * and awaits the answer. */
static void emit_sibling_note(struct emit *e, struct rs_chain *chain, struct draft *draft,
			      const char *const sets[2], size_t n)
{
	static const char *const any[] = { SET_ANY4, SET_ANY6 };
	const size_t before = draft->n_matches;

	for (size_t v6 = 0; v6 < 2; v6++) {
		const enum rs_field *key = flow_key[PARENT_OUTWARD][v6];
		draft_add(draft, match_in(key[0], any[v6]));
		emit_note(e, chain, draft, sets[v6], key, n, RS_CONTINUE);
		draft->n_matches = before;
	}
}

/* The chain that remembers what passes on that way, and who began it. */
struct remembering {
	const char *name;
	enum parent_way way;
	enum began began;
};

static void emit_flow_notes(struct emit *e, struct rs_chain *chain, const struct remembering *of)
{
	bool opened_to = of->way == PARENT_INWARD && of->began == BY_OTHERS;

	for (size_t i = 0; i < ARRAY_LEN(with_ports); i++) {
		struct draft draft = { 0 };
		draft_add(&draft, is_proto(with_ports[i]));
		if (opened_to)
			emit_sibling_note(e, chain, &draft, flow_sets[BY_CONTAINER], FLOW_FIELDS);
		for (size_t v6 = 0; v6 < 2; v6++)
			emit_note(e, chain, &draft, flow_sets[of->began][v6], flow_key[of->way][v6],
				  FLOW_FIELDS, RS_ACCEPT);
		emit_verdict(e, chain, &draft, RS_GOTO, emit_end(e, REASON_FULL));
	}
}

static void emit_portless_notes(struct emit *e, struct rs_chain *chain,
				const struct remembering *of)
{
	struct draft any = { 0 };

	if (of->way == PARENT_INWARD && of->began == BY_OTHERS)
		emit_sibling_note(e, chain, &any, portless_sets[BY_CONTAINER], PORTLESS_FIELDS);
	for (size_t v6 = 0; v6 < 2; v6++)
		emit_note(e, chain, &any, portless_sets[of->began][v6], flow_key[of->way][v6],
			  PORTLESS_FIELDS, RS_ACCEPT);
	emit_always(e, chain, RS_GOTO, emit_end(e, REASON_FULL));
}

/* Where nothing more can be remembered, its answer would not pass either. */
static void emit_remembering(struct emit *e, const struct remembering *of)
{
	struct rs_chain *chain = emit_chain(e, of->name, NULL);
	struct draft begins_packet = { 0 };

	if (e->err)
		return;
	draft_add(&begins_packet, parent_is_ip(0));
	draft_add(&begins_packet, match_fragment(0x2000, 0x2000)); /* more pieces follow */
	emit_note(e, chain, &begins_packet, pieces, flow_key[of->way][0], PORTLESS_FIELDS,
		  RS_CONTINUE);
	EMIT(e, chain, RS_ACCEPT, NULL, is_proto(PROTO_TCP));
	emit_flow_notes(e, chain, of);
	emit_portless_notes(e, chain, of);
}

/* ---- what may be an answer ---- */

/* Who begins a connection of TCP says so. */
static void emit_answered(struct emit *e, const char *name, enum parent_way way)
{
	enum { SYN = 0x02, ACK = 0x10 };
	bool in = way == PARENT_INWARD;
	enum began began = in ? BY_CONTAINER : BY_OTHERS;
	const char *judge = in ? "answer_to" : "answer_from";
	struct rs_chain *chain = emit_chain(e, name, NULL);
	struct rs_chain *judged = emit_chain(e, judge, NULL);

	if (e->err)
		return;
	EMIT(e, chain, RS_RETURN, NULL, is_proto(PROTO_TCP),
	     match_byte_bits(RS_TCP_FLAGS, SYN | ACK, SYN));
	EMIT(e, chain, RS_GOTO, judge, is_proto(PROTO_TCP));
	for (size_t v6 = 0; v6 < 2; v6++)
		EMIT(e, chain, RS_GOTO, judge,
		     match_in_all(flow_key[way][v6], FLOW_FIELDS, flow_sets[began][v6]));
	for (size_t v6 = 0; v6 < 2; v6++)
		EMIT(e, chain, RS_GOTO, judge,
		     match_in_all(flow_key[way][v6], PORTLESS_FIELDS, portless_sets[began][v6]));
	for (size_t v6 = 0; v6 < 2; v6++)
		emit_vmap(e, judged, &flow_key[way][v6][0], 1,
			  parent_map_name(in ? PARENT_ANSWERS_TO : PARENT_ANSWERS_FROM, v6));
}

/* ---- pieces, errors ---- */

void parent_emit_pieces(struct emit *e, struct rs_chain *chain, enum parent_way way,
			const char *judged)
{
	const char *name = way == PARENT_INWARD ? CHAIN_PIECES_TO : CHAIN_PIECES_FROM;

	EMIT(e, chain, RS_GOTO, judged, parent_is_ip(0), match_fragment(0x1fff, 0));
	EMIT(e, chain, RS_GOTO, name, parent_is_ip(0));
	struct rs_chain *rest = emit_chain(e, name, "pieces of a packet follow their beginning");
	if (e->err)
		return;
	EMIT(e, rest, RS_ACCEPT, NULL, match_in_all(flow_key[way][0], PORTLESS_FIELDS, pieces));
	emit_always(e, rest, RS_GOTO, emit_end(e, REASON_PIECE));
}

void parent_let_errors_in(struct emit *e, struct rs_chain *chain)
{
	EMIT(e, chain, RS_JUMP, CHAIN_ERRORS, is_proto(PROTO_ICMP));
	EMIT(e, chain, RS_JUMP, CHAIN_ERRORS, is_proto(PROTO_ICMPV6));
}

static void emit_errors(struct emit *e)
{
	/* Unreachable, time exceeded, a bad header; of IPv6 too big as well. */
	static const uint8_t four[] = { 3, 11, 12 }, six[] = { 1, 2, 3, 4 };
	struct rs_chain *chain =
		emit_chain(e, CHAIN_ERRORS, "from whichever router: they begin nothing");

	if (e->err)
		return;
	for (size_t i = 0; i < ARRAY_LEN(four); i++)
		EMIT(e, chain, RS_ACCEPT, NULL, is_proto(PROTO_ICMP),
		     match_number(RS_ICMP_TYPE, four[i]));
	for (size_t i = 0; i < ARRAY_LEN(six); i++)
		EMIT(e, chain, RS_ACCEPT, NULL, is_proto(PROTO_ICMPV6),
		     match_number(RS_ICMPV6_TYPE, six[i]));
}

void parent_emit_memory(struct emit *e)
{
	static const struct remembering chains[] = {
		{ CHAIN_OPENED_TO, PARENT_INWARD, BY_OTHERS },
		{ CHAIN_OPENED_FROM, PARENT_OUTWARD, BY_CONTAINER },
		{ CHAIN_PASSED_TO, PARENT_INWARD, BY_CONTAINER },
		{ CHAIN_PASSED_FROM, PARENT_OUTWARD, BY_OTHERS },
	};

	emit_memory_sets(e);
	for (size_t i = 0; i < ARRAY_LEN(chains); i++)
		emit_remembering(e, &chains[i]);
	emit_answered(e, CHAIN_ANSWERED_TO, PARENT_INWARD);
	emit_answered(e, CHAIN_ANSWERED_FROM, PARENT_OUTWARD);
	emit_errors(e);
}
