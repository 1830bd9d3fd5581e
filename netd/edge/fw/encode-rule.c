/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules: a function per kind of expression. */
#include <stdio.h> /* libnftnl/expr.h in 1.2.4 does not compile without */

#include <libnftnl/expr.h>
#include <libnftnl/rule.h>

#include "core/ruleset/protocol.h"
#include "edge/fw/encode.h"

/* A rule that is being built. The expression that was added last belongs to it, and is the one that
 * attributes are set of; NULL when memory is out. */
struct rule_builder {
	struct fw_batch *batch;
	struct nftnl_rule *rule;
	struct nftnl_expr *expr;
	struct rs_protocol known; /* of the packet, at this point of the rule */
};

uint32_t fw_verdict_code(enum rs_verdict verdict)
{
	static const int codes[] = {
		[RS_CONTINUE] = NFT_CONTINUE, [RS_ACCEPT] = NF_ACCEPT, [RS_DROP] = NF_DROP,
		[RS_RETURN] = NFT_RETURN,     [RS_JUMP] = NFT_JUMP,    [RS_GOTO] = NFT_GOTO,
	};

	return (uint32_t)codes[verdict];
}

static void free_rule(struct nftnl_rule **rule)
{
	if (*rule)
		nftnl_rule_free(*rule);
}

/* ---- expressions ---- */

static void add_expr(struct rule_builder *b, const char *name)
{
	b->expr = nftnl_expr_alloc(name);
	b->batch->failed |= !b->expr;
	if (b->expr)
		nftnl_rule_add_expr(b->rule, b->expr);
}

static void set_u32(struct rule_builder *b, uint16_t attr, uint32_t value)
{
	if (b->expr)
		nftnl_expr_set_u32(b->expr, attr, value);
}

static void set_bytes(struct rule_builder *b, uint16_t attr, const void *bytes, size_t len)
{
	b->batch->failed |= !b->expr || nftnl_expr_set(b->expr, attr, bytes, (uint32_t)len) < 0;
}

static void set_text(struct rule_builder *b, uint16_t attr, const char *text)
{
	b->batch->failed |= !b->expr || nftnl_expr_set_str(b->expr, attr, text) < 0;
}

/* Registers are 4 bytes each; one that begins a group of 16 bytes goes by the old name. */
static uint32_t register_at(size_t offset)
{
	return (uint32_t)(offset % 16 == 0 ? NFT_REG_1 + offset / 16 : NFT_REG32_00 + offset / 4);
}

/* [ meta load mark => reg 1 ] */
static void put_meta(struct rule_builder *b, uint32_t key, uint32_t dreg)
{
	add_expr(b, "meta");
	set_u32(b, NFTNL_EXPR_META_KEY, key);
	set_u32(b, NFTNL_EXPR_META_DREG, dreg);
}

/* [ ct load src_ip => reg 1 , dir original ] */
static void put_ct(struct rule_builder *b, const struct rs_field_info *info, uint32_t dreg)
{
	add_expr(b, "ct");
	set_u32(b, NFTNL_EXPR_CT_KEY, info->key);
	set_u32(b, NFTNL_EXPR_CT_DREG, dreg);
	if (info->detail != RS_NO_DIRECTION)
		set_bytes(b, NFTNL_EXPR_CT_DIR, &info->detail, sizeof(info->detail));
}

/* [ payload load 4b @ network header + 12 => reg 1 ] */
static void put_payload(struct rule_builder *b, const struct rs_field_info *info, uint32_t dreg)
{
	add_expr(b, "payload");
	set_u32(b, NFTNL_EXPR_PAYLOAD_DREG, dreg);
	set_u32(b, NFTNL_EXPR_PAYLOAD_BASE, info->key);
	set_u32(b, NFTNL_EXPR_PAYLOAD_OFFSET, info->detail);
	set_u32(b, NFTNL_EXPR_PAYLOAD_LEN, info->len);
}

