/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files at --policy. Once netd has started they are read and checked beside the loop, and the
 * loop takes what was checked, not what is there by then: it waits for no disk, runs no test, and
 * is told of what is wrong. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"
#include "daemon/policy.h"
#include "daemon/questions-file.h"
#include "edge/base/clock.h"
#include "edge/journal/journal.h"

/* ---- what is there ---- */

/* An emptied folder is more often an accident than a wish. */
static const char *what_stays(const struct daemon *d)
{
	if (first_contact_waits(d))
		return "no policy was ever in force, and nothing is closed";
	return d->wanted ? "the policy in force stays, over restarts too; one without tiers "
			   "(`version: 1`) closes everything"
			 : "the one that was in force last is looked for in the state folder";
}

/* Of files that cannot be read, or of a folder without any. */
static void say_none(struct daemon *d, const char *why, bool unreadable)
{
	policy_remember_error(d, "%s", why);
	if (unreadable)
		log_error(LOG_ID_POLICY_UNREADABLE, "%s; %s", why, what_stays(d));
	else
		log_warning(LOG_ID_POLICY_EMPTY, "%s; %s", why, what_stays(d));
}

/* 0; POLICY_E_INVALID: there is none, *why says so; -ENOMEM. */
static int read_files(const struct daemon *d, struct arena *arena, struct policydir *files,
		      const char **why)
{
	int r = policydir_read(d->options->policy, arena, files);

	if (r == POLICYDIR_E_UNREADABLE)
		*why = files->error;
	else if (r == 0 && files->sources.n == 0)
		*why = arena_printf(arena, "there is no *.yaml in %s", d->options->policy);
	else
		return r;
	return *why ? POLICY_E_INVALID : -ENOMEM;
}

int policy_read_path(struct daemon *d, struct arena *arena, struct policydir *files)
{
	const char *why = NULL;
	int r = read_files(d, arena, files, &why);

	if (r == POLICY_E_INVALID)
		say_none(d, why, files->error);
	return r;
}

/* ---- taking ---- */

/* What was found first, as status tells it. */
static void remember_finding(struct daemon *d, const char *origin, const struct diag_list *diags)
{
	const struct diag *first = NULL;

	for (size_t i = 0; i < diags->diags.n && !first; i++)
		if (diags->diags.items[i].severity == DIAG_ERROR)
			first = &diags->diags.items[i];
	if (!first)
		policy_remember_error(d, "%s is not valid", origin);
	else if (diags->n_errors == 1)
		policy_remember_error(d, "%s:%u: %s", first->loc.file, first->loc.line,
				      first->text);
	else
		policy_remember_error(d, "%s:%u: %s (and %zu errors more)", first->loc.file,
				      first->loc.line, first->text, diags->n_errors - 1);
}

bool policy_is_applied(const struct policy_set *set)
{
	return set->author.by != HISTORY_BY_NOBODY && set->digest != set->path_digest;
}

/* An apply of the files themselves, called by another path. */
static bool same_texts(const struct policy_set *set, const struct policy_source *sources, size_t n)
{
	bool same = set->n_sources == n;

	for (size_t i = 0; same && i < n; i++)
		same = set->sources[i].len == sources[i].len &&
		       memcmp(set->sources[i].bytes, sources[i].bytes, sources[i].len) == 0;
	return same;
}

/* Who asks for the files does not mean to undo an apply, unless he says so. That is what taking
 * them would do: their texts are not those of the wanted policy, and nobody has edited them since
 * it was taken. */
static bool undoes_apply(const struct daemon *d, const struct policy_source *sources, size_t n)
{
	return policy_is_applied(d->wanted) && !same_texts(d->wanted, sources, n) &&
	       policy_digest(sources, n) == d->wanted->path_digest;
}

void policy_say_discarded(const struct daemon *d, const char *origin)
{
	log_warning(LOG_ID_POLICY_LOADED,
		    "the files in %s take the place of the policy from %s: `netdctl rollback` "
		    "brings that back",
		    d->options->policy, origin);
}

