/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of edge/fw share. Private to the module. */
#pragma once

#include "edge/fw/batch.h"
#include "edge/fw/decode.h"
#include "edge/fw/fw.h"

/* After a receive with a large buffer the kernel builds large answers; a smaller one later would
 * lose their ends. So there is one size. */
#define FW_RECEIVE_BYTES 65536u

/* Tables that outlive their owner. The flag is younger than many systems' headers. */
#define FW_TABLE_OWNED (0x2u /* owner */ | 0x4u /* persist */)

struct fw {
	struct mnl_socket *nl; /* transactions; the tables' owner */
	struct mnl_socket
		*dump; /* questions: an unfinished answer must not stand before a commit's */
	struct mnl_socket *parents; /* in a child: the dump that is not its own */
	uint32_t seq;
	int send_bytes; /* what the send buffer of nl was last raised to */
	bool owns_tables, can_log, can_stamp, can_hook;
	uint64_t n_conflicts; /* commits tried again because others committed meanwhile */
	char receive[FW_RECEIVE_BYTES];
};

/* Fills @error and returns @err. */
int fw_fail(struct fw_error *error, int err, const char *format, ...) PRINTF_LIKE(3, 4);

/* Asks on the dump socket and reads the answer to its end. -EINTR: the tables changed under the
 * dump, ask again. */
int fw_ask(struct fw *fw, struct nlmsghdr *question, fw_answer_fn *answer,
	   void *userdata) MUST_CHECK;
/* The same for a dump, until one is whole: the kernel cuts a dump short when anybody commits
 * meanwhile. Before each attempt the @len bytes of @found, where @take puts what it reads, are
 * zeroed. -EINTR: each of FW_ATTEMPTS was cut short. */
#define FW_ATTEMPTS 64 /* Docker makes a commit in some 4 ms, netd looks in less than 1 */
struct fw_dump {
	fw_answer_fn *take;
	void *userdata; /* of @take */
	void *found;
	size_t len;
};
int fw_dump(struct fw *fw, struct nlmsghdr *question, const struct fw_dump *dump) MUST_CHECK;
/* A question to nf_tables, in @buffer. */
#define FW_QUESTION_BYTES 256
struct nlmsghdr *fw_question(char *buffer, uint16_t type, uint16_t flags, uint8_t family);

int fw_sockets_open(struct fw *fw) MUST_CHECK; /* 0 or -errno; close in both cases */
void fw_sockets_close(struct fw *fw);

/* The generation of the host's rules: every commit of anybody makes a new one. */
int fw_genid(struct fw *fw, uint32_t *ret) MUST_CHECK;
/* Which of our tables there are. */
int fw_tables(struct fw *fw, bool ret_exists[RS_FAMILY_COUNT]) MUST_CHECK;

/* Sends the batch and reads the kernel's verdict. 0 or -errno with *error. */
int fw_send(struct fw *fw, const struct fw_batch *batch, struct fw_error *error) MUST_CHECK;
