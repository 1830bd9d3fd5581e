/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Those that flows name and that are not there any more: the job of last night, the sandbox of a
 * build. They are put back into the world, as an inventory would tell of them, so that one
 * evaluator judges them as it judges all others. What they were is kept with the flows; where it is
 * not, as in flows of an older netd, it is read off their names. */
#include "core/suggest/gone.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/limits.h"
#include "core/flow/labels.h"

/* How their ids begin, which no id of Docker's does. */
#define GONE_ID "gone-"

struct gone {
	const char *name, *image, *labels;
	enum world_kind kind;
	struct suggest_service of; /* service NULL: it is not compose's, or nobody knows */
	VEC(const char *) networks;
};

struct gone_list {
	struct arena *arena;
	const struct world *world;
	VEC(struct gone) items;
	VEC(const char *) networks; /* that are gone, too */
	cJSON *json;
};

/* ---- what a name tells ---- */

/* The project of some container that the name begins with, followed by one of compose's separators.
 * Of several the longest. */
static const char *find_project(const struct world *world, const char *name, const char **ret_rest)
{
	const char *best = NULL;
	size_t best_len = 0;

	for (size_t i = 0; i < world->n_containers; i++) {
		const char *project =
			suggest_own_label(&world->containers[i], COMPILE_LABEL_PROJECT);
		size_t len = project ? strlen(project) : 0;
		if (len <= best_len || strncmp(name, project, len) != 0 || !name[len] ||
		    !strchr("-_", name[len]))
			continue;
		best = project;
		best_len = len;
		*ret_rest = name + len + 1;
	}
	return best;
}

/* How much of "backup-1", "backup-run-0a1b2c3d4e5f" is the service; 0: it is of neither form. */
static size_t service_len(const char *rest)
{
	static const char digits[] = "0123456789", hex[] = "0123456789abcdef";
	size_t len = strlen(rest), tail = 0;

	while (tail < len && strchr(hex, rest[len - tail - 1]))
		tail++;
	if (tail == 0 || tail + 1 >= len || !strchr("-_", rest[len - tail - 1]))
		return 0;
	size_t before = len - tail - 1;
	if (tail == 12 && before > 4 && strchr("-_", rest[before - 4]) &&
	    strncmp(rest + before - 3, "run", 3) == 0)
		return before - 4;
	return strspn(rest + len - tail, digits) == tail ? before : 0;
}

bool suggest_read_name(const struct world *world, const char *name, struct arena *arena,
		       struct suggest_service *ret)
{
	const char *rest = NULL;
	const char *project = find_project(world, name, &rest);
	size_t len = project ? service_len(rest) : 0;

	*ret = (struct suggest_service){ project, len ? arena_strndup(arena, rest, len) : NULL };
	return ret->service;
}

static const char *find_label(const char *labels, const char *key, struct arena *arena)
{
	struct flow_label label;

	while (flow_labels_next(&labels, &label))
		if (label.key_len == strlen(key) && memcmp(label.key, key, label.key_len) == 0)
			return arena_strndup(arena, label.value, label.value_len);
	return NULL;
}

/* By its labels, or else by its name. */
static bool read_service(const struct world *world, const struct flow_end *end, struct arena *arena,
			 struct suggest_service *ret)
{
	ret->project = find_label(end->labels, COMPILE_LABEL_PROJECT, arena);
	ret->service = find_label(end->labels, COMPILE_LABEL_SERVICE, arena);
	if (ret->project && ret->service)
		return true;
	return suggest_read_name(world, end->name, arena, ret);
}

/* ---- who stands for it ---- */

static int find_by_id(const struct world *world, const char *id)
{
	for (size_t i = 0; *id && i < world->n_containers; i++)
		if (strcmp(world->containers[i].id, id) == 0)
			return (int)i;
	return -1;
}

static int find_by_name(const struct world *world, const char *name)
{
	for (size_t i = 0; i < world->n_containers; i++)
		if (world->containers[i].kind == WORLD_CONTAINER &&
		    strcmp(world->containers[i].name, name) == 0)
			return (int)i;
	return -1;
}