static int take(struct daemon *d, const struct policy_source *sources, size_t n, bool admitted,
		struct diag_list *diags)
{
	const struct policy_origin origin = { .text = d->options->policy,
					      .author = { .by = HISTORY_BY_FILES },
					      .admitted = admitted };
	struct policy_set *set = NULL;
	int r = policy_set_make(d, sources, n, &origin, diags, &set);

	if (r == POLICY_E_INVALID) {
		policy_log_findings(d, diags);
		remember_finding(d, d->options->policy, diags);
	}
	if (r != 0)
		return r;
	if (d->wanted && policy_is_applied(d->wanted) && set->digest != d->wanted->digest)
		policy_say_discarded(d, d->wanted->origin);
	d->policy_error = NULL;
	set->path_digest = set->digest;
	policy_want(d, set);
	return 0;
}

int policy_take_files(struct daemon *d, const struct policydir *files, struct diag_list *diags)
{
	return take(d, files->sources.items, files->sources.n, false, diags);
}

/* ---- beside the loop: what the child hands on ---- */

/* {"is":…} and what belongs to it. */
enum files_found { FILES_NONE, FILES_SAME, FILES_APPLIED, FILES_INVALID, FILES_VALID };

static const char *const found_names[] = { "none", "same", "applied", "invalid", "valid" };

static int write_finding(cJSON *list, const struct diag *diag)
{
	cJSON *item = cJSON_CreateObject();

	if (!item || !cJSON_AddItemToArray(list, item)) {
		cJSON_Delete(item);
		return -ENOMEM;
	}
	int r = wire_add_string(item, "file", diag->loc.file);
	if (r == 0)
		r = wire_add_number(item, "line", diag->loc.line);
	if (r == 0)
		r = wire_add_number(item, "col", diag->loc.col);
	return r == 0 ? wire_add_string(item, "text", diag->text) : r;
}

/* As many as are logged; the others are counted. */
static int write_findings(cJSON *report, const struct diag_list *diags)
{
	cJSON *list = cJSON_CreateArray();
	unsigned int n = 0;
	int r = wire_add(report, "findings", list);

	for (size_t i = 0; i < diags->diags.n && n < POLICY_LOGGED_FINDINGS && r == 0; i++) {
		if (diags->diags.items[i].severity != DIAG_ERROR)
			continue;
		r = write_finding(list, &diags->diags.items[i]);
		n++;
	}
	return r == 0 ? wire_add_number(report, "n_errors", (double)diags->n_errors) : r;
}

static int write_sources(cJSON *report, const struct policydir *files, struct arena *arena)
{
	cJSON *list = cJSON_CreateArray();
	int r = wire_add(report, "files", list);

	for (size_t i = 0; i < files->sources.n && r == 0; i++) {
		const struct policy_source *source = &files->sources.items[i];
		cJSON *item = cJSON_CreateObject();
		if (!item || !cJSON_AddItemToArray(list, item)) {
			cJSON_Delete(item);
			return -ENOMEM;
		}
		r = wire_add_string(item, "name", source->name);
		if (r == 0) /* what is valid has no NUL in it */
			r = wire_add_string(item, "text",
					    arena_strndup(arena, source->bytes, source->len));
	}
	return r;
}

static int write_found(const struct policy_checked *checked, enum files_found is,
		       struct diag_list *diags, cJSON **ret)
{
	cJSON *report = cJSON_CreateObject();
	char digest[HASH_TEXT_LEN];
	int r = report ? wire_add_string(report, "is", found_names[is]) : -ENOMEM;

	if (r == 0)
		r = wire_add_string(report, "digest", hash_format(checked->digest, digest));
	if (r == 0 && is == FILES_NONE)
		r = wire_add_string(report, "why", checked->why);
	if (r == 0 && is == FILES_NONE)
		r = wire_add_bool(report, "unreadable", checked->files.error);
	if (r == 0 && is == FILES_INVALID)
		r = write_findings(report, diags);
	if (r == 0 && is == FILES_VALID)
		r = write_sources(report, &checked->files, diags->arena);
	if (r < 0) {
		cJSON_Delete(report);
		return r;
	}
	*ret = report;
	return 0;
}

