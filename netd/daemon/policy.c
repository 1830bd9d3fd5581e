/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which policy is wanted. The last change wins: files at --policy that changed, or an apply. A
 * policy that is not valid never takes effect; the one in force stays, over restarts too (it is
 * kept in the state folder). */
#include <cjson/cJSON.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/base/limits.h"
#include "daemon/daemon.h"
#include "edge/journal/journal.h"
#include "edge/policydir/policydir.h"

#define STATE_FILE "policy.json"
#define STATE_LIMIT (8u * LIMIT_POLICY_BYTES)
/* Findings written to the log; netdctl validate shows the rest. */
#define LOGGED_FINDINGS 10u

struct policy_set *policy_set_free(struct policy_set *set)
{
	if (set)
		(void)arena_free(set->arena);
	return NULL;
}

static void policy_set_freep(struct policy_set **set)
{
	*set = policy_set_free(*set);
}

static struct policy_set *policy_set_new(void)
{
	struct arena *arena = arena_new();
	struct policy_set *set = arena ? arena_alloc(arena, sizeof(*set)) : NULL;

	if (!set) {
		(void)arena_free(arena);
		return NULL;
	}
	set->arena = arena;
	return set;
}

/* FNV-1a: tells whether somebody edited the files, not who is lying. */
static uint64_t digest_add(uint64_t digest, const void *bytes, size_t len)
{
	for (const uint8_t *byte = bytes; len > 0; len--, byte++)
		digest = (digest ^ *byte) * UINT64_C(0x100000001b3);
	return digest;
}

static uint64_t digest_sources(const struct policy_source *sources, size_t n)
{
	uint64_t digest = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < n; i++) {
		digest = digest_add(digest, sources[i].name, strlen(sources[i].name) + 1);
		digest = digest_add(digest, &sources[i].len, sizeof(sources[i].len));
		digest = digest_add(digest, sources[i].bytes, sources[i].len);
	}
	return digest;
}

static int copy_sources(struct policy_set *set, const struct policy_source *sources, size_t n)
{
	struct policy_source *copies = arena_alloc(set->arena, n * sizeof(*copies));

	if (!copies)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		copies[i].name = arena_strdup(set->arena, sources[i].name);
		copies[i].bytes = arena_strndup(set->arena, sources[i].bytes, sources[i].len);
		copies[i].len = sources[i].len;
		if (!copies[i].name || !copies[i].bytes)
			return -ENOMEM;
	}
	set->sources = copies;
	set->n_sources = n;
	return 0;
}

/* The findings name the files by the set's copies, and outlive it. */
static int keep_names(struct diag_list *diags)
{
	for (size_t i = 0; i < diags->diags.n; i++) {
		struct source_loc *loc = &diags->diags.items[i].loc;
		loc->file = loc->file ? arena_strdup(diags->arena, loc->file) : "";
		if (!loc->file)
			return -ENOMEM;
	}
	return 0;
}

/* Parses; the findings live in @diags' arena, whole. */
static int policy_set_make(const struct policy_source *sources, size_t n,
			   const struct policy_origin *origin, struct diag_list *diags,
			   struct policy_set **ret)
{
	struct policy_set *set CLEANUP(policy_set_freep) = policy_set_new();

	if (!set || copy_sources(set, sources, n) < 0)
		return -ENOMEM;
	set->origin = arena_strdup(set->arena, origin->text);
	set->author = origin->author;
	set->digest = digest_sources(sources, n);
	if (!set->origin)
		return -ENOMEM;
	int r = policy_parse(set->sources, n, set->arena, diags, &set->policy);
	if (r >= 0 && keep_names(diags) < 0)
		return -ENOMEM;
	if (r == 0)
		*ret = TAKE_PTR(set);
	return r;
}

static void log_findings(const struct diag_list *diags)
{
	for (size_t i = 0; i < diags->diags.n && i < LOGGED_FINDINGS; i++) {
		const struct diag *diag = &diags->diags.items[i];
		if (diag->severity == DIAG_ERROR)
			log_error(LOG_ID_POLICY_INVALID, "%s:%u:%u: %s", diag->loc.file,
				  diag->loc.line, diag->loc.col, diag->text);
	}
	log_error(LOG_ID_POLICY_INVALID,
		  "the policy has %zu errors and is not applied; the one in force stays: "
		  "netdctl validate shows them all",
		  diags->n_errors);
}

