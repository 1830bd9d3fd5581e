/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A Docker engine that answers by script, on the event loop of the test: HTTP over a socket in a
 * folder of its own, keep-alive, one event stream. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/text.h"
#include "core/request/request.h"
#include "core/world/world-store.h"
#include "edge/docker/docker.h"
#include "edge/loop/loop.h"

enum { MOST_CONNS = 32, MOST_ROWS = 12 };

/* What the engine answers to paths that begin so; body NULL: nothing, until release(). */
struct row {
	const char *path;
	int status;
	const char *body;
};

struct conn {
	struct engine *engine;
	sd_event_source *source;
	int fd;
	char held[512]; /* the path that waits for an answer */
};

struct engine {
	sd_event *loop;
	char dir[32], path[64], url[80];
	int fd;
	sd_event_source *source;
	struct conn conns[MOST_CONNS];
	size_t n_conns;
	struct row rows[MOST_ROWS];
	struct conn *stream;
	struct text asked; /* the paths, one a line */

	/* What the link under test made of it. */
	struct world_store *store;
	struct docker *docker;
	unsigned int n_synced, n_changes, n_down, n_events;
	char reason[256];
};

static inline void send_text(const struct conn *conn, const char *text)
{
	assert_int_equal(send(conn->fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static inline void answer(struct conn *conn, int status, const char *body)
{
	CLEANUP(text_done) struct text out = { 0 };

	text_printf(&out,
		    "HTTP/1.1 %d x\r\nContent-Length: %zu\r\nDate: Mon, 23 Nov 2026 19:00:00 "
		    "GMT\r\n\r\n%s",
		    status, strlen(body), body);
	conn->held[0] = '\0';
	send_text(conn, text_str(&out));
}

static inline void chunk(const struct engine *engine, const char *bytes, size_t n)
{
	char text[4096];

	assert_non_null(engine->stream);
	(void)snprintf(text, sizeof(text), "%zx\r\n%.*s\r\n", n, (int)n, bytes);
	send_text(engine->stream, text);
}

static inline void emit(const struct engine *engine, const char *line)
{
	chunk(engine, line, strlen(line));
}

static inline void serve(struct conn *conn, const char *path)
{
	struct engine *engine = conn->engine;
	const char *rest = strncmp(path, "/v1.41/", 7) == 0 ? path + 7 : path + 1;

	text_printf(&engine->asked, "%.60s\n", rest);
	(void)snprintf(conn->held, sizeof(conn->held), "%s", rest);
	for (size_t i = 0; i < MOST_ROWS && engine->rows[i].path; i++) {
		const struct row *row = &engine->rows[i];
		if (strncmp(rest, row->path, strlen(row->path)) != 0)
			continue;
		if (row->body)
			answer(conn, row->status, row->body);
		return;
	}
	if (strncmp(rest, "events", 6) != 0)
		fail_msg("nobody expected %s", path);
	engine->stream = conn;
	send_text(conn, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
}

static inline int on_request(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct conn *conn = userdata;
	char bytes[2048], path[512];
	ssize_t n = recv(fd, bytes, sizeof(bytes) - 1, 0);

	(void)events;
	if (n <= 0) {
		conn->source = sd_event_source_disable_unref(source);
		(void)close(fd);
		conn->fd = -1;
		if (conn->engine->stream == conn)
			conn->engine->stream = NULL;
		conn->held[0] = '\0';
		return 0;
	}
	bytes[n] = '\0';
	/* What netd asks passes netd-reader too. */
	struct request request;
	if (request_read(bytes, (size_t)n, &request) != 0)
		fail_msg("core/request/request.c refuses it (%s): %s", request.refusal, bytes);
	assert_int_equal(sscanf(bytes, "GET %511s", path), 1);
	serve(conn, path);
	return 0;
}

static inline int on_connection(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct engine *engine = userdata;

	(void)source;
	(void)events;
	assert_true(engine->n_conns < MOST_CONNS);
	struct conn *conn = &engine->conns[engine->n_conns++];
	*conn = (struct conn){ .engine = engine, .fd = accept(fd, NULL, NULL) };
	const struct loop_io io = { "conn", conn->fd, EPOLLIN, 0, on_request, conn };
	return loop_add_io(engine->loop, &io, &conn->source);
}

/* Answers what was held, oldest connection first. */
static inline void release(struct engine *engine, const char *path, const char *body)
{
	for (size_t i = 0; i < engine->n_conns; i++)
		if (strncmp(engine->conns[i].held, path, strlen(path)) == 0) {
			answer(&engine->conns[i], 200, body);
			return;
		}
	fail_msg("%s is not held", path);
}

static inline void hang_up(struct engine *engine)
{
	(void)shutdown(engine->stream->fd, SHUT_RDWR);
}

static inline unsigned int count_asked(const struct engine *engine, const char *path)
{
	unsigned int n = 0;

	for (const char *at = text_str(&engine->asked); (at = strstr(at, path)); at++)
		n++;
	return n;
}

static inline struct engine *engine_new(void)
{
	struct engine *engine = calloc(1, sizeof(*engine));
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	assert_non_null(engine);
	(void)snprintf(engine->dir, sizeof(engine->dir), "/tmp/netd-test-XXXXXX");
	assert_non_null(mkdtemp(engine->dir));
	(void)snprintf(engine->path, sizeof(engine->path), "%s/docker.sock", engine->dir);
	(void)snprintf(engine->url, sizeof(engine->url), "unix://%s", engine->path);
	(void)snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", engine->path);
	assert_true(sd_event_new(&engine->loop) >= 0);
	engine->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(engine->fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(engine->fd, 64), 0);
	const struct loop_io io = { "engine", engine->fd, EPOLLIN, 0, on_connection, engine };
	assert_int_equal(loop_add_io(engine->loop, &io, &engine->source), 0);
	return engine;
}

static inline void engine_free(struct engine *engine)
{
	for (size_t i = 0; i < engine->n_conns; i++) {
		(void)sd_event_source_disable_unref(engine->conns[i].source);
		if (engine->conns[i].fd >= 0)
			(void)close(engine->conns[i].fd);
	}
	(void)sd_event_source_disable_unref(engine->source);
	(void)close(engine->fd);
	(void)sd_event_unref(engine->loop);
	(void)unlink(engine->path);
	(void)rmdir(engine->dir);
	text_done(&engine->asked);
	free(engine);
}
