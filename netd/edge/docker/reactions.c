/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What follows from an event. Events carry no address and no MAC, so most of it is questions:
 * GET /networks/{id} and the list of that one container answer within 1-3 ms even while it starts.
 * Inspect does not answer before the container runs, so nothing waits for it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/world/world-store.h"
#include "edge/docker/link.h"

/* More events than this during one reading: better read again. */
#define MOST_MISSED 65536u

enum {
	ASK_NETWORK = 1,
	ASK_CONTAINER = 2,
	ASK_PORTS = 4,
	DROP_NETWORK = 8, /* answers under way about it are out of date */
	DROP_CONTAINER = 16,
	ASK_NETWORKS = 32,
};

static void disconnect(struct world_store *store, const struct world_event *event)
{
	world_store_disconnect(store, event->network_id, event->container_id);
}

static void remove_network(struct world_store *store, const struct world_event *event)
{
	world_store_remove_network(store, event->network_id);
}

static void remove_container(struct world_store *store, const struct world_event *event)
{
	world_store_remove_container(store, event->container_id);
}

/* apply: what is known from the event alone; only ever takes facts away. */
static const struct reaction {
	unsigned int what;
	void (*apply)(struct world_store *store, const struct world_event *event);
	const char *why;
} reactions[] = {
	[WORLD_EVENT_OTHER] = { 0, NULL, NULL },
	[WORLD_EVENT_NETWORK_CONNECT] = { ASK_NETWORK | ASK_CONTAINER, NULL, NULL },
	[WORLD_EVENT_NETWORK_DISCONNECT] = { ASK_NETWORK | DROP_NETWORK, disconnect,
					     "network disconnect" },
	[WORLD_EVENT_NETWORK_CREATE] = { ASK_NETWORK, NULL, NULL },
	[WORLD_EVENT_NETWORK_DESTROY] = { DROP_NETWORK, remove_network, "network destroy" },
	[WORLD_EVENT_CONTAINER_CREATE] = { ASK_CONTAINER | ASK_PORTS, NULL, NULL },
	[WORLD_EVENT_CONTAINER_START] = { ASK_CONTAINER, NULL, NULL },
	[WORLD_EVENT_CONTAINER_DIE] = { ASK_CONTAINER, NULL, NULL },
	[WORLD_EVENT_CONTAINER_DESTROY] = { DROP_CONTAINER, remove_container, "container destroy" },
	[WORLD_EVENT_CONTAINER_RENAME] = { ASK_CONTAINER, NULL, NULL },
	[WORLD_EVENT_CONTAINER_UPDATE] = { ASK_PORTS, NULL, NULL },
	[WORLD_EVENT_DAEMON_RELOAD] = { 0, NULL, NULL }, /* changes nothing that we read */
};

/* podman tells of a connection by the container alone, and of none at a start; what it tells comes
 * up to 0.4 s late. So who is on a network is asked for when a port of its bridge comes
 * (core/plan/doubt.h). Of one network it does not tell the bridge in Docker's words: all are
 * listed. */
static unsigned int what_to_do(const struct docker *docker, enum world_event_kind kind)
{
	if (docker->engine == DOCKER_ENGINE_DOCKER)
		return reactions[kind].what;
	if (kind == WORLD_EVENT_NETWORK_CONNECT || kind == WORLD_EVENT_NETWORK_DISCONNECT)
		return 0;
	if (kind == WORLD_EVENT_NETWORK_CREATE)
		return ASK_NETWORKS;
	return reactions[kind].what;
}

static void ask_about_event(struct docker *docker, const struct world_event *event,
			    unsigned int what)
{
	if (what & ASK_NETWORK && !world_store_is_empty(docker->store, event->network_id))
		docker_request(docker, QUESTION_NETWORK, event->network_id);
	if (what & ASK_NETWORKS)
		docker_request(docker, QUESTION_NETWORKS, "");
	if (what & ASK_CONTAINER)
		docker_request(docker, QUESTION_CONTAINER, event->container_id);
	if (what & ASK_PORTS)
		docker_request(docker, QUESTION_INSPECT, event->container_id);
}

static void react_now(struct docker *docker, const struct world_event *event)
{
	const struct reaction *reaction = &reactions[event->kind];
	unsigned int what = what_to_do(docker, event->kind);

	if (what & DROP_NETWORK)
		docker_request_forget(docker, QUESTION_NETWORK, event->network_id);
	if (what & DROP_CONTAINER) {
		docker_request_forget(docker, QUESTION_CONTAINER, event->container_id);
		docker_request_forget(docker, QUESTION_INSPECT, event->container_id);
	}
	/* Questions first: they take Docker a millisecond, the caller's work can go on meanwhile.
	 */
	ask_about_event(docker, event, what);
	if (!reaction->apply || !what)
		return;
	reaction->apply(docker->store, event);
	if (docker->handler.on_change)
		docker->handler.on_change(docker->handler.userdata, reaction->why);
}

/* An answer of the reading that is under way can bring back what is gone. */
static bool is_for_later(const struct docker *docker, const struct world_event *event)
{
	return docker->reading && what_to_do(docker, event->kind) & (DROP_NETWORK | DROP_CONTAINER);
}

static int note_missed(struct docker *docker, const struct world_event *event)
{
	if (docker->n_missed == docker->cap_missed) {
		size_t cap = docker->cap_missed ? docker->cap_missed * 2 : 64;
		struct world_event *missed =
			cap > MOST_MISSED ? NULL : realloc(docker->missed, cap * sizeof(*missed));
		if (!missed)
			return -ENOBUFS;
		docker->missed = missed;
		docker->cap_missed = cap;
	}
	docker->missed[docker->n_missed++] = *event;
	return 0;
}

int docker_on_event_line(struct docker *docker, const char *line, size_t len)
{
	struct world_event event;

	/* It may have told of anything. */
	if (world_parse_event(line, len, &event)) {
		sync_again(docker, "/events: a line that is not an event");
		return 0;
	}
	if (event.kind == WORLD_EVENT_OTHER)
		return 0;
	docker->n_events++;
	if (docker->handler.on_event)
		docker->handler.on_event(docker->handler.userdata, &event);
	if (docker->link == DOCKER_LINK_UP)
		react_now(docker, &event);
	if (docker->link != DOCKER_LINK_UP || is_for_later(docker, &event))
		return note_missed(docker, &event);
	return 0;
}

void docker_replay_missed(struct docker *docker)
{
	struct world_event *missed = docker->missed;
	size_t n = docker->n_missed;

	docker->missed = NULL;
	docker->n_missed = docker->cap_missed = 0;
	for (size_t i = 0; i < n && docker->link == DOCKER_LINK_UP; i++) {
		unsigned int what = what_to_do(docker, missed[i].kind);
		what |= what & DROP_NETWORK ? ASK_NETWORK : 0u;
		what |= what & DROP_CONTAINER ? ASK_CONTAINER : 0u;
		ask_about_event(docker, &missed[i], what);
	}
	free(missed);
}
