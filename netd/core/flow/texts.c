/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/flow/texts.h"

#include <errno.h>
#include <string.h>

#include "core/base/hash.h"

#define NONE UINT32_MAX

uint32_t flow_texts_find(const struct flow_texts *texts, const char *bytes)
{
	uint32_t hash = hash_text(bytes);

	if (!*bytes)
		return 0;
	for (uint32_t i = texts->buckets[hash % FLOW_TEXT_BUCKETS]; i; i = texts->items[i].next)
		if (texts->items[i].hash == hash && strcmp(texts->items[i].bytes, bytes) == 0)
			return i;
	return NONE;
}

/* 0: there is no memory for one more. */
static uint32_t free_place(struct flow_texts *texts)
{
	uint32_t place = texts->free;

	if (place) {
		texts->free = texts->items[place].next;
		return place;
	}
	if (texts->n == texts->cap) {
		size_t cap = texts->cap ? texts->cap + texts->cap / 2 : 64;
		struct flow_text *items = realloc(texts->items, cap * sizeof(*items));
		if (!items)
			return 0;
		texts->items = items;
		texts->cap = cap;
	}
	texts->n += texts->n == 0; /* place 0 */
	return (uint32_t)texts->n++;
}

int flow_texts_take(struct flow_texts *texts, const char *bytes, uint32_t *ret)
{
	uint32_t place = flow_texts_find(texts, bytes);

	if (place != NONE) {
		if (place)
			texts->items[place].refs++;
		*ret = place;
		return 0;
	}
	size_t size = strlen(bytes) + 1;
	char *copy = malloc(size);
	place = copy ? free_place(texts) : 0;
	if (!place) {
		free(copy);
		return -ENOMEM;
	}
	memcpy(copy, bytes, size);
	texts->bytes += size;
	uint32_t hash = hash_text(bytes), *bucket = &texts->buckets[hash % FLOW_TEXT_BUCKETS];
	texts->items[place] = (struct flow_text){ copy, hash, *bucket, 1 };
	*bucket = place;
	*ret = place;
	return 0;
}

void flow_texts_drop(struct flow_texts *texts, uint32_t text)
{
	struct flow_text *item = text ? &texts->items[text] : NULL;

	if (!item || --item->refs > 0)
		return;
	uint32_t *link = &texts->buckets[item->hash % FLOW_TEXT_BUCKETS];
	while (*link != text)
		link = &texts->items[*link].next;
	*link = item->next;
	texts->bytes -= strlen(item->bytes) + 1;
	free(item->bytes);
	*item = (struct flow_text){ .next = texts->free };
	texts->free = text;
}

const char *flow_texts_get(const struct flow_texts *texts, uint32_t text)
{
	return text ? texts->items[text].bytes : "";
}

void flow_texts_done(struct flow_texts *texts)
{
	for (size_t i = 1; i < texts->n; i++)
		free(texts->items[i].bytes);
	free(texts->items);
	*texts = (struct flow_texts){ 0 };
}