static void want(struct daemon *d, struct policy_set *set)
{
	struct policy_set *old = d->wanted;

	d->wanted = set;
	policy_forget(d, old);
	log_info(LOG_ID_POLICY_LOADED, "policy from %s: %zu tiers, %zu rules", set->origin,
		 set->policy->n_tiers, set->policy->n_rules);
	reconcile_note(d, PLAN_CHANGED);
	reconcile_soon(d);
}

void policy_forget(struct daemon *d, struct policy_set *old)
{
	if (old && old != d->wanted && old != d->previous &&
	    (!d->committed || d->committed->policy != old))
		(void)policy_set_free(old);
}

int policy_take(struct daemon *d, const struct policy_source *sources, size_t n,
		const struct policy_origin *origin, struct diag_list *diags)
{
	struct policy_set *set = NULL;
	int r = policy_set_make(sources, n, origin, diags, &set);

	if (r != 0)
		return r;
	set->path_digest = d->wanted ? d->wanted->path_digest : 0;
	want(d, set);
	return 0;
}

static void remember_error(struct daemon *d, const char *text)
{
	(void)snprintf(d->policy_error_text, sizeof(d->policy_error_text), "%s", text);
	d->policy_error = d->policy_error_text;
}

static int read_path(struct daemon *d, struct arena *arena, struct policydir *files)
{
	int r = policydir_read(d->options->policy, arena, files);

	if (r == POLICYDIR_E_UNREADABLE) {
		remember_error(d, files->error);
		log_error(LOG_ID_POLICY_UNREADABLE, "%s", files->error);
		return POLICY_E_INVALID;
	}
	if (r == 0 && files->sources.n == 0) {
		remember_error(d, "no *.yaml in the policy directory");
		log_warning(LOG_ID_POLICY_EMPTY,
			    "%s holds no *.yaml: every managed network stays closed until it does",
			    d->options->policy);
		return POLICY_E_INVALID;
	}
	return r;
}

static int reload_from(struct daemon *d, const struct policydir *files, struct diag_list *diags)
{
	const struct policy_origin origin = { d->options->policy, { .by = HISTORY_BY_FILES } };
	struct policy_set *set = NULL;
	int r = policy_set_make(files->sources.items, files->sources.n, &origin, diags, &set);

	if (r == POLICY_E_INVALID) {
		log_findings(diags);
		remember_error(d, "the files at --policy are not valid: netdctl validate");
	}
	if (r != 0)
		return r;
	d->policy_error = NULL;
	set->path_digest = set->digest;
	want(d, set);
	return 0;
}

int policy_reload(struct daemon *d, struct diag_list *diags)
{
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	struct policydir files = { 0 };

	if (!arena)
		return -ENOMEM;
	int r = read_path(d, arena, &files);
	return r == 0 ? reload_from(d, &files, diags) : r;
}

/* ---- the state folder ---- */

static int add_file(cJSON *files, const struct policy_source *source)
{
	cJSON *file = cJSON_CreateObject();
	int r = file ? wire_add_string(file, "name", source->name) : -ENOMEM;

	if (r == 0)
		r = wire_add_string(file, "text", source->bytes);
	if (r == 0 && cJSON_AddItemToArray(files, file))
		return 0;
	cJSON_Delete(file);
	return -ENOMEM;
}

/* NULL: memory is out. Half of a policy is none. */
static char *print_saved(const struct policy_set *set)
{
	cJSON *root = cJSON_CreateObject(), *files = cJSON_AddArrayToObject(root, "files");
	char digest[24], *text = NULL;

	(void)snprintf(digest, sizeof(digest), "%016" PRIx64, set->path_digest);
	int r = files ? wire_add_number(root, "version", 1) : -ENOMEM;
	if (r == 0)
		r = wire_add_string(root, "path_digest", digest);
	if (r == 0)
		r = wire_add_string(root, "origin", set->origin);
	for (size_t i = 0; r == 0 && i < set->n_sources; i++)
		r = add_file(files, &set->sources[i]);
	if (r == 0)
		text = cJSON_PrintUnformatted(root);
	cJSON_Delete(root);
	return text;
}

