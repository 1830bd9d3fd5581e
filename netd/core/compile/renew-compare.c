/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which endpoints are new, gone or others since the compilation before. Where a container is as it
 * was is mostly seen without a look at it (world_is_one_record()). */
#include <errno.h>
#include <string.h>

#include "core/base/text.h"
#include "core/compile/renew.h"
#include "core/world/facts.h"

bool renew_may_renew_endpoints(const struct compile_input *in, const struct emit *parts)
{
	const struct policy *policy = in->policy;

	/* What a tier requires follows from more than the container. */
	for (size_t i = 0; i < policy->n_tiers; i++)
		if (policy->tiers[i].require)
			return false;
	/* A tier speaks for a single address as long as no endpoint has it. */
	for (size_t i = 0; i < policy->n_spoken; i++)
		if (policy->spoken[i].prefix.len == 8 * ip_len(&policy->spoken[i].prefix.addr))
			return false;
	return !parts->any_shared && !parts->direct[0] && !parts->direct[1];
}

struct emit renew_before(const struct again *a)
{
	struct emit was = *a->parts;

	was.in = a->was;
	was.assignments = a->assignments;
	was.arena = a->e.arena;
	return was;
}

/* ---- who is as he was ---- */

static bool same_labels(const struct world_container *a, const struct world_container *b)
{
	if (a->n_labels != b->n_labels || a->labels_cut != b->labels_cut)
		return false;
	for (size_t i = 0; i < a->n_labels; i++)
		if (a->labels[i].origin != b->labels[i].origin ||
		    !text_equal(a->labels[i].key, b->labels[i].key) ||
		    !text_equal(a->labels[i].value, b->labels[i].value))
			return false;
	return true;
}

static bool same_published(const struct world_container *a, const struct world_container *b)
{
	if (a->n_published != b->n_published)
		return false;
	for (size_t i = 0; i < a->n_published; i++)
		if (world_compare_published(&a->published[i], &b->published[i]) != 0)
			return false;
	return true;
}

/* As far as rules are made of it; what it is called and its id are compared. */
static bool same_container(const struct world_container *a, const struct world_container *b)
{
	return a->starting == b->starting && a->kind == b->kind && a->known == b->known &&
	       text_equal(a->image, b->image) && !a->flaw == !b->flaw && same_labels(a, b) &&
	       same_published(a, b);
}

static bool same_endpoint(const struct world_endpoint *a, const struct world_endpoint *b)
{
	return a->network == b->network && ip_compare(&a->ipv4, &b->ipv4) == 0 &&
	       ip_compare(&a->ipv6, &b->ipv6) == 0 && a->gw_priority == b->gw_priority &&
	       memcmp(&a->mac, &b->mac, sizeof(a->mac)) == 0;
}

/* A container with the run of its endpoints; n 0: there are no more. */
struct container_run {
	uint32_t container, first, n;
};

static struct container_run next_run(const struct world *world, const struct container_run *last)
{
	struct container_run run = { .first = last->first + last->n };

	if (run.first == world->n_endpoints)
		return run;
	run.container = world->endpoints[run.first].container;
	for (run.n = 1; run.first + run.n < world->n_endpoints; run.n++)
		if (world->endpoints[run.first + run.n].container != run.container)
			break;
	return run;
}

static int compare_runs(const struct again *a, const struct container_run *was,
			const struct container_run *is)
{
	const struct world_container *old, *new;

	if (!was->n || !is->n)
		return was->n ? -1 : 1;
	if (world_is_one_record(a->old, was->container, a->new, is->container))
		return 0;
	old = &a->old->containers[was->container];
	new = &a->new->containers[is->container];
	int order = strcmp(old->name, new->name);
	return order ? order : strcmp(old->id, new->id);
}

static bool same_people(const struct again *a, const struct container_run *was,
			const struct container_run *is)
{
	const struct world_container *old = &a->old->containers[was->container],
				     *new = &a->new->containers[is->container];

	if (!world_is_one_record(a->old, was->container, a->new, is->container))
		return same_container(old, new);
	return (!a->old->holds && !a->new->holds) || old->starting == new->starting;
}

static bool same_run(const struct again *a, const struct container_run *was,
		     const struct container_run *is)
{
	if (was->n != is->n || !same_people(a, was, is))
		return false;
	for (uint32_t k = 0; k < was->n; k++)
		if (!same_endpoint(&a->old->endpoints[was->first + k],
				   &a->new->endpoints[is->first + k]))
			return false;
	return true;
}

static int touch_endpoint(struct again *a, const struct world *world, uint32_t i)
{
	const struct world_endpoint *endpoint = &world->endpoints[i];
	const struct world_network *network = &world->networks[endpoint->network];

	a->publishes |= world->containers[endpoint->container].n_published > 0;
	return world_network_is_managed(network)
		       ? renew_touch_place(a, &endpoint->mac, network->bridge)
		       : 0;
}

/* Docker was asked about it again: that may explain a port, or another one no more. */
static int touch_asked(struct again *a, uint32_t old, uint32_t new)
{
	const struct world_endpoint *was = &a->old->endpoints[old], *is = &a->new->endpoints[new];
	const struct assignment *as = &a->assignments[old];
	const struct world_port *port = compile_port(as);

	if (was->asked == is->asked && was->id == is->id)
		return 0;
	if (!as->stale && (!port || world_port_is_explained(port, is)))
		return 0;
	return renew_touch_place(a, &is->mac, a->new->networks[is->network].bridge);
}

static int keep_run(struct again *a, const struct container_run *was,
		    const struct container_run *is)
{
	int r = 0;

	for (uint32_t k = 0; k < is->n && r == 0; k++) {
		a->from[is->first + k] = was->first + k;
		a->to[was->first + k] = is->first + k;
		r = touch_asked(a, was->first + k, is->first + k);
	}
	return r;
}

/* Of a container of which anything is another one all endpoints are made anew. */
static int replace_run(struct again *a, const struct container_run *was,
		       const struct container_run *is)
{
	int r = 0;

	for (uint32_t k = 0; was && k < was->n && r == 0; k++) {
		a->to[was->first + k] = RENEW_GONE;
		r = VEC_PUSH(a->e.arena, &a->gone, was->first + k);
		if (r == 0)
			r = touch_endpoint(a, a->old, was->first + k);
	}
	for (uint32_t k = 0; is && k < is->n && r == 0; k++) {
		a->from[is->first + k] = RENEW_GONE;
		r = VEC_PUSH(a->e.arena, &a->come, is->first + k);
		if (r == 0)
			r = touch_endpoint(a, a->new, is->first + k);
	}
	return r == 0 && a->gone.n + a->come.n > RENEW_MOST ? 1 : r;
}

int renew_compare_endpoints(struct again *a)
{
	struct container_run none = { 0 }, was = next_run(a->old, &none),
			     is = next_run(a->new, &none);
	int r = 0;

	if (a->same_people)
		return 0;
	a->from = arena_alloc(a->e.arena, a->new->n_endpoints * sizeof(*a->from));
	a->to = arena_alloc(a->e.arena, a->old->n_endpoints * sizeof(*a->to));
	if (!a->from || !a->to)
		return -ENOMEM;
	while (r == 0 && (was.n || is.n)) {
		int order = compare_runs(a, &was, &is);
		if (order == 0 && same_run(a, &was, &is))
			r = keep_run(a, &was, &is);
		else
			r = replace_run(a, order <= 0 ? &was : NULL, order >= 0 ? &is : NULL);
		if (order <= 0)
			was = next_run(a->old, &was);
		if (order >= 0)
			is = next_run(a->new, &is);
	}
	return r;
}
