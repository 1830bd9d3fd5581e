/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which services are one tier: those that belong together and talk alike, to and from the very same
 * others, and not with each other. Then one tier for all of them allows nothing that was not seen
 * of each, and a flow that is new for one of them takes that one out and no other. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/suggest/draft.h"

/* One thing that was seen of somebody. */
struct group_trait {
	uint32_t who;
	const char *text;
};

struct grouping {
	struct suggest *s;
	VEC(struct group_trait) traits;
	const char **talk; /* per who: all of its traits in order; NULL: it was not seen */
	uint32_t *order;   /* the whos by talk, then by key */
	uint32_t *same_as; /* per who: another of its group, towards the first */
};

static const char *side_text(const struct suggest_side *side, struct arena *arena)
{
	return side->kind == SUGGEST_WHO ? arena_printf(arena, "who %u", side->who)
					 : arena_printf(arena, "%s", side->peer);
}

static int add_trait(struct grouping *g, const struct suggest_edge *edge, bool source)
{
	const struct suggest_side *own = source ? &edge->from : &edge->to;
	const struct suggest_side *other = source ? &edge->to : &edge->from;
	struct arena *arena = g->s->arena;
	char port[PORT_RANGE_TEXT_LEN];

	if (own->kind != SUGGEST_WHO || g->s->whos.items[own->who].in_force)
		return 0;
	/* Whoever talks to his like would talk to all of the tier. */
	bool itself = other->kind == SUGGEST_WHO && other->who == own->who;
	const char *peer =
		itself ? arena_printf(arena, "itself %u", own->who) : side_text(other, arena);
	struct group_trait trait = {
		own->who, peer ? arena_printf(arena, "%s %s %s %s\n", source ? "to" : "from", peer,
					      port_range_format(&edge->port, port),
					      edge->why ? edge->why : "")
			       : NULL
	};
	return trait.text ? VEC_PUSH(arena, &g->traits, trait) : -ENOMEM;
}

static int by_trait(const void *left, const void *right)
{
	const struct group_trait *a = left, *b = right;

	if (a->who != b->who)
		return a->who < b->who ? -1 : 1;
	return strcmp(a->text, b->text);
}

static int join_traits(struct grouping *g)
{
	struct group_trait *traits = g->traits.items;
	size_t n = g->traits.n;

	if (n)
		qsort(traits, n, sizeof(*traits), by_trait);
	for (size_t i = 0, end; i < n; i = end) {
		struct text text CLEANUP(text_done) = { 0 };
		for (end = i; end < n && traits[end].who == traits[i].who; end++)
			if (end == i || strcmp(traits[end].text, traits[end - 1].text) != 0)
				text_add(&text, traits[end].text);
		g->talk[traits[i].who] =
			text_failed(&text) ? NULL : arena_strdup(g->s->arena, text_str(&text));
		if (!g->talk[traits[i].who])
			return -ENOMEM;
	}
	return 0;
}

/* ---- who belongs together ---- */

static bool equal(const char *a, const char *b)
{
	return a && b && *a && strcmp(a, b) == 0;
}

static bool are_kin(const struct suggest_who *a, const struct suggest_who *b)
{
	return equal(a->project, b->project) || equal(a->image, b->image) ||
	       equal(a->call, b->call) || equal(a->role, b->role) ||
	       (!a->project && !b->project && equal(a->networks, b->networks));
}

static uint32_t root_of(const struct grouping *g, uint32_t who)
{
	while (g->same_as[who] != who)
		who = g->same_as[who];
	return who;
}

static int by_talk(const void *left, const void *right, void *userdata)
{
	const uint32_t *a = left, *b = right;
	const struct grouping *g = userdata;
	int order = strcmp(g->talk[*a], g->talk[*b]);

	return order ? order : strcmp(g->s->whos.items[*a].key, g->s->whos.items[*b].key);
}

/* Those of one talk stand together in the order. */
static void unite(struct grouping *g, size_t n)
{
	const struct suggest_who *whos = g->s->whos.items;

	for (size_t i = 0; i < n; i++)
		for (size_t k = i; k-- > 0;) {
			uint32_t a = g->order[k], b = g->order[i];
			if (strcmp(g->talk[a], g->talk[b]) != 0)
				break;
			uint32_t first = root_of(g, a), second = root_of(g, b);
			if (first != second && are_kin(&whos[a], &whos[b]))
				g->same_as[second] = first;
		}
}

