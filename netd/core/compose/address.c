/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Subnets and addresses: those of the files where they give some, else symbolic ones. Docker picks
 * addresses in the order of starting, which nobody knows; here it is the order of names. */
#include <stdlib.h>
#include <string.h>

#include "core/compose/plan.h"

/* 198.18.0.0/15, for benchmarks (RFC 2544), without the last /24: symbolic resolvers are there. */
#define SYMBOLIC_FIRST 0xc6120000u
#define SYMBOLIC_END 0xc613ff00u
#define SYMBOLIC_LEAST 256u /* addresses of a network */

/* Addresses of one network and family being given out. */
struct pool {
	const struct plan_network *network;
	enum ip_family family;
	struct plan_endpoint **endpoints; /* in the order of their containers */
	size_t n;
	VEC(struct ip_addr) taken; /* sorted once all fixed ones are in */
	struct ip_prefix range;	   /* where the others come from; family IP_NONE: nowhere */
};

/* ---- subnets ---- */

static bool family_is_on(const struct plan_network *network, unsigned int family)
{
	const struct draft_network *draft = network->draft;

	return family == IP_V4 ? !draft->ipv4.set || draft->ipv4.value : draft->ipv6.value;
}

static const struct plan_network *find_overlap(const struct assembly *plan,
					       const struct plan_network *except,
					       const struct ip_prefix *prefix)
{
	for (size_t i = 0; i < plan->networks.n; i++) {
		const struct plan_network *other = &plan->networks.items[i];
		for (size_t k = 0; other != except && k < other->subnets.n; k++)
			if (ip_in_prefix(&other->subnets.items[k].addr, prefix) ||
			    ip_in_prefix(&prefix->addr, &other->subnets.items[k]))
				return other;
	}
	return NULL;
}

static void add_subnet(struct compose *c, struct plan_network *network,
		       const struct ip_prefix *prefix, const struct ip_addr *gateway)
{
	struct ip_addr first = prefix->addr;

	(void)ip_next(&prefix->addr, &first);
	COMPOSE_PUSH(c, &network->subnets, *prefix);
	COMPOSE_PUSH(c, &network->gateways, gateway && gateway->family ? *gateway : first);
}

static void take_given(struct compose *c, struct assembly *plan, struct plan_network *network,
		       const struct draft_subnet *subnet)
{
	const struct ip_prefix *prefix = &subnet->prefix;
	unsigned int longest = prefix->addr.family == IP_V4 ? 30 : 126;
	const struct plan_network *other = find_overlap(plan, network, prefix);
	char text[PREFIX_TEXT_LEN];

	(void)ip_prefix_format(prefix, text);
	if (prefix->len > longest || prefix->len < 8)
		compose_report(c, CF_BAD_SUBNET, subnet->loc, NULL,
			       "a network cannot have the subnet %s: its prefix length goes from "
			       "8 to %u",
			       text, longest);
	else if ((subnet->gateway.family && !ip_in_prefix(&subnet->gateway, prefix)) ||
		 (subnet->range.addr.family && !ip_in_prefix(&subnet->range.addr, prefix)))
		compose_report(c, CF_BAD_SUBNET, subnet->loc, NULL,
			       "the gateway or ip_range of %s is not in it", text);
	else if (other)
		compose_report(c, CF_OVERLAPPING_SUBNETS, subnet->loc, NULL,
			       "%s overlaps with a subnet of the network `%s`", text,
			       compose_quote(c, other->facts.name));
	add_subnet(c, network, prefix, &subnet->gateway);
}

static void take_all_given(struct compose *c, struct assembly *plan)
{
	for (size_t i = 0; i < plan->networks.n; i++) {
		struct plan_network *network = &plan->networks.items[i];
		for (size_t k = 0; k < network->draft->subnets.n; k++) {
			const struct draft_subnet *subnet = &network->draft->subnets.items[k];
			if (family_is_on(network, subnet->prefix.addr.family))
				take_given(c, plan, network, subnet);
		}
	}
}

