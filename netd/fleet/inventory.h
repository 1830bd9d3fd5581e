/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What this host runs, from netd into the store (core/fleet/inventory.h): for whoever wants to know
 * what a policy would change here. netd is asked when it says that something has changed, and not
 * more often than the store can bear: etcd keeps every value until it is compacted. */
#pragma once

#include <stdint.h>
#include <systemd/sd-event.h>

#include "core/base/cleanup.h"
#include "edge/conf/fleet-conf.h"
#include "edge/etcd/etcd-client.h"

struct inventory;

/* Borrowed. */
struct inventory_options {
	const struct fleet_conf *fleet;
	const char *netd; /* the path of netd's socket */
	struct etcd_client *client;
	void (*on_news)(void *userdata); /* what the record says of it is another one */
	void *userdata;
};

/* 0 or -errno. */
int inventory_new(sd_event *loop, const struct inventory_options *options,
		  struct inventory **ret) MUST_CHECK;
struct inventory *inventory_free(struct inventory *inventory); /* NULL is fine; returns NULL */
/* netd says that something has changed. */
void inventory_look(struct inventory *inventory);
/* The store has taken what was to be kept, or says why not. */
void inventory_take_word(struct inventory *inventory, const char *error);
/* For the record: of the newest one; 0: there was none yet. And why it is not in the store;
 * NULL: it is. */
uint64_t inventory_digest(const struct inventory *inventory);
const char *inventory_error(const struct inventory *inventory);
