/* SPDX-License-Identifier: GPL-2.0-or-later */
/* edge/beside: what a child gives back, how it ends, and what it has of its parent's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "edge/beside/beside.h"
#include "edge/loop/loop.h"

#define A_MINUTE UINT64_C(60000000)

struct fixture {
	struct beside_group group;
	struct beside *beside;
	int number;
	bool done;
	struct beside_result result;
	char text[256];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f || sd_event_new(&f->group.loop) < 0)
		return -1;
	f->number = 1;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	beside_group_done(&f->group);
	sd_event_unref(f->group.loop);
	free(f);
	return 0;
}

static void on_done(void *userdata, const struct beside_result *result)
{
	struct fixture *f = userdata;

	assert_false(f->done);
	f->done = true;
	f->result = *result;
	ssize_t n = pread(result->fd, f->text, sizeof(f->text) - 1, 0);
	assert_int_equal(n, result->size);
	f->text[n] = '\0';
}

static void begin(struct fixture *f, int (*work)(void *, int), uint64_t deadline_us)
{
	const struct beside_work what = { .work = work,
					  .done = on_done,
					  .userdata = f,
					  .deadline_us = deadline_us,
					  .memory = 64u << 20 };

	assert_int_equal(beside_begin(&f->group, &what, &f->beside), 0);
}

static void run(struct fixture *f)
{
	while (!f->done)
		assert_true(sd_event_run(f->group.loop, UINT64_MAX) >= 0);
	assert_null(f->group.first);
}

static int write_number(void *userdata, int fd)
{
	struct fixture *f = userdata;

	f->number += 41;
	return dprintf(fd, "%d", f->number) > 0 ? 5 : -EIO;
}

static void it_works_on_a_copy(void **state)
{
	struct fixture *f = *state;

	begin(f, write_number, A_MINUTE);
	f->number = 1000;
	run(f);
	assert_int_equal(f->result.end, BESIDE_DONE);
	assert_int_equal(f->result.code, 5);
	assert_string_equal(f->text, "42");
	assert_int_equal(f->number, 1000);
}

static int fail_with_errno(void *userdata, int fd)
{
	(void)userdata;
	(void)fd;
	return -EKEYREJECTED;
}

static void a_failure_is_told(void **state)
{
	struct fixture *f = *state;

	begin(f, fail_with_errno, A_MINUTE);
	run(f);
	assert_int_equal(f->result.end, BESIDE_FAILED);
	assert_int_equal(f->result.code, -EKEYREJECTED);
}

static int crash(void *userdata, int fd)
{
	(void)userdata;
	(void)fd;
	(void)raise(SIGKILL);
	return 0;
}

static void a_crash_is_told(void **state)
{
	struct fixture *f = *state;

	begin(f, crash, A_MINUTE);
	run(f);
	assert_int_equal(f->result.end, BESIDE_KILLED);
	assert_int_equal(f->result.code, SIGKILL);
}

static int hang(void *userdata, int fd)
{
	(void)userdata;
	(void)fd;
	while (pause() < 0)
		continue;
	return 0;
}

static void the_deadline_ends_it(void **state)
{
	struct fixture *f = *state;

	begin(f, hang, 1000);
	run(f);
	assert_int_equal(f->result.end, BESIDE_TOO_LATE);
}

static void it_is_ended_without_a_word(void **state)
{
	struct fixture *f = *state;

	begin(f, hang, A_MINUTE);
	beside_end(f->beside);
	while (f->group.first)
		assert_true(sd_event_run(f->group.loop, UINT64_MAX) >= 0);
	assert_false(f->done);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* nothing is left behind */
	beside_end(NULL);
}

/* Those above the result that are open. */
static int count_descriptors(void *userdata, int fd)
{
	int n = 0;

	(void)userdata;
	DIR *dir = opendir("/proc/self/fd");
	if (!dir)
		return -errno;
	for (const struct dirent *entry; (entry = readdir(dir));) {
		int number = atoi(entry->d_name);
		n += number > fd && number != dirfd(dir);
	}
	return n;
}

