/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables, counters and chains, and the order of a transaction: first let go of what is used, then
 * delete it, then make the new, then use it. The kernel checks every message against the state that
 * the messages before it made. */
#include "edge/fw/encode.h"

#include <errno.h>
#include <libnftnl/chain.h>
#include <libnftnl/object.h>
#include <libnftnl/table.h>

#include "core/base/limits.h"

#define CREATE (NLM_F_CREATE | NLM_F_EXCL) /* what exists already is not ours to adopt */

/* Both kinds of family number the hooks alike. */
_Static_assert((int)RS_HOOK_PREROUTING == NF_INET_PRE_ROUTING &&
		       (int)RS_HOOK_POSTROUTING == NF_INET_POST_ROUTING,
	       "hooks are numbered as in the kernel");

/* ---- objects ---- */

static void free_table(struct nftnl_table **table)
{
	if (*table)
		nftnl_table_free(*table);
}

static void free_counter(struct nftnl_obj **counter)
{
	if (*counter)
		nftnl_obj_free(*counter);
}

static void free_chain(struct nftnl_chain **chain)
{
	if (*chain)
		nftnl_chain_free(*chain);
}

/* add table inet netd { flags … }; delete table inet netd */
static void encode_table(struct fw_batch *batch, enum rs_family family, uint16_t type,
			 uint32_t flags)
{
	bool new = type == NFT_MSG_NEWTABLE;
	struct fw_record record = { .object = FW_TABLE, .family = family };
	struct nftnl_table *table CLEANUP(free_table) = nftnl_table_alloc();
	struct nlmsghdr *nlh =
		table ? fw_batch_message(batch, type, new ? CREATE : 0, &record) : NULL;

	batch->failed |= !nlh || nftnl_table_set_str(table, NFTNL_TABLE_NAME, batch->table) < 0;
	if (batch->failed)
		return;
	if (new)
		nftnl_table_set_u32(table, NFTNL_TABLE_FLAGS, flags);
	nftnl_table_nlmsg_build_payload(nlh, table);
	fw_batch_close(batch, nlh);
}

void fw_encode_delete_table(struct fw_batch *batch, enum rs_family family)
{
	encode_table(batch, family, NFT_MSG_DELTABLE, 0);
}

/* add counter inet netd denied; delete counter … */
static void encode_counter(struct fw_batch *batch, enum rs_family family, uint16_t type,
			   const char *name)
{
	bool new = type == NFT_MSG_NEWOBJ;
	struct fw_record record = { .object = FW_COUNTER, .family = family, .name = name };
	struct nftnl_obj *counter CLEANUP(free_counter) = nftnl_obj_alloc();
	struct nlmsghdr *nlh =
		counter ? fw_batch_message(batch, type, new ? CREATE : 0, &record) : NULL;

	batch->failed |= !nlh;
	if (batch->failed)
		return;
	nftnl_obj_set_str(counter, NFTNL_OBJ_TABLE, batch->table);
	nftnl_obj_set_str(counter, NFTNL_OBJ_NAME, name);
	nftnl_obj_set_u32(counter, NFTNL_OBJ_TYPE, NFT_OBJECT_COUNTER);
	if (new) {
		nftnl_obj_set_u64(counter, NFTNL_OBJ_CTR_BYTES, 0);
		nftnl_obj_set_u64(counter, NFTNL_OBJ_CTR_PKTS, 0);
	}
	/* These setters tell of no failure, but what could not be copied is not there. */
	batch->failed |= !nftnl_obj_get_str(counter, NFTNL_OBJ_TABLE) ||
			 !nftnl_obj_get_str(counter, NFTNL_OBJ_NAME);
	if (batch->failed)
		return;
	nftnl_obj_nlmsg_build_payload(nlh, counter);
	fw_batch_close(batch, nlh);
}

/* devices = { lan0, eth1 } */
static void set_devices(struct fw_batch *batch, struct nftnl_chain *chain,
			const struct rs_base *base)
{
	const char *names[LIMIT_PARENTS + 1] = { NULL };

	for (size_t i = 0; i < base->n_devices && i < LIMIT_PARENTS; i++)
		names[i] = base->devices[i].name;
	batch->failed |= nftnl_chain_set_data(chain, NFTNL_CHAIN_DEVICES, names, sizeof(names)) < 0;
}

static void set_base(struct fw_batch *batch, struct nftnl_chain *chain, const struct rs_base *base)
{
	bool netdev = base->hook >= RS_HOOK_INGRESS; /* it numbers its hooks from 0 on */
	uint32_t number = (uint32_t)base->hook - (netdev ? (uint32_t)RS_HOOK_INGRESS : 0);

	nftnl_chain_set_u32(chain, NFTNL_CHAIN_HOOKNUM, number);
	if (netdev)
		set_devices(batch, chain, base);
	nftnl_chain_set_s32(chain, NFTNL_CHAIN_PRIO, base->priority);
	nftnl_chain_set_u32(chain, NFTNL_CHAIN_POLICY, NF_ACCEPT);
	batch->failed |= nftnl_chain_set_str(chain, NFTNL_CHAIN_TYPE, "filter") < 0;
}

