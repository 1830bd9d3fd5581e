/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private to edge/rtnl. Questions to rtnetlink that the loop does not wait for: a process beside it
 * (edge/beside/worker.h) asks them by query.h, one after the other.
 *
 * rtnetlink has one lock for nearly everything, and takes it within the sendmsg(2) of whoever asks,
 * so a socket that does not block is no help. The end of a network namespace holds it for tens of
 * milliseconds, the end of many for hundreds. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "core/base/cleanup.h"
#include "edge/rtnl/query.h"

struct asker;

enum asker_kind {
	ASKER_PEER,	     /* query_peer() */
	ASKER_NO_LEARNING,   /* query_end_local_learning() */
	ASKER_CALL_IPTABLES, /* query_call_iptables() */
	ASKER_NEIGHBOUR,     /* query_correct_neighbour() */
};

struct asker_question {
	enum asker_kind kind;
	uint32_t number; /* the asker's: no other question's, and not 0 */
	uint32_t bridge; /* ifindex: of the two kinds that are about one */
	struct query_peer peer;
	struct query_neighbour neighbour;
	struct mac_addr mac; /* of the neighbour */
};

struct asker_answer {
	struct asker_question question;
	int result; /* of the function of query.h */
	struct query_answer peer;
};

struct asker_handler {
	void (*answered)(void *userdata, const struct asker_answer *answer);
	/* The process is gone: nobody answers asker_ask()'s questions of before any more. Those of
	 * asker_put() are asked again. As in worker.h. */
	void (*lost)(void *userdata, bool late, int status);
	void (*ready)(void *userdata); /* to be asked again */
	void *userdata;
};

int asker_new(sd_event *loop, const struct asker_handler *handler, struct asker **ret) MUST_CHECK;
struct asker *asker_free(struct asker *asker);

/* Now, before all that was put; gives it its number. 0; -EAGAIN: there is no room, but after an
 * answer, or when it is ready. */
int asker_ask(struct asker *asker, struct asker_question *question) MUST_CHECK;
/* In its turn, one at a time, so that it keeps nobody else waiting. 0; -ENOMEM; -ENOBUFS: too many
 * are waiting. */
int asker_put(struct asker *asker, const struct asker_question *question) MUST_CHECK;
/* Questions without an answer, those that wait for their turn as well. */
size_t asker_waiting(const struct asker *asker);
