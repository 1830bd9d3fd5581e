/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Labels that say whose a container is: what compose and swarm name it by, and the operator's own
 * word for its part (`tier`, `role`). They are kept with the ends of flows, since a container that
 * is gone has none. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/base/limits.h"
#include "core/world/world.h"

#define FLOW_LABEL_SWARM_SERVICE "com.docker.swarm.service.name"
#define FLOW_LABEL_STACK "com.docker.stack.namespace"
/* With the NUL. */
#define FLOW_LABELS_LEN (LIMIT_FLOW_LABELS + 1u)

/* "org.example.tier", "role". */
bool flow_label_is_role(const char *key);
/* It is one of those that are kept. */
bool flow_label_tells(const char *key);
/* Those of the container as one text, "key=value" on a line each, in their order. An image may bear
 * any label: only what the container was given counts. What finds no room is left out. *untold:
 * there may be more once Docker was asked. */
const char *flow_labels_pack(const struct world_container *container, char ret[FLOW_LABELS_LEN],
			     bool *untold);
/* One more; a text that holds a line break, or a key with `=`, is none. False: there is no room. */
bool flow_labels_add(char labels[FLOW_LABELS_LEN], const char *key, const char *value);

struct flow_label {
	const char *key, *value; /* not terminated */
	size_t key_len, value_len;
};
/* One a call; *at begins as the text. False after the last. */
bool flow_labels_next(const char **at, struct flow_label *ret);
