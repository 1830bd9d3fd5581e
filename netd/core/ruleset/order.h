/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private to core/ruleset: how the elements of a set are packed, the one order of a sealed ruleset,
 * and the look-ups and comparisons that rest on that order. Keys are in the byte order in which the
 * kernel compares them; the order is that of memcmp(). */
#pragma once

#include <stddef.h>

#include "core/ruleset/ruleset.h"

/* How elements are packed, one after the other: the key; the last value in an interval set; in a
 * map the place of the outcome among set->outcomes. */
#define RS_OUTCOME_BYTES sizeof(uint16_t)

static inline size_t rs_set_stride(const struct rs_set *set)
{
	return set->key_len * (set->interval ? 2u : 1u) + (set->map ? RS_OUTCOME_BYTES : 0);
}

static inline const uint8_t *rs_elem_key(const struct rs_set *set, size_t i)
{
	return set->packed + i * rs_set_stride(set);
}

/* The key, where no last value is kept. */
static inline const uint8_t *rs_elem_last(const struct rs_set *set, size_t i)
{
	return rs_elem_key(set, i) + (set->interval ? set->key_len : 0);
}

struct rs_outcome rs_elem_outcome(const struct rs_set *set, size_t i);
/* By key; elements that say the same become one. */
void rs_elems_sort(struct rs_set *set);
/* Sets, counters and the index of chains by name, with their places; doubled counters go. 0 or
 * -ENOMEM. */
int rs_table_sort(struct rs_table *table, struct arena *arena) MUST_CHECK;
/* Two parts of it: table->by_name alone, 0 or -ENOMEM; the counters. */
int rs_chains_sort(struct rs_table *table, struct arena *arena) MUST_CHECK;
void rs_counters_sort(struct rs_table *table);
/* As rs_set_at() takes it. */
uint32_t rs_set_place(const struct rs_table *table, const char *name);
/* Where it is in table->by_name, or -1. */
ptrdiff_t rs_chain_index(const struct rs_table *table, const char *name);
/* As rs_chain_at() takes it. */
uint32_t rs_chain_place(const struct rs_table *table, const char *name);
bool rs_same_outcome(const struct rs_outcome *a, const struct rs_outcome *b);
/* Elements of two sets of the same shape; all elements of two. */
bool rs_same_elem(const struct rs_set *a, size_t i, const struct rs_set *b, size_t j);
bool rs_same_elems(const struct rs_set *a, const struct rs_set *b);
bool rs_same_shape(const struct rs_set *a, const struct rs_set *b); /* types and kind */
bool rs_same_base(const struct rs_base *a, const struct rs_base *b);
bool rs_same_rules(const struct rs_chain *a, const struct rs_chain *b);
bool rs_same_table(const struct rs_table *a, const struct rs_table *b);
/* Whether an element more in the set can deny what passes without it. */
bool rs_set_may_deny(const struct rs_table *table, const struct rs_set *set);
