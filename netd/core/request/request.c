/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RFC 9112 down to the little of it that netd's client sends, or a scraper. What is not in here is
 * refused, so there is nothing in a request on which Docker and this reader could disagree. */
#include "core/request/request.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "core/base/text.h"

/* After an optional version, "/v1.41". In a row, @ is an id or a name as Docker makes them, # a
 * number, and ~ the value of a filter: letters, digits and their escapes. An escape in any other
 * place than a row's own is refused, and with it every other way to write a path. */
static const char *const questions[] = {
	"/version",
	"/events?filters=~",
	"/events?since=#&filters=~",
	"/networks",
	"/networks/@",
	"/containers/json?all=1",
	"/containers/json?all=1&filters=%7B%22id%22%3A%5B%22@%22%5D%7D",
	"/containers/@/json",
	"/images/sha256:@/json",
	"/_ping", /* from here on for podman */
	"/libpod/networks/json",
	"/containers/json?all=1&filters=%7B%22network%22%3A%5B%22@%22%5D%7D",
};

/* None of them is passed on. */
static const char *const headers[] = { "Host:", "User-Agent:", "Accept:" };

/* Bytes that have not been read yet. */
struct cursor {
	const char *at, *end;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter_or_digit(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_of_id(char c)
{
	return is_letter_or_digit(c) || c == '_' || c == '.' || c == '-';
}

static bool is_of_filter(char c)
{
	return is_of_id(c) || c == '%';
}

/* How many bytes at @at a placeholder stands for; 0: none, and it does not match. */
static size_t placeholder_len(char placeholder, const char *at)
{
	size_t n = 0;

	if (placeholder == '#')
		while (is_digit(at[n]))
			n++;
	else if (placeholder == '~')
		while (is_of_filter(at[n]))
			n++;
	else if (is_letter_or_digit(*at)) /* an id is never "..", nor does it begin as an option */
		while (is_of_id(at[n]))
			n++;
	return n;
}

static bool is_question(const char *row, const char *target)
{
	for (; *row; row++) {
		size_t n = strchr("@#~", *row) ? placeholder_len(*row, target) : *row == *target;
		if (n == 0)
			return false;
		target += n;
	}
	return *target == '\0';
}

/* Past "/v1.41"; where there is none, @target itself. */
static const char *after_version(const char *target)
{
	size_t major, minor;

	if (!text_begins(target, "/v"))
		return target;
	major = placeholder_len('#', target + 2);
	if (major == 0 || target[2 + major] != '.')
		return target;
	minor = placeholder_len('#', target + 3 + major);
	return minor == 0 ? target : target + 3 + major + minor;
}

static bool is_for_docker(const char *target)
{
	const char *question = after_version(target);

	for (size_t i = 0; i < ARRAY_LEN(questions); i++)
		if (is_question(questions[i], question))
			return true;
	return false;
}

static bool is_for_metrics(const char *target)
{
	return strcmp(target, "/metrics") == 0;
}

/* What one who listens takes. */
struct rules {
	bool (*is_allowed)(const char *target);
	const char *wrong_target;
	bool any_header;
};

/* ---- the bytes ---- */

static int refuse_request(struct request *ret, const char *why)
{
	ret->refusal = why;
	return REQUEST_E_REFUSED;
}

/* The next line without its CR LF. 0, REQUEST_E_PARTIAL or REQUEST_E_REFUSED. */
static int next_line(struct cursor *cursor, const char **ret, size_t *ret_len, struct request *why)
{
	const char *line = cursor->at;
	const char *lf = memchr(line, '\n', (size_t)(cursor->end - line));
	const char *stop = lf ? lf : cursor->end;

	for (const char *c = line; c < stop; c++)
		if ((*c < ' ' || *c > '~') && (*c != '\r' || c + 1 != stop))
			return refuse_request(why, "a byte outside printable ASCII");
	if (!lf)
		return REQUEST_E_PARTIAL;
	if (lf == line || lf[-1] != '\r')
		return refuse_request(why, "a line that does not end in CR LF");
	*ret = line;
	*ret_len = (size_t)(lf - line) - 1;
	cursor->at = lf + 1;
	return 0;
}

static int read_first_line(const char *line, size_t len, const struct rules *rules,
			   struct request *ret)
{
	static const char method[] = "GET ", version[] = " HTTP/1.1";
	const size_t before = sizeof(method) - 1, after = sizeof(version) - 1;

	if (len < before || memcmp(line, method, before) != 0)
		return refuse_request(ret, "another method than GET");
	if (len < before + after || memcmp(line + len - after, version, after) != 0)
		return refuse_request(ret, "another protocol than HTTP/1.1");
	len -= before + after;
	memcpy(ret->target, line + before, len); /* shorter than the whole request */
	ret->target[len] = '\0';
	return rules->is_allowed(ret->target) ? 0 : refuse_request(ret, rules->wrong_target);
}

static bool is_known_header(const char *line, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
		size_t n = strlen(headers[i]);
		if (len >= n && strncasecmp(line, headers[i], n) == 0)
			return true;
	}
	return false;
}

/* The newer form, among those that it names; how much it likes each does not matter. */
static bool takes_openmetrics(const char *line, size_t len)
{
	static const char accept[] = "Accept:", form[] = "application/openmetrics-text";
	size_t n = sizeof(form) - 1;

	if (len < sizeof(accept) - 1 || strncasecmp(line, accept, sizeof(accept) - 1) != 0)
		return false;
	for (size_t at = sizeof(accept) - 1; at + n <= len; at++)
		if (strncasecmp(line + at, form, n) == 0)
			return true;
	return false;
}

static int read_request(const char *bytes, size_t len, const struct rules *rules,
			struct request *ret)
{
	struct cursor cursor = { bytes, bytes + len };
	const char *line;
	size_t line_len = 0;

	ret->refusal = NULL;
	ret->target[0] = '\0';
	ret->openmetrics = false;
	if (len >= LIMIT_QUESTION_BYTES)
		return refuse_request(ret, "a request that is too long");
	int r = next_line(&cursor, &line, &line_len, ret);
	if (r == 0)
		r = read_first_line(line, line_len, rules, ret);
	while (r == 0) {
		r = next_line(&cursor, &line, &line_len, ret);
		if (r == 0 && line_len == 0)
			break;
		if (r == 0 && !rules->any_header && !is_known_header(line, line_len))
			r = refuse_request(ret, "a header that netd does not send");
		ret->openmetrics |= r == 0 && takes_openmetrics(line, line_len);
	}
	if (r == 0 && cursor.at != cursor.end)
		r = refuse_request(ret, "more than one request");
	return r;
}

int request_read(const char *bytes, size_t len, struct request *ret)
{
	static const struct rules rules = { is_for_docker, "a question that netd does not ask",
					    false };

	return read_request(bytes, len, &rules, ret);
}

int request_read_scrape(const char *bytes, size_t len, struct request *ret)
{
	static const struct rules rules = { is_for_metrics, "another page than /metrics", true };

	return read_request(bytes, len, &rules, ret);
}
