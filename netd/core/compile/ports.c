/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What each port of a bridge has in the sets: that it is one, that it is closed and why, or whose
 * MAC and addresses it has. Port by port, and nothing else is in these sets, so a port that changes
 * is a few elements less and a few more (again.c). */
#include <errno.h>

#include "core/compile/bridge.h"
#include "core/compile/elements.h"

const struct closed_reason *emit_closed_reasons(void)
{
	static const struct closed_reason reasons[CLOSED_REASONS] = {
		{ REASON_UNMATCHED, "ports_unmatched" },
		{ REASON_CONFLICT, "ports_in_conflict" },
		{ REASON_ADDRESS_CLASH, "ports_with_clash" },
		{ REASON_QUARANTINED, "ports_quarantined" },
		{ REASON_NOT_KNOWN, "ports_not_known" },
	};

	return reasons;
}

size_t emit_n_port_sets(const struct emit *e)
{
	return PORT_SETS + 2 * e->n_groups;
}

size_t emit_speakers_set(const struct emit *e, const struct group *group)
{
	return PORT_SETS + (size_t)(group - e->groups);
}

size_t emit_within_set(const struct emit *e, const struct group *group)
{
	return emit_speakers_set(e, group) + e->n_groups;
}

int emit_make_port_sets(struct emit *e)
{
	e->port_sets = arena_alloc(e->arena, emit_n_port_sets(e) * sizeof(*e->port_sets));
	e->within_chains = arena_alloc(e->arena, e->n_groups * sizeof(*e->within_chains));
	return e->port_sets && e->within_chains ? 0 : -ENOMEM;
}

struct rs_set *emit_port_set(struct emit *e, size_t set, const char *name,
			     const enum rs_type *types, size_t n)
{
	e->port_sets[set] = emit_set(e, name, types, n);
	return e->port_sets[set];
}

static void add(struct emit *e, size_t set, const struct rs_key *key)
{
	emit_elem(e, e->port_sets[set], key);
}

/* Admits the address on its port only. */
static void add_guard(struct emit *e, const struct rs_key *port_mac, const struct ip_addr *addr)
{
	bool six = addr->family == IP_V6;
	struct rs_key key = *port_mac;

	rs_key_add(&key, six ? RS_TYPE_IPV6 : RS_TYPE_IPV4, addr->bytes, true);
	add(e, six ? PORT_SET_GUARD6 : PORT_SET_GUARD4, &key);
	if (six) /* the same bytes, as the halves of a neighbour message's target */
		add(e, PORT_SET_GUARD_ND, &key);
}

/* What its tier speaks for is at each of its ports: single addresses as its own, ranges by MAC. */
static void add_spoken_guard(struct emit *e, const struct group *group,
			     const struct rs_key *port_mac)
{
	for (size_t i = 0; i < e->n_spoken; i++)
		if (e->spoken[i].single && (int)e->spoken[i].tier == group->tier)
			add_guard(e, port_mac, &e->spoken[i].range.first);
	if (group->speakers)
		add(e, emit_speakers_set(e, group), port_mac);
}

static void add_within(struct emit *e, const struct group *group, const struct rs_key *port)
{
	const char *chain = e->within_chains[group - e->groups];

	if (!chain)
		return;
	add(e, emit_within_set(e, group), port);
	emit_goto_elem(e, e->port_sets[PORT_SET_WITHIN], port, chain);
}

static void add_admitted(struct emit *e, const struct rs_key *port, uint32_t i)
{
	const struct world_endpoint *endpoint = &e->in->world->endpoints[i];
	const struct group *group = emit_group_of(e, i);
	struct ip_addr local = ip_link_local(&endpoint->mac);
	struct rs_key port_mac = { 0 };

	rs_key_add(&port_mac, RS_TYPE_IFNAME, port->bytes, true);
	rs_key_add(&port_mac, RS_TYPE_ETHER_ADDR, endpoint->mac.bytes, true);
	add(e, PORT_SET_PORT_MAC, &port_mac);
	add_within(e, group, port);
	add_spoken_guard(e, group, &port_mac);
	if (endpoint->ipv4.family)
		add_guard(e, &port_mac, &endpoint->ipv4);
	if (endpoint->ipv6.family) {
		add_guard(e, &port_mac, &endpoint->ipv6);
		add_guard(e, &port_mac, &local);
	}
}

static void add_closed(struct emit *e, const struct rs_key *port, enum reason reason)
{
	add(e, PORT_SET_CLOSED, port);
	for (size_t k = 0; k < CLOSED_REASONS; k++)
		if (emit_closed_reasons()[k].reason == reason)
			add(e, PORT_SET_CLOSED_BY + k, port);
}

void emit_port(struct emit *e, const struct world_port *port, const struct port_facts *facts)
{
	struct rs_key key = key_ifname(port->ifname);

	if (facts->managed) {
		add(e, PORT_SET_INET, &key);
		add(e, PORT_SET_BRIDGE, &key);
	}
	if (facts->others && e->any_shared)
		add(e, PORT_SET_OTHERS, &key);
	if (facts->stacked && facts->guard != GUARD_LEFT)
		add(e, PORT_SET_STACKED, &key);
	if (facts->guard == GUARD_AUDITED && emit_has_audited_ports(e))
		add(e, PORT_SET_AUDITED, &key);
	if (facts->guard == GUARD_LEFT && e->ignore)
		add(e, PORT_SET_LEFT, &key);
	if (facts->endpoint != NOBODY)
		add_admitted(e, &key, facts->endpoint);
	else if (facts->managed && facts->guard != GUARD_LEFT)
		add_closed(e, &key, facts->closed);
}
