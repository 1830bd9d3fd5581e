/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/client.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/limits.h"
#include "core/base/lines.h"
#include "edge/base/clock.h"

#define DEFAULT_TIMEOUT_MS 30000u
#define MAX_TIMEOUT_MS (24u * 3600u * 1000u) /* a day; poll() counts in an int */

struct call {
	const struct client_options *options;
	struct client_answer *answer; /* code and error are set where a step fails */
	char path[WIRE_PATH_LEN];
	int fd;
	uint64_t deadline_ms;
	unsigned int timeout_ms;
};

static void call_done(struct call *call)
{
	if (call->fd >= 0)
		(void)close(call->fd);
}

/* Always false, so that a step can end with it. */
PRINTF_LIKE(3, 4)
static bool fail(const struct call *call, enum wire_code code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(call->answer->error, sizeof(call->answer->error), format, args);
	va_end(args);
	call->answer->code = code;
	return false;
}

static bool fail_connect(const struct call *call, bool admin)
{
	int error = errno;

	call->answer->alone = error == ENOENT || error == ECONNREFUSED;
	if (call->answer->alone)
		return fail(call, WIRE_UNAVAILABLE,
			    "netd is not running (nobody answers on %s); start it with "
			    "`systemctl start netd`, or name its socket with --socket",
			    call->path);
	if (error == EACCES || error == EPERM)
		return fail(call, WIRE_REFUSED,
			    "not permitted to use %s; become root, or a member of the group %s",
			    call->path, admin ? "netd-admin" : "netd");
	if (error == EAGAIN)
		return fail(call, WIRE_UNAVAILABLE,
			    "netd does not accept connections on %s: too "
			    "many clients; try again",
			    call->path);
	return fail(call, WIRE_UNAVAILABLE, "cannot connect to %s: %s", call->path,
		    strerror(error));
}

