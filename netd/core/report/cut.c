/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/report/cut.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/limits.h"
#include "core/base/sort.h"
#include "core/report/json.h"
#include "core/report/print.h"
#include "core/simulate/simulate.h"

#define NOBODY UINT32_MAX

/* Who has an address: an endpoint, or NOBODY for this host. */
struct owner {
	struct ip_addr addr;
	uint32_t endpoint;
};

struct published {
	uint8_t proto;
	uint16_t host_port, port;
	struct ip_addr host_ip;
	uint32_t endpoint;
};

/* A connection as the evaluator is asked about it. */
struct asked {
	struct sim_flow flow;
	const struct cut_connection *connection;
	const struct published *published; /* that docker-proxy takes for a container, or NULL */
};

struct cutting {
	struct rj j;
	const struct report_input *in[2]; /* old, new */
	struct owner *owners;		  /* by address */
	size_t n_owners;
	struct published *published; /* by protocol and host port */
	size_t n_published;
	struct asked *asked;
	size_t n_asked, n_cut, n_unjudged;
	cJSON *list;
};

/* ---- whose address ---- */

static int by_address(const void *left, const void *right)
{
	const struct owner *a = left, *b = right;
	int order = ip_compare(&a->addr, &b->addr);

	return order ? order : a->endpoint < b->endpoint ? -1 : a->endpoint > b->endpoint;
}

static void add_owner(struct cutting *c, const struct ip_addr *addr, uint32_t endpoint)
{
	if (addr->family)
		c->owners[c->n_owners++] = (struct owner){ *addr, endpoint };
}

static int index_owners(struct cutting *c, const struct cut_facts *facts, struct arena *arena)
{
	const struct world *world = c->in[0]->world;

	c->owners =
		arena_alloc(arena, (2 * world->n_endpoints + facts->n_host) * sizeof(*c->owners));
	if (!c->owners)
		return -ENOMEM;
	for (uint32_t i = 0; i < world->n_endpoints; i++) {
		const struct world_endpoint *endpoint = &world->endpoints[i];
		if (!world_network_is_managed(&world->networks[endpoint->network]))
			continue;
		add_owner(c, &endpoint->ipv4, i);
		add_owner(c, &endpoint->ipv6, i);
	}
	for (size_t i = 0; i < facts->n_host; i++)
		add_owner(c, &facts->host[i], NOBODY);
	if (c->n_owners)
		qsort(c->owners, c->n_owners, sizeof(*c->owners), by_address);
	return 0;
}

static int by_owned(const void *addr, const void *owner)
{
	return ip_compare(addr, &((const struct owner *)owner)->addr);
}

/* NULL: somebody outside. */
static const struct owner *owner_of(const struct cutting *c, const struct ip_addr *addr)
{
	size_t at = sort_bound(addr, c->owners, c->n_owners, sizeof(*c->owners), by_owned);

	return at < c->n_owners && ip_compare(&c->owners[at].addr, addr) == 0 ? &c->owners[at]
									      : NULL;
}

/* ---- published ports, for what docker-proxy takes ---- */

static int by_host_port(const void *left, const void *right)
{
	const struct published *a = left, *b = right;

	if (a->proto != b->proto)
		return a->proto < b->proto ? -1 : 1;
	return a->host_port < b->host_port ? -1 : a->host_port > b->host_port;
}

/* The first endpoint of each container answers for its ports. */
static int index_published(struct cutting *c, struct arena *arena)
{
	const struct world *world = c->in[0]->world;
	VEC(struct published) list = { 0 };
	uint32_t last = NOBODY;

	for (uint32_t i = 0; i < world->n_endpoints; i++) {
		uint32_t owner = world->endpoints[i].container;
		const struct world_container *container = &world->containers[owner];
		if (owner == last ||
		    !world_network_is_managed(&world->networks[world->endpoints[i].network]))
			continue;
		last = owner;
		for (size_t p = 0; p < container->n_published; p++) {
			const struct world_published *published = &container->published[p];
			struct published item = { published->port.proto, published->host_port,
						  published->port.lo, published->host_ip, i };
			if (VEC_PUSH(arena, &list, item) < 0)
				return -ENOMEM;
		}
	}
	c->published = list.items;
	c->n_published = list.n;
	if (list.n)
		qsort(list.items, list.n, sizeof(*list.items), by_host_port);
	return 0;
}

