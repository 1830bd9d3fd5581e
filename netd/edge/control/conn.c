/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "edge/control/conn.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/limits.h"
#include "edge/loop/loop.h"

/* Answers in waiting on one socket, all its clients together. */
#define UNREAD_BYTES (2u * (size_t)LIMIT_FRAME_BYTES)
/* Handed to the kernel in one turn of the loop. */
#define SEND_BYTES (256u * 1024u)
/* Requests half received on one socket, all its clients together. */
#define PARTIAL_BYTES (4u * (size_t)LIMIT_REQUEST_BYTES)
/* Requests that wait for their answers on one socket, all its clients together. */
#define HELD_BYTES (4u * (size_t)LIMIT_REQUEST_BYTES)

static bool is_sending(const struct conn *conn)
{
	return conn->out || conn->out_file >= 0;
}

/* What is sent, or will not be. */
static void forget_answer(struct conn *conn)
{
	conn->listener->unread_bytes -= conn->out_len;
	free(TAKE_PTR(conn->out));
	if (conn->out_file >= 0)
		(void)close(conn->out_file);
	conn->out_file = -1;
	conn->out_len = conn->out_sent = 0;
}

static void forget_request(struct conn *conn)
{
	conn->token = 0;
	conn->listener->held_bytes -= conn->request_len;
	conn->request_len = 0;
	wire_request_done(&conn->request);
	conn->request = (struct wire_request){ 0 };
}

void conn_close(struct conn *conn)
{
	struct listener *listener = conn->listener;
	struct conn **link = &listener->conns;
	uint64_t token = conn->token;

	/* Who works for it uses its request. */
	conn->token = 0;
	if (token && listener->control->gone)
		listener->control->gone(token, listener->control->userdata);
	while (*link && *link != conn)
		link = &(*link)->next;
	if (*link) {
		*link = conn->next;
		listener->n_conns--;
	}
	forget_request(conn);
	forget_answer(conn);
	sd_event_source_disable_unref(conn->io);
	sd_event_source_disable_unref(conn->more);
	(void)close(conn->fd);
	lines_done(&conn->in);
	free(conn);
	control_freed_one(listener);
}

/* Sets the sources to what the client is doing. A failure would leave the client hanging: close. */
static void conn_settle(struct conn *conn)
{
	bool reading = !is_sending(conn) && !conn->token;
	bool line = reading && !conn->last && lines_has_line(&conn->in);
	uint32_t events = 0;

	if (reading && !line && (conn->eof || conn->last)) {
		conn_close(conn);
		return;
	}
	if (is_sending(conn))
		events = EPOLLOUT;
	else if (reading && !line)
		events = EPOLLIN;
	if (sd_event_source_set_io_events(conn->io, events) < 0 ||
	    (line && loop_arm(conn->more, 0) < 0))
		conn_close(conn);
}

static cJSON *too_large(void)
{
	return wire_new_error(WIRE_INTERNAL, "the answer is too large");
}

static cJSON *too_busy(void)
{
	return wire_new_error(WIRE_UNAVAILABLE, "netd is busy; try again");
}

/* The answer as a line; NULL when even a substitute cannot be made. */
static char *answer_line(const struct listener *listener, cJSON *answer, size_t *ret_len)
{
	size_t len = 0;
	char *line = answer ? wire_print(answer, &len) : NULL;

	cJSON_Delete(answer);
	if (line && len <= LIMIT_FRAME_BYTES && listener->unread_bytes + len <= UNREAD_BYTES) {
		*ret_len = len;
		return line;
	}
	cJSON *error = !line ? wire_new_error(WIRE_INTERNAL, "netd is out of memory")
		       : len > LIMIT_FRAME_BYTES ? too_large()
						 : too_busy();
	free(line);
	line = error ? wire_print(error, ret_len) : NULL;
	cJSON_Delete(error);
	return line;
}

static void begin_sending(struct conn *conn, size_t len)
{
	conn->since_us = control_now(conn->listener->control);
	conn->out_len = len;
	conn->out_sent = 0;
	conn->listener->unread_bytes += len;
	/* Only the event loop closes: the caller may still hold the client. Ready to write at once,
	 * or closed by the hang-up that shutdown() makes. */
	if (!len || sd_event_source_set_io_events(conn->io, EPOLLOUT) < 0)
		(void)shutdown(conn->fd, SHUT_RDWR);
}

