/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Subnets and addresses: those of the files where they give some, else symbolic ones. Docker picks
 * addresses in the order of starting, which nobody knows; here it is the order of names. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/compose/plan.h"
#include "core/world/facts.h"

/* 198.18.0.0/15, for benchmarks (RFC 2544), without the last /24: symbolic resolvers are there. */
#define SYMBOLIC_FIRST 0xc6120000u
#define SYMBOLIC_END 0xc613ff00u
#define SYMBOLIC_LEAST 256u /* addresses of a network */

/* Addresses of one network and family being given out. */
struct pool {
	const struct plan_network *network;
	enum ip_family family;
	VEC(struct ip_addr) taken; /* sorted once all fixed ones are in */
	struct ip_prefix range;	   /* where the next ones come from; len 0: nowhere */
	struct ip_addr cursor;
	bool full; /* reported */
};

/* ---- subnets ---- */

static bool overlap(const struct ip_prefix *a, const struct ip_prefix *b)
{
	return ip_in_prefix(&a->addr, b) || ip_in_prefix(&b->addr, a);
}

static const struct plan_network *find_overlap(const struct assembly *plan,
					       const struct plan_network *except,
					       const struct ip_prefix *prefix)
{
	for (size_t i = 0; i < plan->networks.n; i++) {
		const struct plan_network *other = &plan->networks.items[i];
		for (size_t k = 0; other != except && k < other->subnets.n; k++)
			if (overlap(&other->subnets.items[k], prefix))
				return other;
	}
	return NULL;
}

static bool family_is_on(const struct plan_network *network, enum ip_family family)
{
	const struct draft_network *draft = network->draft;

	if (family == IP_V4)
		return !draft || !draft->ipv4.set || draft->ipv4.value;
	return draft && draft->ipv6.value;
}

static int add_subnet(struct compose *c, struct plan_network *network,
		      const struct ip_prefix *prefix, const struct ip_addr *gateway)
{
	struct ip_addr first = prefix->addr;

	(void)ip_next(&prefix->addr, &first);
	int r = VEC_PUSH(c->arena, &network->subnets, *prefix);
	return r ? r : VEC_PUSH(c->arena, &network->gateways, gateway->family ? *gateway : first);
}

static int take_given(struct compose *c, struct assembly *plan, struct plan_network *network,
		      const struct draft_subnet *subnet)
{
	const struct ip_prefix *prefix = &subnet->prefix;
	unsigned int longest = prefix->addr.family == IP_V4 ? 30 : 126;
	const struct plan_network *other = find_overlap(plan, network, prefix);
	char text[PREFIX_TEXT_LEN], word[TEXT_QUOTE_LEN];

	if (prefix->len > longest || prefix->len < 8)
		compose_report(c->diags, CF_BAD_SUBNET, subnet->loc, NULL,
			       "a network cannot have the subnet %s: its prefix length goes from "
			       "8 to %u",
			       ip_prefix_format(prefix, text), longest);
	else if ((subnet->gateway.family && !ip_in_prefix(&subnet->gateway, prefix)) ||
		 (subnet->has_range && !ip_in_prefix(&subnet->range.addr, prefix)))
		compose_report(c->diags, CF_BAD_SUBNET, subnet->loc, NULL,
			       "the gateway or ip_range of %s is not in it",
			       ip_prefix_format(prefix, text));
	else if (other)
		compose_report(c->diags, CF_OVERLAPPING_SUBNETS, subnet->loc, NULL,
			       "%s overlaps with a subnet of the network `%s`",
			       ip_prefix_format(prefix, text), text_quote(other->name, word));
	return add_subnet(c, network, prefix, &subnet->gateway);
}

static int take_all_given(struct compose *c, struct assembly *plan)
{
	int r = 0;

	for (size_t i = 0; i < plan->networks.n; i++) {
		struct plan_network *network = &plan->networks.items[i];
		size_t n = network->draft ? network->draft->subnets.n : 0;
		for (size_t k = 0; k < n && r == 0; k++) {
			const struct draft_subnet *subnet = &network->draft->subnets.items[k];
			if (family_is_on(network, (enum ip_family)subnet->prefix.addr.family))
				r = take_given(c, plan, network, subnet);
		}
	}
	return r;
}

