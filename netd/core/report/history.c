/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/report/history.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/base/json.h"
#include "core/base/limits.h"
#include "core/policy/until.h"
#include "core/report/json.h"

#define RECORD_VERSION 1
/* Beyond it a double no longer holds every integer. */
#define LARGEST_NUMBER 9007199254740992.0
#define LAST_SECOND 253402300799.0 /* of the year 9999 */

static const char *const by_names[] = {
	[HISTORY_BY_FILES] = "files",	    [HISTORY_BY_APPLY] = "apply",
	[HISTORY_BY_ROLLBACK] = "rollback", [HISTORY_BY_KEPT] = "kept",
	[HISTORY_BY_NOBODY] = "nobody",
};

static bool has_user(const struct history_author *author)
{
	return author->by == HISTORY_BY_APPLY || author->by == HISTORY_BY_ROLLBACK;
}

const char *history_author_text(const struct history_author *author, char ret[HISTORY_AUTHOR_LEN])
{
	char who[HISTORY_USER + 24], of[48] = "";

	ret[0] = '\0';
	if (!has_user(author))
		return ret;
	if (*author->user)
		(void)snprintf(who, sizeof(who), "%s (uid %" PRIu32 ")", author->user, author->uid);
	else
		(void)snprintf(who, sizeof(who), "uid %" PRIu32, author->uid);
	if (author->by == HISTORY_BY_ROLLBACK)
		(void)snprintf(of, sizeof(of), " to generation %" PRIu64, author->of);
	(void)snprintf(ret, HISTORY_AUTHOR_LEN, "%s%s by %s", by_names[author->by], of, who);
	return ret;
}

static uint32_t length_of(const cJSON *object, const char *name)
{
	return (uint32_t)cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(object, name));
}

void history_count(struct history_entry *entry, const cJSON *plan)
{
	const cJSON *exposures = cJSON_GetObjectItemCaseSensitive(plan, "exposures");

	entry->compared = true;
	entry->gained = length_of(plan, "gained");
	entry->lost = length_of(plan, "lost");
	entry->opened = length_of(exposures, "opened");
	entry->closed = length_of(exposures, "closed");
}

/* ---- keeping ---- */

static const struct {
	const char *name;
	size_t at;
} counts[] = {
	{ "gained", offsetof(struct history_entry, gained) },
	{ "lost", offsetof(struct history_entry, lost) },
	{ "opened", offsetof(struct history_entry, opened) },
	{ "closed", offsetof(struct history_entry, closed) },
};

static void add_author(struct rj *j, cJSON *object, const struct history_author *author)
{
	rj_text(j, object, "by", by_names[author->by]);
	if (has_user(author)) {
		rj_number(j, object, "uid", author->uid);
		rj_text(j, object, "user", *author->user ? author->user : NULL);
	}
	if (author->by == HISTORY_BY_ROLLBACK)
		rj_number(j, object, "of", (double)author->of);
}

static void add_counts(struct rj *j, cJSON *object, const struct history_entry *entry)
{
	for (size_t i = 0; entry->compared && i < ARRAY_LEN(counts); i++) {
		uint32_t count;
		memcpy(&count, (const char *)entry + counts[i].at, sizeof(count));
		rj_number(j, object, counts[i].name, count);
	}
}

static void add_files(struct rj *j, cJSON *object, const struct history_record *record)
{
	cJSON *files = rj_add_array(j, object, "files");

	for (size_t i = 0; i < record->n_sources; i++) {
		cJSON *file = rj_push_object(j, files);
		rj_text(j, file, "name", record->sources[i].name);
		rj_text(j, file, "text", record->sources[i].bytes);
	}
}

/* In print: a longer one is left out, its counts stay. */
static void add_plan(struct rj *j, cJSON *object, const cJSON *plan)
{
	CLEANUP(free_ptr) char *text = plan ? cJSON_PrintUnformatted(plan) : NULL;

	if (!plan || (text && strlen(text) > LIMIT_HISTORY_PLAN))
		return;
	(void)rj_add(j, object, "plan", text ? cJSON_CreateRaw(text) : NULL);
}

