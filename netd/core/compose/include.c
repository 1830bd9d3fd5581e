/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `include`: projects of their own, with their folder and variables, whose services, networks and
 * so on are added to those of the file. */
#include <string.h>

#include "core/compose/decode.h"
#include "core/compose/load.h"
#include "core/compose/tree.h"

struct including {
	const struct compose_scope *scope; /* of the file that includes */
	struct compose_scope inner;
	struct draft_texts paths, env_files;
	struct draft_text directory;
};

static const struct schema_field fields[] = {
	{ "path", SCHEMA_WORD | SCHEMA_LIST, SCHEMA_LATER, compose_decode_words,
	  offsetof(struct including, paths), NULL },
	{ "env_file", SCHEMA_WORD | SCHEMA_LIST, SCHEMA_LATER, compose_decode_words,
	  offsetof(struct including, env_files), NULL },
	SCHEMA_WORD_FIELD("project_directory", compose_decode_text, including, directory),
};
static const struct schema_shape shape = {
	fields, ARRAY_LEN(fields), "`include`", NULL, CF_UNKNOWN_KEY, NULL,
};
const struct schema_field compose_schema_include = {
	"include", SCHEMA_LIST | SCHEMA_NULL, SCHEMA_LATER, NULL, 0, &shape
};

/* ---- variables ---- */

/* A file that nobody names need not be there. */
static void add_env_file(struct compose *c, const char *path, const struct source_loc *named,
			 struct compose_variables *all)
{
	struct compose_variables more = { 0 };
	struct node_source source = { 0 };
	int r = COMPOSE_E_UNREADABLE;

	if (c->in->load)
		r = c->in->load(c->in->userdata, c->arena, path, true, &source);
	if (r == COMPOSE_E_ABSENT && !named)
		return;
	if (r > 0)
		compose_report(c, CF_UNKNOWN_BASE,
			       named ? *named : (struct source_loc){ .file = path }, NULL,
			       "the file `%s` cannot be read here", compose_quote(c, path));
	if (r == 0)
		r = compose_parse_env(&source, all, c->arena, c->diags, &more);
	if (r == 0)
		r = compose_add_variables(all, c->variables.n_variables, &more, c->arena);
	if (r < 0)
		(void)compose_no_memory(c);
}

static struct compose_variables read_variables(struct compose *c, const struct including *one)
{
	struct compose_variables all = { 0 };

	for (size_t i = 0; i < c->variables.n_variables; i++)
		COMPOSE_PUSH(c, &all.list, c->variables.variables[i]);
	if (one->env_files.n == 0)
		add_env_file(c, compose_path(c, &one->inner, ".env"), NULL, &all);
	for (size_t i = 0; i < one->env_files.n; i++) {
		const struct draft_text *file = &one->env_files.items[i];
		add_env_file(c, compose_path(c, one->scope, file->text), &file->loc, &all);
	}
	return all;
}

/* ---- what it brings in ---- */

static const struct node *import_section(struct compose *c, const struct node *root,
					 const struct node *section)
{
	const struct node *own = node_get(root, section->text);

	if (own && own->kind != NODE_MAPPING && !node_is_null(own))
		return root; /* the schema refuses it, as it is */
	struct tree made = tree_begin(c, own && own->kind == NODE_MAPPING ? own : section->value,
				      NODE_MAPPING);
	if (own)
		tree_add_all(&made, own, NULL);
	for (const struct node *key = section->value->first; key; key = key->next) {
		const struct node *known = own ? node_find(own, key->text) : NULL;
		if (!known)
			tree_add(&made, key, key->value);
		else if (!tree_equal(known->value, key->value))
			compose_report(c, CF_CONFLICTING_VALUE, known->loc,
				       "give one of the two another name",
				       "`%s` is in an included file too, and is another there",
				       compose_quote(c, key->text));
	}
	return tree_set(c, root, section, tree_end(&made));
}

static const struct node *import(struct compose *c, const struct node *root,
				 const struct node *model)
{
	static const char *const sections[] = { "services", "networks", "volumes",
						"configs",  "secrets",	"models" };

	for (size_t i = 0; i < ARRAY_LEN(sections); i++) {
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
		compose_report(c, CF_INCLUDE_CYCLE, item->loc, NULL,
			       "files include each other, or more than %u are in each other",
			       LIMIT_COMPOSE_EXTENDS);
	return deep;
}

static void set_scope(struct compose *c, struct including *one)
{
	one->inner.up = one->scope;
	one->inner.depth = one->scope->depth + 1;
	one->inner.file = compose_path(c, one->scope, one->paths.items[0].text);
	one->inner.directory = compose_folder(c, one->inner.file);
	if (one->directory.text) {
		const char *path = compose_path(c, one->scope, one->directory.text);
		one->inner.directory = *path ? compose_printf(c, "%s/", path) : path;
	}
}

/* The included files with their own variables; recursion is bounded by is_include_cycle(). */
static const struct node *load_model(struct compose *c, const struct including *one,
				     const struct node *item)
{
	struct compose_variables variables = read_variables(c, one);
	struct interpolation outer = c->variables;
	struct compose_document model = { 0 };

	c->variables.variables = variables.list.items;
	c->variables.n_variables = variables.list.n;
	for (size_t i = 0; i < one->paths.n; i++) {
		const char *path = compose_path(c, one->scope, one->paths.items[i].text);
		const struct compose_file *file = compose_open(c, path, item);
		if (file)
			compose_add_file(c, &one->inner, file, &model);
	}
	c->variables.variables = outer.variables;
	c->variables.n_variables = outer.n_variables;
	return model.root ? model.root : &tree_bad;
}

static const struct node *include(struct compose *c, const struct compose_scope *scope,
				  const struct node *root, const struct node *item)
{
	struct including one = { .scope = scope };
	struct node key = { .text = "path", .value = (struct node *)(uintptr_t)item };
	size_t errors = c->diags->n_errors;

	if (item->kind == NODE_MAPPING)
		schema_decode(c, item, &shape, &one);
	else
		compose_decode_words(c, &key, &one.paths);
	if (c->diags->n_errors != errors || c->stopped || item->kind == NODE_BAD)
		return root;
	if (one.paths.n == 0) {
		compose_report(c, CF_MISSING_KEY, item->loc, "add `path: FILE`",
			       "`include` needs the key `path`");
		return root;
	}
	set_scope(c, &one);
	return is_include_cycle(c, &one, item) ? root : import(c, root, load_model(c, &one, item));
}

const struct node *compose_include(struct compose *c, const struct compose_scope *scope,
				   const struct node *root)
{
	const struct node *section = node_find(root, "include");
	size_t errors = c->diags->n_errors;

	if (!section)
		return root;
	root = tree_set(c, root, section, NULL);
	schema_check(c, section->value, &compose_schema_include);
	if (c->diags->n_errors != errors)
		return root;
	for (const struct node *item = section->value->first; item && !c->stopped;
	     item = item->next)
		root = include(c, scope, root, item);
	return root;
}
