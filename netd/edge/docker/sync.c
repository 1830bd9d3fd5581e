/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One full reading: both lists at once, then each bridge network. After a cut it is gathered in a
 * store of its own, so no compiled policy ever sees a mixture of what was before the cut and after
 * it. While the link is up it goes into the store in use, event by event beside what events bring:
 * Docker drops events without a word for a reader that is slow, so what they say is looked at again
 * from time to time. */
#include <errno.h>
#include <stdlib.h>

#include "core/world/world-store.h"
#include "edge/docker/link.h"
#include "edge/loop/loop.h"

/* A reading of 1,000 containers on 5 networks costs netd and netd-reader 15 ms of a processor.
 * Events that are lost are rare, and what follows from them is closed; so once a minute, and never
 * more than half a percent of the time, but for 10 minutes at the latest. */
#define EACH_US UINT64_C(60000000)
#define EACH_SHARE 200
#define EACH_LATEST_US UINT64_C(600000000)
/* Between readings that something asked for. */
#define PAUSE_US UINT64_C(500000)
#define PAUSE_SHARE 10

static uint64_t now_us(const struct docker *docker)
{
	return loop_turn_us(sd_event_source_get_event(docker->again));
}

static void ask_lists(struct docker *docker, struct world_store *into)
{
	docker->reading = into;
	docker->n_unread = 2;
	docker->is_wanted_again = false;
	docker->began_us = now_us(docker);
	world_store_reading_begins(docker->store);
	docker_request_for_sync(docker, QUESTION_NETWORKS, "");
	if (docker->reading) /* else out of memory: the link is down */
		docker_request_for_sync(docker, QUESTION_CONTAINERS, "");
}

void sync_stop(struct docker *docker)
{
	docker->fresh = world_store_free(docker->fresh);
	docker->reading = NULL;
	docker->has_lists = docker->has_inspected = docker->is_wanted_again = false;
	docker->n_unread = 0;
	free(docker->missed);
	docker->missed = NULL;
	docker->n_missed = docker->cap_missed = 0;
	if (docker->again)
		(void)!loop_disarm(docker->again);
}

int sync_start(struct docker *docker)
{
	docker->fresh = world_store_new();
	if (!docker->fresh)
		return -ENOMEM;
	docker->link = DOCKER_LINK_SYNCING;
	ask_lists(docker, docker->fresh);
	return 0;
}

void sync_again(struct docker *docker, const char *why)
{
	uint64_t pause = docker->took_us * PAUSE_SHARE, now = now_us(docker);
	uint64_t free_at =
		docker->began_us + docker->took_us + (pause < PAUSE_US ? PAUSE_US : pause);

	docker->why = why;
	docker->is_wanted_again = docker->reading;
	if (!docker->reading && docker->link == DOCKER_LINK_UP)
		(void)!loop_arm(docker->again, free_at > now ? free_at - now : 0);
}

static int on_again(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct docker *docker = userdata;

	(void)source;
	(void)usec;
	if (docker->link != DOCKER_LINK_UP || docker->reading)
		return 0;
	if (docker->wants_images)
		world_store_ask_images_again(docker->store);
	ask_lists(docker, docker->store);
	return 0;
}

int sync_init(struct docker *docker, sd_event *loop)
{
	const struct loop_timer timer = { "docker-again", SD_EVENT_PRIORITY_NORMAL, on_again,
					  docker };

	return loop_add_timer(loop, &timer, &docker->again);
}

static void say_changed(struct docker *docker)
{
	if (docker->reading == docker->store && docker->handler.on_change)
		docker->handler.on_change(docker->handler.userdata, docker->why);
}

static void ask_for_networks(struct docker *docker)
{
	const char *id;

	docker->has_lists = true;
	for (size_t cursor = 0; (id = world_store_peopled_network(docker->reading, &cursor));) {
		docker->n_unread++;
		docker_request_for_sync(docker, QUESTION_NETWORK, id);
		if (!docker->reading) /* out of memory: the link is down */
			return;
	}
	/* Else labels would be nobody's for a moment, and flows that are allowed stand still. */
	size_t n_images =
		docker->reading ? docker_request_images(docker, docker->reading, true) : 0;
	if (!docker->reading)
		return;
	docker->n_unread += n_images;
	say_changed(docker);
}

/* Where rules hang on them: else who runs would be cut off for a moment. Who is just starting does
 * not answer, and is not waited for. */
static void ask_for_postures(struct docker *docker)
{
	const char *id;

	docker->has_inspected = true;
	for (size_t cursor = 0; docker->wants_posture && docker->reading == docker->fresh &&
				docker->reading &&
				(id = world_store_running_container(docker->reading, &cursor));) {
		docker->n_unread++;
		docker_request_for_sync(docker, QUESTION_INSPECT, id);
	}
}

static void arm_next(struct docker *docker)
{
	uint64_t wait = docker->took_us * EACH_SHARE;

	wait = wait < EACH_US ? EACH_US : wait;
	if (docker->is_wanted_again) {
		sync_again(docker, docker->why);
		return;
	}
	docker->why = "it is time";
	(void)!loop_arm(docker->again, wait < EACH_LATEST_US ? wait : EACH_LATEST_US);
}

static void finish(struct docker *docker)
{
	docker->took_us = now_us(docker) - docker->began_us;
	docker->has_lists = docker->has_inspected = false;
	docker->n_syncs++;
	if (docker->fresh) {
		world_store_replace(docker->store, docker->fresh);
		world_store_reading_ended(docker->store);
		docker->fresh = world_store_free(docker->fresh);
		docker->reading = NULL;
	} else {
		world_store_reading_ended(docker->store);
		say_changed(docker);
		docker->reading = NULL;
	}
	docker->up->read(docker);
	if (docker->link == DOCKER_LINK_UP)
		arm_next(docker);
}

void sync_progress(struct docker *docker)
{
	docker->n_unread--;
	if (docker->n_unread == 0 && !docker->has_lists)
		ask_for_networks(docker);
	else if (docker->n_unread == 0 && !docker->has_inspected)
		ask_for_postures(docker);
	if (docker->n_unread == 0 && docker->reading)
		finish(docker);
}
