/* SPDX-License-Identifier: GPL-2.0-or-later */
/* netd-reader's clients, with a Docker that is a socket of this test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/limits.h"
#include "edge/loop/loop.h"
#include "reader/proxy.h"

#define ASK "GET /v1.41/networks HTTP/1.1\r\nHost: docker\r\n\r\n"
#define PASSED_ON                                                                             \
	"GET /v1.41/networks HTTP/1.1\r\nHost: docker\r\nUser-Agent: netd\r\nAccept: */*\r\n" \
	"Connection: close\r\n\r\n"
#define FLOOD_BYTES (8u * 1024u * 1024u)

struct fixture {
	char dir[32], path[64], docker_path[64];
	int listen, docker; /* docker: listens too, -1: away */
	sd_event *loop;
	struct proxy *proxy;
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

static int setup_for(void **state, uid_t peer, uint64_t timeout_us)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	(void)snprintf(f->dir, sizeof(f->dir), "/tmp/netd-test-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	(void)snprintf(f->path, sizeof(f->path), "%s/reader.sock", f->dir);
	(void)snprintf(f->docker_path, sizeof(f->docker_path), "%s/docker.sock", f->dir);
	f->listen = listen_at(f->path);
	f->docker = listen_at(f->docker_path);
	assert_true(sd_event_new(&f->loop) >= 0);
	const struct proxy_options options = { f->listen, peer, f->docker_path, timeout_us };
	assert_int_equal(proxy_new(f->loop, &options, &f->proxy), 0);
	*state = f;
	return 0;
}

static int setup(void **state)
{
	return setup_for(state, getuid(), 0);
}

static int setup_impatient(void **state)
{
	return setup_for(state, getuid(), 1);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	(void)proxy_free(f->proxy);
	(void)sd_event_unref(f->loop);
	(void)close(f->listen);
	if (f->docker >= 0)
		(void)close(f->docker);
	(void)unlink(f->path);
	(void)unlink(f->docker_path);
	assert_int_equal(rmdir(f->dir), 0);
	free(f);
	return 0;
}

/* One turn of the loop, at most 10 ms. */
static void turn(const struct fixture *f)
{
	assert_true(sd_event_run(f->loop, 10000) >= 0);
}

static int connect_to(const struct fixture *f)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	(void)snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", f->path);
	assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	return fd;
}

