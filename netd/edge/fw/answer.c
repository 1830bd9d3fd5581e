/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Datagrams to answers and verdicts. */
#include <errno.h>
#include <linux/netlink.h>

#include "edge/fw/decode.h"

static int take_answer(struct fw_answer *answer, const struct nlmsghdr *nlh)
{
	const void *payload = mnl_nlmsg_get_payload(nlh);
	const struct nlmsgerr *err = payload;

	if (nlh->nlmsg_seq != answer->seq)
		return 0;
	if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
		answer->interrupted = true;
	if (nlh->nlmsg_type == NLMSG_ERROR) {
		answer->done = true;
		return mnl_nlmsg_get_payload_len(nlh) >= sizeof(*err) ? err->error : -EPROTO;
	}
	if (nlh->nlmsg_type == NLMSG_DONE || !answer->dump)
		answer->done = true;
	/* A dump that broke off ends as one that did not, but for the number in it. */
	if (nlh->nlmsg_type == NLMSG_DONE)
		return mnl_nlmsg_get_payload_len(nlh) >= sizeof(int) ? *(const int *)payload : 0;
	return answer->fn(nlh, answer->userdata);
}

int fw_read_answer(struct fw_answer *answer, const char *bytes, size_t len)
{
	const struct nlmsghdr *nlh;
	int r = 0;

	while ((nlh = fw_next_message(&bytes, &len))) {
		int err = take_answer(answer, nlh);
		r = r < 0 ? r : err;
	}
	return r;
}

/* The byte of our message that was wrong: an attribute behind the error. */
static uint32_t error_offset(const struct nlmsghdr *nlh, const struct nlmsgerr *err)
{
	size_t skip = sizeof(*nlh) + fw_align(sizeof(*err));
	const struct nlattr *attr;
	uint32_t offset;

	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS))
		return 0;
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED))
		skip += fw_align(err->msg.nlmsg_len) - sizeof(err->msg);
	if (skip > nlh->nlmsg_len)
		return 0;
	struct fw_attrs attrs = { (const char *)nlh + skip, (const char *)nlh + nlh->nlmsg_len };
	attr = fw_attrs_find(attrs, NLMSGERR_ATTR_OFFS);
	if (!attr || fw_attr_len(attr) != sizeof(offset))
		return 0;
	memcpy(&offset, fw_attr_bytes(attr), sizeof(offset));
	return offset;
}

static void take_verdict(struct fw_verdict *verdict, const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *err = mnl_nlmsg_get_payload(nlh);

	if (nlh->nlmsg_type != NLMSG_ERROR || mnl_nlmsg_get_payload_len(nlh) < sizeof(*err) ||
	    !fw_batch_record(verdict->batch, nlh->nlmsg_seq))
		return;
	if (err->error == 0) {
		verdict->committed = true;
		return;
	}
	if (verdict->err)
		return;
	verdict->err = err->error;
	verdict->seq = nlh->nlmsg_seq;
	verdict->offset = error_offset(nlh, err);
}

void fw_read_verdict(struct fw_verdict *verdict, const char *bytes, size_t len)
{
	const struct nlmsghdr *nlh;

	while ((nlh = fw_next_message(&bytes, &len)))
		take_verdict(verdict, nlh);
}
