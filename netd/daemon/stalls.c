/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What follows when the loop stood still: it is said, and Docker is read anew, because Docker drops
 * events for a slow reader without a word. The kernel does say so (ENOBUFS): edge/rtnl and edge/fw
 * read again on that. */
#include <stdio.h>

#include "daemon/daemon.h"
#include "edge/base/clock.h"
#include "edge/journal/journal.h"
#include "edge/loop/loop.h"

/* A reading of 10,000 containers takes seconds, and turns that take long are part of it: it must
 * not bring about the next one. */
#define READ_AGAIN_AFTER_US UINT64_C(10000000)
/* While the link is down or a reading is under way. */
#define LOOK_AGAIN_US UINT64_C(1000000)
#define SAID_AGAIN_AFTER_US UINT64_C(60000000)

static void say(struct stalls *stalls, const struct loop_stalls *seen, uint64_t now_us)
{
	if (stalls->said_us && now_us - stalls->said_us < SAID_AGAIN_AFTER_US)
		return;
	log_warning(
		LOG_ID_STALLED,
		"netd stood still for %llu ms (%llu times so far, %llu ms at most): a container "
		"that started then waited",
		(unsigned long long)seen->latest_us / 1000, (unsigned long long)seen->n,
		(unsigned long long)seen->longest_us / 1000);
	stalls->said_us = now_us;
}

static void on_stalled(const struct loop_stalls *seen, void *userdata)
{
	struct daemon *d = userdata;
	struct stalls *stalls = &d->stalls;
	uint64_t now = clock_monotonic_us(), next = stalls->read_us + READ_AGAIN_AFTER_US;

	say(stalls, seen, now);
	if (!d->docker || stalls->waits)
		return;
	stalls->waits =
		loop_arm(stalls->timer, stalls->read_us && next > now ? next - now : 0) == 0;
}

static int on_read_again(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct daemon *d = userdata;

	(void)usec;
	if (docker_status(d->docker).link != DOCKER_LINK_UP)
		return loop_arm(source, LOOK_AGAIN_US);
	d->stalls.waits = false;
	d->stalls.n_read++;
	d->stalls.read_us = clock_monotonic_us();
	docker_resync(d->docker, "netd stood still: events may be lost");
	return 0;
}

int stalls_start(struct daemon *d)
{
	const struct loop_timer timer = { "read again", SD_EVENT_PRIORITY_NORMAL, on_read_again,
					  d };

	d->stalls.watch = (struct loop_watch){ .limit_us = LOOP_LONGEST_TURN_US,
					       .stalled = on_stalled,
					       .userdata = d };
	return loop_add_timer(d->loop, &timer, &d->stalls.timer);
}
