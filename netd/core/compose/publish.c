/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From ports as written to ports as published, and who takes a port of the host from whom. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/compose/plan.h"
#include "core/world/facts.h"

static const struct ip_addr everywhere[] = { { .family = IP_V4 }, { .family = IP_V6 } };

/* A port of the host that somebody wants. */
struct claim {
	struct world_published published;
	const struct draft_port *port;
	const struct draft_service *service;
};

struct claims {
	struct claim *items;
	size_t n, cap;
};

static bool is_everywhere(const struct draft_port *port)
{
	return port->host_ip.family == IP_NONE || ip_compare(&port->host_ip, &everywhere[0]) == 0 ||
	       ip_compare(&port->host_ip, &everywhere[1]) == 0;
}

static bool is_fixed(const struct draft_port *port)
{
	return port->host_lo && port->host_hi - port->host_lo == port->port.hi - port->port.lo;
}

/* What to write so that only the host reaches it. */
static const char *local_hint(struct compose *c, const struct draft_port *port)
{
	char host[16] = "", own[PORT_RANGE_TEXT_LEN], word[PORT_RANGE_TEXT_LEN];
	struct port_range range = { PROTO_TCP, port->host_lo, port->host_hi };
	const char *v6 = port->host_ip.family == IP_V6 ? "[::1]" : "127.0.0.1";

	if (port->is_long)
		return "add `host_ip: 127.0.0.1`, unless others than this host must reach it";
	if (port->host_lo) {
		(void)port_range_format(&range, word);
		memcpy(host, word, strcspn(word, "/"));
	}
	(void)port_range_format(&port->port, own);
	if (port->port.proto == PROTO_TCP)
		own[strcspn(own, "/")] = '\0';
	return compose_hint(c->diags,
			    "write `%s:%s:%s`, unless others than this host must reach it", v6,
			    host, own);
}

/* A container stands there beside the host, on the network of the parent interface. */
static bool is_on_lan(const struct plan_network *network)
{
	return strcmp(network->driver, "macvlan") == 0 || strcmp(network->driver, "ipvlan") == 0;
}

/* Docker publishes through a gateway of its own: internal networks have none, nor do these. */
static bool may_publish(const struct plan_network *network)
{
	return !is_on_lan(network) && !(network->draft && network->draft->internal.value);
}

/* Each network that Docker may publish it on says itself at which address (build.c). */
static bool is_bound_by_networks(const struct assembly *all, const struct plan_service *service,
				 const struct draft_port *port)
{
	size_t n = 0;

	for (size_t i = 0; i < service->links.n; i++) {
		const struct plan_network *network =
			&all->networks.items[service->links.items[i].network];
		if (!may_publish(network))
			continue;
		if (!network->draft || !network->draft->binding.text)
			return false;
		n++;
	}
	return n > 0 && port->host_ip.family == IP_NONE;
}

static void check_port(struct compose *c, const struct assembly *all,
		       const struct plan_service *plan, const struct draft_port *port)
{
	char own[PORT_RANGE_TEXT_LEN];

	c->diags->about.port = port->port;
	c->diags->about.has_port = true;
	if (is_everywhere(port) && !is_bound_by_networks(all, plan, port))
		compose_report(c->diags, CF_PUBLISHED_EVERYWHERE, port->loc, local_hint(c, port),
			       "`%s` publishes %s on every address of the host", plan->draft->name,
			       port_range_format(&port->port, own));
	if (is_fixed(port) && plan->replicas > 1)
		compose_report(c->diags, CF_REPLICAS, port->loc,
			       "leave the host's port out, or put a proxy in front",
			       "%u containers of `%s` cannot publish on one port", plan->replicas,
			       plan->draft->name);
}

static int add_claim(struct compose *c, const struct plan_service *plan,
		     const struct draft_port *port, struct world_published published,
		     struct claims *claims)
{
	struct claim claim = { published, port, plan->draft };

	return published.host_port ? VEC_PUSH(c->arena, claims, claim) : 0;
}

struct published_list {
	struct world_published *items;
	size_t n, cap;
};

/* One entry, as many ports as its range holds, on each family it is published on. */
static int expand_port(struct compose *c, const struct plan_service *plan,
		       const struct draft_port *port, struct published_list *list,
		       struct claims *claims)
{
	size_t families = port->host_ip.family == IP_NONE ? ARRAY_LEN(everywhere) : 1;
	int r = 0;

