/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ports that are not guarded strictly: those of a tier in audit mode, where others are enforced,
 * and with `unmatched: ignore` those of nobody. Such a port may say and hear what it likes, but for
 * what is a tier's or this host's: with an address of those it could reach, or cut off, a tier that
 * is enforced. What it says under a strange address is marked on its way to the inet hooks, which
 * see no ports; and what is for an address that nobody has is marked on its way to the bridge,
 * where the port decides. Where there is no such port, none of this is in the tables. */
#include <errno.h>

#include "core/compile/bridge.h"
#include "core/compile/elements.h"

/* Of what a port may not use: per kind of port, since ignored ones leave audited tiers alone, too.
 */
struct kept_apart {
	const char *mac, *addr[2], *target;
	bool (*holds)(const struct group *group);
	enum endpoint_set sets; /* the first of those that hold it */
};

static bool is_enforced(const struct group *group)
{
	return !group->unjudged && !group->audited;
}

static bool is_tier_group(const struct group *group)
{
	return !group->unjudged;
}

static const struct kept_apart kept_from_audited = { "enforced_mac",
						     { "enforced4", "enforced6" },
						     "enforced_nd",
						     is_enforced,
						     ENDPOINT_KEPT_FROM_AUDITED };
static const struct kept_apart kept_from_left = {
	"tier_mac", { "tier4", "tier6" }, "tier_nd", is_tier_group, ENDPOINT_KEPT_FROM_LEFT
};

/* ---- sets ---- */

static void keep_address(struct emit *e, size_t kept, const struct ip_addr *addr)
{
	struct rs_set *const *sets = &e->endpoint_sets[kept];
	struct rs_key key = key_addr(addr), halves = { 0 };

	if (!addr->family)
		return;
	emit_elem(e, sets[KEPT_ADDR + (addr->family == IP_V6)], &key);
	if (addr->family != IP_V6)
		return;
	rs_key_add(&halves, RS_TYPE_ND_HIGH, addr->bytes, true);
	rs_key_add(&halves, RS_TYPE_ND_LOW, addr->bytes + 8, true);
	emit_elem(e, sets[KEPT_TARGET], &halves);
}

static void keep_mac(struct emit *e, size_t kept, const struct mac_addr *mac)
{
	struct ip_addr local = ip_link_local(mac);
	struct rs_key key = { 0 };

	if (mac_is_zero(mac))
		return;
	rs_key_add(&key, RS_TYPE_ETHER_ADDR, mac->bytes, false);
	emit_elem(e, e->endpoint_sets[kept + KEPT_MAC], &key);
	keep_address(e, kept, &local);
}

static void keep_endpoint(struct emit *e, const struct kept_apart *kept, size_t i)
{
	const struct world_endpoint *endpoint = &e->in->world->endpoints[i];
	const struct group *group = emit_group_of(e, i);

	if (!group || !kept->holds(group))
		return;
	keep_address(e, kept->sets, &endpoint->ipv4);
	keep_address(e, kept->sets, &endpoint->ipv6);
	keep_mac(e, kept->sets, &endpoint->mac);
}

void emit_kept_endpoint(struct emit *e, size_t i)
{
	if (emit_has_audited_ports(e))
		keep_endpoint(e, &kept_from_audited, i);
	if (e->ignore)
		keep_endpoint(e, &kept_from_left, i);
}

/* What a container would take for its gateway. */
static void keep_host(struct emit *e, size_t kept)
{
	const struct world *world = e->in->world;

	for (size_t i = 0; i < e->n_bridges; i++)
		if (e->bridges[i].seen)
			keep_mac(e, kept, &e->bridges[i].seen->mac);
	for (size_t i = 0; i < world->n_networks; i++)
		for (size_t g = 0; g < world->networks[i].n_gateways; g++)
			if (world_network_is_managed(&world->networks[i]))
				keep_address(e, kept, &world->networks[i].gateways[g]);
}

/* Single addresses that tiers speak for; ranges have sets of their own. */
static void keep_spoken(struct emit *e, const struct kept_apart *kept)
{
	for (size_t i = 0; i < e->n_spoken && !e->err; i++)
		if (e->spoken[i].single && kept->holds(emit_group_of_tier(e, e->spoken[i].tier)))
			keep_address(e, kept->sets, &e->spoken[i].range.first);
}

static void emit_kept(struct emit *e, const struct kept_apart *kept)
{
	static const enum rs_type mac[] = { RS_TYPE_ETHER_ADDR }, four[] = { RS_TYPE_IPV4 },
				  six[] = { RS_TYPE_IPV6 },
				  target[] = { RS_TYPE_ND_HIGH, RS_TYPE_ND_LOW };
	struct rs_set **sets = &e->endpoint_sets[kept->sets];

	sets[KEPT_MAC] = emit_set(e, kept->mac, mac, 1);
	sets[KEPT_ADDR] = emit_set(e, kept->addr[0], four, 1);
	sets[KEPT_ADDR + 1] = emit_set(e, kept->addr[1], six, 1);
	sets[KEPT_TARGET] = emit_set(e, kept->target, target, 2);
	if (e->err)
		return;
	keep_host(e, kept->sets);
	keep_spoken(e, kept);
}

