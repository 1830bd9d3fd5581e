/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sets and maps of table inet netd: who is in which tier, which bridges are managed, what the
 * zones are. A new endpoint is a few elements here and nothing else. */
#include <errno.h>
#include <string.h>

#include "core/base/sort.h"
#include "core/base/text.h"
#include "core/compile/elements.h"
#include "core/policy/zone.h"

static const enum rs_type ifname_type[] = { RS_TYPE_IFNAME, RS_TYPE_IFNAME };
static const enum rs_type address_types[2][1] = { { RS_TYPE_IPV4 }, { RS_TYPE_IPV6 } };
static const enum rs_type pair_types[2][2] = { { RS_TYPE_IPV4, RS_TYPE_IPV4 },
					       { RS_TYPE_IPV6, RS_TYPE_IPV6 } };

static void emit_bridges(struct emit *e)
{
	struct rs_set *bridges = emit_set(e, SET_BRIDGES, ifname_type, 1);
	struct rs_set *same = emit_set(e, SET_SAME_BRIDGE, ifname_type, 2);
	struct rs_set *shared = e->any_shared ? emit_set(e, SET_SHARED, ifname_type, 1) : NULL;

	for (size_t i = 0; i < e->n_bridges && !e->err; i++) {
		const struct judged_bridge *bridge = &e->bridges[i];
		struct rs_key name = key_ifname(bridge->name), pair = { 0 };
		rs_key_add(&pair, RS_TYPE_IFNAME, name.bytes, true);
		rs_key_add(&pair, RS_TYPE_IFNAME, name.bytes, true);
		emit_elem(e, bridge->shared ? shared : bridges, &name);
		if (bridge->managed)
			emit_elem(e, same, &pair);
	}
}

/* ---- bridges that no fact names ---- */

/* "br-" and two of its twelve digits: an admin's bridge rarely begins so. */
#define ENGINE_DIGITS "0123456789abcdef"

void emit_pattern(struct emit *e, struct rs_set *set, const char *prefix)
{
	struct rs_elem elem = { .key = key_ifname(prefix), .last = key_ifname(prefix) };
	size_t len = strlen(prefix);

	memset(elem.last.bytes + len, 0xff, elem.last.len - len);
	if (!e->err && ruleset_add_elem(e->rs, set, &elem) < 0)
		e->err = -ENOMEM;
}

static bool looks_like_engines(const char *name)
{
	return strcmp(name, "docker0") == 0 || strcmp(name, "docker_gwbridge") == 0 ||
	       text_begins(name, "podman") ||
	       (text_begins(name, "br-") && strspn(name + 3, ENGINE_DIGITS) >= 2);
}

/* What engines call their bridges is closed by these sets alone, so it is while netd does not run
 * or has not seen the bridge yet. What else is called so is named by @SET_FOREIGN. */
static void emit_engine_names(struct emit *e)
{
	const struct world *world = e->in->world;
	struct rs_set *names = emit_set(e, SET_ENGINE_NAMES, ifname_type, 1);
	struct rs_set *foreign = emit_set(e, SET_FOREIGN, ifname_type, 1);
	char prefix[] = "br-00";

	if (e->err)
		return;
	names->interval = true;
	for (const char *a = ENGINE_DIGITS; *a; a++)
		for (const char *b = ENGINE_DIGITS; *b; b++) {
			prefix[3] = *a;
			prefix[4] = *b;
			emit_pattern(e, names, prefix);
		}
	emit_pattern(e, names, "podman");
	struct rs_key docker0 = key_ifname("docker0"), gateway = key_ifname("docker_gwbridge");
	emit_elem(e, names, &docker0);
	emit_elem(e, names, &gateway);
	for (size_t i = 0; i < world->n_bridges && !e->err; i++) {
		const struct world_bridge *bridge = &world->bridges[i];
		struct rs_key name = key_ifname(bridge->name);
		bool judged = bridge->kind != WORLD_BRIDGE_FOREIGN && !bridge->shared;
		if (!judged && looks_like_engines(bridge->name))
			emit_elem(e, foreign, &name);
	}
}

/* ---- containers on bridges that others share ---- */

