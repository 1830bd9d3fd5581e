/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The matrix as a table, and as graphs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/out-text.h"

/* Columns and rows beside the tiers. */
static const char *const sources[] = { "host", "internet", "lan" };
static const char *const destinations[] = { "host", "internet", "lan", "dns" };

#define MOST_NAMES 300 /* 256 tiers, those without, and the ends above */

static const char *cell_text(const cJSON *cell, struct arena *arena)
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

/* One side of the table: its names in the order of rows or columns, and sorted to be found. */
struct axis {
	const char *names[MOST_NAMES];
	struct axis_place {
		const char *name;
		size_t place;
	} sorted[MOST_NAMES];
	size_t n;
};

static int by_name(const void *left, const void *right)
{
	const struct axis_place *a = left, *b = right;

	return strcmp(a->name, b->name);
}

/* The place of a name, or MOST_NAMES. */
static size_t axis_find(const struct axis *axis, const char *name)
{
	const struct axis_place wanted = { name, 0 }, *found = NULL;

	if (axis->n)
		found = bsearch(&wanted, axis->sorted, axis->n, sizeof(wanted), by_name);
	return found ? found->place : MOST_NAMES;
}

/* The tiers, then those of @others that occur as @member of some cell. */
static void axis_fill(struct axis *axis, const cJSON *report, const char *member,
		      const char *const *others, size_t n_others)
{
	bool found[ARRAY_LEN(destinations)] = { false };
	const cJSON *item;

	cJSON_ArrayForEach(item, wire_array(report, "tiers"))
		if (axis->n < MOST_NAMES - ARRAY_LEN(destinations) && cJSON_IsString(item))
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

struct grid {
	struct axis from, to;
	const cJSON **cells; /* row by row */
};

static struct grid *grid_new(const cJSON *report, struct arena *arena)
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
		size_t row = axis_find(&grid->from, member_text(cell, "from"));
		size_t column = axis_find(&grid->to, member_text(cell, "to"));
		if (row < MOST_NAMES && column < MOST_NAMES)
			grid->cells[row * grid->to.n + column] = cell;
	}
	return grid;
}

static void show_grid(const struct ctl *ctl, const struct grid *grid, struct arena *arena)
{
	const char *head[MOST_NAMES + 1] = { "FROM \\ TO" }, *row[MOST_NAMES + 1];

	memcpy(head + 1, grid->to.names, grid->to.n * sizeof(*head));
	struct table *table = table_new(ctl, head, grid->to.n + 1);
	for (size_t r = 0; r < grid->from.n; r++) {
		row[0] = grid->from.names[r];
		for (size_t c = 0; c < grid->to.n; c++)
			row[c + 1] = cell_text(grid->cells[r * grid->to.n + c], arena);
		table_row(table, row, PAINT_PLAIN);
	}
	table_print(table);
}

/* Addresses and CIDRs are too many for rows and columns. */
static void show_addresses(const cJSON *report, const struct grid *grid, struct arena *arena)
{
	const cJSON *cell;

	cJSON_ArrayForEach(cell, wire_array(report, "cells")) {
		const char *from = member_text(cell, "from"), *to = member_text(cell, "to");
		if (axis_find(&grid->from, from) == MOST_NAMES ||
		    axis_find(&grid->to, to) == MOST_NAMES)
			printf("%s -> %s  %s\n", from, to, cell_text(cell, arena));
	}
}

void show_matrix(const struct ctl *ctl, const cJSON *report)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct grid *grid = arena ? grid_new(report, arena) : NULL;
	const cJSON *item;

	if (!grid)
		return;
	show_grid(ctl, grid, arena);
	show_addresses(report, grid, arena);
	cJSON_ArrayForEach(item, wire_array(report, "empty_tiers"))
		printf("no container is in tier %s\n", item->valuestring);
}

/* ---- graphs ---- */

/* What a cell may say, and how its arrow is drawn. */
static const struct {
	const char *member, *label, *dot, *mermaid_from, *mermaid_to;
} arrows[] = {
	{ "allow", "", "", "--", "-->" },
	{ "audit", "audit: ", ", style=dashed", "-.", ".->" },
	{ "docker_drops", "Docker drops: ", ", style=dotted, color=gray", "-.", ".-x" },
};

typedef void node_fn(const char *name);
typedef void arrow_fn(const cJSON *cell, size_t arrow, const char *ports);

/* The tiers, also those that nobody reaches, then the arrows; what the host reaches is everything.
 */
static void each_arrow(const cJSON *report, node_fn *node, arrow_fn *print)
{
	static const char *const lists[] = { "tiers", "empty_tiers" };
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const cJSON *cell, *name;

	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		cJSON_ArrayForEach(name, wire_array(report, lists[i]))
			node(cJSON_IsString(name) ? name->valuestring : "");
	cJSON_ArrayForEach(cell, (arena ? wire_array(report, "cells") : NULL)) {
		bool is_host = strcmp(member_text(cell, "from"), "host") == 0;
		for (size_t i = 0; i < ARRAY_LEN(arrows) && !is_host; i++) {
			const cJSON *ports =
				cJSON_GetObjectItemCaseSensitive(cell, arrows[i].member);
			const char *text = ports ? show_port_list(ports, arena) : NULL;
			if (text)
				print(cell, i, text);
		}
	}
}

static void dot_node(const char *name)
{
	printf("  \"%s\";\n", name);
}

static void dot_arrow(const cJSON *cell, size_t arrow, const char *ports)
{
	printf("  \"%s\" -> \"%s\" [label=\"%s%s\"%s];\n", member_text(cell, "from"),
	       member_text(cell, "to"), arrows[arrow].label, ports, arrows[arrow].dot);
}

void show_matrix_dot(const struct ctl *ctl, const cJSON *report)
{
	(void)ctl;
	printf("digraph netd {\n  rankdir=LR;\n  node [shape=box];\n");
	each_arrow(report, dot_node, dot_arrow);
	printf("}\n");
}

/* Everything but letters and digits would be syntax somewhere. */
static void print_id(const char *name)
{
	(void)putchar('n');
	for (; *name; name++) {
		bool plain = (*name >= 'a' && *name <= 'z') || (*name >= '0' && *name <= '9');
		if (plain)
			(void)putchar(*name);
		else
			printf("_%02x", (unsigned char)*name);
	}
}

static void print_node(const char *name)
{
	print_id(name);
	printf("[\"%s\"]", name);
}

static void mermaid_node(const char *name)
{
	printf("  ");
	print_node(name);
	printf("\n");
}

static void mermaid_arrow(const cJSON *cell, size_t arrow, const char *ports)
{
	printf("  ");
	print_node(member_text(cell, "from"));
	printf(" %s \"%s%s\" %s ", arrows[arrow].mermaid_from, arrows[arrow].label, ports,
	       arrows[arrow].mermaid_to);
	print_node(member_text(cell, "to"));
	printf("\n");
}

void show_matrix_mermaid(const struct ctl *ctl, const cJSON *report)
{
	(void)ctl;
	printf("flowchart LR\n");
	each_arrow(report, mermaid_node, mermaid_arrow);
}
