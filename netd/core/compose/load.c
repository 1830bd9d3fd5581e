/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files to documents, and documents over each other, in the order in which compose does it. */
#include "core/compose/load.h"

#include <string.h>

#include "core/compose/decode.h"
#include "core/compose/tree.h"
#include "core/compose/value.h"

/* ---- files ---- */

struct compose_file *compose_read_file(struct compose *c, const struct node_source *source)
{
	struct source_loc loc = { .file = source->name };

	if (c->files.n == LIMIT_COMPOSE_FILES)
		compose_stop(c, CF_TOO_MANY, loc, "there are more than %u files",
			     LIMIT_COMPOSE_FILES);
	else if (source->len > LIMIT_COMPOSE_BYTES - c->bytes)
		compose_stop(c, CF_TOO_LARGE, loc, "the compose files have more than %u bytes",
			     LIMIT_COMPOSE_BYTES);
	struct compose_file *file = c->stopped ? NULL : compose_alloc(c, sizeof(*file));
	if (!file)
		return NULL;
	c->bytes += source->len;
	file->name = source->name;
	COMPOSE_PUSH(c, &c->files, file);
	int r = node_parse(source, &compose_dialect, c->arena, c->diags, &file->root);
	if (r < 0)
		(void)compose_no_memory(c);
	file->usable = r == 0;
	return file;
}

struct compose_file *compose_open(struct compose *c, const char *path, const struct node *at)
{
	struct node_source source = { 0 };
	int r = COMPOSE_E_UNREADABLE;

	for (size_t i = 0; i < c->files.n; i++)
		if (strcmp(c->files.items[i]->name, path) == 0)
			return c->files.items[i];
	if (c->in->load)
		r = c->in->load(c->in->userdata, c->arena, path, false, &source);
	if (r == 0)
		return compose_read_file(c, &source);
	if (r > 0)
		compose_report(c, CF_UNKNOWN_BASE, at->loc,
			       "check the output of `docker compose config` instead",
			       "the file `%s` cannot be read here", compose_quote(c, path));
	else
		(void)compose_no_memory(c);
	return NULL;
}

