/* SPDX-License-Identifier: GPL-2.0-or-later */
/* core/request: what netd asks passes, and nothing else in any form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "core/request/request.h"

#define ID "4c01db0b339c1e2b5d5bd8e3d3b8e0f0c1f4e2a19081bd9e5c64bf5842938eb0"
#define HOST "Host: docker\r\n"
/* As libcurl sends it. */
#define REST " HTTP/1.1\r\nHost: docker\r\nUser-Agent: netd\r\nAccept: */*\r\n\r\n"

/* Judges "GET TARGET" as netd sends it. */
static int judge(const char *target, struct request *ret)
{
	char bytes[LIMIT_QUESTION_BYTES * 2];
	int len = snprintf(bytes, sizeof(bytes), "GET %s" REST, target);

	return request_read(bytes, (size_t)len, ret);
}

static void questions_of_netd_pass(void **state)
{
	static const char *const targets[] = {
		"/version",
		"/v1.41/version",
		"/v1.41/networks",
		"/v1.52/networks/" ID,
		"/v1.24/networks/x8k2m4q6s8u0w2y4a6c8e0g2i", /* swarm's are no hex */
		"/v1.41/containers/json?all=1",
		"/v1.41/images/sha256:" ID "/json",
		"/v1.41/containers/json?all=1&filters=%7B%22id%22%3A%5B%22" ID "%22%5D%7D",
		"/v1.41/containers/" ID "/json",
		"/_ping",
		"/v4.0/libpod/networks/json",
		"/v1.40/containers/json?all=1&filters=%7B%22network%22%3A%5B%22" ID "%22%5D%7D",
		"/v1.41/events?filters=%7B%22type%22%3A%5B%22container%22%5D%7D",
		"/v1.41/events?since=1763924400&filters=%7B%22type%22%3A%5B%22container%22%5D%7D",
	};
	struct request request;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
		if (judge(targets[i], &request) != 0)
			fail_msg("%s: %s", targets[i], request.refusal);
		assert_string_equal(request.target, targets[i]);
	}
}

static const char *const other_targets[] = {
	"",
	"/",
	"*",
	"version",
	"//version",
	"/version/",
	"/version?",
	"/version#x",
	"/VERSION",
	"/v1/version",
	"/v1.41.1/version",
	"/v1.41",
	"/v1.41//networks",
	"/v1.41/v1.41/networks",
	"/v.41/networks",
	"/v1./networks",
	"http://docker/version",
	"docker:80",
	"/v4.0/libpod/info",
	"/v4.0/libpod/networks/json?filters=x",
	"/info",
	"/secrets",
	"/configs",
	"/swarm/unlockkey",
	"/plugins",
	"/images/json",
	"/images/get?names=x",
	"/networks/",
	"/networks/..",
	"/images/" ID "/json",
	"/images/sha256:" ID "/history",
	"/images/sha256:../json",
	"/networks/../secrets",
	"/networks/" ID "/",
	"/networks/" ID "/connect",
	"/networks/" ID "?verbose=1",
	"/networks/%2e%2e",
	"/networks/%2e%2e/secrets",
	"/networks/a%2fb",
	"/networks/a/b",
	"/networks/a;b",
	"/networks/a\\b",
	"/networks/a b",
	"/containers/json",
	"/containers/json?all=1&size=1",
	"/containers/json?size=1&all=1",
	"/containers/json?all=1&filters=%7B%22id%22%3A%5B%22%22%5D%7D",
	"/containers/json?all=1&filters=%7B%22id%22%3A%5B%22a%22%2C%22b%22%5D%7D",
	"/containers/" ID "/json?size=1",
	"/containers/" ID "/logs?stdout=1",
	"/containers/" ID "/export",
	"/containers/" ID "/archive?path=/etc/shadow",
	"/containers/" ID "/attach/ws",
	"/containers/../json",
	"/containers/-x/json",
	"/containers//json",
	"/exec/" ID "/json",
	"/events",
	"/events?since=0",
	"/events?since=x&filters=a",
	"/events?since=-1&filters=a",
	"/events?since=1&until=2&filters=a",
	"/events?filters=",
	"/events?filters={}",
	"/events?filters=a&filters=b",
	"/events?filters=a#b",
	"/grpc",
	"/session",
};

