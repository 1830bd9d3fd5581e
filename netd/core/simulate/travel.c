/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The way of a flow through the host, hook by hook, as measured on Docker: which hooks a packet
 * passes, with which interfaces and addresses. One table row per hook; a container that stands on
 * an interface of the host passes that one's hooks besides, first or last. */
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "core/simulate/way.h"

/* Stands for any interface that is not a managed bridge. */
#define OUTSIDE_IFNAME "outside"

enum { ETHERTYPE_IP = 0x0800, ETHERTYPE_IP6 = 0x86dd };

enum where { NOWHERE, SOURCE_PORT, SOURCE_BRIDGE, DEST_PORT, DEST_BRIDGE, OUTSIDE };

struct leg {
	enum rs_family family;
	enum rs_hook hook;
	enum where in, out;
};

#define MAX_LEGS 5

static const struct {
	const char *name;
	size_t n;
	struct leg legs[MAX_LEGS];
} paths[] = {
	[SIM_PATH_BRIDGED] = { "bridged",
			       5,
			       { { RS_BRIDGE, RS_HOOK_PREROUTING, SOURCE_PORT, NOWHERE },
				 { RS_INET, RS_HOOK_PREROUTING, SOURCE_BRIDGE, NOWHERE },
				 { RS_INET, RS_HOOK_FORWARD, SOURCE_BRIDGE, DEST_BRIDGE },
				 { RS_BRIDGE, RS_HOOK_FORWARD, SOURCE_PORT, DEST_PORT },
				 { RS_BRIDGE, RS_HOOK_POSTROUTING, NOWHERE, DEST_PORT } } },
	[SIM_PATH_ROUTED] = { "routed",
			      4,
			      { { RS_BRIDGE, RS_HOOK_PREROUTING, SOURCE_PORT, NOWHERE },
				{ RS_INET, RS_HOOK_PREROUTING, SOURCE_BRIDGE, NOWHERE },
				{ RS_INET, RS_HOOK_FORWARD, SOURCE_BRIDGE, DEST_BRIDGE },
				{ RS_BRIDGE, RS_HOOK_POSTROUTING, NOWHERE, DEST_PORT } } },
	[SIM_PATH_PUBLISHED] = { "published port",
				 3,
				 { { RS_INET, RS_HOOK_PREROUTING, OUTSIDE, NOWHERE },
				   { RS_INET, RS_HOOK_FORWARD, OUTSIDE, DEST_BRIDGE },
				   { RS_BRIDGE, RS_HOOK_POSTROUTING, NOWHERE, DEST_PORT } } },
	[SIM_PATH_PROXY] = { "published port through docker-proxy",
			     3,
			     { { RS_INET, RS_HOOK_PREROUTING, OUTSIDE, NOWHERE },
			       { RS_INET, RS_HOOK_INPUT, OUTSIDE, NOWHERE },
			       { RS_BRIDGE, RS_HOOK_POSTROUTING, NOWHERE, DEST_PORT } } },
	[SIM_PATH_DIRECT] = { "direct route",
			      3,
			      { { RS_INET, RS_HOOK_PREROUTING, OUTSIDE, NOWHERE },
				{ RS_INET, RS_HOOK_FORWARD, OUTSIDE, DEST_BRIDGE },
				{ RS_BRIDGE, RS_HOOK_POSTROUTING, NOWHERE, DEST_PORT } } },
	[SIM_PATH_EGRESS] = { "egress",
			      3,
			      { { RS_BRIDGE, RS_HOOK_PREROUTING, SOURCE_PORT, NOWHERE },
				{ RS_INET, RS_HOOK_PREROUTING, SOURCE_BRIDGE, NOWHERE },
				{ RS_INET, RS_HOOK_FORWARD, SOURCE_BRIDGE, OUTSIDE } } },
	[SIM_PATH_TO_HOST] = { "to this host",
			       3,
			       { { RS_BRIDGE, RS_HOOK_PREROUTING, SOURCE_PORT, NOWHERE },
				 { RS_INET, RS_HOOK_PREROUTING, SOURCE_BRIDGE, NOWHERE },
				 { RS_INET, RS_HOOK_INPUT, SOURCE_BRIDGE, NOWHERE } } },
	[SIM_PATH_FROM_HOST] = { "from this host",
				 2,
				 { { RS_INET, RS_HOOK_OUTPUT, NOWHERE, DEST_BRIDGE },
				   { RS_BRIDGE, RS_HOOK_POSTROUTING, NOWHERE, DEST_PORT } } },
	/* Only the hooks of a parent. */
	[SIM_PATH_PARENT] = { "past the interface that it stands on", 0, { { 0 } } },
	[SIM_PATH_NOT_OURS] = { "not through netd", 0, { { 0 } } },
};

const char *sim_path_name(enum sim_path path)
{
	return paths[path].name;
}

/* ---- the packet at a hook ---- */

