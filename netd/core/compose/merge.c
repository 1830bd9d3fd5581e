/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One tree over another. Most things follow their kind: mappings are merged, sequences put behind
 * each other, words replaced. Some have rules of their own, by their path. */
#include "core/compose/merge.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/compose/value.h"

enum rule {
	BY_KIND,
	REPLACE,  /* the later one counts */
	ENTRIES,  /* `a: b` and `a=b` are alike, and all become a sequence */
	DISTINCT, /* the same, and none of them twice */
	KEYS,	  /* `a` is `a:` without a value, and all become a mapping */
	NEEDS,	  /* the same, with the defaults of `depends_on` */
	BUILD,	  /* a word is its `context` */
	SUBNETS,  /* `ipam: {config: …}` */
};

#define DEEPEST 4

/* "*" is any key. */
static const struct {
	const char *path[DEEPEST];
	enum rule rule;
} rules[] = {
	{ { "networks", "*", "ipam", "config" }, SUBNETS },
	{ { "networks", "*", "labels" }, ENTRIES },
	{ { "volumes", "*", "labels" }, ENTRIES },
	{ { "services", "*", "annotations" }, ENTRIES },
	{ { "services", "*", "build" }, BUILD },
	{ { "services", "*", "build", "additional_contexts" }, ENTRIES },
	{ { "services", "*", "build", "args" }, ENTRIES },
	{ { "services", "*", "build", "extra_hosts" }, DISTINCT },
	{ { "services", "*", "build", "labels" }, ENTRIES },
	{ { "services", "*", "command" }, REPLACE },
	{ { "services", "*", "depends_on" }, NEEDS },
	{ { "services", "*", "deploy", "labels" }, ENTRIES },
	{ { "services", "*", "dns" }, ENTRIES },
	{ { "services", "*", "dns_opt" }, ENTRIES },
	{ { "services", "*", "dns_search" }, ENTRIES },
	{ { "services", "*", "entrypoint" }, REPLACE },
	{ { "services", "*", "env_file" }, ENTRIES },
	{ { "services", "*", "environment" }, ENTRIES },
	{ { "services", "*", "extra_hosts" }, DISTINCT },
	{ { "services", "*", "healthcheck", "test" }, REPLACE },
	{ { "services", "*", "label_file" }, ENTRIES },
	{ { "services", "*", "labels" }, ENTRIES },
	{ { "services", "*", "logging" }, REPLACE }, /* nothing of it is read */
	{ { "services", "*", "models" }, KEYS },
	{ { "services", "*", "networks" }, KEYS },
	{ { "services", "*", "sysctls" }, ENTRIES },
	{ { "services", "*", "tmpfs" }, ENTRIES },
	{ { "services", "*", "ulimits", "*" }, REPLACE },
};

/* Where a merge is: the keys down to it. */
struct key_path {
	const char *keys[LIMIT_YAML_DEPTH + 1];
	size_t depth;
};

static enum rule rule_of(const struct key_path *at)
{
	for (size_t i = 0; i < ARRAY_LEN(rules) && at->depth <= DEEPEST; i++) {
		const char *const *path = rules[i].path;
		size_t k = 0;
		while (k < at->depth && path[k] &&
		       (*path[k] == '*' || strcmp(path[k], at->keys[k]) == 0))
			k++;
		if (k == at->depth && (k == DEEPEST || !path[k]))
			return rules[i].rule;
	}
	return BY_KIND;
}

/* ---- trees ---- */

void *compose_no_memory(struct compose *c)
{
	c->diags->out_of_memory = true;
	c->stopped = true;
	return NULL;
}

static void *take(struct compose *c, void *memory)
{
	return memory ? memory : compose_no_memory(c);
}

struct node *tree_like(struct compose *c, const struct node *like)
{
	struct node *copy = take(c, arena_dup(c->arena, like, sizeof(*like)));

	if (!copy)
		return NULL;
	copy->first = copy->next = NULL;
	copy->tag = NULL;
	copy->n = 0;
	copy->weight = 1;
	return copy;
}

struct node **tree_add(struct compose *c, struct node *parent, struct node **link,
		       const struct node *item, const struct node *value)
{
	struct node *copy;

	if (!link || c->stopped)
		return NULL;
	if (++c->values > LIMIT_COMPOSE_VALUES) {
		compose_report(c->diags, CF_TOO_LARGE, item->loc, NULL,
			       "the files come to more than %u values", LIMIT_COMPOSE_VALUES);
		c->stopped = true;
		return NULL;
	}
	copy = take(c, arena_dup(c->arena, item, sizeof(*item)));
	if (!copy)
		return NULL;
	*link = copy;
	copy->next = NULL;
	copy->value = (struct node *)(uintptr_t)value;
	parent->n++;
	parent->weight += copy->weight + (value ? value->weight : 0);
	return &copy->next;
}

