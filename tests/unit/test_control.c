/* SPDX-License-Identifier: GPL-2.0-or-later */
/* edge/control with well-behaved clients, netdctl's own among them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <grp.h>

#include "ctl/client.h"
#include "tests/unit/test_control_lib.h"

static void requests_are_answered_in_order(void **state)
{
	struct fixture *f = *state;
	int fd = connect_to(f->path);
	char want[64], line[4096];

	(void)snprintf(want, sizeof(want), "\"uid\":%u,\"pid\":%d,\"admin\":false", getuid(),
		       getpid());
	ask(f, fd, STATUS, want);
	/* Cut anywhere. */
	for (const char *c = STATUS; *c; c++) {
		assert_true(put(f, fd, c, 1));
		turn(f);
	}
	assert_non_null(strstr(get_line(f, fd, line, sizeof(line)), "\"ok\""));
	/* A pipeline of three. */
	assert_true(puts_to(f, fd, STATUS "{\"v\":1,\"verb\":\"nonsense\"}\n" STATUS));
	assert_non_null(strstr(get_line(f, fd, line, sizeof(line)), "\"ok\""));
	assert_non_null(strstr(get_line(f, fd, line, sizeof(line)), "\"usage\""));
	assert_non_null(strstr(get_line(f, fd, line, sizeof(line)), "\"ok\""));
	ask(f, fd, "{\"v\":1,\"verb\":\"rules\"}\n", "\"internal\"");
	(void)close(fd);
}

static void verbs_are_kept_to_their_socket(void **state)
{
	struct fixture *f = *state;
	int reader = connect_to(f->path), admin = connect_to(f->admin_path);

	ask(f, reader, APPLY, "\"refused\"");
	ask(f, reader, "{\"v\":1,\"verb\":\"confirm\"}\n", "\"refused\"");
	ask(f, reader, "{\"v\":1,\"verb\":\"reload\"}\n", "\"refused\"");
	assert_int_equal(f->n_requests, 0);
	ask(f, reader, "{\"v\":1,\"verb\":\"validate\"}\n", "\"usage\"");
	ask(f, admin, "{\"v\":1,\"verb\":\"reload\"}\n", "\"admin\":true");
	ask(f, admin, STATUS, "\"admin\":true");
	(void)close(reader);
	(void)close(admin);
}

static void answers_may_come_later(void **state)
{
	struct fixture *f = *state;
	int fd = connect_to(f->admin_path), other = connect_to(f->path);
	char line[4096], byte;

	/* What is sent behind it waits for it. */
	assert_true(puts_to(f, fd, APPLY STATUS));
	while (!f->token)
		turn(f);
	ask(f, other, STATUS, "\"ok\"");
	assert_int_equal(recv(fd, &byte, 1, 0), -1);
	control_answer(f->control, f->token + 100, wire_new_answer(WIRE_OK));
	control_answer(f->control, 0, wire_new_answer(WIRE_OK));
	control_answer(f->control, f->token, wire_new_answer(WIRE_FINDING));
	control_answer(f->control, f->token, wire_new_answer(WIRE_OK));
	assert_non_null(strstr(get_line(f, fd, line, sizeof(line)), "\"finding\""));
	assert_non_null(strstr(get_line(f, fd, line, sizeof(line)), "\"ok\""));
	/* Out of memory for the answer is told. */
	f->token = 0;
	assert_true(puts_to(f, fd, APPLY));
	while (!f->token)
		turn(f);
	control_answer(f->control, f->token, NULL);
	assert_non_null(strstr(get_line(f, fd, line, sizeof(line)), "\"internal\""));
	/* A client that goes away does not matter. */
	f->token = 0;
	assert_true(puts_to(f, fd, APPLY));
	while (!f->token)
		turn(f);
	(void)close(fd);
	while (control_clients(f->control) > 1)
		turn(f);
	control_answer(f->control, f->token, wire_new_answer(WIRE_OK));
	ask(f, other, STATUS, "\"ok\"");
	(void)close(other);
}

