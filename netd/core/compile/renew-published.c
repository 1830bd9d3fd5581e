/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is published, where a container that publishes has come, gone or changed. Mostly others
 * publish the same port of the same tier: then its host ports are elements of the maps, and the
 * chains are as they were. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/compile/published.h"
#include "core/compile/renew.h"

/* ---- whether the chains are the same ---- */

/* Of each container all endpoints are among these, one after the other. */
static void find_openings(struct emit *e, const uint32_t *items, size_t n_items, openings *ret)
{
	const struct world *world = e->in->world;

	for (size_t i = 0, n; i < n_items; i += n) {
		uint32_t container = world->endpoints[items[i]].container;
		for (n = 1; i + n < n_items; n++)
			if (world->endpoints[items[i + n]].container != container)
				break;
		emit_openings_of(e, items[i], n, ret);
	}
	if (ret->n)
		qsort(ret->items, ret->n, sizeof(*ret->items), published_by_key);
}

/* As it was with the world and the tiers of then. */
static int find_gone(struct again *a, openings *ret)
{
	struct emit was = renew_before(a);

	find_openings(&was, a->gone.items, a->gone.n, ret);
	return was.err;
}

static void count_gone(struct published_parts *published, const openings *gone)
{
	for (size_t i = 0; i < gone->n; i++) {
		const struct opening *opening = &gone->items[i];
		if (opening->of.n_groups)
			published_find_use(published, &opening->of)->n--;
		else
			published->closed[opening->closed]--;
	}
}

/* And finds their chains. False: nobody has been judged like one of them. */
static bool count_come(struct emit *e, openings *come)
{
	for (size_t i = 0; i < come->n; i++) {
		struct opening *opening = &come->items[i];
		struct published_use *use = published_find_use(e->published, &opening->of);
		if (!opening->of.n_groups) {
			e->published->closed[opening->closed]++;
			opening->chain = emit_end(e, opening->closed);
			continue;
		}
		if (!use)
			return false;
		use->n++;
		opening->chain = use->chain;
	}
	return true;
}

static bool are_all_in_use(const struct published_parts *published, const openings *gone)
{
	for (size_t i = 0; i < gone->n; i++)
		if (gone->items[i].of.n_groups &&
		    published_find_use(published, &gone->items[i].of)->n == 0)
			return false;
	return true;
}

static bool same_reasons(const struct published_parts *a, const struct published_parts *b)
{
	for (size_t i = 0; i < REASON_COUNT; i++)
		if ((a->closed[i] > 0) != (b->closed[i] > 0))
			return false;
	return true;
}

/* ---- the maps ---- */

static int own_maps(struct again *a, const openings *gone)
{
	struct published_parts *published = a->e.published;
	key_list keys[KEYED_COUNT] = { { 0 } };

	for (size_t i = 0; i < gone->n; i++)
		for (size_t b = 0; b < gone->items[i].key.len; b++)
			if (VEC_PUSH(a->e.arena, &keys[gone->items[i].keyed],
				     gone->items[i].key.bytes[b]) < 0)
				return -ENOMEM;
	for (size_t k = 0; k < KEYED_COUNT; k++) {
		const struct rs_set *from = a->parts->published->maps[k];
		const struct rs_prefixes without = { keys[k].items, keys[k].n / from->key_len,
						     from->key_len };
		published->maps[k] = ruleset_own_set(a->e.rs, RS_INET, from, &without);
		if (!published->maps[k])
			return -ENOMEM;
	}
	return 0;
}

/* Another container, that is as it was, has the key of one that has come. */
static bool is_taken(const struct published_parts *published, const openings *come)
{
	for (size_t i = 0; i < come->n; i++)
		if (rs_set_find(published->maps[come->items[i].keyed], &come->items[i].key) >= 0)
			return true;
	return false;
}

static int copy_published(struct again *a)
{
	const struct published_parts *old = a->parts->published;
	struct published_parts *published = arena_dup(a->e.arena, old, sizeof(*old));

	if (!published)
		return -ENOMEM;
	published->uses = arena_dup(a->e.arena, old->uses, old->n_uses * sizeof(*published->uses));
	a->e.published = published;
	return published->uses ? 0 : -ENOMEM;
}

int renew_openings(struct again *a)
{
	struct emit *e = &a->e;
	openings gone = { 0 }, come = { 0 };
	int r = copy_published(a);

	if (r == 0 && a->publishes)
		r = find_gone(a, &gone);
	if (r == 0)
		r = own_maps(a, &gone);
	if (r < 0 || !a->publishes)
		return r;
	find_openings(e, a->come.items, a->come.n, &come);
	if (e->err || a->parts->published->shared)
		return e->err ? e->err : 1;
	count_gone(e->published, &gone);
	e->asker = ASKER_PUBLISHED;
	bool known = count_come(e, &come);
	e->asker = ASKER_BORROWED;
	if (!known || !are_all_in_use(e->published, &gone) ||
	    !same_reasons(e->published, a->parts->published) || is_taken(e->published, &come))
		return e->err ? e->err : 1;
	emit_published_elements(e, &come);
	return e->err;
}

/* ---- all anew ---- */

int renew_published(struct again *a)
{
	struct emit *e = &a->e;
	const struct published_parts *old = a->parts->published;
	size_t n = e->rs->tables[RS_INET].chains.n;

	e->published = arena_alloc(e->arena, sizeof(*e->published));
	for (size_t k = 0; k < KEYED_COUNT && e->published; k++) {
		e->published->maps[k] = ruleset_empty_set(e->rs, RS_INET, old->maps[k]);
		if (!e->published->maps[k])
			return -ENOMEM;
	}
	if (!e->published)
		return -ENOMEM;
	memset(e->wanted_ends[ASKER_PUBLISHED], 0, sizeof(e->wanted_ends[ASKER_PUBLISHED]));
	emit_published(e);
	e->published->chains = old->chains;
	return e->err ? e->err : ruleset_replace_chains(e->rs, RS_INET, n, &e->published->chains);
}
