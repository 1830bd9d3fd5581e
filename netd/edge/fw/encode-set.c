/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sets, maps and their elements. */
#include <libnftnl/set.h>
#include <string.h>

#include "edge/fw/encode.h"

/* A list of elements is one attribute, whose length is 16 bits. */
#define ELEMS_BYTES 60000u

/* nft packs the types of a concatenation into one number. */
#define TYPE_BITS 6

static uint32_t key_type(const struct rs_set *set)
{
	uint32_t type = 0;

	for (size_t i = 0; i < set->n_types; i++)
		type = type << TYPE_BITS | ruleset_type_info(set->types[i])->nft_id;
	return type;
}

static uint32_t key_len(const struct rs_set *set)
{
	uint32_t len = 0;

	for (size_t i = 0; i < set->n_types; i++) {
		uint32_t field = ruleset_type_info(set->types[i])->len;
		len += set->n_types > 1 ? (field + 3) / 4 * 4 : field;
	}
	return len;
}

/* ---- sets ---- */

static void free_set(struct nftnl_set **set)
{
	if (*set)
		nftnl_set_free(*set);
}

/* A set by its names alone, as deleting and filling it need. NULL: out of memory. */
static struct nftnl_set *named_set(struct fw_batch *batch, const struct rs_set *set)
{
	struct nftnl_set *named CLEANUP(free_set) = nftnl_set_alloc();

	batch->failed |= !named || nftnl_set_set_str(named, NFTNL_SET_TABLE, batch->table) < 0 ||
			 nftnl_set_set_str(named, NFTNL_SET_NAME, set->name) < 0;
	return batch->failed ? NULL : TAKE_PTR(named);
}

/* One that rules fill. */
static void set_bounds(struct nftnl_set *declared, const struct rs_set *set)
{
	uint64_t seconds = set->meter ? RS_METER_SECONDS : set->forgets_s;

	nftnl_set_set_u32(declared, NFTNL_SET_DESC_SIZE, RS_FILLED_SIZE);
	nftnl_set_set_u64(declared, NFTNL_SET_TIMEOUT, seconds * 1000u);
}

static uint32_t flags_of(const struct rs_set *set)
{
	return (set->map ? NFT_SET_MAP : 0u) | (set->interval ? NFT_SET_INTERVAL : 0u) |
	       (set->meter || set->forgets_s ? NFT_SET_EVAL | NFT_SET_TIMEOUT : 0u);
}

static void set_notes(struct fw_batch *batch, struct nftnl_set *declared, const struct rs_set *set)
{
	struct nftnl_udata_buf *notes CLEANUP(fw_free_udata) = fw_encode_set_udata(set);

	batch->failed |= !notes || nftnl_set_set_data(declared, NFTNL_SET_USERDATA,
						      nftnl_udata_buf_data(notes),
						      nftnl_udata_buf_len(notes)) < 0;
}

/* add set inet netd frontend4 { type ipv4_addr; } */
static void encode_declaration(struct fw_batch *batch, const struct fw_record *record,
			       const struct rs_set *set)
{
	struct nftnl_set *declared CLEANUP(free_set) = named_set(batch, set);
	struct nlmsghdr *nlh =
		fw_batch_message(batch, NFT_MSG_NEWSET, NLM_F_CREATE | NLM_F_EXCL, record);

	if (!declared || !nlh)
		return;
	nftnl_set_set_u32(declared, NFTNL_SET_FLAGS, flags_of(set));
	nftnl_set_set_u32(declared, NFTNL_SET_KEY_TYPE, key_type(set));
	nftnl_set_set_u32(declared, NFTNL_SET_KEY_LEN, key_len(set));
	if (set->map) {
		nftnl_set_set_u32(declared, NFTNL_SET_DATA_TYPE, NFT_DATA_VERDICT);
		nftnl_set_set_u32(declared, NFTNL_SET_DATA_LEN, 0);
	}
	nftnl_set_set_u32(declared, NFTNL_SET_ID, batch->next_set_id++);
	if (set->meter || set->forgets_s)
		set_bounds(declared, set);
	set_notes(batch, declared, set);
	if (batch->failed)
		return;
	nftnl_set_nlmsg_build_payload(nlh, declared);
	fw_batch_close(batch, nlh);
}

void fw_encode_delete_set(struct fw_batch *batch, enum rs_family family, const struct rs_set *set)
{
	struct fw_record record = { .object = FW_SET, .family = family, .name = set->name };
	struct nftnl_set *named CLEANUP(free_set) = named_set(batch, set);
	struct nlmsghdr *nlh = fw_batch_message(batch, NFT_MSG_DELSET, 0, &record);

	if (!named || !nlh)
		return;
	nftnl_set_nlmsg_build_payload(nlh, named);
	fw_batch_close(batch, nlh);
}

/* ---- elements ---- */

/* Elements as the kernel sees them: a range of an interval set is its first value, and the value
 * after its last with the flag "end". One object of libnftnl stands for one element after the
 * other: an object for each would take up to twenty times as long. */
struct elem_writer {
	struct fw_batch *batch;
	struct fw_record record;
	uint16_t type;
	struct nftnl_set *set; /* its names */
	struct nftnl_set_elem *elem;
	struct nlmsghdr *nlh; /* the message that is being filled, or NULL */
	struct nlattr *list;
};

static struct elem_writer start_elems(struct fw_batch *batch, const struct fw_record *record,
				      uint16_t type)
{
	struct elem_writer w = { .batch = batch,
				 .record = *record,
				 .type = type,
				 .set = named_set(batch, record->set),
				 .elem = nftnl_set_elem_alloc() };

	batch->failed |= !w.elem;
	return w;
}

