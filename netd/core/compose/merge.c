/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One tree over another, by what the schema says of each key; and one without a key of it. */
#include <string.h>

#include "core/compose/decode.h"
#include "core/compose/tree.h"
#include "core/compose/value.h"

static const struct node *merge_keys(struct compose *c, const struct node *base,
				     const struct node *over, const struct schema_shape *shape)
{
	struct tree made = tree_begin(c, base, NODE_MAPPING);

	for (const struct node *key = base->first; key && !c->stopped; key = key->next) {
		const struct node *other = node_get(over, key->text);
		bool known = other && shape && !schema_is_extension(key);
		tree_add(&made, key,
			 other ? tree_merge(c, key->value, other,
					    known ? schema_find(shape, key->text) : NULL)
			       : key->value);
	}
	for (const struct node *key = over->first; key && !c->stopped; key = key->next)
		if (!node_find(base, key->text))
			tree_add(&made, key, key->value);
	return tree_end(&made);
}

static const struct node *join(struct compose *c, const struct node *base, const struct node *over)
{
	struct tree made = tree_begin(c, base, NODE_SEQUENCE);

	tree_add_all(&made, base, NULL);
	tree_add_all(&made, over, NULL);
	return tree_end(&made);
}

/* ---- one spelling for two ---- */

/* `key: value` as `key=value`; without a value the key alone. */
static void add_entry(struct tree *list, const struct node *key, const struct node *value)
{
	struct node entry = *key;

	entry.tag = value->tag == compose_unset ? compose_unset : NULL;
	entry.quoted = true;
	entry.weight = 1;
	if (value_type_of(value) != VALUE_NULL)
		entry.text =
			compose_printf(list->c, "%s=%s", key->text, value_text(value, list->c));
	tree_add(list, &entry, NULL);
}

static const struct node *to_entries(struct compose *c, const struct node *node)
{
	struct tree made = tree_begin(c, node, NODE_SEQUENCE);

	if (node->kind == NODE_SEQUENCE)
		return node;
	if (node->kind == NODE_SCALAR)
		tree_add(&made, node, NULL);
	for (const struct node *key = node->first; key; key = key->next) {
		bool many = key->value->kind == NODE_SEQUENCE;
		for (const struct node *one = many ? key->value->first : key->value; one;
		     one = many ? one->next : NULL) {
			if (one->kind == NODE_SCALAR)
				add_entry(&made, key, one);
			else
				compose_wrong_type(c, one, key->text, "a word");
		}
	}
	return tree_end(&made);
}

static struct node nothing = { .kind = NODE_SCALAR, .text = "", .weight = 1 };

/* What `depends_on: [a]` says of a. */
static struct node started = { .kind = NODE_SCALAR, .text = "service_started", .weight = 1 };
static struct node yes = { .kind = NODE_SCALAR, .text = "true", .weight = 1 };
static struct node required = {
	.kind = NODE_SCALAR, .text = "required", .weight = 1, .value = &yes
};
static struct node condition = {
	.kind = NODE_SCALAR, .text = "condition", .weight = 1, .value = &started, .next = &required
};
static struct node need = { .kind = NODE_MAPPING, .first = &condition, .n = 2, .weight = 5 };

const struct node *tree_to_keys(struct compose *c, const struct node *node,
				const struct schema_field *field)
{
	const struct node *value = field && field->merge == SCHEMA_NEEDS ? &need : &nothing;

	if (node->kind != NODE_SEQUENCE || !field ||
	    (field->merge != SCHEMA_KEYS && field->merge != SCHEMA_NEEDS))
		return node;
	struct tree made = tree_begin(c, node, NODE_MAPPING);
	for (const struct node *item = node->first; item && !c->stopped; item = item->next)
		if (item->kind == NODE_SCALAR && !node_find(made.node, item->text))
			tree_add(&made, item, value);
	return tree_end(&made);
}

static const struct schema_field *field_of(const struct schema_field *field, const struct node *key)
{
	bool known = field && field->shape && !schema_is_extension(key);

	return known ? schema_find(field->shape, key->text) : NULL;
}

const struct node *tree_without(struct compose *c, const struct node *node, const char *const *path,
				const struct schema_field *field)
{
	const struct node *keys = tree_to_keys(c, node, field);
	const struct node *key = *path ? node_find(keys, *path) : NULL;
	const struct node *value =
		key && path[1] ? tree_without(c, key->value, path + 1, field_of(field, key)) : NULL;

	return !key || value == key->value ? node : tree_set(c, keys, key, value);
}

