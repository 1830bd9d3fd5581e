/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One client, one question: its request is read and judged, the question is asked on a connection
 * to Docker of its own, and Docker's bytes are handed on as they are until Docker ends them. There
 * is nothing to frame, so an event stream is as good as a list. No more is read from Docker than
 * the client has taken: a slow one costs the buffer, and Docker waits as it would for the client
 * itself. Private to the reader. */
#pragma once

#include <stdint.h>
#include <systemd/sd-event.h>

#include "core/base/cleanup.h"

struct relay;

/* What a relay tells its owner, @userdata: that the relay is gone, and why its client was refused.
 */
struct relay_owner {
	void (*closed)(void *userdata, struct relay *relay);
	void (*refused)(void *userdata, const char *why);
	void *userdata;
};

struct relay_options {
	int client;	     /* becomes the relay's, in any case */
	const char *docker;  /* borrowed */
	uint64_t timeout_us; /* for the request */
};

/* 0 or -errno. */
int relay_new(sd_event *loop, const struct relay_options *options, const struct relay_owner *owner,
	      struct relay **ret) MUST_CHECK;
struct relay *relay_free(struct relay *relay); /* without a word to its owner; returns NULL */
