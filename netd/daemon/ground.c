/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Settings of the kernel that the rules need beside tables, and that others can change. */
#include <errno.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "daemon/daemon.h"
#include "edge/journal/journal.h"

/* "" or "6", as in bridge-nf-call-ip6tables. */
static const char *digit(enum ip_family family)
{
	return family == IP_V6 ? "6" : "";
}

/* 0: it is on; what was done and what could not be is logged. */
static int keep_bridge_nf(enum ip_family family, int error_before)
{
	bool on = false;
	int r = host_bridge_nf_get(family, &on);

	if (r == 0 && on)
		return 0;
	if (r == 0)
		r = host_bridge_nf_set(family, true);
	if (r == 0)
		log_info(LOG_ID_SYSCTL_SET,
			 "set net.bridge.bridge-nf-call-ip%stables=1: tiers on one bridge are told "
			 "apart by connection",
			 digit(family));
	else if (r != error_before)
		log_warning(LOG_ID_SYSCTL_UNAVAILABLE,
			    "net.bridge.bridge-nf-call-ip%stables cannot be set to 1 (%s): flows "
			    "between tiers on one bridge are dropped; set it by sysctl.d",
			    digit(family), strerror(-r));
	return r;
}

static void keep_both_bridge_nf(struct daemon *d)
{
	int before = d->bridge_nf_error;
	int v4 = keep_bridge_nf(IP_V4, before), v6 = keep_bridge_nf(IP_V6, before);

	d->bridge_nf_error = v4 ? v4 : v6;
}

static void end_local_learning(struct daemon *d)
{
	int r = rtnl_end_local_learning(d->rtnl, d->committed->world);

	if (r < 0)
		log_warning(
			LOG_ID_SYSCTL_UNAVAILABLE,
			"no_linklocal_learn cannot be set on a bridge (%s): a container can make "
			"it forget for a moment where another one is",
			strerror(-r));
}

void ground_keep(struct daemon *d)
{
	d->looked_at_us = daemon_now_us();
	if (d->committed->compiled.needs_bridge_nf)
		keep_both_bridge_nf(d);
	else
		d->bridge_nf_error = 0;
	end_local_learning(d);
}

/* No notification tells of a sysctl that somebody else has set (`sysctl --system` does). A timer
 * would wake netd for nothing, so it is looked at when it wakes anyway. */
static int on_prepare(sd_event_source *source, void *userdata)
{
	struct daemon *d = userdata;

	(void)source;
	if (d->committed && !d->plan.off && daemon_now_us() - d->looked_at_us >= d->look_every_us)
		ground_keep(d);
	return 0;
}

int ground_watch(struct daemon *d)
{
	uint64_t watchdog_us;
	int r = sd_watchdog_enabled(0, &watchdog_us);

	if (r <= 0)
		return r;
	/* sd-event wakes at half of it at the earliest. */
	d->look_every_us = watchdog_us / 2;
	r = sd_event_source_set_prepare(d->post, on_prepare);
	return r < 0 ? r : 0;
}