/* ---- subnets ---- */

/* What is no mapping has none: the schema refuses it. */
static bool same_subnet(const struct node *a, const struct node *b)
{
	const struct node *x = node_get(a, "subnet"), *y = node_get(b, "subnet");

	if (a->kind != NODE_MAPPING || b->kind != NODE_MAPPING)
		return false;
	return x && y ? tree_equal(x, y) : x == y;
}

struct subnets {
	const struct node **items;
	size_t n, cap;
};

static size_t find_subnet(const struct subnets *all, const struct node *like)
{
	size_t i = 0;

	while (i < all->n && !same_subnet(all->items[i], like))
		i++;
	return i;
}

/* Of the base only what has the subnet of a later entry is left, or is mixed into one of another
 * subnet that is there by then: this is what compose does, and nothing else agrees with it. */
static const struct node *merge_subnets(struct compose *c, const struct node *base,
					const struct node *over)
{
	struct subnets all = { 0 };
	struct tree made = tree_begin(c, base, NODE_SEQUENCE);

	for (const struct node *old = base->first; old; old = old->next) {
		const struct node *right = old;
		for (const struct node *left = over->first; left && !c->stopped;
		     left = left->next) {
			size_t at = find_subnet(&all, left);
			bool known = right->kind == NODE_MAPPING &&
				     (at < all.n || same_subnet(left, right));
			if (known)
				right = merge_keys(c, right, left, NULL);
			const struct node *one = known ? right : left;
			at = find_subnet(&all, one);
			if (at < all.n)
				all.items[at] = one;
			else
				COMPOSE_PUSH(c, &all, one);
		}
	}
	for (size_t i = 0; i < all.n; i++)
		tree_add(&made, all.items[i], NULL);
	return tree_end(&made);
}

/* ---- one key ---- */

static const struct node *refuse(struct compose *c, const struct node *over,
				 const struct schema_field *field)
{
	compose_report(c, CF_WRONG_TYPE, over->loc, NULL,
		       "`%s` is a list, a mapping or a word in the place of another: it cannot be "
		       "laid over what it was before",
		       field->name);
	return over;
}

static const struct node *merge_by_kind(struct compose *c, const struct node *base,
					const struct node *over, const struct schema_field *field)
{
	if (base->kind == NODE_SCALAR)
		return over;
	if (base->kind != over->kind)
		return refuse(c, over, field);
	return base->kind == NODE_MAPPING ? merge_keys(c, base, over, field->shape)
					  : join(c, base, over);
}

/* A text that is to be a flag is read in each file, and refused where it is none, though a later
 * file sets the flag anew. */
static void check_flag(struct compose *c, const struct node *base, const struct schema_field *field)
{
	struct draft_flag unused = { 0 };
	struct node key = { .loc = base->loc, .text = field->name };

	if (field->decode != compose_decode_flag || base->kind != NODE_SCALAR ||
	    base->tag == compose_unset || value_type_of(base) != VALUE_TEXT)
		return;
	key.value = (struct node *)(uintptr_t)base;
	compose_decode_flag(c, &key, &unused);
}

/* Recursion ends with the depth of the trees, which is bounded. */
const struct node *tree_merge(struct compose *c, const struct node *base, const struct node *over,
			      const struct schema_field *field)
{
	if (c->stopped || base->kind == NODE_BAD || over->kind == NODE_BAD)
		return &tree_bad;
	if (node_is_null(base) || node_is_null(over))
		return node_is_null(over) ? base : over;
	switch (field ? field->merge : SCHEMA_LATER) {
	case SCHEMA_LATER:
		if (field && field->name)
			check_flag(c, base, field);
		return over;
	case SCHEMA_ENTRIES:
		return join(c, to_entries(c, base), to_entries(c, over));
	case SCHEMA_KEYS:
	case SCHEMA_NEEDS:
		base = tree_to_keys(c, base, field);
		over = tree_to_keys(c, over, field);
		break;
	case SCHEMA_SUBNETS:
		if (base->kind == NODE_SEQUENCE && over->kind == NODE_SEQUENCE)
			return merge_subnets(c, base, over);
		break;
	case SCHEMA_BY_KIND:
		break;
	}
	return merge_by_kind(c, base, over, field);
}
