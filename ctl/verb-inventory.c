/* SPDX-License-Identifier: GPL-2.0-or-later */
/* inventory: the facts about this host, read from Docker itself. */
#include <stdio.h>

#include "ctl/ctl.h"

int verb_inventory(struct ctl *ctl, const struct ctl_args *args)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct world *world = NULL;
	const char *error = "";

	(void)args;
	if (!arena)
		return ctl_out_of_memory();
	int status = docker_world(ctl, arena, &world, &error);
	if (status != CTL_OK) {
		ctl_complain("%s", error);
		return status;
	}
	CLEANUP(free_ptr) char *text = world_print_inventory(world);
	if (!text)
		return ctl_out_of_memory();
	(void)puts(text);
	return CTL_OK;
}
