/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A service and what it extends, from the first base up. */
#include <string.h>

#include "core/compose/decode.h"
#include "core/compose/load.h"
#include "core/compose/tree.h"
#include "core/compose/value.h"

/* One service on the way down to its bases. */
struct layer {
	const struct layer *up; /* who extends it */
	const struct compose_scope *scope;
	const struct compose_document *document;
	const struct node *key;
	unsigned int depth;
};

struct base {
	struct draft_text service, file; /* file: none, the same one */
};

static const struct schema_field fields[] = {
	SCHEMA_WORD_FIELD("service", compose_decode_text, base, service),
	{ "file", SCHEMA_WORD | SCHEMA_NULL, SCHEMA_LATER, compose_decode_text,
	  offsetof(struct base, file), NULL },
};
static const struct schema_shape shape = { .fields = fields, .n = ARRAY_LEN(fields) };
static const struct schema_field field = {
	"extends", SCHEMA_WORD | SCHEMA_MAP, SCHEMA_LATER, NULL, 0, &shape
};

static bool read_base(struct compose *c, const struct node *extends, struct base *ret)
{
	size_t errors = c->diags->n_errors;

	*ret = (struct base){ 0 };
	schema_check(c, extends, &field);
	if (c->diags->n_errors != errors || extends->kind == NODE_BAD)
		return false;
	if (extends->kind == NODE_MAPPING)
		schema_decode(c, extends, &shape, ret);
	else
		ret->service = (struct draft_text){ compose_text(c, extends, "extends"),
						    extends->loc, false };
	if (!ret->service.text && c->diags->n_errors == errors)
		compose_report(c, CF_MISSING_KEY, extends->loc, "add `service: NAME`",
			       "`extends` needs the key `service`");
	return c->diags->n_errors == errors && ret->service.text;
}

/* Items of lists. */
static void check_items(struct compose *c, const struct node *service)
{
	static const char *const keys[] = { "depends_on", "networks", "volumes" };
	const struct node *ports = node_get(service, "ports");

	if (ports && ports->kind == NODE_SEQUENCE)
		compose_check_ports(c, ports);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const struct node *list = node_get(service, keys[i]), *one;
		bool mappings = strcmp(keys[i], "volumes") == 0;
		for (one = list && list->kind == NODE_SEQUENCE ? list->first : NULL; one;
		     one = one->next)
			if (one->kind == NODE_SCALAR ? value_type_of(one) != VALUE_TEXT
						     : one->kind != NODE_MAPPING || !mappings)
				compose_wrong_type(c, one, keys[i], "a list of texts");
	}
}

/* What compose rewrites in a file to extend must be of a kind that it knows, in all of its services
 * and whatever is laid over it later. */
static bool check_rewritten(struct compose *c, const struct node *root)
{
	static const char *const keys[] = { "build", "depends_on", "env_file", "extends", "ports" };
	const struct node *services = root ? node_get(root, "services") : NULL;
	size_t errors = c->diags->n_errors;

	for (const struct node *one = services ? services->first : NULL; one; one = one->next) {
		size_t before = c->diags->n_errors;
		for (size_t i = 0; one->value && i < ARRAY_LEN(keys); i++) {
			const struct node *value = node_get(one->value, keys[i]);
			struct schema_field rewritten =
				*schema_find(compose_schema_service.shape, keys[i]);
			rewritten.name = keys[i];
			if (value)
				schema_check(c, value, &rewritten);
		}
		if (one->value && c->diags->n_errors == before)
			check_items(c, one->value);
	}
	return c->diags->n_errors == errors;
}

/* The file as one document, with its own `extends` still in it, without a root when it is empty;
 * NULL: it cannot be used. */
