/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ports that Docker publishes by routing (gateway_mode routed): at the container's own address,
 * without DNAT. They are in two sets, by address, protocol and port; what is in none of them stays
 * closed to a direct route. */
#include <arpa/inet.h>

#include "core/compile/emit.h"

static const enum rs_type types[2][3] = {
	{ RS_TYPE_IPV4, RS_TYPE_INET_PROTO, RS_TYPE_INET_SERVICE },
	{ RS_TYPE_IPV6, RS_TYPE_INET_PROTO, RS_TYPE_INET_SERVICE },
};

static void add(struct emit *e, struct rs_set *set, const struct ip_addr *addr,
		const struct port_range *port)
{
	uint8_t proto = proto_number((enum ip_proto)port->proto);
	uint16_t number = htons(port->lo);
	struct rs_key key = { 0 };

	rs_key_add(&key, types[addr->family == IP_V6][0], addr->bytes, true);
	rs_key_add(&key, RS_TYPE_INET_PROTO, &proto, true);
	rs_key_add(&key, RS_TYPE_INET_SERVICE, &number, true);
	emit_elem(e, set, &key);
}

static void add_endpoint(struct emit *e, uint32_t i, struct rs_set *sets[2])
{
	const struct world *world = e->in->world;
	const struct world_endpoint *endpoint = &world->endpoints[i];
	const struct world_container *container = &world->containers[endpoint->container];

	for (size_t p = 0; p < container->n_published && !e->err; p++) {
		const struct world_published *published = &container->published[p];
		bool v6 = published->host_ip.family == IP_V6;
		if (!world_opens_directly(world, i, published))
			continue;
		if (!e->direct[v6])
			sets[v6] = emit_set(e, v6 ? SET_DIRECT6 : SET_DIRECT4, types[v6], 3);
		e->direct[v6] = true;
		add(e, sets[v6], v6 ? &endpoint->ipv6 : &endpoint->ipv4, &published->port);
	}
}

void emit_direct_ports(struct emit *e)
{
	struct rs_set *sets[2] = { NULL, NULL };

	for (uint32_t i = 0; i < e->in->world->n_endpoints && !e->err; i++)
		if (emit_group_of(e, i))
			add_endpoint(e, i, sets);
}

/* ct direction original ip daddr . meta l4proto . th dport @direct_port4 goto outside.X, and the
 * source of what comes back. (Packet fields, as nft cannot put `ct reply proto-src` into a key;
 * there is no translation here, so they are those of the connection.) */
void emit_to_direct_port(struct emit *e, struct rs_chain *chain, const char *target)
{
	static const enum rs_field ends[2][2][2] = {
		{ { RS_IP_DADDR, RS_TH_DPORT }, { RS_IP_SADDR, RS_TH_SPORT } },
		{ { RS_IP6_DADDR, RS_TH_DPORT }, { RS_IP6_SADDR, RS_TH_SPORT } },
	};

	for (size_t v6 = 0; v6 < 2; v6++)
		for (uint32_t back = 0; back < 2 && e->direct[v6]; back++)
			EMIT(e, chain, RS_GOTO, target, match_number(RS_CT_DIRECTION, back),
			     match_in3(ends[v6][back][0], RS_META_L4PROTO, ends[v6][back][1],
				       v6 ? SET_DIRECT6 : SET_DIRECT4));
}
