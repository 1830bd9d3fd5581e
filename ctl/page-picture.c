/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An arc diagram: its layout is a column and needs no engine. The table under it says the same in
 * words, so the picture is one image to those who do not see it. */
#include <stdio.h>
#include <string.h>

#include "ctl/grid.h"
#include "ctl/html.h"
#include "ctl/page.h"

enum {
	WIDTH = 860,
	BOX_WIDTH = 220,
	BOX_HEIGHT = 30,
	STEP = 56, /* from one line to the next */
	LEFT = (WIDTH - BOX_WIDTH) / 2,
	RIGHT = LEFT + BOX_WIDTH,
	FAR = 400, /* how far a control point is out, at most: the arc is three quarters of it */
	MOST_ARCS = 600,
};

/* The lines from above: where connections come from outside first, this host last. */
static const char *const above[] = { "internet", "lan", "hosts" }, *const below[] = { "dns",
										      "host" };

struct picture {
	const char *names[GRID_NAMES];
	size_t n, n_arcs, n_left_out;
	struct arena *arena;
};

static bool is_one_of(const char *name, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

static bool is_in(const struct axis *axis, const char *name)
{
	return grid_find(axis, name) < GRID_NAMES;
}

static void add_zones(struct picture *p, const struct grid *grid, const char *const *names,
		      size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (is_in(&grid->from, names[i]) || is_in(&grid->to, names[i]))
			p->names[p->n++] = names[i];
}

static void add_names(struct picture *p, const struct grid *grid)
{
	add_zones(p, grid, above, ARRAY_LEN(above));
	for (size_t i = 0; i < grid->from.n && p->n < GRID_NAMES - ARRAY_LEN(below); i++)
		if (!is_one_of(grid->from.names[i], above, ARRAY_LEN(above)) &&
		    !is_one_of(grid->from.names[i], below, ARRAY_LEN(below)))
			p->names[p->n++] = grid->from.names[i];
	add_zones(p, grid, below, ARRAY_LEN(below));
}

static size_t line_of(const struct picture *p, const char *name)
{
	size_t i = 0;

	while (i < p->n && strcmp(p->names[i], name) != 0)
		i++;
	return i;
}

static void print_box(const struct picture *p, size_t i)
{
	const char *name = p->names[i];
	bool zone = is_one_of(name, above, ARRAY_LEN(above)) ||
		    is_one_of(name, below, ARRAY_LEN(below));
	size_t y = i * STEP + (STEP - BOX_HEIGHT) / 2;

	/* What is too long is drawn closer. */
	const char *fit =
		strlen(name) > 28 ? " textLength=\"204\" lengthAdjust=\"spacingAndGlyphs\"" : "";
	printf("<rect class=\"node%s\" x=\"%d\" y=\"%zu\" width=\"%d\" height=\"%d\" rx=\"6\"/>\n"
	       "<text x=\"%d\" y=\"%zu\"%s>",
	       zone ? " zone" : "", LEFT, y, BOX_WIDTH, BOX_HEIGHT, WIDTH / 2, y + 20, fit);
	html_print(strcmp(name, "host") == 0 ? "this host" : name);
	printf("</text>\n");
}

static void print_arc(struct picture *p, const cJSON *cell, const char *member)
{
	const cJSON *object = cJSON_GetObjectItemCaseSensitive(cell, member);
	const char *from = member_text(cell, "from"), *to = member_text(cell, "to");
	size_t a = line_of(p, from), b = line_of(p, to);

	if (!object || a == b || a >= p->n || b >= p->n || strcmp(from, "host") == 0)
		return;
	if (p->n_arcs == MOST_ARCS) {
		p->n_left_out++;
		return;
	}
	p->n_arcs++;
	bool down = b > a, open = is_one_of(from, above, ARRAY_LEN(above));
	size_t distance = down ? b - a : a - b;
	size_t out = 40 + 44 * distance < FAR ? 40 + 44 * distance : FAR;
	int side = down ? RIGHT : LEFT, tip = down ? RIGHT + 9 : LEFT - 9;
	int control = down ? RIGHT + (int)out : LEFT - (int)out;
	/* They leave above the middle of a line and come in below it. */
	size_t y1 = a * STEP + STEP / 2 - 6, y2 = b * STEP + STEP / 2 + 6;
	const char *ports = show_port_list(object, p->arena);
	printf("<g><title>");
	html_print(from);
	printf(" \xe2\x86\x92 ");
	html_print(to);
	printf(": ");
	html_print(ports ? ports : "");
	printf("</title><path class=\"arc%s%s\" d=\"M%d %zuC%d %zu %d %zu %d %zu\"/>"
	       "<path class=\"head%s\" d=\"M%d %zul%d -5v10z\"/></g>\n",
	       open ? " open" : "", strcmp(member, "audit") == 0 ? " audit" : "", side, y1, control,
	       y1, control, y2, tip, y2, open ? " open" : "", side, y2, down ? 10 : -10);
}

void page_picture(const cJSON *matrix, struct arena *arena)
{
	const struct grid *grid = grid_new(matrix, arena);
	struct picture *p = arena_alloc(arena, sizeof(*p));
	const cJSON *cell;

	if (!grid || !p)
		return;
	p->arena = arena;
	add_names(p, grid);
	printf("<svg viewBox=\"0 0 %d %zu\" width=\"%d\" role=\"img\" "
	       "aria-label=\"Arrows between the tiers: the table below says the same\">\n",
	       WIDTH, p->n * STEP, WIDTH);
	cJSON_ArrayForEach(cell, wire_array(matrix, "cells")) {
		print_arc(p, cell, "allow");
		print_arc(p, cell, "audit");
	}
	for (size_t i = 0; i < p->n; i++)
		print_box(p, i);
	printf("</svg>\n");
	if (p->n_left_out)
		printf("<p class=\"dim\">%zu more arrows are in the table alone.</p>\n",
		       p->n_left_out);
}
