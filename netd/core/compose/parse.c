/* SPDX-License-Identifier: GPL-2.0-or-later */
/* compose_parse() from top to bottom: the files, the project's name, one tree of all, and what only
 * the whole shows. */
#include <errno.h>
#include <string.h>

#include "core/compose/decode.h"
#include "core/compose/load.h"
#include "core/compose/plan.h"
#include "core/compose/value.h"

/* ---- the project's name ---- */

/* As compose does it: small letters, digits, '_' and '-' stay, none of the last two in front. */
static const char *normal_name(struct compose *c, const char *from, size_t len)
{
	char *name = compose_alloc(c, len + 1);
	size_t n = 0;

	for (size_t i = 0; name && i < len; i++) {
		char letter = from[i];
		if (letter >= 'A' && letter <= 'Z')
			letter = (char)(letter - 'A' + 'a');
		bool plain = (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9');
		if (plain || (n > 0 && (letter == '_' || letter == '-')))
			name[n++] = letter;
	}
	return name ? name : "";
}

static const char *directory_name(struct compose *c, const char *directory)
{
	const struct compose_scope root = { .directory = "" };
	const char *path = compose_path(c, &root, directory);
	size_t end = strlen(path), start;

	end -= end > 0 && path[end - 1] == '/';
	for (start = end; start > 0 && path[start - 1] != '/';)
		start--;
	return normal_name(c, path + start, end - start);
}

/* `name:` of the last document that has one; false: it is of no use, reported. */
static bool read_name(struct compose *c)
{
	size_t errors = c->diags->n_errors;

	for (size_t i = 0; i < c->n_given; i++)
		for (const struct node *root = c->files.items[i]->root; root; root = root->next) {
			const struct node *name = node_get(root, "name");
			if (!name || node_is_null(name))
				continue;
			name = compose_fill_in(c, name);
			c->name.loc = name->loc;
			c->name.text = compose_text(c, name, "name");
		}
	return c->diags->n_errors == errors;
}

static void check_name(struct compose *c, const char *given, const char *name)
{
	struct source_loc loc = { .file = c->in->sources[0].name };

	if (c->name.text)
		loc = c->name.loc; /* and that is made a name as compose does it */
	else if (given && strcmp(given, name) != 0)
		compose_report(c, CF_BAD_NAME, loc,
			       "small letters, digits, `-` and `_`, the first a letter or digit",
			       "`%s` cannot be the name of a project", compose_quote(c, given));
	if (!*name)
		compose_report(c, CF_BAD_NAME, loc, "write `name: shop` into the file",
			       "the project has no name");
	else if (strlen(name) > LIMIT_NAME)
		compose_report(c, CF_BAD_NAME, loc, NULL,
			       "the name of the project has more than %u bytes", LIMIT_NAME);
}

static bool name_project(struct compose *c)
{
	const char *given = c->in->project, *name = "";

	if (!given)
		given = compose_variable_value(&c->variables, "COMPOSE_PROJECT_NAME", 20);
	if (!given || !*given) {
		if (!read_name(c))
			return false;
		given = c->name.text;
	}
	if (given)
		name = normal_name(c, given, strlen(given));
	else if (c->in->directory)
		name = directory_name(c, c->in->directory);
	if (!c->stopped)
		check_name(c, given, name);
	c->variables.project = name;
	return !c->stopped;
}

/* ---- the whole ---- */

/* docker compose's own output: it has a name, and for each service what nobody writes. Its services
 * are the active ones, and its variables are filled in. */
static bool is_canonical(const struct node *root)
{
	const struct node *services = node_get(root, "services");

	if (!node_get(root, "name") || !services || services->kind != NODE_MAPPING || !services->n)
		return false;
	for (const struct node *key = services->first; key; key = key->next)
		if (!node_find(key->value, "command") || !node_find(key->value, "entrypoint"))
			return false;
	return true;
}

static void read_project_model(struct compose *c)
{
	for (size_t i = 0; i < c->in->n_sources && !c->stopped; i++)
		(void)compose_read_file(c, &c->in->sources[i]);
	c->n_given = c->files.n;
	if (c->stopped || !name_project(c))
		return;
	if (c->in->beside)
		compose_report(
			c, CF_UNREAD_FILE, (struct source_loc){ .file = c->in->sources[0].name },
			"give the folder, or both files",
			"`docker compose up` reads %s, too: it is not read here", c->in->beside);
	const struct node *model = compose_load(c);
	c->canonical = c->n_given == 1 && is_canonical(model);
	schema_decode(c, model, compose_schema_file.shape, NULL);
	c->diags->about = (struct diag_subject){ 0 };
	if (c->diags->n_errors == c->errors)
		compose_check_needs(c);
}

int compose_parse(const struct compose_input *in, struct arena *arena, struct diag_list *diags,
		  struct compose_project *ret)
{
	struct compose c = { .in = in, .arena = arena, .diags = diags, .errors = diags->n_errors };
	struct compose_project project = { 0 };

	c.variables.variables = in->variables;
	c.variables.n_variables = in->n_variables;
	if (in->n_sources == 0)
		compose_report(&c, CF_MISSING_KEY, (struct source_loc){ .file = "compose" }, NULL,
			       "there is no compose file");
	else
		read_project_model(&c);
	/* A half-read project would look like others, with findings of its own. */
	if (diags->n_errors == c.errors && !diags->out_of_memory)
		compose_build(&c, &project);
	diags->about = (struct diag_subject){ 0 };
	diag_sort(diags);
	if (diags->out_of_memory)
		return -ENOMEM;
	if (diags->n_errors != c.errors)
		return COMPOSE_E_INVALID;
	*ret = project;
	return 0;
}
