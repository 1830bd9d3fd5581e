/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/compile/again.h"

#include <errno.h>
#include <string.h>

#include "core/base/text.h"
#include "core/compile/renew.h"

/* ---- whether anything else is as it was ---- */

static bool same_bridges(const struct world *a, const struct world *b)
{
	if (a->n_bridges != b->n_bridges)
		return false;
	for (size_t i = 0; i < a->n_bridges; i++) {
		const struct world_bridge *one = &a->bridges[i], *other = &b->bridges[i];
		if (strcmp(one->name, other->name) != 0 || one->kind != other->kind ||
		    one->stacked != other->stacked || one->shared != other->shared ||
		    memcmp(&one->mac, &other->mac, sizeof(one->mac)) != 0)
			return false;
	}
	return true;
}

static bool same_parents(const struct world *a, const struct world *b)
{
	if (a->n_parents != b->n_parents)
		return false;
	for (size_t i = 0; i < a->n_parents; i++)
		if (strcmp(a->parents[i].name, b->parents[i].name) != 0 ||
		    a->parents[i].ifindex != b->parents[i].ifindex ||
		    memcmp(&a->parents[i].mac, &b->parents[i].mac, sizeof(a->parents[i].mac)) != 0)
			return false;
	return true;
}

static bool same_addresses(const struct ip_addr *a, size_t n_a, const struct ip_addr *b, size_t n_b)
{
	return n_a == n_b && (n_a == 0 || memcmp(a, b, n_a * sizeof(*a)) == 0);
}

static bool same_prefixes(const struct world_network *a, const struct world_network *b)
{
	if (a->n_subnets != b->n_subnets)
		return false;
	for (size_t i = 0; i < a->n_subnets; i++)
		if (a->subnets[i].len != b->subnets[i].len ||
		    ip_compare(&a->subnets[i].addr, &b->subnets[i].addr) != 0)
			return false;
	return true;
}

static bool same_network(const struct world_network *a, const struct world_network *b)
{
	return strcmp(a->id, b->id) == 0 && strcmp(a->name, b->name) == 0 &&
	       strcmp(a->driver, b->driver) == 0 && strcmp(a->bridge, b->bridge) == 0 &&
	       strcmp(a->parent, b->parent) == 0 && a->siblings == b->siblings &&
	       a->internal == b->internal && a->dns == b->dns &&
	       memcmp(a->modes, b->modes, sizeof(a->modes)) == 0 && !a->flaw == !b->flaw &&
	       same_prefixes(a, b) &&
	       same_addresses(a->gateways, a->n_gateways, b->gateways, b->n_gateways);
}

static bool same_networks(const struct world *a, const struct world *b)
{
	if (a->networks == b->networks)
		return true;
	if (a->n_networks != b->n_networks)
		return false;
	for (size_t i = 0; i < a->n_networks; i++)
		if (!same_network(&a->networks[i], &b->networks[i]))
			return false;
	return true;
}

static bool same_people(const struct world *a, const struct world *b)
{
	return a->records == b->records && a->containers == b->containers;
}

/* But for ports, containers and endpoints. */
static bool same_world(const struct world *a, const struct world *b)
{
	return a->records && b->records && a->reports == b->reports &&
	       a->awaits_reports == b->awaits_reports && a->members == b->members &&
	       memcmp(a->unfiltered, b->unfiltered, sizeof(a->unfiltered)) == 0 &&
	       a->no_proxy == b->no_proxy && a->dns_by_docker == b->dns_by_docker &&
	       text_equal(a->engine, b->engine) &&
	       same_addresses(a->resolvers, a->n_resolvers, b->resolvers, b->n_resolvers) &&
	       same_addresses(a->host_addrs, a->n_host_addrs, b->host_addrs, b->n_host_addrs) &&
	       same_bridges(a, b) && same_parents(a, b) && same_networks(a, b);
}

/* No rule has ended or begun in between, and no report has become too old. */
static bool same_rules(const struct compile_before *before, const struct compile_input *in)
{
	int64_t next = before->output->next_change;

	return before->in->policy == in->policy && in->now >= before->in->now &&
	       (next == 0 || in->now < next);
}

