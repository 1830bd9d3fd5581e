/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Compose files to the facts about a host. */
#pragma once

#include "core/compose/compose.h"
#include "ctl/ctl.h"

/* The files of --compose as `docker compose -f a -f b` takes them, "-" and pipes too, or those of a
 * folder as `docker compose up` does; with the environment, and the .env file beside the first or
 * those of --env-file. Findings are added to @into->diags, the texts they are about to @into->dir.
 * CTL_OK also for files with errors: then ret->world is NULL. Else an exit status, after saying
 * why. */
int input_compose(const struct ctl_args *args, struct arena *arena, struct input_policy *into,
		  struct compose_project *ret) MUST_CHECK;
