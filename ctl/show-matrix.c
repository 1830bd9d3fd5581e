/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The matrix as a table, and as graphs. */
#include <stdio.h>
#include <string.h>

#include "ctl/grid.h"

static void show_grid(const struct ctl *ctl, const struct grid *grid, struct arena *arena)
{
	const char *head[GRID_NAMES + 1] = { "FROM \\ TO" }, *row[GRID_NAMES + 1];

	memcpy(head + 1, grid->to.names, grid->to.n * sizeof(*head));
	struct table *table = table_new(ctl, head, grid->to.n + 1);
	for (size_t r = 0; r < grid->from.n; r++) {
		row[0] = grid->from.names[r];
		for (size_t c = 0; c < grid->to.n; c++)
			row[c + 1] = grid_cell_text(grid->cells[r * grid->to.n + c], arena);
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
		if (grid_find(&grid->from, from) == GRID_NAMES ||
		    grid_find(&grid->to, to) == GRID_NAMES)
			printf("%s -> %s  %s\n", from, to, grid_cell_text(cell, arena));
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
