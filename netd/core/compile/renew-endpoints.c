/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What endpoints that have come, gone or changed have in the sets. Where it is not sure that this
 * is elements of their own, and chains of renew-chains.c, the whole is compiled: an address or MAC
 * that something else has as well, one outside of the networks. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/sort.h"
#include "core/compile/elements.h"
#include "core/compile/renew.h"

/* ---- whether their keys are theirs alone ---- */

static int add_bytes(struct again *a, key_list *list, const uint8_t *bytes, size_t n)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++)
		r = VEC_PUSH(a->e.arena, list, bytes[i]);
	return r;
}

static int add_address(struct again *a, key_list lists[2], const struct ip_addr *addr)
{
	return addr->family ? add_bytes(a, &lists[addr->family == IP_V6], addr->bytes, ip_len(addr))
			    : 0;
}

/* What keys of the endpoint's begin with. 1: its MAC is not told, but would be part of one. */
static int add_keys(struct again *a, const struct world_endpoint *endpoint, key_list addrs[2],
		    key_list *macs)
{
	struct ip_addr local = ip_link_local(&endpoint->mac);
	int r = add_address(a, addrs, &endpoint->ipv4);

	if (r == 0)
		r = add_address(a, addrs, &endpoint->ipv6);
	if (r < 0 || mac_is_zero(&endpoint->mac))
		return r == 0 && endpoint->ipv6.family ? 1 : r;
	r = add_address(a, addrs, &local);
	return r < 0 ? r : add_bytes(a, macs, endpoint->mac.bytes, sizeof(endpoint->mac.bytes));
}

static bool is_managed(const struct world *world, uint32_t i)
{
	return world_network_is_managed(&world->networks[world->endpoints[i].network]);
}

static const size_t addr_len[2] = { 4, 16 };
#define MAC_LEN sizeof(((struct mac_addr *)NULL)->bytes)

static int add_all_keys(struct again *a, const struct world *world, const uint32_t *items, size_t n,
			key_list addrs[2], key_list *macs)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++)
		if (is_managed(world, items[i]))
			r = add_keys(a, &world->endpoints[items[i]], addrs, macs);
	for (size_t family = 0; family < 2; family++)
		sort_by_bytes(addrs[family].items, addrs[family].n / addr_len[family],
			      addr_len[family], addr_len[family]);
	sort_by_bytes(macs->items, macs->n / MAC_LEN, MAC_LEN, MAC_LEN);
	return r;
}

static bool has_twice(const key_list *list, size_t len)
{
	for (size_t at = len; at < list->n; at += len)
		if (memcmp(list->items + at - len, list->items + at, len) == 0)
			return true;
	return false;
}

static bool has_key(const key_list *list, const uint8_t *bytes, size_t len)
{
	for (size_t at = 0; at < list->n; at += len)
		if (memcmp(list->items + at, bytes, len) == 0)
			return true;
	return false;
}

static bool has_address(const key_list lists[2], const struct ip_addr *addr)
{
	bool six = addr->family == IP_V6;

	return addr->family && has_key(&lists[six], addr->bytes, addr_len[six]);
}

/* Of the host, or of all. */
static bool is_of_host(const struct again *a, const key_list addrs[2], const key_list *macs)
{
	const struct world *world = a->new;

	for (size_t i = 0; i < world->n_networks; i++) {
		const struct world_network *network = &world->networks[i];
		for (size_t g = 0; g < network->n_gateways; g++)
			if (has_address(addrs, &network->gateways[g]))
				return true;
		for (size_t s = 0; s < network->n_subnets; s++) {
			struct ip_range subnet = ip_prefix_range(&network->subnets[s]);
			if (has_address(addrs, &subnet.last))
				return true;
		}
	}
	for (size_t i = 0; i < world->n_bridges; i++)
		if (has_key(macs, world->bridges[i].mac.bytes, MAC_LEN))
			return true;
	return false;
}