const struct node *tree_set(struct compose *c, const struct node *mapping, const struct node *key,
			    const struct node *value)
{
	struct node *made = tree_like(c, mapping);
	struct node **link = made ? &made->first : NULL;
	bool found = false;

	for (const struct node *one = mapping->first; one && link; one = one->next) {
		bool same = strcmp(one->text, key->text) == 0;
		found |= same;
		if (!same || value)
			link = tree_add(c, made, link, one, same ? value : one->value);
	}
	if (link && !found && value)
		link = tree_add(c, made, link, key, value);
	return link ? made : NULL;
}

const struct node *tree_without(struct compose *c, const struct node *tree, const char *const *path)
{
	const struct node *key = *path ? node_find(tree, *path) : NULL;
	const struct node *value = NULL;

	if (!key)
		return tree;
	if (path[1]) {
		value = tree_without(c, key->value, path + 1);
		if (!value || value == key->value)
			return value ? tree : NULL;
	}
	return tree_set(c, tree, key, value);
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

/* ---- the rules ---- */

static const struct node *merge(struct compose *c, const struct node *base, const struct node *over,
				struct key_path *at);

static const struct node *refuse(struct compose *c, const struct node *over,
				 const struct key_path *at)
{
	char word[TEXT_QUOTE_LEN];

	compose_report(c->diags, CF_WRONG_TYPE, over->loc, NULL,
		       "`%s` is a list, a mapping or a word in the place of another: it cannot be "
		       "laid over what it was before",
		       text_quote(at->depth ? at->keys[at->depth - 1] : "", word));
	return over;
}

static const struct node *merge_mappings(struct compose *c, const struct node *base,
					 const struct node *over, struct key_path *at)
{
	struct node *made = tree_like(c, base);
	struct node **link = made ? &made->first : NULL;

	for (const struct node *key = base->first; key && link; key = key->next) {
		const struct node *other = node_get(over, key->text), *value = key->value;
		if (other && text_begins(key->text, "x-")) {
			value = other; /* nobody's but the user's */
		} else if (other && at->depth < ARRAY_LEN(at->keys)) {
			at->keys[at->depth++] = key->text;
			value = merge(c, key->value, other, at);
			at->depth--;
		}
		link = value ? tree_add(c, made, link, key, value) : NULL;
	}
	for (const struct node *key = over->first; key && link; key = key->next)
		if (!node_find(base, key->text))
			link = tree_add(c, made, link, key, key->value);
	return link ? made : NULL;
}

static bool contains(const struct node *list, const struct node *item)
{
	for (const struct node *one = list->first; one; one = one->next)
		if (tree_equal(one, item))
			return true;
	return false;
}

static const struct node *append(struct compose *c, const struct node *base,
				 const struct node *over, bool distinct)
{
	struct node *made = tree_like(c, base);
	struct node **link = made ? &made->first : NULL;

	for (const struct node *item = base->first; item && link; item = item->next)
		link = tree_add(c, made, link, item, item->value);
	for (const struct node *item = over->first; item && link; item = item->next)
		if (!distinct || !contains(base, item))
			link = tree_add(c, made, link, item, item->value);
	return link ? made : NULL;
}

/* `key: value` as `key=value`; without a value the key alone. */
static struct node **add_entry(struct compose *c, struct node *list, struct node **link,
			       const struct node *key, const struct node *value)
{
	const char *text = value->kind == NODE_SCALAR ? value_text(value, c->arena) : "";
	struct node entry = *key;

	entry.text = value_type_of(value) == VALUE_NULL || !text
			     ? key->text
			     : arena_printf(c->arena, "%s=%s", key->text, text);
	entry.tag = value->tag == compose_unset ? compose_unset : NULL;
	entry.quoted = true;
	entry.weight = 1;
	if (!take(c, text && entry.text ? list : NULL))
		return NULL;
	return tree_add(c, list, link, &entry, NULL);
}

static const struct node *to_entries(struct compose *c, const struct node *node)
{
	struct node like = { .loc = node->loc, .kind = NODE_SEQUENCE, .weight = 1 };
	struct node *made;
	struct node **link;

	if (node->kind == NODE_SEQUENCE)
		return node;
	made = tree_like(c, &like);
	link = made ? &made->first : NULL;
	if (node->kind == NODE_SCALAR && !node_is_null(node))
		link = tree_add(c, made, link, node, NULL);
	for (const struct node *key = node->first; key && link; key = key->next) {
		bool many = key->value->kind == NODE_SEQUENCE;
		for (const struct node *one = many ? key->value->first : key->value; one && link;
		     one = many ? one->next : NULL)
			link = add_entry(c, made, link, key, one);
	}
	return link ? made : NULL;
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

static const struct node *to_keys(struct compose *c, const struct node *node,
				  const struct node *value)
{
	struct node like = { .loc = node->loc, .kind = NODE_MAPPING, .weight = 1 };
	struct node *made;
	struct node **link;

	if (node->kind == NODE_MAPPING)
		return node;
	made = tree_like(c, &like);
	link = made ? &made->first : NULL;
	for (const struct node *item = node->first; item && link; item = item->next)
		if (item->kind == NODE_SCALAR && !node_find(made, item->text))
			link = tree_add(c, made, link, item, value);
	return link ? made : NULL;
}

static const struct node *to_build(struct compose *c, const struct node *node)
{
	struct node like = { .loc = node->loc, .kind = NODE_MAPPING, .weight = 1 };
	struct node key = { .loc = node->loc, .kind = NODE_SCALAR, .text = "context", .weight = 1 };
	struct node *made;

	if (node->kind == NODE_MAPPING)
		return node;
	made = tree_like(c, &like);
	if (!made || node_is_null(node))
		return made;
	return tree_add(c, made, &made->first, &key, node) ? made : NULL;
}

/* ---- subnets ---- */

static bool same_subnet(const struct node *a, const struct node *b)
{
	const struct node *x = node_get(a, "subnet"), *y = node_get(b, "subnet");

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

static int set_subnet(struct compose *c, struct subnets *all, const struct node *one)
{
	size_t i = find_subnet(all, one);

	if (i == all->n)
		return VEC_PUSH(c->arena, all, one);
	all->items[i] = one;
	return 0;
}

/* Of the base only what has the subnet of a later entry is left, or is mixed into one of another
 * subnet that is there by then: this is what compose does, and nothing else agrees with it. */
static const struct node *merge_subnets(struct compose *c, const struct node *base,
					const struct node *over, struct key_path *at)
{
	struct subnets all = { 0 };
	struct node *made = tree_like(c, base);
	struct node **link = made ? &made->first : NULL;

	for (const struct node *old = base->first; old && link; old = old->next) {
		const struct node *right = old;
		for (const struct node *left = over->first; left && link; left = left->next) {
			bool known = find_subnet(&all, left) < all.n || same_subnet(left, right);
			if (known)
				right = merge_mappings(c, right, left, at);
			if (!right || set_subnet(c, &all, known ? right : left) < 0)
				link = take(c, NULL);
		}
	}
	for (size_t i = 0; i < all.n && link; i++)
		link = tree_add(c, made, link, all.items[i], NULL);
	return link ? made : NULL;
}

/* ---- one place ---- */

static const struct node *merge_by_kind(struct compose *c, const struct node *base,
					const struct node *over, struct key_path *at)
{
	if (node_is_null(over))
		return base;
	if (base->kind == NODE_SCALAR)
		return over;
	if (base->kind != over->kind)
		return refuse(c, over, at);
	return base->kind == NODE_MAPPING ? merge_mappings(c, base, over, at)
					  : append(c, base, over, false);
}

static const struct node *merge_both(struct compose *c, const struct node *base,
				     const struct node *over, struct key_path *at)
{
	return base && over ? merge_mappings(c, base, over, at) : NULL;
}

/* Recursion ends with the depth of the trees, which is bounded. */
static const struct node *merge(struct compose *c, const struct node *base, const struct node *over,
				struct key_path *at)
{
	enum rule rule = rule_of(at);

	switch (rule) {
	case REPLACE:
		return over;
	case ENTRIES:
	case DISTINCT:
		base = to_entries(c, base);
		over = to_entries(c, over);
		return base && over ? append(c, base, over, rule == DISTINCT) : NULL;
	case KEYS:
		return merge_both(c, to_keys(c, base, &nothing), to_keys(c, over, &nothing), at);
	case NEEDS:
		return merge_both(c, to_keys(c, base, &need), to_keys(c, over, &need), at);
	case BUILD:
		return merge_both(c, to_build(c, base), to_build(c, over), at);
	case SUBNETS:
		if (base->kind != NODE_SEQUENCE || over->kind != NODE_SEQUENCE)
			return refuse(c, over, at);
		return merge_subnets(c, base, over, at);
	case BY_KIND:
		break;
	}
	return merge_by_kind(c, base, over, at);
}

const struct node *merge_files(struct compose *c, const struct node *base, const struct node *over)
{
	struct key_path at = { 0 };

	return merge(c, base, over, &at);
}

const struct node *merge_services(struct compose *c, const struct node *base,
				  const struct node *over)
{
	struct key_path at = { { "services", "x" }, 2 };

	return merge(c, base, over, &at);
}
