/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fleet.conf: where the store of a fleet is, who asks it, and which host this is. For netd-fleet
 * and netdctl; netd-fleet(8) has the settings. */
#pragma once

#include <stddef.h>

#include "core/base/arena.h"
#include "core/base/cleanup.h"
#include "core/base/diag.h"
#include "core/base/ip.h"
#include "core/base/limits.h"
#include "edge/etcd/etcd-client.h"

#define FLEET_CONF_DEFAULT "/etc/netd/fleet.conf"
#define FLEET_CONF_ENDPOINTS 16u
#define FLEET_CONF_GROUPS LIMIT_FLEET_GROUPS

/* All in the arena. */
struct fleet_conf {
	const char *endpoints[FLEET_CONF_ENDPOINTS]; /* at least one, https://HOST:PORT */
	size_t n_endpoints;
	const char *ca, *cert, *key; /* files; NULL: none */
	const char *user, *password; /* NULL: nobody is authenticated */
	const char *prefix, *host;
	const char *keys; /* the folder of those who may sign; NULL: the default one */
	const char *groups[FLEET_CONF_GROUPS];
	size_t n_groups;
	/* Of this host; none: the one from which the store is asked. */
	struct ip_addr addrs[LIMIT_MEMBER_ADDRESSES];
	size_t n_addrs;
};

#define FLEET_CONF_E_INVALID 1

/* @path and the files PATH.d/NAME.conf. 0; FLEET_CONF_E_INVALID: @complain was called for
 * everything that is wrong, with where that is; -ENOMEM. */
typedef void fleet_conf_complain_fn(const char *place, const char *text);
int fleet_conf_read(const char *path, struct arena *arena, fleet_conf_complain_fn *complain,
		    struct fleet_conf *ret) MUST_CHECK;
/* Where the store is and who asks it, and nothing more; texts are borrowed from @conf. */
struct etcd_client_options fleet_conf_client(const struct fleet_conf *conf);
