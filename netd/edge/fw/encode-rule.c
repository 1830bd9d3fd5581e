/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules: a function per kind of expression. */
#include <errno.h>
#include <string.h>

#include "core/ruleset/protocol.h"
#include "edge/fw/encode.h"

#define RULE_COMMENT 0 /* NFTNL_UDATA_RULE_COMMENT */

/* An expression is a list element with a name and its own attributes. */
struct expr {
	struct nlattr *elem, *data;
};

static struct expr expr_start_as(struct nlmsghdr *nlh, uint16_t type, const char *name)
{
	struct expr expr = { .elem = mnl_attr_nest_start(nlh, type) };

	mnl_attr_put_strz(nlh, NFTA_EXPR_NAME, name);
	expr.data = mnl_attr_nest_start(nlh, NFTA_EXPR_DATA);
	return expr;
}

static struct expr expr_start(struct nlmsghdr *nlh, const char *name)
{
	return expr_start_as(nlh, NFTA_LIST_ELEM, name);
}

static void expr_end(struct nlmsghdr *nlh, struct expr expr)
{
	mnl_attr_nest_end(nlh, expr.data);
	mnl_attr_nest_end(nlh, expr.elem);
}

/* Registers are 4 bytes each; one that begins a group of 16 bytes goes by the old name. */
static uint32_t register_at(size_t offset)
{
	return (uint32_t)(offset % 16 == 0 ? NFT_REG_1 + offset / 16 : NFT_REG32_00 + offset / 4);
}

/* [ meta load mark => reg 1 ] */
static void put_meta(struct nlmsghdr *nlh, uint32_t key, uint32_t dreg)
{
	struct expr expr = expr_start(nlh, "meta");

	fw_put_be32(nlh, NFTA_META_KEY, key);
	fw_put_be32(nlh, NFTA_META_DREG, dreg);
	expr_end(nlh, expr);
}

/* [ ct load src_ip => reg 1 , dir original ] */
static void put_ct(struct nlmsghdr *nlh, const struct rs_field_info *info, uint32_t dreg)
{
	struct expr expr = expr_start(nlh, "ct");

	fw_put_be32(nlh, NFTA_CT_KEY, info->key);
	fw_put_be32(nlh, NFTA_CT_DREG, dreg);
	if (info->detail != RS_NO_DIRECTION)
		mnl_attr_put_u8(nlh, NFTA_CT_DIRECTION, info->detail);
	expr_end(nlh, expr);
}

/* [ payload load 4b @ network header + 12 => reg 1 ] */
static void put_payload(struct nlmsghdr *nlh, uint32_t header, uint32_t offset, uint32_t len,
			uint32_t dreg)
{
	struct expr expr = expr_start(nlh, "payload");

	fw_put_be32(nlh, NFTA_PAYLOAD_DREG, dreg);
	fw_put_be32(nlh, NFTA_PAYLOAD_BASE, header);
	fw_put_be32(nlh, NFTA_PAYLOAD_OFFSET, offset);
	fw_put_be32(nlh, NFTA_PAYLOAD_LEN, len);
	expr_end(nlh, expr);
}

/* [ cmp eq reg 1 0x0100000a ] */
static void put_cmp(struct nlmsghdr *nlh, uint32_t op, const void *bytes, size_t len)
{
	struct expr expr = expr_start(nlh, "cmp");

	fw_put_be32(nlh, NFTA_CMP_SREG, NFT_REG_1);
	fw_put_be32(nlh, NFTA_CMP_OP, op);
	fw_put_value(nlh, NFTA_CMP_DATA, bytes, len);
	expr_end(nlh, expr);
}

/* [ bitwise reg 1 = ( reg 1 & 0x0000ff00 ) ^ 0x00000000 ] */
static void put_bitwise(struct nlmsghdr *nlh, const void *mask, const void *flip, size_t len)
{
	struct expr expr = expr_start(nlh, "bitwise");

	fw_put_be32(nlh, NFTA_BITWISE_SREG, NFT_REG_1);
	fw_put_be32(nlh, NFTA_BITWISE_DREG, NFT_REG_1);
	fw_put_be32(nlh, NFTA_BITWISE_LEN, (uint32_t)len);
	fw_put_value(nlh, NFTA_BITWISE_MASK, mask, len);
	fw_put_value(nlh, NFTA_BITWISE_XOR, flip, len);
	expr_end(nlh, expr);
}

