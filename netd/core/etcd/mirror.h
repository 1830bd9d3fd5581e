/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A copy of some of etcd's keys: filled by a range, kept true by the events of a watch that begins
 * one revision later, or renewed now and then by a range of what is newer. It owns its texts.
 * Memory is bounded by what etcd is asked for; an answer that cannot be taken leaves it empty and
 * not current. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/etcd/etcd.h"

struct etcd_mirror {
	struct etcd_key *keys; /* sorted by key, each once */
	size_t n, cap;
	uint64_t cluster_id;
	int64_t revision; /* what is in it is as of then */
	bool is_current;  /* it was filled, and each event since was taken */
};

/* All that there is. 0 or -ENOMEM. */
int etcd_mirror_fill(struct etcd_mirror *mirror, const struct etcd_answer *range) MUST_CHECK;
/* What a watch says. 0 or -ENOMEM. */
int etcd_mirror_follow(struct etcd_mirror *mirror, const struct etcd_answer *watch) MUST_CHECK;
/* What etcd_ask_newer() since mirror->revision says. Each key that there is has not changed since
 * and is in the copy, or is newer; so a copy that has as many then has no other, and is current as
 * of the answer. 0; ETCD_MIRROR_E_STALE: keys have gone, or it is another store or an older one: it
 * is not current, and is to be filled anew; ETCD_MIRROR_E_LARGE: it has become larger than one
 * answer may be, and is empty; -ENOMEM. */
#define ETCD_MIRROR_E_STALE 1
#define ETCD_MIRROR_E_LARGE 2
int etcd_mirror_renew(struct etcd_mirror *mirror, const struct etcd_answer *newer) MUST_CHECK;
/* NULL: there is no such key. Valid until the next change. */
const struct etcd_key *etcd_mirror_find(const struct etcd_mirror *mirror, const char *key);
/* The first key that begins with @prefix, and in *ret_n how many do: they follow it. */
const struct etcd_key *etcd_mirror_below(const struct etcd_mirror *mirror, const char *prefix,
					 size_t *ret_n);
void etcd_mirror_done(struct etcd_mirror *mirror); /* empty then, and not current */
