/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which labels of a container are its own: Docker lists those of its image with them, and only the
 * image tells them apart. One that both have with the same value counts as the image's. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/limits.h"
#include "core/world/docker-json.h"
#include "core/world/docker-want.h"
#include "core/world/store.h"

static struct store_image *find_image(struct world_store *store, const char *id)
{
	for (size_t i = 0; i < store->n_images; i++)
		if (strcmp(store->images[i].id, id) == 0)
			return &store->images[i];
	return NULL;
}

static bool is_used(const struct world_store *store, const char *id)
{
	for (size_t i = 0; i < store->containers.n; i++) {
		const struct store_container *container =
			(const struct store_container *)store->containers.by_id[i];
		if (strcmp(container->facts.image_id, id) == 0)
			return true;
	}
	return false;
}

/* Images of containers that come and go stay known for the next one, up to a bound. */
static void forget_unused(struct world_store *store)
{
	size_t kept = 0;

	for (size_t i = 0; i < store->n_images; i++)
		if (is_used(store, store->images[i].id))
			store->images[kept++] = store->images[i];
		else
			(void)store_container_free(store->images[i].labels);
	store->n_images = kept;
}

/* NULL: no memory. */
static struct store_image *add_image(struct world_store *store, const char *id)
{
	if (store->n_images > 0 && store->n_images % LIMIT_IMAGES == 0)
		forget_unused(store);
	struct store_image *images =
		realloc(store->images, (store->n_images + 1) * sizeof(*images));
	if (!images)
		return NULL;
	store->images = images;
	images[store->n_images] = (struct store_image){ .state = STORE_IMAGE_WANTED };
	world_id_copy(images[store->n_images].id, id);
	return &images[store->n_images++];
}

void store_free_images(struct world_store *store)
{
	for (size_t i = 0; i < store->n_images; i++)
		(void)store_container_free(store->images[i].labels);
	free(store->images);
	store->images = NULL;
	store->n_images = 0;
}

static enum world_origin origin_of(const struct world_label *label,
				   const struct world_container *image)
{
	const struct world_label *same = world_find_label(image, label->key);

	if (!label->value)
		return WORLD_OWN;
	if (!same)
		return image->labels_cut ? WORLD_UNTOLD : WORLD_OWN;
	return same->value && strcmp(same->value, label->value) == 0 ? WORLD_IMAGE : WORLD_OWN;
}

/* `docker compose build` writes project and service into the image, too. What compose gives to a
 * container alone tells that it was compose that started it. */
static void mark_compose(struct store_container *container, struct world_label *labels)
{
	const struct world_label *hash = world_find_label(&container->facts, WORLD_COMPOSE_HASH);
	bool is_composed = hash && hash->value && hash->origin == WORLD_OWN;

	for (size_t i = 0; is_composed && i < container->facts.n_labels; i++)
		if (strcmp(labels[i].key, WORLD_COMPOSE_PROJECT) == 0 ||
		    strcmp(labels[i].key, WORLD_COMPOSE_SERVICE) == 0)
			labels[i].origin = WORLD_OWN;
}

void store_mark_labels(struct world_store *store, struct store_container *container)
{
	struct world_label *labels = container->block; /* it begins with them */
	const char *id = container->facts.image_id;
	struct store_image *image = *id ? find_image(store, id) : NULL;

	if (!container->listed || container->facts.n_labels == 0)
		return;
	store_changes(store);
	if (!image && *id)
		image = add_image(store, id);
	if (image && image->state == STORE_IMAGE_GONE)
		image->state = STORE_IMAGE_WANTED;
	for (size_t i = 0; i < container->facts.n_labels; i++)
		labels[i].origin = image && image->state == STORE_IMAGE_READ
					   ? origin_of(&labels[i], &image->labels->facts)
					   : WORLD_UNTOLD;
	mark_compose(container, labels);
}

const char *world_store_ask_image(struct world_store *store)
{
	for (size_t i = 0; i < store->n_images; i++) {
		struct store_image *image = &store->images[i];
		if (image->state != STORE_IMAGE_WANTED && !image->is_again)
			continue;
		if (image->state == STORE_IMAGE_WANTED)
			image->state = STORE_IMAGE_ASKED;
		image->is_again = false;
		return image->id;
	}
	return NULL;
}

void world_store_ask_cut_images(struct world_store *store)
{
	for (size_t i = 0; i < store->n_images; i++) {
		struct store_image *image = &store->images[i];
		image->is_again =
			image->state == STORE_IMAGE_ASKED ||
			(image->state == STORE_IMAGE_READ && image->labels->facts.labels_cut);
	}
}

int world_store_flaw_image(struct world_store *store, const char *id, const char *why)
{
	struct store_image *image = find_image(store, id);

	(void)why;
	if (image && image->state != STORE_IMAGE_READ)
		image->state = STORE_IMAGE_GONE;
	return 0;
}

static void mark_all_of(struct world_store *store, const char *id)
{
	for (size_t i = 0; i < store->containers.n; i++) {
		struct store_container *container =
			(struct store_container *)store->containers.by_id[i];
		if (strcmp(container->facts.image_id, id) == 0)
			store_mark_labels(store, container);
	}
}

int world_store_put_image(struct world_store *store, const char *json, size_t len,
			  const char **error)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct world_docker_answer answer = { .json = json, .len = len, .arena = arena };
	struct world_container facts = { .name = "", .image = "", .network_mode = "" };

	if (!arena)
		return -ENOMEM;
	int r = world_docker_image(&answer, &facts);
	if (r == WORLD_E_INVALID)
		*error = answer.error;
	if (r)
		return r;
	struct store_image *image = find_image(store, facts.id);
	if (!image)
		image = add_image(store, facts.id);
	struct store_container *labels = image ? store_container_new(&facts, NULL) : NULL;
	if (!labels)
		return -ENOMEM;
	(void)store_container_free(image->labels);
	image->labels = labels;
	image->state = STORE_IMAGE_READ;
	mark_all_of(store, facts.id);
	return 0;
}
