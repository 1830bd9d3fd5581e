/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The matrix as a picture, made to be looked at: tiers are boxes, allowed flows labelled arrows
 * from left to right, exposed ports marked. Plain SVG 1.1. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ctl/graph.h"
#include "ctl/out-text.h"

static const struct {
	const char *color, *dashes, *legend;
} kinds[] = {
	[GRAPH_ALLOW] = { "#2563a8", "none", "allowed" },
	[GRAPH_EXPOSED] = { "#c2410c", "none", "allowed from outside, through published ports" },
	[GRAPH_AUDIT] = { "#a16207", "7 4", "let pass in audit mode" },
	[GRAPH_DOCKER] = { "#8a93a0", "2 4", "allowed here, but Docker drops it" },
};

static const struct {
	const char *fill, *stroke, *name;
	double radius;
} roles[] = {
	[GRAPH_SOURCE] = { "#f3f4f6", "#6b7280", "#111827", 20 },
	[GRAPH_TIER] = { "#eaf2fb", "#2563a8", "#0f2f57", 8 },
	[GRAPH_TARGET] = { "#f3f4f6", "#6b7280", "#111827", 20 },
	[GRAPH_BEND] = { "none", "none", "none", 0 },
};

static void print_text(double x, double y, const char *attributes, const char *text)
{
	printf("<text x=\"%.1f\" y=\"%.1f\" %s>", x, y, attributes);
	xml_print(text);
	printf("</text>\n");
}

static void print_marker(enum graph_kind kind)
{
	printf("<marker id=\"head%d\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" "
	       "markerWidth=\"8\" markerHeight=\"8\" orient=\"auto-start-reverse\">"
	       "<path d=\"M0 1 L10 5 L0 9 Z\" fill=\"%s\"/></marker>\n",
	       (int)kind, kinds[kind].color);
}

static void print_head(const struct graph *graph, bool symbolic)
{
	printf("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	       "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" "
	       "viewBox=\"0 0 %.0f %.0f\" font-family=\"system-ui, 'DejaVu Sans', Helvetica, "
	       "Arial, sans-serif\">\n<title>Who may reach whom</title>\n<defs>\n",
	       graph->width, graph->height, graph->width, graph->height);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		print_marker((enum graph_kind)i);
	printf("</defs>\n<rect width=\"100%%\" height=\"100%%\" fill=\"#ffffff\"/>\n");
	print_text(28, 34, "font-size=\"18\" font-weight=\"600\" fill=\"#111827\"",
		   "Who may reach whom");
	print_text(28, 53, "font-size=\"12\" fill=\"#6b7280\"",
		   symbolic ? "by the policy alone" : "by the policy, on this host");
}

/* A straight lead for the label, then a curve to the next layer. */
static void print_edge(const struct graph *graph, const struct graph_edge *edge)
{
	const struct graph_node *from = &graph->nodes[edge->from], *to = &graph->nodes[edge->to];
	double x0 = from->x + from->width, x1 = to->x;
	double lead = edge->lead, middle = (lead + x1) / 2;

	if (from->role == GRAPH_BEND)
		x0 = from->x;
	printf("<path d=\"M%.1f %.1f H%.1f C%.1f %.1f %.1f %.1f %.1f %.1f\" fill=\"none\" "
	       "stroke=\"%s\" stroke-width=\"1.7\" stroke-dasharray=\"%s\"",
	       x0, edge->y0, lead, middle, edge->y0, middle, edge->y1, x1, edge->y1,
	       kinds[edge->kind].color, kinds[edge->kind].dashes);
	if (edge->ends)
		printf(" marker-%s=\"url(#head%d)\"", edge->backwards ? "start" : "end",
		       (int)edge->kind);
	printf("><title>");
	xml_print(edge->title);
	printf("</title></path>\n");
}

static void print_label(const struct graph *graph, const struct graph_edge *edge)
{
	const struct graph_node *from = &graph->nodes[edge->from];
	char style[192];

	if (!edge->label)
		return;
	(void)snprintf(style, sizeof(style),
		       "font-size=\"11.5\" fill=\"%s\" stroke=\"#ffffff\" stroke-width=\"3\" "
		       "paint-order=\"stroke\"",
		       kinds[edge->kind].color);
	print_text(from->x + from->width + (edge->backwards ? 16 : 8), edge->y0 - 5, style,
		   edge->label);
}

