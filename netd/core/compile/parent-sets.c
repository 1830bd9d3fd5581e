/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Table netdev netd: who is there. The containers of all parents are told apart by what they are
 * called on the link, and judged by their addresses. */
#include <errno.h>
#include <string.h>

#include "core/base/sort.h"
#include "core/compile/parent.h"

static const enum rs_type address_type[2][1] = { { RS_TYPE_IPV4 }, { RS_TYPE_IPV6 } };

struct parent_sets {
	struct rs_set *macs, *any[2], *closed[2];
	/* By the address of a container: where what goes to it is judged, what it sends, and
	 * answers to either. */
	struct rs_set *maps[PARENT_MAPS][2];
	struct rs_set **members; /* [group * 2 + family] */
};

static void create_sets(struct emit *e, struct parent_sets *sets)
{
	static const enum rs_type mac[] = { RS_TYPE_LINK_ADDR };
	static const char *const any[] = { SET_ANY4, SET_ANY6 };
	static const char *const closed[] = { MAP_CLOSED4, MAP_CLOSED6 };

	sets->members = arena_alloc(e->arena, 2 * e->n_groups * sizeof(struct rs_set *));
	if (!sets->members)
		e->err = -ENOMEM;
	sets->macs = emit_set(e, SET_PARENT_MACS, mac, 1);
	for (size_t v6 = 0; v6 < 2 && !e->err; v6++) {
		sets->any[v6] = emit_set(e, any[v6], address_type[v6], 1);
		sets->closed[v6] = emit_map(e, closed[v6], address_type[v6], 1);
		for (size_t m = 0; m < PARENT_MAPS; m++)
			sets->maps[m][v6] = emit_map(e, parent_map_name((enum parent_map)m, v6),
						     address_type[v6], 1);
		for (size_t g = 0; g < e->n_groups && !e->err; g++)
			sets->members[2 * g + v6] =
				emit_set(e, e->groups[g].members[v6], address_type[v6], 1);
	}
}

const char *parent_chain(struct emit *e, enum parent_map map, const struct group *group)
{
	switch (map) {
	case PARENT_TO:
		return group->to_chain;
	case PARENT_FROM:
		return group->from_chain;
	case PARENT_ANSWERS_TO:
		return emit_name_of(e, "answers_to", group);
	case PARENT_ANSWERS_FROM:
		return emit_name_of(e, "answers_from", group);
	case PARENT_MAPS:
		break;
	}
	return "";
}

/* ---- endpoints ---- */

/* Left alone: no tier matches it, and the policy ignores such containers. */
static bool is_left(const struct emit *e, uint32_t endpoint)
{
	const struct group *group = emit_group_at_parent(e, endpoint);

	return !e->assignments[endpoint].at_parent || (group && group->unjudged);
}

/* The kernel keeps a container from the MAC of its own parent. Who has that of another one is not
 * looked at, as the host itself is there. */
static bool is_hosts(const struct world *world, const struct mac_addr *mac)
{
	for (size_t i = 0; i < world->n_parents; i++)
		if (memcmp(&world->parents[i].mac, mac, sizeof(*mac)) == 0)
			return true;
	return false;
}

static bool is_looked_at(const struct emit *e, uint32_t i)
{
	const struct mac_addr *mac = &e->in->world->endpoints[i].mac;

	return !is_left(e, i) && !mac_is_zero(mac) && !is_hosts(e->in->world, mac);
}

/* Who has which address: those that Docker gave, and the link-local one that the container's kernel
 * makes of its MAC, where there is IPv6: all neighbours reach it. Sorted; NULL: no memory. */
static const struct owned_addr *list_addresses(const struct emit *e, size_t *ret_n)
{
	const struct world *world = e->in->world;
	struct owned_addr *all =
		arena_alloc(e->arena, (e->n_parent_addrs + world->n_endpoints) * sizeof(*all));
	size_t n = 0;

	for (size_t i = 0; all && i < e->n_parent_addrs; i++) {
		const struct owned_addr *owned = &e->parent_addrs[i];
		if (!is_looked_at(e, owned->endpoint))
			continue;
		all[n++] = *owned;
		if (owned->addr.family == IP_V6)
			all[n++] = (struct owned_addr){
				ip_link_local(&world->endpoints[owned->endpoint].mac),
				owned->endpoint
			};
	}
	sort_by_bytes(all, n, sizeof(*all), sizeof(all->addr));
	*ret_n = n;
	return all;
}

static enum reason closed_reason(const struct emit *e, uint32_t endpoint)
{
	return emit_group_at_parent(e, endpoint) ? REASON_NONE
						 : compile_closed_reason(&e->assignments[endpoint]);
}

static bool is_judged_alike(const struct emit *e, uint32_t a, uint32_t b)
{
	return emit_group_at_parent(e, a) == emit_group_at_parent(e, b) &&
	       closed_reason(e, a) == closed_reason(e, b);
}

/* An address of all these: one that a network gives is nobody else's (assign.c), but containers of
 * two parents may have one MAC. Where they are not judged alike nobody has it. */
static void add_address(struct emit *e, const struct parent_sets *sets,
			const struct owned_addr *owned, size_t n)
{
	const struct group *group = emit_group_at_parent(e, owned->endpoint);
	enum reason why = closed_reason(e, owned->endpoint);
	size_t v6 = owned->addr.family == IP_V6;
	struct rs_key key = key_addr(&owned->addr);

	for (size_t i = 1; i < n; i++)
		if (!is_judged_alike(e, owned->endpoint, owned[i].endpoint))
			why = REASON_ADDRESS_CLASH;
	emit_elem(e, sets->any[v6], &key);
	if (why != REASON_NONE) {
		emit_goto_elem(e, sets->closed[v6], &key, emit_end(e, why));
		return;
	}
	emit_elem(e, sets->members[2 * (size_t)(group - e->groups) + v6], &key);
	for (size_t m = 0; m < PARENT_MAPS; m++)
		emit_goto_elem(e, sets->maps[m][v6], &key,
			       parent_chain(e, (enum parent_map)m, group));
}

static void add_addresses(struct emit *e, const struct parent_sets *sets)
{
	size_t n = 0;
	const struct owned_addr *all = list_addresses(e, &n);

	if (!all)
		e->err = -ENOMEM;
	for (size_t i = 0, next; i < n && !e->err; i = next) {
		for (next = i + 1; next < n && ip_compare(&all[next].addr, &all[i].addr) == 0;)
			next++;
		add_address(e, sets, &all[i], next - i);
	}
}

static void add_macs(struct emit *e, const struct parent_sets *sets)
{
	const struct world *world = e->in->world;

	for (uint32_t i = 0; i < world->n_endpoints && !e->err; i++) {
		struct rs_key mac = { 0 };
		if (!is_looked_at(e, i))
			continue;
		rs_key_add(&mac, RS_TYPE_LINK_ADDR, world->endpoints[i].mac.bytes, false);
		emit_elem(e, sets->macs, &mac);
	}
}

void parent_emit_sets(struct emit *e)
{
	struct parent_sets sets = { 0 };

	if (e->in->log_group) {
		emit_meter(e, METER_LOGGED4, RS_TYPE_IPV4);
		emit_meter(e, METER_LOGGED6, RS_TYPE_IPV6);
	}
	emit_noise_set(e);
	emit_zones(e);
	emit_hosts(e);
	create_sets(e, &sets);
	if (e->err)
		return;
	add_macs(e, &sets);
	add_addresses(e, &sets);
}
