/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/compose/tree.h"

#include <string.h>

const struct node tree_bad = { .kind = NODE_BAD, .text = "", .weight = 1 };

struct tree tree_begin(struct compose *c, const struct node *like, enum node_kind kind)
{
	struct tree tree = { .c = c, .node = compose_alloc(c, sizeof(*tree.node)) };

	if (tree.node) {
		*tree.node = (struct node){ .loc = like->loc, .kind = kind, .weight = 1 };
		tree.link = &tree.node->first;
	}
	return tree;
}

void tree_add(struct tree *tree, const struct node *item, const struct node *value)
{
	struct compose *c = tree->c;

	if (c->stopped)
		return;
	if (++c->values > LIMIT_COMPOSE_VALUES) {
		compose_stop(c, CF_TOO_LARGE, item->loc, "the files come to more than %u values",
			     LIMIT_COMPOSE_VALUES);
		return;
	}
	struct node *copy = compose_alloc(c, sizeof(*copy));
	if (!copy)
		return;
	*copy = *item;
	copy->next = NULL;
	copy->value = (struct node *)(uintptr_t)value;
	*tree->link = copy;
	tree->link = &copy->next;
	tree->node->n++;
	tree->node->weight += copy->weight + (value ? value->weight : 0);
}

void tree_add_all(struct tree *tree, const struct node *node, const struct node *until)
{
	for (const struct node *one = node->first; one != until; one = one->next)
		tree_add(tree, one, one->value);
}

const struct node *tree_end(const struct tree *tree)
{
	return tree->c->stopped ? &tree_bad : tree->node;
}

const struct node *tree_set(struct compose *c, const struct node *mapping, const struct node *key,
			    const struct node *value)
{
	struct tree made = tree_begin(c, mapping, NODE_MAPPING);
	const struct node *old = node_find(mapping, key->text);

	for (const struct node *one = mapping->first; one; one = one->next)
		if (one != old || value)
			tree_add(&made, one, one == old ? value : one->value);
	if (!old && value)
		tree_add(&made, key, value);
	return tree_end(&made);
}

bool tree_equal(const struct node *a, const struct node *b)
{
	const struct node *x = a->first, *y = b->first;

	if (a->kind != b->kind || a->n != b->n)
		return false;
	if (a->kind == NODE_SCALAR)
		return a->quoted == b->quoted && strcmp(a->text, b->text) == 0;
	for (; x && a->kind == NODE_MAPPING; x = x->next) {
		const struct node *other = node_get(b, x->text);
		if (!other || !tree_equal(x->value, other))
			return false;
	}
	for (; x && y; x = x->next, y = y->next)
		if (!tree_equal(x, y))
			return false;
	return true;
}
