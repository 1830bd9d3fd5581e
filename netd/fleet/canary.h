/* SPDX-License-Identifier: GPL-2.0-or-later */
/* While a canary is in force on this host (core/fleet/fleet.h): what passed before it and is denied
 * since. netd is asked for that every few seconds, and the record says it, so that whoever waits
 * for the canary can take it back. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "core/base/cleanup.h"
#include "core/fleet/fleet.h"

struct canary;

/* Borrowed. */
struct canary_options {
	const char *netd;		 /* the path of netd's socket */
	void (*on_news)(void *userdata); /* what the record says of it is another one */
	void *userdata;
};

/* 0 or -errno. */
int canary_new(sd_event *loop, const struct canary_options *options,
	       struct canary **ret) MUST_CHECK;
struct canary *canary_free(struct canary *canary); /* NULL is fine; returns NULL */
/* Whether one is in force, the digest of its files, and since when it is there (seconds
 * since the epoch). With other files all begins anew. */
void canary_note(struct canary *canary, bool is_in_force, uint64_t digest, int64_t since);
/* Texts are borrowed until the next note. */
void canary_tell(const struct canary *canary, struct fleet_record *record);
