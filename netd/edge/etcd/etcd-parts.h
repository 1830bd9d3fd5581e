/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of a client of etcd, and what they call each other for. Private to edge/etcd.
 *
 *   etcd-client.c  which endpoint; authenticate; life
 *   etcd-follow.c  the range, the watch
 *   etcd-commit.c  a transaction
 *   etcd-lease.c   the lease, the record, the heartbeat
 *   etcd-keep.c    what stays when the client has gone
 *   etcd-get.c     a question about other keys
 *   etcd-look.c    the copy that is asked for
 *   etcd-ask.c     a question and its answer; give up and try the next endpoint */
#pragma once

#include "core/base/ip.h"
#include "edge/etcd/etcd-client.h"
#include "edge/http/http.h"

#define CLIENT_ERROR_LEN 256
/* One answer of etcd is there within milliseconds, or its cluster elects a leader, which takes a
 * second or two. */
#define CLIENT_TIMEOUT_MS 5000u
/* But where a thousand hosts come back at once, each that gives up and begins anew makes more work
 * than it takes away, and most of that is the handshake of a new connection: who is kept waiting by
 * a member that was reached waits twice as long the next time, for the answer and before he asks
 * again; and also who has his answer only after a quarter of that time, so that a store which
 * becomes slow is not given up by all at once. He waits half as long again with each answer that
 * comes soon. Who begins waits for longer than for a member that says itself that it cannot (7 s).
 */
#define CLIENT_PATIENCE_FIRST 4u
#define CLIENT_PATIENCE_MOST 8u

/* At most one question of each kind is under way. */
enum etcd_slot {
	ETCD_SLOT_SET_UP, /* authenticate, then the range */
	ETCD_SLOT_COMMIT,
	ETCD_SLOT_BEAT, /* a lease, or its keeping alive */
	ETCD_SLOT_RECORD,
	ETCD_SLOT_KEEP,
	ETCD_SLOT_GET,
	ETCD_SLOT_LOOK,
	ETCD_SLOTS,
};

typedef void etcd_take_fn(struct etcd_client *client, const struct etcd_answer *answer);
typedef void etcd_refuse_fn(struct etcd_client *client, const char *error);

struct etcd_question {
	struct etcd_client *client;
	struct http_request *request; /* NULL: none is under way */
	const char *path;
	etcd_take_fn *take;
	uint64_t begin_us;
	bool may_be_late;	/* that there is no answer in time is told to refuse(), too */
	etcd_refuse_fn *refuse; /* NULL: whatever is no answer gives the endpoint up */
};

struct etcd_client {
	struct etcd_client_options options;
	struct etcd_client_handler handler;
	sd_event *loop; /* borrowed */
	size_t endpoint;
	struct http *http; /* of that endpoint; NULL: between two */
	struct etcd_question questions[ETCD_SLOTS];
	struct http_request *watch;
	char *commit; /* a transaction without an answer yet; NULL: none */
	etcd_committed_fn *committed;
	char *token;
	sd_event_source *retry;
	uint64_t retry_us;
	unsigned patience; /* by so much an answer is waited for longer than in a quiet store */
	bool is_up;
	char told[CLIENT_ERROR_LEN]; /* the reason that on_down was called with, "" when up */
	struct etcd_mirror mirror;
	uint64_t heard_us;
	int64_t revision; /* the store's, by the last answer that told it */
	char local[IP_TEXT_LEN];

	char *get; /* a question without an answer yet; NULL: none */
	etcd_got_fn *got;

	/* etcd-look.c */
	struct etcd_mirror asked;
	uint64_t asked_us;

	/* etcd-keep.c */
	struct etcd_kept {
		char *key, *value; /* NULL: none */
		size_t len;
		int64_t revision; /* at which it was written */
		enum {
			ETCD_KEPT_NEW,
			ETCD_KEPT_ASKED,
			ETCD_KEPT_WRITTEN,
			ETCD_KEPT_DOUBTED, /* it was written, and is looked for */
			ETCD_KEPT_REFUSED,
		} state;
	} kept;

	/* etcd-lease.c */
	int64_t lease;	/* 0: none */
	bool is_leased; /* this endpoint has said that it lives */
	sd_event_source *heart;
	struct etcd_record {
		char *key, *value; /* NULL: none */
		enum { ETCD_RECORD_NEW, ETCD_RECORD_ASKED, ETCD_RECORD_WRITTEN } state;
		int64_t revision; /* at which it was written */
	} records[ETCD_RECORDS];
};

/* ---- etcd-ask.c ---- */

#define CLIENT_RETRY_FIRST_US 50000u

/* A POST. @take is called with an answer that etcd gives; anything else gives the endpoint up, but
 * for a token that does not count any more: all begins anew there, with another. A @body that is
 * NULL (no memory) gives the endpoint up, too. It is freed. */
void etcd_client_ask(struct etcd_client *client, enum etcd_slot slot, const char *path, char *body,
		     etcd_take_fn *take);
/* The same of what the client can do without: that etcd says no to it, or more than can be taken,
 * is told to how->refuse(). */
void etcd_client_try(struct etcd_client *client, enum etcd_slot slot, char *body,
		     const struct etcd_question *how);
bool etcd_client_is_asking(const struct etcd_client *client, enum etcd_slot slot);
/* The copy that is asked for is what the store had when it answered last, as to each heartbeat. */
bool etcd_client_has_newest(const struct etcd_client *client);
/* The same for what follows @path without an end. */
struct http_request *etcd_client_follow(struct etcd_client *client, const char *path, char *body,
					const struct http_handler *handler) MUST_CHECK;
/* An answer's body that came with 200, or with an error that etcd explains. It is read into @arena.
 * 0; else the endpoint is given up. */
int etcd_client_read(struct etcd_client *client, const char *path, const struct http_result *result,
		     struct arena *arena, struct etcd_answer *ret) MUST_CHECK;
void etcd_client_fail(struct etcd_client *client, const char *path, const char *reason);
/* Its answers are not waited for any more. */
void etcd_client_stop(struct etcd_client *client);
void etcd_client_came_up(struct etcd_client *client);
/* It has all that it came for, the last of it after @us microseconds. */
void etcd_client_served(struct etcd_client *client, uint64_t us);

/* ---- etcd-commit.c ---- */

/* The client can be asked: so is a transaction that waits for that. */
void etcd_commit_begin(struct etcd_client *client);

/* ---- etcd-keep.c, etcd-get.c: the client can be asked ---- */

void etcd_keep_begin(struct etcd_client *client);
void etcd_keep_done(struct etcd_client *client);
void etcd_get_begin(struct etcd_client *client);

/* ---- etcd-look.c ---- */

/* Another store may answer from now on: the copy is not current until all of it was asked for. */
void etcd_look_begin(struct etcd_client *client);

/* ---- etcd-follow.c ---- */

void etcd_follow_begin(struct etcd_client *client);

/* ---- etcd-lease.c ---- */

int etcd_lease_init(struct etcd_client *client) MUST_CHECK;
void etcd_lease_done(struct etcd_client *client);
/* The client can be asked: takes a lease if it has none, and writes what is not there yet. */
void etcd_lease_begin(struct etcd_client *client);
/* The copy that is asked for is there: what of the records is not in it is written again. */
void etcd_lease_compare(struct etcd_client *client);