void conn_answer(struct conn *conn, cJSON *answer)
{
	size_t len = 0;

	forget_request(conn);
	conn->out = answer_line(conn->listener, answer, &len);
	/* Without a line there is nothing to say: the end of the stream says it. */
	conn->last = conn->last || !conn->out;
	begin_sending(conn, conn->out ? len : 0);
}

void conn_answer_file(struct conn *conn, int fd, size_t size)
{
	bool fits =
		size <= LIMIT_FRAME_BYTES && conn->listener->unread_bytes + size <= UNREAD_BYTES;

	if (!fits) {
		(void)close(fd);
		conn_answer(conn, size > LIMIT_FRAME_BYTES ? too_large() : too_busy());
		return;
	}
	forget_request(conn);
	conn->out_file = fd;
	begin_sending(conn, size);
}

/* A line of some bytes fits into the socket of a client that reads, and is not worth waiting for
 * one that does not. */
void conn_tell(struct conn *conn, cJSON *message)
{
	size_t len = 0;
	char *line CLEANUP(free_ptr) = message ? wire_print(message, &len) : NULL;

	cJSON_Delete(message);
	if (!line || is_sending(conn))
		return;
	ssize_t n = send(conn->fd, line, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n >= 0 && (size_t)n < len)
		(void)shutdown(conn->fd, SHUT_RDWR); /* what follows would be no line */
}

/* Why the verb may not be asked here, or NULL: it may. */
static cJSON *refusal(const struct conn *conn, const struct wire_verb *verb, bool *ret_refused)
{
	*ret_refused = true;
	if (verb->access == WIRE_ACCESS_OFFLINE)
		return wire_new_error(WIRE_USAGE, "%s needs no daemon: run netdctl %s", verb->name,
				      verb->name);
	if (verb->access == WIRE_ACCESS_ADMIN && !conn->listener->admin)
		return wire_new_error(WIRE_REFUSED,
				      "%s changes netd: ask on the admin socket (root, or a member "
				      "of its group)",
				      verb->name);
	*ret_refused = false;
	return NULL;
}

/* Takes @parsed over. */
static void hold_request(struct conn *conn, struct wire_request *parsed, size_t len)
{
	conn->request = *parsed;
	*parsed = (struct wire_request){ 0 };
	conn->request_len = len;
	conn->listener->held_bytes += len;
}

/* Takes @parsed over where the answer is put off. */
static void conn_dispatch(struct conn *conn, struct wire_request *parsed, size_t len)
{
	struct control *control = conn->listener->control;
	bool refused;
	cJSON *answer = refusal(conn, parsed->verb, &refused);

	if (!refused && conn->listener->held_bytes + len > HELD_BYTES) {
		answer = too_busy();
		refused = true;
	}
	if (refused) {
		conn_answer(conn, answer);
		return;
	}
	conn->token = ++control->last_token;
	const struct control_request request = {
		.verb = parsed->verb,
		.json = parsed->json,
		.peer = conn->peer,
		.admin = conn->listener->admin,
		.token = conn->token,
	};
	int r = control->handler(&request, control->userdata, &answer);
	if (r == CONTROL_LATER) {
		if (conn->token) /* it was not answered meanwhile */
			hold_request(conn, parsed, len);
		return;
	}
	if (r != 0)
		answer = wire_new_error(WIRE_INTERNAL, "netd failed to answer %s: error %d",
					parsed->verb->name, -r);
	conn_answer(conn, answer);
}

static void conn_request(struct conn *conn, const char *line, size_t len)
{
	CLEANUP(wire_request_done) struct wire_request parsed = { 0 };
	const char *error = NULL;
	int r = wire_parse_request(line, len, &parsed, &error);

	if (r == 0)
		conn_dispatch(conn, &parsed, len);
	else
		conn_answer(conn, r < 0 ? NULL : wire_new_error(WIRE_USAGE, "%s", error));
}

