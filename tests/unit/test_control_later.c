/* SPDX-License-Identifier: GPL-2.0-or-later */
/* edge/control: requests that are answered later, by others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/mman.h>

#include "test_control_lib.h"

#define WORKING "{\"v\":1,\"code\":\"working\"}"

/* A request that is put off, and its client. */
static int put_off(struct fixture *f)
{
	int fd = connect_to(f->admin_path);

	f->token = 0;
	assert_true(puts_to(f, fd, "{\"v\":1,\"verb\":\"apply\",\"what\":\"kept\"}\n"));
	while (!f->token)
		turn(f);
	return fd;
}

/* @text, filler and a newline. */
static int make_file(const char *text, size_t filler)
{
	int fd = memfd_create("answer", MFD_CLOEXEC);
	char *bytes = calloc(1, filler + 1);

	assert_true(fd >= 0 && bytes);
	memset(bytes, 'y', filler);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(write(fd, bytes, filler), filler);
	assert_int_equal(write(fd, "\n", 1), 1);
	free(bytes);
	return fd;
}

/* Larger than a socket holds: it is sent in pieces, and the next request is answered after it. */
static void an_answer_in_a_file(void **state)
{
	struct fixture *f = *state;
	const size_t size = 3000000;
	int client = put_off(f), file = make_file("{\"v\":1,", size);
	char *line = calloc(1, size + 100);

	assert_non_null(line);
	assert_string_equal(wire_string(f->json, "what"), "kept");
	control_answer_file(f->control, f->token, file, size + 8);
	(void)close(file); /* it keeps its own */
	get_line(f, client, line, size + 100);
	assert_int_equal(strlen(line), size + 7);
	assert_memory_equal(line, "{\"v\":1,yyy", 10);
	ask(f, client, STATUS, "\"ok\"");
	free(line);
	(void)close(client);
}

static void an_answer_in_a_file_that_is_too_large(void **state)
{
	struct fixture *f = *state;
	int client = put_off(f), file = make_file("x", 10);
	char line[256];

	control_answer_file(f->control, f->token, file, (size_t)LIMIT_FRAME_BYTES + 1);
	get_line(f, client, line, sizeof(line));
	assert_non_null(strstr(line, "too large"));
	ask(f, client, STATUS, "\"ok\"");
	(void)close(client);
	(void)close(file);
}

/* Half of an answer is nobody's: no signal ends the server, and the file is given back. */
static void a_client_that_goes_in_the_middle(void **state)
{
	struct fixture *f = *state;
	int client = put_off(f), file = make_file("x", 3000000);
	char byte;

	control_answer_file(f->control, f->token, file, 3000002);
	while (recv(client, &byte, 1, 0) != 1)
		turn(f);
	(void)close(client);
	while (control_clients(f->control))
		turn(f);
	(void)close(file);
}

static void a_client_that_goes_is_told_of(void **state)
{
	struct fixture *f = *state;
	int client = put_off(f);
	uint64_t token = f->token;

	assert_int_equal(f->gone, 0);
	(void)close(client);
	while (!f->gone)
		turn(f);
	assert_int_equal(f->gone, token);
	/* One that was answered has nothing to lose. */
	client = put_off(f);
	control_answer(f->control, f->token, wire_new_answer(WIRE_OK));
	(void)close(client);
	while (control_clients(f->control))
		turn(f);
	assert_int_equal(f->gone, token);
	/* Nor is it forgotten when the server ends. */
	client = put_off(f);
	f->control = control_free(f->control);
	assert_int_equal(f->gone, f->token);
	(void)close(client);
}

static void what_is_told_before_the_answer(void **state)
{
	struct fixture *f = *state;
	int client = put_off(f);
	char line[256];

	control_tell(f->control, f->token, wire_new_answer(WIRE_WORKING));
	assert_string_equal(get_line(f, client, line, sizeof(line)), WORKING);
	/* A client that does not read misses some of it, and harms nobody. */
	for (int i = 0; i < 100000; i++)
		control_tell(f->control, f->token, wire_new_answer(WIRE_WORKING));
	control_tell(f->control, f->token + 1, wire_new_answer(WIRE_WORKING));
	control_answer(f->control, f->token, wire_new_answer(WIRE_OK));
	unsigned int n = 0;
	for (; !strstr(get_line(f, client, line, sizeof(line)), "\"ok\""); n++)
		assert_string_equal(line, WORKING);
	assert_true(n > 0 && n < 100000);
	ask(f, client, STATUS, "\"ok\"");
	(void)close(client);
}

/* A request of nearly the largest size; the client's. */
static void send_large(struct fixture *f, int client)
{
	static const char begin[] = "{\"v\":1,\"verb\":\"apply\",\"what\":\"";
	size_t len = LIMIT_REQUEST_BYTES - 100;
	char *request = calloc(1, len + 1);

	assert_non_null(request);
	memset(request, 'x', len);
	memcpy(request, begin, strlen(begin));
	memcpy(request + len - 3, "\"}\n", 3);
	assert_true(put(f, client, request, len));
	free(request);
}

static void wait_for_request(struct fixture *f, unsigned int before)
{
	while (f->n_requests == before)
		turn(f);
}

/* Clients that ask and wait must not fill the memory with their requests. */
static void requests_that_wait_are_bounded(void **state)
{
	struct fixture *f = *state;
	char line[256];
	int clients[5];

	for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
		unsigned int before = f->n_requests;
		clients[i] = connect_to(f->admin_path);
		send_large(f, clients[i]);
		if (i < 4)
			wait_for_request(f, before);
	}
	get_line(f, clients[4], line, sizeof(line));
	assert_non_null(strstr(line, "netd is busy"));
	/* One that goes makes room. */
	(void)close(clients[0]);
	while (!f->gone)
		turn(f);
	unsigned int before = f->n_requests;
	send_large(f, clients[4]);
	wait_for_request(f, before);
	for (size_t i = 1; i < ARRAY_LEN(clients); i++)
		(void)close(clients[i]);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(an_answer_in_a_file),
		T(an_answer_in_a_file_that_is_too_large),
		T(a_client_that_goes_in_the_middle),
		T(a_client_that_goes_is_told_of),
		T(what_is_told_before_the_answer),
		T(requests_that_wait_are_bounded),
	};
#undef T
	return cmocka_run_group_tests(tests, NULL, NULL);
}
