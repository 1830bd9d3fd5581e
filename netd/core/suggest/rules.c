/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Edges between the same two ends to one rule, with the ports that were seen. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/suggest/draft.h"

/* More ports of one protocol than that, apart from each other, are chosen by the server as it goes
 * (FTP, RTP, RPC): a rule then names the range. Where low ports are among them it takes more to say
 * so: those are services of their own. */
#define DYNAMIC_RANGES 16u
#define DYNAMIC_RANGES_LOW 64u
#define LOW_PORTS 1024u

/* An edge with the names of its ends. */
struct rule_edge {
	struct suggest_edge *edge;
	const char *from, *to;
	int section; /* from outside, between tiers, to the outside, comments */
};

static const char *name_side(const struct suggest *s, const struct suggest_side *side)
{
	return side->kind == SUGGEST_WHO ? s->groups[s->whos.items[side->who].group].name
					 : side->peer;
}

static uint32_t group_of(const struct suggest *s, const struct suggest_side *side)
{
	return side->kind == SUGGEST_WHO ? s->whos.items[side->who].group : SUGGEST_NONE;
}

static int section_of(const struct suggest_edge *edge)
{
	if (edge->fate == SUGGEST_COMMENT)
		return 3;
	if (edge->from.kind != SUGGEST_WHO)
		return 0;
	return edge->to.kind == SUGGEST_WHO ? 1 : 2;
}

static int by_rule(const void *left, const void *right)
{
	const struct rule_edge *a = left, *b = right;
	int order = a->section - b->section;

	if (order == 0)
		order = strcmp(a->from, b->from);
	if (order == 0)
		order = strcmp(a->to, b->to);
	if (order == 0)
		order = strcmp(a->edge->why ? a->edge->why : "", b->edge->why ? b->edge->why : "");
	return order;
}

static int by_rule_then_flow(const void *left, const void *right)
{
	const struct rule_edge *a = left, *b = right;
	int order = by_rule(left, right);

	return order ? order : suggest_compare_flows(a->edge->flow, b->edge->flow);
}

/* ---- ports ---- */

static int by_port(const void *left, const void *right)
{
	const struct port_range *a = left, *b = right;

	if (a->proto != b->proto)
		return (int)a->proto - (int)b->proto;
	return (int)a->lo - (int)b->lo;
}

/* Neighbours become one range. */
static size_t join_ports(struct port_range *ports, size_t n)
{
	size_t kept = 0;

	qsort(ports, n, sizeof(*ports), by_port);
	for (size_t i = 0; i < n; i++) {
		struct port_range *last = kept ? &ports[kept - 1] : NULL;
		if (last && last->proto == ports[i].proto && ports[i].lo <= last->hi + 1)
			last->hi = ports[i].hi > last->hi ? ports[i].hi : last->hi;
		else
			ports[kept++] = ports[i];
	}
	return kept;
}

/* The ranges of one protocol, @n of them from @ports on, to one where they are too many. */
static bool fold_ports(struct port_range *ports, size_t n)
{
	size_t most = ports[0].lo < LOW_PORTS ? DYNAMIC_RANGES_LOW : DYNAMIC_RANGES;

	if (n <= most)
		return false;
	ports[0].hi = ports[n - 1].hi;
	return true;
}

static void set_ports(struct suggest_rule *rule)
{
	size_t n = join_ports(rule->ports, rule->n_ports), kept = 0;

	for (size_t i = 0, end; i < n; i = end) {
		for (end = i + 1; end < n && rule->ports[end].proto == rule->ports[i].proto;)
			end++;
		bool folded = fold_ports(&rule->ports[i], end - i);
		size_t left = folded ? 1 : end - i;
		memmove(&rule->ports[kept], &rule->ports[i], left * sizeof(*rule->ports));
		kept += left;
		rule->folded |= folded;
	}
	rule->n_ports = kept;
}

/* ---- rules ---- */

static int make_rule(const struct suggest *s, const struct rule_edge *edges, size_t n,
		     struct suggest_rule *ret)
{
	const struct suggest_edge *first = edges[0].edge;

	*ret = (struct suggest_rule){
		.from = edges[0].from,
		.to = edges[0].to,
		.from_sample = first->from.sample ? first->from.sample : edges[0].from,
		.to_sample = first->to.sample ? first->to.sample : edges[0].to,
		.to_group = group_of(s, &first->to),
		.why = first->fate == SUGGEST_COMMENT ? first->why : NULL,
		.ports = arena_alloc(s->arena, n * sizeof(*ret->ports)),
		.edges = arena_alloc(s->arena, n * sizeof(struct suggest_edge *)),
	};
	if (!ret->ports || !ret->edges)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		ret->edges[ret->n_edges++] = edges[i].edge;
		ret->ports[ret->n_ports++] = edges[i].edge->port;
	}
	set_ports(ret);
	return 0;
}

int suggest_make_rules(struct suggest *s)
{
	struct rule_edge *edges = arena_alloc(s->arena, s->edges.n * sizeof(*edges));
	size_t n = 0;
	int r = 0;

	s->rules = arena_alloc(s->arena, s->edges.n * sizeof(*s->rules));
	if (!edges || !s->rules)
		return -ENOMEM;
	for (size_t i = 0; i < s->edges.n; i++) {
		struct suggest_edge *edge = &s->edges.items[i];
		if (edge->fate == SUGGEST_RULE || edge->fate == SUGGEST_COMMENT)
			edges[n++] =
				(struct rule_edge){ edge, name_side(s, &edge->from),
						    name_side(s, &edge->to), section_of(edge) };
	}
	if (n)
		qsort(edges, n, sizeof(*edges), by_rule_then_flow);
	for (size_t i = 0, end; i < n && r == 0; i = end) {
		for (end = i + 1; end < n && by_rule(&edges[i], &edges[end]) == 0;)
			end++;
		r = make_rule(s, edges + i, end - i, &s->rules[s->n_rules++]);
	}
	return r;
}