static void other_targets_are_refused(void **state)
{
	struct request request;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(other_targets); i++)
		if (judge(other_targets[i], &request) != REQUEST_E_REFUSED || !request.refusal)
			fail_msg("%s passed", other_targets[i]);
}

static void other_forms_are_refused(void **state)
{
	static const struct {
		const char *bytes, *why;
	} rows[] = {
		{ "POST /version" REST, "method" },
		{ "POST /containers/create" REST, "method" },
		{ "HEAD /version" REST, "method" },
		{ "DELETE /networks/x" REST, "method" },
		{ "CONNECT docker:80" REST, "method" },
		{ "get /version" REST, "method" },
		{ "GETX /version" REST, "method" },
		{ " GET /version" REST, "method" },
		{ "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "method" },
		{ "\r\nGET /version" REST, "method" },
		{ "GET /version HTTP/1.0\r\n" HOST "\r\n", "protocol" },
		{ "GET /version HTTP/2.0\r\n" HOST "\r\n", "protocol" },
		{ "GET /version\r\n", "protocol" },
		{ "GET /version HTTP/1.1 \r\n" HOST "\r\n", "protocol" },
		{ "GET HTTP/1.1\r\n" HOST "\r\n", "protocol" },
		{ "GET  /version" REST, "question" },
		{ "GET /version  HTTP/1.1\r\n" HOST "\r\n", "question" },
		{ "GET /version?a HTTP/1.1 HTTP/1.1\r\n" HOST "\r\n", "question" },
		{ "GET /version\t HTTP/1.1\r\n" HOST "\r\n", "ASCII" },
		{ "GET /version HTTP/1.1\n" HOST "\n", "CR LF" },
		{ "GET /version HTTP/1.1\r\nHost: docker\n\r\n", "CR LF" },
		{ "GET /version HTTP/1.1\r\n\n", "CR LF" },
		{ "GET /version HTTP/1.1\rHost: docker\r\n\r\n", "ASCII" },
		{ "GET /version HTTP/1.1\r\r\n" HOST "\r\n", "ASCII" },
		{ "GET /version HTTP/1.1\r\nHost: d\303\266cker\r\n\r\n", "ASCII" },
		{ "GET /version HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", "header" },
		{ "GET /version HTTP/1.1\r\nContent-Length: 0\r\n\r\n", "header" },
		{ "GET /version HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		  "header" },
		{ "GET /version HTTP/1.1\r\nTransfer-Encoding : chunked\r\n\r\n", "header" },
		{ "GET /version HTTP/1.1\r\nUpgrade: h2c\r\n\r\n", "header" },
		{ "GET /version HTTP/1.1\r\nUpgrade: tcp\r\nConnection: Upgrade\r\n\r\n",
		  "header" },
		{ "GET /version HTTP/1.1\r\nConnection: keep-alive\r\n\r\n", "header" },
		{ "GET /version HTTP/1.1\r\nExpect: 100-continue\r\n\r\n", "header" },
		{ "GET /version HTTP/1.1\r\nX-Http-Method-Override: POST\r\n\r\n", "header" },
		{ "GET /version HTTP/1.1\r\n" HOST " folded: yes\r\n\r\n", "header" },
		{ "GET /version HTTP/1.1\r\nHost\r\n\r\n", "header" },
		{ "GET /version" REST "GET /version" REST, "more than one" },
		{ "GET /version" REST "POST /containers/create" REST, "more than one" },
		{ "GET /version" REST "x", "more than one" },
		{ "GET /version" REST "\r\n", "more than one" },
	};
	struct request request;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *bytes = rows[i].bytes;
		if (request_read(bytes, strlen(bytes), &request) != REQUEST_E_REFUSED)
			fail_msg("passed: %s", bytes);
		if (!strstr(request.refusal, rows[i].why))
			fail_msg("%s: %s, not %s", bytes, request.refusal, rows[i].why);
	}
}

static void a_zero_byte_ends_nothing(void **state)
{
	static const char bytes[] = "GET /version\0 HTTP/1.1\r\n\r\n";
	struct request request;

	(void)state;
	assert_int_equal(request_read(bytes, sizeof(bytes) - 1, &request), REQUEST_E_REFUSED);
}

/* Every beginning of a good request waits for the rest of it. */
static void a_request_may_come_in_pieces(void **state)
{
	static const char bytes[] = "GET /v1.41/networks" REST;
	struct request request;

	(void)state;
	for (size_t len = 0; len < sizeof(bytes) - 1; len++)
		assert_int_equal(request_read(bytes, len, &request), REQUEST_E_PARTIAL);
	assert_int_equal(request_read(bytes, sizeof(bytes) - 1, &request), 0);
}

static void a_request_has_a_longest_length(void **state)
{
	char bytes[LIMIT_QUESTION_BYTES + 1];
	struct request request;
	size_t head = strlen("GET /version HTTP/1.1\r\nHost: ");

	(void)state;
	memset(bytes, 'a', sizeof(bytes));
	memcpy(bytes, "GET /version HTTP/1.1\r\nHost: ", head);
	assert_int_equal(request_read(bytes, LIMIT_QUESTION_BYTES - 1, &request),
			 REQUEST_E_PARTIAL);
	assert_int_equal(request_read(bytes, LIMIT_QUESTION_BYTES, &request), REQUEST_E_REFUSED);
	memcpy(bytes + LIMIT_QUESTION_BYTES - 5, "\r\n\r\n", 4);
	assert_int_equal(request_read(bytes, LIMIT_QUESTION_BYTES - 1, &request), 0);
	memcpy(bytes + LIMIT_QUESTION_BYTES - 5, "a\r\n\r\n", 5);
	assert_int_equal(request_read(bytes, LIMIT_QUESTION_BYTES, &request), REQUEST_E_REFUSED);
	/* Nor does a line without an end buy more. */
	memset(bytes, 'a', sizeof(bytes));
	memcpy(bytes, "GET /", 5);
	assert_int_equal(request_read(bytes, LIMIT_QUESTION_BYTES, &request), REQUEST_E_REFUSED);
}

static void a_scraper_asks_for_one_page(void **state)
{
	static const struct {
		const char *bytes;
		int r;
		bool openmetrics;
	} rows[] = {
		{ "GET /metrics HTTP/1.1\r\n\r\n", 0, false },
		{ "GET /metrics HTTP/1.1\r\nX-Prometheus-Scrape-Timeout-Seconds: 10\r\n\r\n", 0,
		  false },
		{ "GET /metrics HTTP/1.1\r\nAccept: text/plain\r\nCookie: "
		  "application/openmetrics-text\r\n\r\n",
		  0, false },
		{ "GET /metrics HTTP/1.1\r\nACCEPT:application/OPENMETRICS-text;version=1\r\n\r\n",
		  0, true },
		{ "GET /metrics HTTP/1.1\r\nAccept: application/openmetrics-tex\r\n\r\n", 0,
		  false },
		{ "GET /metrics HTTP/1.1\r\nHost: x\r\n", REQUEST_E_PARTIAL, false },
		{ "GET /metrics HTTP/1.1\r\n\r\nGET", REQUEST_E_REFUSED, false },
		{ "GET /version HTTP/1.1\r\n\r\n", REQUEST_E_REFUSED, false },
		{ "GET /metrics/../x HTTP/1.1\r\n\r\n", REQUEST_E_REFUSED, false },
		{ "HEAD /metrics HTTP/1.1\r\n\r\n", REQUEST_E_REFUSED, false },
	};
	struct request request;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(
			request_read_scrape(rows[i].bytes, strlen(rows[i].bytes), &request),
			rows[i].r);
		assert_int_equal(request.openmetrics, rows[i].openmetrics);
	}
	/* Docker is not asked for it. */
	assert_int_equal(request_read(rows[0].bytes, strlen(rows[0].bytes), &request),
			 REQUEST_E_REFUSED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(questions_of_netd_pass),
		cmocka_unit_test(other_targets_are_refused),
		cmocka_unit_test(other_forms_are_refused),
		cmocka_unit_test(a_zero_byte_ends_nothing),
		cmocka_unit_test(a_request_may_come_in_pieces),
		cmocka_unit_test(a_request_has_a_longest_length),
		cmocka_unit_test(a_scraper_asks_for_one_page),
	};

	return cmocka_run_group_tests_name("request", tests, NULL, NULL);
}
