/* SPDX-License-Identifier: GPL-2.0-or-later */
/* edge/control with clients that mean harm: each time a good client must still be served. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/resource.h>

#include "tests/unit/test_control_lib.h"

static void a_good_client_is_served(struct fixture *f)
{
	int fd = connect_to(f->path);

	ask(f, fd, STATUS, "\"ok\"");
	(void)close(fd);
}

static void restart(struct fixture *f, unsigned int timeout_ms)
{
	f->control = control_free(f->control);
	assert_int_equal(serve(f, timeout_ms), 0);
}

static void wait_for_clients(struct fixture *f, unsigned int n)
{
	uint64_t deadline = now_ms() + 20000;

	while (control_clients(f->control) != n) {
		assert_true(now_ms() < deadline);
		turn(f);
	}
}

static void garbage_is_answered_and_survived(void **state)
{
	struct fixture *f = *state;
	uint32_t seed = 4711;
	char line[4096];

	for (int i = 0; i < 200; i++) {
		int fd = connect_to(f->path);
		char bytes[512];

		for (size_t b = 0; b < sizeof(bytes) - 1; b++) {
			seed = seed * 1103515245 + 12345;
			bytes[b] = (char)(seed >> 16);
		}
		bytes[sizeof(bytes) - 1] = '\n';
		assert_true(put(f, fd, bytes, sizeof(bytes)));
		assert_non_null(strstr(get_line(f, fd, line, sizeof(line)), "\"usage\""));
		(void)close(fd);
	}
	assert_int_equal(f->n_requests, 0);
	a_good_client_is_served(f);
}

static void oversized_requests_are_cut_off(void **state)
{
	struct fixture *f = *state;
	char *bytes = malloc(LIMIT_REQUEST_BYTES + 2);
	int fd = connect_to(f->path);
	char line[4096];

	assert_non_null(bytes);
	/* As long as may be: not JSON, but taken. */
	memset(bytes, ' ', LIMIT_REQUEST_BYTES + 2);
	bytes[LIMIT_REQUEST_BYTES] = '\n';
	assert_true(put(f, fd, bytes, LIMIT_REQUEST_BYTES + 1));
	assert_non_null(strstr(get_line(f, fd, line, sizeof(line)), "not JSON"));
	/* One more, with and without an end. */
	bytes[LIMIT_REQUEST_BYTES] = ' ';
	bytes[LIMIT_REQUEST_BYTES + 1] = '\n';
	(void)put(f, fd, bytes, LIMIT_REQUEST_BYTES + 2);
	assert_non_null(strstr(get_line(f, fd, line, sizeof(line)), "longer than"));
	assert_string_equal(get_line(f, fd, line, sizeof(line)), "");
	(void)close(fd);
	fd = connect_to(f->path);
	(void)put(f, fd, bytes, LIMIT_REQUEST_BYTES + 1);
	(void)put(f, fd, bytes, LIMIT_REQUEST_BYTES);
	assert_non_null(strstr(get_line(f, fd, line, sizeof(line)), "longer than"));
	(void)close(fd);
	free(bytes);
	a_good_client_is_served(f);
}

static void who_never_reads_is_dropped(void **state)
{
	struct fixture *f = *state;
	int fds[8];

	restart(f, 300);
	f->answer_size = 4000000;
	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		fds[i] = connect_to(f->path);
		assert_true(puts_to(f, fds[i], STATUS STATUS STATUS));
	}
	while (f->n_requests < ARRAY_LEN(fds))
		turn(f);
	/* One answer each is made, and no more before it is read. */
	for (int i = 0; i < 20; i++)
		turn(f);
	assert_int_equal(f->n_requests, ARRAY_LEN(fds));
	f->answer_size = 0;
	a_good_client_is_served(f);
	wait_for_clients(f, 0);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		(void)close(fds[i]);
}

static void answers_in_waiting_are_bounded(void **state)
{
	enum { CLIENTS = 5 };
	struct fixture *f = *state;
	int fds[CLIENTS];

	/* 5 x 40 MB: more than the socket may hold in all. */
	f->answer_size = 40000000;
	for (size_t i = 0; i < CLIENTS; i++) {
		fds[i] = connect_to(f->path);
		assert_true(puts_to(f, fds[i], STATUS));
		while (f->n_requests <= i)
			turn(f);
	}
	char line[4096];
	assert_non_null(strstr(get_line(f, fds[CLIENTS - 1], line, sizeof(line)), "busy"));
	/* The admin socket has its own share. */
	int admin = connect_to(f->admin_path);
	f->answer_size = 0;
	ask(f, admin, STATUS, "\"ok\"");
	(void)close(admin);
	for (size_t i = 0; i < CLIENTS; i++)
		(void)close(fds[i]);
	wait_for_clients(f, 0);
	a_good_client_is_served(f);
}