static const struct published *published_at(const struct cutting *c,
					    const struct cut_connection *connection)
{
	const struct published key = { .proto = (uint8_t)connection->proto,
				       .host_port = connection->sent_port };
	const struct published *end = c->published + c->n_published;
	const struct published *found = c->n_published ? bsearch(&key, c->published, c->n_published,
								 sizeof(key), by_host_port)
						       : NULL;

	while (found && found > c->published && by_host_port(found - 1, &key) == 0)
		found--;
	for (; found && found < end && by_host_port(found, &key) == 0; found++)
		if (found->host_ip.family == connection->sent_to.family &&
		    (ip_is_unspecified(&found->host_ip) ||
		     ip_compare(&found->host_ip, &connection->sent_to) == 0))
			return found;
	return NULL;
}

/* ---- a connection to a question ---- */

static struct sim_end end_of(const struct owner *owner, const struct ip_addr *addr)
{
	if (!owner)
		return (struct sim_end){ .kind = SIM_ADDRESS, .addr = *addr };
	if (owner->endpoint == NOBODY)
		return (struct sim_end){ .kind = SIM_HOST, .addr = *addr };
	return (struct sim_end){ .kind = SIM_ENDPOINT, .endpoint = owner->endpoint };
}

/* False: no container of ours is in it. */
static bool ask_about(const struct cutting *c, struct asked *ret)
{
	const struct cut_connection *connection = ret->connection;
	const struct owner *from = owner_of(c, &connection->from);
	const struct owner *to = owner_of(c, &connection->to);
	struct sim_flow *flow = &ret->flow;

	*flow = (struct sim_flow){ .from = end_of(from, &connection->from),
				   .to = end_of(to, &connection->to),
				   .family = (enum ip_family)connection->from.family,
				   .proto = connection->proto,
				   .port = connection->port };
	if (ip_is_loopback(&connection->from))
		flow->from.kind = SIM_HOST;
	ret->published = flow->to.kind == SIM_HOST ? published_at(c, connection) : NULL;
	/* From a container the way to the host is one that the evaluator knows; from outside it
	 * knows the port only as the container's. */
	if (flow->from.kind == SIM_ENDPOINT || flow->to.kind == SIM_ENDPOINT)
		return true;
	if (!ret->published || flow->from.kind == SIM_HOST)
		return false;
	flow->to = (struct sim_end){ .kind = SIM_ENDPOINT, .endpoint = ret->published->endpoint };
	flow->port = ret->published->port;
	return true;
}

static int compare_ends(const struct sim_end *a, const struct sim_end *b)
{
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->kind == SIM_ENDPOINT)
		return a->endpoint < b->endpoint ? -1 : a->endpoint > b->endpoint;
	return ip_compare(&a->addr, &b->addr);
}

static int compare_connections(const struct sim_flow *a, const struct sim_flow *b)
{
	int order = compare_ends(&a->from, &b->from);

	if (order == 0)
		order = compare_ends(&a->to, &b->to);
	if (order == 0)
		order = (int)a->family - (int)b->family;
	if (order == 0)
		order = (int)a->proto - (int)b->proto;
	return order ? order : (int)a->port - (int)b->port;
}

static int by_flow(const void *left, const void *right)
{
	const struct asked *a = left, *b = right;
	int order = compare_connections(&a->flow, &b->flow);

	return order ? order : (int)a->connection->from_port - (int)b->connection->from_port;
}

static int gather(struct cutting *c, const struct cut_facts *facts, struct arena *arena)
{
	c->asked = arena_alloc(arena, facts->connections.n * sizeof(*c->asked));
	if (!c->asked)
		return -ENOMEM;
	for (size_t i = 0; i < facts->connections.n; i++) {
		struct asked *asked = &c->asked[c->n_asked];
		asked->connection = &facts->connections.items[i];
		c->n_asked += ask_about(c, asked);
	}
	if (c->n_asked)
		qsort(c->asked, c->n_asked, sizeof(*c->asked), by_flow);
	return 0;
}

/* ---- the verdicts ---- */

/* netd's own: what Docker would drop at its begin it has let pass, since the connection is there.
 */
static int passes(const struct report_input *in, const struct sim_flow *flow, struct arena *scratch,
		  struct sim_result *result, bool *ret)
{
	const struct sim_host host = { in->world, in->policy, in->compiled, in->symbolic };
	int r = sim_flow(&host, flow, scratch, result);

	*ret = r == 0 && (result->allowed || result->by == SIM_BY_DOCKER);
	return r;
}

static int is_cut(const struct cutting *c, const struct sim_flow *flow, struct arena *scratch,
		  struct sim_result *result)
{
	bool before = false, after = false;
	int r = passes(c->in[0], flow, scratch, result, &before);