static const struct compose_document *load_base(struct compose *c, const char *path,
						const struct node *at)
{
	struct compose_scope scope = { .directory = "", .plain = true };
	struct compose_file *file = compose_open(c, path, at);
	struct compose_document *document;

	if (!file || (file->document && file->variables == c->variables.variables))
		return file ? file->document : NULL;
	document = compose_alloc(c, sizeof(*document));
	if (!document)
		return NULL;
	scope.file = file->name;
	compose_add_file(c, &scope, file, document);
	if (c->stopped || (document->root && document->root->kind == NODE_BAD))
		return NULL;
	if (!check_rewritten(c, document->root)) {
		file->usable = false; /* and reported, once */
		return NULL;
	}
	file->document = document;
	file->variables = c->variables.variables;
	return document;
}

static bool is_cycle(struct compose *c, const struct layer *base, const struct node *at)
{
	for (const struct layer *up = base->up; up; up = up->up)
		if (strcmp(up->scope->file, base->scope->file) == 0 &&
		    strcmp(up->key->text, base->key->text) == 0) {
			compose_report(c, CF_EXTENDS_CYCLE, at->loc, NULL,
				       "`%s` extends itself this way",
				       compose_quote(c, base->key->text));
			return true;
		}
	if (base->depth > LIMIT_COMPOSE_EXTENDS)
		compose_report(c, CF_TOO_DEEP, at->loc, NULL,
			       "there are more than %u services extended", LIMIT_COMPOSE_EXTENDS);
	return base->depth > LIMIT_COMPOSE_EXTENDS;
}

static const struct node *extend(struct compose *c, const struct layer *layer);

/* Without `extends`, over the base without what the file takes away. */
static const struct node *lay_over(struct compose *c, const struct layer *layer,
				   const struct node *base)
{
	const struct node *own = layer->key->value;

	if (node_is_null(base))
		return own;
	base = compose_take_away(c, layer->document, base, layer->key->text,
				 &compose_schema_service);
	own = tree_set(c, own, node_find(own, "extends"), NULL);
	return tree_merge(c, base, own, &compose_schema_service);
}

static const struct node *extend_base(struct compose *c, const struct layer *layer,
				      const struct node *extends, const struct base *base)
{
	struct compose_scope scope = *layer->scope;
	struct layer below = { layer, &scope, layer->document, NULL, layer->depth + 1 };
	const struct node *services;

	if (base->file.text) {
		scope.file = compose_path(c, layer->scope, base->file.text);
		scope.directory = compose_folder(c, scope.file);
		below.document = load_base(c, scope.file, node_get(extends, "file"));
		if (!below.document)
			return &tree_bad;
	}
	services = below.document->root ? node_get(below.document->root, "services") : NULL;
	below.key = services ? node_find(services, base->service.text) : NULL;
	if (!below.key)
		compose_report(c, CF_UNKNOWN_BASE, base->service.loc, NULL,
			       "there is no service `%s` to extend in %s",
			       compose_quote(c, base->service.text), scope.file);
	if (!below.key || is_cycle(c, &below, extends))
		return &tree_bad;
	return lay_over(c, layer, extend(c, &below));
}

/* Recursion is bounded by LIMIT_COMPOSE_EXTENDS. */
static const struct node *extend(struct compose *c, const struct layer *layer)
{
	const struct node *extends = node_get(layer->key->value, "extends");
	struct base base;

	if (!extends)
		return layer->key->value;
	if (c->stopped || !read_base(c, extends, &base))
		return &tree_bad;
	return extend_base(c, layer, extends, &base);
}

const struct node *compose_extend(struct compose *c, const struct compose_scope *scope,
				  const struct compose_document *document)
{
	const struct node *section = node_find(document->root, "services");

	if (!section)
		return document->root;
	if (section->value->kind != NODE_MAPPING) { /* in each file, whatever the others say */
		compose_wrong_type(c, section->value, "services", "a mapping");
		return tree_set(c, document->root, section, &tree_bad);
	}
	struct tree made = tree_begin(c, section->value, NODE_MAPPING);
	for (const struct node *key = section->value->first; key && !c->stopped; key = key->next) {
		struct layer layer = { NULL, scope, document, key, 1 };
		tree_add(&made, key, extend(c, &layer));
	}
	return tree_set(c, document->root, section, tree_end(&made));
}
