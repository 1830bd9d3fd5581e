/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A copy of some of etcd's keys: filled by a range, kept true by the events of a watch that begins
 * one revision later. It owns its texts. Memory is bounded by what etcd is asked for; an answer
 * that cannot be taken leaves it empty and not current. */
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
/* NULL: there is no such key. Valid until the next change. */
const struct etcd_key *etcd_mirror_find(const struct etcd_mirror *mirror, const char *key);
/* The first key that begins with @prefix, and in *ret_n how many do: they follow it. */
const struct etcd_key *etcd_mirror_below(const struct etcd_mirror *mirror, const char *prefix,
					 size_t *ret_n);
void etcd_mirror_done(struct etcd_mirror *mirror); /* empty then, and not current */