static bool step_connect(struct call *call, const struct client_options *options)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	/* connect() on a unix socket waits for room in the queue as long as a send may take. */
	const struct timeval wait = { .tv_sec = call->timeout_ms / 1000,
				      .tv_usec = (long)(call->timeout_ms % 1000) * 1000 };

	call->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (call->fd < 0)
		return fail(call, WIRE_INTERNAL, "cannot make a socket: %s", strerror(errno));
	(void)setsockopt(call->fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
	(void)snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", call->path);
	if (connect(call->fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0)
		return fail_connect(call, options->admin);
	return true;
}

/* False: the deadline has passed. */
static bool wait_for(const struct call *call, short events)
{
	struct pollfd pfd = { .fd = call->fd, .events = events };

	for (;;) {
		uint64_t now = clock_monotonic_ms();
		int left = now < call->deadline_ms ? (int)(call->deadline_ms - now) : 0;
		int n = poll(&pfd, 1, left);

		if (n > 0)
			return true;
		if (n == 0 || errno != EINTR)
			return false;
	}
}

/* A change may have been made all the same. */
static const char *doubt(const struct call *call)
{
	return call->options->admin ? "; what came of it is not known: `netdctl status` says what "
				      "is in force"
				    : "";
}

static bool fail_timeout(const struct call *call)
{
	return fail(call, WIRE_UNAVAILABLE, "netd has not answered on %s within %u ms%s",
		    call->path, call->timeout_ms, doubt(call));
}

/* netd may answer and close before it has read everything (a request that is too long): then the
 * answer says more than the broken pipe, so go on to read it. */
static bool step_send(const struct call *call, const char *line, size_t len)
{
	while (len > 0) {
		if (!wait_for(call, POLLOUT))
			return fail_timeout(call);
		ssize_t n = send(call->fd, line, len, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
			return true;
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return fail(call, WIRE_UNAVAILABLE, "cannot write to %s: %s", call->path,
				    strerror(errno));
		if (n > 0) {
			line += n;
			len -= (size_t)n;
		}
	}
	return true;
}

/* Bytes until the first line is whole. */
static bool step_receive(const struct call *call, struct lines *lines)
{
	char bytes[65536];

	while (!lines_has_line(lines)) {
		if (!wait_for(call, POLLIN))
			return fail_timeout(call);
		ssize_t n = recv(call->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n <= 0)
			return fail(call, WIRE_UNAVAILABLE,
				    "netd closed the connection without an answer (%s); see "
				    "`journalctl -u netd`%s",
				    call->path, doubt(call));
		if (lines_add(lines, bytes, (size_t)n) < 0)
			return fail(call, WIRE_INTERNAL, "the answer on %s is too large",
				    call->path);
	}
	return true;
}

static unsigned int small_number(const cJSON *json, const char *name)
{
	double number = wire_number(json, name, 0);

	return number > 0 && number < 1e6 ? (unsigned int)number : 0;
}

static void hear_progress(struct call *call, const cJSON *json)
{
	const struct client_progress progress = { small_number(json, "seconds"),
						  wire_bool(json, "begun", false),
						  small_number(json, "before") };

	call->deadline_ms = clock_monotonic_ms() + call->timeout_ms;
	if (call->options->progress)
		call->options->progress(&progress, call->options->userdata);
}

/* *again: that was not the answer yet. */
static bool step_parse(struct call *call, struct lines *lines, bool *again)
{
	struct wire_answer parsed;
	const char *line = NULL, *error = NULL;
	size_t len = 0;

	if (lines_next(lines, &line, &len) != LINES_LINE)
		return fail(call, WIRE_INTERNAL, "the answer on %s is too large", call->path);
	int r = wire_parse_answer(line, len, &parsed, &error);
	if (r < 0)
		return fail(call, WIRE_INTERNAL, "out of memory");
	if (r > 0)
		return fail(call, WIRE_INTERNAL, "what answers on %s is not this netd: %s",
			    call->path, error);
	*again = parsed.code == WIRE_WORKING;
	if (*again) {
		hear_progress(call, parsed.json);
		wire_answer_done(&parsed);
		return true;
	}
	const char *text = wire_error_text(parsed.json);
	(void)snprintf(call->answer->error, sizeof(call->answer->error), "%s", text ? text : "");
	call->answer->code = parsed.code;
	call->answer->json = parsed.json;
	return true;
}

static void step_answer(struct call *call, struct lines *lines)
{
	bool again = true;

	while (again)
		if (!step_receive(call, lines) || !step_parse(call, lines, &again))
			return;
}

static bool set_path(struct call *call, const struct client_options *options)
{
	if (options->admin && wire_admin_path(options->path, call->path) == 0)
		return true;
	if (!options->admin && strlen(options->path) < sizeof(call->path)) {
		(void)stpcpy(call->path, options->path);
		return true;
	}
	return fail(call, WIRE_USAGE, "the socket path %s is too long", options->path);
}

void client_call(const struct client_options *options, const cJSON *request,
		 struct client_answer *ret)
{
	unsigned int timeout_ms = options->timeout_ms ? options->timeout_ms : DEFAULT_TIMEOUT_MS;
	CLEANUP(lines_done) struct lines lines;
	CLEANUP(free_ptr) char *line = NULL;
	size_t len = 0;

	if (timeout_ms > MAX_TIMEOUT_MS)
		timeout_ms = MAX_TIMEOUT_MS;
	lines_init(&lines, LIMIT_FRAME_BYTES, LINES_ONE_READ);
	*ret = (struct client_answer){ .code = WIRE_INTERNAL };
	CLEANUP(call_done)
	struct call call = {
		.options = options,
		.answer = ret,
		.fd = -1,
		.deadline_ms = clock_monotonic_ms() + timeout_ms,
		.timeout_ms = timeout_ms,
	};
	if (!set_path(&call, options))
		return;
	line = wire_print(request, &len);
	if (!line) {
		(void)fail(&call, WIRE_INTERNAL, "out of memory");
		return;
	}
	/* Said here, where the size is known, rather than by a daemon that hangs up. */
	if (len > LIMIT_REQUEST_BYTES) {
		(void)fail(&call, WIRE_USAGE,
			   "the policy is too large to send: %zu bytes, at most %u", len,
			   LIMIT_REQUEST_BYTES);
		return;
	}
	if (step_connect(&call, options) && step_send(&call, line, len))
		step_answer(&call, &lines);
}

void client_answer_done(struct client_answer *answer)
{
	cJSON_Delete(answer->json);
	answer->json = NULL;
}
