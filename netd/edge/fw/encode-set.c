/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sets, maps and their elements. */
#include <errno.h>
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

/* Elements as the kernel sees them: a range of an interval set is its first value, and the value
 * after its last with the flag "end". */
struct elem_writer {
	struct fw_batch *batch;
	struct fw_record record;
	uint16_t type;
	const char *set_name;
	struct nlmsghdr *nlh;
	struct nlattr *list;
	bool failed;
};

static void open_message(struct elem_writer *w)
{
	uint16_t flags = w->type == NFT_MSG_NEWSETELEM ? NLM_F_CREATE | NLM_F_EXCL : 0;

	w->nlh = fw_batch_message(w->batch, w->type, flags, &w->record);
	if (!w->nlh) {
		w->failed = true;
		return;
	}
	mnl_attr_put_strz(w->nlh, NFTA_SET_ELEM_LIST_TABLE, w->batch->table);
	mnl_attr_put_strz(w->nlh, NFTA_SET_ELEM_LIST_SET, w->set_name);
	w->list = mnl_attr_nest_start(w->nlh, NFTA_SET_ELEM_LIST_ELEMENTS);
}

static int close_message(struct elem_writer *w)
{
	if (w->failed)
		return -ENOMEM;
	if (w->nlh) {
		mnl_attr_nest_end(w->nlh, w->list);
		fw_batch_close(w->batch, w->nlh);
		w->nlh = NULL;
	}
	return 0;
}

static void write_elem(struct elem_writer *w, const struct rs_key *key, bool end,
		       const struct rs_outcome *outcome)
{
	if (w->nlh && w->nlh->nlmsg_len > ELEMS_BYTES)
		w->failed |= close_message(w) < 0;
	if (!w->nlh && !w->failed)
		open_message(w);
	if (w->failed)
		return;
	struct nlattr *elem = mnl_attr_nest_start(w->nlh, NFTA_LIST_ELEM);
	if (end)
		fw_put_be32(w->nlh, NFTA_SET_ELEM_FLAGS, NFT_SET_ELEM_INTERVAL_END);
	fw_put_value(w->nlh, NFTA_SET_ELEM_KEY, key->bytes, key->len);
	if (outcome->verdict != RS_CONTINUE)
		fw_put_verdict(w->nlh, NFTA_SET_ELEM_DATA, outcome->verdict, outcome->target);
	mnl_attr_nest_end(w->nlh, elem);
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
	static const struct rs_outcome none;
	struct rs_key zero = { .len = set->key_len };

	if (set->n_elems)
		write_elem(w, &zero, true, &none);
	for (size_t i = 0; i < set->n_elems; i++) {
		struct rs_elem elem = rs_set_elem(set, i);
		struct rs_key after = successor(&elem.last);
		write_elem(w, &elem.key, false, &none);
		write_elem(w, &after, true, &none);
	}
}

static void write_plain(struct elem_writer *w, const struct rs_set *set, size_t i)
{
	struct rs_elem elem = rs_set_elem(set, i);

	if (w->type != NFT_MSG_NEWSETELEM) /* one that goes is known by its key */
		elem.outcome.verdict = RS_CONTINUE;
	write_elem(w, &elem.key, false, &elem.outcome);
}

static void put_size(struct nlmsghdr *nlh, uint32_t size)
{
	struct nlattr *desc = mnl_attr_nest_start(nlh, NFTA_SET_DESC);

	fw_put_be32(nlh, NFTA_SET_DESC_SIZE, size);
	mnl_attr_nest_end(nlh, desc);
}

static uint32_t flags_of(const struct rs_set *set)
{
	return (set->map ? NFT_SET_MAP : 0u) | (set->interval ? NFT_SET_INTERVAL : 0u) |
	       (set->meter ? NFT_SET_EVAL | NFT_SET_TIMEOUT : 0u);
}

/* add set inet netd frontend4 { type ipv4_addr; } */
static int encode_declaration(struct fw_batch *batch, const struct fw_record *record,
			      const struct rs_set *set)
{
	uint8_t udata[FW_UDATA_MAX];
	struct nlmsghdr *nlh =
		fw_batch_message(batch, NFT_MSG_NEWSET, NLM_F_CREATE | NLM_F_EXCL, record);

	if (!nlh)
		return -ENOMEM;
	mnl_attr_put_strz(nlh, NFTA_SET_TABLE, batch->table);
	mnl_attr_put_strz(nlh, NFTA_SET_NAME, set->name);
	fw_put_be32(nlh, NFTA_SET_FLAGS, flags_of(set));
	fw_put_be32(nlh, NFTA_SET_KEY_TYPE, key_type(set));
	fw_put_be32(nlh, NFTA_SET_KEY_LEN, key_len(set));
	if (set->map) {
		fw_put_be32(nlh, NFTA_SET_DATA_TYPE, NFT_DATA_VERDICT);
		fw_put_be32(nlh, NFTA_SET_DATA_LEN, 0);
	}
	fw_put_be32(nlh, NFTA_SET_ID, batch->next_set_id++);
	if (set->meter) {
		put_size(nlh, RS_METER_SIZE);
		mnl_attr_put_u64(nlh, NFTA_SET_TIMEOUT, htobe64(RS_METER_SECONDS * 1000u));
	}
	mnl_attr_put(nlh, NFTA_SET_USERDATA, fw_encode_set_udata(set, udata), udata);
	fw_batch_close(batch, nlh);
	return 0;
}

static int encode_all(struct fw_batch *batch, const struct fw_record *record,
		      const struct rs_set *set)
{
	struct elem_writer w = {
		.batch = batch, .record = *record, .type = NFT_MSG_NEWSETELEM, .set_name = set->name
	};

	w.record.object = FW_ELEMENTS;
	if (set->interval)
		write_ranges(&w, set);
	for (size_t i = 0; !set->interval && i < set->n_elems; i++)
		write_plain(&w, set, i);
	return close_message(&w);
}

int fw_encode_set(struct fw_batch *batch, enum rs_family family, const struct rs_set *set)
{
	struct fw_record record = {
		.object = FW_SET, .family = family, .set = set, .name = set->name
	};
	int r = encode_declaration(batch, &record, set);

	return r < 0 ? r : encode_all(batch, &record, set);
}

/* add element inet netd to4 { 172.18.0.2 : goto to.frontend } */
int fw_encode_elems(struct fw_batch *batch, enum rs_family family, uint16_t type,
		    const struct rs_elem_change *changes, size_t n)
{
	const struct rs_set *set = changes[0].set;
	struct elem_writer w = {
		.batch = batch,
		.type = type,
		.set_name = set->name,
		.record = { .object = FW_ELEMENTS, .family = family, .set = set, .name = set->name }
	};

	for (size_t i = 0; i < n; i++)
		write_plain(&w, changes[i].of, changes[i].elem);
	return close_message(&w);
}

/* flush set inet netd lan4; add element inet netd lan4 { … } */
int fw_encode_refill(struct fw_batch *batch, enum rs_family family, const struct rs_set *set)
{
	struct fw_record record = {
		.object = FW_SET, .family = family, .set = set, .name = set->name
	};
	struct nlmsghdr *nlh = fw_batch_message(batch, NFT_MSG_DELSETELEM, 0, &record);

	if (!nlh)
		return -ENOMEM;
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_TABLE, batch->table);
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_SET, set->name);
	fw_batch_close(batch, nlh);
	return encode_all(batch, &record, set);
}
