/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One document as it stands to itself: its variables filled in, and what it takes away from the
 * files before noted and left out. */
#include <string.h>

#include "core/compose/decode.h"
#include "core/compose/load.h"
#include "core/compose/tree.h"
#include "core/compose/value.h"

struct settling {
	struct compose *c;
	struct compose_document document;
	const char *path[LIMIT_YAML_DEPTH + 2];
	size_t depth;
	bool shared;	 /* below an alias: what is taken away there was so at its anchor */
	bool overridden; /* below `!override`: what is there is no tag of ours */
};

/* ---- texts ---- */

/* @r: of compose_interpolate(). */
static void report_text(struct compose *c, const struct node *node, int r)
{
	if (r == INTERPOLATE_E_SYNTAX)
		compose_report(c, CF_BAD_INTERPOLATION, node->loc, "write `$$` for a dollar sign",
			       "`%s` holds a `${` that begins no variable",
			       compose_quote(c, node->text));
	else if (r == INTERPOLATE_E_REQUIRED)
		compose_report_unset(c, node, "this text");
	else if (r == INTERPOLATE_E_TOO_LONG)
		compose_report(c, CF_TOO_LARGE, node->loc, NULL,
			       "with its variables this text has more than %u bytes",
			       LIMIT_COMPOSE_TEXT);
	else if (r == INTERPOLATE_E_TOO_MUCH)
		compose_stop(c, CF_TOO_LARGE, node->loc,
			     "the texts have more than %u bytes with their variables, or too many"
			     " of them",
			     LIMIT_COMPOSE_TEXTS);
}

const struct node *compose_fill_in(struct compose *c, const struct node *node)
{
	CLEANUP(text_done) struct text out = { 0 };

	if (node->kind != NODE_SCALAR || !strchr(node->text, '$') ||
	    value_type_of(node) != VALUE_TEXT)
		return node;
	int r = compose_interpolate(&c->variables, node->text, &out);
	struct node *copy = r < 0 && !compose_no_memory(c) ? NULL : compose_alloc(c, sizeof(*copy));
	if (!copy)
		return &tree_bad;
	*copy = *node;
	copy->quoted = true; /* whatever it looks like now */
	if (r == 0)
		copy->text = compose_copy(c, text_str(&out), out.len);
	else if (r == INTERPOLATE_E_UNSET)
		copy->tag = compose_unset;
	else
		copy->kind = NODE_BAD;
	if (copy->kind == NODE_BAD)
		report_text(c, node, r);
	return copy;
}

/* ---- trees ---- */

/* The file says that nothing of the files before counts here. */
static void note_reset(struct settling *s)
{
	s->path[s->depth] = NULL;
	const char **path = compose_alloc(s->c, (s->depth + 1) * sizeof(*path));
	if (!path)
		return;
	memcpy(path, s->path, (s->depth + 1) * sizeof(*path));
	COMPOSE_PUSH(s->c, &s->document.resets, path);
}

static const struct node *settle(struct settling *s, const struct node *node);

/* The value; NULL: this key is left out. */
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

/* The same node when nothing in it is different, else a copy from there on. */
static const struct node *settle_container(struct settling *s, const struct node *node)
{
	bool mapping = node->kind == NODE_MAPPING;
	struct tree made = { 0 };

	for (const struct node *one = node->first; one && !s->c->stopped; one = one->next) {
		const struct node *settled = mapping ? settle_key(s, one) : settle(s, one);
		if (!made.c && settled == (mapping ? one->value : one))
			continue;
		if (!made.c) {
			made = tree_begin(s->c, node, node->kind);
			tree_add_all(&made, node, one);
		}
		if (settled && !s->c->stopped)
			tree_add(&made, mapping ? one : settled, mapping ? settled : NULL);
	}
	return made.c ? tree_end(&made) : node;
}

/* Recursion ends with the depth of a tree. */
static const struct node *settle(struct settling *s, const struct node *node)
{
	bool shared = s->shared;

	if (node->kind == NODE_SCALAR || node->kind == NODE_BAD)
		return compose_fill_in(s->c, node);
	s->shared |= node->shared;
	node = settle_container(s, node);
	s->shared = shared;
	return node;
}

struct compose_document compose_settle(struct compose *c, const struct node *root)
{
	struct settling s = { .c = c };

	s.document.root = settle(&s, root);
	return s.document;
}

const struct node *compose_take_away(struct compose *c, const struct compose_document *document,
				     const struct node *tree, const char *service,
				     const struct schema_field *field)
{
	for (size_t i = 0; i < document->resets.n; i++) {
		const char *const *path = document->resets.items[i];
		if (!service)
			tree = tree_without(c, tree, path, field);
		else if (strcmp(path[0], "services") == 0 && path[1] && path[2] &&
			 strcmp(path[1], service) == 0)
			tree = tree_without(c, tree, path + 2, field);
	}
	return tree;
}
