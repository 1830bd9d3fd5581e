/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Anchors, aliases and merge keys. An alias is a node of its own that shares the children of what
 * it stands for, so it costs nothing to read; what it would come to when written out is counted and
 * bounded, so that nobody who walks the tree meets a billion laughs. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/sort.h"
#include "core/base/text.h"
#include "core/yaml/build.h"

/* ---- anchors ---- */

static int by_anchor(const void *name, const void *anchor)
{
	return strcmp(name, ((const struct node_anchor *)anchor)->name);
}

/* The first anchor whose name is not before @name. */
static size_t anchor_bound(const struct node_builder *b, const char *name)
{
	return sort_bound(name, b->anchors.items, b->anchors.n, sizeof(*b->anchors.items),
			  by_anchor);
}

static struct node_anchor *find_anchor(const struct node_builder *b, const char *name)
{
	size_t at = anchor_bound(b, name);

	return at < b->anchors.n && strcmp(b->anchors.items[at].name, name) == 0
		       ? &b->anchors.items[at]
		       : NULL;
}

int node_set_anchor(struct node_builder *b, const char *name, struct node *node)
{
	struct node_anchor *known = find_anchor(b, name);

	if (known) {
		known->node = node; /* YAML: the last one before the alias counts */
		return 0;
	}
	if (b->anchors.n == LIMIT_YAML_ANCHORS) {
		node_report(b, NODE_FAULT_TOO_LARGE, node->loc, NULL,
			    "there are more than %u anchors", LIMIT_YAML_ANCHORS);
		return NODE_E_INVALID;
	}
	struct node_anchor anchor = { arena_strdup(b->arena, name), node };
	if (!anchor.name || VEC_PUSH(b->arena, &b->anchors, anchor) < 0)
		return -ENOMEM;
	struct node_anchor *items = b->anchors.items;
	size_t i = b->anchors.n - 1;
	for (; i > 0 && strcmp(items[i - 1].name, name) > 0; i--)
		items[i] = items[i - 1];
	items[i] = anchor;
	return 0;
}

/* ---- what stands for something else ---- */

static int take_share(struct node_builder *b, struct source_loc loc, uint32_t weight)
{
	if (weight > LIMIT_YAML_NODES - b->shared) {
		node_report(b, NODE_FAULT_TOO_LARGE, loc, NULL,
			    "the aliases up to here stand for more than %u values",
			    LIMIT_YAML_NODES);
		return NODE_E_INVALID;
	}
	b->shared += weight;
	return 0;
}

static bool is_open(const struct node_builder *b, const struct node *node)
{
	for (size_t i = 0; i < b->depth; i++)
		if (b->levels[i].node == node)
			return true;
	return false;
}

static int report_alias(const struct node_builder *b, struct source_loc loc, const char *name,
			bool own)
{
	char word[TEXT_QUOTE_LEN];

	if (own)
		node_report(b, NODE_FAULT_ALIAS, loc, NULL, "`*%s` stands inside what it names",
			    text_quote(name, word));
	else
		node_report(b, NODE_FAULT_ALIAS, loc,
			    "an anchor stands before its aliases, in the same file",
			    "no anchor `&%s` stands before this alias", text_quote(name, word));
	return NODE_E_INVALID;
}

int node_on_alias(struct node_builder *b, const yaml_event_t *event)
{
	const char *name = (const char *)event->data.alias.anchor;
	struct source_loc loc = node_locate(b, &event->start_mark);
	const struct node_anchor *anchor = find_anchor(b, name);

	if (!anchor || is_open(b, anchor->node))
		return report_alias(b, loc, name, anchor != NULL);
	const struct node *target = anchor->node;
	int r = take_share(b, loc, target->weight);
	if (r)
		return r;
	struct node *node = node_add(b, target->kind, event);
	if (!node)
		return -ENOMEM;
	node->shared = true;
	node->quoted = target->quoted;
	node->height = target->height;
	node->weight = target->weight;
	node->text = target->text;
	node->tag = target->tag;
	node->first = target->first;
	node->n = target->n;
	return 0;
}

/* ---- merge keys ---- */

/* A key of a mapping or of one merged into it; rank: which of two alike counts, the lower one. */
struct candidate {
	struct node *key;
	size_t rank;
	bool merged;
};

struct candidates {
	struct candidate *items;
	size_t n, cap;
};

static bool is_merge_key(const struct node *key)
{
	return key->kind == NODE_SCALAR && !key->quoted && strcmp(key->text, "<<") == 0;
}

/* Recursion ends with the depth of a tree; its weight bounds how much is seen. */
static const struct node *find_override(const struct node *node)
{
	const struct node *found = node_is_override(node) ? node : NULL;

	for (const struct node *one = node->first; one && !found; one = one->next)
		found = find_override(node->kind == NODE_MAPPING ? one->value : one);
	return found;
}

