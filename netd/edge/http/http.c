/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libcurl's multi interface on sd-event. curl says which sockets and what timer it wants; we tell
 * it what happened. Its callbacks only note things: handlers run afterwards, from pump(), since
 * adding a request inside a callback of curl is not allowed. */
#include "edge/http/http.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "core/base/lines.h"
#include "core/base/text.h"
#include "edge/http/curl.h"
#include "edge/http/outcome.h"
#include "edge/http/setup.h"
#include "edge/loop/loop.h"

/* One connection for the events, some for inspects that block, the rest for quick questions. More
 * requests wait inside curl. */
#define MOST_CONNECTIONS 64L

struct http {
	sd_event *loop;
	sd_event_source *timer;
	struct curl curl;
	CURLM *multi;
	struct http_setup setup;
	struct http_request *requests; /* all that are not freed */
	bool is_pumping;
	bool is_due;	/* curl wants to be called at once */
	bool has_news;	/* a stream has headers or lines to hand on */
	bool has_waste; /* a request is over */
	const char *name;
	size_t body_bytes, line_bytes;
};

struct http_request {
	struct http *http;
	struct http_request *next;
	struct http_handler handler;
	CURL *easy;
	struct curl_slist *headers; /* of a POST */
	struct text body;
	struct json_pick *pick; /* NULL: all is kept */
	bool is_picked;		/* it is a 2xx answer */
	struct lines lines;
	const char *refused; /* why we broke the transfer off */
	bool is_large;	     /* that is why */
	bool is_stream, is_opened, is_opened_told, is_over;
	char error[CURL_ERROR_SIZE];
};

static int pump(struct http *http, curl_socket_t fd, int what);

/* ---- curl's sockets and timer ---- */

static int on_socket(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	int what = 0;

	(void)source;
	if (events & (EPOLLIN | EPOLLHUP))
		what |= CURL_CSELECT_IN;
	if (events & EPOLLOUT)
		what |= CURL_CSELECT_OUT;
	if (events & EPOLLERR)
		what |= CURL_CSELECT_ERR;
	return pump(userdata, fd, what);
}

static int on_http_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)source;
	(void)usec;
	return pump(userdata, CURL_SOCKET_TIMEOUT, 0);
}

static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *userdata, void *socket_data)
{
	struct http *http = userdata;
	sd_event_source *source = socket_data;
	uint32_t events =
		(what & CURL_POLL_IN ? EPOLLIN : 0u) | (what & CURL_POLL_OUT ? EPOLLOUT : 0u);

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		(void)sd_event_source_disable_unref(source);
		return 0;
	}
	if (source)
		return sd_event_source_set_io_events(source, events) < 0 ? -1 : 0;
	const struct loop_io io = { http->name, fd,  events, SD_EVENT_PRIORITY_NORMAL,
				    on_socket,	http };
	if (loop_add_io(http->loop, &io, &source) < 0)
		return -1;
	return http->curl.multi_assign(http->multi, fd, source) == CURLM_OK ? 0 : -1;
}

static int set_timer(CURLM *multi, long timeout_ms, void *userdata)
{
	struct http *http = userdata;

	(void)multi;
	http->is_due = timeout_ms == 0;
	if (timeout_ms < 0)
		return loop_disarm(http->timer) < 0 ? -1 : 0;
	return loop_arm(http->timer, (uint64_t)timeout_ms * 1000u) < 0 ? -1 : 0;
}

/* ---- what arrives ---- */

static size_t take_header(char *bytes, size_t size, size_t n, void *userdata)
{
	struct http_request *request = userdata;
	bool is_end = n * size == 2 && memcmp(bytes, "\r\n", 2) == 0;
	long status = 0;

	if (is_end) {
		(void)request->http->curl.easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE,
						       &status);
		request->is_picked = status >= 200 && status < 300;
	}
	if (is_end && request->is_stream) {
		request->is_opened = request->is_picked;
		request->http->has_news |= request->is_opened;
	}
	return n * size;
}

/* NULL, or why it cannot go on. */
static const char *take_line(struct http_request *request, const char *bytes, size_t len)
{
	int r = lines_add(&request->lines, bytes, len);

	request->http->has_news = true;
	if (r == -EMSGSIZE || lines_overflow(&request->lines))
		return "a line is too long";
	return r < 0 ? "no memory" : NULL;
}

static const char *take_body_text(struct http_request *request, const char *bytes, size_t len)
{
	request->is_large = request->body.len + len > request->http->body_bytes;
	if (request->is_large)
		return "the answer is too large";
	text_add_n(&request->body, bytes, len);
	return text_failed(&request->body) ? "no memory" : NULL;
}

