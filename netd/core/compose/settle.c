/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One document as it stands to itself: its variables filled in, and what it takes away from the
 * files before noted and left out. */
#include <errno.h>
#include <string.h>

#include "core/compose/decode.h"
#include "core/compose/load.h"
#include "core/compose/merge.h"
#include "core/compose/value.h"

const char compose_unset[] = "!unset";

struct settling {
	struct compose *c;
	struct compose_document *document;
	const char *path[LIMIT_YAML_DEPTH + 2];
	size_t depth;
	bool shared;	 /* below an alias: what is taken away there was so at its anchor */
	bool overridden; /* below `!override`: what is there is no tag of ours */
};

/* ---- texts ---- */

static void report_text(struct compose *c, const struct node *node, int r)
{
	char word[TEXT_QUOTE_LEN];

	if (r == INTERPOLATE_E_SYNTAX)
		compose_report(
			c->diags, CF_BAD_INTERPOLATION, node->loc, "write `$$` for a dollar sign",
			"`%s` holds a `${` that begins no variable", text_quote(node->text, word));
	else if (r == INTERPOLATE_E_REQUIRED)
		compose_report_unset(c, node, NULL);
	else if (r == INTERPOLATE_E_TOO_LONG)
		compose_report(c->diags, CF_TOO_LARGE, node->loc, NULL,
			       "with its variables this text has more than %u bytes",
			       LIMIT_COMPOSE_TEXT);
	else if (r == INTERPOLATE_E_TOO_MUCH && !c->stopped)
		compose_report(c->diags, CF_TOO_LARGE, node->loc, NULL,
			       "the texts have more than %u bytes with their variables, or too many"
			       " of them",
			       LIMIT_COMPOSE_TEXTS);
	c->stopped |= r == INTERPOLATE_E_TOO_MUCH;
}

const struct node *compose_fill_in(struct compose *c, const struct node *node)
{
	CLEANUP(text_done) struct text out = { 0 };
	struct node *copy;

	if (node->kind != NODE_SCALAR || !strchr(node->text, '$') ||
	    value_type_of(node) != VALUE_TEXT)
		return node;
	int r = compose_interpolate(&c->variables, node->text, &out);
	if (r > 0 && r != INTERPOLATE_E_UNSET)
		report_text(c, node, r);
	copy = r < 0 ? NULL : arena_dup(c->arena, node, sizeof(*node));
	if (copy && r == INTERPOLATE_E_UNSET)
		copy->tag = compose_unset;
	else if (copy && r == 0)
		copy->text = arena_strdup(c->arena, text_str(&out));
	else if (copy)
		copy->kind = NODE_BAD; /* and that was said */
	if (!copy || !copy->text)
		return compose_no_memory(c);
	copy->quoted = true; /* whatever it looks like now */
	return copy;
}

/* ---- trees ---- */

/* The file says that nothing of the files before counts here. */
static void note_reset(struct settling *s)
{
	size_t bytes = (s->depth + 1) * sizeof(*s->path);
	const char **path;

	s->path[s->depth] = NULL;
	path = arena_dup(s->c->arena, s->path, bytes);
	if (!path || VEC_PUSH(s->c->arena, &s->document->resets, path) < 0)
		(void)compose_no_memory(s->c);
}

static const struct node *settle(struct settling *s, const struct node *node);

/* NULL: this key is not there, or is none, or c->stopped. */
static const struct node *settle_key(struct settling *s, const struct node *key)
{
	bool shared = s->shared, overridden = s->overridden;
	bool reset = node_is_reset(key->value), override = node_is_override(key->value);
	const struct node *settled = NULL;

	if (key->kind != NODE_SCALAR || value_type_of(key) != VALUE_TEXT) {
		compose_wrong_type(s->c, key, "a key", "a word; quote it if it is one");
		return NULL;
	}
	s->shared |= key->shared;
	s->path[s->depth++] = key->text;
	if (((reset && !s->shared) || override) && !s->overridden)
		note_reset(s);
	s->overridden |= override;
	if (!key->repeated)
		settled = settle(s, key->value);
	s->overridden = overridden;
	s->shared = shared;
	s->depth--;
	return settled;
}

/* A copy with the children before @until, once there is one that is different. */
static struct node **copy_until(struct compose *c, const struct node *node,
				const struct node *until, struct node **ret)
{
	struct node **link;

	*ret = tree_like(c, node);
	link = *ret ? &(*ret)->first : NULL;
	for (const struct node *one = node->first; one != until && link; one = one->next)
		link = tree_add(c, *ret, link, one, one->value);
	return link;
}

/* The same node when nothing in it is different. */
static const struct node *settle_container(struct settling *s, const struct node *node)
{
	bool mapping = node->kind == NODE_MAPPING;
	struct node *made = NULL;
	struct node **link = NULL;

	for (const struct node *one = node->first; one; one = one->next) {
		const struct node *settled = mapping ? settle_key(s, one) : settle(s, one);
		if (s->c->stopped)
			return NULL;
		if (!made && settled == (mapping ? one->value : one))
			continue;
		if (!made)
			link = copy_until(s->c, node, one, &made);
		if (settled)
			link = mapping ? tree_add(s->c, made, link, one, settled)
				       : tree_add(s->c, made, link, settled, NULL);
		if (!link)
			return NULL;
	}
	return made ? made : node;
}

/* Recursion ends with the depth of a tree. */
static const struct node *settle(struct settling *s, const struct node *node)
{
	bool shared = s->shared;
	const struct node *settled;

	if (s->c->stopped)
		return NULL;
	if (node->kind == NODE_SCALAR || node->kind == NODE_BAD)
		return compose_fill_in(s->c, node);
	s->shared |= node->shared;
	settled = settle_container(s, node);
	s->shared = shared;
	return settled;
}

bool compose_settle(struct compose *c, const struct node *root, struct compose_document *ret)
{
	struct settling s = { .c = c, .document = ret };

	ret->root = settle(&s, root);
	return ret->root != NULL;
}

const struct node *compose_take_away(struct compose *c, const struct compose_document *document,
				     const struct node *tree, const char *service)
{
	for (size_t i = 0; i < document->resets.n && tree; i++) {
		const char *const *path = document->resets.items[i];
		if (!service)
			tree = tree_without(c, tree, path);
		else if (strcmp(path[0], "services") == 0 && path[1] && path[2] &&
			 strcmp(path[1], service) == 0)
			tree = tree_without(c, tree, path + 2);
	}
	return tree;
}
