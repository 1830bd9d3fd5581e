/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What each endpoint has in the sets: the addresses and the MAC of its own, whoever is where. An
 * endpoint that comes or goes is a few elements in these sets (again.c). */
#include <errno.h>

#include "core/compile/elements.h"

size_t emit_n_endpoint_sets(const struct emit *e)
{
	return ENDPOINT_SETS + 2 * e->n_groups;
}

size_t emit_members_set(const struct emit *e, const struct group *group, size_t family)
{
	return ENDPOINT_SETS + 2 * (size_t)(group - e->groups) + family;
}

int emit_make_endpoint_sets(struct emit *e)
{
	e->endpoint_sets = arena_alloc(e->arena, emit_n_endpoint_sets(e) * sizeof(struct rs_set *));
	return e->endpoint_sets ? 0 : -ENOMEM;
}

enum rs_family emit_endpoint_set_family(size_t set)
{
	return set >= ENDPOINT_BRIDGE_ANY && set < ENDPOINT_SETS ? RS_BRIDGE : RS_INET;
}

static void add(struct emit *e, size_t set, const struct rs_key *key)
{
	emit_elem(e, e->endpoint_sets[set], key);
}

static void add_goto(struct emit *e, size_t set, const struct rs_key *key, const char *target)
{
	emit_goto_elem(e, e->endpoint_sets[set], key, target);
}

/* ---- table inet ---- */

/* nft cannot compare two fields of a packet; a map of the pairs that are alike does. */
static void add_own(struct emit *e, const struct ip_addr *addr, const struct rs_key *key)
{
	bool six = addr->family == IP_V6;
	struct rs_key pair = *key; /* an address is not padded */

	rs_key_add(&pair, six ? RS_TYPE_IPV6 : RS_TYPE_IPV4, addr->bytes, true);
	add_goto(e, ENDPOINT_OWN + six, &pair, CHAIN_OWN_ERROR);
}

void emit_member(struct emit *e, const struct group *group, const struct ip_addr *addr)
{
	size_t family = addr->family == IP_V6;
	struct rs_key key = key_addr(addr);

	add_own(e, addr, &key);
	add(e, emit_members_set(e, group, family), &key);
	if (group->unjudged)
		return;
	add_goto(e, ENDPOINT_TO + family, &key, group->to_chain);
	add_goto(e, ENDPOINT_FROM + family, &key, group->from_chain);
	if (group->audited && !e->audit)
		add(e, ENDPOINT_AUDITED + family, &key);
}

enum reason emit_closed_reason(const struct emit *e, uint32_t i)
{
	const struct world *world = e->in->world;
	const struct group *group = emit_group_of(e, i);

	if (!group)
		return compile_closed_reason(&e->assignments[i]);
	return !group->unjudged && world->containers[world->endpoints[i].container].starting
		       ? REASON_STARTING
		       : REASON_NONE;
}

/* An end that these elements go to. */
static const char *emit_closing_end(struct emit *e, enum reason closed)
{
	e->n_closed[closed]++;
	e->asker = ASKER_ENDPOINTS;
	const char *end = emit_end(e, closed);
	e->asker = ASKER_BORROWED;
	return end;
}

void emit_address(struct emit *e, const struct owned_addr *owned)
{
	const struct group *group = emit_group_of(e, owned->endpoint);
	enum reason closed = emit_closed_reason(e, owned->endpoint);
	size_t family = owned->addr.family == IP_V6;
	struct rs_key key = key_addr(&owned->addr);

	if (closed)
		add_goto(e, ENDPOINT_CLOSED + family, &key, emit_closing_end(e, closed));
	else
		add(e, ENDPOINT_REACHED + family, &key);
	if (!group)
		return;
	if (!group->unjudged)
		add(e, ENDPOINT_ANY + family, &key);
	emit_member(e, group, &owned->addr);
}

static bool is_link_local(const struct ip_addr *addr)
{
	return addr->bytes[0] == 0xfe && (addr->bytes[1] & 0xc0) == 0x80;
}

bool emit_has_link_local(const struct emit *e, size_t i)
{
	const struct world_endpoint *endpoint = &e->in->world->endpoints[i];

	return emit_group_of(e, i) && endpoint->ipv6.family && !mac_is_zero(&endpoint->mac) &&
	       !is_link_local(&endpoint->ipv6);
}

/* ---- table bridge ---- */

void emit_guarded_address(struct emit *e, const struct owned_addr *owned)
{
	struct rs_key key = key_addr(&owned->addr);

	if (emit_is_guarded(e, owned->endpoint))
		add(e, ENDPOINT_BRIDGE_ANY + (owned->addr.family == IP_V6), &key);
}

void emit_link_layer(struct emit *e, size_t i)
{
	const struct world_endpoint *endpoint = &e->in->world->endpoints[i];
	struct ip_addr local = ip_link_local(&endpoint->mac);
	struct rs_key mac = { 0 }, addr = key_addr(&local);

	if (!emit_is_guarded(e, i))
		return;
	rs_key_add(&mac, RS_TYPE_ETHER_ADDR, endpoint->mac.bytes, false);
	if (!mac_is_zero(&endpoint->mac))
		add(e, ENDPOINT_MACS, &mac);
	if (endpoint->ipv6.family)
		add(e, ENDPOINT_BRIDGE_ANY + 1, &addr);
}
