/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fleet apply, history and rollback: the files of one folder of the store, "policy" or
 * "groups/NAME", are changed together, on the condition that they are what was looked at, and what
 * they become is kept under PREFIX/revisions/ to go back to. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/json-scan.h"
#include "core/base/limits.h"
#include "core/fleet/fleet.h"
#include "core/policy/until.h"
#include "core/report/json.h"
#include "ctl/fleet.h"
#include "ctl/out-text.h"
#include "edge/host/host.h"

/* etcd takes 128 operations in one transaction (--max-txn-ops), conditions counted apart. */
#define OPERATIONS 120u

/* The files that a folder is to hold. */
struct folder_files {
	VEC(struct policy_source) sources; /* names without a folder */
};

struct change {
	const struct fleet *fleet;
	const char *folder; /* "policy", "groups/web" */
	const char *below;  /* "netd/policy/" */
	struct folder_files files;
	VEC(struct etcd_condition) conditions;
	VEC(struct etcd_change) changes;
};

/* ---- what is to be there ---- */

/* The name of a file in the store is that of the file without its folder. */
static int add_sources(struct change *change, const struct policydir *dir)
{
	for (size_t i = 0; i < dir->sources.n; i++) {
		struct policy_source source = dir->sources.items[i];
		const char *slash = strrchr(source.name, '/');
		source.name = slash ? slash + 1 : source.name;
		for (size_t k = 0; k < change->files.sources.n; k++) {
			if (strcmp(change->files.sources.items[k].name, source.name) != 0)
				continue;
			ctl_complain("two files have the name %s, and the store has one folder",
				     source.name);
			return CTL_USAGE;
		}
		if (!fleet_is_name(source.name)) {
			ctl_complain(
				"%s cannot be the name of a key: letters, digits, `-`, `_` and `.`",
				source.name);
			return CTL_USAGE;
		}
		if (VEC_PUSH(change->fleet->arena, &change->files.sources, source) < 0)
			return ctl_out_of_memory();
	}
	return CTL_OK;
}

/* ---- is it a policy ---- */

/* The folder's new files, or those that are in the store. */
static int add_folder(const struct change *change, const char *folder, struct policydir *into)
{
	struct arena *arena = change->fleet->arena;
	const char *below = arena_printf(arena, "%s/%s/", change->fleet->conf.prefix, folder);
	bool is_new = strcmp(folder, change->folder) == 0;
	size_t n = 0;
	const struct etcd_key *keys =
		below ? etcd_mirror_below(change->fleet->keys, below, &n) : NULL;
	int r = below ? 0 : -ENOMEM;

	n = is_new ? change->files.sources.n : n;
	for (size_t i = 0; i < n && r == 0; i++) {
		const struct policy_source *source = &change->files.sources.items[i];
		const char *file = is_new ? source->name : keys[i].key + strlen(below);
		const struct policy_source whole = {
			arena_printf(arena, "%s/%s", folder, file),
			is_new ? source->bytes : keys[i].value,
			is_new ? source->len : keys[i].len,
		};
		r = whole.name ? VEC_PUSH(arena, &into->sources, whole) : -ENOMEM;
	}
	return r;
}

/* The policy of a host that is in one group, or in none (NULL), is valid on its own. */
static int check_host(const struct change *change, const char *group)
{
	struct arena *arena = change->fleet->arena;
	struct policydir dir = { 0 };
	struct diag_list diags;
	const struct policy *policy = NULL;
	cJSON *json = NULL;
	int r = add_folder(change, "policy", &dir);

	diag_init(&diags, arena);
	if (r == 0 && group)
		r = add_folder(change, group, &dir);
	if (r == 0 && dir.sources.n == 0)
		return CTL_OK; /* hosts keep what they have */
	if (r == 0)
		r = policy_parse(dir.sources.items, dir.sources.n, arena, &diags, &policy);
	if (r == 0)
		return CTL_OK;
	if (r < 0 || report_diagnostics(&diags, &json) < 0)
		return ctl_out_of_memory();
	diag_print_errors(change->fleet->ctl, json, &dir);
	cJSON_Delete(json);
	return CTL_FINDING;
}

/* "groups/web", of a key below PREFIX/groups/; in @arena. */
static const char *group_of(const char *key, const char *prefix, struct arena *arena)
{
	const char *group = key + strlen(prefix) + 1;
	const char *name = group + strlen("groups/");

	return arena_strndup(arena, group, strlen("groups/") + strcspn(name, "/"));
}

