/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rulesets as netlink messages: the objects that `nft -f` makes of ruleset_print()'s text, bit for
 * bit. Pure, so tests read the bytes without a kernel. Private to the module. */
#pragma once

#include "core/ruleset/ruleset.h"
#include "edge/fw/batch.h"

struct fw_encode_options {
	bool whole;		      /* the difference is from nothing: make the tables, too */
	bool exists[RS_FAMILY_COUNT]; /* whole: delete this one first */
	uint32_t table_flags;
};

/* Appends to a batch that was begun. 0 or -ENOMEM. */
int fw_encode(struct fw_batch *batch, const struct rs_diff *diff,
	      const struct fw_encode_options *options) MUST_CHECK;
int fw_encode_delete_table(struct fw_batch *batch, enum rs_family family) MUST_CHECK;

/* ---- encode-set.c ---- */

/* A set and its elements. */
int fw_encode_set(struct fw_batch *batch, enum rs_family family,
		  const struct rs_set *set) MUST_CHECK;
/* A run of elements, all of one set that is no interval set. */
int fw_encode_elems(struct fw_batch *batch, enum rs_family family, uint16_t type,
		    const struct rs_elem_change *changes, size_t n) MUST_CHECK;
/* All elements of a set that exists, in place of those it has. */
int fw_encode_refill(struct fw_batch *batch, enum rs_family family,
		     const struct rs_set *set) MUST_CHECK;
/* How nft's printer finds its words again; returns the length. */
#define FW_UDATA_MAX 255u
size_t fw_encode_set_udata(const struct rs_set *set, uint8_t ret[FW_UDATA_MAX]);

/* ---- encode-rule.c ---- */

int fw_encode_rule(struct fw_batch *batch, enum rs_family family, const struct rs_chain *chain,
		   size_t index) MUST_CHECK;

/* ---- attributes ---- */

void fw_put_value(struct nlmsghdr *nlh, uint16_t type, const void *bytes, size_t len);
void fw_put_verdict(struct nlmsghdr *nlh, uint16_t type, enum rs_verdict verdict,
		    const char *target);
