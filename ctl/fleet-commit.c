/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One transaction, and what is said where somebody else was quicker. */
#include <inttypes.h>
#include <string.h>

#include "ctl/fleet-change.h"

/* etcd takes 128 operations in one transaction (--max-txn-ops), conditions counted apart. */
#define OPERATIONS 120u

/* What somebody else did after @since, as the store has it now. */
static void say_what_changed(const struct fleet *now, int64_t since)
{
	static const char *const folders[] = { "groups/", "policy.canary/", "policy/" };
	const char *below;
	size_t n;
	const struct etcd_key *kept = fleet_kept_revisions(now, &below, &n);
	const char *author = n > 0 && kept[n - 1].mod_revision > since
				     ? fleet_kept_author(now, &kept[n - 1])
				     : NULL;

	if (author)
		ctl_complain("%s has written revision %" PRId64, author, kept[n - 1].mod_revision);
	for (size_t f = 0; f < ARRAY_LEN(folders); f++) {
		below = arena_printf(now->arena, "%s/%s", now->conf.prefix, folders[f]);
		const struct etcd_key *keys =
			below ? etcd_mirror_below(now->keys, below, &n) : NULL;
		for (size_t i = 0; keys && i < n; i++)
			if (keys[i].mod_revision > since)
				ctl_complain("changed at revision %" PRId64 ": %s",
					     keys[i].mod_revision,
					     keys[i].key + strlen(now->conf.prefix) + 1);
	}
}

static int say_changed_meanwhile(const struct fleet *fleet, int64_t since)
{
	CLEANUP(fleet_store_closep) struct fleet_store *store = NULL;
	struct fleet now = *fleet;

	ctl_complain("somebody else has changed the policy of the fleet meanwhile, and nothing was "
		     "written: look at `netdctl fleet history`, then apply again");
	if (fleet_store_open(&fleet->conf, fleet->arena, &store) == CTL_OK) {
		now.keys = fleet_store_keys(store);
		say_what_changed(&now, since);
	}
	return CTL_REFUSED;
}

int fleet_change_commit(struct fleet_change *change)
{
	const struct etcd_txn txn = { change->conditions.items, change->conditions.n,
				      change->changes.items, change->changes.n };

	if (txn.n_changes > OPERATIONS || txn.n_conditions > OPERATIONS) {
		ctl_complain("%zu files are more than the store changes in one step: put them into "
			     "fewer files",
			     change->files.sources.n);
		return CTL_USAGE;
	}
	int status = fleet_store_commit(change->fleet->store, &txn);
	return status == CTL_FINDING ? say_changed_meanwhile(change->fleet, change->revision)
				     : status;
}