char *history_print(const struct history_record *record)
{
	const struct history_entry *entry = &record->entry;
	char digest[HASH_TEXT_LEN];
	struct rj j = { 0 };
	cJSON *root = rj_object(&j);

	rj_number(&j, root, "version", RECORD_VERSION);
	rj_number(&j, root, "generation", (double)entry->generation);
	rj_number(&j, root, "when", (double)entry->when);
	add_author(&j, root, &entry->author);
	rj_text(&j, root, "origin", record->origin);
	rj_text(&j, root, "digest", hash_format(entry->digest, digest));
	if (record->has_path_digest)
		rj_text(&j, root, "path_digest", hash_format(record->path_digest, digest));
	add_counts(&j, root, entry);
	add_plan(&j, root, record->plan);
	add_files(&j, root, record);
	char *text = j.failed ? NULL : cJSON_PrintUnformatted(root);
	cJSON_Delete(root);
	return text;
}

/* ---- reading back ---- */

/* A whole number from 0 to @max. */
static bool number_of(const cJSON *object, const char *name, double max, double *ret)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

	if (!cJSON_IsNumber(item) || !(item->valuedouble >= 0 && item->valuedouble <= max) ||
	    (double)(uint64_t)item->valuedouble < item->valuedouble)
		return false;
	*ret = item->valuedouble;
	return true;
}

static int parse_author(const cJSON *root, struct history_author *ret)
{
	const char *by = json_text(root, "by"), *user = json_text(root, "user");
	double uid = 0, of = 0;
	size_t kind = 0;

	while (kind < ARRAY_LEN(by_names) && (!by || strcmp(by, by_names[kind]) != 0))
		kind++;
	if (kind == ARRAY_LEN(by_names))
		return -EINVAL;
	ret->by = (enum history_by)kind;
	if ((has_user(ret) && !number_of(root, "uid", UINT32_MAX, &uid)) ||
	    (ret->by == HISTORY_BY_ROLLBACK && !number_of(root, "of", LARGEST_NUMBER, &of)))
		return -EINVAL;
	ret->uid = (uint32_t)uid;
	ret->of = (uint64_t)of;
	(void)snprintf(ret->user, sizeof(ret->user), "%s", user ? user : "");
	return 0;
}

static int parse_counts(const cJSON *root, struct history_entry *ret)
{
	ret->compared = cJSON_HasObjectItem(root, counts[0].name) != 0;
	for (size_t i = 0; ret->compared && i < ARRAY_LEN(counts); i++) {
		double number;
		if (!number_of(root, counts[i].name, UINT32_MAX, &number))
			return -EINVAL;
		uint32_t count = (uint32_t)number;
		memcpy((char *)ret + counts[i].at, &count, sizeof(count));
	}
	return 0;
}

static int parse_entry(const cJSON *root, struct history_entry *ret)
{
	const char *digest = json_text(root, "digest");
	double version, generation, when;

	if (!number_of(root, "version", RECORD_VERSION, &version) || version < RECORD_VERSION ||
	    !number_of(root, "generation", LARGEST_NUMBER, &generation) || generation < 1 ||
	    !number_of(root, "when", LAST_SECOND, &when) || !digest ||
	    sscanf(digest, "%16" SCNx64, &ret->digest) != 1)
		return -EINVAL;
	ret->generation = (uint64_t)generation;
	ret->when = (int64_t)when;
	int r = parse_author(root, &ret->author);
	return r < 0 ? r : parse_counts(root, ret);
}