/* What is found of files that are there. */
static int check(struct daemon *d, enum policy_files which, struct diag_list *diags,
		 struct policy_checked *checked, enum files_found *is)
{
	const struct policy_source *sources = checked->files.sources.items;
	size_t n = checked->files.sources.n;

	checked->digest = policy_digest(sources, n);
	*is = FILES_SAME;
	if (which == POLICY_FILES_NEW && checked->digest == d->wanted->path_digest)
		return 0;
	checked->undoes_apply = which == POLICY_FILES_SPARE_APPLY && undoes_apply(d, sources, n);
	int r = policy_parse(sources, n, diags->arena, diags, &checked->policy);
	if (checked->undoes_apply) {
		*is = FILES_APPLIED;
		return r < 0 ? r : 0;
	}
	if (r == 0)
		r = policy_admit(d, checked->policy, clock_epoch_s(), diags);
	*is = r == 0 ? FILES_VALID : FILES_INVALID;
	return r;
}

int policy_files_check(struct daemon *d, enum policy_files which, struct diag_list *diags,
		       struct policy_checked *ret, cJSON **found)
{
	enum files_found is = FILES_NONE;
	int r = read_files(d, diags->arena, &ret->files, &ret->why);

	if (r == 0)
		r = check(d, which, diags, ret, &is);
	if (r < 0)
		return r;
	int written = write_found(ret, is, diags, found);
	if (written == 0 && which == POLICY_FILES_SPARE_APPLY)
		written = wire_add_bool(*found, "spare_apply", true);
	return written < 0 ? written : r;
}

/* ---- in the loop again ---- */

static int find_is(const cJSON *found, enum files_found *ret)
{
	const char *is = wire_string(found, "is");

	for (size_t i = 0; is && i < ARRAY_LEN(found_names); i++)
		if (strcmp(is, found_names[i]) == 0) {
			*ret = (enum files_found)i;
			return 0;
		}
	return -EINVAL;
}

static uint64_t digest_of(const cJSON *found)
{
	const char *digest = wire_string(found, "digest");

	return digest ? strtoull(digest, NULL, 16) : 0;
}

static int read_sources(const cJSON *found, struct arena *arena, struct policy_source **ret,
			size_t *ret_n)
{
	const cJSON *list = wire_array(found, "files"), *item;
	size_t n = list ? (size_t)cJSON_GetArraySize(list) : 0, i = 0;
	struct policy_source *sources = arena_alloc(arena, n * sizeof(*sources));

	if (!sources)
		return -ENOMEM;
	cJSON_ArrayForEach(item, list) {
		const char *name = wire_string(item, "name"), *text = wire_string(item, "text");
		if (!name || !text)
			return -EINVAL;
		sources[i++] = (struct policy_source){ name, text, strlen(text) };
	}
	*ret = sources;
	*ret_n = n;
	return policy_digest(sources, n) == digest_of(found) ? 0 : -EINVAL;
}

static int take_valid(struct daemon *d, const cJSON *found, enum policy_outcome *ret)
{
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	struct policy_source *sources = NULL;
	struct diag_list diags;
	size_t n = 0;
	int r = arena ? read_sources(found, arena, &sources, &n) : -ENOMEM;

	diag_init(&diags, arena);
	/* Another policy may be wanted since they were checked. */
	if (r == 0 && wire_bool(found, "spare_apply", false) && undoes_apply(d, sources, n)) {
		*ret = POLICY_SPARED;
		return 0;
	}
	if (r == 0)
		r = take(d, sources, n, true, &diags);
	if (r == 0)
		*ret = POLICY_TAKEN;
	return r == POLICY_E_INVALID ? -EINVAL : r;
}

static int refuse(struct daemon *d, const cJSON *found)
{
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	const cJSON *item;
	struct diag_list diags;

	if (!arena)
		return -ENOMEM;
	diag_init(&diags, arena);
	cJSON_ArrayForEach(item, wire_array(found, "findings")) {
		const char *file = wire_string(item, "file"), *text = wire_string(item, "text");
		struct source_loc loc = { .file = file ? file : "",
					  .line = (uint32_t)wire_number(item, "line", 0),
					  .col = (uint32_t)wire_number(item, "col", 0) };
		diag_add(&diags, DIAG_ERROR, loc, "", NULL, "%s", text ? text : "");
	}
	if (diags.out_of_memory)
		return -ENOMEM;
	diags.n_errors = (size_t)wire_number(found, "n_errors", 0);
	policy_log_findings(d, &diags);
	remember_finding(d, d->options->policy, &diags);
	return 0;
}

