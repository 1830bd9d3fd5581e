/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The plan, step by step, and the world it comes to. */
#include <string.h>

#include "core/compose/plan.h"

static void make_plan(struct compose *c, struct assembly *plan)
{
	static void (*const steps[])(struct compose *, struct assembly *) = {
		compose_plan_services,	compose_plan_networks,	compose_plan_containers,
		compose_plan_endpoints, compose_plan_addresses,
	};
	size_t errors = c->diags->n_errors;

	for (size_t i = 0; i < ARRAY_LEN(steps) && !c->stopped; i++) {
		/* Addresses of a plan with holes would be wrong in ways of their own. */
		if (steps[i] == compose_plan_endpoints && c->diags->n_errors != errors)
			break;
		steps[i](c, plan);
	}
	for (size_t i = 0; i < plan->services.n; i++) {
		compose_check_dangers(c, &plan->services.items[i]);
		compose_settle_posture(c, &plan->services.items[i]);
	}
}

/* The parts of a world, still writable. */
struct parts {
	struct world *world;
	struct world_network *networks;
	struct world_container *containers;
	struct world_endpoint *endpoints;
	struct source_loc *places;
	const char **services;
	const struct source_loc **posture_places;
};

static void fill_parts(const struct assembly *plan, const struct parts *parts)
{
	for (size_t i = 0; i < plan->networks.n; i++) {
		const struct plan_network *one = &plan->networks.items[i];
		struct world_network *facts = &parts->networks[i];
		*facts = one->facts;
		facts->subnets = one->subnets.items;
		facts->n_subnets = one->subnets.n;
		facts->gateways = one->gateways.items;
		facts->n_gateways = one->gateways.n;
	}
	for (size_t i = 0; i < plan->containers.n; i++) {
		const struct plan_container *one = &plan->containers.items[i];
		parts->containers[i] = one->service->facts;
		parts->containers[i].name = one->name;
		compose_make_id("container", one->name, parts->containers[i].id);
		parts->places[i] = one->service->draft->loc;
		parts->services[i] = one->service->draft->name;
		parts->posture_places[i] = one->service->posture_places;
	}
	for (size_t i = 0; i < plan->endpoints.n; i++)
		parts->endpoints[i] = plan->endpoints.items[i].facts;
}

static void build_world(struct compose *c, struct assembly *plan, struct compose_project *ret)
{
	struct parts parts = {
		compose_alloc(c, sizeof(*parts.world)),
		compose_alloc(c, plan->networks.n * sizeof(*parts.networks)),
		compose_alloc(c, plan->containers.n * sizeof(*parts.containers)),
		compose_alloc(c, plan->endpoints.n * sizeof(*parts.endpoints)),
		compose_alloc(c, plan->containers.n * sizeof(*parts.places)),
		compose_alloc(c, plan->containers.n * sizeof(*parts.services)),
		compose_alloc(c, plan->containers.n * sizeof(*parts.posture_places)),
	};

	if (c->stopped)
		return;
	fill_parts(plan, &parts);
	*parts.world = (struct world){ .networks = parts.networks,
				       .n_networks = plan->networks.n,
				       .containers = parts.containers,
				       .n_containers = plan->containers.n,
				       .endpoints = parts.endpoints,
				       .n_endpoints = plan->endpoints.n };
	compose_plan_ports(c, plan, parts.world, parts.containers);
	*ret = (struct compose_project){ c->variables.project, parts.world, parts.places,
					 parts.services, parts.posture_places };
}

void compose_build(struct compose *c, struct compose_project *ret)
{
	size_t errors = c->diags->n_errors;
	struct assembly plan = { 0 };

	make_plan(c, &plan);
	if (c->diags->n_errors == errors && !c->stopped)
		build_world(c, &plan, ret);
	else
		compose_plan_ports(c, &plan, NULL, NULL);
}
