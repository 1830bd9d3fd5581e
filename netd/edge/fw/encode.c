/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The order of a transaction: first let go of what is used, then delete it, then make the new, then
 * use it. The kernel checks every message against the state that the messages before it made. */
#include "edge/fw/encode.h"

#include <errno.h>

#define CREATE (NLM_F_CREATE | NLM_F_EXCL) /* what exists already is not ours to adopt */

/* Both kinds of family number the hooks alike. */
_Static_assert((int)RS_HOOK_PREROUTING == NF_INET_PRE_ROUTING &&
		       (int)RS_HOOK_POSTROUTING == NF_INET_POST_ROUTING,
	       "hooks are numbered as in the kernel");

void fw_put_value(struct nlmsghdr *nlh, uint16_t type, const void *bytes, size_t len)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, type);

	mnl_attr_put(nlh, NFTA_DATA_VALUE, len, bytes);
	mnl_attr_nest_end(nlh, nest);
}

void fw_put_verdict(struct nlmsghdr *nlh, uint16_t type, enum rs_verdict verdict,
		    const char *target)
{
	static const int codes[] = {
		[RS_CONTINUE] = NFT_CONTINUE, [RS_ACCEPT] = NF_ACCEPT, [RS_DROP] = NF_DROP,
		[RS_RETURN] = NFT_RETURN,     [RS_JUMP] = NFT_JUMP,    [RS_GOTO] = NFT_GOTO,
	};
	struct nlattr *data = mnl_attr_nest_start(nlh, type);
	struct nlattr *nest = mnl_attr_nest_start(nlh, NFTA_DATA_VERDICT);

	fw_put_be32(nlh, NFTA_VERDICT_CODE, (uint32_t)codes[verdict]);
	if (verdict == RS_JUMP || verdict == RS_GOTO)
		mnl_attr_put_strz(nlh, NFTA_VERDICT_CHAIN, target);
	mnl_attr_nest_end(nlh, nest);
	mnl_attr_nest_end(nlh, data);
}

/* add table inet netd { flags … } */
static int encode_new_table(struct fw_batch *batch, enum rs_family family, uint32_t flags)
{
	struct fw_record record = { .object = FW_TABLE, .family = family };
	struct nlmsghdr *nlh = fw_batch_message(batch, NFT_MSG_NEWTABLE, CREATE, &record);

	if (!nlh)
		return -ENOMEM;
	mnl_attr_put_strz(nlh, NFTA_TABLE_NAME, batch->table);
	fw_put_be32(nlh, NFTA_TABLE_FLAGS, flags);
	fw_batch_close(batch, nlh);
	return 0;
}

/* delete table inet netd */
int fw_encode_delete_table(struct fw_batch *batch, enum rs_family family)
{
	struct fw_record record = { .object = FW_TABLE, .family = family };
	struct nlmsghdr *nlh = fw_batch_message(batch, NFT_MSG_DELTABLE, 0, &record);

	if (!nlh)
		return -ENOMEM;
	mnl_attr_put_strz(nlh, NFTA_TABLE_NAME, batch->table);
	fw_batch_close(batch, nlh);
	return 0;
}

/* add counter inet netd denied; delete counter … */
static int encode_counter(struct fw_batch *batch, enum rs_family family, uint16_t type,
			  const char *name)
{
	bool new = type == NFT_MSG_NEWOBJ;
	struct fw_record record = { .object = FW_COUNTER, .family = family, .name = name };
	struct nlmsghdr *nlh = fw_batch_message(batch, type, new ? CREATE : 0, &record);

	if (!nlh)
		return -ENOMEM;
	mnl_attr_put_strz(nlh, NFTA_OBJ_TABLE, batch->table);
	mnl_attr_put_strz(nlh, NFTA_OBJ_NAME, name);
	fw_put_be32(nlh, NFTA_OBJ_TYPE, NFT_OBJECT_COUNTER);
	if (new) {
		struct nlattr *data = mnl_attr_nest_start(nlh, NFTA_OBJ_DATA);
		mnl_attr_put_u64(nlh, NFTA_COUNTER_BYTES, 0);
		mnl_attr_put_u64(nlh, NFTA_COUNTER_PACKETS, 0);
		mnl_attr_nest_end(nlh, data);
	}
	fw_batch_close(batch, nlh);
	return 0;
}