struct lookup {
	const char *set;
	bool inverted, verdict;
};

/* [ lookup reg 1 set frontend4 ], [ lookup reg 1 set to4 dreg 0 ] */
static void put_lookup(struct nlmsghdr *nlh, const struct lookup *lookup)
{
	struct expr expr = expr_start(nlh, "lookup");

	mnl_attr_put_strz(nlh, NFTA_LOOKUP_SET, lookup->set);
	fw_put_be32(nlh, NFTA_LOOKUP_SREG, NFT_REG_1);
	if (lookup->verdict)
		fw_put_be32(nlh, NFTA_LOOKUP_DREG, NFT_REG_VERDICT);
	if (lookup->inverted)
		fw_put_be32(nlh, NFTA_LOOKUP_FLAGS, NFT_LOOKUP_F_INV);
	expr_end(nlh, expr);
}

static void put_load(struct nlmsghdr *nlh, enum rs_field field, uint32_t dreg)
{
	const struct rs_field_info *info = ruleset_field_info(field);

	switch (info->load) {
	case RS_LOAD_META:
		put_meta(nlh, info->key, dreg);
		break;
	case RS_LOAD_CT:
		put_ct(nlh, info, dreg);
		break;
	case RS_LOAD_PAYLOAD:
		put_payload(nlh, info->key, info->detail, info->len, dreg);
		break;
	}
}

/* iifname . ether saddr . ip saddr */
static void put_loads(struct nlmsghdr *nlh, const enum rs_field *fields, size_t n)
{
	size_t at = 0;

	for (size_t i = 0; i < n; i++) {
		put_load(nlh, fields[i], register_at(at));
		at += (ruleset_field_info(fields[i])->len + 3u) / 4 * 4;
	}
}

/* What nft adds by itself: meta nfproto ipv4, meta l4proto ipv6-icmp. (`ether type` is payload.) */
static void put_implied(struct nlmsghdr *nlh, struct rs_implied implied)
{
	uint8_t protocol = (uint8_t)implied.value;
	uint16_t ethertype = htobe16(implied.value);

	switch (implied.kind) {
	case RS_IMPLIED_NFPROTO:
		put_meta(nlh, NFT_META_NFPROTO, NFT_REG_1);
		put_cmp(nlh, NFT_CMP_EQ, &protocol, sizeof(protocol));
		break;
	case RS_IMPLIED_L4PROTO:
		put_meta(nlh, NFT_META_L4PROTO, NFT_REG_1);
		put_cmp(nlh, NFT_CMP_EQ, &protocol, sizeof(protocol));
		break;
	case RS_IMPLIED_PROTOCOL:
		put_meta(nlh, NFT_META_PROTOCOL, NFT_REG_1);
		put_cmp(nlh, NFT_CMP_EQ, &ethertype, sizeof(ethertype));
		break;
	case RS_IMPLIED_ETHER_TYPE:
		put_load(nlh, RS_ETHER_TYPE, NFT_REG_1);
		put_cmp(nlh, NFT_CMP_EQ, &ethertype, sizeof(ethertype));
		break;
	}
}

/* What nft puts before these fields. */
static void put_needs(struct nlmsghdr *nlh, const enum rs_field *fields, size_t n_fields,
		      struct rs_protocol *known)
{
	for (size_t i = 0; i < n_fields; i++) {
		struct rs_implied implied[RS_IMPLIED_MAX];
		size_t n = 0;
		enum rs_need need = ruleset_field_info(fields[i])->need;
		if (rs_protocol_need(known, need, implied, &n) < 0)
			continue;
		for (size_t j = 0; j < n; j++)
			put_implied(nlh, implied[j]);
	}
}

/* ct mark & 0x0000ff00 == 0x00001200; ct status dnat, which is != 0 */
static void put_masked(struct nlmsghdr *nlh, const struct rs_match *match)
{
	static const uint8_t zero[RS_KEY_BYTES];
	bool flag = rs_match_is_flag(match);

	put_bitwise(nlh, match->mask.bytes, zero, match->mask.len);
	put_cmp(nlh, flag ? NFT_CMP_NEQ : NFT_CMP_EQ, flag ? zero : match->value.bytes,
		match->mask.len);
}

