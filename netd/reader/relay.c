/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "reader/relay.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/request/request.h"
#include "edge/loop/loop.h"

/* What is on its way from Docker to a client, or from a client to be judged. */
#define BUFFER_BYTES 16384u
/* What an answer of our own may say. */
#define ANSWER_LEN 256u

struct relay {
	struct relay_owner owner;
	const char *docker_path;
	sd_event *loop;	    /* borrowed: it owns the sources */
	int client, docker; /* docker -1: not asked, or it has said everything */
	sd_event_source *client_io, *docker_io, *timer;
	bool is_answered; /* the request was judged: what comes now is an answer */
	size_t start, len;
	char bytes[BUFFER_BYTES];
};

static void close_docker(struct relay *relay)
{
	relay->docker_io = sd_event_source_disable_unref(relay->docker_io);
	if (relay->docker >= 0)
		(void)close(relay->docker);
	relay->docker = -1;
}

struct relay *relay_free(struct relay *relay)
{
	if (!relay)
		return NULL;
	close_docker(relay);
	(void)sd_event_source_disable_unref(relay->client_io);
	(void)sd_event_source_disable_unref(relay->timer);
	(void)close(relay->client);
	free(relay);
	return NULL;
}

static void relay_freep(struct relay **relay)
{
	*relay = relay_free(*relay);
}

static void finish(struct relay *relay)
{
	struct relay_owner owner = relay->owner;

	owner.closed(owner.userdata, relay);
	(void)relay_free(relay);
}

/* ---- Docker's side ---- */

/* As a gateway: the client is told why Docker was not to be had, in Docker's name. */
static void answer(struct relay *relay, const char *status, const char *who, const char *why)
{
	char text[ANSWER_LEN];
	size_t len = (size_t)snprintf(text, sizeof(text), "%s%s%s", who, *who ? ": " : "", why);

	close_docker(relay);
	if (len >= sizeof(text))
		len = sizeof(text) - 1;
	relay->is_answered = true;
	relay->start = 0;
	relay->len = (size_t)snprintf(relay->bytes, sizeof(relay->bytes),
				      "HTTP/1.1 %s\r\nContent-Type: text/plain\r\n"
				      "Content-Length: %zu\r\nConnection: close\r\n\r\n%s",
				      status, len, text);
}

static void answer_unreachable(struct relay *relay, int error)
{
	char who[ANSWER_LEN];

	(void)snprintf(who, sizeof(who), "unix://%.120s", relay->docker_path);
	answer(relay, "502 Bad Gateway", who, strerror(error));
}

