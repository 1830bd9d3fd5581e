/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From ports as written to ports as published, and who takes a port of the host from whom. */
#include <stdlib.h>
#include <string.h>

#include "core/compose/plan.h"

static const struct ip_addr everywhere[] = { { .family = IP_V4 }, { .family = IP_V6 } };

/* A port of the host that somebody wants. */
struct claim {
	struct world_published published;
	const struct draft_port *port;
	const struct draft_service *service;
};

/* One service's ports on their way to the world. */
struct publishing {
	const struct plan_service *service;
	const struct ip_addr *binding; /* of the host, where a port names none; NULL: all */
	VEC(struct world_published) list;
};

struct all_ports {
	VEC(struct claim) claims;
	size_t total;
};

static bool is_everywhere(const struct draft_port *port)
{
	return port->host_ip.family == IP_NONE || ip_is_unspecified(&port->host_ip);
}

/* ---- through which network ---- */

/* A container stands there beside the host, on the network of the parent interface. */
static bool is_on_lan(const struct world_network *network)
{
	return strcmp(network->driver, "macvlan") == 0 || strcmp(network->driver, "ipvlan") == 0;
}

/* Docker publishes on no network of the service, or has to: the default route decides. */
struct way_out {
	bool lan, bridge, other; /* it is on such networks; other: an overlay, or of a plugin */
};

static struct way_out find_ways(const struct assembly *plan, const struct plan_service *service)
{
	struct way_out ways = { 0 };

	for (size_t i = 0; i < service->links.n; i++) {
		const struct world_network *network =
			&plan->networks.items[service->links.items[i].network].facts;
		bool bridge = strcmp(network->driver, "bridge") == 0, lan = is_on_lan(network);
		ways.lan |= lan;
		ways.bridge |= bridge && !network->internal;
		ways.other |= !bridge && !lan && !network->internal;
	}
	return ways;
}

static bool publishes_nothing(struct compose *c, const struct assembly *plan,
			      const struct plan_service *service, bool has_publisher)
{
	const struct source_loc loc = service->draft->ports.items[0].loc;
	const char *name = service->draft->name;
	struct way_out ways = find_ways(plan, service);

	if (service->mode == PLAN_SHARED)
		compose_report(c, CF_NETWORK_MODE, loc,
			       "publish it at the service whose network this is",
			       "`%s` has no network of its own to publish a port from", name);
	else if (service->mode != PLAN_NETWORKS)
		compose_report(c, CF_PORTS_IGNORED, loc, "leave `ports` out",
			       "Docker publishes no port of `%s`, which has network_mode `%s`",
			       name, service->facts.network_mode);
	else if (has_publisher || ways.other)
		return false;
	else if (ways.bridge)
		compose_report(
			c, CF_PORTS_IGNORED, loc,
			"give one of its bridge networks the highest `gw_priority`, or "
			"leave `ports` out",
			"Docker publishes no port of `%s`: its default route is on a macvlan "
			"or ipvlan network",
			name);
	else
		compose_report(c, CF_PORTS_IGNORED, loc,
			       ways.lan ? "leave `ports` out: others reach it at its own address"
					: "put it on a network that is not internal, too",
			       ways.lan ? "Docker publishes no port of `%s`: it does so on no "
					  "macvlan, ipvlan or internal network"
					: "Docker publishes no port of `%s`: all its networks are "
					  "internal",
			       name);
	return true;
}

/* A network may say at which address of the host a port is published that names none; over IPv6 it
 * is at none then. */
static bool find_binding(const struct assembly *plan, const struct world *world, uint32_t publisher,
			 struct ip_addr *ret)
{
	const char *text = publisher == WORLD_NO_ENDPOINT
				   ? NULL
				   : plan->networks.items[world->endpoints[publisher].network]
					     .draft->binding.text;

	return text && ip_parse(text, ret) == 0 && ret->family == IP_V4 && !ip_is_unspecified(ret);
}

/* ---- what is said of a port ---- */

