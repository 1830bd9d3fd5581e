/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/denials.h"

#include <stdio.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/policy/zone.h"
#include "daemon/daemon.h"
#include "edge/journal/journal.h"

#define SAID_AGAIN_AFTER_US (60u * 1000000u)

static const struct {
	const char *said;
	enum log_id id;
} kinds[LOGGED_KIND_COUNT] = {
	[LOGGED_DENIED] = { "denied", LOG_ID_DENIED },
	[LOGGED_AUDITED] = { "would be denied", LOG_ID_AUDIT },
	[LOGGED_ALLOWED] = { "allowed", LOG_ID_ALLOWED },
};

/* What makes a flow the same for a reader: not the client's port. */
static uint64_t flow_of(const struct nflog_packet *p)
{
	uint64_t h = hash_add(HASH_BEGIN, p->prefix, strlen(p->prefix));

	h = hash_add(h, &p->from, sizeof(p->from));
	h = hash_add(h, &p->to, sizeof(p->to));
	h = hash_add(h, &p->proto, sizeof(p->proto));
	h = hash_add(h, &p->in_port, sizeof(p->in_port));
	h = hash_add(h, &p->ether_type, sizeof(p->ether_type));
	return hash_add(h, &p->to_port, sizeof(p->to_port)) | 1;
}

static size_t place_of(uint64_t flow)
{
	return (flow >> 1) % DENIALS_REMEMBERED;
}

/* False: it was said not long ago. *again: how often it came since then. */
static bool is_news(struct denials *denials, uint64_t flow, uint64_t now_us, uint32_t *again)
{
	size_t place = place_of(flow);

	*again = 0;
	if (denials->recent[place].flow == flow) {
		if (now_us - denials->recent[place].said_us < SAID_AGAIN_AFTER_US) {
			denials->recent[place].again++;
			return false;
		}
		*again = denials->recent[place].again;
	}
	denials->recent[place].flow = flow;
	denials->recent[place].said_us = now_us;
	denials->recent[place].again = 0;
	return true;
}

struct logged_end {
	const char *container_id; /* "" unknown */
	char text[LIMIT_NAME * 2 + 2 * IP_TEXT_LEN + 64];
};

static const char *place_name(const struct generation *generation, size_t endpoint)
{
	const struct assignment *assignment = &generation->compiled.assignments[endpoint];

	return assignment->kind == ASSIGN_TIER
		       ? generation->policy->policy->tiers[assignment->tier].name
		       : assign_kind_name(assignment->kind);
}

#define NOBODY SIZE_MAX

/* One that it has by its MAC, too. */
static bool has_address(const struct world_endpoint *endpoint, const struct ip_addr *addr)
{
	struct ip_addr local = ip_link_local(&endpoint->mac);

	return ip_compare(addr, &endpoint->ipv4) == 0 || ip_compare(addr, &endpoint->ipv6) == 0 ||
	       (!mac_is_zero(&endpoint->mac) && ip_compare(addr, &local) == 0);
}

/* On other networks, an overlay for one, the same address may be somebody else's, and to the rules
 * it is one outside. */
static size_t endpoint_of_address(const struct generation *generation, const struct ip_addr *addr)
{
	const struct world *world = generation ? generation->world : NULL;

	for (size_t i = 0; world && addr->family && i < world->n_endpoints; i++)
		if (has_address(&world->endpoints[i], addr) &&
		    (world_network_is_managed(&world->networks[world->endpoints[i].network]) ||
		     generation->compiled.assignments[i].at_parent))
			return i;
	return NOBODY;
}

static const struct world_port *find_port(const struct generation *generation, uint32_t ifindex)
{
	const struct world *world = generation ? generation->world : NULL;

	for (size_t i = 0; world && ifindex && i < world->n_ports; i++)
		if (world->ports[i].ifindex == ifindex)
			return &world->ports[i];
	return NULL;
}

/* Who is plugged in there, as far as netd believes it. */
static size_t endpoint_behind(const struct generation *generation, uint32_t ifindex)
{
	const struct world_port *port = find_port(generation, ifindex);

	for (size_t i = 0; port && i < generation->world->n_endpoints; i++)
		if (compile_port(&generation->compiled.assignments[i]) == port)
			return i;
	return NOBODY;
}

/* The host's own MAC on a bridge. */
static bool is_bridge(const struct generation *generation, const struct mac_addr *mac)
{
	const struct world *world = generation ? generation->world : NULL;

	for (size_t i = 0; world && !mac_is_zero(mac) && i < world->n_bridges; i++)
		if (memcmp(&world->bridges[i].mac, mac, sizeof(*mac)) == 0)
			return true;
	return false;
}

/* An address that is no container's: this host's own, one of a managed network that nobody has, or
 * one outside, which rules name by its zone. */
