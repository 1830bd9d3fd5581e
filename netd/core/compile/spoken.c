/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What tiers speak for (`speaks_for`), as ranges: without Docker's own networks, where a container
 * is who Docker says, and without what is no unicast address. A single address may lie in a network
 * (one that moves between containers), but is never one that a container or the gateway has there.
 * A default route speaks for all outside that no tier names. */
#include <errno.h>
#include <stdlib.h>

#include "core/compile/emit.h"
#include "core/policy/zone.h"

typedef VEC(struct compile_spoken) spoken_list;
typedef VEC(struct ip_range) range_list;

static int by_range(const void *left, const void *right)
{
	const struct ip_range *a = left, *b = right;

	return ip_compare(&a->first, &b->first);
}

static int by_spoken(const void *left, const void *right)
{
	const struct compile_spoken *a = left, *b = right;
	int order = by_range(&a->range, &b->range);

	return order ? order : (int)a->single - (int)b->single;
}

/* What is left of @range without @holes, which are sorted and may overlap. */
static int cut_holes(struct emit *e, struct ip_range range, const range_list *holes,
		     range_list *ret)
{
	struct ip_range part = range;
	struct ip_addr before;

	for (size_t i = 0; i < holes->n; i++) {
		const struct ip_range *hole = &holes->items[i];
		if (hole->first.family != range.first.family ||
		    ip_compare(&hole->last, &part.first) < 0)
			continue;
		if (ip_compare(&hole->first, &range.last) > 0)
			break;
		part.last = range.last;
		if (ip_compare(&hole->first, &part.first) > 0 &&
		    ip_previous(&hole->first, &before)) {
			part.last = before;
			if (VEC_PUSH(e->arena, ret, part) < 0)
				return -ENOMEM;
		}
		if (!ip_next(&hole->last, &part.first) || ip_compare(&part.first, &range.last) > 0)
			return 0;
	}
	part.last = range.last;
	return VEC_PUSH(e->arena, ret, part);
}

/* The parts of @range that are in a zone, without @holes. */
static int cut_unicast(struct emit *e, const struct ip_range *range, const range_list *holes,
		       range_list *ret)
{
	static const enum peer_kind zones[] = { PEER_INTERNET, PEER_LAN };
	int r = 0;

	for (size_t z = 0; z < ARRAY_LEN(zones); z++) {
		size_t n;
		const struct ip_range *parts =
			policy_zone_ranges(zones[z], (enum ip_family)range->first.family, &n);
		for (size_t i = 0; i < n && r == 0; i++) {
			struct ip_range part = *range;
			if (ip_compare(&parts[i].first, &part.first) > 0)
				part.first = parts[i].first;
			if (ip_compare(&parts[i].last, &part.last) < 0)
				part.last = parts[i].last;
			if (ip_compare(&part.first, &part.last) <= 0)
				r = cut_holes(e, part, holes, ret);
		}
	}
	return r;
}

static int of_address(const void *key, const void *item)
{
	const struct owned_addr *owned = item;

	return ip_compare(key, &owned->addr);
}

/* Those that follow from the MACs of endpoints and bridges are theirs. */
static bool is_of_a_mac(const struct world *world, const struct ip_addr *addr)
{
	bool found = false;

	if (addr->family != IP_V6 || addr->bytes[0] != 0xfe)
		return false;
	for (size_t i = 0; i < world->n_endpoints && !found; i++) {
		struct ip_addr local = ip_link_local(&world->endpoints[i].mac);
		found = ip_compare(&local, addr) == 0;
	}
	for (size_t i = 0; i < world->n_bridges && !found; i++) {
		struct ip_addr local = ip_link_local(&world->bridges[i].mac);
		found = ip_compare(&local, addr) == 0;
	}
	return found;
}

static bool is_owned(const struct emit *e, const struct ip_addr *addr)
{
	const struct world *world = e->in->world;

	if (e->n_addrs && bsearch(addr, e->addrs, e->n_addrs, sizeof(*e->addrs), of_address))
		return true;
	for (size_t i = 0; i < world->n_networks; i++)
		for (size_t g = 0; g < world->networks[i].n_gateways; g++)
			if (ip_compare(&world->networks[i].gateways[g], addr) == 0)
				return true;
	return is_of_a_mac(world, addr);
}

