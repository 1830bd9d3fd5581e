/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sets and maps of table bridge netd: which port is whose, with which MAC and addresses. */
#include <errno.h>
#include <string.h>

#include "core/compile/bridge.h"
#include "core/compile/elements.h"

void emit_closed_ports(struct emit *e, struct rs_chain *chain, enum rs_field field)
{
	for (size_t k = 0; k < CLOSED_REASONS; k++)
		EMIT(e, chain, RS_GOTO, emit_end(e, emit_closed_reasons()[k].reason),
		     match_in(field, emit_closed_reasons()[k].ports));
	EMIT(e, chain, RS_GOTO, emit_end(e, REASON_NOT_ADMITTED), match_in(field, SET_CLOSED));
}

/* Of bridges that others share: the host's own MACs there, and what no engine's port may reach them
 * through that netd has not seen. */
static void emit_shared_macs(struct emit *e)
{
	static const enum rs_type port_type[] = { RS_TYPE_IFNAME };
	static const enum rs_type mac_type[] = { RS_TYPE_ETHER_ADDR };
	struct rs_set *ports, *macs;

	if (!e->any_shared)
		return;
	ports = emit_set(e, SET_ENGINE_PORTS, port_type, 1);
	macs = emit_set(e, SET_SHARED_MACS, mac_type, 1);
	if (e->err)
		return;
	ports->interval = true;
	emit_pattern(e, ports, "veth");
	for (size_t i = 0; i < e->n_bridges && !e->err; i++) {
		struct rs_key key = { 0 };
		if (!e->bridges[i].shared)
			continue;
		rs_key_add(&key, RS_TYPE_ETHER_ADDR, e->bridges[i].seen->mac.bytes, false);
		emit_elem(e, macs, &key);
	}
}

static void emit_stacked(struct emit *e)
{
	static const enum rs_type port_type[] = { RS_TYPE_IFNAME };
	static const enum rs_type mac_type[] = { RS_TYPE_ETHER_ADDR };
	struct rs_set *macs = NULL;

	if (!e->any_stacked)
		return;
	(void)emit_port_set(e, PORT_SET_STACKED, SET_STACKED_PORTS, port_type, 1);
	macs = emit_set(e, SET_BRIDGE_MACS, mac_type, 1);
	for (size_t i = 0; i < e->n_bridges && !e->err; i++) {
		struct rs_key key = { 0 };
		if (!e->bridges[i].seen || !e->bridges[i].seen->stacked)
			continue;
		rs_key_add(&key, RS_TYPE_ETHER_ADDR, e->bridges[i].seen->mac.bytes, false);
		emit_elem(e, macs, &key);
	}
}

/* RFC 4443: errors and echo. All else is for a link or a group. */
static void emit_routed_icmpv6(struct emit *e)
{
	static const enum rs_type type[] = { RS_TYPE_ICMPV6_TYPE };
	static const uint8_t kinds[] = { 1, 2, 3, 4, 128, 129 };
	struct rs_set *set = emit_set(e, SET_ROUTED_ICMPV6, type, 1);

	for (size_t i = 0; i < ARRAY_LEN(kinds) && !e->err; i++) {
		struct rs_key key = { 0 };
		rs_key_add(&key, RS_TYPE_ICMPV6_TYPE, &kinds[i], false);
		emit_elem(e, set, &key);
	}
}

/* The ports of those who speak for ranges, with their MACs, and what all speak for. */
static void add_all_spoken(struct emit *e)
{
	static const enum rs_type types[] = { RS_TYPE_IFNAME, RS_TYPE_ETHER_ADDR };
	struct rs_set *const *any = &e->endpoint_sets[ENDPOINT_BRIDGE_ANY];
	bool speaks = false;

	for (size_t g = 0; g < e->n_groups && !e->err; g++)
		if (e->groups[g].speakers) {
			(void)emit_port_set(e, emit_speakers_set(e, &e->groups[g]),
					    e->groups[g].speakers, types, 2);
			speaks = true;
		}
	if (speaks)
		emit_routed_icmpv6(e);
	emit_spoken_sets(e);
	for (size_t i = 0; i < e->n_spoken && !e->err; i++) {
		struct rs_key key = key_addr(&e->spoken[i].range.first);
		if (e->spoken[i].single)
			emit_elem(e, any[e->spoken[i].range.first.family == IP_V6], &key);
	}
}

void emit_bridge_sets(struct emit *e)
{
	static const enum rs_type guard4[] = { RS_TYPE_IFNAME, RS_TYPE_ETHER_ADDR, RS_TYPE_IPV4 };
	static const enum rs_type guard6[] = { RS_TYPE_IFNAME, RS_TYPE_ETHER_ADDR, RS_TYPE_IPV6 };
	static const enum rs_type guard_nd[] = { RS_TYPE_IFNAME, RS_TYPE_ETHER_ADDR,
						 RS_TYPE_ND_HIGH, RS_TYPE_ND_LOW };
	static const enum rs_type mac[] = { RS_TYPE_ETHER_ADDR };

	(void)emit_port_set(e, PORT_SET_BRIDGE, SET_PORTS, guard4, 1);
	if (e->any_shared)
		(void)emit_port_set(e, PORT_SET_OTHERS, SET_OTHER_PORTS, guard4, 1);
	emit_shared_macs(e);
	emit_stacked(e);
	emit_noise_set(e);
	if (e->in->log_group)
		emit_meter(e, METER_LOGGED_PORTS, RS_TYPE_IFNAME);
	(void)emit_port_set(e, PORT_SET_CLOSED, SET_CLOSED, guard4, 1);
	for (size_t k = 0; k < CLOSED_REASONS; k++)
		(void)emit_port_set(e, PORT_SET_CLOSED_BY + k, emit_closed_reasons()[k].ports,
				    guard4, 1);
	(void)emit_port_set(e, PORT_SET_PORT_MAC, SET_PORT_MAC, guard4, 2);
	(void)emit_port_set(e, PORT_SET_GUARD4, SET_GUARD4, guard4, 3);
	(void)emit_port_set(e, PORT_SET_GUARD6, SET_GUARD6, guard6, 3);
	(void)emit_port_set(e, PORT_SET_GUARD_ND, SET_GUARD_ND, guard_nd, 4);
	e->endpoint_sets[ENDPOINT_BRIDGE_ANY] = emit_set(e, SET_ANY4, guard4 + 2, 1);
	e->endpoint_sets[ENDPOINT_BRIDGE_ANY + 1] = emit_set(e, SET_ANY6, guard6 + 2, 1);
	e->endpoint_sets[ENDPOINT_MACS] = emit_set(e, SET_MACS, mac, 1);
	emit_loose_sets(e);
	add_all_spoken(e);
	for (size_t i = 0; i < e->n_addrs && !e->err; i++)
		emit_guarded_address(e, &e->addrs[i]);
	for (size_t i = 0; i < e->in->world->n_endpoints && !e->err; i++) {
		emit_link_layer(e, i);
		emit_kept_endpoint(e, i);
	}
}
