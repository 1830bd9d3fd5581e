/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "edge/loop/watch.h"

#include <stdbool.h>

#include "edge/base/clock.h"
#include "edge/loop/loop.h"

/* While something happens, and while nothing does: a process that was stopped for less than the
 * second in a quiet hour has missed nothing that its sockets do not hold. */
#define BUSY_BEAT_US 100000u
#define QUIET_BEAT_US 1000000u

/* Tells what netd did itself from what others did to it. */
static void weigh(struct loop_watch *watch)
{
	uint64_t cpu_us = clock_cpu_us(), took = cpu_us - watch->cpu_us;

	if (watch->cpu_us && took > watch->stalls.longest_work_us)
		watch->stalls.longest_work_us = took;
	watch->cpu_us = cpu_us;
}

static int on_beat(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct loop_watch *watch = userdata;

	(void)source;
	(void)usec;
	watch->n_beats++;
	return 0;
}

/* The loop is woken by then, whatever else happens; not set anew with each event, as that is a
 * syscall. */
static int set_beat(struct loop_watch *watch, bool quiet)
{
	uint64_t now = clock_monotonic_us(), interval = quiet ? QUIET_BEAT_US : BUSY_BEAT_US;

	if (watch->beat_at_us >= now + interval / 2 && watch->beat_at_us <= now + interval)
		return 0;
	watch->beat_at_us = now + interval;
	return loop_arm(watch->beat, interval);
}

static void judge(struct loop_watch *watch, uint64_t from_us, uint64_t to_us)
{
	struct loop_stalls *stalls = &watch->stalls;

	if (to_us <= from_us || to_us - from_us <= watch->limit_us)
		return;
	stalls->n++;
	stalls->latest_us = to_us - from_us;
	if (stalls->latest_us > stalls->longest_us)
		stalls->longest_us = stalls->latest_us;
	watch->stalled(stalls, watch->userdata);
}

/* One turn: what is ready is waited for, and one source of it handled. sd_event_prepare() also runs
 * what the sources prepare, which counts to the turn before. It is quiet when what was waited for
 * last was the beat; what runs after that without a wait, as what tidies up after each event does
 * (sd_event_add_post()), is no news. */
static int turn(sd_event *loop, struct loop_watch *watch, uint64_t *began_us, bool *quiet)
{
	int r = set_beat(watch, *quiet);

	if (r >= 0)
		r = sd_event_prepare(loop);
	if (r < 0)
		return r;
	weigh(watch);
	judge(watch, *began_us, clock_monotonic_us());
	*began_us = clock_monotonic_us();
	bool waits = r == 0;
	if (waits) {
		r = sd_event_wait(loop, UINT64_MAX);
		judge(watch, watch->beat_at_us, clock_monotonic_us());
		*began_us = clock_monotonic_us();
	}
	unsigned int before = watch->n_beats;
	if (r > 0)
		r = sd_event_dispatch(loop);
	if (waits)
		*quiet = watch->n_beats != before;
	return r;
}

static int run(sd_event *loop, struct loop_watch *watch)
{
	uint64_t began_us = clock_monotonic_us();
	bool quiet = false;
	int code = 0, r = 0;

	while (r >= 0 && sd_event_get_state(loop) != SD_EVENT_FINISHED)
		r = turn(loop, watch, &began_us, &quiet);
	if (r >= 0)
		r = sd_event_get_exit_code(loop, &code);
	return r < 0 ? r : code;
}

int loop_run(sd_event *loop, struct loop_watch *watch)
{
	const struct loop_timer beat = { "beat", SD_EVENT_PRIORITY_NORMAL, on_beat, watch };
	int r = loop_add_timer(loop, &beat, &watch->beat);

	if (r < 0)
		return r;
	r = run(loop, watch);
	watch->beat = sd_event_source_disable_unref(watch->beat);
	return r;
}
