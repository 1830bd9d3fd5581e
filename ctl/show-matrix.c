/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The matrix as a table, and as graphs. */
#include <stdio.h>
#include <string.h>

#include "ctl/out-text.h"

/* Columns and rows beside the tiers. */
static const char *const sources[] = { "host", "internet", "lan" };
static const char *const destinations[] = { "host", "internet", "lan", "dns" };

#define MOST_COLUMNS 300 /* 256 tiers, those without, and the ends above */

static const cJSON *find_cell(const cJSON *report, const char *from, const char *to)
{
	const cJSON *cell;

	cJSON_ArrayForEach(cell, wire_array(report, "cells"))
		if (strcmp(member_text(cell, "from"), from) == 0 &&
		    strcmp(member_text(cell, "to"), to) == 0)
			return cell;
	return NULL;
}

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

/* Names of the rows or columns: the tiers, then @others that occur. */
static size_t list_names(const cJSON *report, bool columns, const char **names)
{
	const char *const *others = columns ? destinations : sources;
	size_t n_others = columns ? ARRAY_LEN(destinations) : ARRAY_LEN(sources), n = 0;
	const cJSON *item;

	cJSON_ArrayForEach(item, wire_array(report, "tiers"))
		if (n < MOST_COLUMNS - 8 && cJSON_IsString(item))
			names[n++] = item->valuestring;
	for (size_t i = 0; i < n_others; i++) {
		bool found = false;
		cJSON_ArrayForEach(item, wire_array(report, "cells"))
			found |= strcmp(member_text(item, columns ? "to" : "from"), others[i]) == 0;
		if (found)
			names[n++] = others[i];
	}
	return n;
}

static bool is_listed(const char *name, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

/* Addresses and CIDRs are too many for rows and columns. */
static void show_addresses(const cJSON *report, const char *const *rows, size_t n_rows,
			   const char *const *columns, size_t n_columns)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const cJSON *cell, *cells = arena ? wire_array(report, "cells") : NULL;

	cJSON_ArrayForEach(cell, cells) {
		const char *from = member_text(cell, "from"), *to = member_text(cell, "to");
		if (is_listed(from, rows, n_rows) && is_listed(to, columns, n_columns))
			continue;
		printf("%s -> %s  %s\n", from, to, cell_text(cell, arena));
	}
}

void show_matrix(const struct ctl *ctl, const cJSON *report)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const char *rows[MOST_COLUMNS], *columns[MOST_COLUMNS + 1] = { "FROM \\ TO" };
	const char *cells[MOST_COLUMNS + 1];
	size_t n_rows = list_names(report, false, rows);
	size_t n_columns = list_names(report, true, columns + 1);
	struct table *table = table_new(ctl, columns, n_columns + 1);
	const cJSON *item;

	for (size_t r = 0; arena && r < n_rows; r++) {
		cells[0] = rows[r];
		for (size_t c = 1; c <= n_columns; c++)
			cells[c] = cell_text(find_cell(report, rows[r], columns[c]), arena);
		table_row(table, cells, PAINT_PLAIN);
	}
	table_print(table);
	show_addresses(report, rows, n_rows, columns + 1, n_columns);
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