static int add_entry(struct emit *e, const struct policy_spoken *entry, const range_list *holes,
		     spoken_list *ret)
{
	struct compile_spoken spoken = { .range = ip_prefix_range(&entry->prefix),
					 .tier = entry->tier,
					 .single = entry->prefix.len ==
						   8 * ip_len(&entry->prefix.addr) };
	range_list parts = { 0 };
	int r = 0;

	if (spoken.single)
		return is_owned(e, &entry->prefix.addr) ? 0 : VEC_PUSH(e->arena, ret, spoken);
	r = cut_unicast(e, &spoken.range, holes, &parts);
	for (size_t i = 0; i < parts.n && r == 0; i++) {
		spoken.range = parts.items[i];
		r = VEC_PUSH(e->arena, ret, spoken);
	}
	return r;
}

/* Docker's networks, and link-local addresses, which are made of MACs. */
static int find_holes(struct emit *e, range_list *ret)
{
	static const struct ip_prefix local6 = { { IP_V6, { 0xfe, 0x80 } }, 10 };
	const struct world *world = e->in->world;
	struct ip_range local = ip_prefix_range(&local6);
	int r = VEC_PUSH(e->arena, ret, local);

	for (size_t i = 0; i < world->n_networks; i++)
		for (size_t s = 0; s < world->networks[i].n_subnets && r == 0; s++) {
			struct ip_range subnet = ip_prefix_range(&world->networks[i].subnets[s]);
			if (world_network_is_managed(&world->networks[i]))
				r = VEC_PUSH(e->arena, ret, subnet);
		}
	if (ret->n)
		qsort(ret->items, ret->n, sizeof(*ret->items), by_range);
	return r;
}

static bool any_routes(const struct policy *policy, size_t family)
{
	for (size_t i = 0; i < policy->n_tiers; i++)
		if (policy->tiers[i].routes[family])
			return true;
	return false;
}

/* All outside, of one family, that no tier speaks for by name. */
static int find_routed(struct emit *e, const range_list *holes, size_t family)
{
	struct ip_prefix all = { .addr.family = family ? IP_V6 : IP_V4 };
	struct ip_range range = ip_prefix_range(&all);
	range_list parts = { 0 };
	int r = cut_unicast(e, &range, holes, &parts);

	if (parts.n)
		qsort(parts.items, parts.n, sizeof(*parts.items), by_range);
	e->routed[family] = parts.items;
	e->n_routed[family] = parts.n;
	return r;
}

/* Single addresses that a range of their tier holds already. */
static size_t drop_covered(struct compile_spoken *all, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (kept == 0 || all[kept - 1].range.last.family != all[i].range.first.family ||
		    ip_compare(&all[i].range.first, &all[kept - 1].range.last) > 0)
			all[kept++] = all[i];
	return kept;
}

int emit_find_spoken(struct emit *e)
{
	const struct policy *policy = e->in->policy;
	spoken_list spoken = { 0 };
	range_list holes = { 0 };
	int r = find_holes(e, &holes);

	for (size_t i = 0; i < policy->n_spoken && r == 0; i++)
		r = add_entry(e, &policy->spoken[i], &holes, &spoken);
	if (spoken.n)
		qsort(spoken.items, spoken.n, sizeof(*spoken.items), by_spoken);
	spoken.n = drop_covered(spoken.items, spoken.n);
	for (size_t i = 0; i < spoken.n && r == 0; i++) {
		e->any_ranges |= !spoken.items[i].single;
		r = VEC_PUSH(e->arena, &holes, spoken.items[i].range);
	}
	if (holes.n)
		qsort(holes.items, holes.n, sizeof(*holes.items), by_range);
	for (size_t family = 0; family < 2 && r == 0; family++)
		if (any_routes(policy, family))
			r = find_routed(e, &holes, family);
	e->spoken = spoken.items;
	e->n_spoken = spoken.n;
	return r;
}

bool emit_speaks_for_range(const struct emit *e, uint32_t tier)
{
	for (size_t i = 0; i < e->n_spoken; i++)
		if (e->spoken[i].tier == tier && !e->spoken[i].single)
			return true;
	return false;
}

