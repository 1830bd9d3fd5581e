/* SPDX-License-Identifier: GPL-2.0-or-later */
/* netd-fleet's command line and /etc/netd/fleet.conf: where the store is, and who this host is in
 * it. */
#pragma once

#include <stddef.h>

#include "core/base/arena.h"
#include "core/base/cleanup.h"
#include "core/base/limits.h"

#define SETTINGS_ENDPOINTS 16u
#define SETTINGS_GROUPS 32u

/* All in the arena. */
struct settings {
	const char *endpoints[SETTINGS_ENDPOINTS]; /* https://HOST:PORT */
	size_t n_endpoints;
	const char *ca, *cert, *key; /* files; NULL: none */
	const char *user, *password; /* NULL: nobody is authenticated */
	const char *prefix, *host;
	const char *groups[SETTINGS_GROUPS];
	size_t n_groups;
	const char *netd;      /* the path of netd's control socket */
	const char *state_dir; /* where what was seen is kept */
};

#define SETTINGS_EXIT 1 /* *exit_status says how; all is said */

/* 0, SETTINGS_EXIT or -ENOMEM. */
int settings_read(int argc, char **argv, struct arena *arena, struct settings *ret,
		  int *exit_status) MUST_CHECK;