void emit_loose_sets(struct emit *e)
{
	static const enum rs_type type[] = { RS_TYPE_IFNAME };

	if (emit_has_audited_ports(e)) {
		(void)emit_port_set(e, PORT_SET_AUDITED, SET_AUDITED_PORTS, type, 1);
		emit_kept(e, &kept_from_audited);
	}
	if (e->ignore) {
		(void)emit_port_set(e, PORT_SET_LEFT, SET_LEFT_PORTS, type, 1);
		emit_kept(e, &kept_from_left);
	}
}

/* ---- guards ---- */

#define CHAIN_AUDITED_PORT "audited_port"
#define CHAIN_LEFT_PORT "left_alone_port"

void emit_loose_ports(struct emit *e, struct rs_chain *chain)
{
	if (emit_has_audited_ports(e))
		EMIT(e, chain, RS_GOTO, CHAIN_AUDITED_PORT,
		     match_in(RS_META_IIFNAME, SET_AUDITED_PORTS));
	if (e->ignore)
		EMIT(e, chain, RS_GOTO, CHAIN_LEFT_PORT, match_in(RS_META_IIFNAME, SET_LEFT_PORTS));
}

static void emit_borrowing(struct emit *e, struct rs_chain *chain, const struct kept_apart *kept)
{
	const char *spoofed = emit_end(e, REASON_SPOOFED);

	EMIT(e, chain, RS_GOTO, spoofed, match_in(RS_ETHER_SADDR, kept->mac));
	EMIT(e, chain, RS_GOTO, spoofed, ether_type(ETHERTYPE_IP),
	     match_in(RS_IP_SADDR, kept->addr[0]));
	EMIT(e, chain, RS_GOTO, spoofed, ether_type(ETHERTYPE_IP6),
	     match_in(RS_IP6_SADDR, kept->addr[1]));
	EMIT(e, chain, RS_GOTO, spoofed, ether_type(ETHERTYPE_ARP),
	     match_in(RS_ARP_SADDR_IP, kept->addr[0]));
	EMIT(e, chain, RS_GOTO, spoofed, ether_type(ETHERTYPE_ARP),
	     match_in(RS_ARP_SADDR_ETHER, kept->mac));
	EMIT(e, chain, RS_GOTO, spoofed, ether_type(ETHERTYPE_IP6), is_icmpv6(),
	     match_number(RS_ICMPV6_TYPE, ND_ADVERT),
	     match_in2(RS_ICMPV6_TADDR_HIGH, RS_ICMPV6_TADDR_LOW, kept->target));
	for (size_t g = 0; g < e->n_groups && !e->err; g++) {
		const struct group *group = &e->groups[g];
		if (!group->speaks || !kept->holds(group))
			continue;
		EMIT(e, chain, RS_GOTO, spoofed, ether_type(ETHERTYPE_IP),
		     match_in(RS_IP_SADDR, group->spoken[0]));
		EMIT(e, chain, RS_GOTO, spoofed, ether_type(ETHERTYPE_IP6),
		     match_in(RS_IP6_SADDR, group->spoken[1]));
	}
}

static void emit_audited_port(struct emit *e)
{
	static const uint32_t known[] = { ETHERTYPE_IP, ETHERTYPE_IP6, ETHERTYPE_ARP };
	struct rs_match own_mac = match_in2(RS_META_IIFNAME, RS_ETHER_SADDR, SET_PORT_MAC);
	struct rs_chain *chain =
		emit_chain(e, CHAIN_AUDITED_PORT, "of an audited tier, among enforced ones");

	if (e->err)
		return;
	emit_borrowing(e, chain, &kept_from_audited);
	emit_marked(e, chain, NULL, 0, RS_CONTINUE);
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		EMIT(e, chain, RS_GOTO, emit_audited_end(e, REASON_FOREIGN_SOURCE),
		     ether_type(known[i]), own_mac);
	EMIT(e, chain, RS_GOTO, emit_audited_end(e, REASON_FRAME), own_mac);
	emit_always(e, chain, RS_GOTO, emit_audited_end(e, REASON_FOREIGN_MAC));
}

static void emit_left_port(struct emit *e)
{
	struct rs_chain *chain = emit_chain(e, CHAIN_LEFT_PORT, "in no tier, and left alone");

	if (e->err)
		return;
	emit_borrowing(e, chain, &kept_from_left);
	emit_marked(e, chain, NULL, 0, RS_ACCEPT);
}

void emit_loose_guards(struct emit *e)
{
	if (emit_has_audited_ports(e))
		emit_audited_port(e);
	if (e->ignore)
		emit_left_port(e);
}