/* What to write so that only the host reaches it. */
static const char *local_hint(struct compose *c, const struct draft_port *port)
{
	char host[PORT_RANGE_TEXT_LEN] = "", own[PORT_RANGE_TEXT_LEN];
	struct port_range range = { PROTO_TCP, port->host_lo, port->host_hi };

	if (port->is_long)
		return "add `host_ip: 127.0.0.1`, unless others than this host must reach it";
	if (port->host_lo)
		(void)port_range_format(&range, host);
	host[strcspn(host, "/")] = '\0';
	(void)port_range_format(&port->port, own);
	if (port->port.proto == PROTO_TCP)
		own[strcspn(own, "/")] = '\0';
	return compose_hint(c, "write `%s:%s:%s`, unless others than this host must reach it",
			    port->host_ip.family == IP_V6 ? "[::1]" : "127.0.0.1", host, own);
}

static void check_port(struct compose *c, const struct publishing *p, const struct draft_port *port)
{
	char own[PORT_RANGE_TEXT_LEN];

	c->diags->about.port = port->port;
	c->diags->about.has_port = true;
	if (is_everywhere(port) && (!p->binding || port->host_ip.family != IP_NONE))
		compose_report(c, CF_PUBLISHED_EVERYWHERE, port->loc, local_hint(c, port),
			       "`%s` publishes %s on every address of the host",
			       p->service->draft->name, port_range_format(&port->port, own));
	if (draft_port_is_fixed(port) && p->service->replicas > 1)
		compose_report(c, CF_REPLICAS, port->loc,
			       "leave the host's port out, or put a proxy in front",
			       "%u containers of `%s` cannot publish on one port",
			       p->service->replicas, p->service->draft->name);
}

/* ---- ports one by one ---- */

/* One entry, as many ports as its range holds, on each family it is published on. */
static void expand_port(struct compose *c, struct publishing *p, const struct draft_port *port,
			struct all_ports *all)
{
	bool anywhere = port->host_ip.family == IP_NONE;
	const struct ip_addr *hosts = anywhere && p->binding ? p->binding
				      : anywhere	     ? everywhere
							     : &port->host_ip;
	size_t n = anywhere && !p->binding ? ARRAY_LEN(everywhere) : 1;

	for (size_t f = 0; f < n; f++)
		for (unsigned int own = port->port.lo; own <= port->port.hi; own++) {
			uint16_t host = (uint16_t)(port->host_lo + (own - port->port.lo));
			struct world_published one = {
				.host_ip = hosts[f],
				.host_port = draft_port_is_fixed(port) ? host : 0,
				.port = { port->port.proto, (uint16_t)own, (uint16_t)own },
				.anywhere = anywhere,
			};
			COMPOSE_PUSH(c, &p->list, one);
			if (one.host_port)
				COMPOSE_PUSH(c, &all->claims,
					     (struct claim){ one, port, p->service->draft });
		}
}

static void publish_all(struct compose *c, struct publishing *p, struct all_ports *all)
{
	const struct draft_port *ports = p->service->draft->ports.items;

	for (size_t i = 0; i < p->service->draft->ports.n; i++) {
		const struct draft_port *port = &ports[i];
		size_t families = port->host_ip.family == IP_NONE ? ARRAY_LEN(everywhere) : 1;
		all->total +=
			families * (port->port.hi - port->port.lo + 1u) * p->service->replicas;
		if (all->total > LIMIT_COMPOSE_PORTS) {
			compose_stop(c, CF_TOO_MANY, port->loc,
				     "there are more than %u published ports", LIMIT_COMPOSE_PORTS);
			return;
		}
		check_port(c, p, port);
		expand_port(c, p, port, all);
	}
}

static void publish(struct compose *c, const struct assembly *plan,
		    const struct plan_service *service, const struct world *world,
		    struct world_container *containers, struct all_ports *all)
{
	struct publishing p = { .service = service };
	bool has_publisher = !world && find_ways(plan, service).bridge;
	struct ip_addr binding;

