/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/grid.h"

#include <stdlib.h>
#include <string.h>

/* Columns and rows beside the tiers. */
static const char *const sources[] = { "host", "internet", "lan", "hosts" };
static const char *const destinations[] = { "host", "internet", "lan", "hosts", "dns" };

const char *grid_cell_text(const cJSON *cell, struct arena *arena)
{
	static const struct {
		const char *member, *before, *after;
	} kinds[] = {
		{ "allow", "", "" },
		{ "audit", "(audit: ", ")" },
		{ "docker_drops", "[Docker drops: ", "]" },
	};
	const char *text = "";

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		const cJSON *object = cJSON_GetObjectItemCaseSensitive(cell, kinds[i].member);
		const char *ports = object ? show_port_list(object, arena) : NULL;
		const char *gap = *text ? " " : "";
		if (!ports)
			continue;
		text = arena_printf(arena, "%s%s%s%s%s", text, gap, kinds[i].before, ports,
				    kinds[i].after);
		if (!text)
			return "";
	}
	return *text ? text : cell ? "-" : "";
}

static int by_name(const void *left, const void *right)
{
	const struct axis_place *a = left, *b = right;

	return strcmp(a->name, b->name);
}

size_t grid_find(const struct axis *axis, const char *name)
{
	const struct axis_place wanted = { name, 0 }, *found = NULL;

	if (axis->n)
		found = bsearch(&wanted, axis->sorted, axis->n, sizeof(wanted), by_name);
	return found ? found->place : GRID_NAMES;
}

/* The tiers, then those of @others that occur as @member of some cell. */
static void axis_fill(struct axis *axis, const cJSON *report, const char *member,
		      const char *const *others, size_t n_others)
{
	bool found[ARRAY_LEN(destinations)] = { false };
	const cJSON *item;

	cJSON_ArrayForEach(item, wire_array(report, "tiers"))
		if (axis->n < GRID_NAMES - ARRAY_LEN(destinations) && cJSON_IsString(item))
			axis->names[axis->n++] = item->valuestring;
	cJSON_ArrayForEach(item, wire_array(report, "cells"))
		for (size_t i = 0; i < n_others; i++)
			found[i] |= strcmp(member_text(item, member), others[i]) == 0;
	for (size_t i = 0; i < n_others; i++)
		if (found[i])
			axis->names[axis->n++] = others[i];
	for (size_t i = 0; i < axis->n; i++)
		axis->sorted[i] = (struct axis_place){ axis->names[i], i };
	if (axis->n)
		qsort(axis->sorted, axis->n, sizeof(axis->sorted[0]), by_name);
}

const struct grid *grid_new(const cJSON *report, struct arena *arena)
{
	struct grid *grid = arena_alloc(arena, sizeof(*grid));
	const cJSON *cell;

	if (!grid)
		return NULL;
	axis_fill(&grid->from, report, "from", sources, ARRAY_LEN(sources));
	axis_fill(&grid->to, report, "to", destinations, ARRAY_LEN(destinations));
	grid->cells = arena_alloc(arena, grid->from.n * grid->to.n * sizeof(*grid->cells));
	if (!grid->cells)
		return NULL;
	cJSON_ArrayForEach(cell, wire_array(report, "cells")) {
		size_t row = grid_find(&grid->from, member_text(cell, "from"));
		size_t column = grid_find(&grid->to, member_text(cell, "to"));
		if (row < GRID_NAMES && column < GRID_NAMES)
			grid->cells[row * grid->to.n + column] = cell;
	}
	return grid;
}
