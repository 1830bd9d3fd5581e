/* SPDX-License-Identifier: GPL-2.0-or-later */
/* edge/fw's messages, in the words that libnftnl has for them: no kernel and no privilege. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <libnftnl/chain.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>

#include "edge/fw/encode.h"
#include "test_ruleset_random.h"

static int setup(void **state)
{
	*state = arena_new();
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	*state = arena_free(*state);
	return 0;
}

static const struct nlmsghdr *message(const struct fw_batch *batch, size_t i)
{
	return (const struct nlmsghdr *)(const void *)(batch->bytes + batch->records[i].at);
}

static uint8_t type_of(const struct nlmsghdr *nlh)
{
	return (uint8_t)nlh->nlmsg_type;
}

static void encode(struct fw_batch *batch, const struct ruleset *from, const struct ruleset *to,
		   const struct fw_encode_options *options)
{
	struct rs_diff diff;

	assert_int_equal(ruleset_diff(from, to, to->arena, &diff), 0);
	assert_int_equal(fw_batch_begin(batch, 100), 0);
	assert_int_equal(fw_encode(batch, &diff, options), 0);
	assert_int_equal(fw_batch_end(batch), 0);
}

static struct ruleset *sealed(struct ruleset *rs)
{
	const char *why;

	assert_int_equal(ruleset_seal(rs, &why), 0);
	return rs;
}

/* The messages lie one behind the other, numbered, and their lengths add up. */
static void is_one_well_formed_batch(void **state)
{
	struct fw_encode_options options = { .whole = true,
					     .exists = { true, false },
					     .table_flags = 6 };
	struct fw_batch batch;
	size_t len = 0;

	encode(&batch, NULL, sealed(sample_ruleset(*state)), &options);
	for (size_t i = 0; i < batch.n_records; i++) {
		const struct nlmsghdr *nlh = message(&batch, i);
		assert_int_equal((const uint8_t *)nlh - batch.bytes, len);
		assert_int_equal(nlh->nlmsg_seq, 100 + i);
		assert_true(nlh->nlmsg_flags & NLM_F_REQUEST);
		len += fw_align(nlh->nlmsg_len);
	}
	assert_int_equal(len, batch.len);
	assert_int_equal(message(&batch, 0)->nlmsg_type, NFNL_MSG_BATCH_BEGIN);
	assert_int_equal(type_of(message(&batch, 1)), NFT_MSG_DELTABLE);
	assert_int_equal(type_of(message(&batch, 2)), NFT_MSG_NEWTABLE);
	const struct nlmsghdr *end = message(&batch, batch.n_records - 1);
	assert_int_equal(end->nlmsg_type, NFNL_MSG_BATCH_END);
	assert_true(end->nlmsg_flags & NLM_F_ACK);

	fw_batch_set_genid(&batch, 0x01020304);
	const struct nlattr *genid =
		fw_attrs_find(fw_attrs_of(message(&batch, 0)), NFNL_BATCH_GENID);
	assert_int_equal(fw_attr_be32(genid, 0), 0x01020304);

	struct nftnl_table *table = nftnl_table_alloc();
	assert_int_equal(nftnl_table_nlmsg_parse(message(&batch, 2), table), 0);
	assert_string_equal(nftnl_table_get_str(table, NFTNL_TABLE_NAME), "netd");
	assert_int_equal(nftnl_table_get_u32(table, NFTNL_TABLE_FLAGS), 6);
	nftnl_table_free(table);
	fw_batch_done(&batch);
}

/* ---- rules ---- */

struct rule_row {
	struct rs_rule rule;
	const char *want; /* libnftnl's words, blanks and line ends folded */
};

static void fold(char *text)
{
	char *to = text;

	for (const char *from = text; *from; from++)
		if (!(*from == ' ' || *from == '\n') || (to > text && to[-1] != ' '))
			*to++ = *from == '\n' ? ' ' : *from;
	while (to > text && to[-1] == ' ')
		to--;
	*to = '\0';
}