static void put_base(struct nlmsghdr *nlh, const struct rs_base *base)
{
	struct nlattr *hook = mnl_attr_nest_start(nlh, NFTA_CHAIN_HOOK);

	fw_put_be32(nlh, NFTA_HOOK_HOOKNUM, (uint32_t)base->hook);
	fw_put_be32(nlh, NFTA_HOOK_PRIORITY, (uint32_t)base->priority);
	mnl_attr_nest_end(nlh, hook);
	mnl_attr_put_strz(nlh, NFTA_CHAIN_TYPE, "filter");
	fw_put_be32(nlh, NFTA_CHAIN_POLICY, NF_ACCEPT);
}

/* add chain inet netd forward { type filter hook forward priority -10; policy accept; } */
static int encode_chain(struct fw_batch *batch, enum rs_family family, uint16_t type,
			const struct rs_chain *chain)
{
	bool new = type == NFT_MSG_NEWCHAIN;
	struct fw_record record = { .object = FW_CHAIN, .family = family, .name = chain->name };
	struct nlmsghdr *nlh = fw_batch_message(batch, type, new ? CREATE : 0, &record);

	if (!nlh)
		return -ENOMEM;
	mnl_attr_put_strz(nlh, NFTA_CHAIN_TABLE, batch->table);
	mnl_attr_put_strz(nlh, NFTA_CHAIN_NAME, chain->name);
	if (new && chain->base)
		put_base(nlh, chain->base);
	fw_batch_close(batch, nlh);
	return 0;
}

/* flush chain inet netd to.backend */
static int encode_flush(struct fw_batch *batch, enum rs_family family, const struct rs_chain *chain)
{
	struct fw_record record = { .object = FW_RULES, .family = family, .name = chain->name };
	struct nlmsghdr *nlh = fw_batch_message(batch, NFT_MSG_DELRULE, 0, &record);

	if (!nlh)
		return -ENOMEM;
	mnl_attr_put_strz(nlh, NFTA_RULE_TABLE, batch->table);
	mnl_attr_put_strz(nlh, NFTA_RULE_CHAIN, chain->name);
	fw_batch_close(batch, nlh);
	return 0;
}

/* delete set inet netd frontend4 */
static int encode_delete_set(struct fw_batch *batch, enum rs_family family,
			     const struct rs_set *set)
{
	struct fw_record record = { .object = FW_SET, .family = family, .name = set->name };
	struct nlmsghdr *nlh = fw_batch_message(batch, NFT_MSG_DELSET, 0, &record);

	if (!nlh)
		return -ENOMEM;
	mnl_attr_put_strz(nlh, NFTA_SET_TABLE, batch->table);
	mnl_attr_put_strz(nlh, NFTA_SET_NAME, set->name);
	fw_batch_close(batch, nlh);
	return 0;
}

/* Changes come set by set: where the run of one ends. */
static size_t run_end(const struct rs_elem_change *changes, size_t n, size_t i)
{
	size_t end = i;

	while (end < n && changes[end].set == changes[i].set)
		end++;
	return end;
}

static bool has_set(const struct rs_elem_change *changes, size_t n, const struct rs_set *set)
{
	for (size_t i = 0; i < n; i = run_end(changes, n, i))
		if (changes[i].set == set)
			return true;
	return false;
}

static int delete_elems(struct fw_batch *batch, const struct rs_table_diff *diff)
{
	const struct rs_elem_change *changes = diff->deleted.items;
	int r = 0;

	for (size_t i = 0, end; r == 0 && i < diff->deleted.n; i = end) {
		end = run_end(changes, diff->deleted.n, i);
		if (!changes[i].set->interval)
			r = fw_encode_elems(batch, diff->family, NFT_MSG_DELSETELEM, changes + i,
					    end - i);
	}
	return r;
}

