/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The two control sockets: read (PATH) and admin (PATH with "-admin" before its suffix). Requests
 * come parsed and checked to a handler; a client can never block or kill the daemon, whatever it
 * sends, does not send, or does not read. Its sources run at idle priority: netlink and Docker come
 * first, and a flood of requests takes turns with the reconcile. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <systemd/sd-event.h>

#include "core/base/cleanup.h"
#include "core/wire/wire.h"

struct control;

struct control_peer {
	pid_t pid; /* for the log only: by the time it is read, it may be another process */
	uid_t uid;
};

/* One request. Everything in it is borrowed: until the handler returns, and where that puts it off
 * until it is answered or its client has gone. */
struct control_request {
	const struct wire_verb *verb; /* never an offline verb */
	const cJSON *json;	      /* the whole request */
	struct control_peer peer;
	bool admin;	/* came in on the admin socket; an admin verb never comes without */
	uint64_t token; /* for control_answer() */
};

/* 0: *ret is the answer, and control's from then on. CONTROL_LATER: control_answer() or
 * control_answer_file() will be called with the token. -errno: the client gets "internal"; the
 * daemon goes on. */
#define CONTROL_LATER 1
typedef int control_handler_fn(const struct control_request *request, void *userdata,
			       cJSON **ret) MUST_CHECK;
/* Whoever asked what was put off has gone: nobody waits for its answer any more. */
typedef void control_gone_fn(uint64_t token, void *userdata);

struct control_options {
	const char *path;	 /* the read socket */
	const char *read_group;	 /* may use the read socket; NULL: "netd" */
	const char *admin_group; /* may use the admin socket; NULL: "netd-admin" */
	control_handler_fn *handler;
	control_gone_fn *gone; /* or NULL */
	void *userdata;
	unsigned int timeout_ms; /* idle, unfinished request, unread answer; 0: 30 s */
};

/* 0; -EADDRINUSE: a daemon answers on the socket; -EEXIST: something that is not a socket is in the
 * way; -ENAMETOOLONG; another -errno. */
int control_new(sd_event *event, const struct control_options *options,
		struct control **ret) MUST_CHECK;
struct control *control_free(struct control *control); /* closes, and removes the socket files */
void control_freep(struct control **control);	       /* for CLEANUP() */

/* Answers a request that its handler put off. Takes @answer (NULL counts as out of memory). A
 * client that has gone since is no error. */
void control_answer(struct control *control, uint64_t token, cJSON *answer);
/* The same with an answer that is written already: @size bytes of @fd from its beginning, one whole
 * line. A descriptor of its own is kept. */
void control_answer_file(struct control *control, uint64_t token, int fd, size_t size);
/* Says something before the answer, if the client has read what was said before. Takes @message. */
void control_tell(struct control *control, uint64_t token, cJSON *message);
/* How many clients are connected: for status. */
unsigned int control_clients(const struct control *control);