static void print_lines(const struct graph *graph, const struct graph_node *node)
{
	const struct {
		const char *text, *style;
	} lines[] = {
		{ graph_exposed_text(node, graph->arena),
		  "font-size=\"11.5\" font-weight=\"600\" fill=\"#c2410c\"" },
		{ graph_within_text(node, graph->arena), "font-size=\"11.5\" fill=\"#475569\"" },
		{ node->empty ? "no container" : NULL,
		  "font-size=\"11.5\" font-style=\"italic\" fill=\"#6b7280\"" },
	};
	size_t n = 1;

	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		n += lines[i].text != NULL;
	double y = node->y + node->height / 2 - (double)(n - 1) * 9 + 5;
	char style[96];
	(void)snprintf(style, sizeof(style), "font-size=\"14\" font-weight=\"600\" fill=\"%s\"",
		       roles[node->role].name);
	print_text(node->x + 18, y, style, node->name);
	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		if (lines[i].text)
			print_text(node->x + 18, y += 18, lines[i].style, lines[i].text);
}

static void print_node(const struct graph *graph, const struct graph_node *node)
{
	if (node->role == GRAPH_BEND)
		return;
	printf("<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"%.0f\" "
	       "fill=\"%s\" stroke=\"%s\" stroke-width=\"1.3\"%s/>\n",
	       node->x, node->y, node->width, node->height, roles[node->role].radius,
	       roles[node->role].fill, node->exposed ? "#c2410c" : roles[node->role].stroke,
	       node->empty ? " stroke-dasharray=\"5 4\"" : "");
	if (node->exposed)
		printf("<rect x=\"%.1f\" y=\"%.1f\" width=\"5\" height=\"%.1f\" "
		       "fill=\"#c2410c\"/>\n",
		       node->x, node->y + 8, node->height - 16);
	print_lines(graph, node);
}

static const char not_drawn[] =
	"Not drawn: this host reaches every container; replies of allowed flows. "
	"Everything else is denied.";

static bool has_kind(const struct graph *graph, size_t kind)
{
	for (size_t e = 0; e < graph->n_edges; e++)
		if (graph->edges[e].kind == (enum graph_kind)kind)
			return true;
	return false;
}

static double entry_width(size_t kind)
{
	return 38 + graph_text_width(kinds[kind].legend, GRAPH_TEXT_CHAR) + 24;
}

/* A small graph must not cut off what is said below it. */
static double legend_width(const struct graph *graph)
{
	double width = 56, text = 56 + graph_text_width(not_drawn, GRAPH_TEXT_CHAR);

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		width += has_kind(graph, i) ? entry_width(i) : 0;
	return width > text ? width : text;
}

/* The kinds that occur, in one line, and what is not drawn. */
static void print_legend(const struct graph *graph)
{
	double x = 28, y = graph->height - 38;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (!has_kind(graph, i))
			continue;
		printf("<path d=\"M%.1f %.1f h30\" stroke=\"%s\" stroke-width=\"1.7\" "
		       "stroke-dasharray=\"%s\" marker-end=\"url(#head%zu)\"/>\n",
		       x, y, kinds[i].color, kinds[i].dashes, i);
		print_text(x + 38, y + 4, "font-size=\"11.5\" fill=\"#475569\"", kinds[i].legend);
		x += entry_width(i);
	}
	print_text(28, y + 22, "font-size=\"11.5\" fill=\"#6b7280\"", not_drawn);
}

void show_matrix_svg(const struct ctl *ctl, const cJSON *report)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct graph graph;
	int r = arena ? graph_make(report, arena, &graph) : -ENOMEM;

	if (r == 0)
		r = graph_place(&graph);
	if (r < 0) {
		ctl_complain("%s", r == -E2BIG ? "too many tiers and flows for a picture: "
						 "--format text and json have them all"
					       : "out of memory");
		*ctl->failure = r == -E2BIG ? CTL_USAGE : CTL_UNREACHABLE;
		return;
	}
	if (graph.width < legend_width(&graph))
		graph.width = legend_width(&graph);
	print_head(&graph, wire_bool(report, "symbolic", false));
	for (size_t i = 0; i < graph.n_edges; i++)
		print_edge(&graph, &graph.edges[i]);
	for (size_t i = 0; i < graph.n_nodes; i++)
		print_node(&graph, &graph.nodes[i]);
	for (size_t i = 0; i < graph.n_edges; i++)
		print_label(&graph, &graph.edges[i]);
	print_legend(&graph);
	printf("</svg>\n");
}
