/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tells when a policy path changes: inotify on the directory (a file's own directory, since editors
 * replace files by renaming), settled for 100 ms. Where the path is missing, what there is of the way
 * to it is watched; only one that cannot be looked at, or a link that leads nowhere, is looked for
 * each second. What a symbolic link inside the directory points to is not watched: reload after
 * changing that. */
#pragma once

#include <systemd/sd-event.h>

#include "core/base/cleanup.h"

struct policydir_watch;

typedef void policydir_change_fn(void *userdata);

/* 0 or -errno. A path that does not exist yet is no error. */
int policydir_watch_new(sd_event *event, const char *path, policydir_change_fn *on_change,
			void *userdata, struct policydir_watch **ret) MUST_CHECK;
struct policydir_watch *policydir_watch_free(struct policydir_watch *watch);
void policydir_watch_freep(struct policydir_watch **watch); /* for CLEANUP() */
