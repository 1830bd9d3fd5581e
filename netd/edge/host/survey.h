/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a host's files tell about the ground that netd stands on: sysctls, Docker's settings, other
 * firewalls, resolvers. Reads only. */
#pragma once

#include "core/base/arena.h"
#include "core/world/hostfacts.h"

/* @root: "/", or where the host's own / is mounted. Fills all but forward_accepts, which is no
 * file. What is not there is as its default. 0; -errno: @root cannot be opened; -ENOMEM. */
int host_survey(const char *root, struct arena *arena, struct doctor_host *ret) MUST_CHECK;
