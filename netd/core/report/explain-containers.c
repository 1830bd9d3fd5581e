/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a container or a compose service to an end of a flow. A container in the network of another
 * speaks through the endpoints of that one. */
#include <errno.h>
#include <string.h>

#include "core/report/explain.h"

/* Containers of a service that are asked about: they differ in their addresses alone. */
#define SERVICE_CONTAINERS 16u

typedef VEC(uint32_t) index_list;

static int fail_resolution(const char **error, const char *text)
{
	*error = text;
	return text ? REPORT_E_QUESTION : -ENOMEM;
}

int explain_host(struct explain_end *ret, const char *note)
{
	*ret = (struct explain_end){ .kind = EXPLAIN_HOST,
				     .name = "host",
				     .class = SURVEY_NONE,
				     .tier = SURVEY_NONE,
				     .note = note };
	return 0;
}

/* The tier of all endpoints, when it is one. */
static uint32_t common_tier(const struct survey *survey, const index_list *endpoints)
{
	uint32_t tier = SURVEY_NONE;

	for (size_t i = 0; i < endpoints->n; i++) {
		const struct assignment *as =
			&survey->in[0]->compiled->assignments[endpoints->items[i]];
		if (as->kind != ASSIGN_TIER || (i > 0 && as->tier != tier))
			return SURVEY_NONE;
		tier = as->tier;
	}
	return tier;
}

static int add_endpoints(const struct survey *survey, uint32_t container, struct arena *arena,
			 index_list *list)
{
	int r = 0;

	for (uint32_t e = survey->first_of[container]; e < survey->first_of[container + 1]; e++)
		if (r == 0)
			r = VEC_PUSH(arena, list, e);
	return r;
}

/* What it speaks through: its own endpoints, or those of another, which *note says. */
static int gather(const struct survey *survey, uint32_t index, struct arena *arena,
		  index_list *list, const char **note)
{
	const struct world *world = survey->world;
	const struct world_container *container = &world->containers[index];
	size_t before = list->n;
	int r = add_endpoints(survey, index, arena, list);
	int owner = r == 0 && list->n == before ? world_network_owner(world, container) : -1;

	if (owner < 0)
		return r;
	*note = arena_printf(arena,
			     "%s is in the network of %s: its packets are those of that container",
			     container->name, world->containers[owner].name);
	return *note ? add_endpoints(survey, (uint32_t)owner, arena, list) : -ENOMEM;
}

static struct explain_end end_of_container(const struct survey *survey, const char *name,
					   const index_list *list, const char *note)
{
	return (struct explain_end){ .kind = EXPLAIN_CONTAINER,
				     .name = name,
				     .endpoints = list->items,
				     .n_endpoints = list->n,
				     .class = SURVEY_NONE,
				     .tier = common_tier(survey, list),
				     .note = note };
}

int explain_endpoint(const struct survey *survey, uint32_t endpoint, struct arena *arena,
		     struct explain_end *ret)
{
	const struct world *world = survey->world;
	index_list list = { 0 };
	int r = VEC_PUSH(arena, &list, endpoint);

	if (r == 0)
		*ret = end_of_container(
			survey, world->containers[world->endpoints[endpoint].container].name, &list,
			NULL);
	return r;
}

static bool is_host_address(const struct world_container *container)
{
	return strcmp(container->network_mode, "host") == 0;
}

static int host_for(const struct world_container *container, struct arena *arena,
		    struct explain_end *ret)
{
	return explain_host(ret, arena_printf(arena,
					      "%s uses the host's own network: no packet filter "
					      "can tell it from the host",
					      container->name));
}

int explain_container(const struct survey *survey, uint32_t index, struct arena *arena,
		      struct explain_end *ret, const char **error)
{
	const struct world_container *container = &survey->world->containers[index];
	index_list list = { 0 };
	const char *note = NULL;
	int r = gather(survey, index, arena, &list, &note);