static void half_closed_clients_get_their_answers(void **state)
{
	struct fixture *f = *state;
	int fd = connect_to(f->path);
	char line[4096];

	assert_true(puts_to(f, fd, STATUS STATUS "{\"v\":1"));
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	assert_non_null(strstr(get_line(f, fd, line, sizeof(line)), "\"ok\""));
	assert_non_null(strstr(get_line(f, fd, line, sizeof(line)), "\"ok\""));
	assert_string_equal(get_line(f, fd, line, sizeof(line)), "");
	(void)close(fd);
}

static void large_answers_arrive_whole(void **state)
{
	struct fixture *f = *state;
	int fd = connect_to(f->path);
	char *bytes = malloc(1 << 20);
	size_t got = 0;

	assert_non_null(bytes);
	f->answer_size = 10000000;
	assert_true(puts_to(f, fd, STATUS));
	while (got < f->answer_size || bytes[0] != '\n') {
		ssize_t n = recv(fd, bytes, 1 << 20, 0);
		if (n < 0)
			turn(f);
		else
			got += (size_t)n;
		assert_true(n != 0);
		if (n > 0)
			bytes[0] = bytes[n - 1];
	}
	f->answer_size = 0;
	ask(f, fd, STATUS, "\"ok\"");
	f->answer_size = LIMIT_FRAME_BYTES;
	ask(f, fd, STATUS, "too large");
	free(bytes);
	(void)close(fd);
}

