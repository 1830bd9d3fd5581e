/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/flow/whom.h"

#include <errno.h>
#include <string.h>

#include "core/base/hash.h"

#define NOBODY UINT32_MAX
#define THIS_HOST (UINT32_MAX - 1)

/* Who has an address. */
struct whom_owner {
	struct ip_addr addr;
	uint32_t endpoint; /* or THIS_HOST */
	uint32_t next;
};

struct whom_published {
	uint8_t proto; /* IANA number */
	uint16_t host_port, port;
	struct ip_addr host_ip;
	uint32_t endpoint;
	uint32_t next;
};

struct whom_subnet {
	struct ip_prefix prefix;
	uint32_t network;
};

struct flow_whom {
	struct flow_facts facts;
	VEC(struct whom_owner) owners;
	VEC(struct whom_published) published;
	VEC(struct whom_subnet) subnets;
	uint32_t *by_addr, *by_port, *by_id; /* buckets: place + 1 */
	uint32_t *next_of_id;		     /* per endpoint: place + 1 */
	uint32_t n_buckets;
};

static uint32_t hash(const void *bytes, size_t len)
{
	uint64_t h = hash_add(HASH_BEGIN, bytes, len);

	return (uint32_t)(h ^ h >> 32);
}

/* ---- building ---- */

static uint32_t *bucket_of_addr(const struct flow_whom *whom, const struct ip_addr *addr)
{
	return &whom->by_addr[hash(addr, sizeof(*addr)) % whom->n_buckets];
}

static uint32_t *bucket_of_port(const struct flow_whom *whom, uint8_t proto, uint16_t port)
{
	return &whom->by_port[(proto * 65599u + port) % whom->n_buckets];
}

static uint32_t *bucket_of_id(const struct flow_whom *whom, const char *id)
{
	return &whom->by_id[hash(id, strlen(id)) % whom->n_buckets];
}

static int add_owner(struct flow_whom *whom, const struct ip_addr *addr, uint32_t endpoint,
		     struct arena *arena)
{
	if (!addr->family)
		return 0;
	uint32_t *bucket = bucket_of_addr(whom, addr);
	int r = VEC_PUSH(arena, &whom->owners, (struct whom_owner){ *addr, endpoint, *bucket });

	if (r == 0)
		*bucket = (uint32_t)whom->owners.n;
	return r;
}

static const struct world_network *network_of(const struct flow_whom *whom, uint32_t endpoint)
{
	const struct world *world = whom->facts.world;

	return &world->networks[world->endpoints[endpoint].network];
}

/* The first managed endpoint of each container answers for its ports. */
static int add_published(struct flow_whom *whom, uint32_t endpoint, struct arena *arena)
{
	const struct world *world = whom->facts.world;
	const struct world_container *container =
		&world->containers[world->endpoints[endpoint].container];
	int r = 0;

	for (size_t i = 0; i < container->n_published && r == 0; i++) {
		const struct world_published *from = &container->published[i];
		uint8_t proto = proto_number((enum ip_proto)from->port.proto);
		uint32_t *bucket = bucket_of_port(whom, proto, from->host_port);
		if (!from->host_port)
			continue;
		r = VEC_PUSH(arena, &whom->published,
			     (struct whom_published){ proto, from->host_port, from->port.lo,
						      from->host_ip, endpoint, *bucket });
		if (r == 0)
			*bucket = (uint32_t)whom->published.n;
	}
	return r;
}

static int add_endpoints(struct flow_whom *whom, struct arena *arena)
{
	const struct world *world = whom->facts.world;
	uint32_t last = NOBODY;
	int r = 0;

	for (uint32_t i = 0; i < world->n_endpoints && r == 0; i++) {
		const struct world_endpoint *endpoint = &world->endpoints[i];
		if (!world_network_is_managed(network_of(whom, i)))
			continue;
		r = add_owner(whom, &endpoint->ipv4, i, arena);
		if (r == 0)
			r = add_owner(whom, &endpoint->ipv6, i, arena);
		if (r == 0 && endpoint->container != last)
			r = add_published(whom, i, arena);
		last = endpoint->container;
		uint32_t *bucket = bucket_of_id(whom, world->containers[last].id);
		whom->next_of_id[i] = *bucket;
		*bucket = i + 1;
	}
	return r;
}