	if (r == 0 && before)
		r = passes(c->in[1], flow, scratch, result, &after);
	return r < 0 ? r : before && !after;
}

/* @endpoint NOBODY: this host, or somebody outside. */
static void add_end(struct cutting *c, cJSON *object, bool source, uint32_t endpoint,
		    const struct asked *asked)
{
	const struct sim_end *end = source ? &asked->flow.from : &asked->flow.to;
	const struct world *world = c->in[0]->world;
	bool known = endpoint != NOBODY;
	const char *name = end->kind == SIM_HOST ? "host" : NULL;

	if (known)
		name = world->containers[world->endpoints[endpoint].container].name;
	rj_text(&c->j, object, source ? "from" : "to", name);
	rj_text(&c->j, object, source ? "from_tier" : "to_tier",
		known ? report_tier_name(c->in[0], endpoint) : NULL);
	report_add_addr(&c->j, object, source ? "from_address" : "to_address",
			source ? &asked->connection->from : &asked->connection->to);
}

static uint32_t endpoint_of(const struct sim_end *end)
{
	return end->kind == SIM_ENDPOINT ? end->endpoint : NOBODY;
}

static const char *port_text(const struct asked *asked, char ret[PORT_RANGE_TEXT_LEN])
{
	uint16_t port = asked->published ? asked->published->port : asked->flow.port;
	struct port_range range = { (uint8_t)asked->flow.proto, port, port };

	if (!proto_has_ports(asked->flow.proto)) {
		range.lo = 0;
		range.hi = UINT16_MAX;
	}
	return port_range_format(&range, ret);
}

static void add_cut(struct cutting *c, const struct asked *asked, const struct sim_result *result)
{
	char text[PORT_RANGE_TEXT_LEN];

	if (c->n_cut++ >= LIMIT_CUT_LISTED)
		return;
	cJSON *object = rj_push_object(&c->j, c->list);
	add_end(c, object, true, endpoint_of(&asked->flow.from), asked);
	if (proto_has_ports(asked->flow.proto))
		rj_number(&c->j, object, "from_port", asked->connection->from_port);
	add_end(c, object, false,
		asked->published ? asked->published->endpoint : endpoint_of(&asked->flow.to),
		asked);
	rj_text(&c->j, object, "port", port_text(asked, text));
	rj_text(&c->j, object, "reason", result->reason);
	if (result->policy_rule)
		report_add_rule_place(&c->j, rj_add_object(&c->j, object, "rule"), c->in[1]->policy,
				      result->policy_rule);
}

/* Connections with one answer are asked about once. */
static int judge(struct cutting *c)
{
	size_t n_flows = 0;
	int r = 0;

	for (size_t i = 0, end; r >= 0 && i < c->n_asked; i = end) {
		CLEANUP(arena_freep) struct arena *scratch = arena_new();
		struct sim_result result;
		for (end = i + 1; end < c->n_asked; end++)
			if (compare_connections(&c->asked[i].flow, &c->asked[end].flow) != 0)
				break;
		if (n_flows++ >= LIMIT_CUT_FLOWS) {
			c->n_unjudged += end - i;
			continue;
		}
		r = scratch ? is_cut(c, &c->asked[i].flow, scratch, &result) : -ENOMEM;
		for (size_t k = i; r == 1 && k < end; k++)
			add_cut(c, &c->asked[k], &result);
	}
	return r < 0 ? r : 0;
}

int report_cut(const struct report_input *old, const struct report_input *new,
	       const struct cut_facts *facts, cJSON *plan)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct cutting c = { .in = { old, new } };
	int r = arena ? index_owners(&c, facts, arena) : -ENOMEM;

	if (r == 0)
		r = index_published(&c, arena);
	if (r == 0)
		r = gather(&c, facts, arena);
	if (r < 0)
		return r;
	cJSON *object = rj_add_object(&c.j, plan, "connections");
	c.list = rj_add_array(&c.j, object, "cut");
	r = judge(&c);
	rj_number(&c.j, object, "more",
		  c.n_cut > LIMIT_CUT_LISTED ? (double)(c.n_cut - LIMIT_CUT_LISTED) : 0);
	rj_number(&c.j, object, "not_judged", (double)(c.n_unjudged + facts->n_left_out));
	rj_text(&c.j, object, "error", *facts->error ? facts->error : NULL);
	return r < 0 || c.j.failed ? -ENOMEM : 0;
}
