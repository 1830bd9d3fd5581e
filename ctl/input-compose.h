/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Compose files to the facts about a host. */
#pragma once

#include "core/compose/compose.h"
#include "ctl/ctl.h"

/* The files as `docker compose -f a -f b` takes them, with the environment and the .env file beside
 * the first. Findings are added to @into->diags, the texts they are about to @into->dir. CTL_OK
 * also for files with errors: then ret->world is NULL. Else an exit status, after saying why. */
int input_compose(char *const *files, size_t n, struct arena *arena, struct input_policy *into,
		  struct compose_project *ret) MUST_CHECK;
