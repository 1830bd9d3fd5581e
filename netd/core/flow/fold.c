/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/flow/fold.h"

static size_t place(uint64_t kind, size_t row)
{
	return (row ? kind >> 32 : kind) % FLOW_FOLD_PLACES;
}

unsigned int flow_fold_count(const struct flow_fold *fold, uint64_t kind)
{
	unsigned int a = fold->rows[0][place(kind, 0)], b = fold->rows[1][place(kind, 1)];

	return a < b ? a : b;
}

/* A counter that is full stays so: nothing that it counts is told apart any more. */
void flow_fold_add(struct flow_fold *fold, uint64_t kind)
{
	for (size_t row = 0; row < 2; row++)
		if (fold->rows[row][place(kind, row)] < UINT16_MAX)
			fold->rows[row][place(kind, row)]++;
}

void flow_fold_remove(struct flow_fold *fold, uint64_t kind)
{
	for (size_t row = 0; row < 2; row++) {
		uint16_t *n = &fold->rows[row][place(kind, row)];
		if (*n > 0 && *n < UINT16_MAX)
			(*n)--;
	}
}
