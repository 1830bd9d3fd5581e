/* SPDX-License-Identifier: GPL-2.0-or-later */
/* netdctl's side of the control sockets: one request, one answer, with a deadline. netd that says
 * it is at it (a request with "progress": true asks for that) has not missed it: the time begins
 * anew. */
#pragma once

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "core/base/cleanup.h"
#include "core/wire/wire.h"

/* What netd says of an answer that takes long. */
struct client_progress {
	unsigned int seconds; /* since it was asked */
	bool begun;	      /* else it waits for its turn */
	unsigned int before;  /* those that netd answers first */
};

struct client_options {
	const char *path;	 /* the read socket; the admin socket is found beside it */
	bool admin;		 /* ask on the admin socket */
	unsigned int timeout_ms; /* connect, send and answer together; 0: 30 s */
	void (*progress)(const struct client_progress *progress, void *userdata); /* or NULL */
	void *userdata;
};

/* An answer, or why there is none. */
struct client_answer {
	enum wire_code code; /* the daemon's, or client's own: UNAVAILABLE (nobody there, no answer
			      * in time), REFUSED (not permitted), INTERNAL (not our protocol) */
	bool alone;	     /* nobody listens there: netd does not run */
	cJSON *json;	     /* owned; NULL: no answer came */
	char error[512];     /* what, where, what to do; "" when all is well. Also holds the
			      * "error" of the daemon's answer */
};

/* Sends @request (not taken) and waits. *ret is always written; its code gives the exit status
 * (wire_exit_status()). */
void client_call(const struct client_options *options, const cJSON *request,
		 struct client_answer *ret);
void client_answer_done(struct client_answer *answer); /* for CLEANUP() too */
