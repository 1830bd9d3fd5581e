/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Settings of the kernel that the rules need beside tables, and that others can change. */
#include <errno.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "daemon/daemon.h"
#include "edge/base/clock.h"
#include "edge/journal/journal.h"

/* What others have on their bridges is none of netd's business, so the sysctl of the host is not
 * written; nor is a bridge that others share told anything. */
static bool is_ours(const struct world *world, const struct world_network *network)
{
	const struct world_bridge *bridge = world_find_bridge(world, network->bridge);

	return bridge && !bridge->shared;
}

/* 0, or why some bridge does not show its frames to the rules. */
static int call_iptables(struct daemon *d)
{
	const struct generation *now = d->committed;
	bool unused;
	int failed = host_bridge_nf_get(IP_V4, &unused); /* without br_netfilter there is none */

	for (size_t i = 0; i < now->world->n_networks && failed >= 0; i++) {
		const struct world_network *network = &now->world->networks[i];
		if (!now->compiled.bridge_nf_on[i] || !is_ours(now->world, network))
			continue;
		int r = rtnl_call_iptables(d->rtnl, network->bridge);
		if (r < 0 && r != -ENODEV)
			failed = r;
	}
	return failed < 0 ? failed : 0;
}

static void note_bridge_nf(struct daemon *d, int error)
{
	int before = d->bridge_nf_error;

	d->bridge_nf_error = error;
	if (error && error != before)
		log_warning(LOG_ID_SYSCTL_UNAVAILABLE,
			    "the frames of a bridge cannot be shown to the rules (%s): flows "
			    "between tiers on one bridge are dropped%s",
			    strerror(-error), error == -ENOENT ? "; load br_netfilter" : "");
}

static void warn_of_learning(int error)
{
	log_warning(LOG_ID_SYSCTL_UNAVAILABLE,
		    "no_linklocal_learn cannot be set on a bridge (%s): a container can make it "
		    "forget for a moment where another one is",
		    strerror(-error));
}

static void say_calls_iptables(const struct world *world, const char *bridge)
{
	for (size_t i = 0; i < world->n_networks; i++) {
		const struct world_network *network = &world->networks[i];
		if (strcmp(network->bridge, bridge) != 0)
			continue;
		log_info(LOG_ID_SYSCTL_SET,
			 "set nf_call_iptables and nf_call_ip6tables of bridge %s: tiers on %s are "
			 "told apart by connection",
			 bridge, network->name);
		return;
	}
}

void ground_on_set(void *userdata, const char *bridge, enum rtnl_setting setting, int r)
{
	struct daemon *d = userdata;

	if (r == -ENODEV) /* gone meanwhile */
		return;
	if (setting == RTNL_NO_LOCAL_LEARNING && r < 0)
		warn_of_learning(r);
	if (setting == RTNL_CALLS_IPTABLES && r < 0)
		note_bridge_nf(d, r);
	if (setting == RTNL_CALLS_IPTABLES && r == 0 && d->committed)
		say_calls_iptables(d->committed->world, bridge);
}

void ground_keep(struct daemon *d)
{
	d->looked_at_us = clock_monotonic_us();
	note_bridge_nf(d, d->committed->compiled.needs_bridge_nf ? call_iptables(d) : 0);
	int r = rtnl_end_local_learning(d->rtnl, d->committed->world);
	if (r < 0)
		warn_of_learning(r);
}

/* What somebody else has set is put right when netd wakes anyway: a timer would wake it for
 * nothing.
 */
static int on_prepare(sd_event_source *source, void *userdata)
{
	struct daemon *d = userdata;

	(void)source;
	if (d->committed && !d->plan.off &&
	    clock_monotonic_us() - d->looked_at_us >= d->look_every_us)
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
