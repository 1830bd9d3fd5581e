/* SPDX-License-Identifier: GPL-2.0-or-later */
/* compose_parse() from top to bottom: files to trees, the project's name, then networks and
 * services of all files in their order, then what only the whole shows. */
#include <errno.h>
#include <string.h>

#include "core/compose/decode.h"
#include "core/compose/plan.h"

/* ---- files ---- */

static bool check_limits(struct compose *c, const struct node_source *source)
{
	struct source_loc loc = { .file = source->name };

	if (c->files.n == LIMIT_COMPOSE_FILES) {
		compose_report(c->diags, CF_TOO_MANY, loc, NULL, "more than %u files",
			       LIMIT_COMPOSE_FILES);
		c->stopped = true;
	} else if (source->len > LIMIT_COMPOSE_BYTES - c->bytes) {
		compose_report(c->diags, CF_TOO_LARGE, loc, "is this the right file?",
			       "the compose files have more than %u bytes", LIMIT_COMPOSE_BYTES);
		c->stopped = true;
	}
	return !c->stopped;
}

/* Services at the top level, as in files of 2014. */
static bool is_old_format(const struct node *root)
{
	if (node_get(root, "services") || node_get(root, "version") || node_get(root, "include"))
		return false;
	for (const struct node *key = root->first; key; key = key->next)
		if (node_get(key->value, "image") || node_get(key->value, "build"))
			return true;
	return false;
}

static bool check_top_key(struct compose *c, const struct node *key)
{
	static const char *const names[] = { "configs", "include",  "models",  "name",	 "networks",
					     "secrets", "services", "version", "volumes" };
	char word[TEXT_QUOTE_LEN];

	if (key->kind != NODE_SCALAR) {
		compose_wrong_type(c, key, "a key", "a word");
		return false;
	}
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(key->text, names[i]) == 0)
			return true;
	if (!compose_is_extension(key))
		compose_report(c->diags, CF_UNKNOWN_KEY, key->loc,
			       c->diags->diags.n < LIMIT_DIAGS
				       ? diag_suggest(c->diags, key->text, names, ARRAY_LEN(names))
				       : NULL,
			       "compose files have no key `%s` at the top level",
			       text_quote(key->text, word));
	return true;
}

static void check_include(struct compose *c, const struct node *root)
{
	for (const struct node *key = root->first; key; key = key->next)
		if (key->kind == NODE_SCALAR && strcmp(key->text, "include") == 0 &&
		    !node_is_null(key->value))
			compose_report(c->diags, CF_INCLUDE, key->loc,
				       "give the output of `docker compose config` instead",
				       "what `include` brings in is not known here");
}

static int check_section_size(struct compose *c, const struct node *root, const char *name,
			      size_t most)
{
	const struct node *section = node_get(root, name);

	if (!section || section->n <= most)
		return 0;
	compose_report(c->diags, CF_TOO_MANY, section->loc, NULL, "more than %zu %s", most, name);
	c->stopped = true;
	return COMPOSE_E_INVALID;
}

/* false: nothing can be read of it. */
static bool check_root(struct compose *c, const char *name, const struct node *root)
{
	if (!root || node_is_null(root)) {
		compose_report(c->diags, CF_MISSING_KEY, (struct source_loc){ name, 1, 1 },
			       "write `services:`", "the file is empty");
		return false;
	}
	if (root->kind != NODE_MAPPING) {
		compose_wrong_type(c, root, "a compose file", "a mapping");
		return false;
	}
	if (is_old_format(root)) {
		compose_report(c->diags, CF_OLD_FORMAT, root->loc,
			       "put `services:` above them, and indent them",
			       "the services stand at the top level");
		return false;
	}
	for (const struct node *key = root->first; key; key = key->next)
		(void)check_top_key(c, key);
	check_include(c, root);
	return check_section_size(c, root, "services", LIMIT_COMPOSE_SERVICES) == 0 &&
	       check_section_size(c, root, "networks", LIMIT_COMPOSE_NETWORKS) == 0;
}

int compose_add_file(struct compose *c, const struct node_source *source)
{
	struct compose_file file = { .name = source->name };
	const struct node *root = NULL;

	if (!check_limits(c, source))
		return 0;
	c->bytes += source->len;
	int r = node_parse(source, &compose_dialect, c->arena, c->diags, &root);
	if (r < 0)
		return r;
	if (r == 0 && check_root(c, source->name, root))
		file.root = root;
	return VEC_PUSH(c->arena, &c->files, file);
}

/* ---- the project's name ---- */

bool compose_is_name(const char *name)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	static const char others[] = "._-";
	const char *rest = name + strspn(name, letters);

	if (rest == name)
		return false;
	while (*rest && (strchr(letters, *rest) || strchr(others, *rest)))
		rest++;
	return *rest == '\0';
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

static char *directory_name(struct arena *arena, const char *directory)
{
	size_t end = strlen(directory), start;

	while (end > 0 && directory[end - 1] == '/')
		end--;
	for (start = end; start > 0 && directory[start - 1] != '/';)
		start--;
	return normal_name(arena, directory + start, end - start);
}

