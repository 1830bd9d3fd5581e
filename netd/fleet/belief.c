/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fleet/belief.h"

#include <errno.h>
#include <string.h>

#include "edge/host/host.h"
#include "edge/journal/journal.h"

#define SEEN_FILE "seen"
#define SEEN_BYTES 320u

/* ---- what is kept ---- */

static int write_seen(const struct belief *belief, const struct fleet_seen *seen)
{
	CLEANUP(free_ptr) char *text = fleet_print_seen(seen);

	return text ? host_state_write(belief->settings->state_dir, SEEN_FILE, text, strlen(text))
		    : -ENOMEM;
}

int belief_begin(struct belief *belief, const struct settings *settings)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct host_bytes bytes;

	*belief = (struct belief){ .settings = settings };
	if (!arena)
		return -ENOMEM;
	int r = host_state_read(settings->state_dir, SEEN_FILE, SEEN_BYTES, arena, &bytes);
	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = fleet_read_seen(bytes.bytes, bytes.len, &belief->seen);
	if (r < 0)
		log_error(LOG_ID_FLEET_FAILED,
			  "%s/" SEEN_FILE
			  " is damaged (%s): remove it if the store is the right one",
			  settings->state_dir, strerror(-r));
	return r;
}

void belief_take(struct belief *belief, const struct fleet_seen *taken)
{
	struct fleet_seen *seen = &belief->seen;

	/* Where a newer signature came meanwhile, the store that it lies in is the right one. */
	if (taken->counter == seen->counter)
		*seen = *taken;
	seen->digest = taken->digest;
	seen->generation = taken->generation;
	int r = write_seen(belief, seen);
	if (r < 0)
		log_warning(LOG_ID_STATE_UNWRITABLE,
			    "what was taken from the store cannot be kept in %s, so an older store "
			    "would be believed after a restart: %s",
			    belief->settings->state_dir, strerror(-r));
}

/* Whatever netd says of what it signs. */
static int take_signature(struct belief *belief, const struct etcd_mirror *mirror, uint64_t counter)
{
	struct fleet_seen seen = belief->seen;

	seen.cluster_id = mirror->cluster_id;
	seen.revision = mirror->revision;
	seen.counter = counter;
	int r = write_seen(belief, &seen);
	if (r == 0)
		belief->seen = seen;
	else if (!belief->is_unkept)
		log_warning(LOG_ID_STATE_UNWRITABLE,
			    "a new signature cannot be kept in %s, so what it signs is not taken: "
			    "%s",
			    belief->settings->state_dir, strerror(-r));
	belief->is_unkept = r != 0;
	return r;
}

/* ---- the verdict ---- */

int belief_judge(struct belief *belief, const struct etcd_mirror *mirror, struct arena *arena,
		 const char **error)
{
	const struct sign_trust *trust = &belief->settings->trust;
	uint64_t counter = 0;
	int r = 0;

	if (trust->is_asked_for)
		r = sign_check_store(trust, mirror, belief->settings->fleet.prefix, arena, &counter,
				     error);
	if (r != 0)
		return r < 0 ? r : FLEET_E_INVALID;
	*error = fleet_doubt(&belief->seen, mirror, trust->is_asked_for ? &counter : NULL);
	if (*error)
		return FLEET_E_INVALID;
	return counter > belief->seen.counter ? take_signature(belief, mirror, counter) : 0;
}
