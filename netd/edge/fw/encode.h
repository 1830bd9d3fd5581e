/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rulesets as netlink messages, built by libnftnl: the objects that `nft -f` makes of
 * ruleset_print()'s text. Pure, so tests read the bytes without a kernel. Private to the module.
 *
 * A function that runs out of memory sets batch->failed, and then nothing is added any more; so the
 * functions below return nothing, and fw_encode() and fw_batch_end() say what became of it. An
 * object of which something could not be set is not built: libnftnl may take what is not there for
 * set. */
#pragma once

#include <libnftnl/udata.h>

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
void fw_encode_delete_table(struct fw_batch *batch, enum rs_family family);

/* ---- encode-set.c ---- */

/* A set and its elements. */
void fw_encode_set(struct fw_batch *batch, enum rs_family family, const struct rs_set *set);
/* delete set inet netd frontend4 */
void fw_encode_delete_set(struct fw_batch *batch, enum rs_family family, const struct rs_set *set);
/* A run of elements, all of one set that is no interval set. */
void fw_encode_elems(struct fw_batch *batch, enum rs_family family, uint16_t type,
		     const struct rs_elem_change *changes, size_t n);
/* All elements of a set that exists, in place of those it has. */
void fw_encode_refill(struct fw_batch *batch, enum rs_family family, const struct rs_set *set);
/* How nft's printer finds its words again (encode-udata.c). NULL: out of memory. */
struct nftnl_udata_buf *fw_encode_set_udata(const struct rs_set *set) MUST_CHECK;

/* ---- encode-rule.c ---- */

void fw_encode_rule(struct fw_batch *batch, enum rs_family family, const struct rs_chain *chain,
		    size_t index);
/* delete rule of which every one of the chain is meant: flush chain inet netd to.backend */
void fw_encode_flush(struct fw_batch *batch, enum rs_family family, const struct rs_chain *chain);

/* ---- shared ---- */

uint32_t fw_verdict_code(enum rs_verdict verdict); /* as the kernel numbers it */

static inline void fw_free_udata(struct nftnl_udata_buf **buf) /* for CLEANUP() */
{
	nftnl_udata_buf_free(*buf); /* takes NULL */
}