/* What is written for all hosts is to be valid in each group. */
static int check_all(const struct change *change)
{
	const struct fleet *fleet = change->fleet;
	const char *below = arena_printf(fleet->arena, "%s/groups/", fleet->conf.prefix);
	const char *last = "";
	size_t n = 0;
	int status = check_host(change, NULL);

	if (!below)
		return ctl_out_of_memory();
	if (strcmp(change->folder, "policy") != 0)
		return status == CTL_OK ? check_host(change, change->folder) : status;
	const struct etcd_key *keys = etcd_mirror_below(fleet->keys, below, &n);
	for (size_t i = 0; i < n && status == CTL_OK; i++) {
		const char *group = group_of(keys[i].key, fleet->conf.prefix, fleet->arena);
		if (!group)
			return ctl_out_of_memory();
		if (strcmp(group, last) != 0)
			status = check_host(change, group);
		last = group;
	}
	return status;
}

/* ---- what is to be done ---- */

static int condition(struct change *change, enum etcd_condition_kind kind, const char *key,
		     int64_t revision)
{
	return VEC_PUSH(change->fleet->arena, &change->conditions,
			(struct etcd_condition){ kind, key, revision });
}

/* Nothing there was changed, added or removed since it was looked at. */
static int add_conditions(struct change *change)
{
	size_t n;
	const struct etcd_key *keys = etcd_mirror_below(change->fleet->keys, change->below, &n);
	int r = condition(change, ETCD_UNCHANGED_SINCE, change->below,
			  change->fleet->keys->revision);

	for (size_t i = 0; i < n && r == 0; i++)
		r = condition(change, ETCD_IS_AT, keys[i].key, keys[i].mod_revision);
	return r;
}

static bool is_wanted(const struct change *change, const char *name)
{
	for (size_t i = 0; i < change->files.sources.n; i++)
		if (strcmp(change->files.sources.items[i].name, name) == 0)
			return true;
	return false;
}

static int add_removals(struct change *change)
{
	size_t n;
	const struct etcd_key *keys = etcd_mirror_below(change->fleet->keys, change->below, &n);
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++)
		if (!is_wanted(change, keys[i].key + strlen(change->below)))
			r = VEC_PUSH(change->fleet->arena, &change->changes,
				     (struct etcd_change){ .key = keys[i].key });
	return r;
}

static int add_files(struct change *change)
{
	struct arena *arena = change->fleet->arena;
	int r = 0;

	for (size_t i = 0; i < change->files.sources.n && r == 0; i++) {
		const struct policy_source *source = &change->files.sources.items[i];
		const char *key = arena_printf(arena, "%s%s", change->below, source->name);
		const struct etcd_key *old =
			key ? etcd_mirror_find(change->fleet->keys, key) : NULL;
		if (!key)
			return -ENOMEM;
		if (old && old->len == source->len &&
		    memcmp(old->value, source->bytes, source->len) == 0)
			continue;
		r = VEC_PUSH(arena, &change->changes,
			     (struct etcd_change){ key, source->bytes, source->len, 0 });
	}
	return r;
}

/* ---- to go back to ---- */

/* NULL: no memory. */
static char *print_revision(const struct change *change)
{
	struct rj j = { 0 };
	cJSON *root = rj_answer(&j), *files;
	char user[64], when[UNTIL_TEXT_LEN];
	char *text = NULL;

	host_user_name(getuid(), user, sizeof(user));
	rj_text(&j, root, "when", policy_until_format(change->fleet->ctl->now, when));
	rj_text(&j, root, "by", *user ? user : "?");
	rj_text(&j, root, "at", change->fleet->conf.host);
	rj_text(&j, root, "folder", change->folder);
	files = rj_add_array(&j, root, "files");
	for (size_t i = 0; i < change->files.sources.n; i++) {
		cJSON *file = rj_push_object(&j, files);
		rj_text(&j, file, "name", change->files.sources.items[i].name);
		rj_text(&j, file, "text", change->files.sources.items[i].bytes);
	}
	if (rj_finish(&j, root, &root) == 0) {
		text = cJSON_PrintUnformatted(root);
		cJSON_Delete(root);
	}
	return text;
}

