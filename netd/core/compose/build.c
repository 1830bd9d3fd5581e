/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The plan, step by step, and the world it comes to. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/compose/plan.h"
#include "core/world/facts.h"

static int make_plan(struct compose *c, struct assembly *plan)
{
	static int (*const steps[])(struct compose *, struct assembly *) = {
		compose_plan_services,	 compose_plan_networks,	 compose_plan_ports,
		compose_plan_containers, compose_plan_endpoints, compose_plan_addresses,
	};
	size_t errors = c->diags->n_errors;
	int r = 0;

	for (size_t i = 0; i < ARRAY_LEN(steps) && r == 0 && !c->stopped; i++) {
		/* Addresses of a plan with holes would be wrong in ways of their own. */
		if (steps[i] == compose_plan_endpoints && c->diags->n_errors != errors)
			break;
		r = steps[i](c, plan);
	}
	for (size_t i = 0; i < plan->services.n; i++)
		compose_check_dangers(c, &plan->services.items[i]);
	return r;
}

static struct world_network build_network(const struct plan_network *network)
{
	const struct draft_network *draft = network->draft;
	struct world_network built = {
		.name = network->name,
		.driver = network->driver,
		.internal = draft && draft->internal.value,
		.icc = !draft || !draft->icc.set || draft->icc.value,
		.subnets = network->subnets.items,
		.n_subnets = network->subnets.n,
		.gateways = network->gateways.items,
		.n_gateways = network->gateways.n,
	};

	for (size_t i = 0; draft && i < ARRAY_LEN(built.modes); i++)
		if (draft->modes[i].text)
			(void)world_gateway_mode_parse(draft->modes[i].text, &built.modes[i]);
	memcpy(built.id, network->id, sizeof(built.id));
	memcpy(built.bridge, network->bridge, sizeof(built.bridge));
	return built;
}

static struct world_container build_container(const struct plan_container *container,
					      const struct plan_service *service)
{
	struct world_container built = {
		.name = container->name,
		.image = service->image,
		.network_mode = service->network_mode ? service->network_mode : "",
		.labels = service->labels,
		.n_labels = service->n_labels,
		.published = service->published,
		.n_published = service->n_published,
		.traits = service->traits,
		.inspected = true,
		.known = true,
	};

	memcpy(built.id, container->id, sizeof(built.id));
	return built;
}

/* The parts of a world, still writable. */
struct parts {
	struct world_network *networks;
	struct world_container *containers;
	struct world_endpoint *endpoints;
	struct source_loc *places;
	const char **services;
};

static void fill_parts(const struct assembly *plan, const struct parts *parts)
{
	for (size_t i = 0; i < plan->networks.n; i++)
		parts->networks[i] = build_network(&plan->networks.items[i]);
	for (size_t i = 0; i < plan->containers.n; i++) {
		const struct plan_container *one = &plan->containers.items[i];
		const struct plan_service *service = &plan->services.items[one->service];
		parts->containers[i] = build_container(one, service);
		parts->places[i] = service->draft->loc;
		parts->services[i] = service->draft->name;
	}
	for (size_t i = 0; i < plan->endpoints.n; i++) {
		const struct plan_endpoint *one = &plan->endpoints.items[i];
		const char *priority =
			one->link->attachment ? one->link->attachment->gw_priority.text : NULL;
		parts->endpoints[i] = (struct world_endpoint){
			.gw_priority = priority ? (int32_t)strtol(priority, NULL, 10) : 0,
			.container = one->container,
			.network = one->network,
			.ipv4 = one->ipv4,
			.ipv6 = one->ipv6,
			.mac = one->mac,
		};
	}
}

/* A network may say at which address of the host a port is published that names none; over IPv6 it
 * is at none then. */
static int bind_ports(const struct assembly *plan, const struct world *world, struct arena *arena,
		      struct world_container *containers)
{
	for (uint32_t c = 0; c < world->n_containers; c++) {
		struct world_container *one = &containers[c];
		uint32_t at = world_publisher(world, c, IP_V4);
		const struct draft_network *network =
			at == WORLD_NO_ENDPOINT
				? NULL
				: plan->networks.items[world->endpoints[at].network].draft;
		struct ip_addr host;
		size_t kept = 0;
		if (!network || !network->binding.text || one->n_published == 0 ||
		    ip_parse(network->binding.text, &host) < 0 || host.family != IP_V4 ||
		    ip_is_unspecified(&host))
			continue;
		struct world_published *ports =
			arena_dup(arena, one->published, one->n_published * sizeof(*ports));
		if (!ports)
			return -ENOMEM;
		for (size_t i = 0; i < one->n_published; i++) {
			if (ports[i].anywhere && ports[i].host_ip.family == IP_V6)
				continue;
			ports[kept] = ports[i];
			if (ports[kept].anywhere)
				ports[kept].host_ip = host;
			kept++;
		}
		one->published = ports;
		one->n_published = world_sort_published(ports, kept);
	}
	return 0;
}

static int give_dns(const struct assembly *plan, struct arena *arena,
		    struct world_container *containers)
{
	for (size_t i = 0; i < plan->containers.n; i++) {
		const struct plan_service *service =
			&plan->services.items[plan->containers.items[i].service];
		const struct draft_texts *texts = &service->draft->dns;
		struct ip_addr *dns = arena_alloc(arena, texts->n * sizeof(*dns));
		if (!dns)
			return -ENOMEM;
		containers[i].dns = dns;
		for (size_t t = 0; t < texts->n; t++)
			if (ip_parse(texts->items[t].text, &dns[containers[i].n_dns]) == 0)
				containers[i].n_dns++;
	}
	return 0;
}

static int build_world(struct compose *c, const struct assembly *plan, struct compose_project *ret)
{
	struct parts parts = {
		arena_alloc(c->arena, plan->networks.n * sizeof(*parts.networks)),
		arena_alloc(c->arena, plan->containers.n * sizeof(*parts.containers)),
		arena_alloc(c->arena, plan->endpoints.n * sizeof(*parts.endpoints)),
		arena_alloc(c->arena, plan->containers.n * sizeof(*parts.places)),
		arena_alloc(c->arena, plan->containers.n * sizeof(*parts.services)),
	};
	struct world *world = arena_alloc(c->arena, sizeof(*world));

	if (!world || !parts.networks || !parts.containers || !parts.endpoints || !parts.places ||
	    !parts.services)
		return -ENOMEM;
	fill_parts(plan, &parts);
	*world = (struct world){ .networks = parts.networks,
				 .n_networks = plan->networks.n,
				 .containers = parts.containers,
				 .n_containers = plan->containers.n,
				 .endpoints = parts.endpoints,
				 .n_endpoints = plan->endpoints.n };
	int r = bind_ports(plan, world, c->arena, parts.containers);
	if (r == 0)
		r = give_dns(plan, c->arena, parts.containers);
	if (r < 0)
		return r;
	*ret = (struct compose_project){ c->variables.project, world, parts.places,
					 parts.services };
	return 0;
}

int compose_build(struct compose *c, struct compose_project *ret)
{
	size_t errors = c->diags->n_errors;
	struct assembly plan = { 0 };
	int r = make_plan(c, &plan);

	return r || c->diags->n_errors != errors ? r : build_world(c, &plan, ret);
}
