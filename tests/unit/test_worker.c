/* SPDX-License-Identifier: GPL-2.0-or-later */
/* edge/beside: a process that stays, what it is asked and answers, how it ends and is begun anew.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "edge/beside/worker.h"
#include "edge/loop/loop.h"

#define A_MINUTE UINT64_C(60000000)

enum what { ADD_ONE, NAME, PID, DESCRIPTORS, EXIT, CRASH, HANG };

struct message {
	enum what what;
	int number;
	char text[16];
};

struct fixture {
	sd_event *loop;
	struct worker *worker;
	struct message latest;
	int numbers[10]; /* of the first answers */
	unsigned int n_answers, n_lost, n_ready;
	bool late;
	int status;
};

static int count_descriptors(void)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void work(struct message *message)
{
	switch (message->what) {
	case ADD_ONE:
		message->number++;
		return;
	case NAME:
		(void)prctl(PR_GET_NAME, message->text);
		return;
	case PID:
		message->number = getpid();
		return;
	case DESCRIPTORS:
		message->number = count_descriptors();
		return;
	case EXIT:
		_exit(message->number);
	case CRASH:
		(void)raise(SIGKILL);
		return;
	case HANG:
		while (pause() < 0)
			continue;
	}
}

static int serve(int fd)
{
	struct message message;
	int r;

	while ((r = worker_receive(fd, &message, sizeof(message))) == sizeof(message)) {
		work(&message);
		r = worker_answer(fd, &message, sizeof(message));
		if (r < 0)
			break;
	}
	return r;
}

static void on_answered(void *userdata, const void *message, size_t size)
{
	struct fixture *f = userdata;

	assert_int_equal(size, sizeof(f->latest));
	memcpy(&f->latest, message, size);
	if (f->n_answers < ARRAY_LEN(f->numbers))
		f->numbers[f->n_answers] = f->latest.number;
	f->n_answers++;
}

static void on_lost(void *userdata, bool late, int status)
{
	struct fixture *f = userdata;

	f->n_lost++;
	f->late = late;
	f->status = status;
}

static void on_ready(void *userdata)
{
	struct fixture *f = userdata;

	f->n_ready++;
}

static void begin(struct fixture *f, uint64_t patience_us)
{
	const struct worker_options options = { .name = "a-worker",
						.serve = serve,
						.answered = on_answered,
						.lost = on_lost,
						.ready = on_ready,
						.userdata = f,
						.patience_us = patience_us };

	assert_int_equal(worker_new(f->loop, &options, &f->worker), 0);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f || sd_event_new(&f->loop) < 0)
		return -1;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	f->worker = worker_free(f->worker);
	sd_event_unref(f->loop);
	free(f);
	return 0;
}

static void wait_for(struct fixture *f, const unsigned int *n, unsigned int want)
{
	while (*n < want) /* several may come in one turn */
		assert_true(sd_event_run(f->loop, UINT64_MAX) >= 0);
	assert_int_equal(*n, want);
}

static const struct message *ask(struct fixture *f, enum what what, int number)
{
	const struct message message = { .what = what, .number = number };

	assert_int_equal(worker_ask(f->worker, &message, sizeof(message)), 0);
	wait_for(f, &f->n_answers, f->n_answers + 1);
	return &f->latest;
}

static void it_answers_one_after_the_other(void **state)
{
	struct fixture *f = *state;

	begin(f, A_MINUTE);
	for (int i = 0; i < 10; i++) {
		const struct message message = { .what = ADD_ONE, .number = i };
		assert_int_equal(worker_ask(f->worker, &message, sizeof(message)), 0);
	}
	wait_for(f, &f->n_answers, 10);
	for (int i = 0; i < 10; i++)
		assert_int_equal(f->numbers[i], i + 1);
	assert_string_equal(ask(f, NAME, 0)->text, "a-worker");
	assert_int_equal(f->n_lost, 0);
}

