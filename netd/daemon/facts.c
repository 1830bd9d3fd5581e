/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Facts from files: the networks of before the boot, and --inventory in the place of Docker. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/base/limits.h"
#include "core/world/world-store.h"
#include "daemon/daemon.h"
#include "edge/journal/journal.h"

void facts_changed(struct daemon *d)
{
	d->flows.facts_changed = true;
	reconcile_note(d, PLAN_CHANGED);
	reconcile_soon(d);
}

void facts_load_networks(struct daemon *d)
{
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	const struct world *world;
	const char *error = NULL;
	struct host_bytes bytes;
	int r = arena ? host_state_read(d->options->state_dir, DAEMON_NETWORKS_FILE,
					LIMIT_DOCKER_BYTES, arena, &bytes)
		      : -ENOMEM;
	if (r == -ENOENT)
		return;
	if (r == 0)
		r = world_parse_inventory(bytes.bytes, bytes.len, arena, &world, &error);
	if (r == 0) {
		/* Nobody is admitted by what was before the boot, whatever the file says. */
		const struct world bridges = { .networks = world->networks,
					       .n_networks = world->n_networks };
		r = world_store_load(d->store, &bridges);
	}
	if (r != 0)
		log_warning(LOG_ID_STATE_UNWRITABLE,
			    "%s/" DAEMON_NETWORKS_FILE " is damaged (%s): ignored",
			    d->options->state_dir, error ? error : strerror(-r));
}

int facts_take_links(struct daemon *d)
{
	struct world_bridges bridges = rtnl_bridges(d->rtnl);
	size_t n;
	const struct world_port *ports = rtnl_ports(d->rtnl, &n);
	int r = world_store_set_ports(d->store, ports, n);

	if (!fw_can_hook(d->fw))
		bridges.n_parents = 0;

	if (r == 0)
		r = world_store_set_bridges(d->store, &bridges);
	if (r == 0 && d->options->inventory && d->plan.synced) { /* it is always up to date */
		world_store_reading_begins(d->store);
		world_store_reading_ended(d->store);
	}
	return r;
}

void facts_note_synced(struct daemon *d)
{
	bool matters = d->plan.adopted && policy_requires_images(d->wanted->policy);

	if (d->read_facts && !d->plan.synced && (d->reports.is_settled || !matters)) {
		reconcile_note(d, PLAN_SYNCED);
		reconcile_soon(d);
	}
}

int facts_load_inventory(struct daemon *d)
{
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	const char *path = d->options->inventory, *error = NULL;
	const struct world *world;
	char *bytes CLEANUP(free_ptr) = NULL;
	size_t len = 0;

	FILE *file = arena ? fopen(path, "re") : NULL;
	ssize_t n = file ? getdelim(&bytes, &len, '\0', file) : -1;
	if (file)
		(void)fclose(file);
	if (n < 0) {
		log_error(LOG_ID_DOCKER_INVALID, "%s: %s", path, strerror(errno));
		return -EINVAL;
	}
	int r = world_parse_inventory(bytes, (size_t)n, arena, &world, &error);
	if (r == WORLD_E_INVALID) {
		log_error(LOG_ID_DOCKER_INVALID, "%s: %s", path, error);
		return -EINVAL;
	}
	if (r == 0)
		r = world_store_load(d->store, world);
	world_store_reading_begins(d->store);
	world_store_reading_ended(d->store);
	d->read_facts = true;
	facts_note_synced(d);
	first_contact_say(d);
	reconcile_soon(d); /* nothing else may happen for long */
	return r;
}
