/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/world/places.h"

#include <errno.h>
#include <string.h>

#include "core/base/sort.h"

static int by_port(const void *left, const void *right)
{
	const struct world_place *a = left, *b = right;

	return (a->port > b->port) - (a->port < b->port);
}

static int by_place(const void *left, const void *right)
{
	const struct world_place *a = left, *b = right;
	int order = by_port(a, b);

	if (order == 0)
		order = memcmp(&a->addr, &b->addr, sizeof(a->addr));
	return order ? order : (a->container > b->container) - (a->container < b->container);
}

static void sort(struct world_places *places)
{
	places->of.n =
		sort_once(places->of.items, places->of.n, sizeof(*places->of.items), by_place);
}

static bool is_proxied(const struct world_published *published)
{
	return published->port.proto == PROTO_TCP && published->host_port != 0 &&
	       !ip_is_loopback(&published->host_ip);
}

int world_places_at_host(const struct world *world, const bool *wanted, struct arena *arena,
			 struct world_places *ret)
{
	*ret = (struct world_places){ 0 };
	for (uint32_t i = 0; i < world->n_containers; i++) {
		const struct world_container *container = &world->containers[i];
		for (size_t k = 0; wanted[i] && k < container->n_published; k++) {
			const struct world_published *one = &container->published[k];
			struct world_place place = { one->host_ip, one->host_port, i };
			if (ip_is_unspecified(&place.addr)) /* 0.0.0.0 and :: are one place */
				place.addr = (struct ip_addr){ 0 };
			if (is_proxied(one) && VEC_PUSH(arena, &ret->of, place) < 0)
				return -ENOMEM;
		}
	}
	sort(ret);
	return 0;
}

static int add_inside(const struct world *world, const struct world_endpoint *endpoint,
		      struct arena *arena, struct world_places *ret)
{
	const struct world_container *container = &world->containers[endpoint->container];
	const struct ip_addr *addrs[] = { &endpoint->ipv4, &endpoint->ipv6 };

	for (size_t k = 0; k < container->n_published; k++)
		for (size_t a = 0; a < ARRAY_LEN(addrs); a++) {
			const struct world_place place = { *addrs[a],
							   container->published[k].port.lo,
							   endpoint->container };
			if (addrs[a]->family != IP_NONE && is_proxied(&container->published[k]) &&
			    VEC_PUSH(arena, &ret->of, place) < 0)
				return -ENOMEM;
		}
	return 0;
}

int world_places_inside(const struct world *world, const bool *wanted, struct arena *arena,
			struct world_places *ret)
{
	int r = 0;

	*ret = (struct world_places){ 0 };
	for (size_t i = 0; i < world->n_endpoints && r == 0; i++)
		if (wanted[world->endpoints[i].container])
			r = add_inside(world, &world->endpoints[i], arena, ret);
	sort(ret);
	return r;
}

const struct world_place *world_places_next(const struct world_places *places,
					    const struct ip_addr *addr, uint16_t port,
					    const struct world_place *last)
{
	const struct world_place key = { .port = port }, *items = places->of.items;
	size_t i = last ? (size_t)(last - items) + 1
			: sort_bound(&key, items, places->of.n, sizeof(*items), by_port);

	for (; i < places->of.n && items[i].port == port; i++)
		if (ip_is_unspecified(&items[i].addr) || ip_compare(&items[i].addr, addr) == 0)
			return &items[i];
	return NULL;
}

size_t world_places_ranges(const struct world_places *places, struct world_ports *ret, size_t most)
{
	size_t n = 0;

	for (size_t i = 0; i < places->of.n; i++) {
		uint16_t port = places->of.items[i].port;
		if (n > 0 && (n == most || port <= ret[n - 1].last + 1))
			ret[n - 1].last = port;
		else
			ret[n++] = (struct world_ports){ port, port };
	}
	return n;
}

/* By as many of the first bits as both have. */
static void widen(struct ip_prefix *prefix, const struct ip_addr *addr)
{
	uint8_t len = 0;

	while (len < prefix->len &&
	       !((prefix->addr.bytes[len / 8] ^ addr->bytes[len / 8]) & 0x80u >> len % 8))
		len++;
	prefix->len = len;
	for (size_t bit = len; bit < 8 * ip_len(addr); bit++)
		prefix->addr.bytes[bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
}

size_t world_places_prefixes(const struct world_places *places,
			     struct ip_prefix ret[WORLD_PLACES_PREFIXES])
{
	size_t n = 0;

	for (size_t i = 0, k; i < places->of.n; i++) {
		const struct ip_addr *addr = &places->of.items[i].addr;
		for (k = 0; k < n && ret[k].addr.family != addr->family; k++)
			;
		if (k < n)
			widen(&ret[k], addr);
		else if (n < WORLD_PLACES_PREFIXES)
			ret[n++] = (struct ip_prefix){ *addr, (uint8_t)(8 * ip_len(addr)) };
	}
	return n;
}
