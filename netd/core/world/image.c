/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is told of a container's image: by its id, and by the digests of its repositories. */
#include <stdlib.h>
#include <string.h>

#include "core/world/facts.h"

static int compare_ids(const void *id, const void *image)
{
	return strcmp(id, ((const struct world_image *)image)->id);
}

const struct world_image *world_find_image(const struct world *world, const char *id)
{
	return *id && world->n_images ? bsearch(id, world->images, world->n_images,
						sizeof(*world->images), compare_ids)
				      : NULL;
}

struct posture world_posture(const struct world *world, uint32_t container, int64_t now)
{
	const struct world_container *facts = &world->containers[container];
	const struct world_image *image =
		world->reports ? world_find_image(world, facts->image_id) : NULL;
	struct posture posture = facts->posture;

	posture.about = (struct images_about){ .all = world->reports,
					       .is_awaited = world->awaits_reports,
					       .id = facts->image_id,
					       .digests = image ? image->digests : NULL,
					       .n_digests = image ? image->n_digests : 0,
					       .is_known = image,
					       .now = now };
	return posture;
}
