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

#define GONE (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_IGNORED)
#define CHANGES (IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_CREATE | IN_ATTRIB)

struct policydir_watch {
	sd_event *event;
	sd_event_source *inotify; /* NULL while the path is missing */
	sd_event_source *settle, *retry;
	char *path, *dir;
	const char *base;  /* the one file that counts, or NULL: all of them; inside path */
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

static int on_inotify(sd_event_source *source, const struct inotify_event *event, void *userdata)
{
	struct policydir_watch *watch = userdata;
	bool other = watch->base && event->len && strcmp(event->name, watch->base) != 0;

	(void)source;
	if (event->mask & GONE) {
		watch->inotify = sd_event_source_disable_unref(watch->inotify);
		int r = loop_arm(watch->retry, RETRY_US);
		return r < 0 ? r : note_change(watch);
	}
	return other || is_half_made(watch, event) ? 0 : note_change(watch);
}

/* The folder to watch, and the file in it or NULL. The path may have become another kind of thing
 * since the last time. */
static int find_place(struct policydir_watch *watch)
{
	struct stat st;

	if (stat(watch->path, &st) < 0)
		return -errno;
	const char *slash = strrchr(watch->path, '/');
	size_t dir_len = slash ? (size_t)(slash - watch->path) : 0;
	char *dir;

	if (S_ISDIR(st.st_mode))
		dir = strdup(watch->path);
	else if (!slash)
		dir = strdup(".");
	else
		dir = dir_len ? strndup(watch->path, dir_len) : strdup("/");
	if (!dir)
		return -ENOMEM;
	free(watch->dir);
	watch->dir = dir;
	watch->base = S_ISDIR(st.st_mode) ? NULL : slash ? slash + 1 : watch->path;
	return 0;
}

static int watch_place(struct policydir_watch *watch)
{
	int r = find_place(watch);

	if (r < 0)
		return r;
	watch->inotify = sd_event_source_disable_unref(watch->inotify);
	r = sd_event_add_inotify(watch->event, &watch->inotify, watch->dir,
				 CHANGES | GONE | IN_ONLYDIR, on_inotify, watch);
	/* loop.h has no inotify: what it does to each source is done here. */
	return r < 0 ? r : sd_event_source_set_exit_on_failure(watch->inotify, true);
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

	(void)usec;
	return watch_place(watch) < 0 ? loop_arm(source, RETRY_US) : note_change(watch);
}

static int add_watch_timers(struct policydir_watch *watch)
{
	const struct loop_timer settle = { "policy-settle", 0, on_settle, watch };
	const struct loop_timer retry = { "policy-retry", 0, on_retry, watch };
	int r = loop_add_timer(watch->event, &settle, &watch->settle);

	return r < 0 ? r : loop_add_timer(watch->event, &retry, &watch->retry);
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
	watch->path = strdup(path);
	if (!watch->path)
		return -ENOMEM;
	int r = add_watch_timers(watch);
	if (r < 0)
		return r;
	r = watch_place(watch);
	if (r < 0 && r != -ENOENT && r != -ENOTDIR && r != -EACCES)
		return r;
	r = r < 0 ? loop_arm(watch->retry, RETRY_US) : 0;
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
