/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a host runs, in the store: its inventory, as `netdctl inventory` prints it, for whoever
 * wants to know what a policy would change there.
 *
 *     PREFIX/worlds/HOST     a head of four lines, then the inventory, packed by zlib
 *
 *     netd inventory 1
 *     groups 2 edge web
 *     digest 0123456789abcdef
 *     bytes 18234
 *
 * The groups are the host's, since they decide which policies are its own; the digest is that of
 * the head's second line and the inventory, and stands in the host's record too: so one that is not
 * the newest shows. The key lies behind all that hosts and netdctl keep a copy of, and under no
 * lease: a host that is away comes back, and will then have what was planned without it.
 *
 * Pure. Who reads it must not trust it: each host writes its own. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/cleanup.h"

struct fleet_inventory {
	const char *const *groups;
	size_t n_groups;
	uint64_t digest;
	size_t len; /* of the inventory when it is unpacked, at most LIMIT_FLEET_INVENTORY */
	const char *packed;
	size_t packed_len;
};

/* In @arena; NULL: no memory. With "" for the host: what all of them begin with. */
const char *fleet_inventory_key(const char *prefix, const char *host,
				struct arena *arena) MUST_CHECK;
uint64_t fleet_inventory_digest(const char *const *groups, size_t n_groups, const char *text,
				size_t len);
/* As it lies in the store, *ret_len bytes: the caller's to free, NULL: no memory. */
char *fleet_print_inventory(const struct fleet_inventory *inventory, size_t *ret_len) MUST_CHECK;
/* And back, which takes nothing but what the former prints. Texts live in @arena, what is packed is
 * borrowed from @bytes. 0; -EINVAL or -ENOMEM. */
int fleet_read_inventory(const char *bytes, size_t len, struct arena *arena,
			 struct fleet_inventory *ret) MUST_CHECK;