/* Of an endpoint that is as it was. */
static bool is_of_another(const struct again *a, const key_list addrs[2], const key_list *macs)
{
	uint64_t seen[4] = { 0 }; /* a bit for each last byte */

	for (size_t at = 0; at < macs->n; at += MAC_LEN) {
		uint8_t last = macs->items[at + MAC_LEN - 1];
		seen[last / 64] |= UINT64_C(1) << last % 64;
	}
	for (uint32_t i = 0; i < a->new->n_endpoints; i++) {
		const struct world_endpoint *endpoint = &a->new->endpoints[i];
		uint8_t last = endpoint->mac.bytes[MAC_LEN - 1];
		if (seen[last / 64] & UINT64_C(1) << last % 64 && a->from[i] != RENEW_GONE &&
		    has_key(macs, endpoint->mac.bytes, MAC_LEN))
			return true;
	}
	for (size_t i = 0; i < a->e.n_addrs; i++)
		if (a->from[a->e.addrs[i].endpoint] != RENEW_GONE &&
		    has_address(addrs, &a->e.addrs[i].addr))
			return true;
	return false;
}

/* One outside of all networks would change what is asked of every packet (prerouting.c). */
static bool is_in_a_network(const struct emit *e, const struct ip_addr *addr)
{
	const struct compile_output subnets = { .subnets = e->subnets, .n_subnets = e->n_subnets };

	return !addr->family || compile_find_subnet(&subnets, addr) != UINT32_MAX;
}

static bool are_in_networks(const struct again *a, const struct world *world, const uint32_t *items,
			    size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct world_endpoint *endpoint = &world->endpoints[items[i]];
		if (is_managed(world, items[i]) && (!is_in_a_network(&a->e, &endpoint->ipv4) ||
						    !is_in_a_network(&a->e, &endpoint->ipv6)))
			return false;
	}
	return true;
}

/* (An address is made of each MAC, so one that is there twice shows there.) */
static int check_keys(struct again *a)
{
	key_list addrs[2] = { { 0 }, { 0 } }, macs = { 0 };
	int r = add_all_keys(a, a->old, a->gone.items, a->gone.n, a->addrs, &a->macs);

	if (r == 0)
		r = add_all_keys(a, a->new, a->come.items, a->come.n, addrs, &macs);
	if (r)
		return r;
	return has_twice(&addrs[0], addr_len[0]) || has_twice(&addrs[1], addr_len[1]) ||
	       is_of_another(a, a->addrs, &a->macs) || is_of_another(a, addrs, &macs) ||
	       is_of_host(a, a->addrs, &a->macs) || is_of_host(a, addrs, &macs) ||
	       !are_in_networks(a, a->old, a->gone.items, a->gone.n) ||
	       !are_in_networks(a, a->new, a->come.items, a->come.n);
}

/* ---- who has which address, and is in which tier ---- */

static int by_address(const void *left, const void *right)
{
	const struct owned_addr *a = left, *b = right;

	return memcmp(&a->addr, &b->addr, sizeof(a->addr));
}

static size_t find_own_addresses(const struct again *a, struct owned_addr *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < a->come.n; i++) {
		const struct world_endpoint *endpoint = &a->new->endpoints[a->come.items[i]];
		if (!is_managed(a->new, a->come.items[i]))
			continue;
		if (endpoint->ipv4.family)
			ret[n++] = (struct owned_addr){ endpoint->ipv4, a->come.items[i] };
		if (endpoint->ipv6.family)
			ret[n++] = (struct owned_addr){ endpoint->ipv6, a->come.items[i] };
	}
	if (n)
		qsort(ret, n, sizeof(*ret), by_address);
	return n;
}

/* As compile_addresses() makes them. */
static int renew_addresses(struct again *a)
{
	struct owned_addr own[2 * RENEW_MOST];
	const struct owned_addr *old = a->parts->addrs;
	size_t n_own = find_own_addresses(a, own), n = 0, k = 0;
	struct owned_addr *all =
		arena_alloc(a->e.arena, (a->parts->n_addrs + n_own) * sizeof(*all));

	if (!all)
		return -ENOMEM;
	for (size_t i = 0; i < a->parts->n_addrs; i++) {
		uint32_t at = a->to[old[i].endpoint];
		for (; k < n_own && by_address(&own[k], &old[i]) < 0; k++)
			all[n++] = own[k];
		if (at != RENEW_GONE)
			all[n++] = (struct owned_addr){ old[i].addr, at };
	}
	for (; k < n_own; k++)
		all[n++] = own[k];
	a->e.addrs = all;
	a->e.n_addrs = n;
	return 0;
}

