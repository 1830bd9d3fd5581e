/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The subnets of managed networks in order, so that an address finds its network. */
#include <stdlib.h>

#include "core/compile/emit.h"

#define NONE UINT32_MAX

static int by_subnet(const void *left, const void *right)
{
	const struct compile_subnet *a = left, *b = right;
	int order = ip_compare(&a->range.first, &b->range.first);

	if (order == 0) /* the wider one first: it is around the other */
		order = ip_compare(&b->range.last, &a->range.last);
	if (order == 0)
		order = a->network < b->network ? -1 : a->network > b->network;
	return order;
}

static bool is_in(const struct compile_subnet *subnet, const struct ip_addr *addr)
{
	return subnet->range.first.family == addr->family &&
	       ip_compare(&subnet->range.first, addr) <= 0 &&
	       ip_compare(addr, &subnet->range.last) <= 0;
}

/* Prefixes are one in the other or apart, so what is around one is one of those before it. */
static void nest(struct compile_subnet *all, size_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		uint32_t outer = i ? i - 1 : NONE;
		while (outer != NONE && !is_in(&all[outer], &all[i].range.first))
			outer = all[outer].around;
		all[i].around = outer;
	}
}

const struct compile_subnet *compile_subnets(const struct world *world, struct arena *arena,
					     size_t *ret_n)
{
	struct compile_subnet *all;
	size_t n = 0;

	for (size_t i = 0; i < world->n_networks; i++)
		n += world->networks[i].n_subnets;
	all = arena_alloc(arena, n * sizeof(*all));
	n = 0;
	for (uint32_t i = 0; all && i < world->n_networks; i++)
		for (size_t s = 0; s < world->networks[i].n_subnets; s++)
			if (world_network_is_managed(&world->networks[i]))
				all[n++] = (struct compile_subnet){
					.range = ip_prefix_range(&world->networks[i].subnets[s]),
					.network = i,
				};
	if (n)
		qsort(all, n, sizeof(*all), by_subnet);
	if (all)
		nest(all, n);
	*ret_n = n;
	return all;
}

uint32_t compile_find_subnet(const struct compile_output *output, const struct ip_addr *addr)
{
	uint32_t low = 0, high = (uint32_t)output->n_subnets, found = NONE;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (ip_compare(&output->subnets[middle].range.first, addr) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (uint32_t i = low ? low - 1 : NONE; i != NONE; i = output->subnets[i].around)
		if (is_in(&output->subnets[i], addr) && output->subnets[i].network < found)
			found = output->subnets[i].network;
	return found;
}
