/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A control server in the test's own loop, and plain sockets to trouble it with. Included by the
 * tests of edge/control, after cmocka. */
#pragma once

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/base/limits.h"
#include "edge/control/control.h"

struct fixture {
	char dir[64], path[80], admin_path[80];
	sd_event *event;
	struct control *control;
	unsigned int n_requests;
	uint64_t token;	   /* of the last "apply", answered later */
	const cJSON *json; /* the request of it */
	uint64_t gone;	   /* the token whose client has gone last */
	size_t answer_size;
};

/* status: an answer of answer_size bytes; apply: later; rules: an error; else who asked. */
static int handle(const struct control_request *request, void *userdata, cJSON **ret)
{
	struct fixture *f = userdata;
	const char *verb = request->verb->name;

	f->n_requests++;
	if (strcmp(verb, "apply") == 0) {
		f->token = request->token;
		f->json = request->json;
		return CONTROL_LATER;
	}
	if (strcmp(verb, "rules") == 0)
		return -EIO;
	cJSON *answer = wire_new_answer(WIRE_OK);
	if (strcmp(verb, "status") == 0 && f->answer_size) {
		char *filler = calloc(1, f->answer_size + 1);
		assert_non_null(filler);
		memset(filler, 'x', f->answer_size);
		assert_int_equal(wire_add_string(answer, "filler", filler), 0);
		free(filler);
	}
	assert_int_equal(wire_add_number(answer, "uid", request->peer.uid), 0);
	assert_int_equal(wire_add_number(answer, "pid", request->peer.pid), 0);
	assert_int_equal(wire_add_bool(answer, "admin", request->admin), 0);
	*ret = answer;
	return 0;
}

static void note_gone(uint64_t token, void *userdata)
{
	struct fixture *f = userdata;

	f->gone = token;
}

static int serve(struct fixture *f, unsigned int timeout_ms)
{
	const struct control_options options = {
		.path = f->path,
		.handler = handle,
		.gone = note_gone,
		.userdata = f,
		.timeout_ms = timeout_ms,
	};

	return control_new(f->event, &options, &f->control);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	(void)stpcpy(f->dir, "/tmp/netd-control-XXXXXX");
	if (!mkdtemp(f->dir) || sd_event_new(&f->event) < 0)
		return -1;
	(void)snprintf(f->path, sizeof(f->path), "%s/netd.sock", f->dir);
	(void)snprintf(f->admin_path, sizeof(f->admin_path), "%s/netd-admin.sock", f->dir);
	*state = f;
	return serve(f, 0);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	f->control = control_free(f->control);
	f->event = sd_event_unref(f->event);
	(void)unlink(f->path);
	/* Fails if a socket or a temporary file was left behind. */
	if (rmdir(f->dir) < 0)
		return -1;
	free(f);
	return 0;
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* One turn of the server's loop, waiting up to 10 ms for something to do. */
static inline void turn(struct fixture *f)
{
	assert_true(sd_event_run(f->event, 10000) >= 0);
}

/* -1: the queue is full. */
static inline int try_connect(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	(void)stpcpy(addr.sun_path, path);
	if (connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) == 0)
		return fd;
	assert_int_equal(errno, EAGAIN);
	(void)close(fd);
	return -1;
}

static inline int connect_to(const char *path)
{
	int fd = try_connect(path);

	assert_true(fd >= 0);
	return fd;
}

/* Sends all of it, letting the server read in between; false: the server hung up. */
static inline bool put(struct fixture *f, int fd, const char *bytes, size_t len)
{
	uint64_t deadline = now_ms() + 20000;

	while (len > 0) {
		ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);
		assert_true(now_ms() < deadline);
		if (n < 0 && errno != EAGAIN)
			return false;
		if (n < 0) {
			turn(f);
			continue;
		}
		bytes += n;
		len -= (size_t)n;
	}
	return true;
}

static inline bool puts_to(struct fixture *f, int fd, const char *text)
{
	return put(f, fd, text, strlen(text));
}

/* The next line, "" at the end of the stream; fails after 20 seconds without one. */
static inline const char *get_line(struct fixture *f, int fd, char *line, size_t size)
{
	uint64_t deadline = now_ms() + 20000;
	size_t len = 0;

	while (len < size - 1) {
		/* What is behind the line is for the next call. */
		ssize_t n = recv(fd, line + len, size - 1 - len, MSG_PEEK);
		if (n < 0 && errno == EAGAIN) {
			assert_true(now_ms() < deadline);
			turn(f);
			continue;
		}
		if (n <= 0)
			break;
		const char *end = memchr(line + len, '\n', (size_t)n);
		size_t here = end ? (size_t)(end - (line + len)) : (size_t)n;
		assert_true(recv(fd, line + len, here + (end != NULL), 0) > 0);
		len += here;
		if (end)
			break;
	}
	line[len] = '\0';
	return line;
}

/* Sends a line and expects @want in the answer. */
static inline void ask(struct fixture *f, int fd, const char *request, const char *want)
{
	char line[4096];

	assert_true(puts_to(f, fd, request));
	get_line(f, fd, line, sizeof(line));
	if (!strstr(line, want))
		fail_msg("%.60s…: %s, not %s", request, line, want);
}

#define STATUS "{\"v\":1,\"verb\":\"status\"}\n"
#define APPLY "{\"v\":1,\"verb\":\"apply\"}\n"