static int renew_assignments(struct again *a)
{
	size_t n = a->new->n_endpoints;

	if (!a->from) {
		a->own = arena_dup(a->e.arena, a->assignments, n * sizeof(*a->own));
		return a->own ? 0 : -ENOMEM;
	}
	a->own = arena_alloc(a->e.arena, n * sizeof(*a->own));
	if (!a->own)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		if (a->from[i] != RENEW_GONE)
			a->own[i] = a->assignments[a->from[i]];
	return a->come.n ? assign_some(&a->e, a->come.items, a->come.n, a->own) : 0;
}

/* Whether frames pass the inet hooks, where someone has come or gone. */
static int renew_bridge_nf(struct again *a)
{
	bool *changed = arena_alloc(a->e.arena, a->new->n_networks * sizeof(*changed));

	if (!changed)
		return -ENOMEM;
	for (size_t i = 0; i < a->gone.n; i++)
		changed[a->old->endpoints[a->gone.items[i]].network] = true;
	for (size_t i = 0; i < a->come.n; i++)
		changed[a->new->endpoints[a->come.items[i]].network] = true;
	int r = emit_bridge_nf(&a->e, changed);
	return r == 0 && a->e.needs_bridge_nf != a->parts->needs_bridge_nf ? 1 : r;
}

/* ---- the sets ---- */

/* What the keys of that set begin with. */
static struct rs_prefixes prefixes_of(const struct again *a, size_t set)
{
	bool kept = set >= ENDPOINT_KEPT_FROM_AUDITED && set < ENDPOINT_SETS;
	size_t in_kept = (set - ENDPOINT_KEPT_FROM_AUDITED) % KEPT_SETS;
	size_t family = kept ? in_kept > KEPT_ADDR : set % 2;

	if (set == ENDPOINT_MACS || (kept && in_kept == KEPT_MAC))
		return (struct rs_prefixes){ a->macs.items, a->macs.n / MAC_LEN, MAC_LEN };
	return (struct rs_prefixes){ a->addrs[family].items, a->addrs[family].n / addr_len[family],
				     addr_len[family] };
}

static int own_sets(struct again *a)
{
	struct emit *e = &a->e;

	if (emit_make_endpoint_sets(e) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < emit_n_endpoint_sets(e); i++) {
		const struct rs_set *set = a->parts->endpoint_sets[i];
		const struct rs_prefixes without = prefixes_of(a, i);
		if (!set)
			continue;
		e->endpoint_sets[i] =
			ruleset_own_set(e->rs, emit_endpoint_set_family(i), set, &without);
		if (!e->endpoint_sets[i])
			return -ENOMEM;
	}
	return 0;
}

static int settle_sets(const struct emit *e)
{
	int r = 0;

	for (size_t i = 0; i < emit_n_endpoint_sets(e) && r == 0; i++)
		if (e->endpoint_sets[i])
			r = ruleset_settle_set(e->rs, emit_endpoint_set_family(i),
					       e->endpoint_sets[i]);
	return r;
}

static void emit_come(struct again *a)
{
	struct emit *e = &a->e;

	e->family = RS_INET; /* where emit_address() asks for ends of denials */
	for (size_t i = 0; i < e->n_addrs; i++) {
		if (a->from[e->addrs[i].endpoint] != RENEW_GONE)
			continue;
		emit_address(e, &e->addrs[i]);
		emit_guarded_address(e, &e->addrs[i]);
	}
	for (size_t i = 0; i < a->come.n; i++) {
		uint32_t at = a->come.items[i];
		struct ip_addr local = ip_link_local(&a->new->endpoints[at].mac);
		if (emit_has_link_local(e, at))
			emit_member(e, emit_group_of(e, at), &local);
		emit_link_layer(e, at);
		emit_kept_endpoint(e, at);
	}
	e->family = a->parts->family;
}

int renew_endpoints(struct again *a, const struct ruleset *old)
{
	int r;

	if (!a->gone.n && !a->come.n) {
		r = renew_assignments(a);
		a->e.assignments = a->own;
		return r;
	}
	r = renew_addresses(a);
	if (r == 0)
		r = check_keys(a);
	if (r == 0)
		r = renew_assignments(a);
	a->e.assignments = a->own;
	if (r == 0)
		r = renew_bridge_nf(a);
	if (r == 0)
		r = own_sets(a);
	if (r)
		return r;
	emit_come(a);
	r = a->e.err ? a->e.err : renew_chains(a, old);
	if (r == 0)
		r = settle_sets(&a->e);
	return r ? r : renew_check_calls(a);
}