	for (size_t f = 0; f < families; f++)
		for (uint32_t i = 0; i <= (uint32_t)(port->port.hi - port->port.lo) && r == 0;
		     i++) {
			uint16_t own = (uint16_t)(port->port.lo + i);
			struct world_published one = {
				.host_ip = families > 1 ? everywhere[f] : port->host_ip,
				.host_port = is_fixed(port) ? (uint16_t)(port->host_lo + i) : 0,
				.port = { port->port.proto, own, own },
				.anywhere = families > 1,
			};
			r = VEC_PUSH(c->arena, list, one);
			if (r == 0)
				r = add_claim(c, plan, port, one, claims);
		}
	return r;
}

/* Docker publishes on none of its networks; *on_lan: one of them is such a one. */
static bool has_no_publisher(const struct assembly *plan, const struct plan_service *service,
			     bool *on_lan)
{
	*on_lan = false;
	for (size_t i = 0; i < service->links.n; i++) {
		const struct plan_network *network =
			&plan->networks.items[service->links.items[i].network];
		if (may_publish(network))
			return false;
		*on_lan |= is_on_lan(network);
	}
	return service->links.n > 0;
}

static bool publishes_nothing(struct compose *c, const struct assembly *plan,
			      const struct plan_service *service)
{
	const struct source_loc loc = service->draft->ports.items[0].loc;
	const char *name = service->draft->name;
	bool on_lan;

	if (service->mode == PLAN_SHARED)
		compose_report(c->diags, CF_NETWORK_MODE, loc,
			       "publish it at the service whose network this is",
			       "`%s` has no network of its own to publish a port from", name);
	else if (service->mode != PLAN_NETWORKS)
		compose_report(c->diags, CF_PORTS_IGNORED, loc, "leave `ports` out",
			       "Docker publishes no port of `%s`, which has network_mode `%s`",
			       name, service->network_mode);
	else if (has_no_publisher(plan, service, &on_lan))
		compose_report(c->diags, CF_PORTS_IGNORED, loc,
			       on_lan ? "leave `ports` out: others reach it at its own address"
				      : "put it on a network that is not internal, too",
			       on_lan ? "Docker publishes no port of `%s`: it does so on no "
					"macvlan, ipvlan or internal network"
				      : "Docker publishes no port of `%s`: all its networks are "
					"internal",
			       name);
	else
		return false;
	return true;
}

static int by_value(const void *left, const void *right)
{
	const struct draft_port *a = left, *b = right;
	int order = ip_compare(&a->host_ip, &b->host_ip);

	if (order)
		return order;
	if (a->host_lo != b->host_lo)
		return a->host_lo < b->host_lo ? -1 : 1;
	if (a->host_hi != b->host_hi)
		return a->host_hi < b->host_hi ? -1 : 1;
	if (a->port.proto != b->port.proto)
		return a->port.proto < b->port.proto ? -1 : 1;
	if (a->port.lo != b->port.lo)
		return a->port.lo < b->port.lo ? -1 : 1;
	return (a->port.hi > b->port.hi) - (a->port.hi < b->port.hi);
}

static int by_value_and_place(const void *left, const void *right)
{
	const struct draft_port *a = left, *b = right;
	int order = by_value(a, b);

	if (order == 0)
		order = strcmp(a->loc.file, b->loc.file);
	if (order == 0)
		order = (a->loc.line > b->loc.line) - (a->loc.line < b->loc.line);
	return order ? order : (a->loc.col > b->loc.col) - (a->loc.col < b->loc.col);
}

/* One entry in two files, or in a base, is one. */
static int settle_ports(struct compose *c, const struct draft_service *service,
			struct draft_port **ret, size_t *ret_n)
{
	size_t n = service->ports.n, kept = 0;
	struct draft_port *ports = arena_dup(c->arena, service->ports.items, n * sizeof(*ports));

	if (!ports)
		return -ENOMEM;
	qsort(ports, n, sizeof(*ports), by_value_and_place);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || by_value(&ports[kept - 1], &ports[i]) != 0)
			ports[kept++] = ports[i];
	*ret = ports;
	*ret_n = kept;
	return 0;
}

static size_t count_entries(const struct draft_port *port)
{
	size_t families = port->host_ip.family == IP_NONE ? ARRAY_LEN(everywhere) : 1;

	return families * ((size_t)(port->port.hi - port->port.lo) + 1);
}