/* An apply is not undone by a notice that comes late, or by files that were only touched. */
static void stay(struct daemon *d)
{
	if (!d->is_refused) /* what was wrong with them meanwhile is not any more */
		d->policy_error = NULL;
	if (d->wanted->author.by == HISTORY_BY_NOBODY)
		policy_remember_error(d, "the policy that was in force cannot be had: `netdctl "
					 "reload` takes the files, `netdctl apply` others");
}

int policy_files_found(struct daemon *d, const cJSON *found, enum policy_outcome *ret)
{
	enum files_found is = FILES_NONE;
	const char *why = wire_string(found, "why");
	int r = find_is(found, &is);

	*ret = POLICY_STAYS;
	if (r < 0)
		return r;
	switch (is) {
	case FILES_NONE:
		say_none(d, why ? why : "", wire_bool(found, "unreadable", false));
		break;
	case FILES_SAME:
		if (digest_of(found) != d->wanted->path_digest)
			return policy_follow(d); /* another one is wanted meanwhile */
		stay(d);
		break;
	case FILES_APPLIED:
		*ret = POLICY_SPARED;
		break;
	case FILES_INVALID:
		return refuse(d, found);
	case FILES_VALID:
		return take_valid(d, found, ret);
	}
	return 0;
}

/* A check that crashes or takes too long would do so again: whoever edits or asks begins the next.
 */
static void files_failed(struct daemon *d, const char *why)
{
	log_error(LOG_ID_INTERNAL,
		  "the policy files are not checked, the policy in force stays: %s", why);
	policy_remember_error(d, "the files are not checked (%s): `netdctl reload` checks them",
			      why);
}

/* ---- when they are looked at ---- */

static int check_alone(struct daemon *d, enum policy_files which, struct arena *arena, cJSON **ret)
{
	struct policy_checked checked = { 0 };
	struct diag_list diags;
	cJSON *found = NULL;

	diag_init(&diags, arena);
	int r = policy_files_check(d, which, &diags, &checked, &found);
	return r < 0 ? r : questions_put_aside(found, ret);
}

static int check_edited(struct daemon *d, const struct control_request *request,
			struct arena *arena, cJSON **ret)
{
	(void)request;
	return check_alone(d, POLICY_FILES_NEW, arena, ret);
}

static int edited_found(struct daemon *d, const cJSON *found)
{
	enum policy_outcome unused;

	return policy_files_found(d, found, &unused);
}

int policy_follow(struct daemon *d)
{
	static const struct answer edited = { .verb = "the edited policy files",
					      .beside = check_edited,
					      .lane = LANE_CHANGE,
					      .aside = edited_found,
					      .failed = files_failed };

	return questions_do(d, &edited);
}

static int check_unedited(struct daemon *d, const struct control_request *request,
			  struct arena *arena, cJSON **ret)
{
	(void)request;
	return check_alone(d, POLICY_FILES_SPARE_APPLY, arena, ret);
}

static int hang_up_found(struct daemon *d, const cJSON *found)
{
	enum policy_outcome outcome;
	int r = policy_files_found(d, found, &outcome);

	if (outcome == POLICY_SPARED)
		log_warning(
			LOG_ID_POLICY_LOADED,
			"nobody has edited the files in %s since the policy from %s was taken, "
			"and that one stays: `netdctl reload --discard-applied` takes the files",
			d->options->policy, d->wanted->origin);
	if (outcome != POLICY_STAYS)
		reconcile_note(d, PLAN_ON);
	return r;
}

int policy_hang_up(struct daemon *d)
{
	static const struct answer hang_up = { .verb = "SIGHUP",
					       .beside = check_unedited,
					       .lane = LANE_CHANGE,
					       .aside = hang_up_found,
					       .failed = files_failed };

	return questions_do(d, &hang_up);
}
