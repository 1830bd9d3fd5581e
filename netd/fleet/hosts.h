/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The other hosts of the fleet, from the store to netd: for the zone `hosts`. This host's own
 * addresses into the store. And how old the store's word is, for netd's status and for the log.
 *
 * netd keeps who is one of the fleet; here that is asked for once, when netd-fleet starts, and
 * changed as the store says, while the store is there. The store is asked for the others every few
 * seconds, and more seldom where no rule of netd's policy is about them. */
#pragma once

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "core/base/cleanup.h"
#include "core/fleet/fleet.h"
#include "edge/conf/fleet-conf.h"
#include "edge/etcd/etcd-client.h"

struct hosts;

/* Borrowed. */
struct hosts_options {
	const struct fleet_conf *fleet;
	const char *admin; /* the path of netd's socket for changes */
	struct etcd_client *client;
	/* netd was asked, as it is every few seconds. @stamp is another one when something has
	 * changed there that its status may tell of; "": it gives no answer. */
	void (*on_netd)(void *userdata, const char *stamp);
	void *userdata;
};

/* 0 or -errno. */
int hosts_new(sd_event *loop, const struct hosts_options *options, struct hosts **ret) MUST_CHECK;
struct hosts *hosts_free(struct hosts *hosts); /* NULL is fine; returns NULL */
/* What the store has for this host, and what became of it. */
void hosts_note(struct hosts *hosts, enum fleet_state state, int64_t revision);
/* The copy of the store has changed, and whether it is believed was asked anew. */
void hosts_follow(struct hosts *hosts, bool is_believed);
/* The store has told who the others are; @error: it has not. */
void hosts_take_word(struct hosts *hosts, const char *error);
/* Another host writes itself into this one's place: @there is what it wrote. */
void hosts_take_namesake(struct hosts *hosts, const struct etcd_key *there);
/* Where a host is that has the name of this one, as it says; NULL: none was seen of late. */
const char *hosts_namesake(const struct hosts *hosts);
/* The store is away, and that was said: it will be said that it still is, and that it is back. */
void hosts_lost(struct hosts *hosts);