static int publish(struct compose *c, const struct assembly *plan, struct plan_service *service,
		   size_t *total, struct claims *claims)
{
	struct published_list list = { 0 };
	struct draft_port *ports = NULL;
	size_t n = 0;
	int r;

	compose_about_service(c->diags, service->draft->name);
	if (service->draft->ports.n == 0 || service->replicas == 0 ||
	    publishes_nothing(c, plan, service))
		return 0;
	r = settle_ports(c, service->draft, &ports, &n);
	for (size_t i = 0; i < n && r == 0; i++) {
		*total += count_entries(&ports[i]) * service->replicas;
		if (*total > LIMIT_COMPOSE_PORTS) {
			compose_report(c->diags, CF_TOO_MANY, ports[i].loc, NULL,
				       "there are more than %u published ports",
				       LIMIT_COMPOSE_PORTS);
			return 0;
		}
		check_port(c, plan, service, &ports[i]);
		r = expand_port(c, service, &ports[i], &list, claims);
	}
	service->published = list.items;
	service->n_published = world_sort_published(list.items, list.n);
	return r;
}

/* ---- conflicts ---- */

/* By the host's port; every address first, so that it meets all others. */
static int by_published_port(const void *left, const void *right)
{
	const struct claim *a = left, *b = right;
	const struct world_published *x = &a->published, *y = &b->published;

	if (x->port.proto != y->port.proto)
		return x->port.proto < y->port.proto ? -1 : 1;
	if (x->host_ip.family != y->host_ip.family)
		return x->host_ip.family < y->host_ip.family ? -1 : 1;
	if (x->host_port != y->host_port)
		return x->host_port < y->host_port ? -1 : 1;
	int order = ip_compare(&x->host_ip, &y->host_ip);
	if (order)
		return order;
	order = strcmp(a->service->name, b->service->name);
	return order ? order : (a->port > b->port) - (a->port < b->port);
}

static bool publishes_same_port(const struct claim *a, const struct claim *b)
{
	const struct world_published *x = &a->published, *y = &b->published;

	return x->port.proto == y->port.proto && x->host_ip.family == y->host_ip.family &&
	       x->host_port == y->host_port;
}

static void report_conflict(struct compose *c, const struct claim *later, const struct claim *first)
{
	char place[DIAG_PLACE_LEN], ip[IP_TEXT_LEN];

	compose_report(c->diags, CF_PORT_CONFLICT, later->port->loc,
		       "only one container at a time can use it",
		       "`%s` publishes on %s port %u (%s), which `%s` already uses %s",
		       later->service->name, ip_format(&later->published.host_ip, ip),
		       later->published.host_port,
		       proto_name((enum ip_proto)later->published.port.proto), first->service->name,
		       diag_place(later->port->loc, first->port->loc, place));
}

/* One entry, the same twice in one service (Docker takes it as one), or two entries of both
 * families, which have met on IPv4 already. */
static bool is_known(const struct claim *first, const struct claim *one)
{
	bool both = first->port->host_ip.family == IP_NONE && one->port->host_ip.family == IP_NONE;

	return first->port == one->port ||
	       (first->service == one->service &&
		world_compare_published(&first->published, &one->published) == 0) ||
	       (both && one->published.host_ip.family == IP_V6);
}

/* Entries of ranges are reported once. */
static void find_conflicts(struct compose *c, struct claims *claims)
{
	const struct draft_port *last = NULL;
	size_t group = 0;

	if (claims->n)
		qsort(claims->items, claims->n, sizeof(*claims->items), by_published_port);
	for (size_t i = 1; i < claims->n; i++) {
		const struct claim *one = &claims->items[i], *before = one - 1;
		const struct claim *first = &claims->items[group];
		if (!publishes_same_port(one, before)) {
			group = i;
			continue;
		}
		if (!is_everywhere(first->port))
			first = before;
		bool meets = is_everywhere(first->port) ||
			     ip_compare(&first->published.host_ip, &one->published.host_ip) == 0;
		if (meets && last != one->port && !is_known(first, one))
			report_conflict(c, one, first);
		if (meets)
			last = one->port;
	}
}

int compose_plan_ports(struct compose *c, struct assembly *plan)
{
	struct claims claims = { 0 };
	size_t total = 0;
	int r = 0;

	for (size_t i = 0; i < plan->services.n && r == 0; i++)
		r = publish(c, plan, &plan->services.items[i], &total, &claims);
	if (r == 0)
		find_conflicts(c, &claims);
	return r;
}
