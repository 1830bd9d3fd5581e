/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "edge/rtnl/asker.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/limits.h"
#include "edge/beside/worker.h"

/* Enough that it need not wait for the loop between two, and few enough for any socket's room. */
#define MOST_ASKED 16u
/* Longer than query.h lets one question take, once the kernel has it. */
#define PATIENCE_US UINT64_C(30000000)

_Static_assert(sizeof(struct asker_answer) <= WORKER_MESSAGE, "an answer is one message");

struct asker {
	struct worker *worker;
	struct asker_handler handler;
	uint32_t number; /* of the latest question */
	size_t n_asked;
	/* What was put: a ring. The first is under way where its number is not 0, and stays until
	 * it is answered. */
	struct asker_question *put;
	size_t first, n_put, cap;
};

/* ---- in the process ---- */

static void answer(struct query *query, struct asker_answer *answer)
{
	const struct asker_question *question = &answer->question;

	switch (question->kind) {
	case ASKER_PEER:
		answer->result = query_peer(query, &question->peer, &answer->peer);
		return;
	case ASKER_NO_LEARNING:
		answer->result = query_end_local_learning(query, question->bridge);
		return;
	case ASKER_CALL_IPTABLES:
		answer->result = query_call_iptables(query, question->bridge);
		return;
	case ASKER_NEIGHBOUR:
		answer->result =
			query_correct_neighbour(query, &question->neighbour, &question->mac);
		return;
	}
}

static int serve(int fd)
{
	struct query query;
	struct asker_answer next = { 0 };
	int r = query_open(&query);

	if (r < 0)
		return r;
	for (;;) {
		r = worker_receive(fd, &next.question, sizeof(next.question));
		if (r != sizeof(next.question))
			break;
		next.peer = (struct query_answer){ 0 };
		answer(&query, &next);
		r = worker_answer(fd, &next, sizeof(next));
		if (r < 0)
			break;
	}
	query_close(&query);
	return r;
}

/* ---- in the loop ---- */

static int send_question(struct asker *asker, struct asker_question *question)
{
	if (asker->n_asked == MOST_ASKED)
		return -EAGAIN;
	question->number = asker->number + 1 ? asker->number + 1 : 1;
	int r = worker_ask(asker->worker, question, sizeof(*question));
	if (r < 0) {
		question->number = 0;
		return r;
	}
	asker->number = question->number;
	asker->n_asked++;
	return 0;
}

/* What cannot be sent now is, after the next answer. */
static void send_next_put(struct asker *asker)
{
	if (asker->n_put && asker->put[asker->first].number == 0)
		(void)!send_question(asker, &asker->put[asker->first]);
}

static void end_put(struct asker *asker, uint32_t number)
{
	if (!asker->n_put || asker->put[asker->first].number != number)
		return;
	asker->first = (asker->first + 1) % asker->cap;
	asker->n_put--;
}

static void on_answered(void *userdata, const void *message, size_t size)
{
	struct asker *asker = userdata;
	struct asker_answer answer;

	if (size != sizeof(answer))
		return;
	memcpy(&answer, message, sizeof(answer));
	asker->n_asked -= asker->n_asked > 0;
	end_put(asker, answer.question.number);
	asker->handler.answered(asker->handler.userdata, &answer);
	send_next_put(asker);
}

static void on_lost(void *userdata, bool late, int status)
{
	struct asker *asker = userdata;

	asker->n_asked = 0;
	if (asker->n_put)
		asker->put[asker->first].number = 0;
	asker->handler.lost(asker->handler.userdata, late, status);
}

static void on_ready(void *userdata)
{
	struct asker *asker = userdata;

	asker->handler.ready(asker->handler.userdata);
	send_next_put(asker);
}

/* ---- life ---- */

int asker_new(sd_event *loop, const struct asker_handler *handler, struct asker **ret)
{
	struct asker *asker = calloc(1, sizeof(*asker));
	const struct worker_options options = {
		.name = "netd-rtnl",
		.rights = UINT64_C(1) << CAP_NET_ADMIN,
		.serve = serve,
		.answered = on_answered,
		.lost = on_lost,
		.ready = on_ready,
		.userdata = asker,
		.patience_us = PATIENCE_US,
	};

	if (!asker)
		return -ENOMEM;
	asker->handler = *handler;
	int r = worker_new(loop, &options, &asker->worker);
	if (r < 0) {
		free(asker);
		return r;
	}
	*ret = asker;
	return 0;
}

struct asker *asker_free(struct asker *asker)
{
	if (!asker)
		return NULL;
	(void)worker_free(asker->worker);
	free(asker->put);
	free(asker);
	return NULL;
}

int asker_ask(struct asker *asker, struct asker_question *question)
{
	return send_question(asker, question);
}

/* A ring of twice the room. */
static int grow(struct asker *asker)
{
	size_t cap = asker->cap ? asker->cap * 2 : 16;
	struct asker_question *put = reallocarray(NULL, cap, sizeof(*put));

	if (!put)
		return -ENOMEM;
	for (size_t i = 0; i < asker->n_put; i++)
		put[i] = asker->put[(asker->first + i) % asker->cap];
	free(asker->put);
	asker->put = put;
	asker->first = 0;
	asker->cap = cap;
	return 0;
}

int asker_put(struct asker *asker, const struct asker_question *question)
{
	if (asker->n_put >= LIMIT_PUT_QUESTIONS)
		return -ENOBUFS;
	int r = asker->n_put == asker->cap ? grow(asker) : 0;
	if (r < 0)
		return r;
	struct asker_question *put = &asker->put[(asker->first + asker->n_put++) % asker->cap];
	*put = *question;
	put->number = 0;
	send_next_put(asker);
	return 0;
}

size_t asker_waiting(const struct asker *asker)
{
	bool first_is_asked = asker->n_put && asker->put[asker->first].number;

	return asker->n_asked + asker->n_put - first_is_asked;
}