static size_t take_body(char *bytes, size_t size, size_t n, void *userdata)
{
	struct http_request *request = userdata;
	CLEANUP(text_done) struct text picked = { 0 };
	const char *part = bytes;
	size_t len = n * size, part_len = len;

	if (request->pick && request->is_picked) {
		if (json_pick_feed(request->pick, bytes, len, &picked) < 0)
			request->refused = "no memory";
		part = text_str(&picked);
		part_len = picked.len;
	}
	if (!request->refused && part_len > 0)
		request->refused = request->is_opened ? take_line(request, part, part_len)
						      : take_body_text(request, part, part_len);
	return request->refused ? 0 : len;
}

/* ---- requests ---- */

static void free_request(struct http_request *request)
{
	request->http->curl.easy_cleanup(request->easy);
	request->http->curl.slist_free_all(request->headers);
	text_done(&request->body);
	lines_done(&request->lines);
	(void)json_pick_free(request->pick);
	free(request);
}

static void free_waste(struct http *http)
{
	struct http_request **link = &http->requests;

	while (*link) {
		struct http_request *request = *link;
		if (!request->is_over) {
			link = &request->next;
			continue;
		}
		*link = request->next;
		free_request(request);
	}
	http->has_waste = false;
}

struct http_request *http_cancel(struct http_request *request)
{
	if (!request || request->is_over)
		return NULL;
	struct http *http = request->http;
	(void)http->curl.multi_remove_handle(http->multi, request->easy);
	request->is_over = true;
	http->has_waste = true;
	if (!http->is_pumping)
		free_waste(http);
	return NULL;
}

static bool set_up_request(struct http_request *request, const char *path, uint32_t timeout_ms)
{
	const struct curl *curl = &request->http->curl;
	CURL *easy = request->easy;

	return http_setup_apply(&request->http->setup, curl, easy, path) &&
	       curl->easy_setopt(easy, CURLOPT_PRIVATE, request) == CURLE_OK &&
	       curl->easy_setopt(easy, CURLOPT_ERRORBUFFER, request->error) == CURLE_OK &&
	       curl->easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)timeout_ms) == CURLE_OK &&
	       curl->easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header) == CURLE_OK &&
	       curl->easy_setopt(easy, CURLOPT_HEADERDATA, request) == CURLE_OK &&
	       curl->easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body) == CURLE_OK &&
	       curl->easy_setopt(easy, CURLOPT_WRITEDATA, request) == CURLE_OK;
}

static bool add_header(struct http_request *request, const char *header)
{
	struct curl_slist *headers = request->http->curl.slist_append(request->headers, header);

	if (headers)
		request->headers = headers;
	return headers != NULL;
}

static bool add_authorization(struct http_request *request, const char *value)
{
	CLEANUP(free_ptr) char *header = NULL;

	if (asprintf(&header, "Authorization: %s", value) < 0) {
		header = NULL;
		return false;
	}
	return add_header(request, header);
}

/* "Expect:" without a value: libcurl does not wait for a 100 before it sends a long body. */
static bool set_up_post(struct http_request *request, const struct http_post *post)
{
	const struct curl *curl = &request->http->curl;
	CURL *easy = request->easy;

	return add_header(request, "Content-Type: application/json") &&
	       add_header(request, "Expect:") &&
	       (!post->authorization || add_authorization(request, post->authorization)) &&
	       curl->easy_setopt(easy, CURLOPT_HTTPHEADER, request->headers) == CURLE_OK &&
	       curl->easy_setopt(easy, CURLOPT_POST, 1L) == CURLE_OK &&
	       curl->easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, post->body) == CURLE_OK;
}

/* Without a body it is a GET. */
static struct http_request *begin(struct http *http, const struct http_post *question,
				  const struct http_handler *handler)
{
	struct http_request *request = calloc(1, sizeof(*request));

	if (!request)
		return NULL;
	request->http = http;
	request->handler = *handler;
	request->is_stream = handler->opened || handler->line;
	lines_init(&request->lines, http->line_bytes, http->body_bytes);
	request->easy = http->curl.easy_init();
	if (handler->wants)
		request->pick =
			json_pick_new(handler->wants, handler->names,
				      request->is_stream ? http->line_bytes : http->body_bytes,
				      request->is_stream);
	if (!request->easy || (handler->wants && !request->pick) ||
	    !set_up_request(request, question->path, question->timeout_ms) ||
	    (question->body && !set_up_post(request, question)) ||
	    http->curl.multi_add_handle(http->multi, request->easy) != CURLM_OK) {
		free_request(request);
		return NULL;
	}
	request->next = http->requests;
	http->requests = request;
	return request;
}

struct http_request *http_get(struct http *http, const char *path, uint32_t timeout_ms,
			      const struct http_handler *handler)
{
	return begin(http, &(struct http_post){ .path = path, .timeout_ms = timeout_ms }, handler);
}

struct http_request *http_post(struct http *http, const struct http_post *post,
			       const struct http_handler *handler)
{
	return begin(http, post, handler);
}

/* ---- handing on ---- */