static int parse_files(const cJSON *root, struct arena *arena, struct history_record *ret)
{
	const cJSON *files = cJSON_GetObjectItemCaseSensitive(root, "files"), *file;
	size_t n = cJSON_IsArray(files) ? (size_t)cJSON_GetArraySize(files) : 0, i = 0;
	struct policy_source *sources = arena_alloc(arena, n * sizeof(*sources));

	if (n == 0 || n > LIMIT_POLICY_FILES)
		return -EINVAL;
	if (!sources)
		return -ENOMEM;
	cJSON_ArrayForEach(file, files) {
		const char *name = json_text(file, "name"), *text = json_text(file, "text");
		if (!name || !text)
			return -EINVAL;
		sources[i].name = arena_strdup(arena, name);
		sources[i].bytes = arena_strdup(arena, text);
		sources[i].len = strlen(text);
		if (!sources[i].name || !sources[i].bytes)
			return -ENOMEM;
		i++;
	}
	ret->sources = sources;
	ret->n_sources = n;
	return 0;
}

int history_parse(const char *bytes, size_t len, struct arena *arena, struct history_record *ret,
		  cJSON **ret_root)
{
	cJSON *root = json_parse(bytes, len, NULL);
	struct history_record record = { 0 };
	const char *origin = json_text(root, "origin"), *path = json_text(root, "path_digest");
	const cJSON *plan = cJSON_GetObjectItemCaseSensitive(root, "plan");
	int r = root && origin ? parse_entry(root, &record.entry) : -EINVAL;

	record.has_path_digest = path != NULL;
	if (r == 0 && path && sscanf(path, "%16" SCNx64, &record.path_digest) != 1)
		r = -EINVAL;
	if (r == 0)
		r = parse_files(root, arena, &record);
	record.origin = r == 0 ? arena_strdup(arena, origin) : "";
	if (r == 0 && !record.origin)
		r = -ENOMEM;
	if (r < 0) {
		cJSON_Delete(root);
		return r;
	}
	record.plan = cJSON_IsObject(plan) ? plan : NULL;
	*ret = record;
	*ret_root = root;
	return 0;
}

/* ---- the answers ---- */

static void add_entry(struct rj *j, cJSON *object, const struct history_entry *entry)
{
	char when[UNTIL_TEXT_LEN];

	rj_number(j, object, "generation", (double)entry->generation);
	rj_text(j, object, "when", policy_until_format(entry->when, when));
	add_author(j, object, &entry->author);
	add_counts(j, object, entry);
}

static int latest_first(const void *left, const void *right)
{
	uint64_t a = ((const struct history_entry *)left)->generation;
	uint64_t b = ((const struct history_entry *)right)->generation;

	return a > b ? -1 : a < b;
}

int report_history(const struct history_list *list, cJSON **ret)
{
	struct history_entry sorted[LIMIT_HISTORY];
	size_t n = list->n < LIMIT_HISTORY ? list->n : LIMIT_HISTORY;
	struct rj j = { 0 };
	cJSON *root = rj_answer(&j), *entries;

	rj_text(&j, root, "error", *list->error ? list->error : NULL);
	entries = rj_add_array(&j, root, "policies");
	if (n) {
		memcpy(sorted, list->entries, n * sizeof(*sorted));
		qsort(sorted, n, sizeof(*sorted), latest_first);
	}
	for (size_t i = 0; i < n; i++) {
		cJSON *object = rj_push_object(&j, entries);
		add_entry(&j, object, &sorted[i]);
		rj_bool(&j, object, "in_force", sorted[i].generation == list->in_force);
	}
	return rj_finish(&j, root, ret);
}

int report_history_record(const struct history_record *record, cJSON **ret)
{
	struct rj j = { 0 };
	cJSON *root = rj_answer(&j);

	add_entry(&j, root, &record->entry);
	rj_text(&j, root, "origin", record->origin);
	(void)rj_add(&j, root, "plan",
		     record->plan ? cJSON_Duplicate(record->plan, true) : cJSON_CreateNull());
	add_files(&j, root, record);
	return rj_finish(&j, root, ret);
}
