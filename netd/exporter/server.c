/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/limits.h"
#include "core/request/request.h"
#include "edge/loop/loop.h"
#include "exporter/source.h"

/* netd may take eight of them. */
#define DEFAULT_TIMEOUT_US UINT64_C(15000000)

/* A scraper. What it does follows from its fields: a page -> it is sent; waits -> for its page;
 * else its request is read. */
struct scrape {
	struct server *server;
	int fd; /* -1: this place is free */
	sd_event_source *io, *timer;
	bool waits;
	enum metrics_form form;
	int page; /* or -1 */
	size_t size;
	off_t sent;
	size_t len;
	char bytes[LIMIT_QUESTION_BYTES];
};

struct server {
	struct server_options options;
	sd_event *loop;
	struct source *source;
	sd_event_source *io[SERVER_SOCKETS];
	struct scrape scrapes[LIMIT_METRICS_CLIENTS];
	size_t n_scrapes;
};

/* ---- one scraper ---- */

static void listen_if_room(const struct server *server)
{
	bool room = server->n_scrapes < LIMIT_METRICS_CLIENTS;

	for (size_t i = 0; i < server->options.n_fds; i++)
		(void)sd_event_source_set_enabled(server->io[i], room ? SD_EVENT_ON : SD_EVENT_OFF);
}

static void finish(struct scrape *scrape)
{
	if (scrape->fd < 0)
		return;
	scrape->io = sd_event_source_disable_unref(scrape->io);
	scrape->timer = sd_event_source_disable_unref(scrape->timer);
	(void)close(scrape->fd);
	if (scrape->page >= 0)
		(void)close(scrape->page);
	scrape->fd = scrape->page = -1;
	scrape->waits = false;
	scrape->server->n_scrapes--;
	listen_if_room(scrape->server);
}

/* What it does not take waits until it can. */
static void send_page(struct scrape *scrape)
{
	while (scrape->sent < (off_t)scrape->size) {
		ssize_t n = sendfile(scrape->fd, scrape->page, &scrape->sent,
				     scrape->size - (size_t)scrape->sent);
		if (n < 0 && errno == EAGAIN &&
		    sd_event_source_set_io_events(scrape->io, EPOLLOUT) >= 0)
			return;
		if (n <= 0)
			break;
	}
	finish(scrape);
}

static void on_ready(void *userdata, enum metrics_form form, const struct source_page *page)
{
	struct server *server = userdata;

	for (size_t i = 0; i < LIMIT_METRICS_CLIENTS; i++) {
		struct scrape *scrape = &server->scrapes[i];
		if (scrape->fd < 0 || !scrape->waits || scrape->form != form)
			continue;
		scrape->waits = false;
		scrape->page = fcntl(page->fd, F_DUPFD_CLOEXEC, 3);
		scrape->size = page->size;
		if (scrape->page < 0)
			finish(scrape);
		else
			send_page(scrape);
	}
}

/* Short enough for any socket's buffer. */
static void refuse(struct scrape *scrape, const struct request *request)
{
	bool elsewhere = *request->target && strcmp(request->target, "/metrics") != 0;
	char text[512];
	int len = snprintf(text, sizeof(text),
			   "HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n"
			   "Connection: close\r\n\r\nnetd-metrics: %s\n",
			   elsewhere ? "404 Not Found" : "400 Bad Request",
			   strlen(request->refusal) + strlen("netd-metrics: \n"), request->refusal);

	(void)!send(scrape->fd, text, (size_t)len, MSG_DONTWAIT | MSG_NOSIGNAL);
	finish(scrape);
}

/* 0 or -errno. */
static int judge(struct scrape *scrape)
{
	struct request request;
	int r = request_read_scrape(scrape->bytes, scrape->len, &request);

	if (r == REQUEST_E_PARTIAL)
		return 0;
	if (r != 0) {
		refuse(scrape, &request);
		return 0;
	}
	scrape->waits = true;
	scrape->form = request.openmetrics ? METRICS_OPENMETRICS : METRICS_TEXT;
	/* Nothing more is read of it; that it goes shows when its page is sent. */
	r = sd_event_source_set_io_events(scrape->io, 0);
	return r < 0 ? r : source_want(scrape->server->source, scrape->form);
}

static int on_scrape(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct scrape *scrape = userdata;

	(void)source;
	if (scrape->page >= 0 && (revents & EPOLLOUT)) {
		send_page(scrape);
		return 0;
	}
	if (scrape->page >= 0 || scrape->waits) { /* it has gone */
		finish(scrape);
		return 0;
	}
	ssize_t n = recv(fd, scrape->bytes + scrape->len, sizeof(scrape->bytes) - scrape->len,
			 MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0) {
		finish(scrape);
		return 0;
	}
	scrape->len += (size_t)n;
	return judge(scrape);
}

static int on_timeout(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)source;
	(void)usec;
	finish(userdata);
	return 0;
}

/* ---- all of them ---- */

/* 0 or -errno. Takes @fd. */
static int begin(struct server *server, int fd)
{
	struct scrape *scrape = server->scrapes;

	while (scrape->fd >= 0) /* there is room, else nobody listens */
		scrape++;
	*scrape = (struct scrape){ .server = server, .fd = fd, .page = -1 };
	server->n_scrapes++;
	const struct loop_io io = { "scraper", fd, EPOLLIN, 0, on_scrape, scrape };
	const struct loop_timer timer = { "scraper", 0, on_timeout, scrape };
	int r = loop_add_io(server->loop, &io, &scrape->io);
	if (r == 0)
		r = loop_add_timer(server->loop, &timer, &scrape->timer);
	if (r == 0)
		r = loop_arm(scrape->timer, server->options.timeout_us);
	listen_if_room(server);
	return r;
}

static int on_connect(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)source;
	(void)revents;
	/* Out of descriptors or memory: systemd starts it anew. */
	if (client < 0)
		return errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM
			       ? -errno
			       : 0;
	return begin(userdata, client);
}

struct server *server_free(struct server *server)
{
	if (!server)
		return NULL;
	for (size_t i = 0; i < LIMIT_METRICS_CLIENTS; i++)
		finish(&server->scrapes[i]);
	for (size_t i = 0; i < server->options.n_fds; i++)
		(void)sd_event_source_disable_unref(server->io[i]);
	(void)source_free(server->source);
	free(server);
	return NULL;
}

void server_freep(struct server **server)
{
	*server = server_free(*server);
}

int server_new(sd_event *loop, const struct server_options *options, struct server **ret)
{
	CLEANUP(server_freep) struct server *server = calloc(1, sizeof(*server));

	if (!server)
		return -ENOMEM;
	server->options = *options;
	server->loop = loop;
	for (size_t i = 0; i < LIMIT_METRICS_CLIENTS; i++)
		server->scrapes[i] = (struct scrape){ .server = server, .fd = -1, .page = -1 };
	if (!server->options.timeout_us)
		server->options.timeout_us = DEFAULT_TIMEOUT_US;
	const struct source_options source = { .path = options->netd,
					       .timeout_us = options->netd_timeout_us,
					       .ready = on_ready,
					       .userdata = server };
	int r = source_new(loop, &source, &server->source);
	for (size_t i = 0; i < options->n_fds && r == 0; i++) {
		const struct loop_io io = { "listen", options->fds[i], EPOLLIN,
					    0,	      on_connect,      server };
		r = loop_add_io(loop, &io, &server->io[i]);
	}
	if (r < 0)
		return r;
	*ret = TAKE_PTR(server);
	return 0;
}
