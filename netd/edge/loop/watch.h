/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The loop, run and watched: how long it stood still. A turn that takes longer than the limit
 * counts, be it that a handler worked for so long or that the process was stopped or starved
 * meanwhile; and so does a timer of the watch itself that comes that much too late. */
#pragma once

#include <stdint.h>
#include <systemd/sd-event.h>

#include "core/base/cleanup.h"

/* What nobody who waits for a container notices. Docker drops events for a reader that is late by
 * some tenths of a second in a storm of them. */
#define LOOP_LONGEST_TURN_US 100000u

struct loop_stalls {
	uint64_t n, longest_us, latest_us;
	uint64_t longest_work_us; /* processor time of one turn, whether it was a stall or not */
};

/* Called between two turns, after each stall; may not end the loop's sources that it has none of.
 */
typedef void loop_stalled_fn(const struct loop_stalls *stalls, void *userdata);

struct loop_watch {
	uint64_t limit_us; /* LOOP_LONGEST_TURN_US */
	loop_stalled_fn *stalled;
	void *userdata;
	struct loop_stalls stalls;
	/* The rest is the watch's own. */
	sd_event_source *beat;
	uint64_t beat_at_us, cpu_us;
	unsigned int n_beats;
};

/* As sd_event_loop(): until somebody calls sd_event_exit(), with that code, or -errno. */
int loop_run(sd_event *loop, struct loop_watch *watch) MUST_CHECK;