static void open_message(struct elem_writer *w)
{
	uint16_t flags = w->type == NFT_MSG_NEWSETELEM ? NLM_F_CREATE | NLM_F_EXCL : 0;

	w->nlh = fw_batch_message(w->batch, w->type, flags, &w->record);
	if (!w->nlh)
		return;
	nftnl_set_elems_nlmsg_build_payload(w->nlh, w->set);
	w->list = mnl_attr_nest_start(w->nlh, NFTA_SET_ELEM_LIST_ELEMENTS);
}

static void close_message(struct elem_writer *w)
{
	if (!w->nlh)
		return;
	mnl_attr_nest_end(w->nlh, w->list);
	fw_batch_close(w->batch, w->nlh);
	w->nlh = NULL;
}

static void end_elems(struct elem_writer *w)
{
	close_message(w);
	if (w->elem)
		nftnl_set_elem_free(w->elem);
	free_set(&w->set);
}

static void set_outcome(struct elem_writer *w, const struct rs_outcome *outcome)
{
	nftnl_set_elem_set_u32(w->elem, NFTNL_SET_ELEM_VERDICT, fw_verdict_code(outcome->verdict));
	if (outcome->verdict == RS_GOTO)
		w->batch->failed |=
			nftnl_set_elem_set_str(w->elem, NFTNL_SET_ELEM_CHAIN, outcome->target) < 0;
	else
		nftnl_set_elem_unset(w->elem, NFTNL_SET_ELEM_CHAIN);
}

/* The next element; what is set in w->elem beside its key stays for those that follow. */
static void write_elem(struct elem_writer *w, const struct rs_key *key)
{
	if (w->nlh && w->nlh->nlmsg_len > ELEMS_BYTES)
		close_message(w);
	if (!w->nlh)
		open_message(w);
	if (!w->nlh)
		return;
	w->batch->failed |=
		nftnl_set_elem_set(w->elem, NFTNL_SET_ELEM_KEY, key->bytes, key->len) < 0;
	if (w->batch->failed)
		return;
	struct nlattr *nest = mnl_attr_nest_start(w->nlh, NFTA_LIST_ELEM);
	nftnl_set_elem_nlmsg_build_payload(w->nlh, w->elem);
	mnl_attr_nest_end(w->nlh, nest);
}

static void write_range_end(struct elem_writer *w, const struct rs_key *key)
{
	nftnl_set_elem_set_u32(w->elem, NFTNL_SET_ELEM_FLAGS, NFT_SET_ELEM_INTERVAL_END);
	write_elem(w, key);
	nftnl_set_elem_unset(w->elem, NFTNL_SET_ELEM_FLAGS);
}

/* key + 1 */
static struct rs_key successor(const struct rs_key *key)
{
	struct rs_key next = *key;

	for (size_t i = next.len; i-- > 0;)
		if (++next.bytes[i] != 0)
			break;
	return next;
}

/* nft begins every interval set with "nothing from zero on". */
static void write_ranges(struct elem_writer *w, const struct rs_set *set)
{
	struct rs_key zero = { .len = set->key_len };

	if (set->n_elems)
		write_range_end(w, &zero);
	for (size_t i = 0; i < set->n_elems; i++) {
		struct rs_elem elem = rs_set_elem(set, i);
		struct rs_key after = successor(&elem.last);
		write_elem(w, &elem.key);
		write_range_end(w, &after);
	}
}

static void write_plain(struct elem_writer *w, const struct rs_set *set, size_t i)
{
	struct rs_elem elem = rs_set_elem(set, i);

	if (w->batch->failed)
		return;
	if (set->map && w->type == NFT_MSG_NEWSETELEM) /* one that goes is known by its key */
		set_outcome(w, &elem.outcome);
	write_elem(w, &elem.key);
}

static void encode_all(struct fw_batch *batch, const struct fw_record *record)
{
	const struct rs_set *set = record->set;
	struct elem_writer w = start_elems(batch, record, NFT_MSG_NEWSETELEM);

	w.record.object = FW_ELEMENTS;
	if (set->interval && !batch->failed)
		write_ranges(&w, set);
	for (size_t i = 0; !set->interval && i < set->n_elems; i++)
		write_plain(&w, set, i);
	end_elems(&w);
}

void fw_encode_set(struct fw_batch *batch, enum rs_family family, const struct rs_set *set)
{
	struct fw_record record = {
		.object = FW_SET, .family = family, .set = set, .name = set->name
	};

	encode_declaration(batch, &record, set);
	encode_all(batch, &record);
}

/* add element inet netd to4 { 172.18.0.2 : goto to.frontend } */
void fw_encode_elems(struct fw_batch *batch, enum rs_family family, uint16_t type,
		     const struct rs_elem_change *changes, size_t n)
{
	const struct rs_set *set = changes[0].set;
	struct fw_record record = {
		.object = FW_ELEMENTS, .family = family, .set = set, .name = set->name
	};
	struct elem_writer w = start_elems(batch, &record, type);

	for (size_t i = 0; i < n; i++)
		write_plain(&w, changes[i].of, changes[i].elem);
	end_elems(&w);
}

/* flush set inet netd lan4; add element inet netd lan4 { … } */
void fw_encode_refill(struct fw_batch *batch, enum rs_family family, const struct rs_set *set)
{
	struct fw_record record = {
		.object = FW_SET, .family = family, .set = set, .name = set->name
	};
	struct nftnl_set *named CLEANUP(free_set) = named_set(batch, set);
	struct nlmsghdr *nlh = fw_batch_message(batch, NFT_MSG_DELSETELEM, 0, &record);

	if (!named || !nlh)
		return;
	nftnl_set_elems_nlmsg_build_payload(nlh, named);
	fw_batch_close(batch, nlh);
	encode_all(batch, &record);
}
