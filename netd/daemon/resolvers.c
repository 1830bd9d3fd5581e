/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host's resolvers, which `dns` stands for. */
#include "daemon/daemon.h"

#include <errno.h>
#include <string.h>

#include "core/world/world-store.h"
#include "edge/host/resolv-watch.h"
#include "edge/journal/journal.h"

/* Those that Docker was given are asked by all containers; those of the host by some, and by a
 * container that started before Docker was given others. */
int resolvers_refresh(struct daemon *d)
{
	struct ip_addr all[2 * HOST_RESOLVERS];
	const struct host_docker *docker = &d->docker_settings;
	int changed = host_docker_refresh(&d->docker_settings);
	int r = changed < 0 ? changed : host_resolvers_refresh(&d->resolvers);

	if (r < 0 || (r == 0 && changed == 0))
		return r;
	memcpy(all, docker->resolvers.addrs, docker->resolvers.n * sizeof(*all));
	memcpy(all + docker->resolvers.n, d->resolvers.addrs, d->resolvers.n * sizeof(*all));
	world_store_set_unfiltered(d->store, IP_V4, docker->no_iptables);
	world_store_set_docker(d->store, docker->no_proxy, docker->resolvers.n > 0);
	r = world_store_set_resolvers(d->store, all, docker->resolvers.n + d->resolvers.n);
	if (r == 0)
		facts_changed(d);
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
