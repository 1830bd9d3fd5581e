/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A sealed ruleset once more, with other elements in some of its sets (its chains: again-chains.c).
 */
#include <errno.h>
#include <string.h>

#include "core/base/sort.h"
#include "core/ruleset/order.h"

/* ---- chains: those with the stamp in them are the ruleset's own ---- */

static bool has_stamp(const struct rs_chain *chain)
{
	for (size_t i = 0; i < chain->rules.n; i++) {
		const struct rs_rule *rule = &chain->rules.items[i];
		if (rule->mark && rule->mark->is_stamp)
			return true;
		for (size_t m = 0; m < rule->n_matches; m++)
			if (rule->matches[m].is_stamp)
				return true;
	}
	return false;
}

static struct rs_chain *copy_chain(struct ruleset *rs, const struct rs_chain *from)
{
	struct rs_chain *chain = arena_dup(rs->arena, from, sizeof(*from));

	if (!chain)
		return NULL;
	memset(&chain->rules, 0, sizeof(chain->rules));
	for (size_t i = 0; i < from->rules.n; i++)
		if (ruleset_add_rule(rs, chain, &from->rules.items[i]) < 0)
			return NULL;
	return chain;
}

static void replace_chain(struct rs_table *table, const struct rs_chain *old, struct rs_chain *new)
{
	ptrdiff_t at = rs_chain_index(table, old->name);

	table->by_name[at] = new;
	table->at[table->places[at] - 1] = new;
	for (size_t i = 0; i < table->bases.n; i++)
		if (table->bases.items[i] == old)
			table->bases.items[i] = new;
}

/* Without room for more: that is the other one's. */
#define COPY_VEC(arena, v)  \
	((v)->cap = (v)->n, \
	 (v)->items = arena_dup((arena), (v)->items, (v)->n * sizeof(*(v)->items)))

static int copy_arrays(struct rs_table *table, struct arena *arena)
{
	size_t n = table->chains.n;

	table->by_name = arena_dup(arena, table->by_name, n * sizeof(*table->by_name));
	table->places = arena_dup(arena, table->places, n * sizeof(*table->places));
	table->at = arena_dup(arena, table->at, table->n_at * sizeof(*table->at));
	return COPY_VEC(arena, &table->sets) && COPY_VEC(arena, &table->counters) &&
			       COPY_VEC(arena, &table->chains) && COPY_VEC(arena, &table->bases) &&
			       table->by_name && table->places && table->at
		       ? 0
		       : -ENOMEM;
}

static int copy_table(struct ruleset *rs, struct rs_table *table)
{
	if (copy_arrays(table, rs->arena) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < table->chains.n; i++) {
		struct rs_chain *old = table->chains.items[i];
		struct rs_chain *own = has_stamp(old) ? copy_chain(rs, old) : old;
		if (!own)
			return -ENOMEM;
		table->chains.items[i] = own;
		if (own != old)
			replace_chain(table, old, own);
	}
	return 0;
}

struct ruleset *ruleset_again(const struct ruleset *from, struct arena *arena)
{
	struct ruleset *rs = arena_dup(arena, from, sizeof(*from));

	if (!rs)
		return NULL;
	rs->arena = arena;
	memset(&rs->stamped, 0, sizeof(rs->stamped));
	for (int family = 0; family < RS_FAMILY_COUNT; family++)
		if (copy_table(rs, &rs->tables[family]) < 0)
			return NULL;
	return rs;
}

/* ---- sets ---- */

/* Of the first @n elements the first whose key does not begin with less; @n: all do. */
static size_t prefix_bound(const struct rs_set *set, const uint8_t *prefix, size_t len, size_t n)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t middle = lo + (hi - lo) / 2;
		if (memcmp(rs_elem_key(set, middle), prefix, len) < 0)
			lo = middle + 1;
		else
			hi = middle;
	}
	return lo;
}

static size_t prefix_end(const struct rs_set *set, size_t i, const uint8_t *prefix, size_t len)
{
	while (i < set->n_elems && memcmp(rs_elem_key(set, i), prefix, len) == 0)
		i++;
	return i;
}

static void take_place(struct ruleset *rs, enum rs_family family, struct rs_set *set)
{
	struct rs_table *table = &rs->tables[family];

	table->sets.items[rs_set_place(table, set->name) - 1] = set;
}

static void append(struct rs_set *to, const struct rs_set *from, size_t first, size_t last)
{
	size_t stride = rs_set_stride(from);

	if (last > first)
		memcpy(to->packed + to->n_elems * stride, from->packed + first * stride,
		       (last - first) * stride);
	to->n_elems += last - first;
}