	if (r < 0)
		return r;
	if (list.n == 0 && is_host_address(container))
		return host_for(container, arena, ret);
	if (list.n == 0)
		return fail_resolution(error,
				       arena_printf(arena, "`%s` is on no network: is it running?",
						    container->name));
	*ret = end_of_container(survey, container->name, &list, note);
	return 0;
}

/* ---- compose services ---- */

static bool is_of(const struct world_container *container, const char *project, size_t len,
		  const char *service)
{
	const char *own = world_label_value(container, COMPILE_LABEL_PROJECT);
	const char *name = world_label_value(container, COMPILE_LABEL_SERVICE);

	if (!name || strcmp(name, service) != 0)
		return false;
	return !project || (own && strlen(own) == len && memcmp(own, project, len) == 0);
}

static const char *project_of(const struct world_container *container)
{
	const char *project = world_label_value(container, COMPILE_LABEL_PROJECT);

	return project ? project : "";
}

/* The containers of `service` or `project/service`. */
static int find_service(const struct survey *survey, const char *name, struct arena *arena,
			index_list *ret)
{
	const struct world *world = survey->world;
	const char *slash = strchr(name, '/');
	int r = 0;

	for (uint32_t i = 0; i < world->n_containers && !survey->in[0]->symbolic && r == 0; i++)
		if (is_of(&world->containers[i], slash ? name : NULL,
			  slash ? (size_t)(slash - name) : 0, slash ? slash + 1 : name))
			r = VEC_PUSH(arena, ret, i);
	return r;
}

/* Of two projects: *error says so. */
static int check_one_project(const struct world *world, const char *name, const index_list *found,
			     struct arena *arena, const char **error)
{
	const char *first = project_of(&world->containers[found->items[0]]);

	for (size_t i = 1; i < found->n; i++) {
		const char *other = project_of(&world->containers[found->items[i]]);
		if (strcmp(first, other) != 0)
			return fail_resolution(
				error, arena_printf(arena,
						    "the projects `%s` and `%s` both have a "
						    "service `%s`: ask for service:%s/%s",
						    first, other, name, first, name));
	}
	return 0;
}

int explain_service(const struct survey *survey, const char *name, struct arena *arena,
		    struct explain_end *ret, const char **error)
{
	index_list found = { 0 }, list = { 0 };
	const struct world *world = survey->world;
	const char *note = NULL;
	int r = find_service(survey, name, arena, &found);

	if (r == 0 && found.n == 0)
		return -ENOENT;
	if (r == 0)
		r = check_one_project(world, name, &found, arena, error);
	for (size_t i = 0; i < found.n && i < SERVICE_CONTAINERS && r == 0; i++)
		r = gather(survey, found.items[i], arena, &list, &note);
	if (r)
		return r;
	if (list.n == 0 && is_host_address(&world->containers[found.items[0]]))
		return host_for(&world->containers[found.items[0]], arena, ret);
	if (list.n == 0)
		return fail_resolution(
			error,
			arena_printf(arena, "the service `%s` is on no network: is it running?",
				     name));
	if (found.n > SERVICE_CONTAINERS)
		note = arena_printf(arena, "%s has %zu containers: %u of them were asked about",
				    name, found.n, SERVICE_CONTAINERS);
	if (found.n > SERVICE_CONTAINERS && !note)
		return -ENOMEM;
	*ret = end_of_container(survey, name, &list, note);
	ret->alike = found.n > 1;
	return 0;
}

const char *explain_joined_note(const struct survey *survey, uint32_t tier, struct arena *arena)
{
	const struct world *world = survey->world;
	const struct policy_tier *named = &survey->in[0]->policy->tiers[tier];

	for (uint32_t i = 0; i < world->n_containers && !survey->in[0]->symbolic; i++) {
		const struct world_container *container = &world->containers[i];
		int owner = world_network_owner(world, container);
		for (size_t m = 0; m < named->n_matches && owner >= 0; m++)
			if (compile_names_container(named, &named->matches[m], container))
				return arena_printf(arena,
						    "%s is in the network of %s, and so in its "
						    "tier: ask about that one",
						    container->name, world->containers[owner].name);
	}
	return "";
}