/* `name:` of the last file that has one. */
static int read_name(struct compose *c)
{
	int r = 0;

	for (size_t i = 0; i < c->n_given && r == 0; i++) {
		const struct node *root = c->files.items[i].root;
		const struct node *name = root ? node_get(root, "name") : NULL;
		if (!name || node_is_null(name))
			continue;
		c->name.loc = name->loc;
		r = compose_text(c, name, "name", &c->name.text);
	}
	return r;
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

static int name_project(struct compose *c)
{
	const char *given = c->in->project;

	if (!given)
		given = compose_variable_value(&c->variables, "COMPOSE_PROJECT_NAME", 20);
	int r = given && *given ? 0 : read_name(c);
	if (r)
		return r;
	if (!given || !*given)
		given = c->name.text;
	char *name = given		? normal_name(c->arena, given, strlen(given))
		     : c->in->directory ? directory_name(c->arena, c->in->directory)
					: arena_strdup(c->arena, "");
	if (!name)
		return -ENOMEM;
	check_name(c, given, name);
	c->variables.project = name;
	return 0;
}

/* ---- sections ---- */

static struct draft_network *find_network(struct compose *c, const char *key)
{
	for (size_t i = 0; i < c->networks.n; i++)
		if (strcmp(c->networks.items[i].key, key) == 0)
			return &c->networks.items[i];
	return NULL;
}

static struct draft_service *find_service(struct compose *c, const char *name)
{
	for (size_t i = 0; i < c->services.n; i++)
		if (strcmp(c->services.items[i].name, name) == 0)
			return &c->services.items[i];
	return NULL;
}

static bool too_many(struct compose *c, const struct node *key, size_t n, size_t most)
{
	if (n < most)
		return false;
	compose_report(c->diags, CF_TOO_MANY, key->loc, NULL, "more than %zu of them in all files",
		       most);
	c->stopped = true;
	return true;
}

static int read_network(struct compose *c, const struct node *key)
{
	struct draft_network fresh = { .key = key->text, .loc = key->loc };

	compose_about_network(c->diags, key->text);
	if (!find_network(c, key->text)) {
		if (too_many(c, key, c->networks.n, LIMIT_COMPOSE_NETWORKS))
			return 0;
		if (VEC_PUSH(c->arena, &c->networks, fresh) < 0)
			return -ENOMEM;
	}
	return compose_decode_network(c, key, find_network(c, key->text));
}

static int read_service(struct compose *c, size_t file, const struct node *key)
{
	struct draft_service fresh = { .name = key->text, .loc = key->loc };
	char word[TEXT_QUOTE_LEN];

	compose_about_service(c->diags, key->text);
	if (!compose_is_name(key->text) || strlen(key->text) > LIMIT_NAME) {
		compose_report(c->diags, CF_BAD_NAME, key->loc,
			       "letters, digits, `-`, `_` and `.`, the first a letter or digit",
			       "`%s` cannot be the name of a service", text_quote(key->text, word));
		return 0;
	}
	if (!find_service(c, key->text)) {
		if (too_many(c, key, c->services.n, LIMIT_COMPOSE_SERVICES))
			return 0;
		if (VEC_PUSH(c->arena, &c->services, fresh) < 0)
			return -ENOMEM;
	}
	return compose_add_service(c, file, key, find_service(c, key->text));
}

/* @file of a section: its keys, one after the other. */
static int read_section(struct compose *c, size_t file, const char *name)
{
	const struct node *root = c->files.items[file].root;
	const struct node *section = root ? node_get(root, name) : NULL;
	bool services = strcmp(name, "services") == 0;
	int r = 0;

	if (!section || node_is_null(section))
		return 0;
	if (section->kind != NODE_MAPPING) {
		compose_wrong_type(c, section, name, "a mapping");
		return 0;
	}
	for (const struct node *key = section->first; key && r == 0 && !c->stopped;
	     key = key->next) {
		if (key->kind != NODE_SCALAR)
			compose_wrong_type(c, key, "a key", "a word");
		else if (!key->repeated && !(compose_is_extension(key) && !services))
			r = services ? read_service(c, file, key) : read_network(c, key);
	}
	return r;
}

static int read_files(struct compose *c)
{
	int r = 0;

	for (size_t i = 0; i < c->in->n_sources && r == 0 && !c->stopped; i++)
		r = compose_add_file(c, &c->in->sources[i]);
	c->n_given = c->files.n;
	if (r == 0)
		r = name_project(c);
	for (size_t i = 0; i < c->n_given && r == 0; i++) {
		r = read_section(c, i, "networks");
		if (r == 0)
			r = read_section(c, i, "services");
	}
	if (r == 0 && c->services.n == 0 && c->diags->n_errors == 0)
		compose_report(c->diags, CF_MISSING_KEY,
			       (struct source_loc){ .file = c->in->sources[0].name },
			       "write `services:`", "there is no service");
	return r;
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
		r = read_files(&c);
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