/* Without `.` and empty parts, and without `..` where something stands before it. */
const char *compose_path(struct compose *c, const struct compose_scope *scope, const char *path)
{
	char *full = arena_printf(c->arena, "%s%s", *path == '/' ? "" : scope->directory, path);
	char *to = full;

	if (!full) {
		(void)compose_no_memory(c);
		return "";
	}
	for (const char *from = full; *from; from += *from == '/') {
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
	*to = '\0';
	return full;
}

const char *compose_folder(struct compose *c, const char *path)
{
	const char *slash = strrchr(path, '/');

	return compose_copy(c, path, slash ? (size_t)(slash + 1 - path) : 0);
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

static const struct schema_shape services = { .others = &compose_schema_service };
static const struct schema_shape networks = { .others = &compose_schema_network };

static const struct schema_field sections[] = {
	{ "configs", 0, SCHEMA_BY_KIND, NULL, 0, NULL },
	{ "include", 0, SCHEMA_LATER, NULL, 0, NULL },
	{ "models", 0, SCHEMA_BY_KIND, NULL, 0, NULL },
	{ "name", 0, SCHEMA_LATER, NULL, 0, NULL },
	{ "networks", SCHEMA_MAP, SCHEMA_BY_KIND, NULL, 0, &networks },
	{ "secrets", 0, SCHEMA_BY_KIND, NULL, 0, NULL },
	{ "services", SCHEMA_MAP, SCHEMA_BY_KIND, NULL, 0, &services },
	{ "version", SCHEMA_WORD | SCHEMA_NULL, SCHEMA_LATER, NULL, 0, NULL },
	{ "volumes", 0, SCHEMA_BY_KIND, NULL, 0, NULL },
};
static const struct schema_shape shape = {
	sections, ARRAY_LEN(sections), "a compose file", NULL, CF_UNKNOWN_KEY, NULL,
};
const struct schema_field compose_schema_file = {
	"a compose file", SCHEMA_MAP, SCHEMA_BY_KIND, NULL, 0, &shape
};

/* `external: {name: …}` of old files is `external: true` and a `name`. */
static const struct node *settle_external(struct compose *c, const struct node *network)
{
	static const struct node yes = { .kind = NODE_SCALAR, .text = "true", .weight = 1 };
	const struct node *external = node_find(network, "external");
	const struct node *inner = external ? node_find(external->value, "name") : NULL;
	const struct node *name = node_get(network, "name");

	if (!external || external->value->kind != NODE_MAPPING)
		return network;
	if (inner && name && !tree_equal(inner->value, name))
		compose_report(c, CF_CONFLICTING_VALUE, inner->loc, "keep one of the two",
			       "the network has a `name` of its own, which is another");
	network = tree_set(c, network, external, &yes);
	return inner && !name ? tree_set(c, network, inner, inner->value) : network;
}

static const struct node *settle_networks(struct compose *c, const struct node *root)
{
	const struct node *section = node_find(root, "networks");
	const struct node *all = section ? section->value : NULL;

	for (const struct node *key = all ? all->first : NULL; key && !c->stopped;
	     key = key->next) {
		const struct node *settled =
			section->value->kind == NODE_MAPPING ? settle_external(c, key->value) : key;
		if (section->value->kind == NODE_MAPPING && settled != key->value)
			all = tree_set(c, all, key, settled);
	}
	return !section || all == section->value ? root : tree_set(c, root, section, all);
}

/* ---- ports that are written twice ---- */

/* Further back nobody looks: they mostly stand close. */
#define PORTS_BACK 1024u

/* As two members of ports in the long form are one to compose. */
static bool same_member(const struct node *a, const struct node *b, const char *name)
{
	const struct node *x = node_get(a, name), *y = node_get(b, name);

	return x && y ? tree_equal(x, y) : x == y;
}

/* Written alike, in one file: what a service extends in another one is taken apart by then. */
static bool is_written_alike(const struct node *a, const struct node *b)
{
	static const char *const members[] = { "host_ip", "protocol", "published", "target" };
	bool same = a->kind == b->kind && strcmp(a->loc.file, b->loc.file) == 0;

	if (same && a->kind == NODE_SCALAR)
		return strcmp(a->text, b->text) == 0;
	for (size_t i = 0; same && i < ARRAY_LEN(members); i++)
		same = same_member(a, b, members[i]);
	return same && a->kind == NODE_MAPPING;
}

static const struct node *without_repeated(struct compose *c, const struct node *ports)
{
	const struct node *last[PORTS_BACK];
	struct tree made = tree_begin(c, ports, NODE_SEQUENCE);
	size_t n = 0;

	for (const struct node *one = ports->first; one && !c->stopped; one = one->next) {
		size_t back = n < PORTS_BACK ? n : PORTS_BACK, i = 0;
		while (i < back && !is_written_alike(last[(n - 1 - i) % PORTS_BACK], one))
			i++;
		if (i < back)
			continue;
		last[n++ % PORTS_BACK] = one;
		tree_add(&made, one, NULL);
	}
	return made.node && made.node->n == ports->n ? ports : tree_end(&made);
}

/* Of entries of one list that are written alike the first counts: of `80:80`, `0.0.0.0:80:80`,
 * `80:80` the second is the last one that names that port, and with it only IPv4. */
static const struct node *settle_ports(struct compose *c, const struct node *root)
{
	const struct node *section = node_find(root, "services");
	const struct node *all = section ? section->value : NULL;

	if (!section || all->kind != NODE_MAPPING)
		return root;
	for (const struct node *key = section->value->first; key && !c->stopped; key = key->next) {
		const struct node *ports = node_find(key->value, "ports");
		if (!ports || ports->value->kind != NODE_SEQUENCE)
			continue;
		const struct node *settled = without_repeated(c, ports->value);
		if (settled != ports->value)
			all = tree_set(c, all, key, tree_set(c, key->value, ports, settled));
	}
	return all == section->value ? root : tree_set(c, root, section, all);
}

/* ---- one document over those before ---- */

static void check_section(struct compose *c, const struct node *root, const char *name, size_t most)
{
	const struct node *section = node_get(root, name);

	if (section && section->n > most)
		compose_stop(c, CF_TOO_MANY, section->loc, "more than %zu %s in all files", most,
			     name);
}

/* What a file says is held against the schema once it is laid over those before, as compose does:
 * once, for then the same would be said of each that follows. */
static void check_model(struct compose *c, const struct node *root)
{
	size_t errors = c->diags->n_errors;
	const struct node *version = node_get(root, "version");

	if (c->checked_bad || c->stopped)
		return;
	schema_check(c, root, &compose_schema_file);
	if (version && version->kind == NODE_SCALAR && value_type_of(version) != VALUE_TEXT)
		compose_wrong_type(c, version, "version", "a text: quote it");
	c->checked_bad = c->diags->n_errors != errors;
}

static void add_document(struct compose *c, const struct compose_scope *scope,
			 const struct node *root, struct compose_document *model)
{
	struct compose_document one = compose_settle(c, root);

	if (one.root->kind != NODE_MAPPING) {
		compose_wrong_type(c, one.root, compose_schema_file.name, "a mapping");
		one.root = &tree_bad;
	} else if (is_old_format(one.root)) {
		compose_report(c, CF_OLD_FORMAT, one.root->loc,
			       "put `services:` above them, and indent them",
			       "the services stand at the top level");
		one.root = &tree_bad;
	}
	if (!scope->plain)
		one.root = settle_ports(c, compose_extend(c, scope, &one));
	if (model->root)
		model->root = compose_take_away(c, &one, model->root, NULL, &compose_schema_file);
	if (!scope->plain)
		one.root = compose_include(c, scope, one.root);
	if (model->root)
		one.root = tree_merge(c, model->root, one.root, &compose_schema_file);
	one.root = settle_networks(c, one.root);
	if (!scope->plain)
		check_model(c, one.root);
	*model = one;
	check_section(c, one.root, "services", LIMIT_COMPOSE_SERVICES);
	check_section(c, one.root, "networks", LIMIT_COMPOSE_NETWORKS);
}

void compose_add_file(struct compose *c, const struct compose_scope *scope,
		      const struct compose_file *file, struct compose_document *model)
{
	if (!file->usable)
		model->root = &tree_bad;
	for (const struct node *root = file->usable ? file->root : NULL; root && !c->stopped;
	     root = root->next)
		add_document(c, scope, root, model);
}

const struct node *compose_load(struct compose *c)
{
	/* Relative paths of the user's files count from the folder of the first. */
	struct compose_scope scope = { .directory = compose_folder(c, c->in->sources[0].name) };
	struct compose_document model = { 0 };

	/* All of them are looked at, so that one run shows what is wrong with each. */
	for (size_t i = 0; i < c->n_given && !c->stopped; i++) {
		scope.file = c->files.items[i]->name;
		compose_add_file(c, &scope, c->files.items[i], &model);
	}
	if (!model.root && !c->stopped)
		compose_report(c, CF_MISSING_KEY,
			       (struct source_loc){ c->in->sources[0].name, 1, 1 },
			       "write `services:`", "the file is empty");
	return model.root && !c->stopped ? model.root : &tree_bad;
}
