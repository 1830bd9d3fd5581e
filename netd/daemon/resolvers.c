/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host's resolvers, which `dns` stands for. */
#include "daemon/daemon.h"

#include <errno.h>

#include "edge/host/resolv-watch.h"
#include "edge/journal/journal.h"

int resolvers_refresh(struct daemon *d)
{
	int r = host_resolvers_refresh(&d->resolvers);

	if (r <= 0)
		return r;
	r = world_store_set_resolvers(d->store, d->resolvers.addrs, d->resolvers.n);
	if (r == 0) {
		reconcile_note(d, PLAN_CHANGED);
		reconcile_soon(d);
	}
	return r;
}

static void on_file_changed(void *userdata)
{
	if (resolvers_refresh(userdata) < 0)
		log_warning(
			LOG_ID_INTERNAL, HOST_RESOLV_CONF
			" cannot be read: the resolvers that `dns` stands for stay as they were");
}

int resolvers_watch(struct daemon *d)
{
	const struct resolv_watch_options options = { .path = HOST_RESOLV_CONF,
						      .beside = HOST_RESOLVED_CONF,
						      .on_change = on_file_changed,
						      .userdata = d };

	return resolv_watch_new(d->loop, &options, &d->resolv_watch);
}

int resolvers_look_again(struct daemon *d)
{
	int r = d->resolv_watch ? resolv_watch_again(d->resolv_watch) : 0;

	return r < 0 ? r : resolvers_refresh(d);
}
