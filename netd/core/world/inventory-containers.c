/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The containers of an inventory, one after the other, and how they lie in the snapshot. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/limits.h"
#include "core/world/inventory-read.h"

struct read_containers {
	VEC(struct world_container) facts;
	VEC(struct inventory_container) items; /* in step until they are sorted */
};

static int compare_listed_containers(const void *left, const void *right)
{
	const struct inventory_container *a = left, *b = right;

	return inventory_by_name_and_id(a->facts->name, a->facts->id, b->facts->name, b->facts->id);
}

static int read_one(struct inventory_reader *reader, struct json_span text,
		    const struct inventory_place *place, const struct world *world,
		    struct read_containers *all)
{
	CLEANUP(json_freep) cJSON *json = json_parse(text.bytes, text.len, NULL);
	struct world_container facts = { 0 };
	struct inventory_container item = { .facts = &facts };

	if (!json)
		return errno == ENOMEM ? -ENOMEM : WORLD_E_INVALID;
	int r = inventory_read_container(reader, json, place, world, &item);
	if (r == 0)
		r = VEC_PUSH(reader->arena, &all->facts, facts);
	return r ? r : VEC_PUSH(reader->arena, &all->items, item);
}

static int read_all(struct inventory_reader *reader, struct inventory_field field,
		    const struct world *world, struct read_containers *all)
{
	struct inventory_place place = { NULL, field.key, 0 };
	struct json_elements list = reader->containers;
	struct json_span text;
	enum json_step step;

	while ((step = json_next_element(&list, &text.bytes, &text.len)) == JSON_ELEMENT) {
		int r = place.index < LIMIT_ENDPOINTS
				? read_one(reader, text, &place, world, all)
				: inventory_fail(reader, field, "too many entries");
		if (r)
			return r;
		place.index++;
	}
	for (size_t i = 0; i < all->facts.n; i++)
		all->items.items[i].facts = &all->facts.items[i];
	return step == JSON_END ? 0 : WORLD_E_INVALID;
}

static int check_ids(struct inventory_reader *reader, struct inventory_field field,
		     const struct read_containers *all)
{
	const char **ids = arena_alloc(reader->arena, all->facts.n * sizeof(*ids));

	for (size_t i = 0; ids && i < all->facts.n; i++)
		ids[i] = all->facts.items[i].id;
	return ids ? inventory_check_unique(reader, field, ids, all->facts.n) : -ENOMEM;
}

/* From one list per container to one of all. */
static int lay_out_endpoints(struct inventory_reader *reader, const struct read_containers *all,
			     struct world *world)
{
	size_t n = 0;

	for (size_t i = 0; i < all->items.n; i++)
		n += all->items.items[i].n_endpoints;
	if (n > LIMIT_ENDPOINTS)
		return inventory_fail(reader, (struct inventory_field){ 0 }, "too many endpoints");
	struct world_endpoint *endpoints = arena_alloc(reader->arena, n * sizeof(*endpoints));
	if (!endpoints)
		return -ENOMEM;
	for (size_t i = 0; i < all->items.n; i++)
		for (size_t j = 0; j < all->items.items[i].n_endpoints; j++) {
			endpoints[world->n_endpoints] = all->items.items[i].endpoints[j];
			endpoints[world->n_endpoints++].container = (uint32_t)i;
		}
	world->endpoints = endpoints;
	return 0;
}

/* As the items are, in place: there may be many megabytes of them. Each circle of containers that
 * stand in each other's place is walked once. */
static void put_in_order(struct read_containers *all)
{
	struct world_container *facts = all->facts.items;
	struct inventory_container *items = all->items.items;

	for (size_t i = 0; i < all->facts.n; i++) {
		struct world_container first = facts[i];
		size_t to = i;
		for (size_t from; (from = (size_t)(items[to].facts - facts)) != i; to = from) {
			facts[to] = facts[from];
			items[to].facts = &facts[to];
		}
		facts[to] = first;
		items[to].facts = &facts[to];
	}
}

int inventory_read_containers(struct inventory_reader *reader, struct inventory_field field,
			      struct world *world)
{
	struct read_containers all = { 0 };

	if (!field.value)
		return 0;
	if (!reader->containers.bytes)
		return inventory_fail(reader, field, "must be a list");
	int r = read_all(reader, field, world, &all);
	if (r == 0)
		r = check_ids(reader, field, &all);
	if (r)
		return r;
	if (all.items.n)
		qsort(all.items.items, all.items.n, sizeof(*all.items.items),
		      compare_listed_containers);
	r = inventory_take_images(reader, all.items.items, all.items.n, world);
	if (r == 0)
		r = lay_out_endpoints(reader, &all, world);
	if (r)
		return r;
	put_in_order(&all);
	world->containers = all.facts.items;
	world->n_containers = all.facts.n;
	return 0;
}
