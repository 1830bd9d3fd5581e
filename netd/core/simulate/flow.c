/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The way of a flow through the host, hook by hook, as measured on Docker: which hooks a packet
 * passes, with which interfaces and addresses. One table row per hook. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "core/policy/zone.h"
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
	[SIM_PATH_NOT_OURS] = { "not through netd", 0, { { 0 } } },
};

const char *sim_path_name(enum sim_path path)
{
	return paths[path].name;
}

/* Where an address of this host is asked about, this host is meant. */
static struct sim_end settle(const struct sim_host *host, const struct sim_end *end)
{
	if (end->kind != SIM_ADDRESS || !world_is_host_address(host->world, &end->addr))
		return *end;
	return (struct sim_end){ .kind = SIM_HOST, .addr = end->addr };
}

/* Who speaks to this host from outside, at a port that a container publishes, speaks to that. (A
 * container does so through docker-proxy: what the chains say of the host's port is true of it.) */
static void lead_to_container(const struct way *way, struct sim_flow *flow)
{
	uint32_t publisher;
	const struct world_published *published =
		flow->to.kind == SIM_HOST && flow->from.kind == SIM_ADDRESS && !way->from.network
			? docker_published_on_host(way, &publisher)
			: NULL;

	if (!published)
		return;
	flow->to = (struct sim_end){ .kind = SIM_ENDPOINT, .endpoint = publisher };
	flow->port = published->port.lo;
}

static enum sim_path path_into_container(const struct way *way)
{
	if (way->flow->from.kind == SIM_HOST)
		return SIM_PATH_FROM_HOST;
	if (way->from.network)
		return way->from.network == way->to.network ? SIM_PATH_BRIDGED : SIM_PATH_ROUTED;
	if (way->host->symbolic && way->to.speaker == UINT32_MAX)
		return SIM_PATH_PUBLISHED;
	if (!way->published || ip_is_loopback(&way->published->host_ip))
		return SIM_PATH_DIRECT;
	return way->publishing == WORLD_PUBLISHES_DNAT ? SIM_PATH_PUBLISHED : SIM_PATH_PROXY;
}

static enum sim_path choose_path(const struct way *way)
{
	bool spoken = way->from.speaker != UINT32_MAX || way->to.speaker != UINT32_MAX;

	if (spoken && way->from.endpoint && way->from.endpoint == way->to.endpoint)
		return SIM_PATH_NOT_OURS; /* behind one container */
	if (way->to.network)
		return path_into_container(way);
	if (!way->from.network)
		return SIM_PATH_NOT_OURS;
	return way->flow->to.kind == SIM_HOST ? SIM_PATH_TO_HOST : SIM_PATH_EGRESS;
}

/* An address of this host that the source could use: the one that was asked about or that the port
 * is published on, its gateway, or some other. */
static struct ip_addr host_address(const struct way *way)
{
	static const struct ip_addr other[] = { { IP_V4, { 192, 0, 2, 1 } },
						{ IP_V6, { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 } } };
	const struct world_network *network = way->from.network;

