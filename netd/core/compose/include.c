/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `include`: projects of their own, with their folder and variables, whose services, networks and
 * so on are added to those of the file. */
#include <errno.h>
#include <string.h>

#include "core/compose/decode.h"
#include "core/compose/load.h"
#include "core/compose/merge.h"

struct including {
	const struct compose_scope *scope; /* of the file that includes */
	struct compose_scope inner;
	struct draft_texts paths, env_files;
	struct draft_text directory;
};

/* A word, or a list of them. */
static int decode_words(struct compose *c, const struct node *key, void *member)
{
	return key->value->kind == NODE_SEQUENCE
		       ? compose_add_words(c, key, key->text, member)
		       : compose_add_word(c, key->value, key->text, member);
}

static const struct compose_field fields[] = {
	COMPOSE_FIELD("path", decode_words, including, paths),
	COMPOSE_FIELD("env_file", decode_words, including, env_files),
	COMPOSE_FIELD("project_directory", compose_decode_text, including, directory),
};

static const struct compose_shape shape = { "`include`", fields, ARRAY_LEN(fields),
					    CF_UNKNOWN_KEY };

/* ---- variables ---- */

/* false: reported. A file that nobody names need not be there. */
static bool add_env_file(struct compose *c, const char *path, const struct source_loc *named,
			 struct compose_variables *all)
{
	struct compose_variables more = { 0 };
	struct node_source source = { 0 };
	char word[TEXT_QUOTE_LEN];
	int r = path ? COMPOSE_E_UNREADABLE : -ENOMEM;

	if (path && c->in->load)
		r = c->in->load(c->in->userdata, c->arena, path, true, &source);
	if (r == COMPOSE_E_ABSENT && !named)
		return true;
	if (r > 0)
		compose_report(c->diags, CF_UNKNOWN_BASE,
			       named ? *named : (struct source_loc){ .file = path }, NULL,
			       "the file `%s` cannot be read here", text_quote(path, word));
	if (r == 0)
		r = compose_parse_env(&source, all, c->arena, c->diags, &more);
	if (r == 0)
		r = compose_add_variables(all, c->variables.n_variables, &more, c->arena);
	if (r < 0)
		(void)compose_no_memory(c);
	return r == 0;
}

static bool read_variables(struct compose *c, const struct including *one,
			   struct compose_variables *ret)
{
	int r = 0;

	for (size_t i = 0; i < c->variables.n_variables && r == 0; i++)
		r = VEC_PUSH(c->arena, &ret->list, c->variables.variables[i]);
	if (r < 0)
		return compose_no_memory(c);
	if (one->env_files.n == 0)
		return add_env_file(c, compose_path(c, &one->inner, ".env"), NULL, ret);
	for (size_t i = 0; i < one->env_files.n; i++) {
		const struct draft_text *file = &one->env_files.items[i];
		if (!add_env_file(c, compose_path(c, one->scope, file->text), &file->loc, ret))
			return false;
	}
	return true;
}

/* ---- what it brings in ---- */

static const struct node *import_section(struct compose *c, const struct node *root,
					 const struct node *section)
{
	const struct node *own = node_get(root, section->text);
	struct node *made = tree_like(c, own && own->kind == NODE_MAPPING ? own : section->value);
	struct node **link = made ? &made->first : NULL;
	char word[TEXT_QUOTE_LEN];

	for (const struct node *key = own ? own->first : NULL; key && link; key = key->next)
		link = tree_add(c, made, link, key, key->value);
	for (const struct node *key = section->value->first; key && link; key = key->next) {
		const struct node *known = own ? node_find(own, key->text) : NULL;
		if (!known)
			link = tree_add(c, made, link, key, key->value);
		else if (!tree_equal(known->value, key->value))
			compose_report(c->diags, CF_CONFLICTING_VALUE, known->loc,
				       "give one of the two another name",
				       "`%s` is in an included file too, and is another there",
				       text_quote(key->text, word));
	}
	return link ? tree_set(c, root, section, made) : NULL;
}