static void put_match(struct nlmsghdr *nlh, const struct rs_match *match)
{
	struct lookup lookup = { .set = match->set, .inverted = match->op == RS_NOT_IN };

	put_loads(nlh, match->fields, match->n_fields);
	switch (match->op) {
	case RS_EQ:
		put_cmp(nlh, NFT_CMP_EQ, match->value.bytes, match->value.len);
		break;
	case RS_NE:
		put_cmp(nlh, NFT_CMP_NEQ, match->value.bytes, match->value.len);
		break;
	case RS_BITS:
		put_masked(nlh, match);
		break;
	case RS_RANGE:
		put_cmp(nlh, NFT_CMP_GTE, match->value.bytes, match->value.len);
		put_cmp(nlh, NFT_CMP_LTE, match->last.bytes, match->last.len);
		break;
	case RS_IN:
	case RS_NOT_IN:
		put_lookup(nlh, &lookup);
		break;
	}
}

/* The rule's conditions, each behind what nft puts before it; what is known after them. */
static struct rs_protocol put_matches(struct nlmsghdr *nlh, const struct rs_rule *rule,
				      enum rs_family family)
{
	struct rs_protocol known = { .family = family };

	for (size_t i = 0; i < rule->n_matches; i++) {
		const struct rs_match *match = &rule->matches[i];
		put_needs(nlh, match->fields, match->n_fields, &known);
		put_match(nlh, match);
		rs_protocol_learn(&known, match);
	}
	return known;
}

/* limit rate 10/second burst 20 packets, as an expression of its own or within another */
static void put_limit(struct nlmsghdr *nlh, uint16_t type, const struct rs_log *log)
{
	struct expr expr = expr_start_as(nlh, type, "limit");

	mnl_attr_put_u64(nlh, NFTA_LIMIT_RATE, htobe64(log->per_second));
	mnl_attr_put_u64(nlh, NFTA_LIMIT_UNIT, htobe64(1));
	fw_put_be32(nlh, NFTA_LIMIT_BURST, log->burst);
	fw_put_be32(nlh, NFTA_LIMIT_TYPE, NFT_LIMIT_PKTS);
	fw_put_be32(nlh, NFTA_LIMIT_FLAGS, 0);
	expr_end(nlh, expr);
}

/* update @logged4 { ip saddr limit rate 10/second burst 20 packets }, with what nft puts before it
 */
static void put_meter(struct nlmsghdr *nlh, const struct rs_log *log, struct rs_protocol *known)
{
	put_needs(nlh, &log->source, 1, known);
	put_load(nlh, log->source, NFT_REG_1);
	struct expr expr = expr_start(nlh, "dynset");
	mnl_attr_put_strz(nlh, NFTA_DYNSET_SET_NAME, log->meter);
	fw_put_be32(nlh, NFTA_DYNSET_OP, NFT_DYNSET_OP_UPDATE);
	fw_put_be32(nlh, NFTA_DYNSET_SREG_KEY, NFT_REG_1);
	put_limit(nlh, NFTA_DYNSET_EXPR, log);
	expr_end(nlh, expr);
}

/* … log prefix "deny " group 5 */
static void put_log(struct nlmsghdr *nlh, const struct rs_log *log, struct rs_protocol *known)
{
	if (log->meter)
		put_meter(nlh, log, known);
	else
		put_limit(nlh, NFTA_LIST_ELEM, log);
	struct expr expr = expr_start(nlh, "log");
	mnl_attr_put_u16(nlh, NFTA_LOG_GROUP, htobe16(log->group));
	mnl_attr_put_strz(nlh, NFTA_LOG_PREFIX, log->prefix);
	expr_end(nlh, expr);
}

/* counter name "denied" */
static void put_counter(struct nlmsghdr *nlh, const char *name)
{
	struct expr expr = expr_start(nlh, "objref");

	fw_put_be32(nlh, NFTA_OBJREF_IMM_TYPE, NFT_OBJECT_COUNTER);
	mnl_attr_put_strz(nlh, NFTA_OBJREF_IMM_NAME, name);
	expr_end(nlh, expr);
}

