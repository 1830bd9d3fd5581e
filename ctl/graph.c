/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nodes, edges and layers. A zone or address that is both a source and a destination is two nodes,
 * left and right, so that only tiers can make a circle. */
#include "ctl/graph.h"

#include <errno.h>
#include <string.h>

#include "ctl/ctl.h"
#include "ctl/out-text.h"

/* More is a carpet, not a picture; text and json have it all. */
#define MOST_NODES 400u
#define MOST_EDGES 1500u
/* A label above this is cut; the tooltip has it whole. */
#define LABEL_LEN 34

struct making {
	const cJSON *report;
	struct graph *graph;
	size_t cap_nodes, cap_edges;
	bool too_large;
};

static bool is_tier(const struct making *m, const char *name)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, wire_array(m->report, "tiers"))
		if (strcmp(cJSON_GetStringValue(item), name) == 0)
			return true;
	cJSON_ArrayForEach(item, wire_array(m->report, "empty_tiers"))
		if (strcmp(cJSON_GetStringValue(item), name) == 0)
			return true;
	return false;
}

static size_t add_node(struct making *m, enum graph_role role, const char *name)
{
	struct graph *graph = m->graph;

	if (graph->n_nodes == m->cap_nodes) {
		m->too_large = true;
		return 0;
	}
	graph->nodes[graph->n_nodes] = (struct graph_node){ .role = role, .name = name };
	return graph->n_nodes++;
}

static size_t find_node(struct making *m, enum graph_role role, const char *name)
{
	if (is_tier(m, name))
		role = GRAPH_TIER;
	for (size_t i = 0; i < m->graph->n_nodes; i++)
		if (m->graph->nodes[i].role == role && strcmp(m->graph->nodes[i].name, name) == 0)
			return i;
	return add_node(m, role, name);
}

static void add_edge(struct making *m, struct graph_edge edge)
{
	if (m->graph->n_edges == m->cap_edges)
		m->too_large = true;
	else
		m->graph->edges[m->graph->n_edges++] = edge;
}

/* ---- cells ---- */

static bool is_open_world(const char *name)
{
	return strcmp(name, "internet") == 0 || strcmp(name, "world") == 0;
}

static const char *cut(const char *text, struct arena *arena)
{
	size_t len = strlen(text);

	if (len <= LABEL_LEN)
		return text;
	for (len = LABEL_LEN - 1; len > LABEL_LEN / 2 && text[len - 1] != ' '; len--)
		;
	return arena_printf(arena, "%.*s…", (int)len, text);
}

static int add_exposed(struct making *m, struct graph_node *node, const char *ports)
{
	node->exposed = node->exposed && strcmp(node->exposed, ports) != 0
				? arena_printf(m->graph->arena, "%s, %s", node->exposed, ports)
				: ports;
	return node->exposed ? 0 : -ENOMEM;
}

static int add_flow(struct making *m, const cJSON *cell, enum graph_kind kind, const char *ports)
{
	const char *from = member_text(cell, "from"), *to = member_text(cell, "to");
	struct arena *arena = m->graph->arena;
	size_t source = find_node(m, GRAPH_SOURCE, from), target = find_node(m, GRAPH_TARGET, to);
	struct graph_edge edge = { .from = source, .to = target, .kind = kind, .ends = true };

	if (m->too_large)
		return 0;
	if (source == target) {
		if (kind == GRAPH_ALLOW || !m->graph->nodes[source].within)
			m->graph->nodes[source].within = ports;
		return 0;
	}
	if (kind == GRAPH_ALLOW && m->graph->nodes[source].role == GRAPH_SOURCE)
		edge.kind = GRAPH_EXPOSED;
	edge.label = cut(ports, arena);
	edge.title = arena_printf(arena, "%s to %s: %s%s%s", from, to,
				  kind == GRAPH_DOCKER ? "Docker drops " : "", ports,
				  kind == GRAPH_AUDIT ? " (audit mode)" : "");
	if (!edge.label || !edge.title)
		return -ENOMEM;
	add_edge(m, edge);
	return kind == GRAPH_ALLOW && is_open_world(from)
		       ? add_exposed(m, &m->graph->nodes[target], ports)
		       : 0;
}

/* The host reaches every container, always: that would be arrows without a message. */
static int add_cell(struct making *m, const cJSON *cell)
{
	static const struct {
		const char *member;
		enum graph_kind kind;
	} kinds[] = { { "allow", GRAPH_ALLOW },
		      { "audit", GRAPH_AUDIT },
		      { "docker_drops", GRAPH_DOCKER } };
	int r = 0;

	if (strcmp(member_text(cell, "from"), "host") == 0)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(kinds) && r == 0; i++) {
		const cJSON *object = cJSON_GetObjectItemCaseSensitive(cell, kinds[i].member);
		const char *ports = object ? show_port_list(object, m->graph->arena) : NULL;
		if (object)
			r = ports ? add_flow(m, cell, kinds[i].kind, ports) : -ENOMEM;
	}
	return r;
}

