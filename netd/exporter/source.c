/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exporter/source.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/base/limits.h"
#include "core/wire/wire.h"
#include "edge/base/clock.h"
#include "edge/base/fd.h"
#include "edge/control/ask.h"
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
	bool asked;		 /* ready() will be called */
	struct control_ask *ask; /* NULL: netd is not being asked */
	sd_event_source *timer;
};

struct source {
	struct source_options options;
	sd_event *loop; /* borrowed */
	struct pages of[SOURCE_FORMS];
};

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

/* 0 or -errno. */
static int make_answer_page(struct pages *pages, const struct wire_answer *answer)
{
	const cJSON *report = cJSON_GetObjectItemCaseSensitive(answer->json, "report");
	const char *text = wire_string(report, "text"), *type = wire_string(report, "content_type");
	const char *why = wire_error_text(answer->json);

	if (answer->code == WIRE_OK && text && type && strlen(type) < 128)
		return make_page(pages, "200 OK", type, text);
	return make_error_page(pages, why ? why : "netd's answer has no metrics in it");
}

/* Whoever asks again gets nothing newer for a while: netd is not asked more often where it says
 * nothing. */
static void on_answer(void *userdata, const struct wire_answer *answer, const char *error)
{
	struct pages *pages = userdata;
	char why[256];

	pages->ask = NULL;
	(void)snprintf(why, sizeof(why), "netd cannot be asked at %.120s: %.80s",
		       pages->source->options.path, error ? error : "");
	/* Without memory for a page there is none, and whoever waits for it is let go. */
	if ((answer ? make_answer_page(pages, answer) : make_error_page(pages, why)) < 0)
		close_page(pages);
	hand_out(pages);
}

/* ---- the question ---- */

/* 0 or -errno. */
static int ask(struct pages *pages)
{
	static const char *const lines[SOURCE_FORMS] = {
		[METRICS_TEXT] = "{\"v\":1,\"verb\":\"metrics\"}\n",
		[METRICS_OPENMETRICS] = "{\"v\":1,\"verb\":\"metrics\",\"form\":\"openmetrics\"}\n",
	};
	const struct control_asked asked = { .path = pages->source->options.path,
					     .timeout_us = pages->source->options.timeout_us,
					     .answer_bytes = LIMIT_METRICS_BYTES,
					     .done = on_answer,
					     .userdata = pages };
	const char *line = lines[pages->form];

	return control_ask(pages->source->loop, &asked, line, strlen(line), &pages->ask);
}

/* The page that there is still counts. */
static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)source;
	(void)usec;
	hand_out(userdata);
	return 0;
}

int source_want(struct source *source, enum metrics_form form)
{
	struct pages *pages = &source->of[form];
	int r;

	if (pages->asked)
		return 0;
	pages->asked = true;
	if (pages->page.fd < 0 || clock_monotonic_us() - pages->made_us >= FRESH_US)
		r = ask(pages);
	else
		r = loop_arm(pages->timer, 0);
	return r;
}

/* ---- life ---- */

struct source *source_free(struct source *source)
{
	if (!source)
		return NULL;
	for (size_t i = 0; i < SOURCE_FORMS; i++) {
		(void)control_ask_cancel(source->of[i].ask);
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
		source->of[i] = (struct pages){ .source = source,
						.form = (enum metrics_form)i,
						.page.fd = -1 };
	for (size_t i = 0; i < SOURCE_FORMS && r == 0; i++) {
		const struct loop_timer timer = { "netd", 0, on_timer, &source->of[i] };
		r = loop_add_timer(loop, &timer, &source->of[i].timer);
	}
	if (r < 0)
		return r;
	*ret = TAKE_PTR(source);
	return 0;
}