#define WHERE_LEN (LIMIT_NAME + 16)
static const char *where_is(const struct generation *generation, const struct ip_addr *addr,
			    bool is_host, char ret[WHERE_LEN])
{
	if (is_host || (generation && world_is_host_address(generation->world, addr)))
		return "this host";
	if (!generation || compile_find_subnet(&generation->compiled, addr) != UINT32_MAX)
		return "no known container";
	const char *host = compile_find_host(&generation->compiled, addr);
	if (!host)
		return policy_zone_text(addr);
	(void)snprintf(ret, WHERE_LEN, "fleet host %s", host);
	return ret;
}

static void describe_endpoint(const struct generation *generation, size_t endpoint,
			      const struct ip_addr *addr, struct logged_end *ret)
{
	const struct world_endpoint *of = &generation->world->endpoints[endpoint];
	const struct world_container *container = &generation->world->containers[of->container];
	bool own = !addr->family || has_address(of, addr);
	const struct ip_addr *shown = own && addr->family ? addr
				      : of->ipv4.family	  ? &of->ipv4
							  : &of->ipv6;
	char address[IP_TEXT_LEN], used[IP_TEXT_LEN];

	ret->container_id = container->id;
	(void)snprintf(ret->text, sizeof(ret->text), "%.64s (%s, %.64s)%s%s", container->name,
		       ip_format(shown, address), place_name(generation, endpoint),
		       own ? "" : " as ", own ? "" : ip_format(addr, used));
}

/* A frame that tells no address of ours: by its port, or its MAC. */
static void describe_frame(const struct generation *generation, uint32_t ifindex,
			   const struct mac_addr *mac, struct logged_end *ret)
{
	const struct world_port *port = find_port(generation, ifindex);
	char text[MAC_TEXT_LEN];

	if (port)
		(void)snprintf(ret->text, sizeof(ret->text), "%s (port %.15s of %.15s)",
			       mac_format(mac, text), port->ifname, port->bridge);
	else
		(void)snprintf(ret->text, sizeof(ret->text), "%s", mac_format(mac, text));
}

struct denied_end denials_end(const struct nflog_packet *packet, bool source,
			      const struct generation *generation)
{
	const struct mac_addr *mac = source ? &packet->from_mac : &packet->to_mac;
	struct denied_end end = {
		.endpoint =
			endpoint_behind(generation, source ? packet->in_port : packet->out_port),
		.is_host = packet->hook == (source ? NFLOG_FROM_HOST : NFLOG_TO_HOST) ||
			   is_bridge(generation, mac),
	};

	if (end.endpoint == NOBODY)
		end.endpoint =
			endpoint_of_address(generation, source ? &packet->from : &packet->to);
	return end;
}

static void describe_end(const struct nflog_packet *packet, bool source,
			 const struct generation *generation, struct logged_end *ret)
{
	const struct ip_addr *addr = source ? &packet->from : &packet->to;
	uint32_t port = source ? packet->in_port : packet->out_port;
	const struct mac_addr *mac = source ? &packet->from_mac : &packet->to_mac;
	struct denied_end end = denials_end(packet, source, generation);
	char address[IP_TEXT_LEN], zone[WHERE_LEN];

	ret->container_id = "";
	if (end.endpoint != NOBODY)
		describe_endpoint(generation, end.endpoint, addr, ret);
	else if (addr->family)
		(void)snprintf(ret->text, sizeof(ret->text), "%s (%s)", ip_format(addr, address),
			       where_is(generation, addr, end.is_host, zone));
	else
		describe_frame(generation, port, mac, ret);
}

/* "5432/tcp", "icmp", "protocol 47", "arp", "ethertype 0x88cc". */
static void describe_port(const struct nflog_packet *packet, char ret[24])
{
	enum { ARP = 0x0806 };
	static const enum ip_proto known[] = { PROTO_TCP, PROTO_UDP, PROTO_SCTP, PROTO_ICMP,
					       PROTO_ICMPV6 };

	if (packet->bridged && packet->ether_type == ARP) {
		(void)snprintf(ret, 24, "arp");
		return;
	}
	if (!packet->from.family) {
		(void)snprintf(ret, 24, "ethertype 0x%04x", packet->ether_type);
		return;
	}
	(void)snprintf(ret, 24, "protocol %u", packet->proto);
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (packet->proto == proto_number(known[i]))
			(void)snprintf(ret, 24, "%s", proto_name(known[i]));
	if (packet->has_port) {
		char name[24];
		memcpy(name, ret, sizeof(name));
		(void)snprintf(ret, 24, "%u/%.16s", packet->to_port, name);
	}
}