static void emit_shared_containers(struct emit *e)
{
	const struct world *world = e->in->world;
	struct rs_set *sets[2] = { NULL, NULL };

	if (!e->any_shared)
		return;
	sets[0] = emit_set(e, SET_SHARED4, address_types[0], 1);
	sets[1] = emit_set(e, SET_SHARED6, address_types[1], 1);
	for (size_t i = 0; i < world->n_endpoints && !e->err; i++) {
		const struct world_endpoint *endpoint = &world->endpoints[i];
		const struct judged_bridge *bridge =
			emit_find_bridge(e, world->networks[endpoint->network].bridge);
		struct ip_addr local = ip_link_local(&endpoint->mac);
		struct rs_key four = key_addr(&endpoint->ipv4), six = key_addr(&endpoint->ipv6),
			      link = key_addr(&local);
		const struct group *group = emit_group_of(e, i);
		if (!bridge || !bridge->shared || (group && group->unjudged))
			continue;
		if (endpoint->ipv4.family)
			emit_elem(e, sets[0], &four);
		if (endpoint->ipv6.family)
			emit_elem(e, sets[1], &six);
		if (!mac_is_zero(&endpoint->mac))
			emit_elem(e, sets[1], &link);
	}
}

static void emit_zone(struct emit *e, const char *name, enum peer_kind zone, enum ip_family family)
{
	struct rs_set *set = emit_set(e, name, address_types[family == IP_V6], 1);
	size_t n;
	const struct ip_range *ranges = policy_zone_ranges(zone, family, &n);

	if (!set)
		return;
	set->interval = true;
	for (size_t i = 0; i < n && !e->err; i++) {
		struct rs_elem elem = { .key = key_addr(&ranges[i].first),
					.last = key_addr(&ranges[i].last) };
		if (ruleset_add_elem(e->rs, set, &elem) < 0)
			e->err = -ENOMEM;
	}
}

void emit_zones(struct emit *e)
{
	const struct world *world = e->in->world;
	struct rs_set *dns[2];

	emit_zone(e, SET_INTERNET4, PEER_INTERNET, IP_V4);
	emit_zone(e, SET_INTERNET6, PEER_INTERNET, IP_V6);
	emit_zone(e, SET_LAN4, PEER_LAN, IP_V4);
	emit_zone(e, SET_LAN6, PEER_LAN, IP_V6);
	dns[0] = emit_set(e, SET_DNS4, address_types[0], 1);
	dns[1] = emit_set(e, SET_DNS6, address_types[1], 1);
	for (size_t i = 0; i < world->n_resolvers && !e->err; i++) {
		struct rs_key key = key_addr(&world->resolvers[i]);
		emit_elem(e, dns[world->resolvers[i].family == IP_V6], &key);
	}
}

/* Where podman's aardvark-dns answers. */
static void emit_engine_dns(struct emit *e)
{
	const struct world *world = e->in->world;
	struct rs_set *sets[2];

	if (!e->any_dns)
		return;
	sets[0] = emit_set(e, SET_ENGINE_DNS4, address_types[0], 1);
	sets[1] = emit_set(e, SET_ENGINE_DNS6, address_types[1], 1);
	for (size_t i = 0; i < world->n_networks; i++)
		for (size_t g = 0; world->networks[i].dns && g < world->networks[i].n_gateways;
		     g++) {
			const struct ip_addr *gateway = &world->networks[i].gateways[g];
			struct rs_key key = key_addr(gateway);
			if (!e->err && world_network_is_managed(&world->networks[i]))
				emit_elem(e, sets[gateway->family == IP_V6], &key);
		}
}

static void create_endpoint_sets(struct emit *e)
{
	static const struct {
		enum endpoint_set set;
		bool map;
		const char *names[2];
	} sets[] = {
		{ ENDPOINT_ANY, false, { SET_ANY4, SET_ANY6 } },
		{ ENDPOINT_TO, true, { MAP_TO4, MAP_TO6 } },
		{ ENDPOINT_FROM, true, { MAP_FROM4, MAP_FROM6 } },
		{ ENDPOINT_OWN, true, { MAP_OWN4, MAP_OWN6 } },
		{ ENDPOINT_REACHED, false, { SET_REACHED4, SET_REACHED6 } },
		{ ENDPOINT_CLOSED, true, { MAP_CLOSED4, MAP_CLOSED6 } },
		{ ENDPOINT_AUDITED, false, { SET_AUDITED4, SET_AUDITED6 } },
	};

	for (size_t family = 0; family < 2; family++) {
		for (size_t i = 0; i < ARRAY_LEN(sets) && !e->err; i++) {
			bool pair = sets[i].set == ENDPOINT_OWN;
			if (sets[i].set == ENDPOINT_AUDITED && !emit_has_audited_ports(e))
				continue;
			struct rs_set *set = emit_set(e, sets[i].names[family], pair_types[family],
						      pair ? 2 : 1);
			if (set)
				set->map = sets[i].map;
			e->endpoint_sets[sets[i].set + family] = set;
		}
		for (size_t g = 0; g < e->n_groups && !e->err; g++)
			e->endpoint_sets[emit_members_set(e, &e->groups[g], family)] =
				emit_set(e, e->groups[g].members[family], pair_types[family], 1);
	}
}

