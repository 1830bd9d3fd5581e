/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests to one server, on the event loop: libcurl behind six functions. Connections are kept and
 * used again. Never: redirects, proxies, signals, protocols other than http and https. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>
#include <time.h>

#include "core/base/cleanup.h"
#include "core/base/json-pick.h"

struct http;
struct http_request;

/* A server. http_new() copies what it needs. */
struct http_options {
	const char *name;	     /* of what is asked, for sd-event's own messages; a constant */
	const char *url;	     /* unix:///PATH, tcp://HOST:PORT, http(s)://HOST:PORT */
	const char *ca, *cert, *key; /* files in PEM form, or NULL; they are read when used */
	bool is_tls;		     /* tcp:// and http:// mean https, too */
	bool is_unverified;	     /* whoever answers is believed to be the server */
	bool is_shared; /* requests at once share one connection with TLS, if the server can */
	size_t body_bytes, line_bytes; /* the longest answer, and line of a stream */
};

#define HTTP_E_URL 1 /* options->url is not of a form above */

/* How a request ended. */
struct http_result {
	const char *error; /* NULL: an answer came, of whatever status but 502 */
	long status;   /* 200, 404, …; 502: a gateway could not reach the server, error says why;
			* 0 with another error */
	bool is_late;  /* error: the server was reached, and has not answered in time */
	bool is_large; /* error: the answer has more than options->body_bytes */
	const char *body; /* NUL-terminated, gone after the call; "" for a stream */
	size_t len;
	time_t date;	    /* the server's clock, -1 unknown */
	const char *server; /* what it says it is, or NULL */
	const char *local;  /* the address of this host that it was asked from; NULL: unknown */
};

/* Called from the event loop, never from inside http_get(). */
struct http_handler {
	/* A stream only: the headers of a 2xx answer are here. */
	void (*opened)(void *userdata);
	/* A stream only. */
	void (*line)(void *userdata, const char *line, size_t len);
	/* Once, unless cancelled; the request is gone after it. */
	void (*done)(void *userdata, const struct http_result *result);
	void *userdata;
	/* What of a 2xx answer is kept, as it comes, of each line or of the whole; NULL: all. */
	const struct json_want *wants;
	struct json_names *names; /* a reference is taken; may be NULL */
};

/* HTTP_E_URL, -ENOMEM or -errno. */
int http_new(sd_event *loop, const struct http_options *options, struct http **ret) MUST_CHECK;
struct http *http_free(struct http *http); /* cancels all */

/* @path with its leading slash, characters as in a URL. @timeout_ms 0: none; handler->opened or
 * handler->line: a stream. NULL: out of memory. */
struct http_request *http_get(struct http *http, const char *path, uint32_t timeout_ms,
			      const struct http_handler *handler) MUST_CHECK;

/* A POST of JSON. */
struct http_post {
	const char *path;
	const char *body;
	const char *authorization; /* the header's value, or NULL */
	uint32_t timeout_ms;	   /* as for http_get() */
};
/* As http_get(). Everything in @post is copied. */
struct http_request *http_post(struct http *http, const struct http_post *post,
			       const struct http_handler *handler) MUST_CHECK;

/* Forgets a request; its handler is not called any more. NULL is fine. Returns NULL. */
struct http_request *http_cancel(struct http_request *request);
