/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Trees of compose files, laid over each other as docker compose does it. Trees are never changed:
 * a new one shares what is alike. Internal to core/compose. */
#pragma once

#include "core/compose/draft.h"

/* In all of these NULL: out of memory or a limit, reported; c->stopped is set. */

void *compose_no_memory(struct compose *c); /* NULL, and nothing more is read */

/* A mapping or sequence like @like without children; and a child at its end, as it is. */
struct node *tree_like(struct compose *c, const struct node *like);
/* @item is copied; *link is where the next one goes, first &parent->first. @key of a mapping gets
 * @value. */
struct node **tree_add(struct compose *c, struct node *parent, struct node **link,
		       const struct node *item, const struct node *value);
/* @mapping with @key (its name and place) set to @value; NULL value: without it. */
const struct node *tree_set(struct compose *c, const struct node *mapping, const struct node *key,
			    const struct node *value);
/* @tree without what @path names, a list of keys that ends with NULL. */
const struct node *tree_without(struct compose *c, const struct node *tree,
				const char *const *path);
bool tree_equal(const struct node *a, const struct node *b);

/* @over laid over @base: both of a file's root. What cannot be merged is reported. */
const struct node *merge_files(struct compose *c, const struct node *base, const struct node *over);
/* The same for two services: one, and what it extends. */
const struct node *merge_services(struct compose *c, const struct node *base,
				  const struct node *over);