static void put(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* Until something came, or the end (0), or an error (-1, an unread request behind it). */
static ssize_t get(const struct fixture *f, int fd, char *ret, size_t size)
{
	ssize_t n;

	while ((n = recv(fd, ret, size - 1, MSG_DONTWAIT)) < 0 && errno == EAGAIN)
		turn(f);
	ret[n > 0 ? n : 0] = '\0';
	return n;
}

static void expect(const struct fixture *f, int fd, const char *text)
{
	char bytes[4096];

	(void)get(f, fd, bytes, sizeof(bytes));
	assert_non_null(strstr(bytes, text));
}

static void expect_end(const struct fixture *f, int fd)
{
	char bytes[64];

	assert_true(get(f, fd, bytes, sizeof(bytes)) <= 0);
	(void)close(fd);
}

static int accept_docker(const struct fixture *f)
{
	int fd;

	while ((fd = accept4(f->docker, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) < 0)
		turn(f);
	return fd;
}

/* The way to Docker of a client that has asked. */
static int expect_question(const struct fixture *f)
{
	char bytes[4096];
	int fd = accept_docker(f);

	assert_true(get(f, fd, bytes, sizeof(bytes)) > 0);
	assert_string_equal(bytes, PASSED_ON);
	return fd;
}

static void nobody_asks_docker(const struct fixture *f)
{
	assert_int_equal(accept(f->docker, NULL, NULL), -1);
	assert_int_equal(errno, EAGAIN);
}

/* ---- */

static void a_question_is_asked_and_answered(void **state)
{
	const struct fixture *f = *state;
	int client = connect_to(f), docker;

	for (const char *c = ASK; *c; c++) { /* cut anywhere */
		assert_int_equal(send(client, c, 1, MSG_NOSIGNAL), 1);
		turn(f);
	}
	docker = expect_question(f);
	put(docker, "HTTP/1.1 200 OK\r\n\r\n[\1\2\xff");
	expect(f, client, "HTTP/1.1 200 OK\r\n\r\n[\1\2\xff");
	put(docker, "more");
	expect(f, client, "more");
	(void)close(docker);
	expect_end(f, client);
}

static void what_is_not_allowed_does_not_reach_docker(void **state)
{
	static const char *const requests[] = {
		"POST /containers/create HTTP/1.1\r\nHost: docker\r\n\r\n",
		"GET /secrets HTTP/1.1\r\nHost: docker\r\n\r\n",
		"GET /version HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc",
		ASK "POST /containers/create HTTP/1.1\r\nHost: docker\r\n\r\n",
	};
	const struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
		int client = connect_to(f);
		put(client, requests[i]);
		expect(f, client, "HTTP/1.1 403 Forbidden\r\n");
		expect_end(f, client);
		nobody_asks_docker(f);
	}
}

static void a_second_request_ends_the_first(void **state)
{
	const struct fixture *f = *state;
	int client = connect_to(f), docker;

	put(client, ASK);
	docker = expect_question(f);
	put(client, "POST /containers/create HTTP/1.1\r\nHost: docker\r\n\r\n");
	expect_end(f, docker);
	expect_end(f, client);
	nobody_asks_docker(f);
}

static void docker_away_is_told_as_the_kernel_tells_it(void **state)
{
	struct fixture *f = *state;
	int client = connect_to(f);

	(void)close(f->docker);
	f->docker = -1;
	put(client, ASK);
	expect(f, client, "/docker.sock: Connection refused");
	expect_end(f, client);
	(void)unlink(f->docker_path);
	client = connect_to(f);
	put(client, ASK);
	expect(f, client, "/docker.sock: No such file or directory");
	expect_end(f, client);
}

static void who_goes_frees_the_other_side(void **state)
{
	const struct fixture *f = *state;
	int client = connect_to(f);

	put(client, ASK);
	int docker = expect_question(f);
	(void)close(client);
	expect_end(f, docker);
	client = connect_to(f);
	put(client, ASK);
	docker = expect_question(f);
	(void)close(docker);
	expect_end(f, client);
}

/* Nothing is lost, and no more is held than the buffers of two sockets and one of ours. */
static void a_slow_client_stops_docker(void **state)
{
	const struct fixture *f = *state;
	char *bytes = malloc(FLOOD_BYTES), *got = malloc(FLOOD_BYTES);
	size_t sent = 0, received = 0;
	int client = connect_to(f);
	ssize_t n;

	assert_true(bytes && got);
	for (size_t i = 0; i < FLOOD_BYTES; i++)
		bytes[i] = (char)(i * 2654435761u >> 24);
	put(client, ASK);
	int docker = expect_question(f);
	/* Until Docker is stopped for good: the loop has nothing left to do. */
	for (int idle = 0; idle < 3; idle++) {
		while ((n = send(docker, bytes + sent, FLOOD_BYTES - sent, MSG_DONTWAIT)) > 0) {
			sent += (size_t)n;
			idle = 0;
		}
		while (sd_event_run(f->loop, 1000) > 0)
			;
	}
	assert_true(sent < 2u * 1024u * 1024u);
	while (received < FLOOD_BYTES) {
		n = send(docker, bytes + sent, FLOOD_BYTES - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
		sent += n > 0 ? (size_t)n : 0;
		n = recv(client, got + received, FLOOD_BYTES - received, MSG_DONTWAIT);
		received += n > 0 ? (size_t)n : 0;
		(void)sd_event_run(f->loop, n > 0 ? 0 : 1000);
	}
	assert_memory_equal(bytes, got, FLOOD_BYTES);
	/* The end waits for what is before it. */
	put(docker, "last");
	(void)close(docker);
	expect(f, client, "last");
	expect_end(f, client);
	free(bytes);
	free(got);
}

static void those_beyond_the_limit_wait(void **state)
{
	const struct fixture *f = *state;
	int clients[LIMIT_READER_CLIENTS], dockers[LIMIT_READER_CLIENTS], late;

	for (size_t i = 0; i < LIMIT_READER_CLIENTS; i++) {
		clients[i] = connect_to(f);
		put(clients[i], ASK);
		dockers[i] = expect_question(f);
	}
	late = connect_to(f);
	put(late, ASK);
	while (sd_event_run(f->loop, 1000) > 0)
		;
	nobody_asks_docker(f);
	(void)close(dockers[0]);
	expect_end(f, clients[0]);
	dockers[0] = expect_question(f);
	for (size_t i = 0; i < LIMIT_READER_CLIENTS; i++)
		(void)close(dockers[i]);
	for (size_t i = 1; i < LIMIT_READER_CLIENTS; i++)
		expect_end(f, clients[i]);
	expect_end(f, late);
}

static void half_a_request_does_not_stay(void **state)
{
	const struct fixture *f = *state;
	int client = connect_to(f), silent = connect_to(f);

	put(client, "GET /version HTT");
	expect_end(f, client);
	expect_end(f, silent);
}

/* Whoever may open the file: the kernel says who it is. */
static void others_are_refused(void **state)
{
	const struct fixture *f = *state;
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	char byte;
	int fd;

	if (getuid() != 0) {
		print_message("SKIP: needs root\n");
		skip();
	}
	assert_int_equal(chmod(f->dir, 0777), 0);
	assert_int_equal(chmod(f->path, 0777), 0);
	(void)snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", f->path);
	/* The kernel notes the credentials of the moment of connect(). */
	const struct {
		uid_t uid;
		bool may;
	} rows[] = { { 65534, false }, { 0, true }, { 4711, true } };
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		assert_int_equal(seteuid(rows[i].uid), 0);
		int r = connect(fd, (struct sockaddr *)&addr, sizeof(addr));
		assert_int_equal(seteuid(0), 0);
		assert_int_equal(r, 0);
		(void)send(fd, ASK, strlen(ASK), MSG_NOSIGNAL);
		if (rows[i].may) {
			(void)close(expect_question(f));
		} else {
			while (recv(fd, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN)
				turn(f);
			nobody_asks_docker(f);
		}
		(void)close(fd);
	}
}

static int setup_other(void **state)
{
	return setup_for(state, 4711, 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_question_is_asked_and_answered),
		CASE(what_is_not_allowed_does_not_reach_docker),
		CASE(a_second_request_ends_the_first),
		CASE(docker_away_is_told_as_the_kernel_tells_it),
		CASE(who_goes_frees_the_other_side),
		CASE(a_slow_client_stops_docker),
		CASE(those_beyond_the_limit_wait),
		cmocka_unit_test_setup_teardown(half_a_request_does_not_stay, setup_impatient,
						teardown),
		cmocka_unit_test_setup_teardown(others_are_refused, setup_other, teardown),
	};

	return cmocka_run_group_tests_name("reader", tests, NULL, NULL);
}
