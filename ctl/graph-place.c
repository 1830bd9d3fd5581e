/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Order within the layers, against crossings, and coordinates. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/graph.h"

#define MARGIN 28.0
#define HEADER 74.0
#define FOOTER 64.0
#define GAP_Y 26.0
#define BEND_GAP 8.0
#define BEND_HEIGHT 22.0
#define LINE 18.0     /* of text in a box */
#define PER_EDGE 24.0 /* room on a side for one edge with its label */
#define CURVE_WIDTH 90.0
#define SWEEPS 24
#define SLOTS 400 /* nodes of the largest graph */

double graph_text_width(const char *text, double per_char)
{
	size_t n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return (double)n * per_char;
}

const char *graph_within_text(const struct graph_node *node, struct arena *arena)
{
	return !node->within ? NULL
	       : strcmp(node->within, "any") == 0
		       ? "open among themselves"
		       : arena_printf(arena, "among themselves: %s", node->within);
}

const char *graph_exposed_text(const struct graph_node *node, struct arena *arena)
{
	return node->exposed ? arena_printf(arena, "exposed: %s", node->exposed) : NULL;
}

/* ---- order ---- */

struct slot {
	size_t node;
	double key;
};

static int by_key(const void *left, const void *right)
{
	const struct slot *a = left, *b = right;

	if (a->key < b->key)
		return -1;
	return a->key > b->key ? 1 : a->node < b->node ? -1 : a->node > b->node;
}

static size_t list_layer(const struct graph *graph, size_t layer, struct slot *slots)
{
	size_t n = 0;

	for (size_t i = 0; i < graph->n_nodes; i++)
		if (graph->nodes[i].layer == layer)
			slots[n++] = (struct slot){ i, (double)graph->nodes[i].rank };
	qsort(slots, n, sizeof(*slots), by_key);
	return n;
}

/* The mean place of those it is joined with, on both sides or on one; its own without any. */
static double mean_place(const struct graph *graph, size_t node, bool left, bool right,
			 double (*place)(const struct graph_node *node))
{
	double sum = 0, n = 0;

	for (size_t i = 0; i < graph->n_edges; i++) {
		const struct graph_edge *edge = &graph->edges[i];
		bool arrives = left && edge->to == node, leaves = right && edge->from == node;
		if (!arrives && !leaves)
			continue;
		sum += place(&graph->nodes[arrives ? edge->from : edge->to]);
		n++;
	}
	return n > 0 ? sum / n : place(&graph->nodes[node]);
}

static double rank_of(const struct graph_node *node)
{
	return (double)node->rank;
}

static double middle_of(const struct graph_node *node)
{
	return node->y + node->height / 2;
}

static bool is_alone(const struct graph_node *node)
{
	return node->n_in + node->n_out == 0;
}

static void order_layer(struct graph *graph, size_t layer, bool left)
{
	struct slot slots[SLOTS];
	size_t n = list_layer(graph, layer, slots);

	for (size_t i = 0; i < n; i++)
		slots[i].key = is_alone(&graph->nodes[slots[i].node])
				       ? 1e9
				       : mean_place(graph, slots[i].node, left, !left, rank_of);
	qsort(slots, n, sizeof(*slots), by_key);
	for (size_t i = 0; i < n; i++)
		graph->nodes[slots[i].node].rank = i;
}

static void order_layers(struct graph *graph)
{
	for (size_t l = 0; l < graph->n_layers; l++) {
		struct slot slots[SLOTS];
		size_t n = list_layer(graph, l, slots);
		for (size_t i = 0; i < n; i++)
			graph->nodes[slots[i].node].rank = i;
	}
	for (int sweep = 0; sweep < SWEEPS; sweep++) {
		for (size_t l = 1; l < graph->n_layers; l++)
			order_layer(graph, l, true);
		for (size_t l = graph->n_layers; l-- > 1;)
			order_layer(graph, l - 1, false);
	}
}

/* ---- sizes ---- */

static double larger(double a, double b)
{
	return a > b ? a : b;
}

static int size_node(struct graph *graph, struct graph_node *node)
{
	const char *texts[] = { graph_within_text(node, graph->arena),
				graph_exposed_text(node, graph->arena),
				node->empty ? "no container" : NULL };
	size_t most = node->n_in > node->n_out ? node->n_in : node->n_out;
	double lines = 1;

	if (node->role == GRAPH_BEND) {
		node->height = BEND_HEIGHT;
		return 0;
	}
	if ((node->within && !texts[0]) || (node->exposed && !texts[1]))
		return -ENOMEM;
	node->width = graph_text_width(node->name, GRAPH_NAME_CHAR) + 36;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		if (!texts[i])
			continue;
		lines++;
		node->width = larger(node->width, graph_text_width(texts[i], GRAPH_TEXT_CHAR) + 36);
	}
	node->height = larger(24 + lines * LINE, (double)most * PER_EDGE + 4);
	return 0;
}

static int size_nodes(struct graph *graph)
{
	for (size_t i = 0; i < graph->n_edges; i++) {
		graph->nodes[graph->edges[i].from].n_out++;
		graph->nodes[graph->edges[i].to].n_in++;
	}
	for (size_t i = 0; i < graph->n_nodes; i++)
		if (size_node(graph, &graph->nodes[i]) < 0)
			return -ENOMEM;
	return 0;
}