static bool has_family(const struct plan_network *network, enum ip_family family)
{
	for (size_t i = 0; i < network->subnets.n; i++)
		if (network->subnets.items[i].addr.family == family)
			return true;
	return false;
}

/* The next block of the range that no file uses; false: there is none. */
static bool next_block(const struct assembly *plan, size_t n_endpoints, uint32_t *cursor,
		       struct ip_prefix *ret)
{
	uint32_t size = SYMBOLIC_LEAST;
	uint8_t len = 24;

	for (; size < n_endpoints + 3; size *= 2)
		len--;
	for (uint32_t at = (*cursor + size - 1) / size * size; at + size <= SYMBOLIC_END;
	     at += size) {
		*ret = (struct ip_prefix){
			{ IP_V4, { (uint8_t)(at >> 24), (uint8_t)(at >> 16), (uint8_t)(at >> 8) } },
			len
		};
		*cursor = at + size;
		if (!find_overlap(plan, NULL, ret))
			return true;
	}
	return false;
}

static int make_symbolic(struct compose *c, struct assembly *plan, size_t index, uint32_t *cursor,
			 size_t n_endpoints)
{
	struct plan_network *network = &plan->networks.items[index];
	struct ip_prefix prefix = {
		{ IP_V6, { 0x01, [8] = (uint8_t)((index + 1) >> 8), [9] = (uint8_t)(index + 1) } },
		80
	};
	struct ip_addr none = { 0 };
	int r = 0;

	if (family_is_on(network, IP_V6) && !has_family(network, IP_V6))
		r = add_subnet(c, network, &prefix, &none);
	if (r || !family_is_on(network, IP_V4) || has_family(network, IP_V4))
		return r;
	if (next_block(plan, n_endpoints, cursor, &prefix))
		return add_subnet(c, network, &prefix, &none);
	compose_report(c->diags, CF_TOO_MANY, network->loc, NULL,
		       "no symbolic addresses are left for this network");
	return 0;
}

/* ---- addresses ---- */

static int by_address(const void *left, const void *right)
{
	return ip_compare(left, right);
}

static bool is_taken(const struct pool *pool, const struct ip_addr *addr)
{
	return pool->taken.n &&
	       bsearch(addr, pool->taken.items, pool->taken.n, sizeof(*addr), by_address);
}

/* Network and broadcast addresses, gateways, and what the files keep free. */
static int reserve(struct compose *c, struct pool *pool)
{
	const struct plan_network *network = pool->network;
	const struct draft_network *draft = network->draft;
	int r = 0;

	for (size_t i = 0; i < network->subnets.n && r == 0; i++) {
		struct ip_range range = ip_prefix_range(&network->subnets.items[i]);
		if (range.first.family != pool->family)
			continue;
		r = VEC_PUSH(c->arena, &pool->taken, range.first);
		if (r == 0)
			r = VEC_PUSH(c->arena, &pool->taken, range.last);
		if (r == 0)
			r = VEC_PUSH(c->arena, &pool->taken, network->gateways.items[i]);
		if (pool->range.len == 0)
			pool->range = network->subnets.items[i];
	}
	for (size_t i = 0; draft && i < draft->subnets.n && r == 0; i++) {
		const struct draft_subnet *subnet = &draft->subnets.items[i];
		if (memcmp(&subnet->prefix, &pool->range, sizeof(pool->range)) == 0 &&
		    subnet->has_range)
			pool->range = subnet->range;
		for (size_t k = 0; k < subnet->others.n && r == 0; k++)
			r = VEC_PUSH(c->arena, &pool->taken, subnet->others.items[k]);
	}
	pool->cursor = pool->range.addr;
	return r;
}

static const struct draft_text *fixed_text(const struct pool *pool,
					   const struct plan_endpoint *endpoint)
{
	const struct draft_attachment *attachment = endpoint->link->attachment;
	const struct draft_text *text = !attachment		? NULL
					: pool->family == IP_V4 ? &attachment->ipv4
								: &attachment->ipv6;

	return text && text->text ? text : NULL;
}