static const struct node *import(struct compose *c, const struct node *root,
				 const struct node *model)
{
	static const char *const sections[] = { "services", "networks", "volumes",
						"configs",  "secrets",	"models" };

	for (size_t i = 0; i < ARRAY_LEN(sections) && root; i++) {
		const struct node *section = node_find(model, sections[i]);
		if (section && section->value->kind == NODE_MAPPING)
			root = import_section(c, root, section);
	}
	return root;
}

static bool is_include_cycle(struct compose *c, const struct including *one,
			     const struct node *item)
{
	bool deep = one->inner.depth > LIMIT_COMPOSE_EXTENDS;

	for (const struct compose_scope *up = one->scope; up && !deep; up = up->up)
		deep = strcmp(up->file, one->inner.file) == 0;
	if (deep)
		compose_report(c->diags, CF_INCLUDE_CYCLE, item->loc, NULL,
			       "files include each other, or more than %u are in each other",
			       LIMIT_COMPOSE_EXTENDS);
	return deep;
}

static bool set_scope(struct compose *c, struct including *one, const struct node *item)
{
	const char *path;

	if (one->paths.n == 0) {
		compose_report(c->diags, CF_MISSING_KEY, item->loc, "add `path: FILE`",
			       "`include` needs the key `path`");
		return false;
	}
	path = compose_path(c, one->scope, one->paths.items[0].text);
	one->inner = (struct compose_scope){ .up = one->scope,
					     .directory = path ? compose_folder(c, path) : NULL,
					     .file = path,
					     .depth = one->scope->depth + 1 };
	if (one->directory.text && path) {
		path = compose_path(c, one->scope, one->directory.text);
		one->inner.directory = path && *path ? arena_printf(c->arena, "%s/", path) : path;
	}
	if (!path || !one->inner.directory)
		return compose_no_memory(c);
	return !is_include_cycle(c, one, item);
}

/* The included files with their own variables; recursion is bounded by is_include_cycle(). */
static const struct node *load_model(struct compose *c, struct including *one,
				     const struct node *item)
{
	struct compose_variables variables = { 0 };
	struct interpolation outer = c->variables;
	struct compose_document model = { 0 };
	bool ok = read_variables(c, one, &variables);

	c->variables.variables = variables.list.items;
	c->variables.n_variables = variables.list.n;
	for (size_t i = 0; i < one->paths.n && ok; i++) {
		const char *path = compose_path(c, one->scope, one->paths.items[i].text);
		const struct compose_file *file = compose_open(c, path, item);
		ok = file && compose_add_file(c, &one->inner, file, &model);
	}
	c->variables.variables = outer.variables;
	c->variables.n_variables = outer.n_variables;
	return ok ? model.root : NULL;
}

static const struct node *include(struct compose *c, const struct compose_scope *scope,
				  const struct node *root, const struct node *item)
{
	struct including one = { .scope = scope };
	struct node key = { .text = "path", .value = (struct node *)(uintptr_t)item };
	size_t errors = c->diags->n_errors;
	int r = item->kind == NODE_MAPPING ? compose_decode_object(c, item, &shape, &one)
					   : decode_words(c, &key, &one.paths);

	if (r < 0)
		return compose_no_memory(c);
	if (c->diags->n_errors != errors || !set_scope(c, &one, item))
		return NULL;
	const struct node *model = load_model(c, &one, item);
	return model ? import(c, root, model) : NULL;
}

const struct node *compose_include(struct compose *c, const struct compose_scope *scope,
				   const struct node *root)
{
	const struct node *section = node_find(root, "include");

	if (!section)
		return root;
	root = tree_set(c, root, section, NULL);
	if (section->value->kind != NODE_SEQUENCE && !node_is_null(section->value)) {
		compose_wrong_type(c, section->value, "include", "a list");
		return NULL;
	}
	for (const struct node *item = section->value->first; item && root; item = item->next)
		root = include(c, scope, root, item);
	return root;
}
