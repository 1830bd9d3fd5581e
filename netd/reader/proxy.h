/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The listening side of the reader: who may ask, how many at a time, and what is said of those who
 * were refused. Each client has a relay of its own (relay.h). */
#pragma once

#include <sys/types.h>
#include <systemd/sd-event.h>

#include "core/base/cleanup.h"

struct proxy;

struct proxy_options {
	int fd;		     /* listens; stays the caller's */
	uid_t peer;	     /* who may ask besides root */
	const char *docker;  /* the path of Docker's socket; borrowed */
	uint64_t timeout_us; /* for a request to be whole; 0: as long as a busy netd may need */
};

/* 0 or -errno. */
int proxy_new(sd_event *loop, const struct proxy_options *options, struct proxy **ret) MUST_CHECK;
struct proxy *proxy_free(struct proxy *proxy); /* closes all clients; NULL is fine; returns NULL */
void proxy_freep(struct proxy **proxy);	       /* for CLEANUP() */
