/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The elements of a set: packed, put in order, looked up. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/base/text.h"
#include "core/ruleset/order.h"

static struct rs_key key_of(const struct rs_set *set, const uint8_t *bytes)
{
	struct rs_key key = { .len = set->key_len };

	memcpy(key.bytes, bytes, set->key_len);
	return key;
}

struct rs_elem rs_set_elem(const struct rs_set *set, size_t i)
{
	struct rs_elem elem = { .key = key_of(set, rs_elem_key(set, i)),
				.outcome = rs_elem_outcome(set, i) };

	if (set->interval)
		elem.last = key_of(set, rs_elem_last(set, i));
	return elem;
}

/* ---- adding ---- */

/* Why the set cannot hold it, "" when it can; NULL: out of memory. */
static const char *find_misfit(const struct rs_set *set, const struct rs_elem *elem,
			       struct arena *arena)
{
	if (elem->key.len != set->key_len)
		return arena_printf(arena, "key of %u bytes, not %u", elem->key.len, set->key_len);
	if (elem->last.len && (!set->interval || elem->last.len != set->key_len))
		return "not a range";
	if (!set->map && elem->outcome.verdict != RS_CONTINUE)
		return "element with a verdict";
	return "";
}

/* Where an outcome is in the map's index, or where it would be: open addressing, and never full. */
static uint32_t *index_slot(const struct rs_set *set, const struct rs_outcome *outcome)
{
	size_t mask = set->cap_index - 1;
	size_t i = hash_text(outcome->target ? outcome->target : "") + outcome->verdict;

	for (i &= mask; set->index[i]; i = (i + 1) & mask)
		if (rs_same_outcome(&set->outcomes.items[set->index[i] - 1], outcome))
			break;
	return &set->index[i];
}

static int grow_index(struct ruleset *rs, struct rs_set *set)
{
	if (2 * (set->outcomes.n + 1) <= set->cap_index)
		return 0;
	size_t cap = set->cap_index ? 2 * set->cap_index : 16;
	uint32_t *index = arena_alloc(rs->arena, cap * sizeof(*index));
	if (!index)
		return -ENOMEM;
	set->index = index;
	set->cap_index = cap;
	for (size_t i = 0; i < set->outcomes.n; i++)
		*index_slot(set, &set->outcomes.items[i]) = (uint32_t)i + 1;
	return 0;
}

/* Where an element goes, as the place of that outcome among those of its map. */
static int find_outcome(struct ruleset *rs, struct rs_set *set, const struct rs_outcome *outcome,
			uint16_t *ret)
{
	if (grow_index(rs, set) < 0)
		return -ENOMEM;
	uint32_t *slot = index_slot(set, outcome);
	if (!*slot) {
		if (set->outcomes.n > UINT16_MAX ||
		    VEC_PUSH(rs->arena, &set->outcomes, *outcome) < 0)
			return -ENOMEM;
		*slot = (uint32_t)set->outcomes.n;
	}
	*ret = (uint16_t)(*slot - 1);
	return 0;
}

static int pack(struct ruleset *rs, struct rs_set *set, const struct rs_elem *elem)
{
	const struct rs_key *last = elem->last.len ? &elem->last : &elem->key;
	uint8_t *at = set->packed + set->n_elems * rs_set_stride(set);
	uint16_t place;

	memcpy(at, elem->key.bytes, set->key_len);
	at += set->key_len;
	if (set->interval) {
		memcpy(at, last->bytes, set->key_len);
		at += set->key_len;
	}
	if (set->map) {
		int r = find_outcome(rs, set, &elem->outcome, &place);
		if (r < 0)
			return r;
		memcpy(at, &place, sizeof(place));
	}
	set->n_elems++;
	return 0;
}

int ruleset_add_elem(struct ruleset *rs, struct rs_set *set, const struct rs_elem *elem)
{
	const char *misfit = find_misfit(set, elem, rs->arena);
	void *items = set->packed;

	if (!misfit)
		return -ENOMEM;
	if (*misfit) {
		set->misfit = misfit;
		return 0;
	}
	int r = arena_vec_grow(rs->arena, &items, set->n_elems, &set->cap_elems,
			       rs_set_stride(set));
	if (r < 0)
		return r;
	set->packed = items;
	return pack(rs, set, elem);
}

/* ---- order ---- */

static int by_key(const void *left, const void *right, void *set)
{
	return memcmp(left, right, ((const struct rs_set *)set)->key_len);
}

/* The compiler mostly adds them in order. */
static bool is_sorted(const struct rs_set *set)
{
	for (size_t i = 1; i < set->n_elems; i++)
		if (memcmp(rs_elem_key(set, i - 1), rs_elem_key(set, i), set->key_len) >= 0)
			return false;
	return true;
}

void rs_elems_sort(struct rs_set *set)
{
	size_t stride = rs_set_stride(set), n = 0;

	if (is_sorted(set))
		return;
	qsort_r(set->packed, set->n_elems, stride, by_key, set);
	for (size_t i = 0; i < set->n_elems; i++)
		if (n == 0 || !rs_same_elem(set, n - 1, set, i))
			memmove(set->packed + n++ * stride, rs_elem_key(set, i), stride);
	set->n_elems = n;
}

/* The first element whose key is greater. */
static size_t range_bound(const struct rs_set *set, const struct rs_key *key)
{
	size_t lo = 0, hi = set->n_elems;

	while (lo < hi) {
		size_t middle = lo + (hi - lo) / 2;
		if (memcmp(rs_elem_key(set, middle), key->bytes, set->key_len) <= 0)
			lo = middle + 1;
		else
			hi = middle;
	}
	return lo;
}

ptrdiff_t rs_set_find(const struct rs_set *set, const struct rs_key *key)
{
	size_t after = key->len == set->key_len ? range_bound(set, key) : 0;

	if (after == 0 || memcmp(key->bytes, rs_elem_last(set, after - 1), set->key_len) > 0)
		return -1;
	return (ptrdiff_t)after - 1;
}
