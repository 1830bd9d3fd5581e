/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What edge/fw understands of the kernel's messages, with made ones: errors that are hard to
 * provoke, and what other processes do to netd's tables. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "edge/fw/decode.h"
#include "tests/unit/test_rows_lib.h"

#define SEQ 7u

struct datagram {
	_Alignas(struct nlmsghdr) char bytes[2048];
	size_t len;
};

static struct nlmsghdr *add(struct datagram *datagram, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(datagram->bytes + datagram->len);

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = flags;
	nlh->nlmsg_seq = SEQ;
	return nlh;
}

static void close_message(struct datagram *datagram, const struct nlmsghdr *nlh)
{
	datagram->len += nlh->nlmsg_len;
}

/* ---- answers ---- */

#define DATA ((uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWTABLE))

struct message {
	uint16_t type, flags;
	int number; /* of an error, or of the end of a dump */
	bool cut;   /* without it */
	bool old;   /* the answer to an earlier question */
};

struct answer_row {
	const char *name;
	struct message messages[3]; /* up to type 0 */
	bool single;		    /* no dump was asked for */
	int fails;		    /* the reader of messages does, with this */
	int want, want_calls;
	bool want_done, want_interrupted;
};

static const struct answer_row answer_rows[] = {
	{ "a dump",
	  { { .type = DATA }, { .type = DATA }, { .type = NLMSG_DONE } },
	  .want_calls = 2,
	  .want_done = true },
	{ "a dump that goes on", { { .type = DATA } }, .want_calls = 1 },
	{ "a dump that breaks off",
	  { { .type = DATA }, { NLMSG_DONE, .number = -ENOMEM } },
	  .want = -ENOMEM,
	  .want_calls = 1,
	  .want_done = true },
	{ "an end without a number", { { NLMSG_DONE, .cut = true } }, .want_done = true },
	{ "rules that change meanwhile",
	  { { DATA, .flags = NLM_F_DUMP_INTR }, { .type = NLMSG_DONE } },
	  .want_calls = 1,
	  .want_done = true,
	  .want_interrupted = true },
	{ "a refusal", { { NLMSG_ERROR, .number = -EPERM } }, .want = -EPERM, .want_done = true },
	{ "an acknowledgement", { { .type = NLMSG_ERROR } }, .want_done = true },
	{ "a refusal cut short",
	  { { NLMSG_ERROR, .number = -EPERM, .cut = true } },
	  .want = -EPROTO,
	  .want_done = true },
	{ "one message", { { .type = DATA } }, .single = true, .want_calls = 1, .want_done = true },
	{ "an old answer", { { DATA, .old = true }, { NLMSG_DONE, .old = true } }, .want = 0 },
	{ "no memory to read it",
	  { { .type = DATA }, { .type = DATA }, { .type = NLMSG_DONE } },
	  .fails = -ENOMEM,
	  .want = -ENOMEM,
	  .want_calls = 2,
	  .want_done = true },
};

static void put(struct datagram *datagram, const struct message *message)
{
	struct nlmsghdr *nlh = add(datagram, message->type, message->flags);
	struct nlmsgerr *error;

	if (message->old)
		nlh->nlmsg_seq = SEQ - 1;
	if (message->type == NLMSG_DONE && !message->cut)
		*(int *)mnl_nlmsg_put_extra_header(nlh, sizeof(int)) = message->number;
	if (message->type == NLMSG_ERROR && !message->cut) {
		error = mnl_nlmsg_put_extra_header(nlh, sizeof(*error));
		error->error = message->number;
	}
	close_message(datagram, nlh);
}

struct reader {
	int calls, result;
};

static int count(const struct nlmsghdr *nlh, void *userdata)
{
	struct reader *reader = userdata;

	assert_int_equal(nlh->nlmsg_type, DATA);
	reader->calls++;
	return reader->result;
}

