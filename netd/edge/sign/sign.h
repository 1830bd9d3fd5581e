/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ed25519: keys in PEM files, as `openssl genpkey -algorithm ed25519` and `openssl pkey -pubout`
 * write them, and signatures over the policies of a fleet (core/fleet/signature.h). For netd-fleet
 * and netdctl; netd never has any of it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/cleanup.h"
#include "core/etcd/mirror.h"
#include "core/fleet/signature.h"

#define SIGN_E_REFUSED 1 /* *error, in @arena or constant, says why; one line, printable */

/* ---- whom a host believes ---- */

#define SIGN_TRUST_DEFAULT "/etc/netd/keys"
/* Keys of a fleet's admins: more is a wrong folder. */
#define SIGN_KEYS 64u

/* All in an arena. */
struct sign_trust {
	const char *folder;
	bool is_asked_for; /* the folder is there: nothing is believed without a signature */
	unsigned char keys[SIGN_KEYS][FLEET_KEY_BYTES];
	size_t n;
};

/* The public keys in @folder/NAME.pem; NULL: of the default folder, which need not exist. One that
 * exists and is empty believes nobody. A file that holds no such key, or that cannot be read, costs
 * the whole: SIGN_E_REFUSED. 0 or -ENOMEM. */
int sign_trust_read(const char *folder, struct arena *arena, struct sign_trust *ret,
		    const char **error) MUST_CHECK;
/* Whether @text is the signature of @message by somebody who is believed. 0, and message->counter
 * is the signature's; SIGN_E_REFUSED; -ENOMEM. */
struct sign_text {
	const char *bytes;
	size_t len;
};
int sign_check(const struct sign_trust *trust, const struct sign_text *text,
	       struct fleet_message *message, struct arena *arena, const char **error) MUST_CHECK;
/* Whether the policies of the store are what was signed; *ret_counter: with which counter, 0: there
 * is neither a policy nor a signature. As sign_check(). */
int sign_check_store(const struct sign_trust *trust, const struct etcd_mirror *mirror,
		     const char *prefix, struct arena *arena, uint64_t *ret_counter,
		     const char **error) MUST_CHECK;

/* ---- who signs ---- */

struct sign_key;

/* A private key; OpenSSL asks on the terminal for the pass phrase of one that is encrypted. 0,
 * SIGN_E_REFUSED or -ENOMEM. */
int sign_key_read(const char *path, struct arena *arena, struct sign_key **ret,
		  const char **error) MUST_CHECK;
struct sign_key *sign_key_free(struct sign_key *key); /* NULL is fine; returns NULL */
void sign_key_freep(struct sign_key **key);
/* Whoever has a key believes himself: added where it is not one of them, and there is room. */
void sign_trust_add(struct sign_trust *trust, const struct sign_key *key);
/* What PREFIX/policy.signature is to hold; the caller's to free. NULL: no memory. */
char *sign_message(const struct sign_key *key, const struct fleet_message *message) MUST_CHECK;
