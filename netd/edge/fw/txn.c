/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Transactions: committed on top of just the generation of rules that was looked at, and tried
 * again when another program (Docker) was quicker. */
#include <errno.h>
#include <stdlib.h>

#include "edge/fw/encode.h"
#include "edge/fw/handle.h"

int fw_take_genid(const struct nlmsghdr *nlh, void *userdata)
{
	const struct nlattr *attr = fw_attrs_find(fw_attrs_of(nlh), NFTA_GEN_ID);

	if (!attr)
		return -EPROTO;
	*(uint32_t *)userdata = fw_attr_be32(attr, 0);
	return 0;
}

int fw_take_table(const struct nlmsghdr *nlh, void *userdata)
{
	bool *exists = userdata;
	enum rs_family family;
	const struct nlattr *name = fw_attrs_find(fw_attrs_of(nlh), NFTA_TABLE_NAME);

	if (strcmp(fw_attr_text(name), RS_TABLE_NAME) == 0 &&
	    fw_family_find(fw_family_of(nlh), &family))
		exists[family] = true;
	return 0;
}

int fw_genid(struct fw *fw, uint32_t *ret)
{
	char buffer[FW_QUESTION_BYTES];

	return fw_ask(fw, fw_question(buffer, NFT_MSG_GETGEN, 0, NFPROTO_UNSPEC), fw_take_genid,
		      ret);
}

int fw_tables(struct fw *fw, bool ret_exists[RS_FAMILY_COUNT])
{
	struct fw_dump dump = { fw_take_table, ret_exists, ret_exists,
				sizeof(bool) * RS_FAMILY_COUNT };
	char buffer[FW_QUESTION_BYTES];

	return fw_dump(fw, fw_question(buffer, NFT_MSG_GETTABLE, NLM_F_DUMP, NFPROTO_UNSPEC),
		       &dump);
}

/* What one attempt is made of. */
struct txn {
	const struct rs_diff *diff; /* NULL: delete the tables */
	bool whole, check;
};

static int encode(const struct txn *txn, const struct fw_encode_options *options,
		  struct fw_batch *batch)
{
	int r = 0;

	if (txn->diff)
		r = fw_encode(batch, txn->diff, options);
	for (int i = 0; r == 0 && !txn->diff && i < RS_FAMILY_COUNT; i++)
		if (options->exists[i])
			fw_encode_delete_table(batch, (enum rs_family)i);
	if (r == 0 && !txn->check)
		r = fw_batch_end(batch);
	return r;
}

static int attempt(struct fw *fw, const struct txn *txn, struct fw_error *error)
{
	struct fw_batch batch CLEANUP(fw_batch_done) = { 0 };
	struct fw_encode_options options = { .whole = txn->whole,
					     .table_flags = fw->owns_tables ? FW_TABLE_OWNED : 0 };
	uint32_t genid = 0;
	int r = fw_genid(fw, &genid);

	if (r == 0 && (txn->whole || !txn->diff))
		r = fw_tables(fw, options.exists);
	if (r < 0)
		return fw_fail(error, r, "asking the kernel for its tables: %s%s", strerror(-r),
			       r == -EPERM ? "; netd needs CAP_NET_ADMIN" : "");
	r = fw_batch_begin(&batch, fw->seq + 1);
	if (r == 0)
		r = encode(txn, &options, &batch);
	if (r < 0)
		return fw_fail(error, r, "building the transaction: %s", strerror(-r));
	fw->seq += (uint32_t)batch.n_records;
	fw_batch_set_genid(&batch, genid);
	return fw_send(fw, &batch, error);
}

static int run(struct fw *fw, const struct txn *txn, struct fw_error *error)
{
	int r = -ERESTART;

	for (int i = 0; i < FW_ATTEMPTS && r == -ERESTART; i++) {
		r = attempt(fw, txn, error);
		fw->n_conflicts += r == -ERESTART;
	}
	if (r == -ERESTART)
		return fw_fail(error, -EBUSY,
			       "other programs changed the host's rules %d times in a"
			       " row, each time between a look and a commit",
			       FW_ATTEMPTS);
	if (r == 0)
		*error = (struct fw_error){ 0 };
	return r;
}

static int diff_of(const struct ruleset *from, const struct ruleset *to, struct arena *scratch,
		   struct rs_diff *ret, struct fw_error *error)
{
	int r = ruleset_diff(from, to, scratch, ret);

	return r < 0 ? fw_fail(error, r, "comparing rulesets: %s", strerror(-r)) : 0;
}

int fw_commit_diff(struct fw *fw, const struct rs_diff *diff, bool whole, struct fw_error *error)
{
	return diff->empty ? 0 : run(fw, &(struct txn){ .diff = diff, .whole = whole }, error);
}

int fw_commit(struct fw *fw, const struct ruleset *from, const struct ruleset *to,
	      struct arena *scratch, struct fw_error *error)
{
	struct rs_diff diff;
	int r = diff_of(from, to, scratch, &diff, error);

	return r < 0 ? r : fw_commit_diff(fw, &diff, from == NULL, error);
}

int fw_check(struct fw *fw, const struct ruleset *from, const struct ruleset *to,
	     struct arena *scratch, struct fw_error *error)
{
	struct rs_diff diff;
	struct txn txn = { .diff = &diff, .whole = from == NULL, .check = true };
	int r = diff_of(from, to, scratch, &diff, error);

	if (r < 0 || diff.empty)
		return r;
	return run(fw, &txn, error);
}

int fw_off(struct fw *fw, struct fw_error *error)
{
	return run(fw, &(struct txn){ 0 }, error);
}
