/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files to documents, and documents over each other, in the order in which compose does it. */
#include "core/compose/load.h"

#include <errno.h>
#include <string.h>

#include "core/compose/decode.h"
#include "core/compose/merge.h"
#include "core/compose/value.h"

/* ---- files ---- */

static bool check_limits(struct compose *c, const struct node_source *source)
{
	struct source_loc loc = { .file = source->name };

	if (c->files.n == LIMIT_COMPOSE_FILES) {
		compose_report(c->diags, CF_TOO_MANY, loc, NULL, "there are more than %u files",
			       LIMIT_COMPOSE_FILES);
		c->stopped = true;
	} else if (source->len > LIMIT_COMPOSE_BYTES - c->bytes) {
		compose_report(c->diags, CF_TOO_LARGE, loc, "is this the right file?",
			       "the compose files have more than %u bytes", LIMIT_COMPOSE_BYTES);
		c->stopped = true;
	}
	return !c->stopped;
}

struct compose_file *compose_read_file(struct compose *c, const struct node_source *source)
{
	struct compose_file *file = arena_alloc(c->arena, sizeof(*file));
	const struct node *root = NULL;
	int r = -ENOMEM;

	if (!check_limits(c, source))
		return NULL;
	c->bytes += source->len;
	if (file && VEC_PUSH(c->arena, &c->files, file) == 0)
		r = node_parse(source, &compose_dialect, c->arena, c->diags, &root);
	if (r < 0)
		return compose_no_memory(c);
	*file = (struct compose_file){ .name = source->name, .root = root, .usable = r == 0 };
	return file;
}

struct compose_file *compose_open(struct compose *c, const char *path, const struct node *at)
{
	struct node_source source = { 0 };
	char word[TEXT_QUOTE_LEN];
	int r = COMPOSE_E_UNREADABLE;

	if (!path)
		return compose_no_memory(c);
	for (size_t i = 0; i < c->files.n; i++)
		if (strcmp(c->files.items[i]->name, path) == 0)
			return c->files.items[i];
	if (c->in->load)
		r = c->in->load(c->in->userdata, c->arena, path, false, &source);
	if (r < 0)
		return compose_no_memory(c);
	if (r == 0)
		return compose_read_file(c, &source);
	compose_report(c->diags, CF_UNKNOWN_BASE, at->loc,
		       "check the output of `docker compose config` instead",
		       "the file `%s` cannot be read here", text_quote(path, word));
	return NULL;
}

/* Without `.` and empty parts, and without `..` where something stands before it. */
const char *compose_path(struct compose *c, const struct compose_scope *scope, const char *path)
{
	char *full = *path == '/' ? arena_strdup(c->arena, path)
				  : arena_printf(c->arena, "%s%s", scope->directory, path);
	char *to = full;

	for (const char *from = full; from && *from; from += *from == '/') {
		size_t len = strcspn(from, "/"), done = (size_t)(to - full);
		bool root = done == 0 && len == 0;
		bool dot = len == 1 && *from == '.', up = len == 2 && memcmp(from, "..", 2) == 0;
		size_t last = done ? done - 1 : 0;
		while (last > 0 && full[last - 1] != '/')
			last--;
		if (up && done > 0 && full[done - 1] == '/' &&
		    !(done - last == 3 && memcmp(full + last, "..", 2) == 0)) {
			to = done > 1 ? full + last : to;
		} else if (root || (len > 0 && !dot)) {
			memmove(to, from, len);
			to += len;
			if (from[len] == '/')
				*to++ = '/';
		}
		from += len;
	}
	if (full)
		*to = '\0';
	return full;
}

const char *compose_folder(struct compose *c, const char *path)
{
	const char *slash = strrchr(path, '/');

	return arena_strndup(c->arena, path, slash ? (size_t)(slash + 1 - path) : 0);
}

/* ---- documents ---- */

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

static void check_top_key(struct compose *c, const struct node *key)
{
	static const char *const names[] = { "configs", "include",  "models",  "name",	 "networks",
					     "secrets", "services", "version", "volumes" };
	char word[TEXT_QUOTE_LEN];

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(key->text, names[i]) == 0)
			return;
	if (!compose_is_extension(key))
		compose_report(c->diags, CF_UNKNOWN_KEY, key->loc,
			       c->diags->diags.n < LIMIT_DIAGS
				       ? diag_suggest(c->diags, key->text, names, ARRAY_LEN(names))
				       : NULL,
			       "compose files have no key `%s` at the top level",
			       text_quote(key->text, word));
}