static int add_networks(struct flow_whom *whom, struct arena *arena)
{
	const struct world *world = whom->facts.world;
	int r = 0;

	for (uint32_t n = 0; n < world->n_networks && r == 0; n++) {
		const struct world_network *network = &world->networks[n];
		if (!world_network_is_managed(network))
			continue;
		for (size_t i = 0; i < network->n_gateways && r == 0; i++)
			r = add_owner(whom, &network->gateways[i], THIS_HOST, arena);
		for (size_t i = 0; i < network->n_subnets && r == 0; i++)
			r = VEC_PUSH(arena, &whom->subnets,
				     (struct whom_subnet){ network->subnets[i], n });
	}
	return r;
}

static int add_host(struct flow_whom *whom, const struct ip_addr *addrs, size_t n,
		    struct arena *arena)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++)
		r = add_owner(whom, &addrs[i], THIS_HOST, arena);
	return r;
}

int flow_whom_new(const struct flow_facts *facts, struct arena *arena, struct flow_whom **ret)
{
	const struct world *world = facts->world;
	struct flow_whom *whom = arena_alloc(arena, sizeof(*whom));

	if (!whom)
		return -ENOMEM;
	whom->facts = *facts;
	whom->n_buckets = (uint32_t)(2 * world->n_endpoints) + 64;
	whom->by_addr = arena_alloc(arena, whom->n_buckets * sizeof(*whom->by_addr));
	whom->by_port = arena_alloc(arena, whom->n_buckets * sizeof(*whom->by_port));
	whom->by_id = arena_alloc(arena, whom->n_buckets * sizeof(*whom->by_id));
	whom->next_of_id = arena_alloc(arena, world->n_endpoints * sizeof(*whom->next_of_id));
	if (!whom->by_addr || !whom->by_port || !whom->by_id || !whom->next_of_id)
		return -ENOMEM;
	/* Of two who have an address the later one counts: containers before gateways. */
	int r = add_host(whom, world->host_addrs, world->n_host_addrs, arena);
	if (r == 0)
		r = add_host(whom, facts->host, facts->n_host, arena);
	if (r == 0)
		r = add_networks(whom, arena);
	if (r == 0)
		r = add_endpoints(whom, arena);
	if (r == 0)
		*ret = whom;
	return r;
}

/* ---- asking ---- */

static uint32_t owner_of(const struct flow_whom *whom, const struct ip_addr *addr)
{
	for (uint32_t i = *bucket_of_addr(whom, addr); i; i = whom->owners.items[i - 1].next)
		if (ip_compare(&whom->owners.items[i - 1].addr, addr) == 0)
			return whom->owners.items[i - 1].endpoint;
	return NOBODY;
}

static const char *tier_of(const struct flow_whom *whom, uint32_t endpoint)
{
	const struct assignment *as =
		whom->facts.compiled ? &whom->facts.compiled->assignments[endpoint] : NULL;

	return as && as->kind == ASSIGN_TIER ? whom->facts.policy->tiers[as->tier].name : "";
}

struct flow_end flow_whom_endpoint(const struct flow_whom *whom, uint32_t endpoint,
				   const struct ip_addr *addr)
{
	const struct world *world = whom->facts.world;
	const struct world_endpoint *of = &world->endpoints[endpoint];
	const struct world_container *container = &world->containers[of->container];
	struct flow_end end = { .kind = FLOW_CONTAINER,
				.sandbox = container->kind,
				.id = container->id,
				.name = container->name,
				.network = world->networks[of->network].name,
				.tier = tier_of(whom, endpoint),
				.image = "",
				.labels = "",
				.container = container };

	end.addr = addr->family ? *addr : of->ipv4.family ? of->ipv4 : of->ipv6;
	end.len = (uint8_t)(8 * ip_len(&end.addr));
	return end;
}

struct flow_end flow_whom_at(const struct flow_whom *whom, const struct ip_addr *addr)
{
	uint32_t owner = addr->family ? owner_of(whom, addr) : NOBODY;

	if (owner == THIS_HOST || ip_is_loopback(addr))
		return flow_end_at(FLOW_HOST, addr);
	if (owner != NOBODY)
		return flow_whom_endpoint(whom, owner, addr);
	for (size_t i = 0; i < whom->subnets.n; i++)
		if (ip_in_prefix(addr, &whom->subnets.items[i].prefix))
			return flow_end_at(FLOW_NOBODY, addr);
	return addr->family ? flow_outside(addr) : flow_end_at(FLOW_NOBODY, addr);
}

