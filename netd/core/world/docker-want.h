/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What of Docker's answers is read, and so is kept of them on the way (core/base/json-pick.h). A
 * member that a reader of this folder looks at has its row here: what has none never arrives. */
#pragma once

#include "core/base/json-pick.h"

extern const struct json_want world_want_networks[];	    /* GET /networks */
extern const struct json_want world_want_network[];	    /* GET /networks/{id} */
extern const struct json_want world_want_containers[];	    /* GET /containers/json */
extern const struct json_want world_want_inspect[];	    /* GET /containers/{id}/json */
extern const struct json_want world_want_image[];	    /* GET /images/{id}/json */
extern const struct json_want world_want_event[];	    /* a line of GET /events */
extern const struct json_want world_want_podman_networks[]; /* GET /libpod/networks/json */
/* Of podman: GET /containers/json, of one network. */
extern const struct json_want world_want_podman_network[];

/* What tells a container of compose from one whose image says it was one. */
#define WORLD_COMPOSE_PROJECT "com.docker.compose.project"
#define WORLD_COMPOSE_SERVICE "com.docker.compose.service"
#define WORLD_COMPOSE_HASH "com.docker.compose.config-hash"