static void sockets_are_not_open_to_all(void **state)
{
	struct fixture *f = *state;
	struct stat st;
	struct control *second = NULL;
	const struct control_options options = { .path = f->path,
						 .handler = handle,
						 .userdata = f };

	/* 0660 only where there is a group to give it to. */
	assert_int_equal(stat(f->path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 0117, 0);
	assert_int_equal(stat(f->admin_path, &st), 0);
	assert_int_equal(st.st_mode & 0117, 0);
	/* Somebody answers. */
	assert_int_equal(control_new(f->event, &options, &second), -EADDRINUSE);
	int fd = connect_to(f->path);
	ask(f, fd, STATUS, "\"ok\"");
	(void)close(fd);
}

static void sockets_are_given_to_their_groups(void **state)
{
	struct fixture *f = *state;
	const struct group *own = getgrgid(getgid());
	struct control_options options = { .path = f->path, .handler = handle, .userdata = f };
	struct stat st;

	f->control = control_free(f->control);
	if (!own) {
		print_message("SKIP: the own group has no name\n");
		skip();
	}
	options.read_group = own->gr_name;
	options.admin_group = "no-such-group";
	assert_int_equal(control_new(f->event, &options, &f->control), 0);
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
	assert_int_equal(st.st_gid, getgid());
	assert_int_equal(stat(f->admin_path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void stale_sockets_are_replaced_and_files_are_not(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct stat st;

	f->control = control_free(f->control);
	assert_int_equal(stat(f->path, &st), -1);
	assert_int_equal(stat(f->admin_path, &st), -1);
	/* What a killed daemon leaves. */
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	(void)stpcpy(addr.sun_path, f->path);
	assert_int_equal(bind(fd, (const struct sockaddr *)&addr, sizeof(addr)), 0);
	(void)close(fd);
	assert_int_equal(serve(f, 0), 0);
	fd = connect_to(f->path);
	ask(f, fd, STATUS, "\"ok\"");
	(void)close(fd);
	f->control = control_free(f->control);
	/* Somebody's file. */
	fd = open(f->path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	(void)close(fd);
	assert_int_equal(serve(f, 0), -EEXIST);
	assert_int_equal(stat(f->path, &st), 0);
	assert_true(S_ISREG(st.st_mode));
}

/* ---- netdctl's client, in a child, against the loop here ---- */

struct client_case {
	const char *verb;
	bool admin;
	enum wire_code want;
	const char *text; /* part of the error */
};

static bool client_as_expected(const struct fixture *f, const struct client_case *c)
{
	const struct client_options options = { .path = f->path,
						.admin = c->admin,
						.timeout_ms = 1000 };
	CLEANUP(client_answer_done) struct client_answer answer;
	cJSON *request = wire_new_request(c->verb);

	client_call(&options, request, &answer);
	cJSON_Delete(request);
	if (answer.code == c->want && strstr(answer.error, c->text))
		return true;
	(void)fprintf(stderr, "%s: %s: %s\n", c->verb, wire_code_name(answer.code), answer.error);
	return false;
}

static void run_client(struct fixture *f, const struct client_case *c, bool drop)
{
	int status = 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		if (drop && (setgid(65534) < 0 || setuid(65534) < 0))
			_exit(2);
		_exit(client_as_expected(f, c) ? 0 : 1);
	}
	while (waitpid(pid, &status, WNOHANG) == 0)
		turn(f);
	assert_int_equal(status, 0);
}

static void the_client_tells_what_happened(void **state)
{
	struct fixture *f = *state;
	static const struct client_case rows[] = {
		{ "status", false, WIRE_OK, "" },
		{ "status", true, WIRE_OK, "" },
		{ "apply", false, WIRE_REFUSED, "admin socket" },
		{ "rules", false, WIRE_INTERNAL, "failed to answer rules" },
		{ "nonsense", false, WIRE_USAGE, "unknown verb" },
		{ "apply", true, WIRE_UNAVAILABLE, "has not answered" },
	};
	static const struct client_case gone = { "status", false, WIRE_UNAVAILABLE, "not running" };
	static const struct client_case denied = { "status", false, WIRE_REFUSED, "not permitted" };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		run_client(f, &rows[i], false);
	if (getuid() == 0) {
		assert_int_equal(chmod(f->dir, 0755), 0);
		run_client(f, &denied, true);
	}
	f->control = control_free(f->control);
	run_client(f, &gone, false);
}

static void the_client_mistrusts_what_answers(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *bytes;
		struct client_case want;
	} rows[] = {
		{ "HTTP/1.1 200 OK\r\n", { "status", false, WIRE_INTERNAL, "not this netd" } },
		{ "{\"v\":1}\n", { "status", false, WIRE_INTERNAL, "not this netd" } },
		{ "{\"v\":9,\"code\":\"ok\"}\n", { "status", false, WIRE_INTERNAL, "version" } },
		{ "{\"v\":1,\"code\":\"o", { "status", false, WIRE_UNAVAILABLE, "closed" } },
		{ "", { "status", false, WIRE_UNAVAILABLE, "closed" } },
		{ "{\"v\":1,\"code\":\"working\"}\n",
		  { "status", false, WIRE_UNAVAILABLE, "closed" } },
		{ "{\"v\":1,\"code\":\"working\",\"seconds\":-1,\"begun\":7}\n"
		  "{\"v\":1,\"code\":\"working\",\"before\":1e300}\n{\"v\":1,\"code\":\"ok\"}\n",
		  { "status", false, WIRE_OK, "" } },
	};
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	f->control = control_free(f->control);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	(void)stpcpy(addr.sun_path, f->path);
	assert_int_equal(bind(fd, (const struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(fd, 4), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char request[256];
		int status = 0;
		pid_t pid = fork();
		assert_true(pid >= 0);
		if (pid == 0)
			_exit(client_as_expected(f, &rows[i].want) ? 0 : 1);
		int peer = accept(fd, NULL, NULL);
		assert_true(recv(peer, request, sizeof(request), 0) > 0);
		assert_true(send(peer, rows[i].bytes, strlen(rows[i].bytes), 0) >= 0);
		(void)close(peer);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
	}
	(void)close(fd);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(requests_are_answered_in_order),
		T(verbs_are_kept_to_their_socket),
		T(answers_may_come_later),
		T(half_closed_clients_get_their_answers),
		T(large_answers_arrive_whole),
		T(sockets_are_not_open_to_all),
		T(sockets_are_given_to_their_groups),
		T(stale_sockets_are_replaced_and_files_are_not),
		T(the_client_tells_what_happened),
		T(the_client_mistrusts_what_answers),
	};
#undef T
	return cmocka_run_group_tests(tests, NULL, NULL);
}
