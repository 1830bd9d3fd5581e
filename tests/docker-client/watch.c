/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Follows a Docker engine with netd's own client and prints what it sees, with the time since the
 * event on Docker's clock: "EVENT kind +0.4ms", "CHANGE why +1.3ms n_networks n_containers
 * n_endpoints". Usage: watch URL [SECONDS] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/world/world-store.h"
#include "edge/docker/docker.h"
#include "edge/loop/loop.h"

struct watch {
	sd_event *loop;
	struct world_store *store;
	struct docker *docker;
	uint64_t event_ns;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static double since_event_ms(const struct watch *watch)
{
	return watch->event_ns ? ((double)now_ns() - (double)watch->event_ns) / 1e6 : 0;
}

static void print_world(const struct watch *watch, const char *what, const char *why)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct world *world;
	size_t unknown = 0, published = 0;

	if (!arena || world_store_snapshot(watch->store, arena, &world) < 0)
		return;
	for (size_t i = 0; i < world->n_containers; i++) {
		unknown += !world->containers[i].known;
		published += world->containers[i].n_published;
	}
	printf("%s %s +%.2fms networks=%zu containers=%zu unknown=%zu endpoints=%zu "
	       "published=%zu\n",
	       what, why, since_event_ms(watch), world->n_networks, world->n_containers, unknown,
	       world->n_endpoints, published);
}

static void on_event(void *userdata, const struct world_event *event)
{
	static const char *const names[] = {
		[WORLD_EVENT_OTHER] = "other",
		[WORLD_EVENT_NETWORK_CONNECT] = "connect",
		[WORLD_EVENT_NETWORK_DISCONNECT] = "disconnect",
		[WORLD_EVENT_NETWORK_CREATE] = "network-create",
		[WORLD_EVENT_NETWORK_DESTROY] = "network-destroy",
		[WORLD_EVENT_CONTAINER_CREATE] = "create",
		[WORLD_EVENT_CONTAINER_START] = "start",
		[WORLD_EVENT_CONTAINER_DIE] = "die",
		[WORLD_EVENT_CONTAINER_DESTROY] = "destroy",
		[WORLD_EVENT_CONTAINER_RENAME] = "rename",
		[WORLD_EVENT_DAEMON_RELOAD] = "reload",
	};
	struct watch *watch = userdata;

	watch->event_ns = now_ns();
	printf("EVENT %s +%.2fms %.12s %.12s\n", names[event->kind], since_event_ms(watch),
	       event->network_id, event->container_id);
}

static void on_change(void *userdata, const char *why)
{
	print_world(userdata, "CHANGE", why);
}

static void on_synced(void *userdata)
{
	struct watch *watch = userdata;
	struct docker_status status = docker_status(watch->docker);

	watch->event_ns = 0;
	printf("SYNCED api=%s engine=%s t=%.3f\n", status.api_version, status.engine_version,
	       (double)now_ns() / 1e9);
	print_world(watch, "WORLD", "synced");
}

static void on_down(void *userdata, const char *reason)
{
	(void)userdata;
	printf("DOWN %s t=%.3f\n", reason, (double)now_ns() / 1e9);
}

static int on_end(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct watch *watch = userdata;

	(void)source;
	(void)usec;
	return sd_event_exit(watch->loop, 0);
}

int main(int argc, char **argv)
{
	struct watch watch = { 0 };
	const struct docker_options options = { .url = argc > 1 ? argv[1] : "" };
	const struct docker_handler handler = { on_synced, on_change, on_event, on_down, &watch };
	const struct loop_timer timer = { "end", 0, on_end, &watch };
	uint64_t seconds = argc > 2 ? strtoull(argv[2], NULL, 10) : 3600;
	sd_event_source *end = NULL;

	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	watch.store = world_store_new();
	if (!watch.store || sd_event_new(&watch.loop) < 0 ||
	    loop_add_timer(watch.loop, &timer, &end) < 0 || loop_arm(end, seconds * 1000000u) < 0)
		return 1;
	int r = docker_new(watch.loop, &options, &handler, watch.store, &watch.docker);
	if (r == 0)
		r = sd_event_loop(watch.loop);
	(void)docker_free(watch.docker);
	(void)world_store_free(watch.store);
	(void)sd_event_source_disable_unref(end);
	(void)sd_event_unref(watch.loop);
	return r == 0 ? 0 : 1;
}
