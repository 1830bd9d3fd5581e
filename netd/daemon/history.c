/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/history.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/report/report.h"
#include "edge/host/host.h"
#include "edge/journal/journal.h"

/* A policy in JSON's escapes, and the plan. */
#define FILE_LIMIT (8u * LIMIT_POLICY_BYTES + LIMIT_HISTORY_PLAN)
#define FILE_NAME_LEN 40

static void file_name(size_t slot, char ret[FILE_NAME_LEN])
{
	(void)snprintf(ret, FILE_NAME_LEN, "history-%02zu.json", slot);
}

#define ERROR_LEN sizeof(((struct history *)NULL)->failure)

PRINTF_LIKE(4, 5)
static void report_damage(const struct history *history, size_t slot, char ret[ERROR_LEN],
			  const char *format, ...)
{
	char name[FILE_NAME_LEN], text[160];
	va_list args;

	file_name(slot, name);
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	(void)snprintf(ret, ERROR_LEN, "%s: %s", name, text);
	log_warning(LOG_ID_STATE_UNWRITABLE, "%s/%s: %s", history->dir, name, text);
}

/* ---- files ---- */

static int read_slot(const struct history *history, size_t slot, struct arena *arena,
		     struct history_record *ret, cJSON **ret_root)
{
	struct host_bytes bytes;
	char name[FILE_NAME_LEN];

	file_name(slot, name);
	const char *waits = statefiles_find(history->files, name);
	if (waits)
		return history_parse(waits, strlen(waits), arena, ret, ret_root);
	int r = host_state_read(history->dir, name, FILE_LIMIT, arena, &bytes);
	if (r == -EBADMSG || r == -ENODATA)
		return -EINVAL;
	return r < 0 ? r : history_parse(bytes.bytes, bytes.len, arena, ret, ret_root);
}

void history_start(struct history *history, struct statefiles *files)
{
	history->files = files;
	history->dir = files->dir;
	for (size_t slot = 0; slot < LIMIT_HISTORY; slot++) {
		struct arena *arena CLEANUP(arena_freep) = arena_new();
		struct history_record record = { 0 };
		cJSON *root = NULL;
		int r = arena ? read_slot(history, slot, arena, &record, &root) : -ENOMEM;
		cJSON_Delete(root);
		if (r == 0)
			history->entries[slot] = record.entry;
		else if (r == -EINVAL)
			report_damage(history, slot, history->damage,
				      "damaged: the policy that was in it is lost");
		else if (r != -ENOENT)
			report_damage(history, slot, history->damage, "cannot be read: %s",
				      strerror(-r));
		if (record.entry.generation > history->last)
			history->last = record.entry.generation;
	}
}

void history_done(struct history *history)
{
	beside_end(history->planning);
	history->planning = NULL;
	history_drop(history);
}

/* A free one, or that of the oldest. */
static size_t choose_slot(const struct history *history)
{
	size_t oldest = 0;

	for (size_t slot = 1; slot < LIMIT_HISTORY; slot++)
		if (history->entries[slot].generation < history->entries[oldest].generation)
			oldest = slot;
	return oldest;
}

static void write_record(struct history *history, size_t slot, const struct history_entry *entry,
			 char *text)
{
	char name[FILE_NAME_LEN];

	file_name(slot, name);
	history->entries[slot] = *entry;
	statefiles_write(history->files, name, text,
			 "a restart will not know this policy to go back to");
}

/* ---- what came into force ---- */

static const struct history_entry *latest(const struct history *history)
{
	const struct history_entry *latest = &history->entries[0];

	for (size_t slot = 1; slot < LIMIT_HISTORY; slot++)
		if (history->entries[slot].generation > latest->generation)
			latest = &history->entries[slot];
	return latest;
}

uint64_t history_latest(const struct history *history)
{
	return latest(history)->generation;
}

bool history_latest_is(const struct history *history, uint64_t digest)
{
	return latest(history)->generation && latest(history)->digest == digest;
}

bool history_is_bare(const struct history *history)
{
	return !history_latest(history) && !history->damage[0];
}

static cJSON *make_history_plan(const struct history_change *change)
{
	const struct policy *policies[] = { change->before, change->policy };
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	struct report_input in[2];
	cJSON *plan = NULL;
	bool changed;

	if (!arena ||
	    report_prepare(policies, 2, change->world, change->record.entry.when, arena, in) < 0 ||
	    report_plan(&in[0], &in[1], &plan, &changed) < 0)
		return NULL; /* a record without a plan is still one to go back to */
	return plan;
}

/* Beside the loop: the record with its plan, behind its entry. */
static int plan_beside(void *userdata, int fd)
{
	const struct history *history = userdata;
	struct history_record record = history->change->record;
	cJSON *plan = make_history_plan(history->change);

	record.plan = plan;
	if (!plan)
		return -ENOMEM;
	history_count(&record.entry, plan);
	char *text CLEANUP(free_ptr) = history_print(&record);
	cJSON_Delete(plan);
	if (!text)
		return -ENOMEM;
	size_t len = strlen(text) + 1;
	bool written = write(fd, &record.entry, sizeof(record.entry)) == sizeof(record.entry) &&
		       write(fd, text, len) == (ssize_t)len;
	return written ? 0 : -EIO;
}