/* Takes up to one request per turn of the loop: a pipeline of thousands waits its turns. */
static void conn_work(struct conn *conn)
{
	const char *line;
	size_t len;

	if (is_sending(conn) || conn->token || conn->last)
		return;
	enum lines_state state = lines_next(&conn->in, &line, &len);
	if (state == LINES_LINE)
		conn_request(conn, line, len);
	if (state != LINES_TOO_LONG)
		return;
	conn->last = true;
	conn_answer(conn, wire_new_error(WIRE_USAGE, "the request is longer than %u bytes",
					 LIMIT_REQUEST_BYTES));
}

static size_t partial_bytes(const struct listener *listener)
{
	size_t sum = 0;

	for (const struct conn *conn = listener->conns; conn; conn = conn->next)
		sum += conn->in.len;
	return sum;
}

/* False: the client is to be closed. */
static bool conn_read(struct conn *conn)
{
	char bytes[16384];
	bool was_empty = lines_is_empty(&conn->in);
	ssize_t n = recv(conn->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (n == 0)
		conn->eof = true;
	/* From the first byte of a request on, not from the last: a trickle does not keep it open.
	 */
	if (was_empty)
		conn->since_us = control_now(conn->listener->control);
	return lines_add(&conn->in, bytes, (size_t)n) == 0 &&
	       partial_bytes(conn->listener) <= PARTIAL_BYTES;
}

static bool conn_write(struct conn *conn)
{
	size_t left = conn->out_len - conn->out_sent;
	off_t from = (off_t)conn->out_sent;
	/* Both ends are memory, and the socket does not wait. */
	ssize_t n = conn->out ? send(conn->fd, conn->out + conn->out_sent, left,
				     MSG_DONTWAIT | MSG_NOSIGNAL)
			      : sendfile(conn->fd, conn->out_file, &from,
					 left < SEND_BYTES ? left : SEND_BYTES);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	conn->out_sent += (size_t)n;
	if (conn->out_sent < conn->out_len)
		return true;
	forget_answer(conn);
	conn->since_us = control_now(conn->listener->control);
	return true;
}

/* A bad client is closed and forgotten; returning an error here would end the daemon. */
static int on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct conn *conn = userdata;
	bool alive = (revents & (EPOLLERR | EPOLLHUP)) == 0;

	(void)source;
	(void)fd;
	if (alive && is_sending(conn) && (revents & EPOLLOUT))
		alive = conn_write(conn);
	else if (alive && (revents & EPOLLIN))
		alive = conn_read(conn);
	if (!alive) {
		conn_close(conn);
		return 0;
	}
	conn_work(conn);
	conn_settle(conn);
	return 0;
}

static int on_more(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct conn *conn = userdata;

	(void)source;
	(void)usec;
	conn_work(conn);
	conn_settle(conn);
	return 0;
}

static int conn_sources(struct conn *conn)
{
	sd_event *event = conn->listener->control->event;
	const struct loop_io io = {
		"control-client", conn->fd, EPOLLIN, CONTROL_PRIORITY, on_io, conn,
	};
	const struct loop_timer more = { "control-pipeline", CONTROL_PRIORITY, on_more, conn };
	int r = loop_add_io(event, &io, &conn->io);

	return r < 0 ? r : loop_add_timer(event, &more, &conn->more);
}

int conn_new(struct listener *listener, int fd)
{
	struct ucred cred = { 0 };
	socklen_t cred_len = sizeof(cred);
	struct conn *conn = calloc(1, sizeof(*conn));

	if (!conn) {
		(void)close(fd);
		return -ENOMEM;
	}
	conn->listener = listener;
	conn->fd = fd;
	conn->out_file = -1;
	conn->since_us = control_now(listener->control);
	lines_init(&conn->in, LIMIT_REQUEST_BYTES, LINES_ONE_READ);
	conn->next = listener->conns;
	listener->conns = conn;
	listener->n_conns++;
	int r = conn_sources(conn);
	if (r >= 0 && getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &cred_len) < 0)
		r = -errno;
	if (r < 0) {
		conn_close(conn);
		return r;
	}
	conn->peer = (struct control_peer){ cred.pid, cred.uid };
	return 0;
}