static int find_by_service(const struct world *world, const struct suggest_service *service)
{
	for (size_t i = 0; i < world->n_containers; i++) {
		const struct world_container *container = &world->containers[i];
		const char *project = suggest_own_label(container, COMPILE_LABEL_PROJECT);
		const char *name = suggest_own_label(container, COMPILE_LABEL_SERVICE);
		if (project && name && strcmp(project, service->project) == 0 &&
		    strcmp(name, service->service) == 0)
			return (int)i;
	}
	return -1;
}

/* Of those whose names Docker made up the image is what stays from one to the next. */
static bool is_made_up_of(const char *name, const char *image, const char *of)
{
	return *of && strcmp(image, of) == 0 && suggest_looks_made_up(name);
}

static int find_by_image(const struct world *world, const struct flow_end *end)
{
	if (!suggest_looks_made_up(end->name))
		return -1;
	for (size_t i = 0; i < world->n_containers; i++)
		if (is_made_up_of(world->containers[i].name, world->containers[i].image,
				  end->image))
			return (int)i;
	return -1;
}

static int find_by_kind(const struct world *world, enum world_kind kind)
{
	for (size_t i = 0; i < world->n_containers; i++)
		if (world->containers[i].kind == kind)
			return (int)i;
	return -1;
}

int suggest_stand_in(const struct world *world, const struct flow_end *end, struct arena *arena)
{
	struct suggest_service service;
	int found = find_by_id(world, end->id);

	if (found >= 0)
		return found;
	if (end->sandbox != WORLD_CONTAINER)
		return find_by_kind(world, end->sandbox);
	found = find_by_name(world, end->name);
	if (found >= 0)
		return found;
	if (read_service(world, end, arena, &service))
		return find_by_service(world, &service);
	return find_by_image(world, end);
}

/* ---- collecting them ---- */

static int add_text(struct arena *arena, const char ***items, size_t *n, const char *text)
{
	const char **list = arena_alloc(arena, (*n + 1) * sizeof(*list));

	for (size_t i = 0; i < *n; i++)
		if (strcmp((*items)[i], text) == 0)
			return 0;
	if (!list)
		return -ENOMEM;
	if (*n)
		memcpy(list, *items, *n * sizeof(*list));
	list[(*n)++] = text;
	*items = list;
	return 0;
}

static struct gone *find_gone(struct gone_list *list, const struct gone *wanted)
{
	for (size_t i = 0; i < list->items.n; i++) {
		struct gone *gone = &list->items.items[i];
		if (gone->kind != wanted->kind)
			continue;
		if (gone->kind != WORLD_CONTAINER || strcmp(gone->name, wanted->name) == 0)
			return gone;
		if (gone->of.service && wanted->of.service &&
		    strcmp(gone->of.project, wanted->of.project) == 0 &&
		    strcmp(gone->of.service, wanted->of.service) == 0)
			return gone;
		if (suggest_looks_made_up(wanted->name) &&
		    is_made_up_of(gone->name, gone->image, wanted->image))
			return gone;
	}
	return NULL;
}

static int note_gone(struct gone_list *list, const struct flow_end *end)
{
	struct gone gone = {
		.name = end->name, .image = end->image, .labels = end->labels, .kind = end->sandbox
	};

	if (end->kind != FLOW_CONTAINER || !suggest_is_literal(end->name) ||
	    !suggest_is_literal(end->network) ||
	    suggest_stand_in(list->world, end, list->arena) >= 0)
		return 0;
	if (gone.kind == WORLD_CONTAINER)
		(void)read_service(list->world, end, list->arena, &gone.of);
	struct gone *known = find_gone(list, &gone);
	if (!known && list->items.n >= LIMIT_SUGGEST_GONE)
		return 0;
	if (!known && VEC_PUSH(list->arena, &list->items, gone) < 0)
		return -ENOMEM;
	known = known ? known : &list->items.items[list->items.n - 1];
	if (!*known->image && !*known->labels) { /* it stands with one of its flows */
		known->image = end->image;
		known->labels = end->labels;
	}
	int r = add_text(list->arena, &known->networks.items, &known->networks.n, end->network);
	if (r == 0 && world_find_network(list->world, end->network) < 0)
		r = add_text(list->arena, &list->networks.items, &list->networks.n, end->network);
	return r;
}

