/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private to edge/fw: what a message of the kernel says, as a value. Each fw_take_*() is the
 * callback of one dump: it gets a message that may be of any form, puts what it understands into
 * *userdata, and passes over what is of another table. 0, or -errno as its line says. The functions
 * are pure, so that tests and fuzzers call them without a socket. */
#pragma once

#include "core/base/arena.h"
#include "edge/fw/canon.h"
#include "edge/fw/fw.h"
#include "edge/fw/watch.h"

/* ---- answers ---- */

/* Called with each message of an answer; @userdata is what it says, as given to fw_ask(). 0, or
 * -errno to stop. */
typedef int fw_answer_fn(const struct nlmsghdr *nlh, void *userdata);

/* What a reader that makes a list needs. */
struct fw_reading {
	struct arena *arena;
	void *ret;
};

fw_answer_fn fw_take_genid;	   /* uint32_t; -EPROTO: none is in it */
fw_answer_fn fw_take_table;	   /* bool[RS_FAMILY_COUNT]: there are these of ours */
fw_answer_fn fw_take_stamp;	   /* struct fw_state: from the rule that stamps */
fw_answer_fn fw_take_counter;	   /* struct fw_reading of struct fw_counters */
fw_answer_fn fw_take_admitted;	   /* struct fw_reading of struct fw_admitted */
fw_answer_fn fw_take_connection;   /* struct fw_reading of struct cut_facts */
fw_answer_fn fw_take_forward;	   /* enum fw_forward */
fw_answer_fn fw_take_secmark_user; /* char[FW_PLACE_LEN]: the first one's place */
fw_answer_fn fw_take_docker_chain; /* bool: it is one of Docker's */

/* An answer, datagram by datagram. */
struct fw_answer {
	uint32_t seq; /* of the question: an old answer that nobody read to its end is not ours */
	bool dump;    /* ends with a message of its own */
	bool done, interrupted;
	fw_answer_fn *fn;
	void *userdata;
};
/* 0, or the first -errno of the kernel or of @fn; the rest of the datagram is looked at anyway. */
int fw_read_answer(struct fw_answer *answer, const char *bytes, size_t len) MUST_CHECK;

/* The kernel's answers to a batch: the first thing it complained about. */
struct fw_verdict {
	const struct fw_batch *batch;
	bool committed;
	int err; /* 0: nothing */
	uint32_t seq, offset;
};
void fw_read_verdict(struct fw_verdict *verdict, const char *bytes, size_t len);

/* A rule of others that keeps security marks in connections. */
bool fw_keeps_secmark(const struct nlmsghdr *nlh);

/* ---- notifications ---- */

struct fw_notices {
	uint32_t own_port;	 /* whose transactions do not count */
	struct fw_change change; /* of the transaction that is being read */
	bool secmark;		 /* rules of others that keep security marks came or went */
};
/* True: @nlh ends a transaction of another process that touched our tables, *ret. */
bool fw_take_notice(struct fw_notices *notices, const struct nlmsghdr *nlh, struct fw_change *ret);

/* ---- verify ---- */

/* What differs, added to @ret; both are sorted, @rs tells what the keys of our elements are. 0 or
 * -ENOMEM. */
int fw_compare(const struct ruleset *rs, const struct fw_canon *ours, const struct fw_canon *theirs,
	       struct arena *arena, struct fw_verified *ret) MUST_CHECK;
