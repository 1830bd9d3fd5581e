/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether this host believes what the store says now: by whom it is signed, of which cluster and of
 * which revision it is. And what is kept for that over restarts, beside the last policy that netd
 * took. */
#pragma once

#include "core/base/arena.h"
#include "core/base/cleanup.h"
#include "core/etcd/mirror.h"
#include "core/fleet/fleet.h"
#include "fleet/settings.h"

struct belief {
	const struct settings *settings; /* borrowed */
	struct fleet_seen seen;
	bool is_unkept; /* that a signature cannot be kept was said */
};

/* A file that is not there is a host's first time; one that is damaged is nothing to start from,
 * for an older store would be believed. 0; -errno after it was said. */
int belief_begin(struct belief *belief, const struct settings *settings) MUST_CHECK;
/* The one verdict on all that the store says, policies and hosts. 0; FLEET_E_INVALID: *error, in
 * @arena or constant, says why not; -errno: nobody can tell now. A signature that is newer than any
 * before is on the disk before it counts: were it forgotten, an older one could come back. */
int belief_judge(struct belief *belief, const struct etcd_mirror *mirror, struct arena *arena,
		 const char **error) MUST_CHECK;
/* netd has taken a policy: @taken->counter is that of @belief->seen when it was asked to. */
void belief_take(struct belief *belief, const struct fleet_seen *taken);