/* [ cmp eq reg 1 0x0100000a ] */
static void put_cmp(struct rule_builder *b, uint32_t op, const void *bytes, size_t len)
{
	add_expr(b, "cmp");
	set_u32(b, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
	set_u32(b, NFTNL_EXPR_CMP_OP, op);
	set_bytes(b, NFTNL_EXPR_CMP_DATA, bytes, len);
}

/* [ bitwise reg 1 = ( reg 1 & 0x0000ff00 ) ^ 0x00000000 ] */
static void put_bitwise(struct rule_builder *b, const void *mask, const void *flip, size_t len)
{
	add_expr(b, "bitwise");
	set_u32(b, NFTNL_EXPR_BITWISE_SREG, NFT_REG_1);
	set_u32(b, NFTNL_EXPR_BITWISE_DREG, NFT_REG_1);
	set_u32(b, NFTNL_EXPR_BITWISE_LEN, (uint32_t)len);
	set_bytes(b, NFTNL_EXPR_BITWISE_MASK, mask, len);
	set_bytes(b, NFTNL_EXPR_BITWISE_XOR, flip, len);
}

/* [ lookup reg 1 set frontend4 ] */
static void put_lookup(struct rule_builder *b, const char *set)
{
	add_expr(b, "lookup");
	set_u32(b, NFTNL_EXPR_LOOKUP_SREG, NFT_REG_1);
	set_text(b, NFTNL_EXPR_LOOKUP_SET, set);
}

/* ---- conditions ---- */

static void put_load(struct rule_builder *b, enum rs_field field, uint32_t dreg)
{
	const struct rs_field_info *info = ruleset_field_info(field);

	switch (info->load) {
	case RS_LOAD_META:
		put_meta(b, info->key, dreg);
		break;
	case RS_LOAD_CT:
		put_ct(b, info, dreg);
		break;
	case RS_LOAD_PAYLOAD:
		put_payload(b, info, dreg);
		break;
	}
}

/* iifname . ether saddr . ip saddr */
static void put_loads(struct rule_builder *b, const enum rs_field *fields, size_t n)
{
	size_t at = 0;

	for (size_t i = 0; i < n; i++) {
		put_load(b, fields[i], register_at(at));
		at += (ruleset_field_info(fields[i])->len + 3u) / 4 * 4;
	}
}

/* What nft adds by itself: meta nfproto ipv4, meta l4proto ipv6-icmp. */
static void put_implied(struct rule_builder *b, struct rs_implied implied)
{
	uint8_t protocol = (uint8_t)implied.value;
	uint16_t ethertype = htobe16(implied.value);

	switch (implied.kind) {
	case RS_IMPLIED_NFPROTO:
		put_meta(b, NFT_META_NFPROTO, NFT_REG_1);
		put_cmp(b, NFT_CMP_EQ, &protocol, sizeof(protocol));
		break;
	case RS_IMPLIED_L4PROTO:
		put_meta(b, NFT_META_L4PROTO, NFT_REG_1);
		put_cmp(b, NFT_CMP_EQ, &protocol, sizeof(protocol));
		break;
	case RS_IMPLIED_PROTOCOL:
		put_meta(b, NFT_META_PROTOCOL, NFT_REG_1);
		put_cmp(b, NFT_CMP_EQ, &ethertype, sizeof(ethertype));
		break;
	case RS_IMPLIED_ETHER_TYPE:
		put_load(b, RS_ETHER_TYPE, NFT_REG_1);
		put_cmp(b, NFT_CMP_EQ, &ethertype, sizeof(ethertype));
		break;
	}
}

/* What nft puts before these fields. */
static void put_needs(struct rule_builder *b, const enum rs_field *fields, size_t n_fields)
{
	for (size_t i = 0; i < n_fields; i++) {
		struct rs_implied implied[RS_IMPLIED_MAX];
		size_t n = 0;
		enum rs_need need = ruleset_field_info(fields[i])->need;
		if (rs_protocol_need(&b->known, need, implied, &n) < 0)
			continue;
		for (size_t j = 0; j < n; j++)
			put_implied(b, implied[j]);
	}
}

/* ct mark & 0x0000ff00 == 0x00001200; ct status dnat, which is != 0 */
static void put_masked(struct rule_builder *b, const struct rs_match *match)
{
	static const uint8_t zero[RS_KEY_BYTES];
	bool flag = rs_match_is_flag(match);

	put_bitwise(b, match->mask.bytes, zero, match->mask.len);
	put_cmp(b, flag ? NFT_CMP_NEQ : NFT_CMP_EQ, flag ? zero : match->value.bytes,
		match->mask.len);
}

static void put_match(struct rule_builder *b, const struct rs_match *match)
{
	put_needs(b, match->fields, match->n_fields);
	put_loads(b, match->fields, match->n_fields);
	switch (match->op) {
	case RS_EQ:
		put_cmp(b, NFT_CMP_EQ, match->value.bytes, match->value.len);
		break;
	case RS_NE:
		put_cmp(b, NFT_CMP_NEQ, match->value.bytes, match->value.len);
		break;
	case RS_BITS:
		put_masked(b, match);
		break;
	case RS_RANGE:
		put_cmp(b, NFT_CMP_GTE, match->value.bytes, match->value.len);
		put_cmp(b, NFT_CMP_LTE, match->last.bytes, match->last.len);
		break;
	case RS_NOT_IN:
		put_lookup(b, match->set);
		set_u32(b, NFTNL_EXPR_LOOKUP_FLAGS, NFT_LOOKUP_F_INV);
		break;
	case RS_IN:
		put_lookup(b, match->set);
		break;
	}
	rs_protocol_learn(&b->known, match);
}

/* ---- statements ---- */

/* limit rate 10/second burst 20 packets */
static void set_limit(struct nftnl_expr *limit, const struct rs_log *log)
{
	nftnl_expr_set_u64(limit, NFTNL_EXPR_LIMIT_RATE, log->per_second);
	nftnl_expr_set_u64(limit, NFTNL_EXPR_LIMIT_UNIT, 1);
	nftnl_expr_set_u32(limit, NFTNL_EXPR_LIMIT_BURST, log->burst);
	nftnl_expr_set_u32(limit, NFTNL_EXPR_LIMIT_TYPE, NFT_LIMIT_PKTS);
	nftnl_expr_set_u32(limit, NFTNL_EXPR_LIMIT_FLAGS, 0);
}

/* update @logged4 { ip saddr limit rate 10/second burst 20 packets }, with what nft puts before it
 */
static void put_meter(struct rule_builder *b, const struct rs_log *log)
{
	put_needs(b, &log->source, 1);
	put_load(b, log->source, NFT_REG_1);
	struct nftnl_expr *limit = nftnl_expr_alloc("limit");
	add_expr(b, "dynset");
	set_u32(b, NFTNL_EXPR_DYNSET_OP, NFT_DYNSET_OP_UPDATE);
	set_u32(b, NFTNL_EXPR_DYNSET_SREG_KEY, NFT_REG_1);
	set_text(b, NFTNL_EXPR_DYNSET_SET_NAME, log->meter);
	b->batch->failed |= !limit;
	if (limit)
		set_limit(limit, log);
	if (limit && b->expr)
		nftnl_expr_add_expr(b->expr, NFTNL_EXPR_DYNSET_EXPRESSIONS, limit);
	else if (limit)
		nftnl_expr_free(limit);
}

/* … log prefix "deny " group 5 */
static void put_log(struct rule_builder *b, const struct rs_log *log)
{
	if (log->meter) {
		put_meter(b, log);
	} else {
		add_expr(b, "limit");
		if (b->expr)
			set_limit(b->expr, log);
	}
	add_expr(b, "log");
	set_bytes(b, NFTNL_EXPR_LOG_GROUP, &log->group, sizeof(log->group));
	set_text(b, NFTNL_EXPR_LOG_PREFIX, log->prefix);
}

/* counter name "denied" */
static void put_counter(struct rule_builder *b, const char *name)
{
	add_expr(b, "objref");
	set_u32(b, NFTNL_EXPR_OBJREF_IMM_TYPE, NFT_OBJECT_COUNTER);
	set_text(b, NFTNL_EXPR_OBJREF_IMM_NAME, name);
}

/* [ immediate reg 1 0x00000012 ] */
static void put_number(struct rule_builder *b, uint32_t value)
{
	add_expr(b, "immediate");
	set_u32(b, NFTNL_EXPR_IMM_DREG, NFT_REG_1);
	set_bytes(b, NFTNL_EXPR_IMM_DATA, &value, sizeof(value));
}

/* ct mark set ct mark & 0x0000ffff | 0x00070000 */
static void put_mark(struct rule_builder *b, const struct rs_mark *mark)
{
	const struct rs_field_info *info = ruleset_field_info(mark->field);
	bool ct = info->load == RS_LOAD_CT;

	if (mark->mask == 0) {
		put_number(b, mark->bits);
	} else {
		put_load(b, mark->field, NFT_REG_1);
		put_bitwise(b, &mark->mask, &mark->bits, sizeof(mark->mask));
	}
	add_expr(b, ct ? "ct" : "meta");
	set_u32(b, ct ? NFTNL_EXPR_CT_KEY : NFTNL_EXPR_META_KEY, info->key);
	set_u32(b, ct ? NFTNL_EXPR_CT_SREG : NFTNL_EXPR_META_SREG, NFT_REG_1);
}

/* update @asked4 { ip saddr . ip daddr … } */
static void put_note(struct rule_builder *b, const struct rs_note *note)
{
	put_needs(b, note->fields, note->n_fields);
	put_loads(b, note->fields, note->n_fields);
	add_expr(b, "dynset");
	set_u32(b, NFTNL_EXPR_DYNSET_OP, NFT_DYNSET_OP_UPDATE);
	set_u32(b, NFTNL_EXPR_DYNSET_SREG_KEY, NFT_REG_1);
	set_text(b, NFTNL_EXPR_DYNSET_SET_NAME, note->set);
}

/* drop; goto to.backend */
static void put_verdict(struct rule_builder *b, const struct rs_rule *rule)
{
	add_expr(b, "immediate");
	set_u32(b, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
	set_u32(b, NFTNL_EXPR_IMM_VERDICT, fw_verdict_code(rule->verdict));
	if (rule->verdict == RS_JUMP || rule->verdict == RS_GOTO)
		set_text(b, NFTNL_EXPR_IMM_CHAIN, rule->target);
}

/* ct reply ip saddr vmap @to4, with what nft puts before it */
static void put_vmap(struct rule_builder *b, const struct rs_rule *rule)
{
	put_needs(b, rule->vmap_fields, rule->n_vmap_fields);
	put_loads(b, rule->vmap_fields, rule->n_vmap_fields);
	put_lookup(b, rule->target);
	set_u32(b, NFTNL_EXPR_LOOKUP_DREG, NFT_REG_VERDICT);
}

static void put_statements(struct rule_builder *b, const struct rs_rule *rule)
{
	if (rule->log)
		put_log(b, rule->log);
	if (rule->counter)
		put_counter(b, rule->counter);
	if (rule->mark)
		put_mark(b, rule->mark);
	if (rule->note)
		put_note(b, rule->note);
	if (rule->verdict == RS_VMAP)
		put_vmap(b, rule);
	else if (rule->verdict != RS_CONTINUE)
		put_verdict(b, rule);
}

/* ---- rules ---- */

static void set_comment(struct rule_builder *b, const char *comment)
{
	struct nftnl_udata_buf *notes CLEANUP(fw_free_udata) =
		nftnl_udata_buf_alloc(NFT_USERDATA_MAXLEN);

	b->batch->failed |=
		!notes || !nftnl_udata_put_strz(notes, NFTNL_UDATA_RULE_COMMENT, comment) ||
		nftnl_rule_set_data(b->rule, NFTNL_RULE_USERDATA, nftnl_udata_buf_data(notes),
				    nftnl_udata_buf_len(notes)) < 0;
}

/* A rule by its chain alone. NULL: out of memory. */
static struct nftnl_rule *new_rule(struct fw_batch *batch, const struct rs_chain *chain)
{
	struct nftnl_rule *rule CLEANUP(free_rule) = nftnl_rule_alloc();

	batch->failed |= !rule || nftnl_rule_set_str(rule, NFTNL_RULE_TABLE, batch->table) < 0 ||
			 nftnl_rule_set_str(rule, NFTNL_RULE_CHAIN, chain->name) < 0;
	return batch->failed ? NULL : TAKE_PTR(rule);
}

/* add rule inet netd to.backend … */
void fw_encode_rule(struct fw_batch *batch, enum rs_family family, const struct rs_chain *chain,
		    size_t index)
{
	const struct rs_rule *rule = &chain->rules.items[index];
	struct fw_record record = { .object = FW_RULE,
				    .family = family,
				    .name = chain->name,
				    .rule = (uint32_t)index + 1 };
	struct nftnl_rule *object CLEANUP(free_rule) = new_rule(batch, chain);
	struct rule_builder b = { .batch = batch, .rule = object, .known = { .family = family } };
	struct nlmsghdr *nlh =
		fw_batch_message(batch, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND, &record);

	if (!object || !nlh)
		return;
	for (size_t i = 0; i < rule->n_matches; i++)
		put_match(&b, &rule->matches[i]);
	put_statements(&b, rule);
	if (rule->comment)
		set_comment(&b, rule->comment);
	if (batch->failed)
		return;
	nftnl_rule_nlmsg_build_payload(nlh, object);
	fw_batch_close(batch, nlh);
}

void fw_encode_flush(struct fw_batch *batch, enum rs_family family, const struct rs_chain *chain)
{
	struct fw_record record = { .object = FW_RULES, .family = family, .name = chain->name };
	struct nftnl_rule *every CLEANUP(free_rule) = new_rule(batch, chain);
	struct nlmsghdr *nlh = fw_batch_message(batch, NFT_MSG_DELRULE, 0, &record);

	if (!every || !nlh)
		return;
	nftnl_rule_nlmsg_build_payload(nlh, every);
	fw_batch_close(batch, nlh);
}