/* add chain inet netd forward { type filter hook forward priority -10; policy accept; } */
static void encode_chain(struct fw_batch *batch, enum rs_family family, uint16_t type,
			 const struct rs_chain *chain)
{
	bool new = type == NFT_MSG_NEWCHAIN;
	struct fw_record record = { .object = FW_CHAIN, .family = family, .name = chain->name };
	struct nftnl_chain *object CLEANUP(free_chain) = nftnl_chain_alloc();
	struct nlmsghdr *nlh =
		object ? fw_batch_message(batch, type, new ? CREATE : 0, &record) : NULL;

	batch->failed |= !nlh || nftnl_chain_set_str(object, NFTNL_CHAIN_TABLE, batch->table) < 0 ||
			 nftnl_chain_set_str(object, NFTNL_CHAIN_NAME, chain->name) < 0;
	if (new && chain->base && !batch->failed)
		set_base(batch, object, chain->base);
	if (batch->failed)
		return;
	nftnl_chain_nlmsg_build_payload(nlh, object);
	fw_batch_close(batch, nlh);
}

/* ---- the order of a transaction ---- */

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

static void delete_elems(struct fw_batch *batch, const struct rs_table_diff *diff)
{
	const struct rs_elem_change *changes = diff->deleted.items;

	for (size_t i = 0, end; i < diff->deleted.n; i = end) {
		end = run_end(changes, diff->deleted.n, i);
		if (!changes[i].set->interval)
			fw_encode_elems(batch, diff->family, NFT_MSG_DELSETELEM, changes + i,
					end - i);
	}
}

/* Ranges share their ends with neighbours, so a changed interval set is written anew: they are
 * small, and the kernel still makes one step of it. */
static void refill_intervals(struct fw_batch *batch, const struct rs_table_diff *diff)
{
	for (size_t i = 0; i < diff->deleted.n;
	     i = run_end(diff->deleted.items, diff->deleted.n, i))
		if (diff->deleted.items[i].set->interval)
			fw_encode_refill(batch, diff->family, diff->deleted.items[i].set);
}

static void add_elems(struct fw_batch *batch, const struct rs_table_diff *diff)
{
	const struct rs_elem_change *changes = diff->added.items;

	refill_intervals(batch, diff);
	for (size_t i = 0, end; i < diff->added.n; i = end) {
		end = run_end(changes, diff->added.n, i);
		const struct rs_set *set = changes[i].set;
		if (!set->interval)
			fw_encode_elems(batch, diff->family, NFT_MSG_NEWSETELEM, changes + i,
					end - i);
		else if (!has_set(diff->deleted.items, diff->deleted.n, set))
			fw_encode_refill(batch, diff->family, set);
	}
}

static void delete_old(struct fw_batch *batch, const struct rs_table_diff *diff)
{
	delete_elems(batch, diff);
	for (size_t i = 0; i < diff->changed_chains.n; i++)
		fw_encode_flush(batch, diff->family, diff->changed_chains.items[i]);
	for (size_t i = 0; i < diff->old_chains.n; i++)
		fw_encode_flush(batch, diff->family, diff->old_chains.items[i]);
	for (size_t i = 0; i < diff->old_sets.n; i++)
		fw_encode_delete_set(batch, diff->family, diff->old_sets.items[i]);
	for (size_t i = 0; i < diff->old_chains.n; i++)
		encode_chain(batch, diff->family, NFT_MSG_DELCHAIN, diff->old_chains.items[i]);
	for (size_t i = 0; i < diff->old_counters.n; i++)
		encode_counter(batch, diff->family, NFT_MSG_DELOBJ, diff->old_counters.items[i]);
}

static void encode_rules(struct fw_batch *batch, enum rs_family family,
			 const struct rs_chain *chain)
{
	for (size_t i = 0; i < chain->rules.n; i++)
		fw_encode_rule(batch, family, chain, i);
}

static void make_new(struct fw_batch *batch, const struct rs_table_diff *diff)
{
	for (size_t i = 0; i < diff->new_counters.n; i++)
		encode_counter(batch, diff->family, NFT_MSG_NEWOBJ, diff->new_counters.items[i]);
	for (size_t i = 0; i < diff->new_chains.n; i++)
		encode_chain(batch, diff->family, NFT_MSG_NEWCHAIN, diff->new_chains.items[i]);
	for (size_t i = 0; i < diff->new_sets.n; i++)
		fw_encode_set(batch, diff->family, diff->new_sets.items[i]);
	add_elems(batch, diff);
	for (size_t i = 0; i < diff->new_chains.n; i++)
		encode_rules(batch, diff->family, diff->new_chains.items[i]);
	for (size_t i = 0; i < diff->changed_chains.n; i++)
		encode_rules(batch, diff->family, diff->changed_chains.items[i]);
}

int fw_encode(struct fw_batch *batch, const struct rs_diff *diff,
	      const struct fw_encode_options *options)
{
	for (int i = 0; i < RS_FAMILY_COUNT; i++) {
		enum rs_family family = (enum rs_family)i;
		if (options->whole ? options->exists[i] : diff->tables[i].old_table)
			fw_encode_delete_table(batch, family);
		if (diff->tables[i].new_table)
			encode_table(batch, family, NFT_MSG_NEWTABLE, options->table_flags);
		delete_old(batch, &diff->tables[i]);
		make_new(batch, &diff->tables[i]);
	}
	return batch->failed ? -ENOMEM : 0;
}
