/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which version of Docker's API to speak: the newest that both netd and the engine know, and no
 * older one than 1.24. An engine that is not Docker's (Podman's answers to the same questions) is
 * recognised by what it says of itself. The functions are pure. */
#pragma once

#include <cjson/cJSON.h>
#include <stddef.h>

#include "core/base/cleanup.h"

/* What we ask for is the same since 1.24; 1.52 is the newest whose answers were checked. */
#define DOCKER_API_OLDEST "1.24"
#define DOCKER_API_NEWEST "1.52"
#define DOCKER_API_LEN 16

/* The newest version that both sides know, from the server's range; @oldest may be NULL or "". 0;
 * -EINVAL: not versions; -EPROTONOSUPPORT: the ranges do not meet. */
int docker_negotiate(const char *newest, const char *oldest, char ret[DOCKER_API_LEN]) MUST_CHECK;

/* NULL: Docker answers; else the name that another engine gives itself. Such a one speaks the same
 * API, but its events come in another order and its facts mean something else. @version: the answer
 * to GET /version, @server: that header, or NULL. Docker lists its parts from API 1.35 on, one of
 * them is "Engine"; podman says "Podman Engine" and "Libpod/4.3.1". */
const char *docker_stranger(const cJSON *version, const char *server);

/* podman is asked for no version: it looks for those of all its programs first, which takes seconds
 * (4.3, 5.4). Each of its answers has a header with it. The API is the same since 4.0, and this
 * version of Docker's is known to all. */
#define DOCKER_API_PODMAN "1.40"
/* Its version, from "Libpod/5.4.2 (linux)", at most @size bytes. 0; -EINVAL: it is not podman, or
 * says nothing; -EPROTONOSUPPORT: an older one. */
int docker_podman_version(const char *server, char *ret, size_t size) MUST_CHECK;