static const char *ifname_at(const struct way *way, enum where where)
{
	switch (where) {
	case NOWHERE:
		return "";
	case SOURCE_PORT:
		return way->from.port;
	case SOURCE_BRIDGE:
		return way->from.network->bridge;
	case DEST_PORT:
		return way->to.port;
	case DEST_BRIDGE:
		return way->to.network->bridge;
	case OUTSIDE:
		break;
	}
	return OUTSIDE_IFNAME;
}

static void set_ifname(struct sim_packet *packet, enum rs_field field, const char *name)
{
	char padded[WORLD_IFNAME_LEN] = { 0 };

	memcpy(padded, name, strnlen(name, sizeof(padded) - 1));
	sim_packet_set(packet, field, padded);
}

/* The interface that a hook is told of; of what kind it is shows where it is a bridge. */
static void set_interface(const struct way *way, struct sim_packet *packet, enum where where,
			  bool in)
{
	enum rs_field kind = in ? RS_META_IIFKIND : RS_META_OIFKIND;

	set_ifname(packet, in ? RS_META_IIFNAME : RS_META_OIFNAME, ifname_at(way, where));
	packet->present[kind] = false;
	if (where == SOURCE_BRIDGE || where == DEST_BRIDGE)
		set_ifname(packet, kind, "bridge");
}

static void set_number(struct sim_packet *packet, enum rs_field field, uint32_t value)
{
	sim_packet_set(packet, field, &value);
}

/* The bridge's own MAC, or the router's behind it: nobody's that a rule knows. */
static const struct mac_addr bridge_mac = { { 0x02 } };

/* What stays the same on the whole way, as the first packet of the connection shows it. */
static struct sim_packet make_packet(const struct way *way)
{
	/* IPS_DST_NAT; an ICMPv6 echo request. */
	enum { DNAT = 1 << 5, ECHO_REQUEST = 128 };
	bool v6 = way->flow->family == IP_V6, dnat = way->path == SIM_PATH_PUBLISHED;
	bool through_host = way->path == SIM_PATH_PROXY || way->path == SIM_PATH_TO_HOST;
	uint8_t proto = proto_number(way->flow->proto), original = 0, hops = 64,
		echo = ECHO_REQUEST, to_host = 0;
	uint16_t type = htons(v6 ? ETHERTYPE_IP6 : ETHERTYPE_IP), port = htons(way->flow->port);
	uint16_t sent_port =
		way->published && (dnat || through_host) ? htons(way->published->host_port) : port;
	const uint8_t *destination =
		through_host || dnat ? way->host_addr.bytes : way->to.addr.bytes;
	const uint8_t *true_destination = through_host ? destination : way->to.addr.bytes;
	struct sim_packet packet = { 0 };

	sim_packet_set(&packet, v6 ? RS_IP6_SADDR : RS_IP_SADDR, way->from.addr.bytes);
	sim_packet_set(&packet, v6 ? RS_CT_ORIGINAL_IP6_SADDR : RS_CT_ORIGINAL_IP_SADDR,
		       way->from.addr.bytes);
	sim_packet_set(&packet, v6 ? RS_IP6_DADDR : RS_IP_DADDR, destination);
	sim_packet_set(&packet, v6 ? RS_CT_ORIGINAL_IP6_DADDR : RS_CT_ORIGINAL_IP_DADDR,
		       destination);
	sim_packet_set(&packet, v6 ? RS_CT_REPLY_IP6_SADDR : RS_CT_REPLY_IP_SADDR,
		       true_destination);
	sim_packet_set(&packet, RS_ETHER_TYPE, &type);
	sim_packet_set(&packet, RS_META_PKTTYPE, &to_host);
	sim_packet_set(&packet, RS_META_L4PROTO, &proto);
	sim_packet_set(&packet, RS_CT_DIRECTION, &original);
	set_number(&packet, RS_META_MARK, 0);
	set_number(&packet, RS_CT_SECMARK, 0);
	set_number(&packet, RS_CT_STATUS, dnat ? DNAT : 0);
	if (proto_has_ports(way->flow->proto)) {
		sim_packet_set(&packet, RS_CT_ORIGINAL_PROTO_DST, &sent_port);
		sim_packet_set(&packet, RS_TH_DPORT, &sent_port);
		sim_packet_set(&packet, RS_CT_REPLY_PROTO_SRC, &port);
	}
	if (v6)
		sim_packet_set(&packet, RS_IP6_HOPLIMIT, &hops);
	if (way->flow->proto == PROTO_ICMPV6)
		sim_packet_set(&packet, RS_ICMPV6_TYPE, &echo);
	if (way->from.endpoint)
		sim_packet_set(&packet, RS_ETHER_SADDR, way->from.endpoint->mac.bytes);
	sim_packet_set(&packet, RS_ETHER_DADDR,
		       way->to.endpoint ? way->to.endpoint->mac.bytes : bridge_mac.bytes);
	return packet;
}

/* At the container's port the packet has the container's own address: DNAT is done, and
 * docker-proxy asks in a connection of its own, over IPv4 where the container has that. */
