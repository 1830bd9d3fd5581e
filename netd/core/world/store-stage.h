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
	char *told; /* where they are written, if they say at which place */
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

typedef int store_networks_reader(struct world_docker_answer *answer,
				  struct world_docker_network **ret, size_t *ret_n);

/* The whole list of networks in @answer takes the place of what is stored. 0, -ENOMEM or
 * WORLD_E_INVALID: *error says why. */
int store_set_networks(struct world_store *store, struct world_docker_answer *answer,
		       store_networks_reader *read, const char **error) MUST_CHECK;
