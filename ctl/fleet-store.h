/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The store of a fleet, for one command: a copy of what is in it, and one transaction. */
#pragma once

#include "core/base/arena.h"
#include "core/etcd/mirror.h"
#include "core/fleet/fleet.h"
#include "ctl/ctl.h"
#include "edge/conf/fleet-conf.h"

struct fleet_store;

/* Connects and reads the keys of the fleet, but for what its hosts run. CTL_OK, or an exit status
 * after saying why. */
int fleet_store_open(const struct fleet_conf *conf, struct arena *arena,
		     struct fleet_store **ret) MUST_CHECK;
struct fleet_store *fleet_store_close(struct fleet_store *store); /* NULL is fine; returns NULL */
void fleet_store_closep(struct fleet_store **store);
const struct etcd_mirror *fleet_store_keys(const struct fleet_store *store);
/* CTL_OK: it took place, all of it. CTL_FINDING: a condition does not hold any more, and nothing
 * was changed; nothing is said. CTL_UNREACHABLE after saying why. */
int fleet_store_commit(struct fleet_store *store, const struct etcd_txn *txn) MUST_CHECK;
/* Of other keys, into @arena: @range->end NULL: that of @range->first alone, if it is there; else
 * which keys there are, without what is in them. CTL_OK, or an exit status after saying why. */
int fleet_store_get(struct fleet_store *store, const struct fleet_range *range, struct arena *arena,
		    const struct etcd_key **ret, size_t *ret_n) MUST_CHECK;
/* From now on SIGINT and SIGTERM end no process: fleet_store_wait() tells of them. Once. 0 or
 * -errno.
 */
int fleet_store_take_signals(struct fleet_store *store) MUST_CHECK;
/* Until something has changed in the copy; or somebody asks this process to end; or nothing
 * happened for that long. */
enum fleet_store_waited { FLEET_STORE_CHANGED, FLEET_STORE_STOPPED, FLEET_STORE_SILENT };
enum fleet_store_waited fleet_store_wait(struct fleet_store *store, uint64_t us);
