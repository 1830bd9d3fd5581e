/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/history.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

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
static void complain(const struct history *history, size_t slot, char ret[ERROR_LEN],
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
	int r = host_state_read(history->dir, name, FILE_LIMIT, arena, &bytes);
	return r < 0 ? r : history_parse(bytes.bytes, bytes.len, arena, ret, ret_root);
}

void history_start(struct history *history, const char *dir)
{
	history->dir = dir;
	for (size_t slot = 0; slot < LIMIT_HISTORY; slot++) {
		struct arena *arena CLEANUP(arena_freep) = arena_new();
		struct history_record record = { 0 };
		cJSON *root = NULL;
		int r = arena ? read_slot(history, slot, arena, &record, &root) : -ENOMEM;
		cJSON_Delete(root);
		if (r == 0)
			history->entries[slot] = record.entry;
		else if (r == -EINVAL)
			complain(history, slot, history->damage,
				 "damaged: the policy that was in it is lost");
		else if (r != -ENOENT)
			complain(history, slot, history->damage, "cannot be read: %s",
				 strerror(-r));
		if (record.entry.generation > history->last)
			history->last = record.entry.generation;
	}
}

void history_done(struct history *history)
{
	free(history->pending.text);
	history->pending.text = NULL;
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

static void write_record(struct history *history, const struct history_entry *entry,
			 const char *text)
{
	size_t slot = choose_slot(history);
	char name[FILE_NAME_LEN];

	file_name(slot, name);
	int r = host_state_write(history->dir, name, text, strlen(text));
	if (r < 0) {
		complain(history, slot, history->failure,
			 "%s: generation %llu cannot be gone back to", strerror(-r),
			 (unsigned long long)entry->generation);
		return;
	}
	history->entries[slot] = *entry;
	history->failure[0] = '\0';
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

static cJSON *make_plan(const struct history_change *change)
{
	const struct policy *policies[] = { change->before, change->policy };
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	struct report_input in[2];
	cJSON *plan = NULL;
	bool changed;

	if (!change->before || !arena ||
	    change->before->n_rules + change->policy->n_rules > LIMIT_HISTORY_RULES)
		return NULL;
	if (report_prepare(policies, 2, change->world, change->record.entry.when, arena, in) < 0 ||
	    report_plan(&in[0], &in[1], &plan, &changed) < 0)
		return NULL; /* a record without a plan is still one to go back to */
	return plan;
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
	cJSON *plan = make_plan(change);
	record.entry.generation = history->in_force = ++history->last;
	record.plan = plan;
	if (plan)
		history_count(&record.entry, plan);
	history->pending.entry = record.entry;
	history->pending.text = history_print(&record);
	cJSON_Delete(plan);
	if (!history->pending.text)
		complain(history, choose_slot(history), history->failure,
			 "out of memory: generation %llu is not kept",
			 (unsigned long long)record.entry.generation);
	else if (!change->waits)
		history_keep(history);
}

void history_keep(struct history *history)
{
	if (history->pending.text)
		write_record(history, &history->pending.entry, history->pending.text);
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
	return *history->failure ? history->failure : history->damage;
}

size_t history_entries(const struct history *history, struct history_entry ret[LIMIT_HISTORY])
{
	size_t n = 0;

	for (size_t slot = 0; slot < LIMIT_HISTORY; slot++)
		if (history->entries[slot].generation)
			ret[n++] = history->entries[slot];
	return n;
}