static bool needs_subnet(const struct plan_network *network, enum ip_family family)
{
	for (size_t i = 0; i < network->subnets.n; i++)
		if (network->subnets.items[i].addr.family == family)
			return false;
	return family_is_on(network, family);
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

static void make_symbolic(struct compose *c, struct assembly *plan, size_t index, uint32_t *cursor,
			  size_t n_endpoints)
{
	struct plan_network *network = &plan->networks.items[index];
	uint8_t high = (uint8_t)((index + 1) >> 8), low = (uint8_t)(index + 1);
	struct ip_prefix prefix = { { IP_V6, { 0x01, [8] = high, [9] = low } }, 80 };

	if (needs_subnet(network, IP_V6))
		add_subnet(c, network, &prefix, NULL);
	if (!needs_subnet(network, IP_V4))
		return;
	if (next_block(plan, n_endpoints, cursor, &prefix))
		add_subnet(c, network, &prefix, NULL);
	else
		compose_report(c, CF_TOO_MANY, network->loc, NULL,
			       "no symbolic addresses are left for this network");
}

/* ---- addresses ---- */

static int by_address(const void *left, const void *right)
{
	return ip_compare(left, right);
}

static struct ip_addr *address_of(const struct pool *pool, size_t i)
{
	struct world_endpoint *facts = &pool->endpoints[i]->facts;

	return pool->family == IP_V4 ? &facts->ipv4 : &facts->ipv6;
}

/* As the file gives it; text NULL: it does not. */
static const struct draft_text *fixed_text(const struct pool *pool, size_t i)
{
	const struct draft_attachment *attachment = pool->endpoints[i]->attachment;

	return pool->family == IP_V4 ? &attachment->ipv4 : &attachment->ipv6;
}

/* Network and broadcast addresses, gateways, and what the files keep free. */
static void reserve(struct compose *c, struct pool *pool)
{
	const struct plan_network *network = pool->network;
	const struct draft_network *draft = network->draft;

	for (size_t i = 0; i < network->subnets.n; i++) {
		struct ip_range range = ip_prefix_range(&network->subnets.items[i]);
		if (range.first.family != pool->family)
			continue;
		COMPOSE_PUSH(c, &pool->taken, range.first);
		COMPOSE_PUSH(c, &pool->taken, range.last);
		COMPOSE_PUSH(c, &pool->taken, network->gateways.items[i]);
		if (!pool->range.addr.family)
			pool->range = network->subnets.items[i];
	}
	for (size_t i = 0; i < draft->subnets.n; i++) {
		const struct draft_subnet *subnet = &draft->subnets.items[i];
		if (memcmp(&subnet->prefix, &pool->range, sizeof(pool->range)) == 0 &&
		    subnet->range.addr.family)
			pool->range = subnet->range;
		for (size_t k = 0; k < subnet->others.n; k++)
			COMPOSE_PUSH(c, &pool->taken, subnet->others.items[k]);
	}
}

static bool is_in_given(const struct pool *pool, const struct ip_addr *addr)
{
	const struct draft_network *draft = pool->network->draft;

	for (size_t i = 0; i < draft->subnets.n; i++)
		if (ip_in_prefix(addr, &draft->subnets.items[i].prefix))
			return family_is_on(pool->network, addr->family);
	return draft->external.value; /* that is known elsewhere */
}

static void take_fixed(struct compose *c, struct pool *pool, size_t i)
{
	const struct draft_text *text = fixed_text(pool, i);
	bool v4 = pool->family == IP_V4;
	struct ip_addr addr = { 0 };

	if (!text->text)
		return;
	if (ip_parse(text->text, &addr) < 0 || addr.family != pool->family ||
	    !world_address_possible(&addr)) {
		compose_report(c, CF_BAD_ADDRESS, text->loc, NULL,
			       "`%s` is not an %s address of a container",
			       compose_quote(c, text->text), v4 ? "IPv4" : "IPv6");
		return;
	}
	if (!is_in_given(pool, &addr)) {
		compose_report(c, CF_BAD_ADDRESS, text->loc,
			       v4 ? "give the network a subnet that holds it, under `ipam`"
				  : "give the network `enable_ipv6: true` and a subnet that holds "
				    "it",
			       "`%s` is in none of the network's subnets",
			       compose_quote(c, text->text));
		return;
	}
	*address_of(pool, i) = addr;
	COMPOSE_PUSH(c, &pool->taken, addr);
}

/* Whoever has an address that stands there twice. */
static void check_fixed(struct compose *c, const struct pool *pool, size_t i)
{
	const struct ip_addr *addr = address_of(pool, i), *all = pool->taken.items;
	const struct ip_addr *end = all + pool->taken.n;
	const struct ip_addr *found =
		addr->family && all ? bsearch(addr, all, pool->taken.n, sizeof(*addr), by_address)
				    : NULL;

	if (found && ((found > all && ip_compare(found - 1, addr) == 0) ||
		      (found + 1 < end && ip_compare(found + 1, addr) == 0)))
		compose_report(c, CF_SAME_ADDRESS, fixed_text(pool, i)->loc, NULL,
			       "the address `%s` is taken: by another container, the gateway, or "
			       "the network itself",
			       fixed_text(pool, i)->text);
}

/* The free addresses of the range to those without one. */
static void give_free(struct compose *c, const struct pool *pool)
{
	struct ip_addr next = pool->range.addr;
	const struct ip_addr *taken = pool->taken.items, *end = taken + pool->taken.n;
	char text[PREFIX_TEXT_LEN];
	bool more = next.family != IP_NONE;

	for (size_t i = 0; i < pool->n && pool->range.addr.family; i++) {
		if (address_of(pool, i)->family)
			continue;
		for (; more && taken < end && ip_compare(taken, &next) <= 0; taken++)
			if (ip_compare(taken, &next) == 0)
				more = ip_next(&next, &next);
		if (!more || !ip_in_prefix(&next, &pool->range)) {
			compose_report(c, CF_SUBNET_FULL, pool->network->loc, NULL,
				       "%s of the network `%s` has fewer addresses than there are "
				       "containers",
				       ip_prefix_format(&pool->range, text),
				       compose_quote(c, pool->network->facts.name));
			return;
		}
		*address_of(pool, i) = next;
		more = ip_next(&next, &next);
	}
}

static void fill_family(struct compose *c, struct pool pool)
{
	reserve(c, &pool);
	for (size_t i = 0; i < pool.n; i++)
		take_fixed(c, &pool, i);
	if (pool.taken.n)
		qsort(pool.taken.items, pool.taken.n, sizeof(*pool.taken.items), by_address);
	for (size_t i = 0; i < pool.n; i++)
		check_fixed(c, &pool, i);
	give_free(c, &pool);
}

/* ---- MACs, and what replicas cannot share ---- */

static void take_mac(struct compose *c, const struct plan_service *service,
		     struct plan_endpoint *endpoint)
{
	const struct draft_text *text = &endpoint->attachment->mac;
	struct mac_addr mac;

	if (!text->text && service->links.n == 1)
		text = &service->draft->mac;
	if (!text->text)
		return;
	if (mac_parse(text->text, &mac) < 0 || mac.bytes[0] & 1 || mac_is_zero(&mac))
		compose_report(c, CF_BAD_ADDRESS, text->loc, "write it like `02:42:ac:12:00:02`",
			       "`%s` is not the MAC address of a container",
			       compose_quote(c, text->text));
	else
		endpoint->facts.mac = mac;
}

static void check_shared(struct compose *c, const struct plan_service *service)
{
	for (size_t i = 0; service->replicas > 1 && i < service->links.n; i++) {
		const struct draft_attachment *one = service->links.items[i].attachment;
		const struct draft_text *fixed = one->ipv4.text	  ? &one->ipv4
						 : one->ipv6.text ? &one->ipv6
								  : &one->mac;
		if (fixed->text)
			compose_report(c, CF_REPLICAS, fixed->loc,
				       "leave it out: Docker gives each its own",
				       "%u containers of `%s` cannot have one address",
				       service->replicas, service->draft->name);
	}
}

static int by_network_and_address(const void *left, const void *right)
{
	const struct world_endpoint *a = &(*(struct plan_endpoint *const *)left)->facts;
	const struct world_endpoint *b = &(*(struct plan_endpoint *const *)right)->facts;

	if (a->network != b->network)
		return a->network < b->network ? -1 : 1;
	return (a->container > b->container) - (a->container < b->container);
}

void compose_plan_addresses(struct compose *c, struct assembly *plan)
{
	size_t n = plan->endpoints.n, errors;
	struct plan_endpoint **all = compose_alloc(c, n * sizeof(struct plan_endpoint *));
	uint32_t cursor = SYMBOLIC_FIRST;

	if (!all)
		return;
	for (size_t i = 0; i < n; i++) {
		all[i] = &plan->endpoints.items[i];
		take_mac(c, plan->containers.items[all[i]->facts.container].service, all[i]);
	}
	if (n)
		qsort(all, n, sizeof(struct plan_endpoint *), by_network_and_address);
	errors = c->diags->n_errors;
	for (size_t i = 0; i < plan->services.n; i++)
		check_shared(c, &plan->services.items[i]);
	take_all_given(c, plan);
	if (c->diags->n_errors != errors)
		return;
	for (size_t i = 0, at = 0; i < plan->networks.n && !c->stopped; i++) {
		struct pool pool = { .network = &plan->networks.items[i],
				     .family = IP_V4,
				     .endpoints = all + at };
		while (at + pool.n < n && all[at + pool.n]->facts.network == i)
			pool.n++;
		at += pool.n;
		make_symbolic(c, plan, i, &cursor, pool.n);
		fill_family(c, pool);
		pool.family = IP_V6;
		fill_family(c, pool);
	}
}
