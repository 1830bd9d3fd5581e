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

/* At most one question of each kind is under way. */
enum etcd_slot {
	ETCD_SLOT_SET_UP, /* authenticate, then the range */
	ETCD_SLOT_COMMIT,
	ETCD_SLOT_BEAT, /* a lease, or its keeping alive */
	ETCD_SLOT_RECORD,
	ETCD_SLOTS,
};

typedef void etcd_take_fn(struct etcd_client *client, const struct etcd_answer *answer);

struct etcd_question {
	struct etcd_client *client;
	struct http_request *request; /* NULL: none is under way */
	const char *path;
	etcd_take_fn *take;
};

struct etcd_client {
	struct etcd_client_options options;
	struct etcd_client_handler handler;
	sd_event *loop; /* borrowed */
	size_t endpoint;
	struct http *http; /* of that endpoint; NULL: between two */
	struct etcd_question questions[ETCD_SLOTS];
	struct http_request *watch;
	etcd_committed_fn *committed;
	char *token;
	sd_event_source *retry;
	uint64_t retry_us;
	bool is_up;
	char told[CLIENT_ERROR_LEN]; /* the reason that on_down was called with, "" when up */
	struct etcd_mirror mirror;

	/* etcd-lease.c */
	int64_t lease; /* 0: none */
	sd_event_source *heart;
	char *record_key, *record;
	bool is_written; /* the record is there, under this lease */
};

/* ---- etcd-client.c ---- */

/* A POST. @take is called with an answer that etcd gives; anything else gives the endpoint up, and
 * so does a @body that is NULL (no memory), which is freed. */
void etcd_client_ask(struct etcd_client *client, enum etcd_slot slot, const char *path, char *body,
		     etcd_take_fn *take);
bool etcd_client_is_asking(const struct etcd_client *client, enum etcd_slot slot);
/* The same for what follows @path without an end. */
struct http_request *etcd_client_follow(struct etcd_client *client, const char *path, char *body,
					const struct http_handler *handler) MUST_CHECK;
/* An answer's body that came with 200, or with an error that etcd explains. It is read into @arena.
 * 0; else the endpoint is given up. */
int etcd_client_read(struct etcd_client *client, const char *path, const struct http_result *result,
		     struct arena *arena, struct etcd_answer *ret) MUST_CHECK;
void etcd_client_fail(struct etcd_client *client, const char *path, const char *reason);
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
