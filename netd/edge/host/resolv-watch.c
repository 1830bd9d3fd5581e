/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "edge/host/resolv-watch.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "edge/loop/loop.h"

/* Links behind one another: the kernel follows 40, real hosts have two. */
#define LONGEST_WAY 8u
/* A file that is made is empty until it is closed; a link is whole at once. */
#define CHANGES (IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE)

/* A link on the way, or the file at its end. */
struct step {
	char path[PATH_MAX];
	sd_event_source *source; /* of its folder */
};

struct resolv_watch {
	sd_event *loop;
	sd_event_source *later;
	struct resolv_watch_options options;
	struct step steps[LONGEST_WAY + 1]; /* the last: the file beside it */
	size_t n;
};

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool is_link(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
}

static bool names_a_step(const struct resolv_watch *watch, const struct inotify_event *event)
{
	for (size_t i = 0; i < watch->n; i++)
		if (strcmp(base_name(watch->steps[i].path), event->name) == 0 &&
		    (!(event->mask & IN_CREATE) || is_link(watch->steps[i].path)))
			return true;
	return false;
}

static int on_folder_changed(sd_event_source *source, const struct inotify_event *event,
			     void *userdata)
{
	struct resolv_watch *watch = userdata;

	(void)source;
	return event->len && names_a_step(watch, event) ? loop_arm(watch->later, 0) : 0;
}

/* Not in a source's own handler, for it takes that source away. */
static int on_later(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct resolv_watch *watch = userdata;

	(void)source;
	(void)usec;
	int r = resolv_watch_again(watch);
	watch->options.on_change(watch->options.userdata);
	return r;
}

/* Where a link leads to. False: it is none, or leads to nothing that has a name. */
static bool follow_links(const char *path, char ret[PATH_MAX])
{
	char target[PATH_MAX];
	ssize_t n = readlink(path, target, sizeof(target) - 1);

	if (n <= 0)
		return false;
	target[n] = '\0';
	int folder = target[0] == '/' ? 0 : (int)(base_name(path) - path);
	return (size_t)snprintf(ret, PATH_MAX, "%.*s%s", folder, path, target) < PATH_MAX;
}

static int watch_folder(struct resolv_watch *watch, struct step *step)
{
	char folder[PATH_MAX];
	int len = (int)(base_name(step->path) - step->path);

	(void)snprintf(folder, sizeof(folder), "%.*s", len, step->path);
	int r = sd_event_add_inotify(watch->loop, &step->source, len ? folder : ".", CHANGES,
				     on_folder_changed, watch);
	if (r == -ENOENT || r == -ENOTDIR || r == -EACCES)
		return 0;
	if (r >= 0)
		r = sd_event_source_set_exit_on_failure(step->source, true);
	return r < 0 ? r : 0;
}

static void forget_steps(struct resolv_watch *watch)
{
	for (size_t i = 0; i < watch->n; i++)
		(void)sd_event_source_disable_unref(watch->steps[i].source);
	watch->n = 0;
}

static int add_step(struct resolv_watch *watch, const char *path)
{
	struct step *step = &watch->steps[watch->n++];

	(void)snprintf(step->path, sizeof(step->path), "%s", path);
	step->source = NULL;
	return watch_folder(watch, step);
}

int resolv_watch_again(struct resolv_watch *watch)
{
	char path[PATH_MAX], next[PATH_MAX];
	int r;

	forget_steps(watch);
	(void)snprintf(path, sizeof(path), "%s", watch->options.path);
	do {
		r = add_step(watch, path);
		if (!follow_links(path, next))
			break;
		memcpy(path, next, sizeof(path));
	} while (r >= 0 && watch->n < LONGEST_WAY);
	return r < 0 || !watch->options.beside ? r : add_step(watch, watch->options.beside);
}

int resolv_watch_new(sd_event *loop, const struct resolv_watch_options *options,
		     struct resolv_watch **ret)
{
	CLEANUP(resolv_watch_freep) struct resolv_watch *watch = calloc(1, sizeof(*watch));

	if (!watch)
		return -ENOMEM;
	watch->loop = sd_event_ref(loop);
	watch->options = *options;
	const struct loop_timer later = { "resolv.conf", 0, on_later, watch };
	int r = loop_add_timer(loop, &later, &watch->later);
	if (r >= 0)
		r = resolv_watch_again(watch);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(watch);
	return 0;
}

struct resolv_watch *resolv_watch_free(struct resolv_watch *watch)
{
	if (!watch)
		return NULL;
	forget_steps(watch);
	(void)sd_event_source_disable_unref(watch->later);
	(void)sd_event_unref(watch->loop);
	free(watch);
	return NULL;
}

void resolv_watch_freep(struct resolv_watch **watch)
{
	*watch = resolv_watch_free(*watch);
}