/* The text; NULL: nothing of use is there. */
static char *read_planned(const struct beside_result *result, struct history_entry *ret)
{
	if (result->end != BESIDE_DONE || result->size <= sizeof(*ret))
		return NULL;
	size_t len = result->size - sizeof(*ret);
	char *text = malloc(len);
	bool whole = text && pread(result->fd, ret, sizeof(*ret), 0) == sizeof(*ret) &&
		     pread(result->fd, text, len, sizeof(*ret)) == (ssize_t)len &&
		     text[len - 1] == '\0';
	if (whole)
		return text;
	free(text);
	return NULL;
}

static void on_planned(void *userdata, const struct beside_result *result)
{
	struct history *history = userdata;
	struct history_entry entry = { 0 };
	char *text = read_planned(result, &entry);

	history->planning = NULL;
	if (text && history->pending.text &&
	    history->pending.entry.generation == entry.generation) {
		free(history->pending.text);
		history->pending.text = TAKE_PTR(text);
		history->pending.entry = entry;
	}
	for (size_t slot = 0; text && slot < LIMIT_HISTORY; slot++)
		if (history->entries[slot].generation == entry.generation)
			write_record(history, slot, &entry, TAKE_PTR(text));
	free(text);
	statefiles_go_on(history->files);
}

/* One at a time: of a policy that the next one follows at once, nobody will ask for the plan. */
static void begin_plan(struct history *history, const struct history_change *change)
{
	const struct beside_work work = { .work = plan_beside,
					  .done = on_planned,
					  .userdata = history,
					  .deadline_us = LIMIT_ANSWER_SECONDS * UINT64_C(1000000),
					  .memory = LIMIT_ANSWER_BYTES };

	beside_end(history->planning);
	history->planning = NULL;
	if (!change->before)
		return;
	history->change = change;
	if (beside_begin(history->files->besides, &work, &history->planning) < 0)
		history->planning = NULL;
	history->change = NULL;
}

void history_note(struct history *history, const struct history_change *change)
{
	struct history_record record = change->record;

	history_drop(history);
	if (record.entry.author.by == HISTORY_BY_NOBODY) {
		history->in_force = 0;
		return;
	}
	if (latest(history)->generation && latest(history)->digest == record.entry.digest) {
		history->in_force = latest(history)->generation;
		return;
	}
	record.entry.generation = history->in_force = ++history->last;
	history->pending.entry = record.entry;
	history->pending.text = history_print(&record);
	if (!history->pending.text) {
		report_damage(history, choose_slot(history), history->failure,
			      "out of memory: generation %llu is not kept",
			      (unsigned long long)record.entry.generation);
		return;
	}
	struct history_change numbered = *change;
	numbered.record = record;
	begin_plan(history, &numbered);
	if (!change->waits)
		history_keep(history);
}

void history_keep(struct history *history)
{
	if (history->pending.text) {
		history->failure[0] = '\0';
		write_record(history, choose_slot(history), &history->pending.entry,
			     TAKE_PTR(history->pending.text));
	}
	history_drop(history);
}

void history_drop(struct history *history)
{
	free(history->pending.text);
	history->pending.text = NULL;
}

/* ---- what is kept ---- */

uint64_t history_previous(const struct history *history)
{
	uint64_t found = 0;

	for (size_t slot = 0; slot < LIMIT_HISTORY; slot++) {
		uint64_t generation = history->entries[slot].generation;
		bool before = !history->in_force || generation < history->in_force;
		if (before && generation > found)
			found = generation;
	}
	return found;
}

int history_read(const struct history *history, uint64_t generation, struct arena *arena,
		 struct history_record *ret, cJSON **ret_root)
{
	for (size_t slot = 0; slot < LIMIT_HISTORY && generation; slot++)
		if (history->entries[slot].generation == generation) {
			int r = read_slot(history, slot, arena, ret, ret_root);
			if (r == 0 && ret->entry.generation != generation) {
				cJSON_Delete(*ret_root);
				r = -EINVAL; /* somebody else wrote the file */
			}
			return r == -ENOENT ? -EIO : r;
		}
	return -ENOENT;
}

const char *history_error(const struct history *history)
{
	if (*history->failure)
		return history->failure;
	const char *unwritten = history->files ? statefiles_failure(history->files) : "";
	return *unwritten ? unwritten : history->damage;
}

size_t history_entries(const struct history *history, struct history_entry ret[LIMIT_HISTORY])
{
	size_t n = 0;

	for (size_t slot = 0; slot < LIMIT_HISTORY; slot++)
		if (history->entries[slot].generation)
			ret[n++] = history->entries[slot];
	return n;
}
