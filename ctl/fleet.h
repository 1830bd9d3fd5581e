/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the commands of `netdctl fleet` share. */
#pragma once

#include "core/base/arena.h"
#include "core/etcd/mirror.h"
#include "ctl/ctl.h"
#include "ctl/fleet-store.h"
#include "edge/conf/fleet-conf.h"
#include "edge/sign/sign.h"

struct fleet {
	const struct ctl *ctl;
	const struct ctl_args *args;
	struct arena *arena;
	struct fleet_conf conf;
	struct sign_key *key;	 /* of --sign-key; NULL: nothing is signed */
	struct sign_trust trust; /* with a key: whose signatures count */
	struct fleet_store *store;
	const struct etcd_mirror *keys; /* of the store: all of the fleet's, but for inventories */
};

/* Each is one command: an exit status, after saying what there is to say. */
int fleet_status(const struct fleet *fleet) MUST_CHECK;
int fleet_plan(const struct fleet *fleet) MUST_CHECK;
int fleet_apply(const struct fleet *fleet) MUST_CHECK;
int fleet_sign(const struct fleet *fleet) MUST_CHECK;
int fleet_history(const struct fleet *fleet) MUST_CHECK;
int fleet_rollback(const struct fleet *fleet) MUST_CHECK;
int fleet_forget(const struct fleet *fleet) MUST_CHECK;
