/* SPDX-License-Identifier: GPL-2.0-or-later */
/* netd-metrics' scrapers, with a netd that is a socket of this test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/limits.h"
#include "exporter/server.h"

#define SCRAPE "GET /metrics HTTP/1.1\r\nHost: x\r\nAccept: text/plain\r\n\r\n"
#define NEWER "GET /metrics HTTP/1.1\r\naccept: a/b, Application/OpenMetrics-Text;q=1\r\n\r\n"
#define ANSWER \
	"{\"v\":1,\"code\":\"ok\",\"report\":{\"content_type\":\"t\",\"text\":\"up 1\\n\"}}\n"

struct fixture {
	char dir[32], path[64], netd_path[64];
	int listen, netd;
	sd_event *loop;
	struct server *server;
};

static int listen_at(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	(void)snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(fd, 256), 0);
	return fd;
}

static int setup_for(void **state, uint64_t timeout_us, uint64_t netd_timeout_us)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	(void)snprintf(f->dir, sizeof(f->dir), "/tmp/netd-test-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	(void)snprintf(f->path, sizeof(f->path), "%s/metrics.sock", f->dir);
	(void)snprintf(f->netd_path, sizeof(f->netd_path), "%s/netd.sock", f->dir);
	f->listen = listen_at(f->path);
	f->netd = listen_at(f->netd_path);
	assert_true(sd_event_new(&f->loop) >= 0);
	const struct server_options options = {
		{ f->listen }, 1, f->netd_path, timeout_us, netd_timeout_us
	};
	assert_int_equal(server_new(f->loop, &options, &f->server), 0);
	*state = f;
	return 0;
}

static int setup(void **state)
{
	return setup_for(state, 0, 0);
}

static int setup_impatient(void **state)
{
	return setup_for(state, 50000, 0);
}

static int setup_slow_netd(void **state)
{
	return setup_for(state, 0, 50000);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	(void)server_free(f->server);
	(void)sd_event_unref(f->loop);
	(void)close(f->listen);
	(void)close(f->netd);
	(void)unlink(f->path);
	(void)unlink(f->netd_path);
	assert_int_equal(rmdir(f->dir), 0);
	free(f);
	return 0;
}

/* One turn of the loop, at most 10 ms. */
static void turn(const struct fixture *f)
{
	assert_true(sd_event_run(f->loop, 10000) >= 0);
}

static int scrape(const struct fixture *f, const char *request)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", f->path);
	assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL), strlen(request));
	return fd;
}

/* netd's end of the next question, which is @verb with or without a form. */
static int hear(const struct fixture *f, const char *wanted)
{
	char line[256];
	ssize_t n;
	int fd;

	while ((fd = accept4(f->netd, NULL, NULL, SOCK_CLOEXEC)) < 0 && errno == EAGAIN)
		turn(f);
	while ((n = recv(fd, line, sizeof(line) - 1, MSG_DONTWAIT)) < 0 && errno == EAGAIN)
		turn(f);
	line[n > 0 ? n : 0] = '\0';
	assert_non_null(strstr(line, "\"verb\":\"metrics\""));
	assert_int_equal(strstr(line, "openmetrics") != NULL, strcmp(wanted, "openmetrics") == 0);
	return fd;
}