/* ---- as an inventory ---- */

static cJSON *add_to_list(cJSON *root, const char *list)
{
	cJSON *array = cJSON_GetObjectItemCaseSensitive(root, list);
	cJSON *object = cJSON_CreateObject();

	if (object && cJSON_AddItemToArray(array, object))
		return object;
	cJSON_Delete(object);
	return NULL;
}

/* A network that is gone has addresses of the benchmarking range, which no host has. */
static bool add_network(const struct gone_list *list, uint8_t index)
{
	cJSON *object = add_to_list(list->json, "networks");
	char id[WORLD_ID_LEN], bridge[WORLD_IFNAME_LEN], subnet[PREFIX_TEXT_LEN],
		gateway[IP_TEXT_LEN];

	(void)snprintf(id, sizeof(id), "gone-network-%u", index);
	(void)snprintf(bridge, sizeof(bridge), "gone%u", index);
	(void)snprintf(subnet, sizeof(subnet), "198.18.%u.0/24", index);
	(void)snprintf(gateway, sizeof(gateway), "198.18.%u.1", index);
	const char *subnets[] = { subnet }, *gateways[] = { gateway };
	return object && cJSON_AddStringToObject(object, "id", id) &&
	       cJSON_AddStringToObject(object, "name", list->networks.items[index]) &&
	       cJSON_AddStringToObject(object, "driver", "bridge") &&
	       cJSON_AddStringToObject(object, "bridge", bridge) &&
	       cJSON_AddItemToObject(object, "subnets", cJSON_CreateStringArray(subnets, 1)) &&
	       cJSON_AddItemToObject(object, "gateways", cJSON_CreateStringArray(gateways, 1));
}

static bool is_taken(const struct world *world, const struct world_network *network,
		     const struct ip_addr *addr)
{
	for (size_t i = 0; i < network->n_gateways; i++)
		if (ip_compare(&network->gateways[i], addr) == 0)
			return true;
	for (size_t i = 0; i < world->n_endpoints; i++)
		if (ip_compare(&world->endpoints[i].ipv4, addr) == 0 ||
		    ip_compare(&world->endpoints[i].ipv6, addr) == 0)
			return true;
	return false;
}

/* From the end of the subnet downwards, where Docker comes last: the @index-th that is free. */
static bool free_address(const struct world *world, const struct world_network *network,
			 size_t subnet, size_t index, struct ip_addr *ret)
{
	struct ip_range range = ip_prefix_range(&network->subnets[subnet]);

	*ret = range.last;
	for (size_t tries = 0; tries < LIMIT_SUGGEST_GONE + world->n_endpoints; tries++) {
		if (!ip_previous(ret, ret) || ip_compare(ret, &range.first) <= 0)
			return false;
		if (!is_taken(world, network, ret) && index-- == 0)
			return true;
	}
	return false;
}

static bool add_address(cJSON *endpoint, const struct ip_addr *addr)
{
	char text[IP_TEXT_LEN];
	const char *key = addr->family == IP_V4 ? "ipv4" : "ipv6";

	return cJSON_GetObjectItemCaseSensitive(endpoint, key) ||
	       cJSON_AddStringToObject(endpoint, key, ip_format(addr, text));
}

static bool add_endpoint(const struct gone_list *list, cJSON *endpoints, const char *name,
			 size_t index)
{
	cJSON *endpoint = cJSON_CreateObject();
	int at = world_find_network(list->world, name);
	const struct world_network *network = at >= 0 ? &list->world->networks[at] : NULL;
	struct ip_addr addr;
	char text[IP_TEXT_LEN];

	if (!endpoint || !cJSON_AddItemToArray(endpoints, endpoint) ||
	    !cJSON_AddStringToObject(endpoint, "network", network ? network->id : name))
		return false;
	for (size_t i = 0; network && i < network->n_subnets; i++)
		if (free_address(list->world, network, i, index, &addr) &&
		    !add_address(endpoint, &addr))
			return false;
	if (network)
		return true;
	for (size_t i = 0; i < list->networks.n; i++)
		if (strcmp(list->networks.items[i], name) == 0)
			(void)snprintf(text, sizeof(text), "198.18.%zu.%zu", i, 2 + index % 250);
	return cJSON_AddStringToObject(endpoint, "ipv4", text);
}

