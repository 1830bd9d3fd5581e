/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/etcd/mirror.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/limits.h"
#include "core/base/text.h"

static void free_key(struct etcd_key *key)
{
	free((void *)(uintptr_t)key->key);
	free((void *)(uintptr_t)key->value);
	*key = (struct etcd_key){ 0 };
}

void etcd_mirror_done(struct etcd_mirror *mirror)
{
	for (size_t i = 0; i < mirror->n; i++)
		free_key(&mirror->keys[i]);
	free(mirror->keys);
	*mirror = (struct etcd_mirror){ 0 };
}

/* With a NUL behind. NULL: no memory. */
static char *copy_bytes(const char *bytes, size_t len)
{
	char *copy = malloc(len + 1);

	if (!copy)
		return NULL;
	memcpy(copy, bytes, len);
	copy[len] = '\0';
	return copy;
}

/* 0 or -ENOMEM. */
static int copy_key(const struct etcd_key *key, struct etcd_key *ret)
{
	struct etcd_key copy = *key;

	copy.key = copy_bytes(key->key, strlen(key->key));
	copy.value = copy_bytes(key->value, key->len);
	if (!copy.key || !copy.value) {
		free_key(&copy);
		return -ENOMEM;
	}
	*ret = copy;
	return 0;
}

/* Where it is, or would be. */
static size_t position_of(const struct etcd_mirror *mirror, const char *key, bool *ret_found)
{
	size_t low = 0, high = mirror->n;

	*ret_found = false;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(mirror->keys[middle].key, key);
		if (order == 0) {
			*ret_found = true;
			return middle;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int make_room(struct etcd_mirror *mirror)
{
	if (mirror->n < mirror->cap)
		return 0;
	size_t cap = mirror->cap > 0 ? 2 * mirror->cap : 16;
	struct etcd_key *keys = realloc(mirror->keys, cap * sizeof(*keys));
	if (!keys)
		return -ENOMEM;
	mirror->keys = keys;
	mirror->cap = cap;
	return 0;
}

static int put(struct etcd_mirror *mirror, const struct etcd_key *key)
{
	struct etcd_key copy;
	bool found;
	size_t at = position_of(mirror, key->key, &found);
	int r = make_room(mirror);

	if (r == 0)
		r = copy_key(key, &copy);
	if (r < 0)
		return r;
	if (found) {
		free_key(&mirror->keys[at]);
	} else {
		memmove(mirror->keys + at + 1, mirror->keys + at,
			(mirror->n - at) * sizeof(*mirror->keys));
		mirror->n++;
	}
	mirror->keys[at] = copy;
	return 0;
}

static void take_out(struct etcd_mirror *mirror, const char *key)
{
	bool found;
	size_t at = position_of(mirror, key, &found);

	if (!found)
		return;
	free_key(&mirror->keys[at]);
	mirror->n--;
	memmove(mirror->keys + at, mirror->keys + at + 1, (mirror->n - at) * sizeof(*mirror->keys));
}

static int take(struct etcd_mirror *mirror, const struct etcd_answer *answer)
{
	for (size_t i = 0; i < answer->n_keys; i++) {
		if (answer->keys[i].is_deleted) {
			take_out(mirror, answer->keys[i].key);
			continue;
		}
		int r = put(mirror, &answer->keys[i]);
		if (r < 0) {
			etcd_mirror_done(mirror);
			return r;
		}
	}
	mirror->revision = answer->revision;
	return 0;
}

int etcd_mirror_fill(struct etcd_mirror *mirror, const struct etcd_answer *range)
{
	etcd_mirror_done(mirror);
	mirror->cluster_id = range->cluster_id;
	mirror->is_current = true;
	return take(mirror, range);
}

int etcd_mirror_follow(struct etcd_mirror *mirror, const struct etcd_answer *watch)
{
	return take(mirror, watch);
}

static size_t bytes_of(const struct etcd_mirror *mirror)
{
	size_t bytes = 0;

	for (size_t i = 0; i < mirror->n; i++)
		bytes += strlen(mirror->keys[i].key) + mirror->keys[i].len;
	return bytes;
}

int etcd_mirror_renew(struct etcd_mirror *mirror, const struct etcd_answer *newer)
{
	if (!mirror->is_current || newer->cluster_id != mirror->cluster_id ||
	    newer->revision < mirror->revision) {
		mirror->is_current = false;
		return ETCD_MIRROR_E_STALE;
	}
	int r = take(mirror, newer);
	if (r < 0)
		return r;
	if (bytes_of(mirror) > LIMIT_ETCD_BYTES) {
		etcd_mirror_done(mirror);
		return ETCD_MIRROR_E_LARGE;
	}
	mirror->is_current = newer->count >= 0 && (uint64_t)newer->count == mirror->n;
	return mirror->is_current ? 0 : ETCD_MIRROR_E_STALE;
}

const struct etcd_key *etcd_mirror_find(const struct etcd_mirror *mirror, const char *key)
{
	bool found;
	size_t at = position_of(mirror, key, &found);

	return found ? &mirror->keys[at] : NULL;
}

const struct etcd_key *etcd_mirror_below(const struct etcd_mirror *mirror, const char *prefix,
					 size_t *ret_n)
{
	bool found;
	size_t first = position_of(mirror, prefix, &found), n = 0;

	while (first + n < mirror->n && text_begins(mirror->keys[first + n].key, prefix))
		n++;
	*ret_n = n;
	return n > 0 ? &mirror->keys[first] : NULL;
}