bool flow_whom_is_managed(const struct flow_end *end)
{
	return end->kind == FLOW_CONTAINER || end->kind == FLOW_NOBODY;
}

/* The port that docker-proxy takes for a container, or NULL. */
static const struct whom_published *published_at(const struct flow_whom *whom,
						 const struct flow_tuple *tuple)
{
	uint32_t i = *bucket_of_port(whom, tuple->proto, tuple->sent_port);

	for (; i; i = whom->published.items[i - 1].next) {
		const struct whom_published *at = &whom->published.items[i - 1];
		if (at->proto == tuple->proto && at->host_port == tuple->sent_port &&
		    at->host_ip.family == tuple->sent_to.family &&
		    (ip_is_unspecified(&at->host_ip) ||
		     ip_compare(&at->host_ip, &tuple->sent_to) == 0))
			return at;
	}
	return NULL;
}

bool flow_whom_tuple(const struct flow_whom *whom, const struct flow_tuple *tuple, struct flow *ret)
{
	static const struct ip_addr untold = { 0 };
	struct flow flow = { .from = flow_whom_at(whom, &tuple->from),
			     .to = flow_whom_at(whom, &tuple->to),
			     .proto = tuple->proto,
			     .port = tuple->port,
			     .verdict = FLOW_ALLOWED,
			     .place = "",
			     .count = 1 };
	const struct whom_published *proxied =
		flow.to.kind == FLOW_HOST && tuple->sent_port ? published_at(whom, tuple) : NULL;

	if (proxied) {
		flow.to = flow_whom_endpoint(whom, proxied->endpoint, &untold);
		flow.port = proxied->port;
		flow.host_port = tuple->sent_port;
	} else if (tuple->sent_port && ip_compare(&tuple->sent_to, &tuple->to) != 0) {
		flow.host_port = tuple->sent_port;
	}
	*ret = flow;
	return flow_whom_is_managed(&flow.from) || flow_whom_is_managed(&flow.to);
}

uint32_t flow_whom_find(const struct flow_whom *whom, const struct flow_end *end)
{
	const struct world *world = whom->facts.world;

	if (end->kind != FLOW_CONTAINER)
		return NOBODY;
	for (uint32_t i = *bucket_of_id(whom, end->id); i; i = whom->next_of_id[i - 1])
		if (strcmp(world->containers[world->endpoints[i - 1].container].id, end->id) == 0 &&
		    strcmp(network_of(whom, i - 1)->name, end->network) == 0)
			return i - 1;
	return NOBODY;
}

static const char *why_no_tier(const struct flow_whom *whom, const struct flow_end *end)
{
	const struct compile_output *compiled = whom->facts.compiled;
	uint32_t endpoint = compiled ? flow_whom_find(whom, end) : NOBODY;

	return assign_kind_name(endpoint == NOBODY ? ASSIGN_UNMATCHED
						   : compiled->assignments[endpoint].kind);
}

const char *flow_whom_group(const struct flow_whom *whom, const struct flow_end *end)
{
	const char *zone = flow_zone_name(end->zone);

	switch (end->kind) {
	case FLOW_CONTAINER:
		return *end->tier ? end->tier : why_no_tier(whom, end);
	case FLOW_HOST:
		return "host";
	case FLOW_OUTSIDE:
		return zone ? zone : "nobody";
	case FLOW_NOBODY:
		break;
	}
	return "nobody";
}

/* ---- through which port of this host ---- */

bool flow_whom_passed(const struct flow_whom *whom, const struct flow_store *store,
		      const struct flow *flow)
{
	const struct world *world = whom->facts.world;
	uint32_t to = flow_whom_find(whom, &flow->to);
	struct flow through = *flow;

	if (flow_store_passed(store, flow))
		return true;
	for (size_t i = 0; to != NOBODY && i < whom->published.n; i++) {
		const struct whom_published *at = &whom->published.items[i];
		through.host_port = at->host_port;
		if (at->proto == flow->proto && at->port == flow->port &&
		    world->endpoints[at->endpoint].container == world->endpoints[to].container &&
		    flow_store_passed(store, &through))
			return true;
	}
	return false;
}
