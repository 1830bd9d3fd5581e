/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is due: the plan is told, and the loop will come to it. */
#include "daemon/daemon.h"
#include "edge/base/clock.h"
#include "edge/loop/loop.h"

/* Facts come in bursts; the loop's idle moment gathers them, this bounds the wait in a storm. */
#define LONGEST_WAIT_US 10000u

void reconcile_note(struct daemon *d, enum plan_input input)
{
	d->floor_lags |= input != PLAN_FAILED;
	plan_note(&d->plan, input, (struct plan_time){ clock_monotonic_us() });
}

void reconcile_soon(struct daemon *d)
{
	if (d->bound_armed || !d->bound)
		return;
	d->bound_armed = loop_arm(d->bound, LONGEST_WAIT_US) == 0;
}