static bool is_in_given(const struct pool *pool, const struct ip_addr *addr)
{
	const struct draft_network *draft = pool->network->draft;

	for (size_t i = 0; draft && i < draft->subnets.n; i++)
		if (ip_in_prefix(addr, &draft->subnets.items[i].prefix))
			return family_is_on(pool->network, pool->family);
	return false;
}

static int take_fixed(struct compose *c, struct pool *pool, struct plan_endpoint *endpoint)
{
	const struct draft_text *text = fixed_text(pool, endpoint);
	struct ip_addr addr = { 0 };
	char word[TEXT_QUOTE_LEN];

	if (!text)
		return 0;
	if (ip_parse(text->text, &addr) < 0 || addr.family != pool->family ||
	    !world_address_possible(&addr)) {
		compose_report(c->diags, CF_BAD_ADDRESS, text->loc, NULL,
			       "`%s` is not an %s address of a container",
			       text_quote(text->text, word),
			       pool->family == IP_V4 ? "IPv4" : "IPv6");
		return 0;
	}
	bool elsewhere = pool->network->draft && pool->network->draft->external.value;
	if (!elsewhere && !is_in_given(pool, &addr)) {
		compose_report(c->diags, CF_BAD_ADDRESS, text->loc,
			       pool->family == IP_V4
				       ? "give the network a subnet that holds it, under `ipam`"
				       : "give the network `enable_ipv6: true` and a subnet that "
					 "holds it",
			       "`%s` is in none of the network's subnets",
			       text_quote(text->text, word));
		return 0;
	}
	*(pool->family == IP_V4 ? &endpoint->ipv4 : &endpoint->ipv6) = addr;
	return VEC_PUSH(c->arena, &pool->taken, addr);
}

/* After sorting: whoever has an address that stands there twice. */
static void check_fixed(struct compose *c, const struct pool *pool,
			const struct plan_endpoint *endpoint)
{
	const struct draft_text *text = fixed_text(pool, endpoint);
	const struct ip_addr *addr = pool->family == IP_V4 ? &endpoint->ipv4 : &endpoint->ipv6;
	const struct ip_addr *found, *all = pool->taken.items;

	if (!text || !addr->family)
		return;
	found = bsearch(addr, all, pool->taken.n, sizeof(*addr), by_address);
	if (!found)
		return;
	if ((found > all && ip_compare(found - 1, addr) == 0) ||
	    (found + 1 < all + pool->taken.n && ip_compare(found + 1, addr) == 0))
		compose_report(c->diags, CF_SAME_ADDRESS, text->loc, NULL,
			       "the address `%s` is taken: by another container, the gateway, or "
			       "the network itself",
			       text->text);
}

static void take_next(struct compose *c, struct pool *pool, struct plan_endpoint *endpoint)
{
	struct ip_addr *addr = pool->family == IP_V4 ? &endpoint->ipv4 : &endpoint->ipv6;
	char text[PREFIX_TEXT_LEN], word[TEXT_QUOTE_LEN];

	if (addr->family || pool->full || pool->range.len == 0)
		return;
	while (ip_in_prefix(&pool->cursor, &pool->range) && is_taken(pool, &pool->cursor))
		if (!ip_next(&pool->cursor, &pool->cursor))
			break;
	if (ip_in_prefix(&pool->cursor, &pool->range)) {
		*addr = pool->cursor;
		(void)ip_next(&pool->cursor, &pool->cursor);
		return;
	}
	pool->full = true;
	compose_report(c->diags, CF_SUBNET_FULL, pool->network->loc, NULL,
		       "%s of the network `%s` has fewer addresses than there are containers",
		       ip_prefix_format(&pool->range, text), text_quote(pool->network->name, word));
}

/* The endpoints of one network, in the order of their containers. */
struct endpoint_run {
	struct plan_endpoint **items;
	size_t n;
};

