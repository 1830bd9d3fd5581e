/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private to edge/fw: one nfnetlink batch, that is, one transaction of the kernel. The messages
 * stand in one buffer, and each has a record of the object that it is about: when the kernel
 * refuses the batch it gives the sequence number of the message and the offset of the attribute
 * (NLMSGERR_ATTR_OFFS), and the record turns both into "element 172.18.0.2 of map inet netd to4".
 * Numbers are in the kernel's byte order inside of messages only. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "core/ruleset/ruleset.h"
#include "edge/fw/netlink.h"

/* netd's tables by the kernel's numbers of families; and back: false where it is none of them. */
static inline uint8_t fw_family_number(enum rs_family family)
{
	static const uint8_t numbers[RS_FAMILY_COUNT] = {
		[RS_INET] = NFPROTO_INET, [RS_BRIDGE] = NFPROTO_BRIDGE, [RS_NETDEV] = NFPROTO_NETDEV
	};

	return numbers[family];
}

static inline bool fw_family_find(uint8_t number, enum rs_family *ret)
{
	for (int i = 0; i < RS_FAMILY_COUNT; i++)
		if (fw_family_number((enum rs_family)i) == number) {
			*ret = (enum rs_family)i;
			return true;
		}
	return false;
}

enum fw_object {
	FW_TRANSACTION, /* the batch itself */
	FW_TABLE,
	FW_CHAIN,
	FW_RULE,
	FW_RULES, /* all of a chain */
	FW_SET,
	FW_ELEMENTS,
	FW_COUNTER,
};

/* What a message is about. All pointers borrow. */
struct fw_record {
	enum fw_object object;
	enum rs_family family;
	const char *name;	  /* of the chain, set or counter */
	const struct rs_set *set; /* FW_ELEMENTS: to print a key by */
	uint32_t rule;		  /* FW_RULE: its place in the chain, from 1 */
	size_t at;		  /* of the message in the batch; filled by fw_batch_message() */
};

struct fw_batch {
	const char *table; /* RS_TABLE_NAME, but when probing the kernel */
	uint8_t *bytes;
	size_t len, cap;
	struct fw_record *records; /* of the message with seq first_seq + index */
	size_t n_records, cap_records;
	uint32_t first_seq;
	uint32_t next_set_id;
	bool failed; /* memory ran out: nothing is added any more, and it is not sent */
};

#define FW_DESCRIPTION_LEN 200

/* BATCH_BEGIN. 0 or -ENOMEM. */
int fw_batch_begin(struct fw_batch *batch, uint32_t first_seq) MUST_CHECK;
/* BATCH_END; a batch without it is checked by the kernel and forgotten. 0, or -ENOMEM: also when
 * memory ran out before. */
int fw_batch_end(struct fw_batch *batch) MUST_CHECK;
/* Commit only on top of this generation of the host's rules; may be called again. */
void fw_batch_set_genid(struct fw_batch *batch, uint32_t genid);
void fw_batch_done(struct fw_batch *batch); /* for CLEANUP() too */

/* A new message of nf_tables with at least FW_MESSAGE_ROOM bytes to fill, which stay in place until
 * the next message; NULL when memory ran out, now or before. Give it back by fw_batch_close(). */
#define FW_MESSAGE_ROOM 65536u
struct nlmsghdr *fw_batch_message(struct fw_batch *batch, uint16_t type, uint16_t flags,
				  const struct fw_record *record) MUST_CHECK;
void fw_batch_close(struct fw_batch *batch, const struct nlmsghdr *nlh);

/* "chain inet netd to.backend", "element 172.18.0.2 of map inet netd to4". @offset: of the
 * attribute that the kernel complained about, in its message; 0: none. */
void fw_batch_describe(const struct fw_batch *batch, uint32_t seq, uint32_t offset,
		       char ret[FW_DESCRIPTION_LEN]);
const struct fw_record *fw_batch_record(const struct fw_batch *batch, uint32_t seq); /* or NULL */
