/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What systemd is told: when netd is ready, and what `systemctl status` shows. */
#include <systemd/sd-daemon.h>

#include "daemon/daemon.h"

void ready_tell_status(const struct daemon *d)
{
	if (first_contact_waits(d))
		(void)sd_notifyf(0,
				 "STATUS=No policy yet: nothing is closed, waiting for one in %s",
				 d->options->policy);
	else if (d->plan.off)
		(void)sd_notify(0, "STATUS=Off: nothing is enforced");
	else if (d->committed && d->committed->policy->author.by != HISTORY_BY_NOBODY)
		(void)sd_notifyf(0, "STATUS=In force: the policy from %s",
				 d->committed->policy->origin);
	else
		(void)sd_notify(0, "STATUS=Closed: which policy holds is not known yet");
}

void ready_tell(struct daemon *d)
{
	if (d->is_ready || !d->is_started ||
	    !(d->committed || d->plan.adopted || d->plan.off || d->has_floor))
		return;
	d->is_ready = true;
	ready_tell_status(d);
	(void)sd_notify(0, "READY=1");
}
