/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A process that stays beside the event loop, for calls in which the kernel makes one wait: each
 * message to it is a question, each message from it an answer (a pair of SOCK_SEQPACKET). The loop
 * never waits for it: what does not fit into the socket is not taken. When it ends, or has been
 * silent for too long and is ended, another one is begun.
 *
 * It is a copy of the program as it is when it begins, like a child of edge/beside/beside.h, and
 * has none of its descriptors but standard input, output and error. Unlike those it has the
 * priority of the program, for a container that starts waits for it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "core/base/cleanup.h"

struct worker;

struct worker_options {
	const char *name; /* of the process: 15 characters at most */
	uint64_t rights; /* capabilities that it keeps, a bit each, of those that the program has */
	/* In the process: reads questions from @fd and writes answers to it, until there is nobody
	 * to read from. 0 or -errno, which is the code it exits with. */
	int (*serve)(int fd);
	/* In the loop. An answer: @message is the worker's until it returns. */
	void (*answered)(void *userdata, const void *message, size_t size);
	/* It is gone, and what it has not answered by now it never will. @late: it was ended for
	 * its silence; otherwise @status is as from waitpid(2). */
	void (*lost)(void *userdata, bool late, int status);
	/* Another one is there to be asked. */
	void (*ready)(void *userdata);
	void *userdata;
	uint64_t patience_us; /* how long it may be silent with a question */
};

#define WORKER_MESSAGE 512u /* bytes; longer ones are cut */

/* 0: it is there; or -errno. */
int worker_new(sd_event *loop, const struct worker_options *options,
	       struct worker **ret) MUST_CHECK;
/* Ends it without a word. */
struct worker *worker_free(struct worker *worker);
void worker_freep(struct worker **worker); /* for CLEANUP() */

/* 0; -EAGAIN: not now, but after an answer, or when the next one is ready. */
int worker_ask(struct worker *worker, const void *message, size_t size) MUST_CHECK;

/* For serve(). The next question's size; 0: there is nobody any more; -errno. */
int worker_receive(int fd, void *ret, size_t size) MUST_CHECK;
int worker_answer(int fd, const void *message, size_t size) MUST_CHECK;
