/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "edge/control/ask.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/lines.h"
#include "edge/loop/loop.h"

struct control_ask {
	struct control_asked asked;
	int fd; /* -1: netd cannot be reached, which error says */
	const char *error;
	char *line;
	size_t len, sent;
	struct lines answer;
	sd_event_source *io, *timer;
};

struct control_ask *control_ask_cancel(struct control_ask *ask)
{
	if (!ask)
		return NULL;
	(void)sd_event_source_disable_unref(ask->io);
	(void)sd_event_source_disable_unref(ask->timer);
	if (ask->fd >= 0)
		(void)close(ask->fd);
	lines_done(&ask->answer);
	free(ask->line);
	free(ask);
	return NULL;
}

static void control_ask_freep(struct control_ask **ask)
{
	*ask = control_ask_cancel(*ask);
}

/* @ask is gone after it. */
static void finish(struct control_ask *ask, const struct wire_answer *answer, const char *error)
{
	CLEANUP(control_ask_freep) struct control_ask *done = ask;

	done->asked.done(done->asked.userdata, answer, error);
}

static void take_answer(struct control_ask *ask, const char *line, size_t len)
{
	CLEANUP(wire_answer_done) struct wire_answer answer = { 0 };
	const char *error = NULL;
	int r = wire_parse_answer(line, len, &answer, &error);

	finish(ask, r == 0 ? &answer : NULL, r < 0 ? "there is no memory" : error);
}

static void read_answer(struct control_ask *ask)
{
	char bytes[65536];
	const char *line = NULL;
	size_t len = 0;
	ssize_t n = recv(ask->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		finish(ask, NULL, "netd has hung up without an answer");
		return;
	}
	int r = lines_add(&ask->answer, bytes, (size_t)n);
	if (r == -ENOMEM) {
		finish(ask, NULL, "there is no memory");
		return;
	}
	enum lines_state state = r < 0 ? LINES_TOO_LONG : lines_next(&ask->answer, &line, &len);
	if (state == LINES_LINE)
		take_answer(ask, line, len);
	else if (state == LINES_TOO_LONG)
		finish(ask, NULL, "netd's answer is too long");
}

/* What netd does not take at once waits until it does. 0 or -errno. */
static int send_question(struct control_ask *ask)
{
	while (ask->sent < ask->len) {
		ssize_t n = send(ask->fd, ask->line + ask->sent, ask->len - ask->sent,
				 MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -errno;
		ask->sent += (size_t)n;
	}
	int r = sd_event_source_set_io_events(ask->io, EPOLLIN);
	return r < 0 ? r : 0;
}

static int on_netd(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct control_ask *ask = userdata;

	(void)source;
	(void)fd;
	/* An answer may come before the whole question was taken: netd refuses it. */
	if (revents & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
		read_answer(ask);
		return 0;
	}
	if (send_question(ask) < 0)
		finish(ask, NULL, "netd has hung up without an answer");
	return 0;
}

static int on_timeout(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct control_ask *ask = userdata;

	(void)source;
	(void)usec;
	finish(ask, NULL, ask->error ? ask->error : "netd has not answered in time");
	return 0;
}

/* A unix socket is connected at once or not at all. 0 or -errno. */
static int reach(struct control_ask *ask)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	if (strlen(ask->asked.path) >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	(void)stpcpy(addr.sun_path, ask->asked.path);
	ask->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (ask->fd < 0 || connect(ask->fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0)
		return -errno;
	return 0;
}

static int begin(sd_event *loop, struct control_ask *ask)
{
	const struct loop_timer timer = { "netd", 0, on_timeout, ask };
	const struct loop_io io = { "netd", ask->fd, EPOLLIN | EPOLLOUT, 0, on_netd, ask };
	int r = loop_add_timer(loop, &timer, &ask->timer);

	if (r == 0)
		r = loop_arm(ask->timer, ask->error ? 0 : ask->asked.timeout_us);
	if (r == 0 && !ask->error)
		r = loop_add_io(loop, &io, &ask->io);
	return r;
}

int control_ask(sd_event *loop, const struct control_asked *asked, const char *line, size_t len,
		struct control_ask **ret)
{
	CLEANUP(control_ask_freep) struct control_ask *ask = calloc(1, sizeof(*ask));

	if (!ask)
		return -ENOMEM;
	*ask = (struct control_ask){ .asked = *asked, .fd = -1, .len = len };
	lines_init(&ask->answer, asked->answer_bytes, LINES_ONE_READ);
	ask->line = malloc(len);
	if (!ask->line)
		return -ENOMEM;
	memcpy(ask->line, line, len);
	int r = reach(ask);
	if (r < 0)
		ask->error = strerror(-r);
	r = begin(loop, ask);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(ask);
	return 0;
}