/* False: the relay has come to its end. */
static bool pass_on(struct relay *relay)
{
	if (relay->len > 0) {
		ssize_t n = send(relay->client, relay->bytes + relay->start, relay->len,
				 MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return false;
		relay->start += n > 0 ? (size_t)n : 0;
		relay->len -= n > 0 ? (size_t)n : 0;
	}
	return relay->len > 0 || relay->docker >= 0;
}

/* Docker is read while nothing waits, the client is written to while something does. */
static bool settle(struct relay *relay)
{
	bool waits = relay->is_answered && relay->len > 0;
	uint32_t events = waits ? EPOLLOUT | EPOLLRDHUP : EPOLLIN | EPOLLRDHUP;

	if (relay->docker_io &&
	    sd_event_source_set_enabled(relay->docker_io, waits ? SD_EVENT_OFF : SD_EVENT_ON) < 0)
		return false;
	return sd_event_source_set_io_events(relay->client_io, events) >= 0;
}

static int on_docker(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct relay *relay = userdata;
	ssize_t n = recv(fd, relay->bytes, sizeof(relay->bytes), MSG_DONTWAIT);

	(void)source;
	(void)revents;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	relay->start = 0;
	relay->len = n > 0 ? (size_t)n : 0;
	/* An end that came too early shows in the client's own framing. */
	if (n <= 0)
		close_docker(relay);
	if (!pass_on(relay) || !settle(relay))
		finish(relay);
	return 0;
}

/* A unix socket is connected at once or not at all. 0 or -errno. */
static int connect_docker(struct relay *relay)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	if (strlen(relay->docker_path) >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	(void)stpcpy(addr.sun_path, relay->docker_path);
	relay->docker = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (relay->docker < 0 ||
	    connect(relay->docker, (const struct sockaddr *)&addr, sizeof(addr)) < 0)
		return -errno;
	const struct loop_io io = { "docker", relay->docker, EPOLLIN, 0, on_docker, relay };
	return loop_add_io(relay->loop, &io, &relay->docker_io);
}

/* 0 or -errno. */
static int ask_docker(struct relay *relay, const char *target)
{
	char text[LIMIT_QUESTION_BYTES + 128];
	int r = connect_docker(relay);

	if (r < 0)
		return r;
	int len = snprintf(text, sizeof(text),
			   "GET %s HTTP/1.1\r\nHost: docker\r\nUser-Agent: netd\r\n"
			   "Accept: */*\r\nConnection: close\r\n\r\n",
			   target);
	ssize_t n = send(relay->docker, text, (size_t)len, MSG_DONTWAIT | MSG_NOSIGNAL);
	/* The socket is new: it has room for all of it. */
	return n == len ? 0 : n < 0 ? -errno : -EMSGSIZE;
}

/* ---- the client's side ---- */

static void judge(struct relay *relay)
{
	struct request request;
	int r = request_read(relay->bytes, relay->len, &request);

	if (r == REQUEST_E_PARTIAL)
		return;
	if (r != 0) {
		relay->owner.refused(relay->owner.userdata, request.refusal);
		answer(relay, "403 Forbidden", "", request.refusal);
		return;
	}
	relay->is_answered = true;
	relay->len = 0;
	r = ask_docker(relay, request.target);
	if (r < 0)
		answer_unreachable(relay, -r);
	else
		(void)!loop_disarm(relay->timer); /* Docker takes its time */
}

/* False: the client has gone, or says more than its one request. */
static bool take_bytes(struct relay *relay)
{
	char surplus;
	ssize_t n = relay->is_answered ? recv(relay->client, &surplus, 1, MSG_DONTWAIT)
				       : recv(relay->client, relay->bytes + relay->len,
					      LIMIT_QUESTION_BYTES - relay->len, MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (n == 0)
		return false;
	if (relay->is_answered) {
		relay->owner.refused(relay->owner.userdata, "more than one request");
		return false;
	}
	relay->len += (size_t)n;
	judge(relay);
	return !relay->is_answered || pass_on(relay);
}

static int on_client(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct relay *relay = userdata;
	bool alive = true;

	(void)source;
	(void)fd;
	if (revents & EPOLLOUT)
		alive = pass_on(relay);
	else if (revents & EPOLLIN)
		alive = take_bytes(relay);
	alive = alive && (revents & (EPOLLHUP | EPOLLERR | EPOLLRDHUP)) == 0;
	if (!alive || !settle(relay))
		finish(relay);
	return 0;
}

static int on_relay_timeout(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)source;
	(void)usec;
	finish(userdata);
	return 0;
}

int relay_new(sd_event *loop, const struct relay_options *options, const struct relay_owner *owner,
	      struct relay **ret)
{
	CLEANUP(relay_freep) struct relay *relay = malloc(sizeof(*relay));

	if (!relay) {
		(void)close(options->client);
		return -ENOMEM;
	}
	/* The buffer is not touched: memory is used only by those that have something to hold. */
	memset(relay, 0, offsetof(struct relay, bytes));
	relay->owner = *owner;
	relay->docker_path = options->docker;
	relay->loop = loop;
	relay->client = options->client;
	relay->docker = -1;
	const struct loop_io io = { "client", relay->client, EPOLLIN | EPOLLRDHUP,
				    0,	      on_client,     relay };
	const struct loop_timer timer = { "request", 0, on_relay_timeout, relay };
	int r = loop_add_io(loop, &io, &relay->client_io);
	if (r == 0)
		r = loop_add_timer(loop, &timer, &relay->timer);
	if (r == 0)
		r = loop_arm(relay->timer, options->timeout_us);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(relay);
	return 0;
}
