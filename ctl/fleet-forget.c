/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fleet forget: hosts that are gone for good. What they ran stays in the store until somebody says
 * so, as all else of a host goes with its lease. */
#include <stdio.h>

#include "core/fleet/fleet.h"
#include "core/fleet/inventory.h"
#include "ctl/fleet-change.h"

static int forget(const struct fleet *fleet, const char *host)
{
	struct fleet_change change = { .fleet = fleet };
	const char *key = fleet_inventory_key(fleet->conf.prefix, host, fleet->arena);
	const char *record = fleet_record_key(fleet->conf.prefix, host, fleet->arena);

	if (!key || !record || fleet_change_add(&change, key, NULL, 0) < 0 ||
	    fleet_change_condition(&change, ETCD_IS_AT, record, 0) < 0)
		return ctl_out_of_memory();
	const struct etcd_txn txn = { change.conditions.items, change.conditions.n,
				      change.changes.items, change.changes.n };
	int status = fleet_store_commit(fleet->store, &txn);
	if (status == CTL_FINDING) {
		ctl_complain("%s is there, and would write again what it runs: end its netd-fleet "
			     "first",
			     host);
		return CTL_REFUSED;
	}
	if (status == CTL_OK)
		printf("forgotten %s\n", host);
	return status;
}

int fleet_forget(const struct fleet *fleet)
{
	const struct ctl_args *args = fleet->args;
	int status = CTL_OK;

	for (size_t i = 1; i < args->n; i++)
		if (!fleet_is_name(args->files[i])) {
			ctl_complain("`%s` is not the name of a host", args->files[i]);
			return CTL_USAGE;
		}
	for (size_t i = 1; i < args->n && status == CTL_OK; i++)
		status = forget(fleet, args->files[i]);
	return status;
}
