/* SPDX-License-Identifier: GPL-2.0-or-later */
/* edge/loop: what the watch calls a stall. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "edge/loop/loop.h"
#include "edge/loop/watch.h"

#define LIMIT_US 100000u
#define LONG_US (3 * LIMIT_US)

struct fixture {
	sd_event *event;
	sd_event_source *timer;
	struct loop_watch watch;
	unsigned int n_said, n_turns;
	void (*first_turn)(struct fixture *f);
	int result; /* of the handler, when it is not to go on */
	uint64_t wait_us;
};

static void on_stalled(const struct loop_stalls *stalls, void *userdata)
{
	struct fixture *f = userdata;

	f->n_said++;
	assert_int_equal(stalls->n, f->n_said);
	assert_true(stalls->longest_us >= stalls->latest_us);
}

/* Three turns of the timer, the end with 7. */
static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct fixture *f = userdata;

	(void)usec;
	if (f->n_turns++ == 0 && f->first_turn)
		f->first_turn(f);
	if (f->result < 0)
		return f->result;
	return f->n_turns == 3 ? sd_event_exit(f->event, 7) : loop_arm(source, f->wait_us);
}

static int run(struct fixture *f, uint64_t limit_us)
{
	const struct loop_timer timer = { "test", 0, on_timer, f };

	assert_true(sd_event_new(&f->event) >= 0);
	f->watch =
		(struct loop_watch){ .limit_us = limit_us, .stalled = on_stalled, .userdata = f };
	assert_int_equal(loop_add_timer(f->event, &timer, &f->timer), 0);
	assert_int_equal(loop_arm(f->timer, 0), 0);
	int r = loop_run(f->event, &f->watch);
	f->timer = sd_event_source_disable_unref(f->timer);
	f->event = sd_event_unref(f->event);
	assert_int_equal(f->n_said, f->watch.stalls.n);
	return r;
}

static void turns_in_time(void **state)
{
	struct fixture f = { .wait_us = 1000 };

	(void)state;
	assert_int_equal(run(&f, UINT64_MAX / 2), 7);
	assert_int_equal(f.n_turns, 3);
	assert_int_equal(f.watch.stalls.n, 0);
}

/* The sleep is the stall: a turn that takes long, with no work of its own. */
static void work(struct fixture *f)
{
	(void)f;
	assert_int_equal(usleep(LONG_US), 0);
}

static void a_handler_that_takes_long(void **state)
{
	struct fixture f = { .first_turn = work };

	(void)state;
	assert_int_equal(run(&f, LIMIT_US), 7);
	assert_true(f.watch.stalls.n >= 1);
	assert_true(f.watch.stalls.longest_us >= LONG_US);
}

static void spin(struct fixture *f)
{
	struct timespec now, begin;

	(void)f;
	assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin), 0);
	do
		assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now), 0);
	while ((now.tv_sec - begin.tv_sec) * 1000000 + (now.tv_nsec - begin.tv_nsec) / 1000 <
	       LIMIT_US);
}

/* Its own work is told from what others did to it. */
static void work_is_weighed(void **state)
{
	struct fixture sleeps = { .first_turn = work }, works = { .first_turn = spin };

	(void)state;
	assert_int_equal(run(&sleeps, UINT64_MAX / 2), 7);
	assert_int_equal(run(&works, UINT64_MAX / 2), 7);
	assert_true(works.watch.stalls.longest_work_us >= LIMIT_US);
	assert_true(sleeps.watch.stalls.longest_work_us < LIMIT_US);
}

static int prepare_once(sd_event_source *source, void *userdata)
{
	work(userdata);
	return sd_event_source_set_prepare(source, NULL);
}

static void prepare(struct fixture *f)
{
	assert_true(sd_event_source_set_prepare(f->timer, prepare_once) >= 0);
}

/* What a source does before the loop waits is part of a turn. */
static void a_source_that_prepares_for_long(void **state)
{
	struct fixture f = { .first_turn = prepare };

	(void)state;
	assert_int_equal(run(&f, LIMIT_US), 7);
	assert_true(f.watch.stalls.n >= 1);
	assert_true(f.watch.stalls.longest_us >= LONG_US);
}

static void stop_me(struct fixture *f)
{
	pid_t test = getpid(), child = fork();

	(void)f;
	assert_true(child >= 0);
	if (child > 0)
		return;
	(void)usleep(200000); /* by then the loop sleeps; else it is stopped elsewhere */
	(void)kill(test, SIGSTOP);
	(void)usleep(2000000); /* how long the stall is to be */
	(void)kill(test, SIGCONT);
	_exit(0);
}

/* While there is nothing to do: a beat of a quiet second falls into the two. */
static void a_process_that_is_stopped(void **state)
{
	struct fixture f = { .first_turn = stop_me, .wait_us = 1500000 };

	(void)state;
	assert_int_equal(run(&f, LIMIT_US), 7);
	assert_true(wait(NULL) > 0);
	assert_true(f.watch.stalls.n >= 1);
	assert_true(f.watch.stalls.longest_us >= 500000);
}

static int on_post(sd_event_source *source, void *userdata)
{
	(void)source;
	(void)userdata;
	return 0;
}

static void tidy_up(struct fixture *f)
{
	assert_true(sd_event_add_post(f->event, NULL, on_post, NULL) >= 0);
}

/* A beat each second, not ten: also of a loop that does something after every event. */
static void a_quiet_loop_sleeps(void **state)
{
	struct fixture f = { .first_turn = tidy_up, .wait_us = 1200000 };

	(void)state;
	assert_int_equal(run(&f, UINT64_MAX / 2), 7);
	assert_in_range(f.watch.n_beats, 1, 8);
}

static void a_handler_that_fails_ends_it(void **state)
{
	struct fixture f = { .result = -EXFULL };

	(void)state;
	assert_int_equal(run(&f, UINT64_MAX / 2), -EXFULL);
	assert_int_equal(f.n_turns, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(turns_in_time),
		cmocka_unit_test(a_handler_that_takes_long),
		cmocka_unit_test(work_is_weighed),
		cmocka_unit_test(a_source_that_prepares_for_long),
		cmocka_unit_test(a_process_that_is_stopped),
		cmocka_unit_test(a_quiet_loop_sleeps),
		cmocka_unit_test(a_handler_that_fails_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
