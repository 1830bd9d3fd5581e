/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Chains that depend on who is there: those of published ports, and the ends of denials that are
 * there only while someone asks for them. They are made by the code of the whole compilation, in
 * their places, all of a kind or none. Each kind is in an arena of its own, which whoever borrows
 * it keeps, and nothing else with it. */
#include <errno.h>
#include <string.h>

#include "core/compile/elements.h"
#include "core/compile/published.h"
#include "core/compile/renew.h"

/* Docker would open a port at an address of the container's own: that changes the chains of tiers,
 * which have no rule about such ports as long as there are none (direct.c). */
static bool opens_directly(const struct again *a)
{
	const struct world *world = a->new;

	for (size_t i = 0; i < a->come.n; i++) {
		uint32_t at = a->come.items[i];
		const struct world_container *container =
			&world->containers[world->endpoints[at].container];
		for (size_t p = 0; p < container->n_published; p++)
			if (emit_group_of(&a->e, at) &&
			    world_opens_directly(world, at, &container->published[p]))
				return true;
	}
	return false;
}

/* Those that have come are counted where they have their elements. */
static void ask_for_endpoints(struct again *a)
{
	const struct emit was = renew_before(a);
	struct emit *e = &a->e;

	for (size_t i = 0; i < a->gone.n; i++) {
		const struct world_endpoint *endpoint = &a->old->endpoints[a->gone.items[i]];
		enum reason closed = emit_closed_reason(&was, a->gone.items[i]);
		if (closed && world_network_is_managed(&a->old->networks[endpoint->network]))
			e->n_closed[closed] -=
				(size_t) !!endpoint->ipv4.family + !!endpoint->ipv6.family;
	}
	for (int reason = 0; reason < REASON_COUNT; reason++)
		e->wanted_ends[ASKER_ENDPOINTS][RS_INET][reason][e->audit] =
			e->n_closed[reason] > 0;
}

static int add_denials(struct emit *e, const struct compile_denial *items, size_t n)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++)
		r = VEC_PUSH(e->arena, &e->denials, items[i]);
	return r;
}

/* In the order of the whole compilation: the denials of other chains are before and behind. */
static int renew_ends(struct again *a)
{
	struct emit *e = &a->e;
	const struct emit *parts = a->parts;
	struct rs_table *table = &e->rs->tables[RS_INET];
	struct rs_run run = e->other_ends;
	size_t behind = parts->other_denials.first + parts->other_denials.n, n = table->chains.n;

	for (size_t i = 0; i < run.n; i++) /* each has a counter of its name */
		ruleset_drop_counter(e->rs, RS_INET, table->chains.items[run.first + i]->name);
	memset(&e->denials, 0, sizeof(e->denials));
	int r = add_denials(e, parts->denials.items, parts->other_denials.first);
	if (r < 0)
		return r;
	emit_other_inet_ends(e);
	r = e->err ? e->err : ruleset_replace_chains(e->rs, RS_INET, n, &run);
	e->other_ends = run;
	return r < 0 ? r : add_denials(e, parts->denials.items + behind, parts->denials.n - behind);
}

/* @make in an arena that is kept. */
static int renew_late(struct again *a, enum late late, int (*make)(struct again *))
{
	CLEANUP(arena_freep) struct arena *own = arena_new();
	struct arena *base = a->e.arena;
	int r = own ? arena_keep(base, own) : -ENOMEM;

	if (r < 0)
		return r;
	a->e.late[late] = a->e.arena = a->e.rs->arena = own;
	r = make(a);
	a->e.arena = a->e.rs->arena = base;
	return r;
}

/* Whether the same ends are asked for, by whomever. */
static bool same_ends(const struct again *a)
{
	return memcmp(a->e.wanted_ends, a->parts->wanted_ends, sizeof(a->e.wanted_ends)) == 0;
}

static bool is_new(const struct again *a, enum late late)
{
	return a->e.late[late] != a->parts->late[late];
}

int renew_check_calls(struct again *a)
{
	return is_new(a, LATE_PUBLISHED) || is_new(a, LATE_ENDS)
		       ? ruleset_check_calls(a->e.rs, RS_INET)
		       : 0;
}

static int settle(struct again *a, const struct ruleset *old)
{
	struct emit *e = &a->e;
	struct rs_run runs[LATES];
	size_t n = 0;
	int r = 0;

	if (is_new(a, LATE_PUBLISHED))
		runs[n++] = e->published->chains;
	if (is_new(a, LATE_ENDS))
		runs[n++] = e->other_ends;
	if (n)
		r = ruleset_settle_chains(e->rs, RS_INET, old, runs, n);
	for (size_t k = 0; k < KEYED_COUNT && r == 0; k++)
		r = ruleset_settle_set(e->rs, RS_INET, e->published->maps[k]);
	return r;
}

/* What deny rules end in is asked for by the chains of tiers as well, whatever is published. */
int renew_chains(struct again *a, const struct ruleset *old)
{
	struct emit *e = &a->e;

	if (opens_directly(a))
		return 1;
	e->family = RS_INET;
	ask_for_endpoints(a);
	int r = renew_openings(a);
	if (r == 1)
		r = renew_late(a, LATE_PUBLISHED, renew_published);
	if (r == 0) { /* which are behind what is published */
		e->other_ends.first += e->published->chains.n - a->parts->published->chains.n;
		r = same_ends(a) ? 0 : renew_late(a, LATE_ENDS, renew_ends);
	}
	if (r == 0)
		r = settle(a, old);
	e->family = a->parts->family;
	return r;
}