void policy_save(struct daemon *d)
{
	statefiles_write(&d->state, STATE_FILE, print_saved(d->wanted),
			 "a restart will know only the files at --policy");
}

struct saved {
	VEC(struct policy_source) sources;
	const char *origin;
	uint64_t path_digest;
};

static int add_saved_file(const cJSON *file, struct arena *arena, struct saved *ret)
{
	const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(file, "name"));
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(file, "text"));

	if (!name || !text)
		return -EINVAL;
	struct policy_source source = { arena_strdup(arena, name), arena_strdup(arena, text),
					strlen(text) };
	if (!source.name || !source.bytes)
		return -ENOMEM;
	return VEC_PUSH(arena, &ret->sources, source);
}

static int parse_saved(const cJSON *root, struct arena *arena, struct saved *ret)
{
	const char *digest =
		cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root, "path_digest"));
	const char *origin = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root, "origin"));
	const cJSON *file;
	int r = 0;

	if (!digest || !origin || sscanf(digest, "%" SCNx64, &ret->path_digest) != 1)
		return -EINVAL;
	ret->origin = arena_strdup(arena, origin);
	cJSON_ArrayForEach(file, cJSON_GetObjectItemCaseSensitive(root, "files"))
		if (r == 0)
			r = add_saved_file(file, arena, ret);
	return r == 0 && (!ret->origin || ret->sources.n == 0) ? -EINVAL : r;
}

static int read_saved(struct daemon *d, struct arena *arena, struct saved *ret)
{
	struct host_bytes bytes;
	int r = host_state_read(d->options->state_dir, STATE_FILE, STATE_LIMIT, arena, &bytes);

	if (r < 0)
		return r;
	cJSON *root = cJSON_ParseWithLength(bytes.bytes, bytes.len);
	r = root ? parse_saved(root, arena, ret) : -EINVAL;
	cJSON_Delete(root);
	return r;
}

static int take_saved(struct daemon *d, const struct saved *saved, struct arena *arena)
{
	const struct policy_origin origin = { saved->origin, { .by = HISTORY_BY_KEPT } };
	struct policy_set *set = NULL;
	struct diag_list diags;

	diag_init(&diags, arena);
	int r = policy_set_make(saved->sources.items, saved->sources.n, &origin, &diags, &set);
	if (r != 0)
		return r;
	set->path_digest = saved->path_digest;
	want(d, set);
	return 0;
}

/* No tier and no rule: everything on a managed network is closed. */
static int take_nothing(struct daemon *d)
{
	static const char text[] = "version: 1\n";
	const struct policy_source source = { "(no policy)", text, sizeof(text) - 1 };
	const struct policy_origin origin = { source.name, { .by = HISTORY_BY_NOBODY } };
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	struct policy_set *set = NULL;
	struct diag_list diags;

	if (!arena)
		return -ENOMEM;
	diag_init(&diags, arena);
	int r = policy_set_make(&source, 1, &origin, &diags, &set);
	if (r == 0)
		want(d, set);
	return r == POLICY_E_INVALID ? -EINVAL : r;
}

int policy_start(struct daemon *d)
{
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	struct policydir files = { 0 };
	struct saved saved = { 0 };
	struct diag_list diags;

	if (!arena)
		return -ENOMEM;
	diag_init(&diags, arena);
	int path = read_path(d, arena, &files);
	int kept = read_saved(d, arena, &saved);
	bool same_files = path == 0 && kept == 0 &&
			  digest_sources(files.sources.items, files.sources.n) == saved.path_digest;
	if (path == 0 && !same_files)
		path = reload_from(d, &files, &diags);
	if ((same_files || path != 0) && kept == 0 && take_saved(d, &saved, arena) == 0)
		return 0;
	if (same_files)
		path = reload_from(d, &files, &diags);
	return path == 0 ? 0 : path < 0 ? path : take_nothing(d);
}
