/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Times at which the loop stood still: they are counted and said, and everything is read again
 * after one. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "core/base/cleanup.h"
#include "edge/loop/watch.h"

struct daemon;

struct stalls {
	struct loop_watch watch;
	sd_event_source *timer; /* reads everything again */
	bool waits;		/* for the timer */
	uint64_t n_read, read_us, said_us;
};

/* Before loop_run(). 0 or -errno. */
int stalls_start(struct daemon *d) MUST_CHECK;
