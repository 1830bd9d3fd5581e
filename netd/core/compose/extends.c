/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A service and what it extends, from the first base up. */
#include <errno.h>
#include <string.h>

#include "core/compose/decode.h"

/* One service on the way down to its bases. */
struct layer {
	const struct layer *up; /* who extends it */
	size_t file;
	const struct node *key;
	unsigned int depth;
};

struct base {
	const struct node *service, *file; /* names; file NULL: the same file */
};

static bool read_extends(struct compose *c, const struct node *extends, struct base *ret)
{
	if (extends->kind == NODE_SCALAR) {
		*ret = (struct base){ extends, NULL };
		return true;
	}
	*ret = (struct base){ node_get(extends, "service"), node_get(extends, "file") };
	if (extends->kind != NODE_MAPPING)
		compose_wrong_type(c, extends, "extends", "a name or a mapping");
	else if (!ret->service)
		compose_report(c->diags, CF_MISSING_KEY, extends->loc, "add `service: NAME`",
			       "`extends` needs the key `service`");
	return ret->service != NULL;
}

static int find_file(const struct compose *c, const char *name)
{
	for (size_t i = 0; i < c->files.n; i++)
		if (strcmp(c->files.items[i].name, name) == 0)
			return (int)i;
	return -1;
}

static void report_file(struct compose *c, const struct node *node, const char *path)
{
	char word[TEXT_QUOTE_LEN];

	compose_report(c->diags, CF_UNKNOWN_BASE, node->loc,
		       "give the output of `docker compose config` instead",
		       "the file `%s` cannot be read here", text_quote(path, word));
}

/* The index of a file that `extends` names; -1: reported. */
static int load_file(struct compose *c, size_t from, const struct node *node, int *ret)
{
	struct node_source source = { 0 };
	const char *path;
	int r = compose_text(c, node, "file", &path);

	*ret = -1;
	if (r || !path)
		return r;
	r = c->in->load ? c->in->load(c->in->userdata, c->arena, c->files.items[from].name, path,
				      &source)
			: COMPOSE_E_UNREADABLE;
	if (r > 0)
		report_file(c, node, path);
	if (r)
		return r < 0 ? r : 0;
	*ret = find_file(c, source.name);
	if (*ret >= 0)
		return 0;
	r = compose_add_file(c, &source);
	if (r == 0 && !c->stopped)
		*ret = (int)c->files.n - 1;
	return r;
}

static const struct node *find_key(const struct compose *c, size_t file, const char *name)
{
	const struct node *root = c->files.items[file].root;
	const struct node *services = root ? node_get(root, "services") : NULL;

	if (!services || services->kind != NODE_MAPPING)
		return NULL;
	for (const struct node *key = services->first; key; key = key->next)
		if (key->kind == NODE_SCALAR && !key->repeated && strcmp(key->text, name) == 0)
			return key;
	return NULL;
}

/* *ret: the base; its key stays NULL when there is none, reported. */
static int find_base(struct compose *c, const struct layer *layer, const struct base *base,
		     struct layer *ret)
{
	char word[TEXT_QUOTE_LEN];
	int file = (int)layer->file;
	const char *name;
	int r = compose_text(c, base->service, "service", &name);

	if (r == 0 && name && base->file && !node_is_null(base->file))
		r = load_file(c, layer->file, base->file, &file);
	if (r || !name || file < 0)
		return r;
	*ret = (struct layer){ layer, (size_t)file, find_key(c, (size_t)file, name),
			       layer->depth + 1 };
	if (!ret->key && c->files.items[file].root)
		compose_report(c->diags, CF_UNKNOWN_BASE, base->service->loc, NULL,
			       "there is no service `%s` to extend in %s", text_quote(name, word),
			       c->files.items[file].name);
	return 0;
}

static bool is_cycle(struct compose *c, const struct layer *base, const struct node *at)
{
	char word[TEXT_QUOTE_LEN];

	for (const struct layer *up = base->up; up; up = up->up)
		if (up->key == base->key) {
			compose_report(c->diags, CF_EXTENDS_CYCLE, at->loc, NULL,
				       "`%s` extends itself this way",
				       text_quote(base->key->text, word));
			return true;
		}
	if (base->depth <= LIMIT_COMPOSE_EXTENDS)
		return false;
	compose_report(c->diags, CF_TOO_DEEP, at->loc, NULL, "more than %u services extended",
		       LIMIT_COMPOSE_EXTENDS);
	return true;
}

static int add_layer(struct compose *c, const struct layer *layer, struct draft_service *draft);

static int add_base(struct compose *c, const struct layer *layer, const struct node *extends,
		    struct draft_service *draft)
{
	struct layer base_layer = { 0 };
	struct base base;
	int r = 0;

	if (!read_extends(c, extends, &base))
		return 0;
	r = find_base(c, layer, &base, &base_layer);
	if (r || !base_layer.key || is_cycle(c, &base_layer, extends))
		return r;
	return add_layer(c, &base_layer, draft);
}

/* Recursion is bounded by LIMIT_COMPOSE_EXTENDS. */
static int add_layer(struct compose *c, const struct layer *layer, struct draft_service *draft)
{
	const struct node *body = layer->key->value;
	const struct node *extends = node_get(body, "extends");
	int r = extends && !node_is_null(extends) ? add_base(c, layer, extends, draft) : 0;

	if (r || c->stopped || node_is_null(body))
		return r;
	c->values += body->weight;
	if (c->values > LIMIT_COMPOSE_VALUES) {
		compose_report(c->diags, CF_TOO_LARGE, layer->key->loc, NULL,
			       "the services come to more than %u values", LIMIT_COMPOSE_VALUES);
		c->stopped = true;
		return 0;
	}
	return compose_decode_service(c, body, draft);
}

int compose_add_service(struct compose *c, size_t file, const struct node *key,
			struct draft_service *draft)
{
	struct layer layer = { NULL, file, key, 1 };

	draft->removed = strcmp(compose_tag_name(key->value), "reset") == 0;
	if (*compose_tag_name(key->value))
		*draft = (struct draft_service){ .name = draft->name,
						 .loc = key->loc,
						 .removed = draft->removed };
	return draft->removed ? 0 : add_layer(c, &layer, draft);
}
