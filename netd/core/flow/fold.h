/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How many of a kind are kept, for every kind at once, in a table that does not grow: two counters
 * for each kind, of which the smaller one counts. Two kinds that share both are folded too early,
 * which costs a name. Private to core/flow. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FLOW_FOLD_PLACES 65536u

struct flow_fold {
	uint16_t rows[2][FLOW_FOLD_PLACES];
};

/* @kind: a hash. */
unsigned int flow_fold_count(const struct flow_fold *fold, uint64_t kind);
void flow_fold_add(struct flow_fold *fold, uint64_t kind);
void flow_fold_remove(struct flow_fold *fold, uint64_t kind);