/* The kept ones, oldest first. */
static const struct etcd_key *revisions(const struct fleet *fleet, const char **ret_below,
					size_t *ret_n)
{
	*ret_n = 0;
	*ret_below = arena_printf(fleet->arena, "%s/revisions/", fleet->conf.prefix);
	return *ret_below ? etcd_mirror_below(fleet->keys, *ret_below, ret_n) : NULL;
}

/* The next number, in 12 digits, so that keys are in the order of numbers; and the oldest goes
 * where there are enough. */
static int add_revision(struct change *change, char *text)
{
	const struct fleet *fleet = change->fleet;
	const char *below;
	size_t n;
	const struct etcd_key *keys = revisions(fleet, &below, &n);
	int r = below ? 0 : -ENOMEM;
	unsigned long long number = 1;

	if (r == 0 && n > 0)
		number = strtoull(keys[n - 1].key + strlen(below), NULL, 10) + 1;
	const char *key = r == 0 ? arena_printf(fleet->arena, "%s%012llu", below, number) : NULL;
	if (!key)
		return -ENOMEM;
	if (n >= LIMIT_HISTORY)
		r = VEC_PUSH(fleet->arena, &change->changes,
			     (struct etcd_change){ .key = keys[0].key });
	if (r == 0)
		r = condition(change, ETCD_IS_AT, key, 0);
	return r < 0 ? r
		     : VEC_PUSH(fleet->arena, &change->changes,
				(struct etcd_change){ key, text, strlen(text), 0 });
}

/* ---- doing it ---- */

static int say_changed_meanwhile(void)
{
	ctl_complain("somebody else has changed the policy of the fleet meanwhile, and nothing was "
		     "written: look at `netdctl fleet history`, then apply again");
	return CTL_REFUSED;
}

static void say_done(const struct change *change)
{
	for (size_t i = 0; i < change->changes.n; i++) {
		const struct etcd_change *one = &change->changes.items[i];
		if (text_begins(one->key, change->below))
			printf("%s %s\n", one->value ? "written" : "removed",
			       one->key + strlen(change->fleet->conf.prefix) + 1);
	}
	printf("netdctl fleet status shows what becomes of it on each host\n");
}

static int commit(struct change *change)
{
	const struct etcd_txn txn = { change->conditions.items, change->conditions.n,
				      change->changes.items, change->changes.n };

	if (txn.n_changes > OPERATIONS || txn.n_conditions > OPERATIONS) {
		ctl_complain("%zu files are more than the store changes in one step: put them into "
			     "fewer files",
			     change->files.sources.n);
		return CTL_USAGE;
	}
	int status = fleet_store_commit(change->fleet->store, &txn);
	if (status == CTL_OK)
		say_done(change);
	return status == CTL_FINDING ? say_changed_meanwhile() : status;
}

/* The folder is to hold change->files. */
static int carry_out(struct change *change)
{
	CLEANUP(free_ptr) char *text = NULL;
	int status;

	change->below = arena_printf(change->fleet->arena, "%s/%s/", change->fleet->conf.prefix,
				     change->folder);
	if (!change->below)
		return ctl_out_of_memory();
	status = check_all(change);
	if (status != CTL_OK)
		return status;
	if (add_removals(change) < 0 || add_files(change) < 0 || add_conditions(change) < 0)
		return ctl_out_of_memory();
	if (change->changes.n == 0) {
		puts("no change: these files are what the store has");
		return CTL_OK;
	}
	text = print_revision(change);
	if (!text || add_revision(change, text) < 0)
		return ctl_out_of_memory();
	return commit(change);
}

int fleet_apply(const struct fleet *fleet)
{
	struct change change = { .fleet = fleet, .folder = "policy" };
	struct policydir dir = { 0 };
	const char *group = fleet->args->group;
	int status = CTL_OK;

	if (group && !fleet_is_name(group)) {
		ctl_complain("`%s` is not the name of a group", group);
		return CTL_USAGE;
	}
	if (group)
		change.folder = arena_printf(fleet->arena, "groups/%s", group);
	for (size_t i = 1; i < fleet->args->n && status == CTL_OK; i++) {
		int r = policydir_read(fleet->args->files[i], fleet->arena, &dir);
		if (r > 0)
			ctl_complain("%s", dir.error);
		if (r != 0)
			status = r < 0 ? ctl_out_of_memory() : CTL_USAGE;
	}
	if (status == CTL_OK)
		status = change.folder ? add_sources(&change, &dir) : ctl_out_of_memory();
	return status == CTL_OK ? carry_out(&change) : status;
}