static void it_has_none_of_the_descriptors(void **state)
{
	struct fixture *f = *state;
	int fds[20];

	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		assert_true((fds[i] = dup(STDERR_FILENO)) >= 0);
	begin(f, A_MINUTE);
	int n = ask(f, DESCRIPTORS, 0)->number;
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		assert_int_equal(close(fds[i]), 0); /* still the parent's */
	assert_int_equal(n, 4);			    /* one of them is its end of the pair */
}

static void what_does_not_fit_is_not_taken(void **state)
{
	struct fixture *f = *state;
	const struct message message = { .what = ADD_ONE };
	unsigned int n = 0;
	int r;

	begin(f, A_MINUTE);
	int pid = ask(f, PID, 0)->number;
	f->n_answers = 0;
	assert_int_equal(kill(pid, SIGSTOP), 0);
	while ((r = worker_ask(f->worker, &message, sizeof(message))) == 0)
		n++;
	assert_int_equal(r, -EAGAIN);
	assert_true(n > 10);
	assert_int_equal(kill(pid, SIGCONT), 0);
	wait_for(f, &f->n_answers, n);
	assert_int_equal(ask(f, ADD_ONE, 1)->number, 2);
}

static void end_it(struct fixture *f, enum what what, int number)
{
	const struct message message = { .what = what, .number = number };

	assert_int_equal(worker_ask(f->worker, &message, sizeof(message)), 0);
	wait_for(f, &f->n_lost, f->n_lost + 1);
	assert_int_equal(worker_ask(f->worker, &message, sizeof(message)), -EAGAIN);
	wait_for(f, &f->n_ready, f->n_lost);
	assert_int_equal(ask(f, ADD_ONE, 1)->number, 2);
}

static void another_one_is_begun(void **state)
{
	struct fixture *f = *state;

	begin(f, A_MINUTE);
	int first = ask(f, PID, 0)->number;
	end_it(f, EXIT, 7);
	assert_true(WIFEXITED(f->status) && WEXITSTATUS(f->status) == 7);
	end_it(f, CRASH, 0);
	assert_true(WIFSIGNALED(f->status) && WTERMSIG(f->status) == SIGKILL);
	assert_false(f->late);
	assert_int_not_equal(ask(f, PID, 0)->number, first);
}

static void one_that_is_silent_is_ended(void **state)
{
	struct fixture *f = *state;

	begin(f, 1000);
	const struct message message = { .what = HANG };
	assert_int_equal(worker_ask(f->worker, &message, sizeof(message)), 0);
	wait_for(f, &f->n_lost, 1);
	assert_true(f->late);
	assert_int_equal(worker_ask(f->worker, &message, sizeof(message)), -EAGAIN);
	wait_for(f, &f->n_ready, 1);
	assert_int_equal(f->n_lost, 1);
}

/* systemd sends them to all processes of a service, a terminal to all of a group. */
static void signals_are_for_its_parent(void **state)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP };
	struct fixture *f = *state;

	begin(f, A_MINUTE);
	int pid = ask(f, PID, 0)->number;
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		assert_int_equal(kill(pid, signals[i]), 0);
	assert_int_equal(ask(f, PID, 0)->number, pid);
}

static void it_ends_with_its_owner(void **state)
{
	struct fixture *f = *state;
	int status;

	begin(f, A_MINUTE);
	int pid = ask(f, PID, 0)->number;
	f->worker = worker_free(f->worker);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(f->n_lost, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(it_answers_one_after_the_other, setup, teardown),
		cmocka_unit_test_setup_teardown(it_has_none_of_the_descriptors, setup, teardown),
		cmocka_unit_test_setup_teardown(what_does_not_fit_is_not_taken, setup, teardown),
		cmocka_unit_test_setup_teardown(another_one_is_begun, setup, teardown),
		cmocka_unit_test_setup_teardown(one_that_is_silent_is_ended, setup, teardown),
		cmocka_unit_test_setup_teardown(signals_are_for_its_parent, setup, teardown),
		cmocka_unit_test_setup_teardown(it_ends_with_its_owner, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
