/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private to edge/control: one client of a control socket, from accept() to close(). A connection
 * belongs to its listener, and the listeners to struct control. conn.c reads, parses and writes;
 * control.c accepts, keeps time and hands on the answers that are ready later. Sizes are in bytes,
 * times in microseconds of CLOCK_MONOTONIC. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "core/base/lines.h"
#include "edge/control/control.h"
#include "edge/control/socket.h"

/* After netlink and Docker, in turn with the reconcile (also at idle priority). */
#define CONTROL_PRIORITY SD_EVENT_PRIORITY_IDLE

struct conn;

/* One of the two sockets. Each has its own share of everything, so that whoever may only read
 * cannot crowd out an admin. */
struct listener {
	struct control *control;
	struct control_socket socket;
	sd_event_source *io;
	struct conn *conns;
	unsigned int n_conns;
	size_t unread_bytes; /* of answers that wait for their clients */
	size_t held_bytes;   /* of requests that were put off */
	bool admin;
};

struct control {
	sd_event *event;
	sd_event_source *sweep; /* ends what takes too long */
	control_handler_fn *handler;
	control_gone_fn *gone;
	void *userdata;
	uint64_t timeout_us, last_token;
	struct listener listeners[2];
};

/* What a client is doing follows from its fields, in this order:
 *     unread bytes of an answer -> sending; token -> the handler will answer; else -> reading. */
struct conn {
	struct conn *next;
	struct listener *listener;
	int fd;
	sd_event_source *io, *more; /* more: another request waits in the buffer */
	struct lines in;
	char *out;    /* malloc'ed; NULL: nothing to send, or it is in: */
	int out_file; /* or -1 */
	size_t out_len, out_sent;
	uint64_t token;		     /* of the request that will be answered later, or 0 */
	struct wire_request request; /* that one */
	size_t request_len;
	uint64_t since_us; /* when it began what it is doing */
	bool eof;	   /* it sends no more */
	bool last;	   /* close once the answer is out */
	struct control_peer peer;
};

/* Takes @fd. 0 or -errno (then @fd is closed). */
int conn_new(struct listener *listener, int fd) MUST_CHECK;
/* Takes it out of the listener's list, closes and frees it. */
void conn_close(struct conn *conn);
/* Puts an answer (taken; NULL: out of memory) in line; never closes the client. */
void conn_answer(struct conn *conn, cJSON *answer);
/* The same with a file that holds it; takes @fd. */
void conn_answer_file(struct conn *conn, int fd, size_t size);
/* Says it at once or never; takes @message. */
void conn_tell(struct conn *conn, cJSON *message);

/* control.c: a client has gone. */
void control_freed_one(struct listener *listener);
uint64_t control_now(const struct control *control); /* monotonic, us */