/* The one that holds the address; NULL: none does. */
static const struct compile_spoken *find_spoken(const struct compile_spoken *spoken, size_t n,
						const struct ip_addr *addr)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (ip_compare(&spoken[middle].range.first, addr) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0 || spoken[low - 1].range.first.family != addr->family ||
	    ip_compare(addr, &spoken[low - 1].range.last) > 0)
		return NULL;
	return &spoken[low - 1];
}

bool emit_speaks_for_all(const struct emit *e, uint32_t tier, const struct ip_prefix *prefix)
{
	struct ip_range range = ip_prefix_range(prefix);
	const struct compile_spoken *found = find_spoken(e->spoken, e->n_spoken, &range.first);

	return found && found->tier == tier && ip_compare(&range.last, &found->range.last) <= 0;
}

uint32_t emit_speaker(const struct emit *e, const struct ip_addr *addr)
{
	const struct compile_spoken *found = find_spoken(e->spoken, e->n_spoken, addr);

	return found ? found->tier : UINT32_MAX;
}

uint32_t compile_find_spoken(const struct compile_output *output, const struct ip_addr *addr)
{
	const struct compile_spoken *found = find_spoken(output->spoken, output->n_spoken, addr);

	return found ? found->tier : UINT32_MAX;
}

/* ---- sets ---- */

static void add_range(struct emit *e, struct rs_set *const sets[2], const struct ip_range *range)
{
	struct rs_elem elem = { .key = key_addr(&range->first), .last = key_addr(&range->last) };

	if (!e->err && ruleset_add_elem(e->rs, sets[range->first.family == IP_V6], &elem) < 0)
		e->err = -ENOMEM;
}

static void make_sets(struct emit *e, const char *const names[2], struct rs_set *ret[2])
{
	static const enum rs_type types[] = { RS_TYPE_IPV4, RS_TYPE_IPV6 };

	for (size_t family = 0; family < 2; family++) {
		ret[family] = emit_set(e, names[family], &types[family], 1);
		if (ret[family])
			ret[family]->interval = true;
	}
}

static void emit_ranges_of(struct emit *e, const struct group *group)
{
	struct rs_set *sets[2];

	make_sets(e, group->spoken, sets);
	for (size_t i = 0; i < e->n_spoken && !e->err; i++)
		if ((int)e->spoken[i].tier == group->tier && !e->spoken[i].single)
			add_range(e, sets, &e->spoken[i].range);
}

void emit_spoken_sets(struct emit *e)
{
	static const char *const all[] = { SET_SPOKEN4, SET_SPOKEN6 };
	static const char *const routed[] = { SET_ROUTED4, SET_ROUTED6 };
	struct rs_set *sets[2] = { NULL, NULL };
	/* In table bridge single addresses are among those of containers. */
	bool has_all = e->family == RS_INET ? e->n_spoken : e->any_ranges;

	for (size_t g = 0; g < e->n_groups && !e->err; g++)
		if (e->groups[g].speaks)
			emit_ranges_of(e, &e->groups[g]);
	if (has_all)
		make_sets(e, all, sets);
	for (size_t i = 0; has_all && i < e->n_spoken && !e->err; i++)
		add_range(e, sets, &e->spoken[i].range);
	if (e->n_routed[0] || e->n_routed[1])
		make_sets(e, routed, sets);
	for (size_t family = 0; family < 2; family++)
		for (size_t i = 0; i < e->n_routed[family] && !e->err; i++)
			add_range(e, sets, &e->routed[family][i]);
}

void emit_of_no_tier(struct emit *e, struct rs_chain *chain, const struct rs_match *matches,
		     size_t n, enum rs_verdict verdict, const char *target)
{
	static const enum rs_field source[] = { RS_CT_ORIGINAL_IP_SADDR, RS_CT_ORIGINAL_IP6_SADDR };
	static const char *const any[] = { SET_ANY4, SET_ANY6 };
	static const char *const spoken[] = { SET_SPOKEN4, SET_SPOKEN6 };

	for (size_t family = 0; family < 2 && !e->err; family++) {
		struct draft draft = { 0 };
		draft_add(&draft, match_not_in(source[family], any[family]));
		if (e->n_spoken)
			draft_add(&draft, match_not_in(source[family], spoken[family]));
		for (size_t i = 0; i < n; i++)
			draft_add(&draft, matches[i]);
		emit_verdict(e, chain, &draft, verdict, target);
	}
}
