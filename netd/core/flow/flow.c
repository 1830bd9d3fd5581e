/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The words of a flow. */
#include "core/flow/flow.h"

#include <stdio.h>
#include <string.h>

#include "core/policy/zone.h"

enum { ETHER_ARP = 0x0806 };

const char *flow_verdict_name(enum flow_verdict verdict)
{
	static const char *const names[] = {
		[FLOW_ALLOWED] = "allowed", [FLOW_AUDITED] = "audited", [FLOW_DENIED] = "denied"
	};

	return names[verdict];
}

const char *flow_kind_name(const struct flow_end *end)
{
	static const char *const names[] = {
		[FLOW_HOST] = "host", [FLOW_OUTSIDE] = "outside", [FLOW_NOBODY] = "nobody"
	};

	return end->kind == FLOW_CONTAINER ? world_kind_name(end->sandbox) : names[end->kind];
}

const char *flow_zone_name(enum flow_zone zone)
{
	static const char *const names[] = { [FLOW_INTERNET] = "internet", [FLOW_LAN] = "lan" };

	return names[zone];
}

struct flow_end flow_end_at(enum flow_end_kind kind, const struct ip_addr *addr)
{
	return (struct flow_end){ .kind = kind,
				  .id = "",
				  .name = "",
				  .network = "",
				  .tier = "",
				  .image = "",
				  .labels = "",
				  .addr = *addr,
				  .len = (uint8_t)(8 * ip_len(addr)) };
}

struct flow_end flow_outside(const struct ip_addr *addr)
{
	struct flow_end end = flow_end_at(FLOW_OUTSIDE, addr);

	if (policy_zone_contains(PEER_INTERNET, addr))
		end.zone = FLOW_INTERNET;
	else if (policy_zone_contains(PEER_LAN, addr))
		end.zone = FLOW_LAN;
	return end;
}

const char *flow_port_text(const struct flow *flow, char ret[FLOW_PORT_LEN])
{
	enum ip_proto proto = proto_find(flow->proto);

	if (flow->ether_type == ETHER_ARP)
		(void)snprintf(ret, FLOW_PORT_LEN, "arp");
	else if (flow->ether_type)
		(void)snprintf(ret, FLOW_PORT_LEN, "ethertype 0x%04x", flow->ether_type);
	else if (proto == PROTO_ANY)
		(void)snprintf(ret, FLOW_PORT_LEN, "protocol %u", flow->proto);
	else if (flow->port && proto_has_ports(proto))
		(void)snprintf(ret, FLOW_PORT_LEN, "%u/%s", flow->port, proto_name(proto));
	else
		(void)snprintf(ret, FLOW_PORT_LEN, "%s", proto_name(proto));
	return ret;
}

const char *flow_address_text(const struct flow_end *end, char ret[PREFIX_TEXT_LEN])
{
	const struct ip_prefix prefix = { end->addr, end->len };

	if (!end->addr.family || end->len == 0)
		ret[0] = '\0';
	else if (end->len == 8 * ip_len(&end->addr))
		(void)ip_format(&end->addr, ret);
	else
		(void)ip_prefix_format(&prefix, ret);
	return ret;
}
