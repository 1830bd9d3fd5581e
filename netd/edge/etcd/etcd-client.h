/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A client of a cluster of etcd: it keeps a copy of some keys true, another one of keys that it is
 * enough to know as they were some seconds ago, and a record of its own alive.
 *
 * It talks to one endpoint at a time: authenticate, read all (a range), follow what happens (a
 * watch). Any failure, or silence of a heartbeat, gives that endpoint up and tries the next one
 * after a while, 50 ms at first and 2 s at most, or 16 s where one that keeps a record is kept
 * waiting by members that it reaches; meanwhile the copy stays what it was, and etcd_client_is_up()
 * says no. The heartbeat is what keeps the lease of the record alive; a member that is cut off from
 * the others cannot answer it.
 *
 * The client belongs to one event loop. Nothing blocks. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "core/base/cleanup.h"
#include "core/etcd/etcd.h"
#include "core/etcd/mirror.h"

struct etcd_client;

/* Borrowed until etcd_client_free(). */
struct etcd_client_options {
	const char *const *endpoints; /* http(s)://HOST:PORT */
	size_t n_endpoints;	      /* at least one */
	const char *ca, *cert, *key;  /* files in PEM form, or NULL */
	const char *user, *password;  /* NULL: nobody is authenticated */
	/* The keys of which a copy is kept: from @first up to, and without, @end. @first NULL:
	 * none. */
	const char *first, *end;
	/* The same of the copy that is not followed, but asked for: etcd_client_look(). NULL:
	 * there is none. */
	const char *asked_first, *asked_end;
	int64_t lease_seconds; /* a record outlives its writer by that long; 0: it writes none */
};

/* Called from the event loop; any may be NULL. They may call any function but etcd_client_free().
 */
struct etcd_client_handler {
	/* The copy was read anew, or has changed: by @news, which it has taken; NULL: by all. */
	void (*on_change)(void *userdata, const struct etcd_answer *news);
	/* No endpoint answers, or one says no: once per reason. */
	void (*on_down)(void *userdata, const char *reason);
	/* What is to be kept (etcd_client_keep()) is written: @error NULL; or the store does not
	 * take it. */
	void (*on_kept)(void *userdata, const char *error);
	/* What etcd_client_look() has asked for is there: @error NULL; or the store does not give
	 * it, and the copy is as it was. */
	void (*on_looked)(void *userdata, const char *error);
	/* A key that is published and asked for was written again by somebody else, who keeps it
	 * alive, too: as it lies in the store. The client writes its own once more. */
	void (*on_contested)(void *userdata, const struct etcd_key *there);
	void *userdata;
};

/* 0, HTTP_E_URL (no endpoint of that form) or -errno. It begins in the next turn of the loop. */
int etcd_client_new(sd_event *loop, const struct etcd_client_options *options,
		    const struct etcd_client_handler *handler, struct etcd_client **ret) MUST_CHECK;
struct etcd_client *etcd_client_free(struct etcd_client *client); /* NULL is fine; returns NULL */
void etcd_client_freep(struct etcd_client **client);

const struct etcd_mirror *etcd_client_mirror(const struct etcd_client *client);
bool etcd_client_is_up(const struct etcd_client *client); /* it follows, and the copy is current */

/* The copy that is asked for. It is current when it is as of one revision of the store that is
 * followed now: one that was asked for before the client went down is not. */
const struct etcd_mirror *etcd_client_asked(const struct etcd_client *client);
/* When it was last known to be what the store has, on the monotonic clock; 0: never. */
uint64_t etcd_client_asked_us(const struct etcd_client *client);
/* What has changed since is asked for, and handler.on_looked() is called when it is there; nothing
 * is asked where an answer of the store, as each heartbeat is one, says that it is at the revision
 * of the copy. False: nothing need be waited for; it is so, or one is under way, or the client is
 * not up. */
bool etcd_client_look(struct etcd_client *client);

/* When an endpoint last gave an answer, on the monotonic clock; 0: never. */
uint64_t etcd_client_heard_us(const struct etcd_client *client);
/* The address of this host from which it was asked, "" while that is not known. */
const char *etcd_client_local(const struct etcd_client *client);

/* What is kept under @key as long as the client lives; it is written when the client is up, and
 * again when its lease was lost, or when somebody else has changed or removed it: of a key that is
 * asked for (etcd_client_look()) that shows with the next answer, any other is written again
 * whenever the client comes up. Another value takes the place of the one before; the same one is
 * not written again. 0; -ENOMEM; -ENOSPC: these are ETCD_RECORDS keys already. */
#define ETCD_RECORDS 4u
int etcd_client_publish(struct etcd_client *client, const char *key, const char *value) MUST_CHECK;

/* What is kept under @key when the client has gone, too: one value, of any bytes, copied. It is
 * written when the client is up; whenever it comes up again the store is asked whether it still is
 * what was written, and only else it is written once more. A store that does not take it is told of
 * by handler.on_kept() and followed all the same: for another value, or the same one given again,
 * it is asked again. 0 or -ENOMEM. */
int etcd_client_keep(struct etcd_client *client, const char *key, const char *value,
		     size_t len) MUST_CHECK;

/* One question at a time about keys of which no copy is kept; it is asked until there is an answer,
 * which lives as long as the call of done(). @end NULL: what is in the key @first; else which keys
 * there are from there up to, and without, @end. 0; -EBUSY: another is under way; -ENOMEM. */
typedef void etcd_got_fn(void *userdata, const struct etcd_answer *answer);
int etcd_client_get(struct etcd_client *client, const char *first, const char *end,
		    etcd_got_fn *done) MUST_CHECK;

/* One transaction, while the client is up. done() follows unless the endpoint is given up, which
 * handler.on_down() says: then nobody knows whether it took place. 0; -EBUSY: another is under way,
 * or the client is not up; -ENOMEM. */
typedef void etcd_committed_fn(void *userdata, bool succeeded);
int etcd_client_commit(struct etcd_client *client, const struct etcd_txn *txn,
		       etcd_committed_fn *done) MUST_CHECK;