static bool check_section(struct compose *c, const struct node *root, const char *name, size_t most)
{
	const struct node *section = node_get(root, name);

	if (!section || section->n <= most)
		return true;
	compose_report(c->diags, CF_TOO_MANY, section->loc, NULL, "more than %zu %s in all files",
		       most, name);
	c->stopped = true;
	return false;
}

static bool check_root(struct compose *c, const struct node *root)
{
	const struct node *version = node_get(root, "version");

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
	if (version && (version->kind != NODE_SCALAR || value_type_of(version) != VALUE_TEXT))
		compose_wrong_type(c, version, "version", "a text: quote it");
	for (const struct node *key = root->first; key; key = key->next)
		check_top_key(c, key);
	return true;
}

/* `external: {name: …}` of old files is `external: true` and a `name`. */
static const struct node *settle_external(struct compose *c, const struct node *network)
{
	static struct node yes = { .kind = NODE_SCALAR, .text = "true", .weight = 1 };
	const struct node *external = node_find(network, "external");
	const struct node *inner = external ? node_find(external->value, "name") : NULL;
	const struct node *name = node_get(network, "name");

	if (!external || external->value->kind != NODE_MAPPING)
		return network;
	if (inner && name && !tree_equal(inner->value, name))
		compose_report(c->diags, CF_CONFLICTING_VALUE, inner->loc, "keep one of the two",
			       "the network has a `name` of its own, which is another");
	network = tree_set(c, network, external, &yes);
	return network && inner && !name ? tree_set(c, network, inner, inner->value) : network;
}

static const struct node *settle_networks(struct compose *c, const struct node *root)
{
	const struct node *section = node_find(root, "networks"), *networks;

	networks = section ? section->value : NULL;
	if (!networks || networks->kind != NODE_MAPPING)
		return root;
	for (const struct node *key = networks->first; key; key = key->next) {
		const struct node *settled = settle_external(c, key->value);
		if (settled && settled != key->value)
			networks = tree_set(c, networks, key, settled);
		if (!settled || !networks)
			return NULL;
	}
	return networks == section->value ? root : tree_set(c, root, section, networks);
}

static bool add_document(struct compose *c, const struct compose_scope *scope,
			 const struct node *root, struct compose_document *model)
{
	struct compose_document one = { 0 };
	const struct node *added;

	if (!compose_settle(c, root, &one) || !check_root(c, one.root))
		return false;
	if (!scope->plain)
		one.root = compose_extend(c, scope, &one);
	if (one.root && model->root)
		model->root = compose_take_away(c, &one, model->root, NULL);
	if (one.root && !scope->plain)
		one.root = compose_include(c, scope, one.root);
	added = one.root;
	if (added && model->root)
		added = merge_files(c, model->root, added);
	if (added)
		added = settle_networks(c, added);
	*model = (struct compose_document){ added, one.resets };
	return added && check_section(c, added, "services", LIMIT_COMPOSE_SERVICES) &&
	       check_section(c, added, "networks", LIMIT_COMPOSE_NETWORKS);
}

bool compose_add_file(struct compose *c, const struct compose_scope *scope,
		      const struct compose_file *file, struct compose_document *ret)
{
	bool ok = file->usable;

	for (const struct node *root = file->root; root && ok && !c->stopped; root = root->next)
		ok = add_document(c, scope, root, ret);
	return ok && !c->stopped;
}

const struct node *compose_load(struct compose *c)
{
	/* Relative paths of the user's files count from the folder of the first. */
	struct compose_scope scope = { .directory = compose_folder(c, c->in->sources[0].name) };
	struct compose_document model = { 0 };
	bool ok = scope.directory != NULL;

	if (!ok)
		return compose_no_memory(c);
	/* All of them are looked at, so that one run shows what is wrong with each. */
	for (size_t i = 0; i < c->n_given && !c->stopped; i++) {
		scope.file = c->files.items[i]->name;
		ok &= compose_add_file(c, &scope, c->files.items[i], &model);
	}
	if (ok && !model.root)
		compose_report(c->diags, CF_MISSING_KEY,
			       (struct source_loc){ c->in->sources[0].name, 1, 1 },
			       "write `services:`", "the file is empty");
	return ok ? model.root : NULL;
}
