/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which ports are published, who answers for them, and which of them are judged alike. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/compile/published.h"

/* Of the first field of a key, where the port is not on all addresses. */
static const enum rs_type address_types[KEYED_COUNT] = {
	[KEYED_IP4] = RS_TYPE_IPV4, [KEYED_IP6] = RS_TYPE_IPV6
};

static void set_port(struct opening *opening, const struct world_published *published)
{
	uint8_t proto = proto_number((enum ip_proto)published->port.proto);
	uint16_t port = htons(published->host_port);
	opening->of.port = published->port;
	opening->key = (struct rs_key){ 0 };
	opening->keyed = ip_is_unspecified(&published->host_ip) ? KEYED_ANY
			 : published->host_ip.family == IP_V6	? KEYED_IP6
								: KEYED_IP4;
	if (opening->keyed != KEYED_ANY)
		rs_key_add(&opening->key, address_types[opening->keyed], published->host_ip.bytes,
			   true);
	rs_key_add(&opening->key, RS_TYPE_INET_PROTO, &proto, true);
	rs_key_add(&opening->key, RS_TYPE_INET_SERVICE, &port, true);
}

static int by_group(const void *left, const void *right)
{
	const struct group *a = *(const struct group *const *)left,
			   *b = *(const struct group *const *)right;

	if (a->audited != b->audited)
		return a->audited ? 1 : -1;
	return a < b ? -1 : a > b;
}

/* The kernel takes names of up to 255 bytes; a chain's has these, one of them again, and ports. */
#define LONGEST_NAMES 192u

static size_t names_len(const struct group *const *groups, size_t n)
{
	size_t len = 0, longest = 0;

	for (size_t i = 0; i < n; i++) {
		size_t own = strlen(groups[i]->name) + 1;
		len += own;
		longest = own > longest ? own : longest;
	}
	return len + longest;
}

/* A container on several networks answers on one of them, which can be another one a moment later;
 * which it is does not show here. So every group that one of its endpoints is in must let a flow
 * pass. @opening: groups and network are set; without groups, where an endpoint is in none, or the
 * groups' names are too long together. */
static void find_groups(struct emit *e, size_t first, size_t n, struct opening *opening)
{
	const struct world *world = e->in->world;
	const struct group **groups = arena_alloc(e->arena, n * sizeof(*groups));
	size_t found = 0, kept = 0;
	bool any = false; /* else nobody listens: as before it was on internal networks alone */

	opening->closed = REASON_UNKNOWN_ADDRESS;
	if (!groups)
		e->err = -ENOMEM;
	for (size_t i = first; i < first + n; i++)
		any |= world_may_publish(world, (uint32_t)i);
	for (size_t i = first; i < first + n && !e->err; i++) {
		if (e->assignments[i].kind == ASSIGN_UNMANAGED || e->assignments[i].at_parent ||
		    (any && !world_may_publish(world, (uint32_t)i)))
			continue;
		groups[found] = emit_group_of(e, i);
		if (!groups[found++]) {
			opening->closed = compile_closed_reason(&e->assignments[i]);
			return;
		}
	}
	if (found > 1)
		qsort(groups, found, sizeof(struct group *), by_group);
	for (size_t i = 0; i < found && !e->err; i++)
		if (kept == 0 || groups[kept - 1] != groups[i])
			groups[kept++] = groups[i];
	opening->of.groups = groups;
	opening->of.n_groups = kept <= 1 || names_len(groups, kept) <= LONGEST_NAMES ? kept : 0;
	if (kept > opening->of.n_groups)
		opening->closed = REASON_SEVERAL_TIERS;
	if (kept == 1 && groups[0]->within && n == 1)
		opening->of.network = world->endpoints[first].network + 1;
}

void emit_openings_of(struct emit *e, size_t first, size_t n, openings *ret)
{
	const struct world *world = e->in->world;
	uint32_t at = world->endpoints[first].container;
	const struct world_container *container = &world->containers[at];
	struct opening opening = { .container = at };

	if (container->n_published)
		find_groups(e, first, n, &opening);
	for (size_t i = 0; i < container->n_published; i++) {
		const struct world_published *published = &container->published[i];
		/* Loopback is reached from the host alone: prerouting drops it elsewhere. */
		if (published->host_port == 0 || ip_is_loopback(&published->host_ip))
			continue;
		set_port(&opening, published);
		if (VEC_PUSH(e->arena, ret, opening) < 0)
			e->err = -ENOMEM;
	}
}

void emit_find_openings(struct emit *e, openings *ret)
{
	const struct world_endpoint *endpoints = e->in->world->endpoints;
	size_t n_endpoints = e->in->world->n_endpoints;

	for (size_t first = 0, n; first < n_endpoints; first += n) {
		for (n = 1; first + n < n_endpoints; n++)
			if (endpoints[first + n].container != endpoints[first].container)
				break;
		emit_openings_of(e, first, n, ret);
	}
}

/* ---- order ---- */

static int compare_groups(const struct judged_port *a, const struct judged_port *b)
{
	if (a->n_groups != b->n_groups)
		return a->n_groups < b->n_groups ? -1 : 1;
	for (size_t i = 0; i < a->n_groups; i++)
		if (a->groups[i] != b->groups[i])
			return a->groups[i] < b->groups[i] ? -1 : 1;
	return 0;
}

/* (Groups are of one array.) */
int published_compare_judged(const struct judged_port *a, const struct judged_port *b)
{
	const struct port_range *p = &a->port, *q = &b->port;
	int groups = compare_groups(a, b);

	if (groups)
		return groups;
	if (a->network != b->network)
		return a->network < b->network ? -1 : 1;
	if (p->proto != q->proto)
		return p->proto < q->proto ? -1 : 1;
	return p->lo < q->lo ? -1 : p->lo > q->lo;
}

int published_by_chain(const void *left, const void *right)
{
	const struct opening *a = left, *b = right;

	return published_compare_judged(&a->of, &b->of);
}

int published_by_key(const void *left, const void *right)
{
	const struct opening *a = left, *b = right;

	if (a->keyed != b->keyed)
		return a->keyed < b->keyed ? -1 : 1;
	return rs_key_compare(&a->key, &b->key);
}

/* ---- how many are judged alike ---- */

static int by_judged(const void *key, const void *item)
{
	const struct published_use *use = item;

	return published_compare_judged(key, &use->of);
}

struct published_use *published_find_use(const struct published_parts *published,
					 const struct judged_port *of)
{
	return published->n_uses ? bsearch(of, published->uses, published->n_uses,
					   sizeof(*published->uses), by_judged)
				 : NULL;
}

void emit_published_uses(struct emit *e, const openings *all)
{
	struct published_parts *published = e->published;
	struct published_use *uses = arena_room(e->arena, all->n * sizeof(*uses));
	size_t n = 0;

	if (!uses) {
		e->err = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < all->n; i++) {
		const struct opening *opening = &all->items[i];
		if (!opening->of.n_groups)
			published->closed[opening->closed]++;
		else if (n && published_compare_judged(&uses[n - 1].of, &opening->of) == 0)
			uses[n - 1].n++;
		else
			uses[n++] = (struct published_use){ opening->of, 1, opening->chain };
	}
	published->uses = uses;
	published->n_uses = n;
}
