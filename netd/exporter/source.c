/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/source.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/lines.h"
#include "core/wire/wire.h"
#include "edge/base/clock.h"
#include "edge/base/fd.h"
#include "edge/loop/loop.h"

/* A scraper of Prometheus waits ten seconds. */
#define DEFAULT_TIMEOUT_US UINT64_C(8000000)
#define FRESH_US UINT64_C(1000000)

/* The pages of one form. */
struct pages {
	struct source *source;
	enum metrics_form form;
	struct source_page page; /* fd -1: there is none yet */
	uint64_t made_us;
	bool asked; /* ready() will be called */
	int fd;	    /* netd; -1: it is not being asked */
	struct lines lines;
	sd_event_source *io, *timer;
};

struct source {
	struct source_options options;
	sd_event *loop; /* borrowed */
	struct pages of[SOURCE_FORMS];
};

static void hang_up(struct pages *pages)
{
	pages->io = sd_event_source_disable_unref(pages->io);
	if (pages->fd >= 0)
		(void)close(pages->fd);
	pages->fd = -1;
	lines_done(&pages->lines);
}

static void close_page(struct pages *pages)
{
	if (pages->page.fd >= 0)
		(void)close(pages->page.fd);
	pages->page = (struct source_page){ .fd = -1 };
}

/* ---- a page ---- */

/* Memory is all that it takes, so what is short is short for good. 0 or -errno. */
static int write_page(struct pages *pages, const char *head, const char *body)
{
	size_t n_head = strlen(head), n_body = strlen(body);
	int fd = memfd_create("metrics", MFD_CLOEXEC);

	close_page(pages);
	if (fd < 0)
		return -errno;
	int r = fd_write(fd, head, n_head);
	if (r == 0)
		r = fd_write(fd, body, n_body);
	if (r < 0) {
		(void)close(fd);
		return r;
	}
	pages->page = (struct source_page){ fd, n_head + n_body };
	pages->made_us = clock_monotonic_us();
	return 0;
}

static int make_page(struct pages *pages, const char *status, const char *type, const char *body)
{
	char head[512];

	(void)snprintf(head, sizeof(head),
		       "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
		       "Cache-Control: no-store\r\nConnection: close\r\n\r\n",
		       status, type, strlen(body));
	return write_page(pages, head, body);
}

static int make_error_page(struct pages *pages, const char *why)
{
	char body[512];

	(void)snprintf(body, sizeof(body), "netd-metrics: %s\n", why);
	return make_page(pages, "503 Service Unavailable", "text/plain; charset=utf-8", body);
}

static void hand_out(struct pages *pages)
{
	const struct source *source = pages->source;

	pages->asked = false;
	source->options.ready(source->options.userdata, pages->form, &pages->page);
}

/* ---- netd's answer ---- */

/* 0: a page was made of it; -errno. */
static int take_answer(struct pages *pages, const char *line, size_t len)
{
	struct wire_answer answer;
	const char *error = NULL;
	int r = wire_parse_answer(line, len, &answer, &error);

	if (r < 0)
		return r;
	if (r > 0)
		return make_error_page(pages, error);
	const cJSON *report = cJSON_GetObjectItemCaseSensitive(answer.json, "report");
	const char *text = wire_string(report, "text"), *type = wire_string(report, "content_type");
	const char *why = wire_error_text(answer.json);
	if (answer.code == WIRE_OK && text && type && strlen(type) < 128)
		r = make_page(pages, "200 OK", type, text);
	else
		r = make_error_page(pages, why ? why : "netd's answer has no metrics in it");
	wire_answer_done(&answer);
	return r;
}