	if (way->flow->to.kind == SIM_HOST && way->to.addr.family == way->flow->family)
		return way->to.addr;
	if (way->published && !ip_is_unspecified(&way->published->host_ip))
		return way->published->host_ip;
	for (size_t i = 0; network && i < network->n_gateways; i++)
		if (network->gateways[i].family == way->flow->family)
			return network->gateways[i];
	return other[way->flow->family == IP_V6];
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

static int travel(const struct way *way, struct arena *arena, struct sim_result *result)
{
	const struct ruleset *rs = way->host->compiled->ruleset;
	struct sim_packet packet = make_packet(way);

	result->allowed = true;
	for (size_t i = 0; i < paths[way->path].n && result->allowed; i++) {
		const struct leg *leg = &paths[way->path].legs[i];
		result->n_hooks = i + 1;
		set_interface(way, &packet, leg->in, true);
		set_interface(way, &packet, leg->out, false);
		if (leg->family == RS_BRIDGE && leg->hook == RS_HOOK_POSTROUTING)
			arrive(way, &packet);
		int r = sim_run_hook(rs, leg->family, leg->hook, &packet, arena, &result->trace,
				     &result->allowed);
		if (r < 0)
			return r;
	}
	return 0;
}

bool sim_path_hook(enum sim_path path, size_t i, enum rs_family *ret_family, enum rs_hook *ret_hook)
{
	if (i >= paths[path].n)
		return false;
	*ret_family = paths[path].legs[i].family;
	*ret_hook = paths[path].legs[i].hook;
	return true;
}

/* ---- the answer ---- */

/* The step that decided: a policy rule if one matched, else the last but one before the end. */
static void find_decision(struct sim_result *result)
{
	const struct sim_step *decided = NULL;

	for (size_t i = 0; i < result->trace.n; i++) {
		const struct sim_step *step = &result->trace.items[i];
		if (step->rule->reason && (step->rule->audited || !result->allowed))
			result->denial = (enum reason)step->rule->reason;
		result->audited |= result->allowed && step->rule->audited;
		/* What one of several tiers allows did not decide where another denies it. */
		if (!result->allowed && strcmp(step->chain->name, COMPILE_PASSED) == 0)
			decided = NULL;
		if (step->rule->log)
			continue;
		if (step->rule->policy_rule || !decided || !decided->rule->policy_rule)
			decided = step;
	}
	if (!decided)
		return;
	result->chain = decided->chain;
	result->rule = decided->rule;
	result->policy_rule = decided->rule->policy_rule;
}

/* An end outside, of which a rule speaks by its zone; NULL: there is none. */
static const struct ip_addr *outside_end(const struct way *way)
{
	if (way->host->symbolic)
		return NULL;
	if (way->flow->from.kind == SIM_ADDRESS && !way->from.network &&
	    way->from.speaker == UINT32_MAX)
		return &way->from.addr;
	return way->flow->to.kind == SIM_ADDRESS && !way->to.network &&
			       way->to.speaker == UINT32_MAX
		       ? &way->to.addr
		       : NULL;
}

/* Over docker-proxy it does not show through which of its networks a container answers, so all of
 * its tiers must let the flow pass. */
static bool is_of_several_tiers(const struct way *way)
{
	const struct world *world = way->host->world;
	const struct assignment *as = way->host->compiled->assignments;
	size_t n;

	if (way->path != SIM_PATH_PROXY || !way->to.endpoint)
		return false;
	uint32_t first = world_endpoints_of(world, way->to.endpoint->container, &n);
	const struct assignment *one = &as[way->to.endpoint - world->endpoints];
	for (uint32_t i = first; i < first + n; i++)
		if (world_may_publish(world, i) &&
		    (as[i].kind != one->kind || as[i].tier != one->tier))
			return true;
	return false;
}

static const char *denial_text(const struct way *way, const struct sim_result *result,
			       struct arena *arena)
{
	const struct ip_addr *outside = outside_end(way);
	char address[IP_TEXT_LEN];

	if (result->denial != REASON_NO_RULE)
		return reason_text(result->denial);
	if (way->path == SIM_PATH_DIRECT && !docker_opens_directly(way))
		return docker_why_direct(way, arena);
	if (is_of_several_tiers(way))
		return "docker-proxy takes this on, and the container is in several tiers: a rule "
		       "must allow it to each of them";
	if (!outside)
		return reason_text(result->denial);
	const char *zone = compile_zone_text(way->host->compiled, outside, arena);
	return !zone ? NULL
		     : arena_printf(arena, "%s (%s is in %s)", reason_text(result->denial),
				    ip_format(outside, address), zone);
}

static const char *netd_reason(const struct way *way, const struct sim_result *result,
			       struct arena *arena)
{
	const struct policy *policy = way->host->policy;

