/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Trees of compose files. They are never changed: a new one shares what is alike. Where one cannot
 * be had, what stands for it is tree_bad, a NODE_BAD: that was reported, or c->stopped is set.
 * Internal to core/compose. */
#pragma once

#include "core/compose/draft.h"

extern const struct node tree_bad;

/* A mapping or sequence in the making, at the place of @like. */
struct tree {
	struct compose *c;
	struct node *node, **link;
};
struct tree tree_begin(struct compose *c, const struct node *like, enum node_kind kind);
/* A copy of @item at its end; @item is a key when there is a @value. */
void tree_add(struct tree *tree, const struct node *item, const struct node *value);
/* What @node has before @until, too; NULL: all of it. */
void tree_add_all(struct tree *tree, const struct node *node, const struct node *until);
const struct node *tree_end(const struct tree *tree);

/* @mapping with @key (its name and place) set to @value; NULL value: without it. */
const struct node *tree_set(struct compose *c, const struct node *mapping, const struct node *key,
			    const struct node *value);
/* @node without what @path names, a list of keys that ends with NULL; @field: what @node is. */
struct schema_field;
const struct node *tree_without(struct compose *c, const struct node *node, const char *const *path,
				const struct schema_field *field);
/* A list of keys that @field says is a mapping as well, as that; else @node. */
const struct node *tree_to_keys(struct compose *c, const struct node *node,
				const struct schema_field *field);
bool tree_equal(const struct node *a, const struct node *b);

/* @over laid over @base, as docker compose does it for what @field says. What cannot be is
 * reported.
 */
const struct node *tree_merge(struct compose *c, const struct node *base, const struct node *over,
			      const struct schema_field *field);
