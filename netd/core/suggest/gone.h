/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ends of flows as containers of a world. Private to core/suggest. */
#pragma once

#include "core/suggest/draft.h"

/* What compose made a container's name of. */
struct suggest_service {
	const char *project, *service;
};

/* "shop-backup-1" and "shop-backup-run-0a1b2c3d4e5f" are of the service `backup`, where some
 * container is of the project `shop`. */
bool suggest_read_name(const struct world *world, const char *name, struct arena *arena,
		       struct suggest_service *ret);
/* The container: the same, or else one of that name, or of that service, or, where Docker had made
 * up the name, of that image. -1: there is none. */
int suggest_stand_in(const struct world *world, const struct flow_end *end, struct arena *arena);
