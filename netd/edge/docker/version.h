/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which version of the API to speak. Pure. */
#pragma once

#include "core/base/cleanup.h"

/* What we ask for is the same since 1.24; 1.52 is the newest whose answers were checked. */
#define DOCKER_API_OLDEST "1.24"
#define DOCKER_API_NEWEST "1.52"
#define DOCKER_API_LEN 16

/* The newest version that both sides know, from the server's range; @oldest may be NULL or "". 0;
 * -EINVAL: not versions; -EPROTONOSUPPORT: the ranges do not meet. */
int docker_negotiate(const char *newest, const char *oldest, char ret[DOCKER_API_LEN]) MUST_CHECK;
