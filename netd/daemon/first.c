/* SPDX-License-Identifier: GPL-2.0-or-later */
/* First contact: a host on which no policy was ever in force. netd closes nothing there, writes
 * nothing to the kernel, says so, and waits for a first policy. Any trace of one (files at
 * --policy, whatever is in them; the state folder; netd's tables in the kernel) makes it a host
 * that is closed where netd does not know better. */
#include <errno.h>

#include "core/base/limits.h"
#include "core/world/world-store.h"
#include "daemon/policy.h"
#include "edge/journal/journal.h"

/* ---- whether it is one ---- */

/* A file that cannot be read, damaged or not, was written by a netd that had a policy. */
static bool remembers_networks(const struct daemon *d, struct arena *arena)
{
	struct host_bytes bytes;
	int r = host_state_read(d->options->state_dir, DAEMON_NETWORKS_FILE, LIMIT_DOCKER_BYTES,
				arena, &bytes);

	return r != -ENOENT;
}

bool first_contact(const struct daemon *d, const struct policydir *files, int kept,
		   struct arena *arena)
{
	bool has_files = files->sources.n > 0 || (files->error && !files->missing);

	return !has_files && kept == -ENOENT && history_is_bare(&d->history) && !d->found_tables &&
	       !remembers_networks(d, arena);
}

/* ---- what is said ---- */

void first_contact_say(struct daemon *d)
{
	const struct world *world;
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	size_t n_networks = 0, n_ports = 0;

	if (!first_contact_waits(d) || !d->plan.synced || !arena ||
	    world_store_snapshot(d->store, arena, &world) < 0)
		return;
	for (size_t i = 0; i < world->n_networks; i++)
		n_networks += *world->networks[i].bridge != '\0';
	for (size_t i = 0; i < world->n_containers; i++)
		n_ports += world->containers[i].n_published;
	log_warning(LOG_ID_FIRST_CONTACT,
		    "what the first policy does not allow will be closed, of %zu endpoints on %zu "
		    "networks and %zu published ports: `netdctl plan FILE` shows it before",
		    world->n_endpoints, n_networks, n_ports);
}

void first_contact_say_waits(const struct daemon *d)
{
	log_warning(LOG_ID_FIRST_CONTACT,
		    "no policy was ever in force on this host: NOTHING IS ENFORCED until there is "
		    "one in %s, or by `netdctl apply`; one with `mode: audit` drops nothing either",
		    d->options->policy);
}

/* ---- its end ---- */

void first_contact_follow(struct daemon *d, const struct policy_set *old)
{
	if (old && old->none && !d->wanted->none && d->plan.off && !d->off_since)
		reconcile_note(d, PLAN_ON);
}

void first_contact_resume(struct daemon *d)
{
	int r = reconcile_off(d);

	if (r < 0) {
		log_error(LOG_ID_COMMIT_FAILED,
			  "netd's tables cannot be removed (%s): they stay, and drop nothing",
			  d->last_error.text);
		return;
	}
	d->off_since = 0;
	d->fallback = d->wanted;
	d->history.in_force = 0;
	first_contact_say_waits(d);
	first_contact_say(d);
	ready_tell_status(d);
}
