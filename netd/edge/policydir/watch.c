/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "edge/policydir/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>

#include "edge/loop/loop.h"

#define SETTLE_US UINT64_C(100000)
/* A directory that never settles is reported all the same. */
#define SETTLE_MAX_US UINT64_C(1000000)
#define RETRY_US UINT64_C(1000000)
/* No folder on the way tells of a file system that is mounted there. */
#define MOUNTED_US UINT64_C(10000000)

#define GONE (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_IGNORED)
#define CHANGES (IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_CREATE | IN_ATTRIB)
#define COMES (IN_CREATE | IN_MOVED_TO)

struct policydir_watch {
	sd_event *event;
	sd_event_source *inotify; /* NULL: nothing can be watched now, `retry` looks again */
	sd_event_source *settle, *retry;
	char *path;
	char *dir; /* that is watched: the path, the folder of the file there, or what there is of
		    * the way to it */
	/* The one name in it that counts: of the file, or of the next step of the way; NULL: all
	 * of them. Inside path. */
	const char *base;
	size_t base_len;
	bool is_missing;
	uint64_t first_us; /* of the changes not yet reported; 0: none */
	policydir_change_fn *on_change;
	void *userdata;
};

static int note_change(struct policydir_watch *watch)
{
	uint64_t now = loop_turn_us(watch->event);

	if (watch->first_us == 0)
		watch->first_us = now;
	/* Past that, what is armed already fires. */
	return now - watch->first_us < SETTLE_MAX_US ? loop_arm(watch->settle, SETTLE_US) : 0;
}

/* A file that was only just created is empty: its closing is the change. A link is whole at once.
 */
static bool is_half_made(const struct policydir_watch *watch, const struct inotify_event *event)
{
	char path[4096];
	struct stat st;

	if ((event->mask & CHANGES) != IN_CREATE || event->len == 0)
		return false;
	if (strlen(watch->dir) + strlen(event->name) + 2 > sizeof(path))
		return false;
	(void)stpcpy(stpcpy(stpcpy(path, watch->dir), "/"), event->name);
	return lstat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 1;
}

static bool is_other(const struct policydir_watch *watch, const struct inotify_event *event)
{
	return watch->base && event->len &&
	       (strlen(event->name) != watch->base_len ||
		memcmp(event->name, watch->base, watch->base_len) != 0);
}

static int look_again(struct policydir_watch *watch);

static int on_inotify(sd_event_source *source, const struct inotify_event *event, void *userdata)
{
	struct policydir_watch *watch = userdata;
	bool was_missing = watch->is_missing;

	(void)source;
	if (was_missing || event->mask & GONE) {
		if (is_other(watch, event))
			return 0;
		int r = look_again(watch);
		return r < 0 || (was_missing && watch->is_missing) ? r : note_change(watch);
	}
	return is_other(watch, event) || is_half_made(watch, event) ? 0 : note_change(watch);
}

static void cut_last_step(char *dir)
{
	char *slash = strrchr(dir, '/');

	if (slash)
		slash[slash == dir] = '\0';
	else
		(void)strcpy(dir, ".");
}

/* What there is of the way to the path. 0; -errno: it cannot be told, or a link leads nowhere, and
 * when that changes no folder on the way tells. */
static int find_place(struct policydir_watch *watch)
{
	CLEANUP(free_ptr) char *dir = strdup(watch->path);
	struct stat st;
	bool is_missing = false, is_there;

	if (!dir)
		return -ENOMEM;
	while (!(is_there = stat(dir, &st) == 0) || !S_ISDIR(st.st_mode)) {
		bool is_path = strcmp(dir, watch->path) == 0;
		int error = errno;
		if (!is_there && ((error != ENOENT && error != ENOTDIR) || lstat(dir, &st) == 0))
			return -error;
		is_missing |= !is_there || !is_path;
		if (strcmp(dir, ".") == 0 || strcmp(dir, "/") == 0)
			return -ENOENT;
		cut_last_step(dir);
	}
	free(watch->dir);
	watch->is_missing = is_missing;
	watch->base = watch->path + (strcmp(dir, ".") == 0 ? 0 : strlen(dir));
	watch->base += strspn(watch->base, "/");
	watch->base_len = strcspn(watch->base, "/");
	if (strcmp(dir, watch->path) == 0)
		watch->base = NULL;
	watch->dir = TAKE_PTR(dir);
	return 0;
}