static void expect_rule(struct arena *arena, enum rs_family family, const struct rule_row *row)
{
	struct ruleset *rs = sample_ruleset(arena);
	struct rs_chain *chain = add_chain(rs, family, "tested");
	struct nftnl_rule *rule = nftnl_rule_alloc();
	struct fw_batch batch;
	char text[4096];

	if (row->rule.target && family == RS_BRIDGE)
		(void)add_chain(rs, family, row->rule.target);
	add_rule(rs, chain, row->rule);
	(void)sealed(rs);
	assert_int_equal(fw_batch_begin(&batch, 1), 0);
	fw_encode_rule(&batch, family, chain, 0);
	assert_false(batch.failed);
	assert_int_equal(nftnl_rule_nlmsg_parse(message(&batch, batch.n_records - 1), rule), 0);
	nftnl_rule_snprintf(text, sizeof(text), rule, 0, 0);
	fold(text);
	const char *exprs = strchr(text, '[');
	assert_string_equal(exprs ? exprs : "", row->want);
	nftnl_rule_free(rule);
	fw_batch_done(&batch);
}

static void rules_of_inet(void **state)
{
	static const struct rs_log log = { "deny ", 5, 10, 20, NULL, RS_IP_SADDR };
	struct rs_mark mark = { RS_CT_SECMARK, 0xffff, 0x70000, false };
	struct rs_mark whole = { RS_META_MARK, 0, 0x12, false };
	struct rs_match match[] = {
		match_eq(RS_IP_SADDR, key_ip("10.0.0.1")),
		match_set(RS_NOT_IN, RS_CT_ORIGINAL_IP_SADDR, "lan4"),
		match_eq(RS_ICMPV6_TYPE, key_u8(RS_TYPE_ICMPV6_TYPE, 135)),
		match_bits(RS_BITS, RS_CT_STATUS, key_u32(RS_TYPE_CT_STATUS, 32),
			   key_u32(RS_TYPE_CT_STATUS, 32)),
		match_range(RS_IP6_HOPLIMIT, key_u8(RS_TYPE_INTEGER8, 1),
			    key_u8(RS_TYPE_INTEGER8, 9)),
	};
	const struct rule_row rows[] = {
		{ { .matches = &match[0], .n_matches = 1, .verdict = RS_DROP },
		  "[ meta load nfproto => reg 1 ] [ cmp eq reg 1 0x00000002 ] "
		  "[ payload load 4b @ network header + 12 => reg 1 ] "
		  "[ cmp eq reg 1 0x0100000a ] [ immediate reg 0 drop ]" },
		{ { .matches = &match[1], .n_matches = 1, .verdict = RS_GOTO, .target = "denied" },
		  "[ ct load src_ip => reg 1 , dir original ] [ lookup reg 1 set lan4 0x1 ] "
		  "[ immediate reg 0 goto -> denied ]" },
		{ { .matches = &match[2], .n_matches = 1, .verdict = RS_ACCEPT },
		  "[ meta load nfproto => reg 1 ] [ cmp eq reg 1 0x0000000a ] "
		  "[ meta load l4proto => reg 1 ] [ cmp eq reg 1 0x0000003a ] "
		  "[ payload load 1b @ transport header + 0 => reg 1 ] "
		  "[ cmp eq reg 1 0x00000087 ] [ immediate reg 0 accept ]" },
		{ { .matches = &match[3], .n_matches = 1, .verdict = RS_RETURN },
		  "[ ct load status => reg 1 ] "
		  "[ bitwise reg 1 = ( reg 1 & 0x00000020 ) ^ 0x00000000 ] "
		  "[ cmp neq reg 1 0x00000000 ] [ immediate reg 0 return ]" },
		{ { .matches = &match[4], .n_matches = 1, .verdict = RS_JUMP, .target = "denied" },
		  "[ meta load nfproto => reg 1 ] [ cmp eq reg 1 0x0000000a ] "
		  "[ payload load 1b @ network header + 7 => reg 1 ] "
		  "[ cmp gte reg 1 0x00000001 ] [ cmp lte reg 1 0x00000009 ] "
		  "[ immediate reg 0 jump -> denied ]" },
		{ { .log = &log },
		  "[ limit rate 10/second burst 20 type packets flags 0x0 ] "
		  "[ log prefix deny group 5 snaplen 0 qthreshold 0 ]" },
		{ { .counter = "denied", .mark = &mark },
		  "[ objref type 1 name denied ] [ ct load secmark => reg 1 ] "
		  "[ bitwise reg 1 = ( reg 1 & 0x0000ffff ) ^ 0x00070000 ] "
		  "[ ct set secmark with reg 1 ]" },
		{ { .mark = &whole },
		  "[ immediate reg 1 0x00000012 ] [ meta set mark with reg 1 ]" },
		{ { .verdict = RS_VMAP,
		    .target = "to4",
		    .vmap_fields = { RS_IP_DADDR },
		    .n_vmap_fields = 1 },
		  "[ meta load nfproto => reg 1 ] [ cmp eq reg 1 0x00000002 ] "
		  "[ payload load 4b @ network header + 16 => reg 1 ] "
		  "[ lookup reg 1 set to4 dreg 0 ]" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		expect_rule(*state, RS_INET, &rows[i]);
}

static void rules_of_bridge(void **state)
{
	static const enum rs_field tuple[] = { RS_META_IIFNAME, RS_ETHER_SADDR, RS_IP_SADDR };
	struct rs_match known = match_tuple(tuple, 3, "known4");
	struct rs_match arp = match_eq(RS_ARP_SADDR_IP, key_ip("172.18.0.2"));
	const struct rule_row rows[] = {
		{ { .matches = &known, .n_matches = 1, .verdict = RS_RETURN },
		  "[ meta load protocol => reg 1 ] [ cmp eq reg 1 0x00000008 ] "
		  "[ meta load iifname => reg 1 ] [ payload load 6b @ link header + 6 => reg 2 ] "
		  "[ payload load 4b @ network header + 12 => reg 14 ] "
		  "[ lookup reg 1 set known4 ] [ immediate reg 0 return ]" },
		{ { .matches = &arp, .n_matches = 1, .verdict = RS_RETURN },
		  "[ payload load 2b @ link header + 12 => reg 1 ] [ cmp eq reg 1 0x00000608 ] "
		  "[ payload load 4b @ network header + 14 => reg 1 ] "
		  "[ cmp eq reg 1 0x020012ac ] [ immediate reg 0 return ]" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		expect_rule(*state, RS_BRIDGE, &rows[i]);
}

/* ---- sets ---- */

static void large_sets_are_split(void **state)
{
	struct ruleset *rs = ruleset_new(*state);
	struct rs_set *set = add_set(rs, RS_INET, "large", RS_TYPE_IPV4);
	struct nftnl_set *parsed = nftnl_set_alloc();
	struct fw_encode_options options = { .whole = true };
	struct fw_batch batch;
	uint32_t n = 0;

	for (uint32_t i = 0; i < 20000; i++) {
		uint8_t bytes[4] = { 10, 0, (uint8_t)(i >> 8), (uint8_t)i };
		add_elem(rs, set, key_of(RS_TYPE_IPV4, bytes));
	}
	encode(&batch, NULL, sealed(rs), &options);
	for (size_t i = 0; i < batch.n_records; i++)
		if (type_of(message(&batch, i)) == NFT_MSG_NEWSETELEM &&
		    message(&batch, i)->nlmsg_type >> 8 == NFNL_SUBSYS_NFTABLES) {
			assert_true(message(&batch, i)->nlmsg_len < 65536);
			assert_int_equal(nftnl_set_elems_nlmsg_parse(message(&batch, i), parsed),
					 0);
		}
	struct nftnl_set_elems_iter *iter = nftnl_set_elems_iter_create(parsed);
	while (nftnl_set_elems_iter_next(iter))
		n++;
	nftnl_set_elems_iter_destroy(iter);
	assert_int_equal(n, 20000);
	nftnl_set_free(parsed);
	fw_batch_done(&batch);
}

/* The byte of a message where its n-th element lies. */
static uint32_t offset_of_element(const struct nlmsghdr *nlh, int n)
{
	const struct nlattr *list = fw_attrs_find(fw_attrs_of(nlh), NFTA_SET_ELEM_LIST_ELEMENTS);
	struct fw_attrs elems = fw_attrs_in(list);
	const struct nlattr *elem = NULL;

	for (int i = 0; i <= n; i++)
		elem = fw_attrs_next(&elems);
	return (uint32_t)((const char *)elem - (const char *)nlh);
}

static void describes_objects(void **state)
{
	struct fw_encode_options options = { .whole = true };
	struct fw_batch batch;
	char text[FW_DESCRIPTION_LEN];
	bool seen = false;

	encode(&batch, NULL, sealed(sample_ruleset(*state)), &options);
	fw_batch_describe(&batch, 100, 0, text);
	assert_string_equal(text, "the transaction");
	fw_batch_describe(&batch, 99, 0, text); /* not ours */
	assert_string_equal(text, "the transaction");
	fw_batch_describe(&batch, 101, 0, text);
	assert_string_equal(text, "table inet netd");
	for (size_t i = 0; i < batch.n_records; i++) {
		const struct fw_record *record = &batch.records[i];
		uint32_t seq = 100 + (uint32_t)i;
		if (record->object != FW_ELEMENTS || strcmp(record->name, "to4") != 0)
			continue;
		seen = true;
		fw_batch_describe(&batch, seq, 0, text);
		assert_string_equal(text, "elements of set inet netd to4");
		fw_batch_describe(&batch, seq, offset_of_element(message(&batch, i), 1), text);
		assert_string_equal(text, "element 172.18.0.8 of set inet netd to4");
		fw_batch_describe(&batch, seq, UINT32_MAX, text);
		assert_string_equal(text, "elements of set inet netd to4");
	}
	assert_true(seen);
	fw_batch_done(&batch);
}

/* What is let go of comes before what is deleted, and that before what is made. */
static void differences_are_ordered(void **state)
{
	static const int phase[] = {
		[NFT_MSG_DELSETELEM] = 1, [NFT_MSG_DELRULE] = 2, [NFT_MSG_DELSET] = 3,
		[NFT_MSG_DELCHAIN] = 4,	  [NFT_MSG_DELOBJ] = 5,	 [NFT_MSG_NEWOBJ] = 6,
		[NFT_MSG_NEWCHAIN] = 7,
	};

	for (uint64_t seed = 1; seed < 60; seed++) {
		struct ruleset *a = random_ruleset(*state, seed);
		struct ruleset *b = random_ruleset(*state, seed + 100);
		struct fw_encode_options options = { 0 };
		struct fw_batch batch;
		int before = 0;
		enum rs_family family = RS_INET;
		encode(&batch, a, b, &options);
		for (size_t i = 1; i + 1 < batch.n_records; i++) {
			uint8_t type = type_of(message(&batch, i));
			if (batch.records[i].family != family)
				before = 0;
			family = batch.records[i].family;
			if (type >= ARRAY_LEN(phase) || phase[type] == 0)
				continue;
			if (type == NFT_MSG_DELSETELEM && batch.records[i].object == FW_SET)
				continue; /* an interval set is emptied and filled again */
			assert_true(phase[type] >= before);
			before = phase[type];
		}
		fw_batch_done(&batch);
	}
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(is_one_well_formed_batch), T(rules_of_inet),	   T(rules_of_bridge),
		T(large_sets_are_split),     T(describes_objects), T(differences_are_ordered),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
