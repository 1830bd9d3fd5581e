/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is in force: the stamp in the rules, and the counters. */
#include <errno.h>
#include <stdlib.h>

#include "edge/fw/handle.h"

/* ---- the stamp ---- */

static uint32_t data_number(const struct nlattr *data)
{
	const struct nlattr *value = fw_attr_inner(data, NFTA_DATA_VALUE);
	uint32_t n = 0;

	if (value && fw_attr_len(value) == sizeof(n))
		memcpy(&n, fw_attr_bytes(value), sizeof(n));
	return n;
}

static bool sets_secmark(const char *name, const struct nlattr *data)
{
	return strcmp(name, "ct") == 0 && fw_attr_inner(data, NFTA_CT_SREG) &&
	       fw_attr_be32(fw_attr_inner(data, NFTA_CT_KEY), UINT32_MAX) == NFT_CT_SECMARK;
}

/* `ct secmark set ct secmark & ~mask | stamp`: the bits that are put in, and the place they are put
 * in. A rule says so itself, whatever was committed in between. */
int fw_take_stamp(const struct nlmsghdr *nlh, void *userdata)
{
	struct fw_state *state = userdata;
	const struct nlattr *list = fw_attrs_find(fw_attrs_of(nlh), NFTA_RULE_EXPRESSIONS);
	const struct nlattr *elem;
	uint32_t mask = 0, bits = 0;
	bool computed = false;

	if (!list || state->stamped)
		return 0;
	struct fw_attrs elems = fw_attrs_in(list);
	while ((elem = fw_attrs_next(&elems))) {
		const char *name = fw_attr_text(fw_attr_inner(elem, NFTA_EXPR_NAME));
		const struct nlattr *data = fw_attr_inner(elem, NFTA_EXPR_DATA);
		if (strcmp(name, "bitwise") == 0) {
			mask = ~data_number(fw_attr_inner(data, NFTA_BITWISE_MASK));
			bits = data_number(fw_attr_inner(data, NFTA_BITWISE_XOR));
			computed = true;
		}
		if (computed && sets_secmark(name, data)) {
			state->stamped = true;
			state->stamp = bits;
			state->stamp_mask = mask;
		}
	}
	return 0;
}

int fw_probe(struct fw *fw, struct fw_state *ret, struct fw_error *error)
{
	struct fw_state state = { 0 };
	struct fw_dump rules = { fw_take_stamp, &state, &state, sizeof(state) };
	bool exists[RS_FAMILY_COUNT];
	char buffer[FW_QUESTION_BYTES];
	struct nlmsghdr *nlh = fw_question(buffer, NFT_MSG_GETRULE, NLM_F_DUMP, NFPROTO_INET);
	int r = fw_tables(fw, exists);

	mnl_attr_put_strz(nlh, NFTA_RULE_TABLE, RS_TABLE_NAME);
	if (r == 0 && exists[RS_INET])
		r = fw_dump(fw, nlh, &rules);
	if (r < 0)
		return fw_fail(error, r, "reading the rules in force: %s", strerror(-r));
	memcpy(state.exists, exists, sizeof(exists));
	*ret = state;
	return 0;
}

/* ---- counters ---- */

int fw_take_counter(const struct nlmsghdr *nlh, void *userdata)
{
	struct fw_reading *reading = userdata;
	struct fw_counters *counters = reading->ret;
	struct fw_attrs attrs = fw_attrs_of(nlh);
	const struct nlattr *data = fw_attrs_find(attrs, NFTA_OBJ_DATA);
	const char *table = fw_attr_text(fw_attrs_find(attrs, NFTA_OBJ_TABLE));
	struct fw_counter counter = {
		.packets = fw_attr_be64(fw_attr_inner(data, NFTA_COUNTER_PACKETS)),
		.bytes = fw_attr_be64(fw_attr_inner(data, NFTA_COUNTER_BYTES)),
	};

	if (strcmp(table, RS_TABLE_NAME) != 0 ||
	    !fw_family_find(fw_family_of(nlh), &counter.family))
		return 0;
	counter.name =
		arena_strdup(reading->arena, fw_attr_text(fw_attrs_find(attrs, NFTA_OBJ_NAME)));
	if (!counter.name)
		return -ENOMEM;
	return VEC_PUSH(reading->arena, &counters->counters, counter);
}

static int by_name(const void *left, const void *right)
{
	const struct fw_counter *a = left, *b = right;

	return a->family != b->family ? (int)a->family - (int)b->family : strcmp(a->name, b->name);
}

int fw_counters(struct fw *fw, struct arena *arena, struct fw_counters *ret, struct fw_error *error)
{
	struct fw_counters counters;
	struct fw_reading reading = { arena, &counters };
	struct fw_dump dump = { fw_take_counter, &reading, &counters, sizeof(counters) };
	char buffer[FW_QUESTION_BYTES];
	struct nlmsghdr *nlh = fw_question(buffer, NFT_MSG_GETOBJ, NLM_F_DUMP, NFPROTO_UNSPEC);

	mnl_attr_put_strz(nlh, NFTA_OBJ_TABLE, RS_TABLE_NAME);
	fw_put_be32(nlh, NFTA_OBJ_TYPE, NFT_OBJECT_COUNTER);
	int r = fw_dump(fw, nlh, &dump);
	if (r < 0)
		return fw_fail(error, r, "reading the counters: %s", strerror(-r));
	if (counters.counters.n)
		qsort(counters.counters.items, counters.counters.n, sizeof(struct fw_counter),
		      by_name);
	*ret = counters;
	return 0;
}
