/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/statefiles.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "edge/host/host.h"
#include "edge/journal/journal.h"
#include "edge/loop/loop.h"

/* A disk that was full. */
#define RETRY_US UINT64_C(30000000)

enum statefile_state { WAITS, UNDER_WAY, FAILED };

struct statefile {
	struct statefile *next;
	char name[40];
	char *text;
	const char *otherwise;
	enum statefile_state state;
	int error;    /* of the last attempt; 0: there was none */
	bool is_void; /* a later one could not be made while this one is written */
};

static struct statefile *find_in(const struct statefiles *files, enum statefile_state state)
{
	struct statefile *file = files->first;

	while (file && file->state != state)
		file = file->next;
	return file;
}

/* The latest of that name. */
static struct statefile *find_named(struct statefile *first, const char *name)
{
	struct statefile *found = NULL;

	for (struct statefile *file = first; file; file = file->next)
		if (strcmp(file->name, name) == 0)
			found = file;
	return found;
}

static void take_out(struct statefiles *files, struct statefile *file)
{
	struct statefile **link = &files->first;

	while (*link && *link != file)
		link = &(*link)->next;
	if (*link)
		*link = file->next;
	free(file->text);
	free(file);
	if (!files->first)
		files->failure[0] = '\0';
}

/* ---- how it ended ---- */

static void say_failure(struct statefiles *files, const char *name, int error,
			const char *otherwise)
{
	(void)snprintf(files->failure, sizeof(files->failure), "%s: %s", name, strerror(-error));
	log_warning(LOG_ID_STATE_UNWRITABLE, "%s/%s: %s: %s", files->dir, name, strerror(-error),
		    otherwise);
}

/* What it held before must not be taken for what cannot be written. The loop does not wait for the
 * disk, a child does. */
static void spoil(const struct statefiles *files, const char *name, bool wait)
{
	if (files->unlike && strcmp(files->unlike, name) == 0)
		(void)!host_state_spoil(files->dir, name, wait); /* nothing else is left to do */
}

/* Written or not, it is not what holds. */
static void make_void(struct statefiles *files, struct statefile *file)
{
	const char *otherwise = file->otherwise;
	char name[sizeof(file->name)];

	memcpy(name, file->name, sizeof(name));
	take_out(files, file);
	spoil(files, name, false);
	say_failure(files, name, -ENOMEM, otherwise);
}

/* A newer one behind it makes one that failed void. @is_spoilt: its child has seen to that. */
static void settle(struct statefiles *files, struct statefile *file, int error, bool is_spoilt)
{
	if (file->is_void) {
		make_void(files, file);
		return;
	}
	if (error == 0 || find_named(file, file->name) != file) {
		take_out(files, file);
		return;
	}
	if (!is_spoilt)
		spoil(files, file->name, false);
	if (error != file->error)
		say_failure(files, file->name, error, file->otherwise);
	file->state = FAILED;
	file->error = error;
	(void)!loop_arm(files->retry, RETRY_US);
}

/* ---- beside the loop ---- */

static int write_one(const struct statefiles *files, const struct statefile *file)
{
	int r = host_state_write(files->dir, file->name, file->text, strlen(file->text));

	if (r < 0)
		spoil(files, file->name, true);
	return r;
}

static int write_beside(void *userdata, int fd)
{
	const struct statefiles *files = userdata;
	const struct statefile *file = find_in(files, UNDER_WAY);

	(void)fd;
	return file ? write_one(files, file) : 0;
}

static void go_on(struct statefiles *files);

static void try_again(struct statefiles *files)
{
	for (struct statefile *file = files->first; file; file = file->next)
		if (file->state == FAILED)
			file->state = WAITS;
}

/* Where one could be written, those may be that could not. */
static void on_written(void *userdata, const struct beside_result *result)
{
	struct statefiles *files = userdata;
	int error = result->end == BESIDE_DONE	   ? 0
		    : result->end == BESIDE_FAILED ? result->code
						   : -EINTR;

	struct statefile *file = find_in(files, UNDER_WAY);

	files->writing = NULL;
	if (file)
		settle(files, file, error, result->end == BESIDE_FAILED);
	if (error == 0)
		try_again(files);
	statefiles_go_on(files);
}

static void go_on(struct statefiles *files)
{
	/* Without a deadline: what a disk does not do by then it may still do. */
	const struct beside_work work = { .work = write_beside,
					  .keeps_rights = true, /* a folder of another user's */
					  .done = on_written,
					  .userdata = files };
	struct statefile *file;

	while (!files->writing && (file = find_in(files, WAITS))) {
		file->state = UNDER_WAY;
		int r = beside_begin(files->besides, &work, &files->writing);
		if (r < 0)
			settle(files, file, r, false);
	}
}

void statefiles_go_on(struct statefiles *files)
{
	go_on(files);
	if (statefiles_are_settled(files))
		files->settled(files->userdata);
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)source;
	(void)usec;
	try_again(userdata);
	go_on(userdata);
	return 0;
}

/* ---- what is written ---- */

static struct statefile *add(struct statefiles *files, const char *name)
{
	struct statefile *file = calloc(1, sizeof(*file)), **last = &files->first;

	if (!file)
		return NULL;
	(void)snprintf(file->name, sizeof(file->name), "%s", name);
	while (*last)
		last = &(*last)->next;
	*last = file;
	return file;
}

/* Memory is out. Where an older text must not be taken for a newer one, what waits is void, and so
 * is what is being written. */
static void give_up(struct statefiles *files, const char *name, const char *otherwise)
{
	bool counts = files->unlike && strcmp(files->unlike, name) == 0;
	struct statefile *file, *next;

	for (file = files->first; file && counts; file = next) {
		next = file->next;
		if (strcmp(file->name, name) != 0)
			continue;
		file->is_void = file->state == UNDER_WAY;
		if (!file->is_void)
			take_out(files, file);
	}
	spoil(files, name, false);
	say_failure(files, name, -ENOMEM, otherwise);
}

void statefiles_write(struct statefiles *files, const char *name, char *text, const char *otherwise)
{
	struct statefile *file = find_named(files->first, name);

	if (text && (!file || file->state == UNDER_WAY))
		file = add(files, name);
	if (!text || !file) {
		free(text);
		give_up(files, name, otherwise);
		return;
	}
	free(file->text);
	file->text = text;
	file->otherwise = otherwise;
	file->state = WAITS;
	go_on(files);
}

const char *statefiles_find(const struct statefiles *files, const char *name)
{
	const struct statefile *file = find_named(files->first, name);

	return file ? file->text : NULL;
}

bool statefiles_are_settled(const struct statefiles *files)
{
	return !find_in(files, WAITS) && !find_in(files, UNDER_WAY);
}

const char *statefiles_failure(const struct statefiles *files)
{
	return files->failure;
}

/* ---- life ---- */

int statefiles_start(struct statefiles *files)
{
	const struct loop_timer retry = { "state", SD_EVENT_PRIORITY_NORMAL, on_retry, files };

	return loop_add_timer(files->besides->loop, &retry, &files->retry);
}

static void nothing(void *userdata)
{
	(void)userdata;
}

void statefiles_done(struct statefiles *files)
{
	struct statefile *file;

	files->settled = nothing;
	while (files->writing)
		beside_wait(files->writing);
	while ((file = files->first)) {
		file->state = UNDER_WAY;
		int r = write_one(files, file);
		if (r < 0 && r != file->error)
			say_failure(files, file->name, r, file->otherwise);
		take_out(files, file);
	}
	files->retry = sd_event_source_disable_unref(files->retry);
}
