/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/flow/ends.h"

#include <errno.h>
#include <string.h>

#include "core/base/limits.h"
#include "core/flow/labels.h"

static uint32_t *bucket_of(struct flow_ends *ends, uint32_t id, uint32_t network)
{
	return &ends->buckets[(id * 31u + network) % FLOW_END_BUCKETS];
}

uint32_t flow_ends_find(const struct flow_ends *ends, const struct flow_end *end)
{
	uint32_t id = flow_texts_find(&ends->texts, end->id);
	uint32_t network = flow_texts_find(&ends->texts, end->network);

	if (id == UINT32_MAX || network == UINT32_MAX)
		return 0;
	uint32_t i = ends->buckets[(id * 31u + network) % FLOW_END_BUCKETS];
	while (i && (ends->items[i].id != id || ends->items[i].network != network))
		i = ends->items[i].next;
	return i;
}

/* Another text in the place of one. */
static int replace(struct flow_texts *texts, uint32_t *text, const char *bytes)
{
	uint32_t now = 0;

	if (strcmp(flow_texts_get(texts, *text), bytes) == 0)
		return 0;
	int r = flow_texts_take(texts, bytes, &now);
	if (r < 0)
		return r;
	flow_texts_drop(texts, *text);
	*text = now;
	return 0;
}

/* What a container is made of stays; what was known of it is not forgotten. */
static int tell_once(struct flow_texts *texts, uint32_t *text, const char *bytes)
{
	bool fits = strlen(bytes) < LIMIT_FLOW_TEXTS &&
		    texts->bytes <= LIMIT_FLOW_TEXTS - strlen(bytes);

	return *bytes && fits ? replace(texts, text, bytes) : 0;
}

static int tell(struct flow_ends *ends, struct flow_known_end *known, const struct flow_end *end)
{
	const struct world_container *container = end->container;
	char labels[FLOW_LABELS_LEN];
	bool untold = true;

	if (known->told)
		return 0;
	int r = tell_once(&ends->texts, &known->image, container ? container->image : end->image);
	if (r == 0)
		r = tell_once(&ends->texts, &known->labels,
			      container ? flow_labels_pack(container, labels, &untold)
					: end->labels);
	known->told = r == 0 && !untold;
	return r;
}

int flow_ends_refresh(struct flow_ends *ends, uint32_t place, const struct flow_end *end)
{
	struct flow_known_end *known = &ends->items[place];

	known->sandbox = (uint8_t)end->sandbox;
	if (end->addr.family)
		known->addrs[end->addr.family == IP_V6] = end->addr;
	int r = replace(&ends->texts, &known->name, end->name);
	if (r == 0)
		r = replace(&ends->texts, &known->tier, end->tier);
	return r < 0 ? r : tell(ends, known, end);
}

static int find_room(struct flow_ends *ends, uint32_t *ret)
{
	if (ends->used >= LIMIT_FLOW_ENDS)
		return -ENOSPC;
	*ret = ends->free;
	if (*ret) {
		ends->free = ends->items[*ret].next;
		return 0;
	}
	if (ends->n == ends->cap) {
		size_t cap = ends->cap ? ends->cap + ends->cap / 2 : 64;
		struct flow_known_end *items = realloc(ends->items, cap * sizeof(*items));
		if (!items)
			return -ENOMEM;
		ends->items = items;
		ends->cap = cap;
	}
	ends->n += ends->n == 0; /* place 0 */
	*ret = (uint32_t)ends->n++;
	return 0;
}

static void drop_texts(struct flow_ends *ends, const struct flow_known_end *known)
{
	const uint32_t texts[] = { known->id,	known->network, known->name,
				   known->tier, known->image,	known->labels };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		flow_texts_drop(&ends->texts, texts[i]);
}

static int add(struct flow_ends *ends, const struct flow_end *end, uint32_t *ret)
{
	struct flow_known_end known = { .refs = 1 };
	uint32_t place = 0;
	int r = flow_texts_take(&ends->texts, end->id, &known.id);

	if (r == 0)
		r = flow_texts_take(&ends->texts, end->network, &known.network);
	if (r == 0)
		r = find_room(ends, &place);
	if (r < 0) {
		drop_texts(ends, &known);
		return r;
	}
	uint32_t *bucket = bucket_of(ends, known.id, known.network);
	known.next = *bucket;
	*bucket = place;
	ends->items[place] = known;
	ends->used++;
	r = flow_ends_refresh(ends, place, end);
	if (r < 0)
		flow_ends_drop(ends, place);
	else
		*ret = place;
	return r;
}

int flow_ends_take(struct flow_ends *ends, const struct flow_end *end, uint32_t *ret)
{
	uint32_t place = flow_ends_find(ends, end);

	if (!place)
		return add(ends, end, ret);
	int r = flow_ends_refresh(ends, place, end);
	if (r < 0)
		return r;
	ends->items[place].refs++;
	*ret = place;
	return 0;
}

void flow_ends_drop(struct flow_ends *ends, uint32_t place)
{
	struct flow_known_end *known = place ? &ends->items[place] : NULL;

	if (!known || --known->refs > 0)
		return;
	uint32_t *link = bucket_of(ends, known->id, known->network);
	while (*link != place)
		link = &ends->items[*link].next;
	*link = known->next;
	drop_texts(ends, known);
	*known = (struct flow_known_end){ .next = ends->free };
	ends->free = place;
	ends->used--;
}

void flow_ends_get(const struct flow_ends *ends, uint32_t place, enum ip_family family,
		   struct flow_end *ret)
{
	const struct flow_known_end *known = &ends->items[place];

	*ret = (struct flow_end){ .kind = FLOW_CONTAINER,
				  .sandbox = (enum world_kind)known->sandbox,
				  .id = flow_texts_get(&ends->texts, known->id),
				  .name = flow_texts_get(&ends->texts, known->name),
				  .network = flow_texts_get(&ends->texts, known->network),
				  .tier = flow_texts_get(&ends->texts, known->tier),
				  .image = flow_texts_get(&ends->texts, known->image),
				  .labels = flow_texts_get(&ends->texts, known->labels),
				  .number = place };
	if (family != IP_NONE)
		ret->addr = known->addrs[family == IP_V6];
	ret->len = (uint8_t)(8 * ip_len(&ret->addr));
}

void flow_ends_done(struct flow_ends *ends)
{
	free(ends->items);
	flow_texts_done(&ends->texts);
	*ends = (struct flow_ends){ 0 };
}