static int fill_family(struct compose *c, const struct plan_network *network,
		       const struct endpoint_run *group, enum ip_family family)
{
	struct pool pool = { .network = network, .family = family };
	int r = reserve(c, &pool);

	for (size_t i = 0; i < group->n && r == 0; i++)
		r = take_fixed(c, &pool, group->items[i]);
	if (r)
		return r;
	if (pool.taken.n)
		qsort(pool.taken.items, pool.taken.n, sizeof(*pool.taken.items), by_address);
	for (size_t i = 0; i < group->n; i++)
		check_fixed(c, &pool, group->items[i]);
	for (size_t i = 0; i < group->n; i++)
		take_next(c, &pool, group->items[i]);
	return 0;
}

/* ---- MACs, and what replicas cannot share ---- */

static void take_mac(struct compose *c, const struct plan_service *service,
		     struct plan_endpoint *endpoint)
{
	const struct draft_attachment *attachment = endpoint->link->attachment;
	const struct draft_text *text = attachment && attachment->mac.text ? &attachment->mac
					: service->links.n == 1		   ? &service->draft->mac
									   : NULL;
	char word[TEXT_QUOTE_LEN];
	struct mac_addr mac;

	if (!text || !text->text)
		return;
	if (mac_parse(text->text, &mac) < 0 || mac.bytes[0] & 1 || mac_is_zero(&mac))
		compose_report(
			c->diags, CF_BAD_ADDRESS, text->loc, "write it like `02:42:ac:12:00:02`",
			"`%s` is not the MAC address of a container", text_quote(text->text, word));
	else
		endpoint->mac = mac;
}

static void check_shared(struct compose *c, const struct plan_service *service)
{
	for (size_t i = 0; service->replicas > 1 && i < service->links.n; i++) {
		const struct draft_attachment *one = service->links.items[i].attachment;
		const struct draft_text *fixed = !one		  ? NULL
						 : one->ipv4.text ? &one->ipv4
						 : one->ipv6.text ? &one->ipv6
								  : &one->mac;
		if (fixed && fixed->text)
			compose_report(c->diags, CF_REPLICAS, fixed->loc,
				       "leave it out: Docker gives each its own",
				       "%u containers of `%s` cannot have one address",
				       service->replicas, service->draft->name);
	}
}

static int by_network_and_address(const void *left, const void *right)
{
	const struct plan_endpoint *a = *(struct plan_endpoint *const *)left;
	const struct plan_endpoint *b = *(struct plan_endpoint *const *)right;

	if (a->network != b->network)
		return a->network < b->network ? -1 : 1;
	return (a->container > b->container) - (a->container < b->container);
}

static int fill_network(struct compose *c, struct assembly *plan, size_t index, uint32_t *cursor,
			const struct endpoint_run *group)
{
	const struct plan_network *network = &plan->networks.items[index];
	int r = make_symbolic(c, plan, index, cursor, group->n);

	if (r == 0)
		r = fill_family(c, network, group, IP_V4);
	return r ? r : fill_family(c, network, group, IP_V6);
}

int compose_plan_addresses(struct compose *c, struct assembly *plan)
{
	size_t n = plan->endpoints.n;
	struct plan_endpoint **all = arena_alloc(c->arena, n * sizeof(struct plan_endpoint *));
	uint32_t cursor = SYMBOLIC_FIRST;
	struct endpoint_run group = { 0 };

	if (!all)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		all[i] = &plan->endpoints.items[i];
		take_mac(c,
			 &plan->services.items[plan->containers.items[all[i]->container].service],
			 all[i]);
	}
	if (n)
		qsort(all, n, sizeof(struct plan_endpoint *), by_network_and_address);
	size_t errors = c->diags->n_errors;
	for (size_t i = 0; i < plan->services.n; i++)
		check_shared(c, &plan->services.items[i]);
	int r = take_all_given(c, plan);
	if (c->diags->n_errors != errors)
		return r;
	for (size_t i = 0, at = 0; i < plan->networks.n && r == 0; i++, at += group.n) {
		group = (struct endpoint_run){ all + at, 0 };
		while (at + group.n < n && all[at + group.n]->network == i)
			group.n++;
		r = fill_network(c, plan, i, &cursor, &group);
	}
	return r;
}
