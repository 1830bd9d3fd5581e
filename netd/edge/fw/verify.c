/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel against a ruleset: both are brought to one form (canon.c), the ruleset by way of the
 * batch that would load it, and compared object by object. */
#include <errno.h>

#include "edge/fw/canon.h"
#include "edge/fw/encode.h"
#include "edge/fw/handle.h"

#define ATTEMPTS 16 /* Docker and others may commit while we read */

/* ---- the two sides ---- */

static int take_dumped(const struct nlmsghdr *nlh, void *userdata)
{
	return fw_canon_take(userdata, nlh);
}

static int take_batch(struct fw_canon *canon, const struct fw_batch *batch)
{
	const char *bytes = (const char *)batch->bytes;
	size_t left = batch->len;
	const struct nlmsghdr *nlh;
	int r = 0;

	while (r == 0 && (nlh = fw_next_message(&bytes, &left)))
		r = fw_canon_take(canon, nlh);
	return r;
}

static int read_model(const struct fw *fw, const struct ruleset *rs, struct fw_canon *canon)
{
	struct fw_batch batch CLEANUP(fw_batch_done) = { 0 };
	struct fw_encode_options options = { .whole = true,
					     .table_flags = fw->owns_tables ? FW_TABLE_OWNED : 0 };
	struct rs_diff diff;
	int r = ruleset_diff(NULL, rs, canon->arena, &diff);

	if (r == 0)
		r = fw_batch_begin(&batch, 1);
	if (r == 0)
		r = fw_encode(&batch, &diff, &options);
	return r < 0 ? r : take_batch(canon, &batch);
}

static int ask(struct fw *fw, uint16_t type, uint8_t family, struct fw_canon *canon)
{
	char buffer[FW_QUESTION_BYTES];

	return fw_ask(fw, fw_question(buffer, type, NLM_F_DUMP, family), take_dumped, canon);
}

static int ask_elements(struct fw *fw, enum rs_family family, const char *set,
			struct fw_canon *canon)
{
	uint8_t nf_family = fw_family_number(family);
	char buffer[FW_QUESTION_BYTES];
	struct nlmsghdr *nlh = fw_question(buffer, NFT_MSG_GETSETELEM, NLM_F_DUMP, nf_family);

	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_TABLE, RS_TABLE_NAME);
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_SET, set);
	return fw_ask(fw, nlh, take_dumped, canon);
}

static int ask_all_elements(struct fw *fw, struct fw_canon *canon)
{
	size_t n = canon->things.n;
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		const struct fw_thing thing = canon->things.items[i];
		if (thing.kind == FW_SET)
			r = ask_elements(fw, thing.family, thing.name, canon);
	}
	return r;
}

static int read_once(struct fw *fw, struct fw_canon *canon)
{
	static const uint16_t before[] = { NFT_MSG_GETTABLE, NFT_MSG_GETCHAIN, NFT_MSG_GETSET,
					   NFT_MSG_GETOBJ };
	int r = 0;

	for (int f = 0; f < RS_FAMILY_COUNT; f++)
		for (size_t i = 0; r == 0 && i < ARRAY_LEN(before); i++)
			r = ask(fw, before[i], fw_family_number((enum rs_family)f), canon);
	if (r == 0)
		r = ask_all_elements(fw, canon);
	for (int f = 0; r == 0 && f < RS_FAMILY_COUNT; f++)
		r = ask(fw, NFT_MSG_GETRULE, fw_family_number((enum rs_family)f), canon);
	return r;
}

/* Of one generation: many dumps are one picture only if nobody committed in between. */
static int read_kernel(struct fw *fw, struct arena *arena, struct fw_canon *ret)
{
	int r = -EINTR;

	for (int i = 0; i < ATTEMPTS && r == -EINTR; i++) {
		struct fw_canon canon = { .arena = arena };
		uint32_t before = 0, after = 0;
		r = fw_genid(fw, &before);
		if (r == 0)
			r = read_once(fw, &canon);
		if (r == -ENOENT) /* a set that went away under us */
			r = -EINTR;
		if (r == 0)
			r = fw_genid(fw, &after);
		if (r == 0 && before != after)
			r = -EINTR;
		*ret = canon;
	}
	return r == -EINTR ? -EBUSY : r;
}

int fw_verify(struct fw *fw, const struct ruleset *rs, struct arena *arena, struct fw_verified *ret,
	      struct fw_error *error)
{
	struct fw_canon ours = { .arena = arena }, theirs = { .arena = arena };
	int r = read_model(fw, rs, &ours);

	*ret = (struct fw_verified){ 0 };
	if (r == 0)
		r = read_kernel(fw, arena, &theirs);
	if (r < 0)
		return fw_fail(error, r, "reading the rules in force: %s", strerror(-r));
	fw_canon_sort(&ours);
	fw_canon_sort(&theirs);
	ret->n_objects = ours.things.n;
	r = fw_compare(rs, &ours, &theirs, arena, ret);
	return r < 0 ? fw_fail(error, r, "comparing the rules: %s", strerror(-r)) : 0;
}