/* ---- layers ---- */

/* Turns round the edges that close a circle: @path marks the nodes from the start to here. */
static void break_circles(struct graph *graph, size_t node, char *path)
{
	path[node] = 1;
	for (size_t i = 0; i < graph->n_edges; i++) {
		struct graph_edge *edge = &graph->edges[i];
		if (edge->from != node || edge->backwards || path[edge->to] == 2)
			continue;
		if (path[edge->to] == 0) {
			break_circles(graph, edge->to, path);
			continue;
		}
		edge->backwards = true;
		edge->from = edge->to;
		edge->to = node;
	}
	path[node] = 2;
}

static void find_layers(struct graph *graph)
{
	bool has_sources = false, changed = true;
	size_t last = 0;

	for (size_t i = 0; i < graph->n_nodes; i++)
		has_sources |= graph->nodes[i].role == GRAPH_SOURCE;
	for (size_t i = 0; i < graph->n_nodes; i++)
		graph->nodes[i].layer = graph->nodes[i].role != GRAPH_SOURCE && has_sources;
	while (changed) {
		changed = false;
		for (size_t i = 0; i < graph->n_edges; i++) {
			struct graph_node *from = &graph->nodes[graph->edges[i].from];
			struct graph_node *to = &graph->nodes[graph->edges[i].to];
			if (to->layer > from->layer)
				continue;
			to->layer = from->layer + 1;
			changed = true;
		}
	}
	for (size_t i = 0; i < graph->n_nodes; i++)
		if (graph->nodes[i].role != GRAPH_TARGET && graph->nodes[i].layer > last)
			last = graph->nodes[i].layer;
	graph->n_layers = last + 1;
	for (size_t i = 0; i < graph->n_nodes; i++) {
		if (graph->nodes[i].role != GRAPH_TARGET)
			continue;
		graph->nodes[i].layer = last + 1;
		graph->n_layers = last + 2;
	}
}

/* An edge over several layers gets a bend in each between. */
static void add_bends(struct making *m)
{
	struct graph *graph = m->graph;
	size_t n = graph->n_edges;

	for (size_t i = 0; i < n && !m->too_large; i++) {
		struct graph_edge *edge = &graph->edges[i];
		size_t to = edge->to, at = edge->from;
		struct graph_edge next = *edge;
		bool first = true;
		while (graph->nodes[at].layer + 1 < graph->nodes[to].layer && !m->too_large) {
			size_t bend = add_node(m, GRAPH_BEND, "");
			graph->nodes[bend].layer = graph->nodes[at].layer + 1;
			next.from = at;
			next.to = bend;
			next.ends = edge->backwards && first;
			if (first)
				*edge = next;
			else
				add_edge(m, next);
			next.label = NULL;
			at = bend;
			first = false;
		}
		if (first)
			continue;
		next.from = at;
		next.to = to;
		next.ends = !next.backwards;
		add_edge(m, next);
	}
}

static int add_tiers(struct making *m)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, wire_array(m->report, "empty_tiers"))
		m->graph->nodes[find_node(m, GRAPH_TIER, item->valuestring)].empty = true;
	cJSON_ArrayForEach(item, wire_array(m->report, "tiers"))
		if (strcmp(item->valuestring, "conflict") != 0 &&
		    strcmp(item->valuestring, "unmatched") != 0)
			(void)find_node(m, GRAPH_TIER, item->valuestring);
	return m->too_large ? -E2BIG : 0;
}

int graph_make(const cJSON *report, struct arena *arena, struct graph *ret)
{
	struct making m = { report, ret, MOST_NODES, MOST_EDGES, false };
	const cJSON *cell;

	*ret = (struct graph){ .arena = arena };
	ret->nodes = arena_alloc(arena, MOST_NODES * sizeof(*ret->nodes));
	ret->edges = arena_alloc(arena, MOST_EDGES * sizeof(*ret->edges));
	char *path = arena_alloc(arena, MOST_NODES);
	if (!ret->nodes || !ret->edges || !path)
		return -ENOMEM;
	int r = add_tiers(&m);
	cJSON_ArrayForEach(cell, wire_array(report, "cells"))
		if (r == 0)
			r = add_cell(&m, cell);
	if (r < 0 || m.too_large)
		return r < 0 ? r : -E2BIG;
	memset(path, 0, MOST_NODES);
	for (size_t i = 0; i < ret->n_nodes; i++)
		if (path[i] == 0)
			break_circles(ret, i, path);
	find_layers(ret);
	add_bends(&m);
	return m.too_large ? -E2BIG : 0;
}