bool suggest_is_gone(const struct world_container *container)
{
	return text_begins(container->id, GONE_ID);
}

static bool add_labels(const struct gone_list *list, const struct gone *gone, cJSON *object)
{
	cJSON *labels = cJSON_AddObjectToObject(object, "labels");
	const char *at = gone->labels;
	struct flow_label label;
	bool fine = labels;

	if (fine && gone->of.service)
		fine = cJSON_AddStringToObject(labels, COMPILE_LABEL_PROJECT, gone->of.project) &&
		       cJSON_AddStringToObject(labels, COMPILE_LABEL_SERVICE, gone->of.service);
	while (fine && flow_labels_next(&at, &label)) {
		const char *key = arena_strndup(list->arena, label.key, label.key_len);
		const char *value = arena_strndup(list->arena, label.value, label.value_len);
		fine = key && value &&
		       (cJSON_GetObjectItemCaseSensitive(labels, key) ||
			cJSON_AddStringToObject(labels, key, value));
	}
	return fine;
}

static bool add_container(const struct gone_list *list, const struct gone *gone, size_t index)
{
	cJSON *object = add_to_list(list->json, "containers");
	char id[WORLD_ID_LEN];

	(void)snprintf(id, sizeof(id), GONE_ID "%zu", index);
	if (!object || !cJSON_AddStringToObject(object, "id", id) ||
	    !cJSON_AddStringToObject(object, "name", gone->name) ||
	    !cJSON_AddStringToObject(object, "kind", world_kind_name(gone->kind)) ||
	    (*gone->image && !cJSON_AddStringToObject(object, "image", gone->image)) ||
	    !add_labels(list, gone, object))
		return false;
	cJSON *endpoints = cJSON_AddArrayToObject(object, "endpoints");
	for (size_t i = 0; endpoints && i < gone->networks.n; i++)
		if (!add_endpoint(list, endpoints, gone->networks.items[i], index))
			return false;
	return endpoints;
}

/* The same world, and them. */
static int put_back(struct gone_list *list, const struct world **ret)
{
	CLEANUP(free_ptr) char *text = world_print_inventory(list->world);
	CLEANUP(free_ptr) char *again = NULL;
	const char *error = NULL;
	bool fine;

	list->json = text ? cJSON_Parse(text) : NULL;
	fine = list->json;
	for (uint8_t i = 0; fine && i < list->networks.n; i++)
		fine = add_network(list, i);
	for (size_t i = 0; fine && i < list->items.n; i++)
		fine = add_container(list, &list->items.items[i], i);
	again = fine ? cJSON_PrintUnformatted(list->json) : NULL;
	cJSON_Delete(list->json);
	if (!again)
		return -ENOMEM;
	int r = world_parse_inventory(again, strlen(again), list->arena, ret, &error);
	if (r > 0) /* some other thing has such an id: without them, then */
		*ret = list->world;
	return r < 0 ? r : 0;
}

int suggest_add_gone(struct suggest *s)
{
	struct gone_list list = { .arena = s->arena, .world = s->in->world };
	const struct world *world = s->in->world;
	int r = 0;

	for (size_t i = 0; i < s->in->evidence->n && r == 0; i++) {
		r = note_gone(&list, &s->flows[i]->from);
		if (r == 0)
			r = note_gone(&list, &s->flows[i]->to);
	}
	if (r == 0 && list.items.n && list.networks.n <= LIMIT_SUGGEST_NETWORKS)
		r = put_back(&list, &world);
	return r == 0 ? report_complete_world(world, s->arena, &s->world) : r;
}
