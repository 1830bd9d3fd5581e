/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hears of changes of /etc/resolv.conf, which is often a link, or a link to a link: to a file of
 * systemd-resolved, of resolvconf or of NetworkManager, that is replaced while the link stays. So
 * the folder of each link on the way and that of the file are watched, and looked up anew whenever
 * one of them changes. */
#pragma once

#include <systemd/sd-event.h>

#include "core/base/cleanup.h"

struct resolv_watch;

/* Something may have changed: read the file again. Called from the event loop. */
typedef void resolv_watch_fn(void *userdata);

struct resolv_watch_options {
	const char *path;   /* HOST_RESOLV_CONF, but for tests; borrowed */
	const char *beside; /* one more file that counts, HOST_RESOLVED_CONF; or NULL; borrowed */
	resolv_watch_fn *on_change;
	void *userdata;
};

/* 0 or -errno. A folder that is not there is none to watch: resolv_watch_again() looks for it. */
int resolv_watch_new(sd_event *loop, const struct resolv_watch_options *options,
		     struct resolv_watch **ret) MUST_CHECK;
/* Looks the folders up anew, as for each change. 0 or -errno. */
int resolv_watch_again(struct resolv_watch *watch) MUST_CHECK;
struct resolv_watch *resolv_watch_free(struct resolv_watch *watch);
void resolv_watch_freep(struct resolv_watch **watch); /* for CLEANUP() */
