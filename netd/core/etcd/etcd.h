/* SPDX-License-Identifier: GPL-2.0-or-later */
/* etcd's JSON gateway: requests as texts, answers as values. etcd serves its API version 3 as JSON
 * over HTTP beside gRPC: a POST to a path, keys and values in Base64, 64-bit numbers as texts;
 * watches and the keeping alive of leases are streams of lines, each {"result":...} or
 * {"error":...}.
 *
 * Where etcd knows users, the gateway refuses a client whose certificate has a Common Name,
 * whatever it asks, for it cannot hand on who asks (measured on 3.4.23,
 * findings/etcd-gateway-common-name.sh). So who asks is said by a user's password, and the
 * certificate is one without. The token that a password gives is good for minutes, not known to a
 * member that has started since, and of one kind (JWT) not good any more once any user or role was
 * changed: an answer of ETCD_E_TOKEN asks for a new one, and says that nothing was done.
 *
 * Pure. Texts that are returned are the caller's to free, NULL: no memory. Answers live in the
 * arena given. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/arena.h"

#define ETCD_PATH_AUTHENTICATE "/v3/auth/authenticate"
#define ETCD_PATH_RANGE "/v3/kv/range"
#define ETCD_PATH_TXN "/v3/kv/txn"
#define ETCD_PATH_WATCH "/v3/watch"
#define ETCD_PATH_GRANT "/v3/lease/grant"
#define ETCD_PATH_KEEPALIVE "/v3/lease/keepalive"

/* ---- requests ---- */

char *etcd_ask_authenticate(const char *user, const char *password) MUST_CHECK;
/* All keys from @first up to, and without, @end, at one revision: @revision, or with 0 the newest.
 */
char *etcd_ask_range(const char *first, const char *end, int64_t revision) MUST_CHECK;
/* Of these keys those that were changed after @revision, as they are now; and how many there are in
 * all. */
char *etcd_ask_newer(const char *first, const char *end, int64_t revision) MUST_CHECK;
/* One key; and which keys there are, without what is in them. */
char *etcd_ask_get(const char *key) MUST_CHECK;
char *etcd_ask_names(const char *first, const char *end) MUST_CHECK;
/* What happens to them from @revision on. etcd says now and then at which revision it is while
 * nothing happens. */
char *etcd_ask_watch(const char *first, const char *end, int64_t revision) MUST_CHECK;
char *etcd_ask_grant(int64_t ttl_seconds) MUST_CHECK;
char *etcd_ask_keepalive(int64_t lease) MUST_CHECK;

/* A transaction: if every condition holds at that moment, all of the changes, else none. */
enum etcd_condition_kind {
	ETCD_UNCHANGED_SINCE, /* no key that begins with @key was changed after @revision */
	ETCD_IS_AT,	      /* @key was last changed at @revision; 0: it is not there */
};
struct etcd_condition {
	enum etcd_condition_kind kind;
	const char *key;
	int64_t revision;
};
struct etcd_change {
	const char *key;
	const char *value; /* NULL: the key is removed */
	size_t len;
	int64_t lease; /* the key goes with it; 0: none */
};
struct etcd_txn {
	const struct etcd_condition *conditions;
	size_t n_conditions;
	const struct etcd_change *changes;
	size_t n_changes;
};
char *etcd_ask_txn(const struct etcd_txn *txn) MUST_CHECK;

/* ---- answers ---- */

#define ETCD_E_INVALID 1   /* no answer of etcd, or one that is cut off */
#define ETCD_E_TOKEN 2	   /* the token, or the password, does not count (any more) */
#define ETCD_E_FORBIDDEN 3 /* the user may not do that */
#define ETCD_E_COMPACTED 4 /* etcd has forgotten what was at that revision */
#define ETCD_E_NO_AUTH 5   /* the store asks nobody for a password */
#define ETCD_E_ERROR 6	   /* another error: *error is its text */

struct etcd_key {
	const char *key;
	const char *value; /* @len bytes and a NUL behind */
	size_t len;
	int64_t mod_revision, lease;
	bool is_deleted; /* of a watch: it has gone */
};

struct etcd_answer {
	uint64_t cluster_id;
	int64_t revision;   /* the store's when it answered */
	const char *token;  /* of authenticate, or NULL */
	int64_t lease, ttl; /* of grant and keepalive; ttl 0: the lease has gone */
	bool succeeded;	    /* of a transaction: its conditions held */
	bool created;	    /* of a watch: it has begun */
	const struct etcd_key *keys;
	size_t n_keys;
	int64_t count; /* of a range: how many keys are in it, those that were not asked for too */
};

/* The same @n keys in @arena, texts and all: an answer, and a copy of the store (mirror.h), change
 * or go. NULL: no memory. */
struct etcd_key *etcd_copy_keys(const struct etcd_key *keys, size_t n,
				struct arena *arena) MUST_CHECK;

/* An answer's body, or a line of a stream. 0, one of ETCD_E_* or -ENOMEM. *error says what is wrong
 * in a sentence of printable characters, in @arena or constant; set with each ETCD_E_*. */
int etcd_read_answer(const char *bytes, size_t len, struct arena *arena, struct etcd_answer *ret,
		     const char **error) MUST_CHECK;