	if (service->draft->ports.n == 0 || service->replicas == 0)
		return;
	for (uint32_t i = 0; world && i < world->n_containers; i++)
		if (plan->containers.items[i].service == service) {
			uint32_t v4 = world_publisher(world, i, IP_V4);
			has_publisher = v4 != WORLD_NO_ENDPOINT ||
					world_publisher(world, i, IP_V6) != WORLD_NO_ENDPOINT;
			if (find_binding(plan, world, v4, &binding))
				p.binding = &binding;
			break;
		}
	compose_about_service(c, service->draft->name);
	if (publishes_nothing(c, plan, service, has_publisher))
		return;
	publish_all(c, &p, all);
	size_t n = world_sort_published(p.list.items, p.list.n);
	for (uint32_t i = 0; world && i < world->n_containers; i++)
		if (plan->containers.items[i].service == service) {
			containers[i].published = p.list.items;
			containers[i].n_published = n;
		}
}

/* ---- conflicts ---- */

/* By the host's port; every address first, so that it meets all others. */
static int by_port(const void *left, const void *right)
{
	const struct claim *a = left, *b = right;
	const struct world_published *x = &a->published, *y = &b->published;
	int order = x->port.proto - y->port.proto;

	if (order == 0)
		order = x->host_ip.family - y->host_ip.family;
	if (order == 0)
		order = x->host_port - y->host_port;
	if (order == 0)
		order = ip_compare(&x->host_ip, &y->host_ip);
	if (order == 0)
		order = strcmp(a->service->name, b->service->name);
	return order ? order : (a->port > b->port) - (a->port < b->port);
}

static bool same_port(const struct claim *a, const struct claim *b)
{
	const struct world_published *x = &a->published, *y = &b->published;

	return x->port.proto == y->port.proto && x->host_ip.family == y->host_ip.family &&
	       x->host_port == y->host_port;
}

static void report_conflict(struct compose *c, const struct claim *later, const struct claim *first)
{
	char place[DIAG_PLACE_LEN], ip[IP_TEXT_LEN];

	compose_report(
		c, CF_PORT_CONFLICT, later->port->loc, "only one container at a time can use it",
		"`%s` publishes on %s port %u (%s), which `%s` already uses %s",
		later->service->name, ip_format(&later->published.host_ip, ip),
		later->published.host_port, proto_name((enum ip_proto)later->published.port.proto),
		first->service->name, diag_place(later->port->loc, first->port->loc, place));
}

/* One entry, the same twice in one service (Docker takes it as one), or two entries of both
 * families, which have met on IPv4 already. */
static bool is_known(const struct claim *first, const struct claim *one)
{
	bool both = first->published.anywhere && one->published.anywhere;

	return first->port == one->port ||
	       (first->service == one->service &&
		world_compare_published(&first->published, &one->published) == 0) ||
	       (both && one->published.host_ip.family == IP_V6);
}

/* Entries of ranges are reported once. */
static void find_conflicts(struct compose *c, struct claim *claims, size_t n)
{
	const struct draft_port *last = NULL;
	size_t group = 0;

	if (n)
		qsort(claims, n, sizeof(*claims), by_port);
	for (size_t i = 1; i < n; i++) {
		const struct claim *one = &claims[i], *before = one - 1, *first = &claims[group];
		if (!same_port(one, before)) {
			group = i;
			continue;
		}
		if (!ip_is_unspecified(&first->published.host_ip))
			first = before;
		bool meets = ip_is_unspecified(&first->published.host_ip) ||
			     ip_compare(&first->published.host_ip, &one->published.host_ip) == 0;
		if (meets && last != one->port && !is_known(first, one))
			report_conflict(c, one, first);
		if (meets)
			last = one->port;
	}
}

void compose_plan_ports(struct compose *c, const struct assembly *plan, const struct world *world,
			struct world_container *containers)
{
	struct all_ports all = { 0 };

	for (size_t i = 0; i < plan->services.n && !c->stopped; i++)
		publish(c, plan, &plan->services.items[i], world, containers, &all);
	if (!c->stopped)
		find_conflicts(c, all.claims.items, all.claims.n);
}