static void half_requests_do_not_last(void **state)
{
	struct fixture *f = *state;
	int silent = connect_to(f->path), half = connect_to(f->path), drip = connect_to(f->path);
	uint64_t begin = now_ms();

	restart(f, 300);
	(void)close(silent);
	(void)close(half);
	(void)close(drip);
	silent = connect_to(f->path);
	half = connect_to(f->path);
	drip = connect_to(f->path);
	assert_true(puts_to(f, half, "{\"v\":1,\"verb\":"));
	/* A byte now and then does not keep it open: the time counts for the whole request. */
	while (send(drip, " ", 1, MSG_NOSIGNAL) == 1) {
		assert_true(now_ms() - begin < 10000);
		turn(f);
	}
	wait_for_clients(f, 0);
	(void)close(silent);
	(void)close(half);
	(void)close(drip);
	a_good_client_is_served(f);
}

static void half_requests_are_bounded(void **state)
{
	enum { CLIENTS = 8 };
	struct fixture *f = *state;
	size_t size = LIMIT_REQUEST_BYTES - 1000;
	char *bytes = malloc(size);
	unsigned int dropped = 0;
	int fds[CLIENTS];

	assert_non_null(bytes);
	memset(bytes, ' ', size);
	for (size_t i = 0; i < CLIENTS; i++) {
		fds[i] = connect_to(f->path);
		dropped += !put(f, fds[i], bytes, size);
	}
	assert_true(dropped >= 1);
	assert_true(control_clients(f->control) <= 5);
	for (size_t i = 0; i < CLIENTS; i++)
		(void)close(fds[i]);
	free(bytes);
	a_good_client_is_served(f);
}

static void a_hundred_connections_starve_nobody(void **state)
{
	struct fixture *f = *state;
	int fds[100], n = 0;

	/* 32 are in, 64 in the queue, the rest is refused by the kernel and tries again. */
	while (n < 100) {
		fds[n] = try_connect(f->path);
		n += fds[n] >= 0;
		turn(f);
	}
	/* An admin does not notice. */
	int admin = connect_to(f->admin_path);
	ask(f, admin, STATUS, "\"admin\":true");
	(void)close(admin);
	/* A reader waits until those that do nothing have been sent away. */
	uint64_t begin = now_ms();
	int good = -1;
	while (good < 0) {
		assert_true(now_ms() - begin < 20000);
		turn(f);
		good = try_connect(f->path);
	}
	ask(f, good, STATUS, "\"ok\"");
	print_message("served behind 100 idle clients after %u ms\n",
		      (unsigned int)(now_ms() - begin));
	(void)close(good);
	for (int i = 0; i < n; i++)
		(void)close(fds[i]);
	wait_for_clients(f, 0);
}

static void a_pipeline_takes_turns(void **state)
{
	enum { REQUESTS = 500 };
	struct fixture *f = *state;
	int greedy = connect_to(f->path), good = connect_to(f->path);
	char line[4096];

	for (int i = 0; i < REQUESTS; i++)
		assert_true(puts_to(f, greedy, STATUS));
	turn(f);
	turn(f);
	ask(f, good, STATUS, "\"ok\"");
	/* Long before the other one has been through. */
	assert_true(f->n_requests < REQUESTS / 2);
	for (int i = 0; i < REQUESTS; i++)
		assert_non_null(strstr(get_line(f, greedy, line, sizeof(line)), "\"ok\""));
	(void)close(greedy);
	(void)close(good);
}

static void descriptors_may_run_out(void **state)
{
	struct fixture *f = *state;
	int spare[256], n = 0, fd = connect_to(f->path);
	struct rlimit old, low = { 200, 200 };

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	low.rlim_max = old.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	while (n < 256 && (spare[n] = dup(fd)) >= 0)
		n++;
	assert_true(n < 256);
	uint64_t begin = now_ms();
	for (int i = 0; i < 20; i++)
		turn(f);
	/* It waits, and does not spin. */
	assert_true(now_ms() - begin > 100);
	assert_int_equal(control_clients(f->control), 0);
	while (n > 0)
		(void)close(spare[--n]);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	ask(f, fd, STATUS, "\"ok\"");
	(void)close(fd);
	a_good_client_is_served(f);
}

static void connections_come_and_go(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 300; i++) {
		int fd = try_connect(f->path);
		if (fd < 0) {
			turn(f);
			continue;
		}
		if (i % 3 == 0)
			assert_true(puts_to(f, fd, STATUS));
		if (i % 3 == 1)
			assert_true(puts_to(f, fd, "{"));
		if (i % 2)
			turn(f);
		(void)close(fd);
		turn(f);
	}
	wait_for_clients(f, 0);
	a_good_client_is_served(f);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(garbage_is_answered_and_survived),
		T(oversized_requests_are_cut_off),
		T(who_never_reads_is_dropped),
		T(answers_in_waiting_are_bounded),
		T(half_requests_do_not_last),
		T(half_requests_are_bounded),
		T(a_hundred_connections_starve_nobody),
		T(a_pipeline_takes_turns),
		T(descriptors_may_run_out),
		T(connections_come_and_go),
	};
#undef T
	return cmocka_run_group_tests(tests, NULL, NULL);
}