static void hand_on_stream(struct http_request *request)
{
	const char *line;
	size_t len;

	if (request->is_opened && !request->is_opened_told) {
		request->is_opened_told = true;
		if (request->handler.opened)
			request->handler.opened(request->handler.userdata);
	}
	/* A handler may cancel the request. */
	while (!request->is_over && lines_next_text(&request->lines, &line, &len))
		if (request->handler.line)
			request->handler.line(request->handler.userdata, line, len);
}

static void hand_on_news(struct http *http)
{
	if (!http->has_news)
		return;
	http->has_news = false;
	/* Requests made meanwhile go to the front of the list. */
	for (struct http_request *request = http->requests; request; request = request->next)
		if (request->is_stream && !request->is_over)
			hand_on_stream(request);
}

static void hand_on_result(struct http_request *request, CURLcode code)
{
	const struct curl *curl = &request->http->curl;
	const struct http_transfer transfer = { curl, request->easy, code, request->refused,
						request->error };
	struct http_result result = http_outcome(&transfer);

	result.is_large = request->is_large;
	if (code == CURLE_OK) {
		result.body = text_str(&request->body);
		result.len = request->body.len;
		/* netd-reader's word for what connect() would have said to us. */
		if (result.status == 502 && result.len > 0)
			result.error = result.body;
	}
	(void)curl->multi_remove_handle(request->http->multi, request->easy);
	request->is_over = true;
	request->http->has_waste = true;
	request->handler.done(request->handler.userdata, &result);
}

static void hand_on_results(struct http *http)
{
	CURLMsg *message;
	int left;

	while ((message = http->curl.multi_info_read(http->multi, &left))) {
		struct http_request *request = NULL;
		CURLcode code = message->data.result;
		if (message->msg != CURLMSG_DONE)
			continue;
		(void)http->curl.easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &request);
		if (request->is_stream)
			hand_on_stream(request);
		if (!request->is_over)
			hand_on_result(request, code);
	}
}

/* New requests, made by handlers, are sent in the same turn: is_due says that curl wants that. */
static int pump(struct http *http, curl_socket_t fd, int what)
{
	int running;

	http->is_pumping = true;
	do {
		http->is_due = false;
		CURLMcode code = http->curl.multi_socket_action(http->multi, fd, what, &running);
		if (code == CURLM_OUT_OF_MEMORY)
			return -ENOMEM;
		hand_on_news(http);
		hand_on_results(http);
		fd = CURL_SOCKET_TIMEOUT;
		what = 0;
	} while (http->is_due);
	http->is_pumping = false;
	if (http->has_waste)
		free_waste(http);
	return 0;
}

/* ---- life ---- */

static bool set_up_multi(struct http *http)
{
	const struct curl *curl = &http->curl;
	CURLM *multi = http->multi;

	return curl->multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, watch_socket) == CURLM_OK &&
	       curl->multi_setopt(multi, CURLMOPT_SOCKETDATA, http) == CURLM_OK &&
	       curl->multi_setopt(multi, CURLMOPT_TIMERFUNCTION, set_timer) == CURLM_OK &&
	       curl->multi_setopt(multi, CURLMOPT_TIMERDATA, http) == CURLM_OK &&
	       curl->multi_setopt(multi, CURLMOPT_MAXCONNECTS, MOST_CONNECTIONS) == CURLM_OK &&
	       curl->multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, MOST_CONNECTIONS) ==
		       CURLM_OK;
}

struct http *http_free(struct http *http)
{
	if (!http)
		return NULL;
	for (struct http_request *request = http->requests, *next; request; request = next) {
		next = request->next;
		if (!request->is_over)
			(void)http->curl.multi_remove_handle(http->multi, request->easy);
		free_request(request);
	}
	/* Closes the kept connections, which calls watch_socket(). */
	(void)http->curl.multi_cleanup(http->multi);
	(void)sd_event_source_disable_unref(http->timer);
	(void)sd_event_unref(http->loop);
	http_setup_done(&http->setup);
	http->curl.global_cleanup();
	free(http);
	return NULL;
}

static void http_freep(struct http **http)
{
	*http = http_free(*http);
}

int http_new(sd_event *loop, const struct http_options *options, struct http **ret)
{
	struct curl curl;
	int r = curl_load(&curl);

	if (r < 0)
		return r;
	if (curl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return -ENOMEM;
	CLEANUP(http_freep) struct http *http = calloc(1, sizeof(*http));
	if (!http) {
		curl.global_cleanup();
		return -ENOMEM;
	}
	http->curl = curl;
	http->loop = sd_event_ref(loop);
	http->name = options->name;
	http->body_bytes = options->body_bytes;
	http->line_bytes = options->line_bytes;
	r = http_setup_init(&http->setup, options);
	if (r)
		return r;
	const struct loop_timer timer = { options->name, SD_EVENT_PRIORITY_NORMAL, on_http_timer,
					  http };
	r = loop_add_timer(loop, &timer, &http->timer);
	if (r < 0)
		return r;
	http->multi = curl.multi_init();
	if (!http->multi || !set_up_multi(http))
		return -ENOMEM;
	*ret = TAKE_PTR(http);
	return 0;
}
