/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <signal.h>
#include <systemd/sd-daemon.h>

#include "edge/loop/loop.h"

static void unref_source(sd_event_source **source)
{
	*source = sd_event_source_disable_unref(*source);
}

int loop_serve(sd_event *loop)
{
	CLEANUP(unref_source) sd_event_source *term = NULL;
	CLEANUP(unref_source) sd_event_source *interrupt = NULL;
	const struct loop_signal on_term = { .signal = SIGTERM }, on_int = { .signal = SIGINT };
	int r = loop_add_signal(loop, &on_term, &term);

	if (r >= 0)
		r = loop_add_signal(loop, &on_int, &interrupt);
	if (r >= 0)
		r = sd_event_set_watchdog(loop, 1);
	if (r < 0)
		return r;
	(void)sd_notify(0, "READY=1");
	return sd_event_loop(loop);
}