static void arrive(const struct way *way, struct sim_packet *packet)
{
	const struct world_endpoint *to = way->to.endpoint;
	bool asked = way->path == SIM_PATH_PROXY && to && to->ipv4.family != IP_NONE;
	const struct ip_addr *addr = asked ? &to->ipv4 : &way->to.addr;
	uint16_t type = htons(addr->family == IP_V6 ? ETHERTYPE_IP6 : ETHERTYPE_IP);

	sim_packet_set(packet, RS_ETHER_TYPE, &type);
	sim_packet_set(packet, addr->family == IP_V6 ? RS_IP6_DADDR : RS_IP_DADDR, addr->bytes);
}

/* The packet that begins the flow, at the interface that one of its ends stands on: after what this
 * host does with what it routes. */
static struct sim_packet make_parent_packet(const struct way *way, bool to)
{
	enum { SYN = 2, ECHO_REQUEST = 8 };
	bool v6 = way->flow->family == IP_V6;
	uint16_t type = htons(v6 ? ETHERTYPE_IP6 : ETHERTYPE_IP), any_port = htons(49152);
	uint8_t syn = SYN, echo = ECHO_REQUEST, whole[2] = { 0 };
	struct sim_packet packet = make_packet(way);
	const struct world_endpoint *end = to ? way->to.standing : way->from.standing;
	const struct world_endpoint *other = to ? way->from.standing : way->to.standing;

	if (to) {
		const struct ip_addr from = place_outside_address(way);
		uint16_t port = htons(way->flow->port);
		sim_packet_set(&packet, v6 ? RS_IP6_SADDR : RS_IP_SADDR, from.bytes);
		sim_packet_set(&packet, v6 ? RS_IP6_DADDR : RS_IP_DADDR, way->to.addr.bytes);
		if (proto_has_ports(way->flow->proto))
			sim_packet_set(&packet, RS_TH_DPORT, &port);
	}
	sim_packet_set(&packet, RS_META_PROTOCOL, &type);
	sim_packet_set(&packet, to ? RS_LINK_DADDR : RS_LINK_SADDR, end->mac.bytes);
	if (way->flow->proto == PROTO_TCP)
		sim_packet_set(&packet, RS_TCP_FLAGS, &syn);
	if (way->flow->proto == PROTO_ICMP)
		sim_packet_set(&packet, RS_ICMP_TYPE, &echo);
	sim_packet_set(&packet, to ? RS_LINK_SADDR : RS_LINK_DADDR,
		       place_between_siblings(way) ? other->mac.bytes : bridge_mac.bytes);
	if (proto_has_ports(way->flow->proto))
		sim_packet_set(&packet, RS_TH_SPORT, &any_port);
	if (!v6)
		sim_packet_set(&packet, RS_IP_FRAGMENT, whole);
	return packet;
}

static int pass_hook(const struct way *way, struct sim_hook hook, struct sim_packet *packet,
		     struct arena *arena, struct sim_result *result)
{
	result->hooks[result->n_hooks++] = hook;
	return sim_run_hook(way->host->compiled->ruleset, hook.family, hook.hook, packet, arena,
			    &result->trace, &result->allowed);
}

static int pass_parent(const struct way *way, bool to, struct arena *arena,
		       struct sim_result *result)
{
	struct sim_packet packet = make_parent_packet(way, to);
	struct sim_hook hook = { RS_NETDEV, to ? RS_HOOK_INGRESS : RS_HOOK_EGRESS };

	return pass_hook(way, hook, &packet, arena, result);
}

/* In mode bridge the kernel hands a frame for a sibling to the interface as if it had come in: it
 * does not pass the hook of what leaves. */
static bool hands_over(const struct way *way)
{
	const struct world_network *network =
		&way->host->world->networks[way->from.standing->network];

	return place_between_siblings(way) && network->siblings == WORLD_SIBLINGS_TOGETHER;
}

int sim_travel(const struct way *way, struct arena *arena, struct sim_result *result)
{
	static_assert(MAX_LEGS + 2 <= SIM_MAX_HOOKS, "and those of two parents");
	struct sim_packet packet = make_packet(way);
	int r = 0;

	result->allowed = true;
	if (way->from.standing && !hands_over(way))
		r = pass_parent(way, false, arena, result);
	for (size_t i = 0; r == 0 && i < paths[way->path].n && result->allowed; i++) {
		const struct leg *leg = &paths[way->path].legs[i];
		set_interface(way, &packet, leg->in, true);
		set_interface(way, &packet, leg->out, false);
		if (leg->family == RS_BRIDGE && leg->hook == RS_HOOK_POSTROUTING)
			arrive(way, &packet);
		r = pass_hook(way, (struct sim_hook){ leg->family, leg->hook }, &packet, arena,
			      result);
	}
	if (r == 0 && way->to.standing && result->allowed)
		r = pass_parent(way, true, arena, result);
	return r;
}
