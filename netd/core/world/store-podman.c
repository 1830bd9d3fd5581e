/* SPDX-License-Identifier: GPL-2.0-or-later */
/* podman's answers into the store, where they are not as Docker's. */
#include <errno.h>
#include <stdlib.h>

#include "core/world/store-stage.h"
#include "core/world/world-store.h"

int world_store_set_podman_networks(struct world_store *store, const char *json, size_t len,
				    const char **error)
{
	struct world_docker_answer answer = { .json = json, .len = len };

	return store_set_networks(store, &answer, world_podman_networks, error);
}

/* Of a network that is not known yet nothing can be stored: it is asked about again when it is. */
static int stage_endpoints(struct world_store *store, const struct store_network *network,
			   struct world_docker_answer *answer, struct store_stage *stage)
{
	struct world_docker_endpoint *endpoints;
	size_t n;
	int r = world_podman_endpoints(answer, &network->facts, &endpoints, &n);

	if (r)
		return r;
	stage->endpoints = calloc(n + 1, sizeof(*stage->endpoints));
	r = stage->endpoints ? store_stage_networks(store, stage, 1) : -ENOMEM;
	if (r == 0)
		r = store_stage_containers(store, stage, n);
	if (r == 0)
		r = store_stage_network(stage, &network->facts, network->object.asked);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = store_stage_endpoint(store, stage, &endpoints[i]);
	return r;
}

int world_store_put_podman_network(struct world_store *store, const char *id, const char *json,
				   size_t len, const char **error)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(store_stage_done) struct store_stage stage = { 0 };
	struct world_docker_answer answer = { .json = json, .len = len, .arena = arena };

	int r = arena ? world_store_put_containers(store, json, len, error) : -ENOMEM;
	const struct store_network *network =
		(const struct store_network *)store_find(&store->networks, id);

	if (r || !network || network->endpoints_asked > store->asked)
		return r;
	r = stage_endpoints(store, network, &answer, &stage);
	if (r == WORLD_E_INVALID)
		*error = answer.error;
	if (r == 0)
		store_stage_commit(store, &stage);
	return r;
}