/* Link-local addresses are made of the MAC and need not be unique on the host (--mac-address): one
 * that two endpoints share belongs to nobody here. */
struct local_addr {
	struct ip_addr addr;
	const struct group *group;
};

static bool is_same_local(const struct local_addr *a, const struct local_addr *b)
{
	return ip_compare(&a->addr, &b->addr) == 0;
}

static void add_link_locals(struct emit *e)
{
	const struct world *world = e->in->world;
	struct local_addr *locals = arena_alloc(e->arena, world->n_endpoints * sizeof(*locals));
	size_t n = 0;

	if (!locals) {
		e->err = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < world->n_endpoints; i++)
		if (emit_has_link_local(e, i))
			locals[n++] = (struct local_addr){ ip_link_local(&world->endpoints[i].mac),
							   emit_group_of(e, i) };
	sort_by_bytes(locals, n, sizeof(*locals), sizeof(locals->addr));
	for (size_t i = 0; i < n && !e->err; i++)
		if ((i == 0 || !is_same_local(&locals[i - 1], &locals[i])) &&
		    (i + 1 == n || !is_same_local(&locals[i], &locals[i + 1])))
			emit_member(e, locals[i].group, &locals[i].addr);
}

/* Broadcasts of this host on managed networks. */
static void add_broadcasts(struct emit *e, struct rs_set *reached)
{
	static const uint8_t limited[4] = { 255, 255, 255, 255 };
	const struct world *world = e->in->world;
	struct rs_key key = { 0 };

	rs_key_add(&key, RS_TYPE_IPV4, limited, false);
	emit_elem(e, reached, &key);
	for (size_t i = 0; i < world->n_networks; i++)
		for (size_t j = 0; j < world->networks[i].n_subnets; j++) {
			struct ip_range subnet = ip_prefix_range(&world->networks[i].subnets[j]);
			struct rs_key last = key_addr(&subnet.last);
			if (world_network_is_managed(&world->networks[i]) &&
			    subnet.last.family == IP_V4)
				emit_elem(e, reached, &last);
		}
}

/* A noisy container uses up its own share of the log. What comes from elsewhere has any address it
 * likes, and shares one. */
void emit_meter(struct emit *e, const char *name, enum rs_type type)
{
	struct rs_set *meter = emit_set(e, name, &type, 1);

	if (meter)
		meter->meter = true;
}

/* RFC 3810, RFC 4861. */
void emit_noise_set(struct emit *e)
{
	enum { MLD_REPORT = 131, MLD_DONE = 132, ROUTER_SOLICIT = 133, MLD2_REPORT = 143 };
	static const enum rs_type type[] = { RS_TYPE_ICMPV6_TYPE };
	static const uint8_t noise[] = { MLD_REPORT, MLD_DONE, ROUTER_SOLICIT, MLD2_REPORT };
	struct rs_set *set = emit_set(e, SET_NOISE, type, 1);

	for (size_t i = 0; i < ARRAY_LEN(noise) && !e->err; i++) {
		struct rs_key key = { 0 };
		rs_key_add(&key, RS_TYPE_ICMPV6_TYPE, &noise[i], false);
		emit_elem(e, set, &key);
	}
}

/* Single addresses that tiers speak for. */
static void add_spoken(struct emit *e)
{
	for (size_t i = 0; i < e->n_spoken && !e->err; i++) {
		const struct ip_addr *addr = &e->spoken[i].range.first;
		struct rs_key key = key_addr(addr);
		if (!e->spoken[i].single)
			continue;
		emit_member(e, emit_group_of_tier(e, e->spoken[i].tier), addr);
		emit_elem(e, e->endpoint_sets[ENDPOINT_REACHED + (addr->family == IP_V6)], &key);
	}
}

void emit_inet_sets(struct emit *e)
{
	emit_bridges(e);
	emit_engine_names(e);
	emit_shared_containers(e);
	if (e->in->log_group) {
		emit_meter(e, METER_LOGGED4, RS_TYPE_IPV4);
		emit_meter(e, METER_LOGGED6, RS_TYPE_IPV6);
	}
	emit_noise_set(e);
	(void)emit_port_set(e, PORT_SET_INET, SET_PORTS, ifname_type, 1);
	emit_zones(e);
	emit_hosts(e);
	emit_engine_dns(e);
	emit_direct_ports(e);
	create_endpoint_sets(e);
	if (!e->err)
		add_broadcasts(e, e->endpoint_sets[ENDPOINT_REACHED]);
	for (size_t i = 0; i < e->n_addrs && !e->err; i++)
		emit_address(e, &e->addrs[i]);
	if (!e->err)
		add_link_locals(e);
	add_spoken(e);
	emit_spoken_sets(e);
}
