/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Building blocks: conditions, rules, sets. */
#include "core/compile/emit.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/ruleset/protocol.h"

/* ---- conditions ---- */

static struct rs_match match_fields(enum rs_op op, const enum rs_field *fields, size_t n)
{
	struct rs_match match = { .op = op, .n_fields = (uint8_t)n };

	memcpy(match.fields, fields, n * sizeof(*fields));
	return match;
}

struct rs_match match_in(enum rs_field field, const char *set)
{
	struct rs_match match = match_fields(RS_IN, &field, 1);

	match.set = set;
	return match;
}

struct rs_match match_not_in(enum rs_field field, const char *set)
{
	struct rs_match match = match_in(field, set);

	match.op = RS_NOT_IN;
	return match;
}

struct rs_match match_in2(enum rs_field a, enum rs_field b, const char *set)
{
	struct rs_match match = match_fields(RS_IN, (enum rs_field[]){ a, b }, 2);

	match.set = set;
	return match;
}

struct rs_match match_in3(enum rs_field a, enum rs_field b, enum rs_field c, const char *set)
{
	return match_in_all((enum rs_field[]){ a, b, c }, 3, set);
}

struct rs_match match_in_all(const enum rs_field *fields, size_t n, const char *set)
{
	struct rs_match match = match_fields(RS_IN, fields, n);

	match.set = set;
	return match;
}

struct rs_match match_is(enum rs_field field, const void *value)
{
	struct rs_match match = match_fields(RS_EQ, &field, 1);

	rs_key_add(&match.value, ruleset_field_info(field)->type, value, false);
	return match;
}

struct rs_match match_is_not(enum rs_field field, const void *value)
{
	struct rs_match match = match_is(field, value);

	match.op = RS_NE;
	return match;
}

struct rs_match match_number(enum rs_field field, uint32_t value)
{
	const struct rs_type_info *type = ruleset_type_info(ruleset_field_info(field)->type);
	uint8_t byte = (uint8_t)value;
	uint16_t half = type->host_order ? (uint16_t)value : htons((uint16_t)value);

	if (type->len == 1)
		return match_is(field, &byte);
	if (type->len == 2)
		return match_is(field, &half);
	return match_is(field, &value); /* 4-byte fields are all in host order */
}

struct rs_match match_ifname(enum rs_field field, const char *ifname)
{
	char padded[WORLD_IFNAME_LEN] = { 0 };

	(void)snprintf(padded, sizeof(padded), "%s", ifname);
	return match_is(field, padded);
}

struct rs_match match_bits(enum rs_field field, uint32_t mask, uint32_t value)
{
	struct rs_match match = match_is(field, &value);

	match.op = RS_BITS;
	rs_key_add(&match.mask, ruleset_field_info(field)->type, &mask, false);
	return match;
}

struct rs_match match_prefix(enum rs_field field, const struct ip_prefix *prefix)
{
	struct rs_match match = match_is(field, prefix->addr.bytes);
	struct ip_prefix mask = { .len = prefix->len };

	if (prefix->len == ip_len(&prefix->addr) * 8)
		return match;
	/* The mask is the last address of a prefix of zeroes, inverted. */
	mask.addr.family = prefix->addr.family;
	struct ip_addr host_bits = ip_prefix_range(&mask).last;
	for (size_t i = 0; i < sizeof(host_bits.bytes); i++)
		host_bits.bytes[i] = (uint8_t)~host_bits.bytes[i];
	match.op = RS_BITS;
	rs_key_add(&match.mask, ruleset_field_info(field)->type, host_bits.bytes, false);
	return match;
}

struct rs_match match_range(enum rs_field field, const struct ip_range *range)
{
	struct rs_match match = match_is(field, range->first.bytes);

	if (ip_compare(&range->first, &range->last) == 0)
		return match;
	match.op = RS_RANGE;
	rs_key_add(&match.last, ruleset_field_info(field)->type, range->last.bytes, false);
	return match;
}

