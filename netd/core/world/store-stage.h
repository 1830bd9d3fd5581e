/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An engine's answer on its way into the store: staged, with every check and allocation, then
 * committed, which cannot fail. Internal to core/world. */
#pragma once

#include "core/world/docker-json.h"
#include "core/world/store.h"

/* Fresh records that are not in the store yet. */
struct store_stage {
	struct store_network **networks;
	struct store_container **containers;
	size_t n_networks, n_containers;
	struct store_endpoint *endpoints;
	size_t n_endpoints;
};

void store_stage_done(struct store_stage *stage); /* for CLEANUP() */

/* Room for @n records to come, in the stage and in the store. 0 or -ENOMEM. */
int store_stage_networks(struct world_store *store, struct store_stage *stage, size_t n) MUST_CHECK;
int store_stage_containers(struct world_store *store, struct store_stage *stage,
			   size_t n) MUST_CHECK;
/* Each takes up some of that room; the facts are copied. An endpoint is one of the network that is
 * staged alone, and there is room for it in stage->endpoints, which the caller has allocated. 0 or
 * -ENOMEM. */
int store_stage_network(struct store_stage *stage, const struct world_network *facts,
			uint64_t asked) MUST_CHECK;
int store_stage_endpoint(struct world_store *store, struct store_stage *stage,
			 const struct world_docker_endpoint *from) MUST_CHECK;
void store_stage_commit(struct world_store *store, struct store_stage *stage);

/* The whole list of networks takes the place of what is stored. @answer: what it was read from. 0
 * or -ENOMEM. */
int store_set_networks(struct world_store *store, const struct world_docker_answer *answer,
		       const struct world_docker_network *networks, size_t n) MUST_CHECK;