/* Ranges share their ends with neighbours, so a changed interval set is written anew: they are
 * small, and the kernel still makes one step of it. */
static int refill_intervals(struct fw_batch *batch, const struct rs_table_diff *diff)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < diff->deleted.n;
	     i = run_end(diff->deleted.items, diff->deleted.n, i))
		if (diff->deleted.items[i].set->interval)
			r = fw_encode_refill(batch, diff->family, diff->deleted.items[i].set);
	return r;
}

static int add_elems(struct fw_batch *batch, const struct rs_table_diff *diff)
{
	const struct rs_elem_change *changes = diff->added.items;
	int r = refill_intervals(batch, diff);

	for (size_t i = 0, end; r == 0 && i < diff->added.n; i = end) {
		end = run_end(changes, diff->added.n, i);
		const struct rs_set *set = changes[i].set;
		if (!set->interval)
			r = fw_encode_elems(batch, diff->family, NFT_MSG_NEWSETELEM, changes + i,
					    end - i);
		else if (!has_set(diff->deleted.items, diff->deleted.n, set))
			r = fw_encode_refill(batch, diff->family, set);
	}
	return r;
}

static int delete_old(struct fw_batch *batch, const struct rs_table_diff *diff)
{
	int r = delete_elems(batch, diff);

	for (size_t i = 0; r == 0 && i < diff->changed_chains.n; i++)
		r = encode_flush(batch, diff->family, diff->changed_chains.items[i]);
	for (size_t i = 0; r == 0 && i < diff->old_chains.n; i++)
		r = encode_flush(batch, diff->family, diff->old_chains.items[i]);
	for (size_t i = 0; r == 0 && i < diff->old_sets.n; i++)
		r = encode_delete_set(batch, diff->family, diff->old_sets.items[i]);
	for (size_t i = 0; r == 0 && i < diff->old_chains.n; i++)
		r = encode_chain(batch, diff->family, NFT_MSG_DELCHAIN, diff->old_chains.items[i]);
	for (size_t i = 0; r == 0 && i < diff->old_counters.n; i++)
		r = encode_counter(batch, diff->family, NFT_MSG_DELOBJ,
				   diff->old_counters.items[i]);
	return r;
}

static int add_rules(struct fw_batch *batch, enum rs_family family, const struct rs_chain *chain)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < chain->rules.n; i++)
		r = fw_encode_rule(batch, family, chain, i);
	return r;
}

static int make_new(struct fw_batch *batch, const struct rs_table_diff *diff)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < diff->new_counters.n; i++)
		r = encode_counter(batch, diff->family, NFT_MSG_NEWOBJ,
				   diff->new_counters.items[i]);
	for (size_t i = 0; r == 0 && i < diff->new_chains.n; i++)
		r = encode_chain(batch, diff->family, NFT_MSG_NEWCHAIN, diff->new_chains.items[i]);
	for (size_t i = 0; r == 0 && i < diff->new_sets.n; i++)
		r = fw_encode_set(batch, diff->family, diff->new_sets.items[i]);
	if (r == 0)
		r = add_elems(batch, diff);
	for (size_t i = 0; r == 0 && i < diff->new_chains.n; i++)
		r = add_rules(batch, diff->family, diff->new_chains.items[i]);
	for (size_t i = 0; r == 0 && i < diff->changed_chains.n; i++)
		r = add_rules(batch, diff->family, diff->changed_chains.items[i]);
	return r;
}

int fw_encode(struct fw_batch *batch, const struct rs_diff *diff,
	      const struct fw_encode_options *options)
{
	int r = 0;

	for (int i = 0; r == 0 && i < RS_FAMILY_COUNT; i++) {
		enum rs_family family = (enum rs_family)i;
		if (options->whole && options->exists[i])
			r = fw_encode_delete_table(batch, family);
		if (r == 0 && options->whole)
			r = encode_new_table(batch, family, options->table_flags);
		if (r == 0)
			r = delete_old(batch, &diff->tables[i]);
		if (r == 0)
			r = make_new(batch, &diff->tables[i]);
	}
	return r;
}
