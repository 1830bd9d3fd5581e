/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which tier each service of a compose project is in: what validate says beside its findings. */
#include <stdio.h>
#include <string.h>

#include "ctl/out-text.h"

#define SHOWN_PORTS 40 /* more would hide the findings above them */

static const char *tier_text(const struct report_input *in, const struct assignment *as,
			     struct arena *arena)
{
	const struct policy *policy = in->policy;
	const char *text = NULL;

	if (as->kind == ASSIGN_TIER)
		return policy->tiers[as->tier].name;
	if (as->kind == ASSIGN_CONFLICT)
		text = arena_printf(arena, "- (conflict: %s, %s)", policy->tiers[as->tier].name,
				    policy->tiers[as->other_tier].name);
	else if (as->kind == ASSIGN_QUARANTINED)
		text = arena_printf(arena, "- (quarantined: short of %s)",
				    policy->tiers[as->tier].name);
	else
		text = arena_printf(arena, "- (%s)", assign_kind_name(as->kind));
	return text ? text : "";
}

static void add_row(struct table *table, const struct input_facts *facts, size_t container,
		    const char *network, const char *tier)
{
	const char *row[] = { facts->services[container], network, tier };

	table_row(table, row, *tier == '-' ? PAINT_WARN : PAINT_PLAIN);
}

/* A service without a network of its own. */
static void add_without(struct table *table, const struct input_facts *facts, size_t container,
			struct arena *arena)
{
	const struct world_container *one = &facts->world->containers[container];
	int owner = world_network_owner(facts->world, one);
	const char *text = owner >= 0
				   ? arena_printf(arena, "(that of %s)", facts->services[owner])
				   : arena_printf(arena, "(network_mode: %s)", one->network_mode);

	if (text)
		add_row(table, facts, container, text, owner >= 0 ? text : "-");
}

/* The first of the containers of a service stands for the others: they stand side by side. */
static bool is_first(const struct input_facts *facts, size_t container)
{
	return container == 0 ||
	       strcmp(facts->services[container], facts->services[container - 1]) != 0;
}

void show_placement(const struct ctl *ctl, const struct report_input *in,
		    const struct input_facts *facts)
{
	static const char *const columns[] = { "SERVICE", "NETWORK", "TIER" };
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct table *table = table_new(ctl, columns, ARRAY_LEN(columns));
	const struct world *world = facts->world;

	for (size_t c = 0, e = 0; arena && c < world->n_containers; c++) {
		size_t before = e;
		for (; e < world->n_endpoints && world->endpoints[e].container == c; e++)
			if (is_first(facts, c))
				add_row(table, facts, c,
					world->networks[world->endpoints[e].network].name,
					tier_text(in, &in->compiled->assignments[e], arena));
		if (e == before && is_first(facts, c))
			add_without(table, facts, c, arena);
	}
	table_print(table);
	(void)putchar('\n');
}

void show_placement_ports(const struct ctl *ctl, const cJSON *ports,
			  const struct input_facts *facts)
{
	cJSON *shown = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(shown, "ports");
	const cJSON *port;
	size_t n = 0;

	cJSON_ArrayForEach(port, wire_array(ports, "ports")) {
		int container = world_find_container(facts->world, member_text(port, "container"));
		if (container < 0 || !is_first(facts, (size_t)container))
			continue;
		if (n++ < SHOWN_PORTS)
			(void)cJSON_AddItemToArray(list, cJSON_Duplicate(port, true));
	}
	if (n)
		show_ports(ctl, shown);
	if (n > SHOWN_PORTS)
		printf("... and %zu more: use --format json to see them\n", n - SHOWN_PORTS);
	if (n)
		(void)putchar('\n');
	cJSON_Delete(shown);
}

cJSON *list_placement(const struct report_input *in)
{
	const struct world *world = in->world;
	cJSON *list = cJSON_CreateArray();

	for (size_t e = 0; e < world->n_endpoints; e++) {
		const struct world_endpoint *endpoint = &world->endpoints[e];
		const struct assignment *as = &in->compiled->assignments[e];
		cJSON *object = cJSON_CreateObject();
		(void)cJSON_AddStringToObject(object, "container",
					      world->containers[endpoint->container].name);
		(void)cJSON_AddStringToObject(object, "network",
					      world->networks[endpoint->network].name);
		if (as->kind == ASSIGN_TIER)
			(void)cJSON_AddStringToObject(object, "tier",
						      in->policy->tiers[as->tier].name);
		else
			(void)cJSON_AddNullToObject(object, "tier");
		(void)cJSON_AddStringToObject(object, "state", assign_kind_name(as->kind));
		(void)cJSON_AddItemToArray(list, object);
	}
	return list;
}
