/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What every reader that makes a struct world promises. */
#pragma once

#include "core/report/report.h"
#include "core/world/facts.h"
#include "core/world/world-store.h"
#include "tests/fuzz/fuzz.h"

static inline void fuzz_free_store(struct world_store **store)
{
	*store = world_store_free(*store);
}

static inline void fuzz_check_orders(const struct world *world)
{
	for (size_t i = 1; i < world->n_networks; i++)
		assert(strcmp(world->networks[i - 1].name, world->networks[i].name) <= 0);
	for (size_t i = 1; i < world->n_containers; i++)
		assert(strcmp(world->containers[i - 1].name, world->containers[i].name) <= 0);
	for (size_t i = 1; i < world->n_endpoints; i++) {
		const struct world_endpoint *a = &world->endpoints[i - 1], *b = a + 1;
		assert(a->container < b->container ||
		       (a->container == b->container && a->network < b->network));
	}
}

static inline void fuzz_check_compiles_with(const struct world *world, const char *text)
{
	const struct policy_source source = { "p.yaml", text, strlen(text) };
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	const struct policy *policy = NULL;
	struct report_input in;
	struct diag_list diags;

	diag_init(&diags, arena);
	int r = policy_parse(&source, 1, arena, &diags, &policy);
	assert(r == 0);
	r = report_complete_world(world, arena, &world);
	assert(r == 0);
	r = report_prepare(&policy, 1, world, 1, arena, &in);
	assert(r == 0);
	report_check_world(&in, "host.json", NULL, &diags);
	fuzz_check_diags(&diags, diags.n_errors == 0);
}

/* A policy that every container is of can be compiled and checked for it, and one that some are of,
 * others not, and some twice. */
static inline void fuzz_check_compiles(const struct world *world)
{
	fuzz_check_compiles_with(world,
				 "version: 1\ntiers: {all: {match: [{network: '*'}]}}\n"
				 "allow: [{from: internet, to: all}, {from: all, to: host}]\n");
	fuzz_check_compiles_with(
		world, "version: 1\ntiers:\n"
		       "  web: {match: [{label: {tier: web}}, {network: 'l*'}]}\n"
		       "  app: {match: [{label: {tier: app}}, {network: 'd*'}], mode: audit}\n"
		       "allow: [{from: web, to: app}, {from: lan, to: web, ports: [80/tcp]}]\n");
}

/* Its inventory is taken, and printed the same again. The print: the caller's to free. */
static inline char *fuzz_check_world(const struct world *world)
{
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	char *printed = world_print_inventory(world);
	const struct world *again = NULL;
	const char *error = NULL;

	assert(printed);
	fuzz_check_orders(world);
	for (size_t i = 0; i < world->n_endpoints; i++) {
		const struct world_endpoint *endpoint = &world->endpoints[i];
		assert(endpoint->container < world->n_containers);
		assert(endpoint->network < world->n_networks);
		assert(endpoint->ipv4.family == IP_NONE || world_address_possible(&endpoint->ipv4));
		assert(endpoint->ipv6.family == IP_NONE || world_address_possible(&endpoint->ipv6));
	}
	int r = world_parse_inventory(printed, strlen(printed), arena, &again, &error);
	assert(r == 0);
	char *printed_again CLEANUP(free_ptr) = world_print_inventory(again);
	assert(printed_again && strcmp(printed, printed_again) == 0);
	return printed;
}