/* "denied: WHO -> WHOM, PORT: WHY", or "denied by policy.yaml:31: WHO -> WHOM, PORT". */
static void say(const struct nflog_packet *packet, const struct logged *logged,
		const struct generation *generation, uint32_t again)
{
	bool by_rule = logged->reason == REASON_RULE || logged->kind == LOGGED_ALLOWED;
	char place[NFLOG_PREFIX_LEN], port[24], times[64] = "";
	struct logged_end from, to;

	(void)snprintf(place, sizeof(place), "%.*s", (int)logged->place_len, logged->place);
	describe_end(packet, true, generation, &from);
	describe_end(packet, false, generation, &to);
	describe_port(packet, port);
	if (again)
		(void)snprintf(times, sizeof(times),
			       ", and %u more times since the last message about it", again);
	const struct log_field *fields = LOG_FIELDS(
		{ "NETD_RULE", place }, { "NETD_REASON", reason_word(logged->reason) },
		{ "NETD_SOURCE", from.text }, { "NETD_SOURCE_CONTAINER_ID", from.container_id },
		{ "NETD_DESTINATION", to.text },
		{ "NETD_DESTINATION_CONTAINER_ID", to.container_id }, { "NETD_PORT", port });
	log_info_with(kinds[logged->kind].id, fields, "%s%s%s: %s -> %s, %s%s%s%s%s",
		      kinds[logged->kind].said, by_rule ? " by " : "", by_rule ? place : "",
		      from.text, to.text, packet->tagged ? "VLAN-tagged " : "", port,
		      by_rule ? "" : ": ", by_rule ? "" : reason_text(logged->reason), times);
}

/* Until netd has been told whose the port is. */
static bool is_of_the_moment(enum reason reason)
{
	return reason == REASON_NOT_ADMITTED || reason == REASON_NOT_KNOWN ||
	       reason == REASON_UNKNOWN_PORT;
}

/* What was closed for a moment at the start of a container, and is not any more, is no news: its
 * kernel and Docker announce it before it is admitted. */
static bool has_passed(const struct nflog_packet *packet, const struct logged *logged,
		       const struct generation *generation)
{
	if (!packet->bridged || !is_of_the_moment(logged->reason))
		return false;
	size_t endpoint = endpoint_behind(generation, packet->in_port);
	return endpoint != NOBODY && generation->compiled.assignments[endpoint].kind == ASSIGN_TIER;
}

/* Docker, from 28 on, announces every container that starts, thrice; a closed one has asked for
 * nothing by that. What is announced must be its own, or nobody's yet. */
static bool is_announcement(const struct nflog_packet *packet, const struct logged *logged,
			    const struct generation *generation)
{
	if (!packet->bridged || !packet->announces || packet->tagged)
		return false;
	size_t owner = endpoint_of_address(generation, &packet->from);
	if (owner != endpoint_behind(generation, packet->in_port))
		return false;
	return is_of_the_moment(logged->reason) ||
	       (owner != NOBODY &&
		logged->reason == compile_closed_reason(&generation->compiled.assignments[owner]));
}

void denials_lost(struct denials *denials, uint32_t n, uint64_t now_us)
{
	denials->lost += n;
	denials->n_lost += n;
	if (denials->lost_said_us && now_us - denials->lost_said_us < SAID_AGAIN_AFTER_US)
		return;
	log_warning(LOG_ID_LOG_INCOMPLETE,
		    "%u messages from the rules came faster than netd could read them: those flows "
		    "are in the counters, not in this log",
		    denials->lost);
	denials->lost_said_us = now_us;
	denials->lost = 0;
}

/* An end as metrics name it: its tier, why it is in none, "host", "hosts", "internet", "lan",
 * or "nobody". */
static const char *group_of(const struct nflog_packet *packet, bool source,
			    const struct generation *generation)
{
	const struct ip_addr *addr = source ? &packet->from : &packet->to;
	struct denied_end end = denials_end(packet, source, generation);

	if (end.endpoint != NOBODY)
		return place_name(generation, end.endpoint);
	if (end.is_host ||
	    (generation && addr->family && world_is_host_address(generation->world, addr)))
		return "host";
	if (!generation || !addr->family ||
	    compile_find_subnet(&generation->compiled, addr) != UINT32_MAX)
		return "nobody";
	return compile_find_host(&generation->compiled, addr) ? "hosts"
	       : policy_zone_contains(PEER_INTERNET, addr)    ? "internet"
	       : policy_zone_contains(PEER_LAN, addr)	      ? "lan"
							      : "nobody";
}

bool denials_read(const struct nflog_packet *packet, const struct generation *generation,
		  struct logged *ret)
{
	return logged_parse(packet->prefix, ret) && !has_passed(packet, ret, generation) &&
	       !is_announcement(packet, ret, generation);
}

void denials_note(struct denials *denials, const struct nflog_packet *packet,
		  const struct logged *logged, const struct generation *generation, uint64_t now_us)
{
	uint32_t again;

	uint64_t flow = flow_of(packet);
	bool news = is_news(denials, flow, now_us, &again);
	uint32_t *pair = &denials->recent[place_of(flow)].pair;
	if (news)
		*pair = (uint32_t)pairs_find(&denials->pairs, group_of(packet, true, generation),
					     group_of(packet, false, generation), logged);
	pairs_count(&denials->pairs, *pair, logged);
	if (news)
		say(packet, logged, generation, again);
}
