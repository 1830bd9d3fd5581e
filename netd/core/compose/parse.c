/* SPDX-License-Identifier: GPL-2.0-or-later */
/* compose_parse() from top to bottom: the files, the project's name, one tree of all, and what only
 * the whole shows. */
#include <errno.h>
#include <string.h>

#include "core/compose/decode.h"
#include "core/compose/load.h"
#include "core/compose/plan.h"

/* ---- the project's name ---- */

static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

bool compose_is_key(const char *name)
{
	return *name && name[strspn(name, letters)] == '\0';
}

bool compose_is_name(const char *name)
{
	return compose_is_key(name) && !strchr("._-", *name);
}

/* As compose does it: small letters, digits, '_' and '-' stay, none of the last two in front. */
static char *normal_name(struct arena *arena, const char *from, size_t len)
{
	char *name = arena_alloc(arena, len + 1);
	size_t n = 0;

	for (size_t i = 0; name && i < len; i++) {
		char c = from[i];
		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
		if (plain || (n > 0 && (c == '_' || c == '-')))
			name[n++] = c;
	}
	return name;
}

static char *directory_name(struct compose *c, const char *directory)
{
	const struct compose_scope root = { .directory = "" };
	const char *path = compose_path(c, &root, directory);
	size_t end = path ? strlen(path) : 0, start;

	end -= end > 0 && path[end - 1] == '/';
	for (start = end; start > 0 && path[start - 1] != '/';)
		start--;
	return path ? normal_name(c->arena, path + start, end - start) : NULL;
}

/* `name:` of the last document that has one. */
static bool read_name(struct compose *c)
{
	bool ok = true;

	for (size_t i = 0; i < c->n_given; i++)
		for (const struct node *root = c->files.items[i]->root; root; root = root->next) {
			const struct node *name = node_get(root, "name");
			if (!name || node_is_null(name) || name->kind == NODE_BAD)
				continue;
			name = compose_fill_in(c, name);
			c->name.loc = name ? name->loc : root->loc;
			ok &= name && compose_text(c, name, "name", &c->name.text) == 0 &&
			      c->name.text;
		}
	return ok;
}

static void check_name(struct compose *c, const char *given, const char *name)
{
	static const char hint[] =
		"small letters, digits, `-` and `_`, the first a letter or digit";
	struct source_loc loc = { .file = c->in->sources[0].name };
	char word[TEXT_QUOTE_LEN];

	if (c->name.text)
		loc = c->name.loc; /* and that is made a name as compose does it */
	else if (given && strcmp(given, name) != 0)
		compose_report(c->diags, CF_BAD_NAME, loc, hint,
			       "`%s` cannot be the name of a project", text_quote(given, word));
	if (!*name)
		compose_report(c->diags, CF_BAD_NAME, loc, "write `name: shop` into the file",
			       "the project has no name");
	else if (strlen(name) > LIMIT_NAME)
		compose_report(c->diags, CF_BAD_NAME, loc, NULL,
			       "the name of the project has more than %u bytes", LIMIT_NAME);
}

static bool name_project(struct compose *c)
{
	const char *given = c->in->project;

	if (!given)
		given = compose_variable_value(&c->variables, "COMPOSE_PROJECT_NAME", 20);
	if ((!given || !*given) && !read_name(c))
		return false;
	if (!given || !*given)
		given = c->name.text;
	char *name = given		? normal_name(c->arena, given, strlen(given))
		     : c->in->directory ? directory_name(c, c->in->directory)
					: arena_strdup(c->arena, "");
	if (!name)
		c->diags->out_of_memory = true;
	else
		check_name(c, given, name);
	c->variables.project = name;
	return name != NULL;
}

/* ---- sections ---- */

static int read_network(struct compose *c, const struct node *key)
{
	struct draft_network network = { .key = key->text, .loc = key->loc };
	int r;

	compose_about_network(c->diags, key->text);
	r = compose_decode_network(c, key, &network);
	return r ? r : VEC_PUSH(c->arena, &c->networks, network);
}

static int read_service(struct compose *c, const struct node *key)
{
	struct draft_service service = { .name = key->text, .loc = key->loc };
	int r;

	compose_about_service(c->diags, key->text);
	c->values += key->value->weight;
	if (c->values > LIMIT_COMPOSE_VALUES) {
		compose_report(c->diags, CF_TOO_LARGE, key->loc, NULL,
			       "the services come to more than %u values", LIMIT_COMPOSE_VALUES);
		c->stopped = true;
		return 0;
	}
	r = compose_decode_service(c, key, &service);
	return r ? r : VEC_PUSH(c->arena, &c->services, service);
}

static int read_section(struct compose *c, const struct node *root, const char *name,
			int (*read)(struct compose *c, const struct node *key))
{
	const struct node *section = node_find(root, name);
	char word[TEXT_QUOTE_LEN];
	int r = 0;

	if (!section || !compose_is_mapping(c, section))
		return 0;
	for (const struct node *key = section->value->first; key && r == 0 && !c->stopped;
	     key = key->next) {
		if (read == read_network && compose_is_extension(key))
			continue;
		if (!compose_is_key(key->text) || strlen(key->text) > LIMIT_COMPOSE_KEY)
			compose_report(c->diags, CF_BAD_NAME, key->loc,
				       "letters, digits, `-`, `_` and `.`",
				       "`%s` cannot be the name of %s", text_quote(key->text, word),
				       read == read_network ? "a network" : "a service");
		else
			r = read(c, key);
	}
	return r;
}

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

static int read_project_model(struct compose *c)
{
	const struct node *model;
	int r;

	for (size_t i = 0; i < c->in->n_sources && !c->stopped; i++)
		(void)compose_read_file(c, &c->in->sources[i]);
	c->n_given = c->files.n;
	if (c->stopped || !name_project(c))
		return 0;
	if (c->in->beside)
		compose_report(c->diags, CF_UNREAD_FILE,
			       (struct source_loc){ .file = c->in->sources[0].name },
			       "give the folder, or both files",
			       "`docker compose up` reads %s, too: it is not read here",
			       c->in->beside);
	model = compose_load(c);
	if (!model || c->stopped)
		return 0;
	c->canonical = c->n_given == 1 && is_canonical(model);
	r = read_section(c, model, "networks", read_network);
	if (r == 0 && !c->stopped)
		r = read_section(c, model, "services", read_service);
	c->diags->about = (struct diag_subject){ 0 };
	return r == 0 && c->diags->n_errors == 0 ? compose_check_needs(c) : r;
}

int compose_parse(const struct compose_input *in, struct arena *arena, struct diag_list *diags,
		  struct compose_project *ret)
{
	struct compose c = { .in = in, .arena = arena, .diags = diags };
	struct compose_project project = { 0 };
	size_t errors = diags->n_errors;
	int r = 0;

	c.variables.variables = in->variables;
	c.variables.n_variables = in->n_variables;
	if (in->n_sources == 0)
		compose_report(diags, CF_MISSING_KEY, (struct source_loc){ .file = "compose" },
			       NULL, "there is no compose file");
	else
		r = read_project_model(&c);
	/* A half-read project would look like others, with findings of its own. */
	if (r == 0 && diags->n_errors == errors && !diags->out_of_memory)
		r = compose_build(&c, &project);
	diags->about = (struct diag_subject){ 0 };
	diag_sort(diags);
	if (r < 0 || diags->out_of_memory)
		return r < 0 ? r : -ENOMEM;
	if (diags->n_errors != errors)
		return COMPOSE_E_INVALID;
	*ret = project;
	return 0;
}