static bool may_renew(const struct compile_before *before, const struct compile_input *in)
{
	const struct compile_input *was = before->in;
	const struct emit *parts = before->output->parts;

	return same_rules(before, in) && !was->assignments && !in->assignments &&
	       (was->stamp == 0) == (in->stamp == 0) && was->mark_bit == in->mark_bit &&
	       was->log_group == in->log_group && !parts->ignore &&
	       same_world(was->world, in->world) &&
	       (same_people(was->world, in->world) ||
		(in->world->n_parents == 0 && renew_may_renew_endpoints(in, parts)));
}

/* ---- the compilation ---- */

/* 1: it must be compiled as a whole. */
static int renew(struct again *a, const struct compile_output *before, struct compile_output *ret)
{
	struct emit *e = &a->e;

	e->rs = ruleset_again(before->ruleset, e->arena);
	if (!e->rs || emit_find_bridges(e) < 0)
		return -ENOMEM;
	int r = renew_compare_ports(a);
	if (r == 0)
		r = renew_endpoints(a, before->ruleset);
	if (r == 0)
		r = renew_ports(a);
	if (r != 0)
		return r;
	ruleset_set_stamp(e->rs, e->in->stamp);
	*ret = *before;
	ret->parts = arena_dup(e->arena, e, sizeof(*e));
	ret->ruleset = e->rs;
	ret->assignments = a->own;
	ret->bridge_nf_on = e->bridge_nf_on;
	ret->denials = e->denials.items;
	ret->n_denials = e->denials.n;
	return ret->parts ? 0 : -ENOMEM;
}

/* Where endpoints come and go, all that is made has an arena of its own: later compilations borrow
 * what endpoints have in the sets, and so need not borrow it from the one before this one. */
static int renew_apart(struct again *a, const struct compile_before *before, struct arena *arena,
		       struct compile_result *ret)
{
	CLEANUP(arena_freep) struct arena *base = arena_new();
	int r = base ? arena_keep(base, a->parts->root) : -ENOMEM;

	a->e.arena = base;
	if (r == 0)
		r = renew(a, before->output, &ret->output);
	for (size_t i = 0; i < LATES && r == 0; i++)
		if (a->e.late[i] == a->parts->late[i])
			r = arena_keep(base, a->e.late[i]);
	if (r == 0)
		r = arena_keep(arena, base);
	ret->base = base;
	return r;
}

static int reuse(const struct compile_input *in, const struct compile_before *before,
		 struct arena *arena, struct compile_result *ret)
{
	struct again a = { .e = *before->output->parts,
			   .parts = before->output->parts,
			   .assignments = before->output->assignments,
			   .was = before->in,
			   .old = before->in->world,
			   .new = in->world,
			   .same_people = same_people(before->in->world, in->world) };

	a.e.in = in;
	a.e.arena = arena;
	ret->reused = true;
	int r = renew_compare_endpoints(&a);
	ret->n_renewed = a.gone.n + a.come.n;
	if (r == 0 && (a.gone.n || a.come.n))
		return renew_apart(&a, before, arena, ret);
	if (r == 0)
		r = renew(&a, before->output, &ret->output);
	if (r == 0)
		r = arena_keep(arena, before->base);
	ret->base = before->base;
	return r;
}

/* In an arena of its own, which those who borrow from it keep. */
static int compile_base(const struct compile_input *in, struct arena *arena,
			struct compile_result *ret, const char **why)
{
	CLEANUP(arena_freep) struct arena *base = arena_new();
	int r = base ? arena_keep(arena, base) : -ENOMEM;

	if (r == 0 && in->world->records)
		r = arena_keep(base, in->world->records);
	if (r == 0)
		r = compile_ruleset(in, base, &ret->output, why);
	ret->base = base;
	ret->reused = false;
	ret->n_renewed = 0;
	return r;
}

int compile_again(const struct compile_input *in, const struct compile_before *before,
		  struct arena *arena, struct compile_result *ret, const char **why)
{
	int r = 1;

	*why = NULL;
	if (before && may_renew(before, in))
		r = reuse(in, before, arena, ret);
	return r == 1 ? compile_base(in, arena, ret, why) : r;
}