struct rs_set *ruleset_own_set(struct ruleset *rs, enum rs_family family, const struct rs_set *from,
			       const struct rs_prefixes *without)
{
	enum { ROOM = 16 }; /* for some elements more */
	struct rs_set *set = arena_dup(rs->arena, from, sizeof(*from));
	size_t at = 0;

	if (!set)
		return NULL;
	set->n_elems = 0;
	set->cap_elems = from->n_elems + ROOM;
	set->packed = arena_room(rs->arena, set->cap_elems * rs_set_stride(from));
	set->outcomes.items = arena_dup(rs->arena, from->outcomes.items,
					from->outcomes.cap * sizeof(*from->outcomes.items));
	set->index = arena_dup(rs->arena, from->index, from->cap_index * sizeof(*from->index));
	if (!set->packed || !set->outcomes.items || !set->index)
		return NULL;
	for (size_t k = 0; k < without->n; k++) {
		const uint8_t *prefix = without->bytes + k * without->len;
		size_t first = prefix_bound(from, prefix, without->len, from->n_elems);
		if (first < at) /* the same one again */
			continue;
		append(set, from, at, first);
		at = prefix_end(from, first, prefix, without->len);
	}
	append(set, from, at, from->n_elems);
	set->n_settled = set->n_elems;
	take_place(rs, family, set);
	return set;
}

struct rs_set *ruleset_empty_set(struct ruleset *rs, enum rs_family family,
				 const struct rs_set *from)
{
	struct rs_set *set = arena_dup(rs->arena, from, sizeof(*from));

	if (!set)
		return NULL;
	set->n_elems = set->cap_elems = set->n_settled = 0;
	set->packed = NULL;
	memset(&set->outcomes, 0, sizeof(set->outcomes));
	set->index = NULL;
	set->cap_index = 0;
	set->last_place = 0;
	take_place(rs, family, set);
	return set;
}

/* From behind, so that each element moves once. True: some key is there twice. */
static bool merge(struct rs_set *set, const uint8_t *added, size_t n_added)
{
	size_t stride = rs_set_stride(set), end = set->n_settled;
	bool twice = false;

	for (size_t k = n_added; k > 0; k--) {
		const uint8_t *item = added + (k - 1) * stride;
		size_t at = prefix_bound(set, item, set->key_len, end);
		twice |= at < end && memcmp(rs_elem_key(set, at), item, set->key_len) == 0;
		twice |= k < n_added && memcmp(item + stride, item, set->key_len) == 0;
		memmove(set->packed + (at + k) * stride, set->packed + at * stride,
			(end - at) * stride);
		memcpy(set->packed + (at + k - 1) * stride, item, stride);
		end = at;
	}
	return twice;
}

/* False: some chain is not there. */
static bool link_outcomes(const struct rs_table *table, struct rs_set *set)
{
	bool all = true;

	for (size_t i = 0; i < set->outcomes.n; i++) {
		struct rs_outcome *outcome = &set->outcomes.items[i];
		ptrdiff_t chain = rs_chain_index(table, outcome->target);
		all &= chain >= 0;
		outcome->chain = chain < 0 ? 0 : table->places[chain];
		if (chain >= 0) /* whose name lives as long as what all borrow from */
			outcome->target = table->by_name[chain]->name;
	}
	return all;
}

/* Outcomes that no element has any more are forgotten: their chains may be gone. */
static int drop_unused_outcomes(struct ruleset *rs, struct rs_set *set)
{
	const struct rs_outcome *old = set->outcomes.items;
	uint32_t *kept = arena_alloc(rs->arena, set->outcomes.n * sizeof(*kept));
	size_t stride = rs_set_stride(set);

	if (!kept)
		return -ENOMEM;
	memset(&set->outcomes, 0, sizeof(set->outcomes));
	set->index = NULL;
	set->cap_index = 0;
	set->last_place = 0;
	for (size_t i = 0; i < set->n_elems; i++) {
		uint8_t *at = set->packed + (i + 1) * stride - RS_OUTCOME_BYTES;
		uint16_t place;
		memcpy(&place, at, sizeof(place));
		if (!kept[place]) {
			if (VEC_PUSH(rs->arena, &set->outcomes, old[place]) < 0)
				return -ENOMEM;
			kept[place] = (uint32_t)set->outcomes.n;
		}
		place = (uint16_t)(kept[place] - 1);
		memcpy(at, &place, sizeof(place));
	}
	return 0;
}

int ruleset_settle_set(struct ruleset *rs, enum rs_family family, struct rs_set *set)
{
	const struct rs_table *table = &rs->tables[family];
	size_t stride = rs_set_stride(set), n = set->n_elems - set->n_settled;
	uint8_t *added = arena_dup(rs->arena, set->packed + set->n_settled * stride, n * stride);

	if (!added)
		return -ENOMEM;
	sort_by_bytes(added, n, stride, set->key_len);
	bool fault = merge(set, added, n) || set->misfit;
	if (link_outcomes(table, set))
		return fault;
	if (drop_unused_outcomes(rs, set) < 0)
		return -ENOMEM;
	return fault || !link_outcomes(table, set);
}