/* Columns as wide as their widest box, gaps as wide as the longest label in them. */
static void place_columns(struct graph *graph)
{
	double x = MARGIN;

	for (size_t l = 0; l < graph->n_layers; l++) {
		double width = 0, gap = 0;
		for (size_t i = 0; i < graph->n_nodes; i++)
			if (graph->nodes[i].layer == l)
				width = larger(width, graph->nodes[i].width);
		for (size_t i = 0; i < graph->n_edges; i++) {
			const struct graph_edge *edge = &graph->edges[i];
			if (graph->nodes[edge->from].layer == l && edge->label)
				gap = larger(gap, graph_text_width(edge->label, GRAPH_TEXT_CHAR));
		}
		for (size_t i = 0; i < graph->n_nodes; i++) {
			if (graph->nodes[i].layer != l)
				continue;
			graph->nodes[i].width = width;
			graph->nodes[i].x = x;
		}
		for (size_t i = 0; i < graph->n_edges; i++)
			if (graph->nodes[graph->edges[i].from].layer == l)
				graph->edges[i].lead = x + width + gap + 14;
		x += width + gap + CURVE_WIDTH;
	}
	graph->width = x - CURVE_WIDTH + MARGIN;
}

/* ---- heights ---- */

static double gap_below(const struct graph_node *node)
{
	return node->role == GRAPH_BEND ? BEND_GAP : GAP_Y;
}

/* Nodes that stand close, one below the other. place: of the first of them, if nothing were above.
 */
struct block {
	double sum, weight; /* of the places that its nodes want */
	size_t n;
};

static double place_of(const struct block *block)
{
	return block->sum / block->weight;
}

/* As near as may be (by least squares) to where the neighbours are, in the order of the ranks: what
 * would overlap is one block, which stands where its nodes want to be on average. Those with no
 * neighbour follow the others. */
static void settle_layer(struct graph *graph, size_t layer)
{
	struct slot slots[SLOTS];
	struct block blocks[SLOTS];
	size_t n = list_layer(graph, layer, slots), n_blocks = 0, next = 0;
	double above = 0;

	for (size_t i = 0; i < n; i++) {
		const struct graph_node *node = &graph->nodes[slots[i].node];
		bool follows = is_alone(node) && i > 0;
		double weight = is_alone(node) ? 1e-6 : 1;
		double wanted = follows ? place_of(&blocks[n_blocks - 1])
					: mean_place(graph, slots[i].node, true, true, middle_of) -
						  node->height / 2 - above;
		blocks[n_blocks++] = (struct block){ wanted * weight, weight, 1 };
		for (; n_blocks > 1 &&
		       place_of(&blocks[n_blocks - 2]) >= place_of(&blocks[n_blocks - 1]);
		     n_blocks--) {
			blocks[n_blocks - 2].sum += blocks[n_blocks - 1].sum;
			blocks[n_blocks - 2].weight += blocks[n_blocks - 1].weight;
			blocks[n_blocks - 2].n += blocks[n_blocks - 1].n;
		}
		above += node->height + gap_below(node);
	}
	above = 0;
	for (size_t b = 0; b < n_blocks; b++)
		for (size_t i = 0; i < blocks[b].n; i++) {
			struct graph_node *node = &graph->nodes[slots[next++].node];
			node->y = place_of(&blocks[b]) + above;
			above += node->height + gap_below(node);
		}
}

static void place_rows(struct graph *graph)
{
	double top = 1e9, bottom = 0;

	for (size_t l = 0; l < graph->n_layers; l++) {
		struct slot slots[SLOTS];
		size_t n = list_layer(graph, l, slots);
		double y = 0;
		for (size_t i = 0; i < n; i++) {
			graph->nodes[slots[i].node].y = y;
			y += graph->nodes[slots[i].node].height +
			     gap_below(&graph->nodes[slots[i].node]);
		}
	}
	for (int sweep = 0; sweep < SWEEPS; sweep++)
		for (size_t l = 0; l < graph->n_layers; l++)
			settle_layer(graph, sweep % 2 ? graph->n_layers - 1 - l : l);
	for (size_t i = 0; i < graph->n_nodes; i++)
		if (graph->nodes[i].y < top)
			top = graph->nodes[i].y;
	for (size_t i = 0; i < graph->n_nodes; i++) {
		graph->nodes[i].y += HEADER - top;
		bottom = larger(bottom, graph->nodes[i].y + graph->nodes[i].height);
	}
	graph->height = bottom + FOOTER;
}

/* Edges on a side of a box stand in the order of their far ends. */
static void attach_side(struct graph *graph, size_t node, bool left, struct slot *slots)
{
	const struct graph_node *box = &graph->nodes[node];
	size_t n = 0;

	for (size_t i = 0; i < graph->n_edges; i++) {
		const struct graph_edge *edge = &graph->edges[i];
		if ((left ? edge->to : edge->from) == node)
			slots[n++] = (struct slot){
				i, middle_of(&graph->nodes[left ? edge->from : edge->to])
			};
	}
	qsort(slots, n, sizeof(*slots), by_key);
	for (size_t i = 0; i < n; i++) {
		double y = box->y + box->height * ((double)i + 1) / ((double)n + 1);
		if (left)
			graph->edges[slots[i].node].y1 = y;
		else
			graph->edges[slots[i].node].y0 = y;
	}
}

int graph_place(struct graph *graph)
{
	struct slot *slots = arena_alloc(graph->arena, (graph->n_edges + 1) * sizeof(*slots));

	if (!slots || size_nodes(graph) < 0)
		return -ENOMEM;
	order_layers(graph);
	place_columns(graph);
	place_rows(graph);
	for (size_t i = 0; i < graph->n_nodes; i++) {
		attach_side(graph, i, true, slots);
		attach_side(graph, i, false, slots);
	}
	return 0;
}
