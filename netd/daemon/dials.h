/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What docker-proxy has taken over TCP before its ports were closed. It dials the container for
 * each connection, and the kernel repeats a SYN that was dropped: when the host is let go, what
 * somebody outside had sent would be handed on. So a container is held back until those connections
 * are gone, and they go because their dials are ended: docker-proxy then closes both.
 *
 * A connection that it takes later is there by the policy's leave, and is not waited for. Which
 * dial belongs to which connection nobody can tell, so as long as a container waits, all dials to
 * its published ports are ended, that of a local user too. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/world/world.h"

struct dials_watch;

/* Starts zeroed. */
struct dials {
	struct dials_watch *first; /* of each container that waits, or did a moment ago */
	size_t n_taken;		   /* connections in all of them */
	bool has_complained;
};

/* Nothing was known before @world: writes the ids of those containers into @waiting, in @arena,
 * that this host tries to reach where docker-proxy would. They started while nobody followed them.
 * 0 or -ENOMEM. */
int dials_find(struct dials *dials, const struct world *world, struct arena *arena,
	       struct world_waiting *waiting) MUST_CHECK;
/* Ports of those containers in @held that were closed at @now_us are closed in the kernel from now
 * on. 0 or -ENOMEM. */
int dials_begin(struct dials *dials, const struct world_held *held, uint64_t now_us) MUST_CHECK;
/* Ends what dials there are for who waits, and writes the ids of those who go on waiting into
 * @waiting, in @arena. 0 or -ENOMEM. */
int dials_look(struct dials *dials, const struct world_held *held, uint64_t now_us,
	       struct arena *arena, struct world_waiting *waiting) MUST_CHECK;
void dials_done(struct dials *dials);
