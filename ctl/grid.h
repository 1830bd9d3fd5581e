/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The matrix of a report as rows and columns: who, to whom, and what their cell says. */
#pragma once

#include "ctl/out-text.h"

#define GRID_NAMES 300 /* 256 tiers, those without, and host, internet, lan and dns */

struct grid {
	/* One side of it: its names in the order of rows or columns, and sorted to be found. */
	struct axis {
		const char *names[GRID_NAMES];
		struct axis_place {
			const char *name;
			size_t place;
		} sorted[GRID_NAMES];
		size_t n;
	} from, to;
	const cJSON **cells; /* row by row */
};

/* Borrows from @report. NULL: out of memory. */
const struct grid *grid_new(const cJSON *report, struct arena *arena);
/* The place of a name, or GRID_NAMES: addresses and CIDRs are too many for rows and columns. */
size_t grid_find(const struct axis *axis, const char *name);
/* "443/tcp (audit: 80/tcp)", "-" for nothing; "" for a cell that there is not, or out of memory. */
const char *grid_cell_text(const cJSON *cell, struct arena *arena);