static int watch_found(struct policydir_watch *watch)
{
	watch->inotify = sd_event_source_disable_unref(watch->inotify);
	int r = sd_event_add_inotify(watch->event, &watch->inotify, watch->dir,
				     (watch->is_missing ? COMES : CHANGES) | GONE | IN_ONLYDIR,
				     on_inotify, watch);

	/* loop.h has no inotify: what it does to each source is done here. */
	return r < 0 ? r : sd_event_source_set_exit_on_failure(watch->inotify, true);
}

/* The path may have become another kind of thing since the last time; and while something is
 * missing, it may come before the place is watched where it will. */
static int watch_place(struct policydir_watch *watch)
{
	bool is_found = false;
	int r = find_place(watch);

	while (r == 0 && !is_found) {
		CLEANUP(free_ptr) char *dir = strdup(watch->dir);
		bool was_missing = watch->is_missing;
		r = dir ? watch_found(watch) : -ENOMEM;
		if (r >= 0)
			r = was_missing ? find_place(watch) : 0;
		is_found =
			r == 0 && watch->is_missing == was_missing && strcmp(dir, watch->dir) == 0;
	}
	return r;
}

/* Whatever is in the way may pass, so it is tried again by the clock. 0 or -errno, of the timer. */
static int look_later(struct policydir_watch *watch)
{
	watch->inotify = sd_event_source_disable_unref(watch->inotify);
	watch->is_missing = true;
	return loop_arm(watch->retry, RETRY_US);
}

static int look_again(struct policydir_watch *watch)
{
	if (watch_place(watch) < 0)
		return look_later(watch);
	return watch->is_missing ? loop_arm(watch->retry, MOUNTED_US) : loop_disarm(watch->retry);
}

static int on_settle(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct policydir_watch *watch = userdata;

	(void)source;
	(void)usec;
	watch->first_us = 0;
	watch->on_change(watch->userdata);
	return 0;
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct policydir_watch *watch = userdata;
	int r = look_again(watch);

	(void)source;
	(void)usec;
	return r < 0 || watch->is_missing ? r : note_change(watch);
}

static int add_watch_timers(struct policydir_watch *watch)
{
	const struct loop_timer settle = { "policy-settle", 0, on_settle, watch };
	const struct loop_timer retry = { "policy-retry", 0, on_retry, watch };
	int r = loop_add_timer(watch->event, &settle, &watch->settle);

	return r < 0 ? r : loop_add_timer(watch->event, &retry, &watch->retry);
}

/* Without "./" before it, and without slashes at its end. */
static char *copy_path(const char *path)
{
	while (path[0] == '.' && path[1] == '/')
		path += 1 + strspn(path + 1, "/");
	size_t len = strlen(path);

	while (len > 1 && path[len - 1] == '/')
		len--;
	return len ? strndup(path, len) : strdup(".");
}

int policydir_watch_new(sd_event *event, const char *path, policydir_change_fn *on_change,
			void *userdata, struct policydir_watch **ret)
{
	CLEANUP(policydir_watch_freep) struct policydir_watch *watch = calloc(1, sizeof(*watch));

	if (!watch)
		return -ENOMEM;
	watch->event = sd_event_ref(event);
	watch->on_change = on_change;
	watch->userdata = userdata;
	watch->path = copy_path(path);
	if (!watch->path)
		return -ENOMEM;
	int r = add_watch_timers(watch);
	if (r < 0)
		return r;
	r = watch_place(watch);
	if (r < 0 && r != -ENOENT && r != -ENOTDIR && r != -EACCES && r != -ELOOP)
		return r;
	if (r < 0)
		r = look_later(watch);
	else if (watch->is_missing)
		r = loop_arm(watch->retry, MOUNTED_US);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(watch);
	return 0;
}

struct policydir_watch *policydir_watch_free(struct policydir_watch *watch)
{
	if (!watch)
		return NULL;
	sd_event_source_disable_unref(watch->inotify);
	sd_event_source_disable_unref(watch->settle);
	sd_event_source_disable_unref(watch->retry);
	sd_event_unref(watch->event);
	free(watch->dir);
	free(watch->path);
	free(watch);
	return NULL;
}

void policydir_watch_freep(struct policydir_watch **watch)
{
	*watch = policydir_watch_free(*watch);
}
