/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which labels of a container are its own: Docker lists those of its image with them, and only the
 * image tells them apart. One that both have with the same value counts as the image's. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/limits.h"
#include "core/base/sort.h"
#include "core/base/text.h"
#include "core/world/docker-json.h"
#include "core/world/docker-want.h"
#include "core/world/store.h"

static int by_id(const void *id, const void *image)
{
	return strcmp(id, ((const struct store_image *)image)->id);
}

/* Where it is, or belongs. */
static size_t place_of(const struct world_store *store, const char *id)
{
	return sort_bound(id, store->images, store->n_images, sizeof(*store->images), by_id);
}

static struct store_image *find_image(struct world_store *store, const char *id)
{
	size_t i = place_of(store, id);

	return i < store->n_images && strcmp(store->images[i].id, id) == 0 ? &store->images[i]
									   : NULL;
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

static void free_image(struct store_image *image)
{
	(void)store_container_free(image->labels);
	free(image->digests);
}

/* Images of containers that come and go stay known for the next one, up to a bound. */
static void forget_unused(struct world_store *store)
{
	size_t kept = 0;

	for (size_t i = 0; i < store->n_images; i++)
		if (is_used(store, store->images[i].id))
			store->images[kept++] = store->images[i];
		else
			free_image(&store->images[i]);
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
	size_t at = place_of(store, id);
	memmove(&images[at + 1], &images[at], (store->n_images - at) * sizeof(*images));
	images[at] = (struct store_image){ .state = STORE_IMAGE_WANTED };
	world_id_copy(images[at].id, id);
	store->n_images++;
	return &images[at];
}

void store_free_images(struct world_store *store)
{
	for (size_t i = 0; i < store->n_images; i++)
		free_image(&store->images[i]);
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

	if (!container->listed)
		return;
	store_changes(store);
	container->place = (struct store_place){ 0 };
	if (!image && *id)
		image = add_image(store, id);
	/* It may be there again; until the engine says so it is not, and nothing changes. */
	if (image && image->state == STORE_IMAGE_GONE)
		image->is_again = true;
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

static bool is_told(const struct store_image *image)
{
	return image->state == STORE_IMAGE_READ || image->state == STORE_IMAGE_GONE;
}

void world_store_ask_images_again(struct world_store *store)
{
	for (size_t i = 0; i < store->n_images; i++)
		store->images[i].is_again |= is_told(&store->images[i]);
}

void world_store_set_reports(struct world_store *store, struct images *reports)
{
	(void)images_free(store->reports);
	store->reports = reports;
	store->awaits_reports = false;
}

void world_store_await_reports(struct world_store *store)
{
	store->awaits_reports = true;
}

/* One that the engine does not have any more is known to have no digest. */
int store_copy_images(const struct world_store *store, struct arena *arena, struct world *world)
{
	struct world_image *images = arena_alloc(arena, store->n_images * sizeof(*images));
	size_t n = 0;

	if (!images)
		return -ENOMEM;
	for (size_t i = 0; i < store->n_images; i++) {
		const struct store_image *from = &store->images[i];
		if (!is_told(from))
			continue;
		struct world_image *to = &images[n++];
		world_id_copy(to->id, from->id);
		to->n_digests = from->n_digests;
		to->digests =
			arena_dup(arena, from->digests, from->n_digests * sizeof(*from->digests));
		if (!to->digests)
			return -ENOMEM;
	}
	world->images = images;
	world->n_images = n;
	return 0;
}

void world_store_ask_cut_images(struct world_store *store)
{
	for (size_t i = 0; i < store->n_images; i++) {
		struct store_image *image = &store->images[i];
		image->is_again |=
			image->state == STORE_IMAGE_ASKED ||
			(image->state == STORE_IMAGE_READ && image->labels->facts.labels_cut);
	}
}

int world_store_flaw_image(struct world_store *store, const char *id, const char *why)
{
	struct store_image *image = find_image(store, id);

	(void)why;
	if (image && !is_told(image)) {
		image->state = STORE_IMAGE_GONE;
		store_changes(store);
	}
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

/* An image never changes, but for the repositories that have it; and another answer may show other
 * ones of its labels. */
static bool is_same(const struct store_image *image, const struct world_container *labels,
		    const struct world_image *told)
{
	const struct world_container *had = image->labels ? &image->labels->facts : NULL;

	if (image->state != STORE_IMAGE_READ || had->n_labels != labels->n_labels ||
	    had->labels_cut != labels->labels_cut || image->n_digests != told->n_digests)
		return false;
	for (size_t i = 0; i < had->n_labels; i++)
		if (!text_equal(had->labels[i].key, labels->labels[i].key) ||
		    !text_equal(had->labels[i].value, labels->labels[i].value))
			return false;
	return told->n_digests == 0 ||
	       memcmp(image->digests, told->digests, told->n_digests * sizeof(*told->digests)) == 0;
}

/* What was read of one, in the store. 0 or -ENOMEM. */
static int keep_image(struct world_store *store, const struct world_container *facts,
		      const struct world_image *told)
{
	struct store_image *image = find_image(store, facts->id);

	if (image && is_same(image, facts, told))
		return 0;
	if (!image)
		image = add_image(store, facts->id);
	struct store_container *labels = image ? store_container_new(facts, NULL) : NULL;
	struct images_digest *digests = calloc(told->n_digests + 1, sizeof(*digests));
	if (!labels || !digests) {
		(void)store_container_free(labels);
		free(digests);
		return -ENOMEM;
	}
	if (told->n_digests)
		memcpy(digests, told->digests, told->n_digests * sizeof(*digests));
	free_image(image);
	image->labels = labels;
	image->digests = digests;
	image->n_digests = told->n_digests;
	image->state = STORE_IMAGE_READ;
	store_changes(store);
	mark_all_of(store, facts->id);
	return 0;
}

int world_store_put_image(struct world_store *store, const char *json, size_t len,
			  const char **error)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct world_docker_answer answer = { .json = json, .len = len, .arena = arena };
	struct world_container facts = { .name = "", .image = "", .network_mode = "" };
	struct world_image told = { .n_digests = 0 };

	if (!arena)
		return -ENOMEM;
	int r = world_docker_image(&answer, &facts, &told);
	if (r == WORLD_E_INVALID)
		*error = answer.error;
	return r ? r : keep_image(store, &facts, &told);
}
