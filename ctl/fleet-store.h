/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The store of a fleet, for one command: a copy of what is in it, and one transaction. */
#pragma once

#include "core/base/arena.h"
#include "core/etcd/mirror.h"
#include "ctl/ctl.h"
#include "edge/conf/fleet-conf.h"

struct fleet_store;

/* Connects and reads all keys of the fleet. CTL_OK, or an exit status after saying why. */
int fleet_store_open(const struct fleet_conf *conf, struct arena *arena,
		     struct fleet_store **ret) MUST_CHECK;
struct fleet_store *fleet_store_close(struct fleet_store *store); /* NULL is fine; returns NULL */
void fleet_store_closep(struct fleet_store **store);
const struct etcd_mirror *fleet_store_keys(const struct fleet_store *store);
/* CTL_OK: it took place, all of it. CTL_FINDING: a condition does not hold any more, and nothing
 * was changed; nothing is said. CTL_UNREACHABLE after saying why. */
int fleet_store_commit(struct fleet_store *store, const struct etcd_txn *txn) MUST_CHECK;
