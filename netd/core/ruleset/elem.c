/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The elements of a set: packed, put in order, looked up. */
#include <errno.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/base/sort.h"
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

/* What an element is made of; last and outcome may be NULL: the key alone, no verdict. */
struct elem_parts {
	const struct rs_key *key, *last;
	const struct rs_outcome *outcome;
};

static bool fits(const struct rs_set *set, const struct elem_parts *parts)
{
	return parts->key->len == set->key_len &&
	       (!parts->last || (set->interval && parts->last->len == set->key_len)) &&
	       (set->map || !parts->outcome || parts->outcome->verdict == RS_CONTINUE);
}

/* NULL: out of memory. */
static const char *find_misfit(const struct rs_set *set, const struct elem_parts *parts,
			       struct arena *arena)
{
	if (parts->key->len != set->key_len)
		return arena_printf(arena, "key of %u bytes, not %u", parts->key->len,
				    set->key_len);
	return parts->last ? "not a range" : "element with a verdict";
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

/* Where an element goes, as the place of that outcome among those of its map. Neighbours mostly go
 * where the one before them went. */
static int find_outcome(struct ruleset *rs, struct rs_set *set, const struct rs_outcome *outcome,
			uint16_t *ret)
{
	const struct rs_outcome *before = set->outcomes.n ? &set->outcomes.items[*ret] : NULL;

	if (before && before->verdict == outcome->verdict && before->target == outcome->target)
		return 0;
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

static int pack(struct ruleset *rs, struct rs_set *set, const struct elem_parts *parts)
{
	static const struct rs_outcome none;
	uint8_t *at = set->packed + set->n_elems * rs_set_stride(set);

	memcpy(at, parts->key->bytes, set->key_len);
	at += set->key_len;
	if (set->interval) {
		memcpy(at, (parts->last ? parts->last : parts->key)->bytes, set->key_len);
		at += set->key_len;
	}
	if (set->map) {
		int r = find_outcome(rs, set, parts->outcome ? parts->outcome : &none,
				     &set->last_place);
		if (r < 0)
			return r;
		memcpy(at, &set->last_place, sizeof(set->last_place));
	}
	set->n_elems++;
	return 0;
}

static int add(struct ruleset *rs, struct rs_set *set, const struct elem_parts *parts)
{
	if (!fits(set, parts)) {
		set->misfit = find_misfit(set, parts, rs->arena);
		return set->misfit ? 0 : -ENOMEM;
	}
	if (set->n_elems == set->cap_elems) {
		void *items = set->packed;
		int r = arena_vec_grow(rs->arena, &items, set->n_elems, &set->cap_elems,
				       rs_set_stride(set));
		if (r < 0)
			return r;
		set->packed = items;
	}
	return pack(rs, set, parts);
}

int ruleset_add_elem(struct ruleset *rs, struct rs_set *set, const struct rs_elem *elem)
{
	const struct elem_parts parts = { &elem->key, elem->last.len ? &elem->last : NULL,
					  &elem->outcome };

	return add(rs, set, &parts);
}

int ruleset_add_key(struct ruleset *rs, struct rs_set *set, const struct rs_key *key,
		    const struct rs_outcome *outcome)
{
	return add(rs, set, &(struct elem_parts){ .key = key, .outcome = outcome });
}

/* ---- order ---- */

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

	set->ascending = is_sorted(set);
	if (set->ascending)
		return;
	sort_by_bytes(set->packed, set->n_elems, stride, set->key_len);
	for (size_t i = 0; i < set->n_elems; i++)
		if (n == 0 || !rs_same_elem(set, n - 1, set, i)) {
			if (n != i)
				memcpy(set->packed + n * stride, rs_elem_key(set, i), stride);
			n++;
		}
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