struct rs_match match_not_loopback(void)
{
	struct rs_match match = match_ifname(RS_META_IIFNAME, "lo");

	match.op = RS_NE;
	return match;
}

struct rs_match match_port_range(enum rs_field field, uint16_t lo, uint16_t hi)
{
	struct rs_match match = match_number(field, lo);
	uint16_t last = htons(hi);

	if (lo == hi)
		return match;
	match.op = RS_RANGE;
	rs_key_add(&match.last, ruleset_field_info(field)->type, &last, false);
	return match;
}

struct rs_match match_stamp(const struct emit *e)
{
	struct rs_match match = match_bits(RS_CT_SECMARK, COMPILE_STAMP_MASK, e->in->stamp);

	match.is_stamp = true;
	return match;
}

/* ---- rules ---- */

void draft_add(struct draft *draft, struct rs_match match)
{
	assert(draft->n_matches < DRAFT_MATCHES);
	draft->matches[draft->n_matches++] = match;
}

struct rs_chain *emit_chain(struct emit *e, const char *name, const char *comment)
{
	struct rs_chain *chain = e->err ? NULL : ruleset_add_chain(e->rs, e->family, name, NULL);

	if (!chain)
		e->err = -ENOMEM;
	else
		chain->comment = comment;
	return chain;
}

struct rs_chain *emit_base_chain(struct emit *e, const char *name, enum rs_hook hook,
				 int32_t priority, const char *comment)
{
	struct rs_base base = { .hook = hook, .priority = priority };
	const struct rs_base *copy = arena_dup(e->arena, &base, sizeof(base));
	struct rs_chain *chain =
		copy && !e->err ? ruleset_add_chain(e->rs, e->family, name, copy) : NULL;

	if (!chain)
		e->err = -ENOMEM;
	else
		chain->comment = comment;
	return chain;
}

const char *emit_allowed(const struct emit *e)
{
	return e->allowed ? e->allowed : CHAIN_ACCEPTED;
}

void emit_verdict(struct emit *e, struct rs_chain *chain, struct draft *draft,
		  enum rs_verdict verdict, const char *target)
{
	struct rs_rule rule = draft->rule;

	rule.matches = draft->matches;
	rule.n_matches = draft->n_matches;
	rule.verdict = verdict;
	rule.target = target;
	if (!e->err && ruleset_add_rule(e->rs, chain, &rule) < 0)
		e->err = -ENOMEM;
}

void emit_rule(struct emit *e, struct rs_chain *chain, const struct rs_match *matches, size_t n,
	       enum rs_verdict verdict, const char *target)
{
	struct draft draft = { 0 };

	for (size_t i = 0; i < n; i++)
		draft_add(&draft, matches[i]);
	emit_verdict(e, chain, &draft, verdict, target);
}

void emit_always(struct emit *e, struct rs_chain *chain, enum rs_verdict verdict,
		 const char *target)
{
	emit_rule(e, chain, NULL, 0, verdict, target);
}

void emit_vmap(struct emit *e, struct rs_chain *chain, const enum rs_field *fields, size_t n,
	       const char *map)
{
	struct draft draft = { .rule = { .n_vmap_fields = (uint8_t)n } };

	memcpy(draft.rule.vmap_fields, fields, n * sizeof(*fields));
	emit_verdict(e, chain, &draft, RS_VMAP, map);
}

/* Ten lines a second tell an admin what is going on; a flood is in the counter. */
static void emit_one_log(struct emit *e, struct rs_chain *chain, const struct draft *draft,
			 const struct rs_log *log, const struct rs_match *from)
{
	struct draft logging = *draft;

	if (from)
		draft_add(&logging, *from);
	logging.rule.log = arena_dup(e->arena, log, sizeof(*log));
	logging.rule.counter = NULL;
	if (!logging.rule.log)
		e->err = -ENOMEM;
	else
		emit_verdict(e, chain, &logging, RS_CONTINUE, NULL);
}