static int by_key(const void *left, const void *right, void *userdata)
{
	const uint32_t *a = left, *b = right;
	const struct suggest *s = userdata;

	return strcmp(s->whos.items[*a].key, s->whos.items[*b].key);
}

static int collect(struct grouping *g, size_t n)
{
	struct suggest *s = g->s;
	struct suggest_group *groups = arena_alloc(s->arena, (s->whos.n + 1) * sizeof(*groups));

	if (!groups)
		return -ENOMEM;
	s->groups = groups;
	for (size_t i = 0; i < n; i++) {
		uint32_t root = root_of(g, g->order[i]);
		if (s->whos.items[root].group == SUGGEST_NONE) {
			s->whos.items[root].group = (uint32_t)s->n_groups;
			groups[s->n_groups].whos = arena_alloc(s->arena, n * sizeof(uint32_t));
			if (!groups[s->n_groups++].whos)
				return -ENOMEM;
		}
		struct suggest_group *group = &groups[s->whos.items[root].group];
		s->whos.items[g->order[i]].group = s->whos.items[root].group;
		group->whos[group->n_whos++] = g->order[i];
	}
	for (size_t i = 0; i < s->n_groups; i++)
		qsort_r(groups[i].whos, groups[i].n_whos, sizeof(uint32_t), by_key, s);
	return 0;
}

/* Each tier in force is its own. */
static int add_in_force(struct suggest *s)
{
	for (uint32_t i = 0; i < s->whos.n; i++) {
		struct suggest_who *who = &s->whos.items[i];
		if (!who->in_force)
			continue;
		uint32_t *only = arena_dup(s->arena, &i, sizeof(i));
		if (!only)
			return -ENOMEM;
		who->group = (uint32_t)s->n_groups;
		s->groups[s->n_groups++] = (struct suggest_group){
			.name = who->call, .in_force = true, .whos = only, .n_whos = 1
		};
	}
	return 0;
}

int suggest_group_whos(struct suggest *s)
{
	struct grouping g = { .s = s };
	size_t n = 0;
	int r = 0;

	for (size_t i = 0; i < s->edges.n && r == 0; i++) {
		const struct suggest_edge *edge = &s->edges.items[i];
		if (edge->fate == SUGGEST_LEFT || edge->fate == SUGGEST_IN_FORCE)
			continue;
		r = add_trait(&g, edge, true);
		if (r == 0)
			r = add_trait(&g, edge, false);
	}
	g.talk = arena_alloc(s->arena, s->whos.n * sizeof(*g.talk));
	g.order = arena_alloc(s->arena, s->whos.n * sizeof(*g.order));
	g.same_as = arena_alloc(s->arena, s->whos.n * sizeof(*g.same_as));
	if (r < 0 || !g.talk || !g.order || !g.same_as)
		return -ENOMEM;
	r = join_traits(&g);
	for (uint32_t i = 0; i < s->whos.n && r == 0; i++) {
		g.same_as[i] = i;
		if (g.talk[i])
			g.order[n++] = i;
	}
	if (r == 0 && n)
		qsort_r(g.order, n, sizeof(*g.order), by_talk, &g);
	if (r == 0)
		unite(&g, n);
	if (r == 0)
		r = collect(&g, n);
	return r == 0 ? add_in_force(s) : r;
}

static int by_group_name(const void *left, const void *right, void *userdata)
{
	const uint32_t *a = left, *b = right;
	const struct suggest *s = userdata;

	return strcmp(s->groups[*a].name, s->groups[*b].name);
}

static const uint32_t *sort_groups(const struct suggest *s, bool all, size_t *ret_n)
{
	uint32_t *order = arena_alloc(s->arena, (s->n_groups + 1) * sizeof(*order));
	size_t n = 0;

	for (uint32_t i = 0; order && i < s->n_groups; i++)
		if (all || !s->groups[i].in_force)
			order[n++] = i;
	if (n)
		qsort_r(order, n, sizeof(*order), by_group_name, (void *)(uintptr_t)s);
	*ret_n = n;
	return order;
}

const uint32_t *suggest_new_groups(const struct suggest *s, size_t *ret_n)
{
	return sort_groups(s, false, ret_n);
}

const uint32_t *suggest_all_groups(const struct suggest *s, size_t *ret_n)
{
	return sort_groups(s, true, ret_n);
}