static void answers(void **state)
{
	const struct answer_row *row = *state;
	struct datagram datagram = { .len = 0 };
	struct reader reader = { 0, row->fails };
	struct fw_answer answer = { SEQ, !row->single, .fn = count, .userdata = &reader };

	for (size_t i = 0; i < ARRAY_LEN(row->messages) && row->messages[i].type; i++)
		put(&datagram, &row->messages[i]);
	assert_int_equal(fw_read_answer(&answer, datagram.bytes, datagram.len), row->want);
	assert_int_equal(reader.calls, row->want_calls);
	assert_int_equal(answer.done, row->want_done);
	assert_int_equal(answer.interrupted, row->want_interrupted);
}

/* ---- verdicts ---- */

static void put_verdict(struct datagram *datagram, int error, uint16_t flags, uint32_t offset)
{
	struct nlmsghdr *nlh = add(datagram, NLMSG_ERROR, flags | NLM_F_ACK_TLVS);
	struct nlmsgerr *payload = mnl_nlmsg_put_extra_header(nlh, sizeof(*payload));

	payload->error = error;
	payload->msg.nlmsg_len = sizeof(payload->msg) + 8;
	if (!(flags & NLM_F_CAPPED)) /* our own message comes first, whole */
		(void)mnl_nlmsg_put_extra_header(nlh, 8);
	mnl_attr_put_u32(nlh, NLMSGERR_ATTR_OFFS, offset);
	close_message(datagram, nlh);
}

static void free_batch(struct fw_batch *batch)
{
	fw_batch_done(batch);
}

static void verdicts(void **state)
{
	struct fw_batch batch CLEANUP(free_batch) = { 0 };
	struct fw_verdict verdict = { .batch = &batch };
	struct datagram datagram = { .len = 0 };

	(void)state;
	assert_int_equal(fw_batch_begin(&batch, SEQ), 0);
	put_verdict(&datagram, 0, 0, 0);
	fw_read_verdict(&verdict, datagram.bytes, datagram.len);
	assert_true(verdict.committed);
	assert_int_equal(verdict.err, 0);
	for (int capped = 0; capped < 2; capped++) {
		verdict = (struct fw_verdict){ .batch = &batch };
		datagram.len = 0;
		put_verdict(&datagram, -EEXIST, capped ? NLM_F_CAPPED : 0, 28);
		put_verdict(&datagram, -ENOENT, 0, 44); /* only the first counts */
		fw_read_verdict(&verdict, datagram.bytes, datagram.len);
		assert_false(verdict.committed);
		assert_int_equal(verdict.err, -EEXIST);
		assert_int_equal(verdict.seq, SEQ);
		assert_int_equal(verdict.offset, 28);
	}
}

static void verdict_on_another_batch(void **state)
{
	struct fw_batch batch CLEANUP(free_batch) = { 0 };
	struct fw_verdict verdict = { .batch = &batch };
	struct datagram datagram = { .len = 0 };

	(void)state;
	assert_int_equal(fw_batch_begin(&batch, SEQ + 1), 0);
	put_verdict(&datagram, 0, 0, 0);
	put_verdict(&datagram, -EPERM, 0, 0);
	fw_read_verdict(&verdict, datagram.bytes, datagram.len);
	assert_false(verdict.committed);
	assert_int_equal(verdict.err, 0);
}

/* ---- notifications ---- */

#define PORT 42u

static void put_object(struct datagram *datagram, uint16_t type, uint8_t family, const char *table,
		       const char *name)
{
	struct nlmsghdr *nlh = add(datagram, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type), 0);

	fw_put_family(nlh, family, 0);
	mnl_attr_put_strz(nlh, NFTA_CHAIN_TABLE, table);
	mnl_attr_put_strz(nlh, NFTA_CHAIN_NAME, name); /* 3, as of a chain */
	close_message(datagram, nlh);
}