/* The draft's conditions hold for packets of that family. */
static bool draft_allows(const struct emit *e, const struct draft *draft, enum rs_field field)
{
	struct rs_protocol known = { .family = e->family };
	struct rs_implied implied[RS_IMPLIED_MAX];
	size_t n;

	for (size_t i = 0; i < draft->n_matches; i++) {
		const struct rs_match *match = &draft->matches[i];
		for (size_t f = 0; f < match->n_fields; f++)
			if (rs_protocol_need(&known, ruleset_field_info(match->fields[f])->need,
					     implied, &n) < 0)
				return false;
		rs_protocol_learn(&known, match);
	}
	return rs_protocol_need(&known, ruleset_field_info(field)->need, implied, &n) == 0;
}

void emit_log(struct emit *e, struct rs_chain *chain, const struct draft *draft, const char *prefix)
{
	static const struct {
		enum rs_field source;
		const char *meter;
	} sources[] = { { RS_IP_SADDR, METER_LOGGED4 }, { RS_IP6_SADDR, METER_LOGGED6 } };
	bool netdev = e->family == RS_NETDEV;
	enum rs_field field = netdev ? RS_LINK_SADDR : RS_META_IIFNAME;
	const char *set = netdev ? SET_PARENT_MACS : SET_BRIDGES;
	struct rs_match container = match_in(field, set), other = match_not_in(field, set);
	struct rs_log log = { prefix, e->in->log_group, 10, 20, NULL, RS_IP_SADDR };

	if (e->family == RS_BRIDGE) { /* behind the host there is no port: that shares one limit */
		log.meter = METER_LOGGED_PORTS;
		log.source = RS_META_IIFNAME;
		emit_one_log(e, chain, draft, &log, NULL);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
		struct rs_log metered = log;
		metered.meter = sources[i].meter;
		metered.source = sources[i].source;
		if (draft_allows(e, draft, metered.source))
			emit_one_log(e, chain, draft, &metered, &container);
	}
	emit_one_log(e, chain, draft, &log, &other);
}

/* ---- sets ---- */

struct rs_set *emit_set(struct emit *e, const char *name, const enum rs_type *types, size_t n)
{
	struct rs_set *set = e->err ? NULL : ruleset_add_set(e->rs, e->family, name, types, n);

	if (!set)
		e->err = -ENOMEM;
	return set;
}

struct rs_set *emit_map(struct emit *e, const char *name, const enum rs_type *types, size_t n)
{
	struct rs_set *map = emit_set(e, name, types, n);

	if (map)
		map->map = true;
	return map;
}

void emit_elem(struct emit *e, struct rs_set *set, const struct rs_key *key)
{
	if (!e->err && ruleset_add_key(e->rs, set, key, NULL) < 0)
		e->err = -ENOMEM;
}

void emit_goto_elem(struct emit *e, struct rs_set *map, const struct rs_key *key,
		    const char *target)
{
	const struct rs_outcome outcome = { .verdict = RS_GOTO, .target = target };

	if (!e->err && ruleset_add_key(e->rs, map, key, &outcome) < 0)
		e->err = -ENOMEM;
}

struct rs_key key_addr(const struct ip_addr *addr)
{
	struct rs_key key = { 0 };

	rs_key_add(&key, addr->family == IP_V6 ? RS_TYPE_IPV6 : RS_TYPE_IPV4, addr->bytes, false);
	return key;
}

struct rs_key key_ifname(const char *ifname)
{
	char padded[WORLD_IFNAME_LEN] = { 0 };
	struct rs_key key = { 0 };

	memcpy(padded, ifname, strnlen(ifname, sizeof(padded) - 1));
	rs_key_add(&key, RS_TYPE_IFNAME, padded, false);
	return key;
}
