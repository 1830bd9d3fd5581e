/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the page comes from: netd's control socket, the one for reading. However many ask, netd is
 * asked for each form once a second at most; what it said, or that it said nothing, holds for that
 * long. Private to the exporter. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "core/base/cleanup.h"
#include "core/metrics/metrics.h"

#define SOURCE_FORMS 2u /* of enum metrics_form */

/* A whole answer of HTTP, in a file of memory. */
struct source_page {
	int fd; /* the source's; whoever keeps it has a duplicate */
	size_t size;
};

/* The page of that form can be had, for those who wait. */
typedef void source_ready_fn(void *userdata, enum metrics_form form,
			     const struct source_page *page);

struct source_options {
	const char *path;	/* the control socket; borrowed */
	uint64_t timeout_us;	/* of a question; 0: less than a scraper waits */
	source_ready_fn *ready; /* in a later turn of the loop than source_want() */
	void *userdata;
};

struct source;

/* 0 or -errno. */
int source_new(sd_event *loop, const struct source_options *options,
	       struct source **ret) MUST_CHECK;
struct source *source_free(struct source *source); /* returns NULL */
/* Somebody wants a page of that form: ready() will be called. 0 or -errno. */
int source_want(struct source *source, enum metrics_form form) MUST_CHECK;
