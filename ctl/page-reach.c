/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sections of the page: who may reach whom, published ports, containers. */
#include <stdio.h>
#include <string.h>

#include "ctl/grid.h"
#include "ctl/html.h"
#include "ctl/page.h"

/* ---- who may reach whom ---- */

static void print_grid(const struct page *page, const struct grid *grid)
{
	const char *cells[GRID_NAMES + 1] = { "from \\ to" };

	memcpy(cells + 1, grid->to.names, grid->to.n * sizeof(*cells));
	html_table("Who may reach whom", cells, grid->to.n + 1);
	for (size_t r = 0; r < grid->from.n; r++) {
		cells[0] = grid->from.names[r];
		for (size_t c = 0; c < grid->to.n; c++)
			cells[c + 1] = grid_cell_text(grid->cells[r * grid->to.n + c], page->arena);
		html_row(cells, grid->to.n + 1);
	}
	html_table_end();
}

/* Addresses and CIDRs have no row. */
static void print_addresses(const struct page *page, const cJSON *matrix, const struct grid *grid)
{
	static const char *const columns[] = { "From", "To", "Ports" };
	const cJSON *cell;
	bool any = false;

	cJSON_ArrayForEach(cell, wire_array(matrix, "cells")) {
		const char *cells[] = { member_text(cell, "from"), member_text(cell, "to"),
					grid_cell_text(cell, page->arena) };
		if (grid_find(&grid->from, cells[0]) < GRID_NAMES &&
		    grid_find(&grid->to, cells[1]) < GRID_NAMES)
			continue;
		if (!any)
			html_table("Addresses", columns, ARRAY_LEN(columns));
		any = true;
		html_row(cells, ARRAY_LEN(cells));
	}
	if (any)
		html_table_end();
}

void page_matrix(const struct page *page)
{
	const cJSON *matrix = page_part(page, "matrix");
	const struct grid *grid = matrix ? grid_new(matrix, page->arena) : NULL;

	html_section(
		"tiers", "Who may reach whom",
		"An arrow goes from whoever may begin a connection to whom it reaches; those from "
		"outside are red, and dashed ones pass only because of audit mode. Containers of "
		"one tier and what this host begins are left out.");
	if (grid) {
		page_picture(matrix, page->arena);
		html_paragraph("The same with the ports: read a row from its left.");
		print_grid(page, grid);
		print_addresses(page, matrix, grid);
	} else {
		html_paragraph("It could not be asked.");
	}
	html_section_end();
}

/* ---- what is reachable from outside ---- */

void page_ports(const struct page *page)
{
	static const char *const columns[] = { "Container", "Tier",	      "Published at",
					       "Its port",  "Who reaches it", "Remark" };
	const cJSON *ports = wire_array(page_part(page, "ports"), "ports"), *item;

	html_section("ports", "Published ports",
		     "What Docker makes reachable from outside its networks, and who really gets "
		     "there.");
	if (!ports || !ports->child)
		html_paragraph(ports ? "None." : "They could not be asked.");
	else
		html_table("Published ports", columns, ARRAY_LEN(columns));
	cJSON_ArrayForEach(item, ports) {
		const char *who = member_list(item, "reachable_from", page->arena);
		const char *tier = member_text(item, "tier");
		const char *cells[] = { member_text(item, "container"),
					*tier ? tier : "none",
					show_published(item, page->arena),
					member_text(item, "port"),
					*who				 ? who
					: wire_bool(item, "host", false) ? "this host alone"
									 : "nobody",
					member_text(item, "warning") };
		html_row(cells, ARRAY_LEN(cells));
	}
	if (ports && ports->child)
		html_table_end();
	html_section_end();
}

/* ---- containers ---- */

void page_endpoints(const struct page *page)
{
	static const char *const columns[] = { "Container", "Network", "Tier", "Why", "Remedy" };
	const cJSON *list = wire_array(page_part(page, "endpoints"), "endpoints"), *item;

	html_section(
		"containers", "Containers",
		list ? "Each on each of its networks. What is in no tier is closed, unless the "
		       "policy leaves it alone."
		     : "They could not be asked.");
	if (list)
		html_table("Containers", columns, ARRAY_LEN(columns));
	cJSON_ArrayForEach(item, list) {
		const char *tier = member_text(item, "tier");
		const char *cells[] = { member_text(item, "container"),
					member_text(item, "network"), *tier ? tier : "none",
					member_text(item, "why"), member_text(item, "remedy") };
		html_row(cells, ARRAY_LEN(cells));
	}
	if (list)
		html_table_end();
	html_section_end();
}
