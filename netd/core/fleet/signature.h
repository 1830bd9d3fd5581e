/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is signed of a fleet's policies, and the key of the store in which the signature lies. Who
 * signs vouches for all files of the fleet at once, those of all hosts and those of each group: so
 * whoever has the store cannot put together what was never one policy, say the new files of a group
 * with the old ones of all hosts. Ed25519 (RFC 8032) signs this message, a byte string in which
 * each length stands before what has it:
 *
 *     netd fleet policy 1
 *     prefix 4 netd
 *     for 0
 *     counter 1764400000
 *     files 2
 *     file 20 71 groups/edge/dns.yaml
 *     ... 71 bytes, then a newline
 *     file 19 132 policy/10-shop.yaml
 *     ... 132 bytes, then a newline
 *
 * Files are in the order of their names by bytes. The first line tells this from all else that such
 * a key may sign, the prefix tells the fleets of one store apart, and `for` names the group of
 * hosts that alone is meant, as `for 4 edge`; 0: all are. The counter is larger with each
 * signature, so that an older one is not taken for the newest. In PREFIX/policy.signature lies
 *
 *     netd fleet signature 1
 *     counter 1764400000
 *     key (32 bytes in Base64: the public key)
 *     signature (64 bytes in Base64)
 *
 * which one transaction writes with the files. Pure: who computes is edge/sign. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/etcd/mirror.h"
#include "core/policy/policy.h"

#define FLEET_KEY_BYTES 32u
#define FLEET_SIGNATURE_BYTES 64u

struct fleet_signature {
	uint64_t counter;		    /* at least 1 */
	unsigned char key[FLEET_KEY_BYTES]; /* whose it says it is: the one to check it with */
	unsigned char bytes[FLEET_SIGNATURE_BYTES];
};

/* In @arena; NULL: no memory. */
const char *fleet_signature_key(const char *prefix, struct arena *arena) MUST_CHECK;
/* As text for the store: the caller's to free, NULL: no memory. And back, which takes nothing but
 * what the former prints: 0, -EINVAL or -ENOMEM. */
char *fleet_print_signature(const struct fleet_signature *signature) MUST_CHECK;
int fleet_read_signature(const char *bytes, size_t len, struct arena *arena,
			 struct fleet_signature *ret) MUST_CHECK;

/* Every policy file of the store, in the order of the message; "policy/a.yaml",
 * "groups/web/b.yaml", "policy.canary/web/a.yaml". Whatever its key is: a signature says that it is
 * meant. */
struct fleet_files {
	VEC(struct policy_source) sources;
};
/* Texts are borrowed from @mirror. Adds to @ret. 0 or -ENOMEM. */
int fleet_all_files(const struct etcd_mirror *mirror, const char *prefix, struct arena *arena,
		    struct fleet_files *ret) MUST_CHECK;
struct fleet_message {
	const char *prefix, *group; /* group NULL: for all hosts */
	uint64_t counter;
	const struct fleet_files *files;
};
/* The caller's to free, NULL: no memory. */
char *fleet_signed_message(const struct fleet_message *message, size_t *ret_len) MUST_CHECK;
/* The counter of the signature after @last, 0: after none. It is the time where that is later, so
 * that who signs in a store that was restored does not need to know what its hosts have seen. */
uint64_t fleet_next_counter(uint64_t last, int64_t now);
