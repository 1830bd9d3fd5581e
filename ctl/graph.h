/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A matrix as a drawing: who stands where. graph.c makes nodes and edges of the report and puts
 * them into layers; graph-place.c orders the layers and gives coordinates; show-svg.c draws.
 * Everything lives in one arena. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <cjson/cJSON.h>

#include "core/base/arena.h"
#include "core/base/cleanup.h"

enum graph_role { GRAPH_SOURCE, GRAPH_TIER, GRAPH_TARGET, GRAPH_BEND };
enum graph_kind { GRAPH_ALLOW, GRAPH_EXPOSED, GRAPH_AUDIT, GRAPH_DOCKER };

/* GRAPH_BEND: where an edge passes a layer. */
struct graph_node {
	enum graph_role role;
	const char *name;
	const char *within;  /* ports among its members, or NULL */
	const char *exposed; /* ports that the internet or the world reaches, or NULL */
	bool empty;	     /* no container is in it */
	size_t layer, rank;  /* from the left, from the top */
	size_t n_in, n_out;
	double x, y, width, height; /* top left corner */
};

/* One stretch of an edge, from a layer to the next one. */
struct graph_edge {
	size_t from, to; /* nodes */
	enum graph_kind kind;
	const char *label; /* NULL on all stretches but the first */
	const char *title; /* "web to db: 5432/tcp" */
	bool backwards;	   /* the flow goes from @to to @from */
	bool ends;	   /* the arrow's head is here, or with backwards its tail */
	double y0, y1;	   /* where it leaves and arrives */
	double lead;	   /* up to this x it goes straight, for the labels */
};

struct graph {
	struct arena *arena;
	struct graph_node *nodes;
	struct graph_edge *edges;
	size_t n_nodes, n_edges, n_layers;
	double width, height;
};

/* 0, -ENOMEM; -E2BIG: too much to be looked at. */
int graph_make(const cJSON *report, struct arena *arena, struct graph *ret) MUST_CHECK;
int graph_place(struct graph *graph) MUST_CHECK;

/* Widths of the fonts in use, about. */
#define GRAPH_NAME_CHAR 8.4
#define GRAPH_TEXT_CHAR 6.9
double graph_text_width(const char *text, double per_char);
/* Text below a tier's name. */
const char *graph_within_text(const struct graph_node *node, struct arena *arena);
const char *graph_exposed_text(const struct graph_node *node, struct arena *arena);
