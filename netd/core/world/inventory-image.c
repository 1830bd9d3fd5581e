/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The image of a container in an inventory: its id, and the digests of its repositories. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/limits.h"
#include "core/base/sort.h"
#include "core/world/inventory-read.h"

static int read_digest(struct inventory_reader *reader, struct inventory_field field,
		       const cJSON *value, struct images_digest *ret)
{
	const char *text = cJSON_GetStringValue(value);

	return text && images_digest_parse(text, ret)
		       ? 0
		       : inventory_fail(reader, field, "not a digest: sha256: and 64 digits");
}

int inventory_read_image(struct inventory_reader *reader, struct inventory_field id,
			 struct inventory_field digests, struct inventory_container *ret)
{
	struct images_digest digest;
	size_t n;
	int r = id.value ? read_digest(reader, id, id.value, &digest) : 0;

	if (r)
		return r;
	if (id.value)
		world_id_copy(ret->facts->image_id, digest.hex);
	r = inventory_list(reader, digests, LIMIT_IMAGE_DIGESTS, &n);
	if (r || !digests.value)
		return r;
	struct images_digest *all = arena_alloc(reader->arena, n * sizeof(*all));
	if (!all)
		return -ENOMEM;
	for (const cJSON *item = n ? digests.value->child : NULL; item; item = item->next) {
		r = read_digest(reader, digests, item, &all[ret->n_digests]);
		if (r)
			return r;
		ret->n_digests++;
	}
	ret->digests = all;
	return 0;
}

static int by_id(const void *left, const void *right)
{
	return strcmp(((const struct world_image *)left)->id,
		      ((const struct world_image *)right)->id);
}

int inventory_take_images(struct inventory_reader *reader, const struct inventory_container *items,
			  size_t n, struct world *world)
{
	VEC(struct world_image) images = { 0 };

	for (size_t i = 0; i < n; i++) {
		struct world_image image = { .digests = items[i].digests,
					     .n_digests = items[i].n_digests };
		if (!items[i].digests || !*items[i].facts->image_id)
			continue;
		world_id_copy(image.id, items[i].facts->image_id);
		if (VEC_PUSH(reader->arena, &images, image) < 0)
			return -ENOMEM;
	}
	world->n_images = sort_once(images.items, images.n, sizeof(*images.items), by_id);
	world->images = images.items;
	return 0;
}
