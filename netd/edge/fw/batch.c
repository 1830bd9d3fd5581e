/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "edge/fw/batch.h"

#include <errno.h>
#include <libnftnl/common.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/text.h"
#include "core/ruleset/print.h"

static int reserve(struct fw_batch *batch)
{
	size_t cap = batch->cap ? batch->cap : 4 * (size_t)FW_MESSAGE_ROOM;

	while (cap - batch->len < 2 * (size_t)FW_MESSAGE_ROOM)
		cap *= 2;
	if (cap == batch->cap)
		return 0;
	uint8_t *bytes = realloc(batch->bytes, cap);
	if (!bytes)
		return -ENOMEM;
	/* libmnl leaves the padding behind an attribute as it was: not our heap's leavings. */
	memset(bytes + batch->cap, 0, cap - batch->cap);
	batch->bytes = bytes;
	batch->cap = cap;
	return 0;
}

static int add_record(struct fw_batch *batch, const struct fw_record *record)
{
	if (batch->n_records == batch->cap_records) {
		size_t cap = batch->cap_records ? batch->cap_records * 2 : 64;
		struct fw_record *records = realloc(batch->records, cap * sizeof(*records));
		if (!records)
			return -ENOMEM;
		batch->records = records;
		batch->cap_records = cap;
	}
	batch->records[batch->n_records] = *record;
	batch->records[batch->n_records++].at = batch->len;
	return 0;
}

/* Where the next message goes, and its number; NULL: out of memory, now or before. */
static char *next_place(struct fw_batch *batch, const struct fw_record *record, uint32_t *seq)
{
	*seq = batch->first_seq + (uint32_t)batch->n_records;
	batch->failed |= batch->failed || reserve(batch) < 0 || add_record(batch, record) < 0;
	return batch->failed ? NULL : (char *)batch->bytes + batch->len;
}

struct nlmsghdr *fw_batch_message(struct fw_batch *batch, uint16_t type, uint16_t flags,
				  const struct fw_record *record)
{
	uint16_t family = fw_family_number(record->family);
	uint32_t seq;
	char *place = next_place(batch, record, &seq);

	return place ? nftnl_nlmsg_build_hdr(place, type, family, flags, seq) : NULL;
}

void fw_batch_close(struct fw_batch *batch, const struct nlmsghdr *nlh)
{
	batch->len += fw_align(nlh->nlmsg_len);
}

int fw_batch_begin(struct fw_batch *batch, uint32_t first_seq)
{
	static const struct fw_record whole = { .object = FW_TRANSACTION };

	*batch = (struct fw_batch){ .table = RS_TABLE_NAME,
				    .first_seq = first_seq,
				    .next_set_id = 1 };
	uint32_t seq;
	char *place = next_place(batch, &whole, &seq);

	if (!place)
		return -ENOMEM;
	struct nlmsghdr *nlh = nftnl_batch_begin(place, seq);
	mnl_attr_put_u32(nlh, NFNL_BATCH_GENID, 0);
	fw_batch_close(batch, nlh);
	return 0;
}

/* The acknowledgement of the end is the one proof that the batch was committed. */
int fw_batch_end(struct fw_batch *batch)
{
	static const struct fw_record whole = { .object = FW_TRANSACTION };
	uint32_t seq;
	char *place = next_place(batch, &whole, &seq);

	if (!place)
		return -ENOMEM;
	struct nlmsghdr *nlh = nftnl_batch_end(place, seq);
	nlh->nlmsg_flags |= NLM_F_ACK;
	fw_batch_close(batch, nlh);
	return 0;
}

/* The attribute is the last thing of the first message. */
void fw_batch_set_genid(struct fw_batch *batch, uint32_t genid)
{
	uint32_t value = htobe32(genid);
	size_t at = fw_align(sizeof(struct nlmsghdr)) + fw_align(sizeof(struct nfgenmsg)) +
		    fw_align(sizeof(struct nlattr));

	memcpy(batch->bytes + at, &value, sizeof(value));
}

void fw_batch_done(struct fw_batch *batch)
{
	free(batch->bytes);
	free(batch->records);
	*batch = (struct fw_batch){ 0 };
}

const struct fw_record *fw_batch_record(const struct fw_batch *batch, uint32_t seq)
{
	size_t i = (size_t)(seq - batch->first_seq);

	return i < batch->n_records ? &batch->records[i] : NULL;
}

/* The list element of a message in which byte @offset lies, or NULL. */
static const struct nlattr *element_at(const struct nlmsghdr *nlh, uint32_t offset)
{
	const struct nlattr *list = fw_attrs_find(fw_attrs_of(nlh), NFTA_SET_ELEM_LIST_ELEMENTS);
	const char *place = (const char *)nlh + offset;
	const struct nlattr *elem;

	if (!list || !offset)
		return NULL;
	struct fw_attrs elems = fw_attrs_in(list);
	while ((elem = fw_attrs_next(&elems)))
		if (place >= (const char *)elem && place < (const char *)elem + elem->nla_len)
			return elem;
	return NULL;
}

static void describe_element(const struct fw_batch *batch, const struct fw_record *record,
			     uint32_t offset, struct text *out)
{
	const void *message = batch->bytes + record->at;
	const struct nlattr *elem = element_at(message, offset);
	const struct nlattr *outer = fw_attr_inner(elem, NFTA_SET_ELEM_KEY);
	const struct nlattr *value = fw_attr_inner(outer, NFTA_DATA_VALUE);
	struct rs_key key = { 0 };

	if (!value || fw_attr_len(value) > sizeof(key.bytes)) {
		text_add(out, "elements");
		return;
	}
	key.len = (uint8_t)fw_attr_len(value);
	memcpy(key.bytes, fw_attr_bytes(value), key.len);
	text_add(out, "element ");
	rs_print_key(record->set->types, record->set->n_types, &key, out);
}

void fw_batch_describe(const struct fw_batch *batch, uint32_t seq, uint32_t offset,
		       char ret[FW_DESCRIPTION_LEN])
{
	static const char *const words[] = {
		[FW_TRANSACTION] = "the transaction",
		[FW_TABLE] = "table",
		[FW_CHAIN] = "chain",
		[FW_RULE] = "",
		[FW_RULES] = "the rules of chain",
		[FW_SET] = "set",
		[FW_ELEMENTS] = " of set",
		[FW_COUNTER] = "counter",
	};
	const struct fw_record *record = fw_batch_record(batch, seq);
	struct text out CLEANUP(text_done) = { 0 };

	if (!record || record->object == FW_TRANSACTION) {
		(void)snprintf(ret, FW_DESCRIPTION_LEN, "%s", words[FW_TRANSACTION]);
		return;
	}
	if (record->object == FW_ELEMENTS)
		describe_element(batch, record, offset, &out);
	if (record->object == FW_RULE)
		text_printf(&out, "rule %u of chain", record->rule);
	text_printf(&out, "%s %s %s%s%s", words[record->object], rs_family_name(record->family),
		    batch->table, record->name ? " " : "", record->name ? record->name : "");
	(void)snprintf(ret, FW_DESCRIPTION_LEN, "%s", text_str(&out));
}