static void put_end(struct datagram *datagram, uint32_t port)
{
	struct nlmsghdr *nlh = add(datagram, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWGEN, 0);

	nlh->nlmsg_pid = port;
	fw_put_family(nlh, NFPROTO_UNSPEC, 0);
	fw_put_be32(nlh, NFTA_GEN_PROC_PID, 4711);
	mnl_attr_put_strz(nlh, NFTA_GEN_PROC_NAME, "nft");
	close_message(datagram, nlh);
}

/* Transactions told of; *ret is the last of them. */
static int take(const struct datagram *datagram, struct fw_change *ret)
{
	struct fw_notices notices = { .own_port = PORT };
	const char *bytes = datagram->bytes;
	size_t left = datagram->len;
	const struct nlmsghdr *nlh;
	int n = 0;

	while ((nlh = fw_next_message(&bytes, &left)))
		n += fw_take_notice(&notices, nlh, ret);
	return n;
}

static void others_transactions(void **state)
{
	struct datagram datagram = { .len = 0 };
	struct fw_change change = { 0 };

	(void)state;
	put_object(&datagram, NFT_MSG_DELCHAIN, NFPROTO_BRIDGE, "netd", "forward");
	put_object(&datagram, NFT_MSG_DELTABLE, NFPROTO_INET, "netd", "");
	put_end(&datagram, PORT + 1);
	put_end(&datagram, PORT + 1); /* with nothing of ours in it */
	assert_int_equal(take(&datagram, &change), 1);
	assert_string_equal(change.first, "deleted chain bridge netd forward");
	assert_string_equal(change.process, "nft");
	assert_int_equal(change.pid, 4711);
	assert_int_equal(change.n, 2);
}

static void what_is_not_told(void **state)
{
	struct datagram datagram = { .len = 0 };
	struct fw_change change = { 0 };

	(void)state;
	put_object(&datagram, NFT_MSG_NEWCHAIN, NFPROTO_INET, "docker", "forward");
	put_object(&datagram, NFT_MSG_NEWCHAIN, NFPROTO_IPV4, "netd", "forward");
	put_object(&datagram, 200, NFPROTO_INET, "netd", "forward");
	put_end(&datagram, PORT + 1);
	assert_int_equal(take(&datagram, &change), 0);
	/* One's own. */
	datagram.len = 0;
	put_object(&datagram, NFT_MSG_NEWTABLE, NFPROTO_INET, "netd", "");
	put_end(&datagram, PORT);
	assert_int_equal(take(&datagram, &change), 0);
}

/* A length that does not fit ends the reading, a number of 2 GB and more too. */
static void lengths(void **state)
{
	static const uint32_t bad[] = { 0, 15, 1000, INT32_MAX, UINT32_C(0x80000000), UINT32_MAX };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct datagram datagram = { .len = 0 };
		const char *at = datagram.bytes;
		struct nlmsghdr *nlh = add(&datagram, DATA, 0);
		size_t left = nlh->nlmsg_len;
		assert_ptr_equal(fw_next_message(&at, &left), nlh);
		assert_null(fw_next_message(&at, &left));
		at = datagram.bytes;
		left = nlh->nlmsg_len;
		nlh->nlmsg_len = bad[i];
		assert_null(fw_next_message(&at, &left));
	}
}

int main(void)
{
	const struct CMUnitTest others[] = {
		cmocka_unit_test(verdicts),
		cmocka_unit_test(verdict_on_another_batch),
		cmocka_unit_test(others_transactions),
		cmocka_unit_test(what_is_not_told),
		cmocka_unit_test(lengths),
	};
	struct CMUnitTest tests[ARRAY_LEN(others) + ARRAY_LEN(answer_rows)];

	memcpy(tests, others, sizeof(others));
	ADD_ROWS(tests, ARRAY_LEN(others), answer_rows, answers);
	return cmocka_run_group_tests_name("fw_decode", tests, NULL, NULL);
}
