/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The listening side: scrapers, each with one request and one answer, and a time by when both have
 * to be over. Private to the exporter. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "core/base/cleanup.h"

#define SERVER_SOCKETS 8u /* a file, and loopback in both families, are three */

struct server;

struct server_options {
	int fds[SERVER_SOCKETS]; /* listen; stay the caller's */
	size_t n_fds;
	const char *netd; /* the path of netd's control socket; borrowed */
	/* 0: the defaults. */
	uint64_t timeout_us;	  /* for a scraper, from its connection to its last byte */
	uint64_t netd_timeout_us; /* for netd's answer */
};

/* 0 or -errno. SIGPIPE is ignored: sendfile() knows no other way. */
int server_new(sd_event *loop, const struct server_options *options,
	       struct server **ret) MUST_CHECK;
struct server *server_free(struct server *server); /* closes all clients; returns NULL */
void server_freep(struct server **server);	   /* for CLEANUP() */