static void say(int netd, const char *text)
{
	assert_int_equal(send(netd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* All that a scraper gets; closes it. */
static void expect(const struct fixture *f, int fd, const char *begins, const char *has)
{
	char text[4096];
	size_t len = 0;

	for (ssize_t n = 1; n != 0;) {
		n = recv(fd, text + len, sizeof(text) - 1 - len, MSG_DONTWAIT);
		if (n < 0 && errno == EAGAIN)
			turn(f);
		else
			assert_true(n >= 0);
		len += n > 0 ? (size_t)n : 0;
	}
	text[len] = '\0';
	(void)close(fd);
	assert_int_equal(strncmp(text, begins, strlen(begins)), 0);
	assert_non_null(strstr(text, has));
}

/* However many ask, netd is asked once for each form, and not again while its answer is fresh. */
static void one_question_for_all(void **state)
{
	const struct fixture *f = *state;
	int clients[8], netd;

	for (size_t i = 0; i < ARRAY_LEN(clients); i++)
		clients[i] = scrape(f, SCRAPE);
	netd = hear(f, "text");
	say(netd, ANSWER);
	for (size_t i = 0; i < ARRAY_LEN(clients); i++)
		expect(f, clients[i], "HTTP/1.1 200 OK\r\nContent-Type: t\r\n", "\r\n\r\nup 1\n");
	expect(f, scrape(f, SCRAPE), "HTTP/1.1 200 OK\r\n", "up 1\n");
	assert_int_equal(accept4(f->netd, NULL, NULL, SOCK_CLOEXEC), -1);
	(void)close(netd);
	int newer = scrape(f, NEWER);
	netd = hear(f, "openmetrics");
	say(netd, ANSWER);
	expect(f, newer, "HTTP/1.1 200 OK\r\n", "up 1\n");
	(void)close(netd);
}

static void what_netd_says_else(void **state)
{
	static const struct {
		const char *said, *has;
	} rows[] = {
		{ "", "hung up" },
		{ "no json\n", "netd-metrics: " },
		{ "{\"v\":1,\"code\":\"unavailable\",\"error\":\"later\"}\n", "later" },
		{ "{\"v\":1,\"code\":\"ok\",\"report\":{}}\n", "no metrics" },
		{ "{\"v\":1,\"code\":\"ok\"}\n", "no metrics" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (i > 0)
			assert_int_equal(setup(state), 0);
		const struct fixture *f = *state;
		int client = scrape(f, SCRAPE), netd = hear(f, "text");
		say(netd, rows[i].said);
		(void)close(netd);
		expect(f, client, "HTTP/1.1 503 ", rows[i].has);
		if (i + 1 < ARRAY_LEN(rows))
			assert_int_equal(teardown(state), 0);
	}
}

static void netd_is_silent(void **state)
{
	const struct fixture *f = *state;
	int client = scrape(f, SCRAPE), netd = hear(f, "text");

	expect(f, client, "HTTP/1.1 503 ", "in time");
	(void)close(netd);
}

static void what_is_no_scrape(void **state)
{
	static const struct {
		const char *request, *begins;
	} rows[] = {
		{ "GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 404 " },
		{ "GET /metrics/ HTTP/1.1\r\n\r\n", "HTTP/1.1 404 " },
		{ "GET /metrics?x=1 HTTP/1.1\r\n\r\n", "HTTP/1.1 404 " },
		{ "POST /metrics HTTP/1.1\r\n\r\n", "HTTP/1.1 400 " },
		{ "GET /metrics HTTP/2\r\n\r\n", "HTTP/1.1 400 " },
		{ "GET /metrics HTTP/1.1\n\n", "HTTP/1.1 400 " },
		{ SCRAPE "x", "HTTP/1.1 400 " },
	};
	const struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		expect(f, scrape(f, rows[i].request), rows[i].begins, "netd-metrics: ");
	assert_int_equal(accept4(f->netd, NULL, NULL, SOCK_CLOEXEC), -1);
}

/* Those that say nothing take all places for their time, and no longer. */
static void places_come_back(void **state)
{
	const struct fixture *f = *state;
	int stuck[LIMIT_METRICS_CLIENTS], client, netd;

	for (size_t i = 0; i < ARRAY_LEN(stuck); i++)
		stuck[i] = scrape(f, "GET /met");
	client = scrape(f, SCRAPE);
	netd = hear(f, "text");
	say(netd, ANSWER);
	expect(f, client, "HTTP/1.1 200 OK\r\n", "up 1\n");
	for (size_t i = 0; i < ARRAY_LEN(stuck); i++)
		(void)close(stuck[i]);
	(void)close(netd);
}

/* A client that goes while netd is asked costs nobody else his page. */
static void one_goes(void **state)
{
	const struct fixture *f = *state;
	int first = scrape(f, SCRAPE), second = scrape(f, SCRAPE), netd = hear(f, "text");

	(void)close(first);
	say(netd, ANSWER);
	expect(f, second, "HTTP/1.1 200 OK\r\n", "up 1\n");
	(void)close(netd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(one_question_for_all, setup, teardown),
		cmocka_unit_test_setup_teardown(what_netd_says_else, setup, teardown),
		cmocka_unit_test_setup_teardown(netd_is_silent, setup_slow_netd, teardown),
		cmocka_unit_test_setup_teardown(what_is_no_scrape, setup, teardown),
		cmocka_unit_test_setup_teardown(places_come_back, setup_impatient, teardown),
		cmocka_unit_test_setup_teardown(one_goes, setup, teardown),
	};

	(void)signal(SIGPIPE, SIG_IGN); /* as netd-metrics has it */
	return cmocka_run_group_tests_name("exporter", tests, NULL, NULL);
}