/* Docker compose notes this tag where the merge stands, or where the anchor does, or not at all, as
 * the merge is written; the one that loses against a key beside `<<` counts, too. */
static int refuse_override(struct node_builder *b, const struct node *mapping)
{
	const struct node *found = find_override(mapping);

	if (!found)
		return 0;
	node_report(b, NODE_FAULT_TAG, found->loc,
		    "check the output of `docker compose config` instead",
		    "`!override` cannot be followed through a merge key");
	return NODE_E_INVALID;
}

static int add_keys(struct node_builder *b, struct candidates *all, const struct node *mapping,
		    bool merged)
{
	int r = merged ? take_share(b, mapping->loc, mapping->weight) : 0;

	if (merged && r == 0)
		r = refuse_override(b, mapping);
	for (struct node *key = mapping->first; key && r == 0; key = key->next) {
		struct candidate one = { key, all->n, merged };
		if (merged ? !key->repeated : !is_merge_key(key))
			r = VEC_PUSH(b->arena, all, one);
	}
	return r;
}

static int add_merged(struct node_builder *b, struct candidates *all, const struct node *value)
{
	bool many = value->kind == NODE_SEQUENCE;
	int r = 0;

	for (const struct node *one = many ? value->first : value; one && r == 0;
	     one = many ? one->next : NULL) {
		if (one->kind == NODE_MAPPING) {
			r = add_keys(b, all, one, true);
			continue;
		}
		node_report(b, NODE_FAULT_ALIAS, value->loc,
			    "write `<<: *name`, or `<<: [*one, *other]`",
			    "`<<` takes a mapping, or a list of mappings");
		return NODE_E_INVALID;
	}
	return r;
}

static int by_text(const void *left, const void *right)
{
	const struct candidate *a = left, *b = right;
	int kinds = (a->key->kind == NODE_SCALAR) - (b->key->kind == NODE_SCALAR);
	int order =
		kinds || a->key->kind != NODE_SCALAR ? kinds : strcmp(a->key->text, b->key->text);

	return order ? order : (a->rank > b->rank) - (a->rank < b->rank);
}

static int by_rank(const void *left, const void *right)
{
	const struct candidate *a = left, *b = right;

	return (a->rank > b->rank) - (a->rank < b->rank);
}

/* A merged key that stands before is left out; the others are in the order of reading again. */
static void keep_first(struct candidates *all)
{
	size_t kept = 0;

	qsort(all->items, all->n, sizeof(*all->items), by_text);
	for (size_t i = 0; i < all->n; i++) {
		const struct candidate *one = &all->items[i];
		const struct node *last = kept ? all->items[kept - 1].key : NULL;
		if (!one->merged || !last || last->repeated || one->key->kind != NODE_SCALAR ||
		    strcmp(last->text, one->key->text) != 0)
			all->items[kept++] = *one;
	}
	all->n = kept;
	qsort(all->items, all->n, sizeof(*all->items), by_rank);
}

int node_merge_keys(struct node_builder *b, struct node *mapping)
{
	struct candidates all = { 0 };
	const struct node *merge = mapping->first;
	int r;

	while (merge && (!is_merge_key(merge) || merge->repeated))
		merge = merge->next;
	if (!merge)
		return 0;
	r = add_keys(b, &all, mapping, false);
	if (r == 0)
		r = add_merged(b, &all, merge->value);
	if (r)
		return r;
	if (all.n)
		keep_first(&all);
	struct node **link = &mapping->first;
	for (size_t i = 0; i < all.n; i++) {
		struct node *key = all.items[i].key;
		if (all.items[i].merged)
			key = arena_dup(b->arena, key, sizeof(*key));
		if (!key)
			return -ENOMEM;
		key->shared |= all.items[i].merged;
		*link = key;
		link = &key->next;
	}
	*link = NULL;
	mapping->n = all.n;
	return 0;
}

/* ---- bounds ---- */

static void weigh_one(const struct node *child, struct node *sum)
{
	sum->weight += child->weight;
	if (child->height >= sum->height)
		sum->height = (uint16_t)(child->height + 1);
}

int node_weigh(struct node_builder *b, struct node *node)
{
	for (const struct node *child = node->first; child; child = child->next) {
		weigh_one(child, node);
		if (node->kind == NODE_MAPPING)
			weigh_one(child->value, node);
	}
	if (node->height <= LIMIT_YAML_DEPTH)
		return 0;
	node_report(b, NODE_FAULT_TOO_DEEP, node->loc, b->dialect->depth_hint,
		    "there are more than %u levels of nesting, counting what aliases stand for",
		    LIMIT_YAML_DEPTH);
	return NODE_E_INVALID;
}
