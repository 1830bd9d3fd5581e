/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One full reading: both lists at once, then each bridge network. It is gathered in a store of its
 * own, so no compiled policy ever sees half of it or a mixture of two. */
#include <stdlib.h>

#include "edge/docker/link.h"

void sync_stop(struct docker *docker)
{
	docker->fresh = world_store_free(docker->fresh);
	docker->has_lists = false;
	docker->n_unread = 0;
	free(docker->missed);
	docker->missed = NULL;
	docker->n_missed = docker->cap_missed = 0;
}

void sync_start(struct docker *docker)
{
	docker->fresh = world_store_new();
	if (!docker->fresh) {
		link_fail(docker, "reading", "no memory");
		return;
	}
	docker->link = DOCKER_LINK_SYNCING;
	docker->n_unread = 2;
	ask_for_sync(docker, QUESTION_NETWORKS, "");
	ask_for_sync(docker, QUESTION_CONTAINERS, "");
}

static void ask_for_networks(struct docker *docker)
{
	const char *id;

	docker->has_lists = true;
	for (size_t cursor = 0; (id = world_store_bridge_network(docker->fresh, &cursor));) {
		docker->n_unread++;
		ask_for_sync(docker, QUESTION_NETWORK, id);
		if (!docker->fresh) /* out of memory: the link is down */
			return;
	}
}

void sync_progress(struct docker *docker)
{
	docker->n_unread--;
	if (docker->n_unread == 0 && !docker->has_lists)
		ask_for_networks(docker);
	if (docker->n_unread > 0 || !docker->fresh)
		return;
	world_store_replace(docker->store, docker->fresh);
	docker->fresh = world_store_free(docker->fresh);
	docker->has_lists = false;
	docker->n_syncs++;
	link_is_up(docker);
}
