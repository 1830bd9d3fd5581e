/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of a client of etcd, and what they call each other for. Private to edge/etcd.
 *
 *   etcd-client.c  which endpoint; authenticate; give up and try the next one
 *   etcd-follow.c  the range, the watch
 *   etcd-lease.c   the lease, the record, the heartbeat */
#pragma once

#include "edge/etcd/etcd-client.h"
#include "edge/http/http.h"

#define CLIENT_ERROR_LEN 256
/* One answer of etcd is there within milliseconds, or its cluster elects a leader, which takes a
 * second or two. */
#define CLIENT_TIMEOUT_MS 5000u

struct etcd_client {
	struct etcd_client_options options;
	struct etcd_client_handler handler;
	sd_event *loop; /* borrowed */
	size_t endpoint;
	struct http *http;	  /* of that endpoint; NULL: between two */
	struct http_request *ask; /* authenticate, then the range */
	struct http_request *watch;
	struct http_request *commit;
	etcd_committed_fn *committed;
	char *token;
	sd_event_source *retry;
	uint64_t retry_us, up_at;
	bool is_up;
	char error[CLIENT_ERROR_LEN], told[CLIENT_ERROR_LEN];
	struct etcd_mirror mirror;

	/* etcd-lease.c */
	int64_t lease;		   /* 0: none */
	struct http_request *beat; /* grant or keepalive */
	struct http_request *put;
	sd_event_source *heart;
	char *record_key, *record;
	bool is_written; /* the record is there, under this lease */
};

/* ---- etcd-client.c ---- */

/* What an answer is: of a body that came with 200, or with an error that etcd explains. It is read
 * into
 * @arena. 0; else the client has given the endpoint up, or is about to authenticate anew. */
int etcd_client_read(struct etcd_client *client, const char *what, const struct http_result *result,
		     struct arena *arena, struct etcd_answer *ret) MUST_CHECK;
void etcd_client_fail(struct etcd_client *client, const char *what, const char *reason);
/* A POST with the token. NULL: it has given the endpoint up (no memory). Frees @body. */
struct http_request *etcd_client_ask(struct etcd_client *client, const char *path, char *body,
				     uint32_t timeout_ms,
				     const struct http_handler *handler) MUST_CHECK;
void etcd_client_came_up(struct etcd_client *client);

/* ---- etcd-follow.c ---- */

void etcd_follow_begin(struct etcd_client *client);

/* ---- etcd-lease.c ---- */

int etcd_lease_init(struct etcd_client *client) MUST_CHECK;
void etcd_lease_done(struct etcd_client *client);
/* The client can be asked: takes a lease if it has none, and writes the record. */
void etcd_lease_begin(struct etcd_client *client);
/* The endpoint is given up. */
void etcd_lease_stop(struct etcd_client *client);
