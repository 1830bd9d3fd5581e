/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A service and what it extends, from the first base up. */
#include <string.h>

#include "core/compose/decode.h"
#include "core/compose/load.h"
#include "core/compose/merge.h"

/* One service on the way down to its bases. */
struct layer {
	const struct layer *up; /* who extends it */
	const struct compose_scope *scope;
	const struct compose_document *document;
	const struct node *key;
	unsigned int depth;
};

struct base {
	const char *service, *file; /* file NULL: the same file */
	struct source_loc loc;
};

static bool read_base(struct compose *c, const struct node *extends, struct base *ret)
{
	const struct node *service = extends, *file = NULL;
	int r;

	*ret = (struct base){ .loc = extends->loc };
	if (extends->kind == NODE_MAPPING) {
		service = node_get(extends, "service");
		file = node_get(extends, "file");
	} else if (extends->kind != NODE_SCALAR || node_is_null(extends)) {
		compose_wrong_type(c, extends, "extends", "a name or a mapping");
		return false;
	}
	if (!service) {
		compose_report(c->diags, CF_MISSING_KEY, extends->loc, "add `service: NAME`",
			       "`extends` needs the key `service`");
		return false;
	}
	ret->loc = service->loc;
	r = compose_text(c, service, "service", &ret->service);
	if (r == 0 && file && !node_is_null(file))
		r = compose_text(c, file, "file", &ret->file);
	return r == 0 && ret->service && (!file || node_is_null(file) || ret->file);
}

/* The file as one document, with its own `extends` still in it. */
static const struct compose_document *load_base(struct compose *c, const struct layer *layer,
						const char *path, const struct node *at)
{
	struct compose_scope scope = { .directory = "", .plain = true };
	struct compose_file *file = compose_open(c, compose_path(c, layer->scope, path), at);
	struct compose_document *document;

	if (!file || (file->document && file->variables == c->variables.variables))
		return file ? file->document : NULL;
	document = arena_alloc(c->arena, sizeof(*document));
	if (!document)
		return compose_no_memory(c);
	scope.file = file->name;
	if (!compose_add_file(c, &scope, file, document) || !document->root)
		return NULL;
	file->document = document;
	file->variables = c->variables.variables;
	return document;
}

static bool is_cycle(struct compose *c, const struct layer *base, const struct node *at)
{
	char word[TEXT_QUOTE_LEN];

	for (const struct layer *up = base->up; up; up = up->up)
		if (strcmp(up->scope->file, base->scope->file) == 0 &&
		    strcmp(up->key->text, base->key->text) == 0) {
			compose_report(c->diags, CF_EXTENDS_CYCLE, at->loc, NULL,
				       "`%s` extends itself this way",
				       text_quote(base->key->text, word));
			return true;
		}
	if (base->depth <= LIMIT_COMPOSE_EXTENDS)
		return false;
	compose_report(c->diags, CF_TOO_DEEP, at->loc, NULL,
		       "there are more than %u services extended", LIMIT_COMPOSE_EXTENDS);
	return true;
}

static const struct node *extend(struct compose *c, const struct layer *layer);

/* Without `extends`, over the base without what the file takes away. */
static const struct node *lay_over(struct compose *c, const struct layer *layer,
				   const struct node *base)
{
	const struct node *own = layer->key->value;

	if (!base || node_is_null(base))
		return base ? own : NULL;
	base = compose_take_away(c, layer->document, base, layer->key->text);
	own = base ? tree_set(c, own, node_find(own, "extends"), NULL) : NULL;
	return own ? merge_services(c, base, own) : NULL;
}

static const struct node *extend_base(struct compose *c, const struct layer *layer,
				      const struct node *extends, const struct base *base)
{
	struct compose_scope scope = *layer->scope;
	struct layer below = { layer, &scope, layer->document, NULL, layer->depth + 1 };
	const struct node *services;
	char word[TEXT_QUOTE_LEN];

	if (base->file) {
		scope.file = compose_path(c, layer->scope, base->file);
		below.document = load_base(c, layer, base->file, node_get(extends, "file"));
		if (!scope.file || !below.document)
			return NULL;
		scope.directory = compose_folder(c, scope.file);
		if (!scope.directory)
			return compose_no_memory(c);
	}
	services = node_get(below.document->root, "services");
	below.key = services ? node_find(services, base->service) : NULL;
	if (!below.key)
		compose_report(c->diags, CF_UNKNOWN_BASE, base->loc, NULL,
			       "there is no service `%s` to extend in %s",
			       text_quote(base->service, word), scope.file);
	if (!below.key || is_cycle(c, &below, extends))
		return NULL;
	return lay_over(c, layer, extend(c, &below));
}

/* Recursion is bounded by LIMIT_COMPOSE_EXTENDS. */
static const struct node *extend(struct compose *c, const struct layer *layer)
{
	const struct node *extends = node_get(layer->key->value, "extends");
	struct base base;

	if (!extends || c->stopped)
		return c->stopped ? NULL : layer->key->value;
	return read_base(c, extends, &base) ? extend_base(c, layer, extends, &base) : NULL;
}

const struct node *compose_extend(struct compose *c, const struct compose_scope *scope,
				  const struct compose_document *document)
{
	const struct node *section = node_find(document->root, "services");
	struct node *made = NULL;
	struct node **link = NULL;
	bool ok = true;

	if (!section || section->value->kind != NODE_MAPPING)
		return document->root;
	made = tree_like(c, section->value);
	link = made ? &made->first : NULL;
	for (const struct node *key = section->value->first; key && link; key = key->next) {
		struct layer layer = { NULL, scope, document, key, 1 };
		const struct node *service = extend(c, &layer);
		ok &= service != NULL;
		link = tree_add(c, made, link, key, service ? service : key->value);
	}
	return ok && link ? tree_set(c, document->root, section, made) : NULL;
}