/* [ immediate reg 1 0x00000012 ] */
static void put_number(struct nlmsghdr *nlh, uint32_t value)
{
	struct expr expr = expr_start(nlh, "immediate");

	fw_put_be32(nlh, NFTA_IMMEDIATE_DREG, NFT_REG_1);
	fw_put_value(nlh, NFTA_IMMEDIATE_DATA, &value, sizeof(value));
	expr_end(nlh, expr);
}

/* ct mark set ct mark & 0x0000ffff | 0x00070000 */
static void put_mark(struct nlmsghdr *nlh, const struct rs_mark *mark)
{
	const struct rs_field_info *info = ruleset_field_info(mark->field);
	bool ct = info->load == RS_LOAD_CT;

	if (mark->mask == 0) {
		put_number(nlh, mark->bits);
	} else {
		put_load(nlh, mark->field, NFT_REG_1);
		put_bitwise(nlh, &mark->mask, &mark->bits, sizeof(mark->mask));
	}
	struct expr expr = expr_start(nlh, ct ? "ct" : "meta");
	_Static_assert((int)NFTA_CT_KEY == (int)NFTA_META_KEY, "one attribute for both");
	fw_put_be32(nlh, NFTA_META_KEY, info->key);
	fw_put_be32(nlh, ct ? NFTA_CT_SREG : NFTA_META_SREG, NFT_REG_1);
	expr_end(nlh, expr);
}

/* drop; goto to.backend */
static void put_verdict(struct nlmsghdr *nlh, const struct rs_rule *rule)
{
	struct expr expr = expr_start(nlh, "immediate");

	fw_put_be32(nlh, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
	fw_put_verdict(nlh, NFTA_IMMEDIATE_DATA, rule->verdict, rule->target);
	expr_end(nlh, expr);
}

/* ct reply ip saddr vmap @to4, with what nft puts before it */
static void put_vmap(struct nlmsghdr *nlh, const struct rs_rule *rule, struct rs_protocol known)
{
	put_needs(nlh, rule->vmap_fields, rule->n_vmap_fields, &known);
	put_loads(nlh, rule->vmap_fields, rule->n_vmap_fields);
	put_lookup(nlh, &(struct lookup){ .set = rule->target, .verdict = true });
}

static void put_statements(struct nlmsghdr *nlh, const struct rs_rule *rule,
			   struct rs_protocol known)
{
	if (rule->log)
		put_log(nlh, rule->log, &known);
	if (rule->counter)
		put_counter(nlh, rule->counter);
	if (rule->mark)
		put_mark(nlh, rule->mark);
	if (rule->verdict == RS_VMAP)
		put_vmap(nlh, rule, known);
	else if (rule->verdict != RS_CONTINUE)
		put_verdict(nlh, rule);
}

static void put_comment(struct nlmsghdr *nlh, const char *comment)
{
	uint8_t udata[2 + UINT8_MAX] = { RULE_COMMENT };
	size_t len = strnlen(comment, UINT8_MAX - 1) + 1;

	udata[1] = (uint8_t)len;
	memcpy(udata + 2, comment, len - 1);
	mnl_attr_put(nlh, NFTA_RULE_USERDATA, 2 + len, udata);
}

/* add rule inet netd to.backend … */
int fw_encode_rule(struct fw_batch *batch, enum rs_family family, const struct rs_chain *chain,
		   size_t index)
{
	const struct rs_rule *rule = &chain->rules.items[index];
	struct fw_record record = { .object = FW_RULE,
				    .family = family,
				    .name = chain->name,
				    .rule = (uint32_t)index + 1 };
	struct nlmsghdr *nlh =
		fw_batch_message(batch, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND, &record);

	if (!nlh)
		return -ENOMEM;
	mnl_attr_put_strz(nlh, NFTA_RULE_TABLE, batch->table);
	mnl_attr_put_strz(nlh, NFTA_RULE_CHAIN, chain->name);
	struct nlattr *exprs = mnl_attr_nest_start(nlh, NFTA_RULE_EXPRESSIONS);
	put_statements(nlh, rule, put_matches(nlh, rule, family));
	mnl_attr_nest_end(nlh, exprs);
	if (rule->comment)
		put_comment(nlh, rule->comment);
	fw_batch_close(batch, nlh);
	return 0;
}