/* 0: there is a page; 1: more has to come; -errno. */
static int read_answer(struct pages *pages)
{
	char bytes[65536];
	const char *line = NULL;
	size_t len = 0;
	ssize_t n = recv(pages->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 1;
	if (n <= 0)
		return make_error_page(pages, "netd has hung up without an answer");
	int r = lines_add(&pages->lines, bytes, (size_t)n);
	if (r < 0)
		return r == -EMSGSIZE ? make_error_page(pages, "netd's answer is too long") : r;
	switch (lines_next(&pages->lines, &line, &len)) {
	case LINES_PARTIAL:
		return 1;
	case LINES_LINE:
		return take_answer(pages, line, len);
	case LINES_TOO_LONG:
		break;
	}
	return make_error_page(pages, "netd's answer is too long");
}

static int on_netd(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct pages *pages = userdata;
	int r = read_answer(pages);

	(void)source;
	(void)fd;
	(void)revents;
	if (r != 0)
		return r < 0 ? r : 0;
	hang_up(pages);
	r = loop_disarm(pages->timer);
	hand_out(pages);
	return r;
}

/* The page is there, or netd has not answered in time. */
static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct pages *pages = userdata;
	bool late = pages->fd >= 0;
	int r = 0;

	(void)source;
	(void)usec;
	hang_up(pages);
	if (late)
		r = make_error_page(pages, "netd has not answered in time");
	if (r == 0)
		hand_out(pages);
	return r;
}

/* ---- the question ---- */

/* 0 or -errno. A unix socket is connected at once or not at all, and has room for one line. */
static int ask(struct pages *pages)
{
	static const char *const lines[SOURCE_FORMS] = {
		[METRICS_TEXT] = "{\"v\":1,\"verb\":\"metrics\"}\n",
		[METRICS_OPENMETRICS] = "{\"v\":1,\"verb\":\"metrics\",\"form\":\"openmetrics\"}\n",
	};
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	const char *path = pages->source->options.path, *line = lines[pages->form];

	if (strlen(path) >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	(void)stpcpy(addr.sun_path, path);
	pages->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (pages->fd < 0 || connect(pages->fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    send(pages->fd, line, strlen(line), MSG_NOSIGNAL) != (ssize_t)strlen(line))
		return -errno;
	const struct loop_io io = { "netd", pages->fd, EPOLLIN, 0, on_netd, pages };
	return loop_add_io(pages->source->loop, &io, &pages->io);
}

/* 0: netd is asked, or there is a page that says why it is not; -errno. */
static int begin(struct pages *pages)
{
	char why[256];

	lines_init(&pages->lines, LIMIT_METRICS_BYTES, LINES_ONE_READ);
	int r = ask(pages);
	if (r == 0)
		return 0;
	hang_up(pages);
	(void)snprintf(why, sizeof(why), "netd cannot be asked at %.120s: %s",
		       pages->source->options.path, strerror(-r));
	return make_error_page(pages, why);
}

int source_want(struct source *source, enum metrics_form form)
{
	struct pages *pages = &source->of[form];
	int r = 0;

	if (pages->asked)
		return 0;
	pages->asked = true;
	if (pages->page.fd < 0 || clock_monotonic_us() - pages->made_us >= FRESH_US)
		r = begin(pages);
	return r < 0 ? r : loop_arm(pages->timer, pages->fd < 0 ? 0 : source->options.timeout_us);
}

/* ---- life ---- */

struct source *source_free(struct source *source)
{
	if (!source)
		return NULL;
	for (size_t i = 0; i < SOURCE_FORMS; i++) {
		hang_up(&source->of[i]);
		close_page(&source->of[i]);
		(void)sd_event_source_disable_unref(source->of[i].timer);
	}
	free(source);
	return NULL;
}

static void source_freep(struct source **source)
{
	*source = source_free(*source);
}

int source_new(sd_event *loop, const struct source_options *options, struct source **ret)
{
	CLEANUP(source_freep) struct source *source = calloc(1, sizeof(*source));
	int r = 0;

	if (!source)
		return -ENOMEM;
	source->options = *options;
	source->loop = loop;
	if (!source->options.timeout_us)
		source->options.timeout_us = DEFAULT_TIMEOUT_US;
	for (size_t i = 0; i < SOURCE_FORMS; i++)
		source->of[i] = (struct pages){
			.source = source, .form = (enum metrics_form)i, .page.fd = -1, .fd = -1
		};
	for (size_t i = 0; i < SOURCE_FORMS && r == 0; i++) {
		const struct loop_timer timer = { "netd", 0, on_timer, &source->of[i] };
		r = loop_add_timer(loop, &timer, &source->of[i].timer);
	}
	if (r < 0)
		return r;
	*ret = TAKE_PTR(source);
	return 0;
}
