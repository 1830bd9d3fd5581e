/* SPDX-License-Identifier: GPL-2.0-or-later */
/* netd-fleet's command line, and fleet.conf. */
#pragma once

#include "core/base/arena.h"
#include "core/base/cleanup.h"
#include "edge/conf/fleet-conf.h"
#include "edge/sign/sign.h"

/* All in the arena, or of the command line. */
struct settings {
	struct fleet_conf fleet;
	struct sign_trust trust; /* whose policies are taken */
	const char *netd;	 /* the path of netd's control socket */
	const char *state_dir;	 /* where what was seen is kept */
};

#define SETTINGS_EXIT 1 /* *exit_status says how; all is said */

/* 0, SETTINGS_EXIT or -ENOMEM. */
int settings_read(int argc, char **argv, struct arena *arena, struct settings *ret,
		  int *exit_status) MUST_CHECK;
