/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One reading for a tool, on a loop that lives as long as the call. */
#include <errno.h>
#include <stdlib.h>

#include "core/base/limits.h"
#include "core/world/world-store.h"
#include "edge/docker/docker.h"
#include "edge/loop/loop.h"

struct fetch {
	sd_event *loop;
	sd_event_source *timer, *idle;
	struct world_store *store;
	struct docker *docker;
	struct arena *arena;
	const char *error; /* NULL: it went well, or no memory */
	bool is_read;
};

static void fetch_done(struct fetch *fetch)
{
	(void)docker_free(fetch->docker);
	(void)world_store_free(fetch->store);
	(void)sd_event_source_disable_unref(fetch->timer);
	(void)sd_event_source_disable_unref(fetch->idle);
	(void)sd_event_unref(fetch->loop);
}

static void on_synced(void *userdata)
{
	struct fetch *fetch = userdata;

	fetch->is_read = true;
}

/* What inspecting tells comes after the lists. */
static int on_fetch_idle(sd_event_source *source, void *userdata)
{
	struct fetch *fetch = userdata;

	(void)source;
	if (fetch->is_read && !docker_is_asking(fetch->docker))
		(void)sd_event_exit(fetch->loop, 0);
	return 0;
}

static void on_down(void *userdata, const char *reason)
{
	struct fetch *fetch = userdata;

	fetch->error = arena_strdup(fetch->arena, reason);
	(void)sd_event_exit(fetch->loop, 0);
}

static int on_timeout(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct fetch *fetch = userdata;

	(void)source;
	(void)usec;
	if (fetch->is_read) /* Docker does not answer about a container that it starts */
		(void)sd_event_exit(fetch->loop, 0);
	else
		on_down(fetch, "no answer in time");
	return 0;
}

static int set_up(struct fetch *fetch, const struct docker_options *options, uint32_t timeout_ms)
{
	const struct docker_handler handler = { .on_synced = on_synced,
						.on_down = on_down,
						.userdata = fetch };
	struct docker_options all = *options;
	const struct loop_timer timer = { "fetch", SD_EVENT_PRIORITY_NORMAL, on_timeout, fetch };

	fetch->store = world_store_new();
	if (!fetch->store)
		return -ENOMEM;
	int r = sd_event_new(&fetch->loop);
	if (r < 0)
		return r;
	r = loop_add_timer(fetch->loop, &timer, &fetch->timer);
	if (r == 0)
		r = loop_arm(fetch->timer, (uint64_t)timeout_ms * 1000u);
	if (r == 0)
		r = sd_event_add_post(fetch->loop, &fetch->idle, on_fetch_idle, fetch);
	all.inspects_all = true;
	all.label_bytes = LIMIT_LABELS_INVENTORY;
	if (r >= 0)
		r = docker_new(fetch->loop, &all, &handler, fetch->store, &fetch->docker);
	return r;
}

int docker_fetch_world(const struct docker_options *options, uint32_t timeout_ms,
		       struct arena *arena, const struct world **ret, const char **error)
{
	CLEANUP(fetch_done) struct fetch fetch = { .arena = arena };
	int r = set_up(&fetch, options, timeout_ms);

	if (r == DOCKER_E_URL)
		*error = "not a URL of Docker: unix:///PATH, tcp://HOST:PORT";
	if (r)
		return r;
	r = sd_event_loop(fetch.loop);
	if (r < 0)
		return r;
	if (fetch.is_read)
		return world_store_snapshot(fetch.store, arena, ret);
	*error = fetch.error;
	if (!fetch.error)
		return -ENOMEM;
	return docker_status(fetch.docker).is_foreign ? DOCKER_E_FOREIGN : DOCKER_E_UNREACHABLE;
}