static void it_has_none_of_the_descriptors(void **state)
{
	struct fixture *f = *state;
	int fds[20];

	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		assert_true((fds[i] = dup(STDERR_FILENO)) >= 0);
	begin(f, count_descriptors, A_MINUTE);
	run(f);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		assert_int_equal(close(fds[i]), 0); /* still the parent's */
	assert_int_equal(f->result.end, BESIDE_DONE);
	assert_int_equal(f->result.code, 0);
}

#ifndef __SANITIZE_ADDRESS__
static int take_memory(void *userdata, int fd)
{
	(void)userdata;
	(void)fd;
	for (size_t i = 0; i < 256; i++) {
		char *volatile bytes = malloc(1u << 20); /* volatile: it is not left out */
		if (!bytes)
			return -ENOMEM;
		memset(bytes, 1, 1u << 20);
	}
	return 0;
}
#endif

static void its_memory_is_bounded(void **state)
{
	struct fixture *f = *state;

#ifdef __SANITIZE_ADDRESS__
	(void)f;
	print_message("SKIP: the address sanitizer does not survive that it gets no memory\n");
	skip();
#else
	begin(f, take_memory, A_MINUTE);
	run(f);
	assert_int_equal(f->result.end, BESIDE_FAILED);
#endif
}

static void many_at_once(void **state)
{
	struct fixture *f = *state, others[30] = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		const struct beside_work work = { .work = write_number,
						  .done = on_done,
						  .userdata = &others[i],
						  .deadline_us = A_MINUTE };
		others[i].number = (int)i;
		assert_int_equal(beside_begin(&f->group, &work, &others[i].beside), 0);
	}
	while (f->group.first)
		assert_true(sd_event_run(f->group.loop, UINT64_MAX) >= 0);
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		assert_true(others[i].done);
		assert_int_equal(atoi(others[i].text), i + 41);
	}
}

static void the_group_ends_all(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 3; i++)
		begin(f, hang, A_MINUTE);
	beside_group_done(&f->group);
	assert_null(f->group.first);
	for (int i = 0; i < 3; i++)
		assert_true(wait(NULL) > 0);
	assert_false(f->done);
}

/* One that must come to its end is not ended by the signal that stops a service. */
static int go_on(void *userdata, int fd)
{
	(void)userdata;
	(void)fd;
	(void)kill(getpid(), SIGTERM);
	return 3;
}

static void the_end_is_waited_for(void **state)
{
	struct fixture *f = *state;

	begin(f, write_number, A_MINUTE);
	beside_wait(f->beside);
	assert_true(f->done);
	assert_int_equal(f->result.end, BESIDE_DONE);
	assert_string_equal(f->text, "42");
	assert_null(f->group.first);
}

static void one_without_a_deadline_goes_on(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(loop_block_signal(SIGTERM), 0);
	begin(f, go_on, 0);
	run(f);
	assert_int_equal(f->result.end, BESIDE_DONE);
	assert_int_equal(f->result.code, 3);
	f->done = false;
	begin(f, go_on, A_MINUTE);
	run(f);
	assert_int_equal(f->result.end, BESIDE_KILLED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(it_works_on_a_copy, setup, teardown),
		cmocka_unit_test_setup_teardown(a_failure_is_told, setup, teardown),
		cmocka_unit_test_setup_teardown(a_crash_is_told, setup, teardown),
		cmocka_unit_test_setup_teardown(the_deadline_ends_it, setup, teardown),
		cmocka_unit_test_setup_teardown(it_is_ended_without_a_word, setup, teardown),
		cmocka_unit_test_setup_teardown(it_has_none_of_the_descriptors, setup, teardown),
		cmocka_unit_test_setup_teardown(its_memory_is_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(many_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(the_end_is_waited_for, setup, teardown),
		cmocka_unit_test_setup_teardown(the_group_ends_all, setup, teardown),
		cmocka_unit_test_setup_teardown(one_without_a_deadline_goes_on, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
