/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Questions whose answers are made beside the loop (edge/beside): each by a child process, on the
 * generation in force when it began. As many at a time as a lane has places; the rest waits in the
 * order in which it came. A question whose client has gone is given up. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "edge/beside/beside.h"
#include "edge/control/control.h"

struct daemon;
struct kernel_facts;

/* Short ones do not wait for long ones, and a change for neither. Changes of the policy are made one
 * after the other. Who is in no lane waits for nobody, and has nothing beside the loop. */
enum lane { LANE_SHORT, LANE_LONG, LANE_CHANGE, LANE_NONE, LANE_COUNT };

/* 0: *ret is the answer, or NULL where the step had nothing to say. One beside the loop may also
 * give an object without a code: its members go into the report of the answer that the loop makes.
 * -errno. */
typedef int answer_fn(struct daemon *d, const struct control_request *request, struct arena *arena,
		      cJSON **ret);

/* What the verb needs of the kernel, asked in the child before that has no rights any more. 0, also
 * where it cannot be read; -ENOMEM. */
typedef int answer_ask_fn(struct daemon *d, struct arena *arena, struct kernel_facts *ret);

/* Gets what the child has put aside (questions-file.h): it is for netd and for nobody else. 0;
 * -errno: that is the answer. */
typedef int answer_aside_fn(struct daemon *d, const cJSON *aside);

/* A verb that the daemon answers, or work of its own that takes its turn with them. */
struct answer {
	const char *verb;
	answer_ask_fn *ask; /* or NULL */
	answer_fn *beside;  /* in the child; or NULL */
	answer_fn *here;    /* in the loop, when the child had nothing to say; or NULL */
	enum lane lane;
	bool of_now;		/* a finding counts only if nothing was committed meanwhile */
	answer_aside_fn *aside; /* in the loop, before ->here and before the answer; or NULL */
	void (*failed)(struct daemon *d, const char *why); /* of work that nobody asked for */
};

struct question;

struct questions {
	const struct kernel_facts *kernel; /* in a child: what its verb has asked */
	struct question *first;		   /* in the order in which they came */
	unsigned int under_way[LANE_COUNT];
	bool ticks;
	sd_event_source
		*tick; /* tells those who wait that netd is at it, and begins what could not */
};

/* 0 or -errno. */
int questions_start(struct daemon *d) MUST_CHECK;
/* Gives them all up. Before control_free(). */
void questions_done(struct daemon *d);
/* CONTROL_LATER, or -errno. */
int questions_ask(struct daemon *d, const struct answer *answer,
		  const struct control_request *request) MUST_CHECK;
/* The same for netd itself: nobody gets an answer. Once, if such work waits already, for its turn
 * or until a process can be started for it. 0 or -ENOMEM. */
int questions_do(struct daemon *d, const struct answer *work) MUST_CHECK;
control_gone_fn questions_gone;
/* The state folder holds what it should, or cannot. For struct statefiles. */
void questions_settled(void *userdata);