/* ---- history and rollback ---- */

/* The caller's; NULL: it is damaged, or no memory. */
static cJSON *read_revision(const struct etcd_key *key)
{
	const struct json_limits limits = { .depth = 8, .items = 4096, .controls = true };
	size_t offset;

	if (json_scan(key->value, key->len, limits, &offset))
		return NULL;
	return cJSON_ParseWithLength(key->value, key->len);
}

static const char *clean_member(const cJSON *json, const char *name, struct arena *arena)
{
	char *text = arena_strdup(arena, member_text(json, name));

	if (text)
		text_clean(text);
	return text;
}

static cJSON *history_report(const struct fleet *fleet)
{
	static const char *const members[] = { "when", "by", "at", "folder" };
	struct rj j = { 0 };
	cJSON *root = rj_answer(&j), *list = rj_add_array(&j, root, "revisions");
	const char *below;
	size_t n;
	const struct etcd_key *keys = revisions(fleet, &below, &n);

	for (size_t i = n; i-- > 0;) {
		cJSON *json = read_revision(&keys[i]), *row = rj_push_object(&j, list);
		rj_number(&j, row, "number", strtod(keys[i].key + strlen(below), NULL));
		for (size_t m = 0; m < ARRAY_LEN(members); m++)
			rj_text(&j, row, members[m], clean_member(json, members[m], fleet->arena));
		rj_number(&j, row, "files", cJSON_GetArraySize(wire_array(json, "files")));
		cJSON_Delete(json);
	}
	return rj_finish(&j, root, &root) == 0 ? root : NULL;
}

static void show_revisions(const struct ctl *ctl, const cJSON *report)
{
	static const char *const columns[] = { "NUMBER", "WHEN", "WHO", "WHAT", "FILES" };
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct table *table = table_new(ctl, columns, ARRAY_LEN(columns));
	const cJSON *row;

	cJSON_ArrayForEach(row, (arena ? wire_array(report, "revisions") : NULL)) {
		const char *cells[] = {
			arena_printf(arena, "%.0f", wire_number(row, "number", 0)),
			member_text(row, "when"),
			arena_printf(arena, "%s at %s", member_text(row, "by"),
				     member_text(row, "at")),
			member_text(row, "folder"),
			arena_printf(arena, "%.0f", wire_number(row, "files", 0)),
		};
		table_row(table, cells, PAINT_PLAIN);
	}
	table_print(table);
}

int fleet_history(const struct fleet *fleet)
{
	return show_report(fleet->ctl, history_report(fleet), show_revisions, CTL_OK);
}

/* Texts are borrowed from @json. */
static int take_revision(const cJSON *json, struct change *change)
{
	const cJSON *file;

	change->folder = member_text(json, "folder");
	if (strcmp(change->folder, "policy") != 0 &&
	    !(text_begins(change->folder, "groups/") && fleet_is_name(change->folder + 7)))
		return -EINVAL;
	cJSON_ArrayForEach(file, wire_array(json, "files")) {
		const char *name = member_text(file, "name"), *text = wire_string(file, "text");
		if (!fleet_is_name(name) || !text)
			return -EINVAL;
		if (VEC_PUSH(change->fleet->arena, &change->files.sources,
			     (struct policy_source){ name, text, strlen(text) }) < 0)
			return -ENOMEM;
	}
	return 0;
}

int fleet_rollback(const struct fleet *fleet)
{
	struct change change = { .fleet = fleet };
	const char *word = fleet->args->files[1], *below, *key = NULL;
	size_t n;

	(void)revisions(fleet, &below, &n);
	if (below && strlen(word) <= 12 && strspn(word, "0123456789") == strlen(word))
		key = arena_printf(fleet->arena, "%s%012llu", below, strtoull(word, NULL, 10));
	const struct etcd_key *kept = key ? etcd_mirror_find(fleet->keys, key) : NULL;
	if (!kept) {
		ctl_complain("there is no revision `%s`: `netdctl fleet history` lists them", word);
		return CTL_USAGE;
	}
	cJSON *json = read_revision(kept);
	int r = take_revision(json, &change);
	int status = CTL_FINDING;
	if (r == 0)
		status = carry_out(&change);
	else
		ctl_complain("revision %s in the store is damaged", word);
	cJSON_Delete(json);
	return status;
}
