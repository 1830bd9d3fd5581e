/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/world/store-stage.h"
#include "core/world/world-store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

void store_stage_done(struct store_stage *stage)
{
	for (size_t i = 0; i < stage->n_networks; i++)
		(void)store_network_free(stage->networks[i]);
	for (size_t i = 0; i < stage->n_containers; i++)
		(void)store_container_free(stage->containers[i]);
	free(stage->networks);
	free(stage->containers);
	free(stage->endpoints);
	free(stage->told);
}

int store_stage_networks(struct world_store *store, struct store_stage *stage, size_t n)
{
	stage->networks = calloc(n + 1, sizeof(struct store_network *));
	return stage->networks ? store_reserve(&store->networks, n) : -ENOMEM;
}

int store_stage_containers(struct world_store *store, struct store_stage *stage, size_t n)
{
	stage->containers = calloc(n + 1, sizeof(struct store_container *));
	return stage->containers ? store_reserve(&store->containers, n) : -ENOMEM;
}

void store_stage_commit(struct world_store *store, struct store_stage *stage)
{
	struct store_network *network = NULL;

	store_changes(store);
	for (size_t i = 0; i < stage->n_containers; i++) {
		if (stage->containers[i]->facts.image_id[0])
			store_mark_labels(store, stage->containers[i]);
		store_commit_container(store, stage->containers[i]);
	}
	for (size_t i = 0; i < stage->n_networks; i++)
		network = store_commit_network(store, stage->networks[i]);
	if (stage->endpoints && network) { /* of one network, the only one staged */
		store_set_endpoints(store, network, TAKE_PTR(stage->endpoints), stage->n_endpoints,
				    TAKE_PTR(stage->told));
		network->endpoints_asked = store->asked;
	}
	stage->n_containers = stage->n_networks = 0;
	store_settle(&store->networks);
	store_settle(&store->containers);
	store_sweep(store);
}

int store_stage_network(struct store_stage *stage, const struct world_network *facts,
			uint64_t asked)
{
	struct store_network *fresh = store_network_new(facts);

	if (!fresh)
		return -ENOMEM;
	fresh->object.asked = asked;
	stage->networks[stage->n_networks++] = fresh;
	return 0;
}

/* What only a network knows of. Of a container that is not enough: no tier may match it. */
static struct store_container *unlisted(const struct world_docker_endpoint *from, uint64_t asked)
{
	struct world_container facts = { .kind = from->kind,
					 .image = "",
					 .network_mode = "",
					 .known = from->kind != WORLD_CONTAINER };
	char name[WORLD_ID_LEN + 8];

	world_id_copy(facts.id, from->container_id);
	(void)snprintf(name, sizeof(name), "%.12s", facts.id);
	if (from->kind == WORLD_BUILD)
		(void)snprintf(name, sizeof(name), "build-%.12s", facts.id);
	else if (from->kind != WORLD_CONTAINER)
		(void)snprintf(name, sizeof(name), "%s", facts.id);
	facts.name = name;
	struct store_container *container = store_container_new(&facts, NULL);
	if (container)
		container->object.asked = asked;
	return container;
}

int store_stage_endpoint(struct world_store *store, struct store_stage *stage,
			 const struct world_docker_endpoint *from)
{
	struct store_container *container =
		(struct store_container *)store_find(&store->containers, from->container_id);

	if (!container) {
		container = unlisted(from, store->asked);
		if (!container)
			return -ENOMEM;
		stage->containers[stage->n_containers++] = container;
	}
	stage->endpoints[stage->n_endpoints++] =
		(struct store_endpoint){ .container = container,
					 .ipv4 = from->ipv4,
					 .ipv6 = from->ipv6,
					 .mac = from->mac,
					 .id = from->id,
					 .asked = from->id ? store->asked : 0 };
	return 0;
}