	if (result->policy_rule) {
		const struct policy_rule *rule = &policy->rules[result->policy_rule - 1];
		return arena_printf(arena, "%s by %s:%u",
				    rule->action == POLICY_ALLOW ? "allowed" : "denied",
				    rule->loc.file, rule->loc.line);
	}
	if (result->denial)
		return denial_text(way, result, arena);
	if (way->path == SIM_PATH_FROM_HOST)
		return "this host may always reach containers";
	return way->path == SIM_PATH_BRIDGED ? "same tier on the same network (within: allow)"
					     : "not judged";
}

/* The network of an end that netd enforces nothing on; NULL: it is no such end. */
static const struct world_network *beyond(const struct way *way, const struct sim_end *end)
{
	const struct world *world = way->host->world;

	if (end->kind != SIM_ENDPOINT)
		return NULL;
	const struct world_network *network =
		&world->networks[world->endpoints[end->endpoint].network];
	return world_network_is_beyond(network) ? network : NULL;
}

/* An overlay joins its own containers and has no other way in or out. */
static bool leads_nowhere(const struct way *way)
{
	const struct world_network *to = beyond(way, &way->flow->to),
				   *from = beyond(way, &way->flow->from);
	bool overlay = (to && strcmp(to->driver, "overlay") == 0) ||
		       (from && strcmp(from->driver, "overlay") == 0);

	return overlay && to != from;
}

static const char *beyond_reason(const struct way *way)
{
	const struct world_network *to = beyond(way, &way->flow->to),
				   *from = beyond(way, &way->flow->from);
	const char *remedy;

	if (!to && !from)
		return "neither end is a managed container, so netd does not judge it";
	return world_beyond_why(to ? to : from, &remedy);
}

/* docker-proxy reaches a container over either family, whichever its client speaks. */
static bool has_addresses(const struct way *way)
{
	const struct sim_flow *flow = way->flow;
	bool from = flow->from.kind == SIM_HOST || way->from.addr.family == flow->family;
	bool to = flow->to.kind == SIM_HOST || way->to.addr.family == flow->family ||
		  way->path == SIM_PATH_PROXY;

	return from && to;
}

int sim_flow(const struct sim_host *host, const struct sim_flow *flow, struct arena *arena,
	     struct sim_result *ret)
{
	struct sim_flow settled = *flow;
	struct way way = { .host = host, .flow = &settled };
	struct sim_result result = { .by = SIM_BY_NETD };

	settled.from = settle(host, &flow->from);
	settled.to = settle(host, &flow->to);
	way.from = place_of(host, &settled.from, flow->family);
	lead_to_container(&way, &settled);
	way.to = place_of(host, &settled.to, flow->family);
	place_at_speaker(host, &way.from, &way.to);
	place_at_speaker(host, &way.to, &way.from);
	way.publishing = docker_publishing(&way);
	way.published = docker_published(&way);
	way.path = choose_path(&way);
	way.host_addr = host_address(&way);
	result.path = way.path;
	if (!has_addresses(&way)) {
		result.by = SIM_NO_ADDRESS;
		result.reason = "one end has no address of this family";
	} else if (leads_nowhere(&way)) {
		result.by = SIM_BY_DOCKER;
		result.path = SIM_PATH_NOT_OURS;
		result.reason = "Docker gives an overlay network no way in or out: that is by "
				"docker_gwbridge";
	} else if (way.path == SIM_PATH_NOT_OURS) {
		result.allowed = true;
		result.by = SIM_BY_DEFAULT;
		result.reason = beyond_reason(&way);
	} else {
		int r = travel(&way, arena, &result);
		if (r < 0)
			return r;
		find_decision(&result);
		result.needs_bridge_nf = result.allowed && way.path == SIM_PATH_BRIDGED &&
					 host->compiled->needs_bridge_nf;
		result.reason = netd_reason(&way, &result, arena);
		if (!result.reason)
			return -ENOMEM;
		if (result.allowed && docker_drops(&way, &result.reason)) {
			result.allowed = result.audited = false;
			result.by = SIM_BY_DOCKER;
			result.uncertain = docker_may_link(&way);
		} else if (result.allowed && docker_answers_elsewhere(&way)) {
			result.allowed = result.audited = false;
			result.reason = "its answer would leave by another port than its address "
					"belongs to: the container is on the source's network too";
		}
	}
	*ret = result;
	return 0;
}
