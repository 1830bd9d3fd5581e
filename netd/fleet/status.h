/* SPDX-License-Identifier: GPL-2.0-or-later */
/* netd's status, which takes it a process: it is asked for when netd has changed, and now and then.
 */
#pragma once

#include <stdbool.h>

#include <cjson/cJSON.h>
#include <systemd/sd-event.h>

#include "core/base/cleanup.h"

struct status;

struct status_options {
	const char *netd; /* the path of its socket, borrowed */
	/* @report: NULL, netd has not answered; @is_outdated: netd has changed since it was asked,
	 * and is asked again. */
	void (*on_status)(void *userdata, const cJSON *report, bool is_outdated);
	void *userdata;
};

/* 0 or -errno. */
int status_new(sd_event *loop, const struct status_options *options,
	       struct status **ret) MUST_CHECK;
struct status *status_free(struct status *status); /* NULL is fine; returns NULL */
/* netd has changed: it is asked now, and what was asked before is outdated. */
void status_look(struct status *status);
/* The same, but what waits to be asked goes on to wait. */
void status_outdate(struct status *status);
bool status_is_asking(const struct status *status);
