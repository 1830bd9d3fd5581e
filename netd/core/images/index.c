/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reports and signatures by the digest of the image that they are about. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/sort.h"
#include "core/images/images.h"

static int compare_mentions(const void *left, const void *right)
{
	const struct images_mention *a = left, *b = right;
	int order = strcmp(a->hex, b->hex);

	return order ? order : (a->at > b->at) - (a->at < b->at);
}

static void sort(struct images_mentions *mentions)
{
	if (mentions->n)
		qsort(mentions->items, mentions->n, sizeof(*mentions->items), compare_mentions);
}

int images_index(struct images *images)
{
	struct images_mentions *reports = &images->in_reports, *signatures = &images->in_signatures;
	size_t n = 0;

	for (size_t i = 0; i < images->n_reports; i++)
		n += images->reports[i].n_digests;
	*reports = *signatures = (struct images_mentions){ 0 };
	reports->items = arena_alloc(images->arena, n * sizeof(*reports->items));
	signatures->items =
		arena_alloc(images->arena, images->n_signatures * sizeof(*signatures->items));
	if (!reports->items || !signatures->items)
		return -ENOMEM;
	for (uint32_t i = 0; i < images->n_reports; i++)
		for (size_t k = 0; k < images->reports[i].n_digests; k++)
			reports->items[reports->n++] =
				(struct images_mention){ images->reports[i].digests[k].hex, i };
	for (uint32_t i = 0; i < images->n_signatures; i++)
		signatures->items[signatures->n++] =
			(struct images_mention){ images->signatures[i].digest.hex, i };
	sort(reports);
	sort(signatures);
	return 0;
}

/* ---- the walk ---- */

static const char *digest_at(const struct images_about *about, size_t i)
{
	return i == 0 ? about->id : about->digests[i - 1].hex;
}

/* containerd's store of images knows an image by the digest of its manifest. */
static bool is_again(const struct images_about *about, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (strcmp(digest_at(about, k), digest_at(about, i)) == 0)
			return true;
	return false;
}

static int by_hex(const void *hex, const void *mention)
{
	return strcmp(hex, ((const struct images_mention *)mention)->hex);
}

static const struct images_mention *next_mention(struct images_walk *walk,
						 const struct images_mentions *all)
{
	for (; walk->digest <= walk->about->n_digests; walk->digest++, walk->at = 0) {
		const char *hex = digest_at(walk->about, walk->digest);
		if (walk->at == 0 && is_again(walk->about, walk->digest))
			continue;
		size_t i =
			walk->at ? walk->at
				 : sort_bound(hex, all->items, all->n, sizeof(*all->items), by_hex);
		if (i == all->n || strcmp(all->items[i].hex, hex) != 0)
			continue;
		walk->at = i + 1;
		return &all->items[i];
	}
	return NULL;
}

const struct images_report *images_next_report(struct images_walk *walk)
{
	const struct images *all = walk->about->all;
	const struct images_mention *mention = all ? next_mention(walk, &all->in_reports) : NULL;

	return mention ? &all->reports[mention->at] : NULL;
}

const struct images_signature *images_next_signature(struct images_walk *walk)
{
	const struct images *all = walk->about->all;
	const struct images_mention *mention = all ? next_mention(walk, &all->in_signatures) : NULL;

	return mention ? &all->signatures[mention->at] : NULL;
}
