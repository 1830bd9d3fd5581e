/* SPDX-License-Identifier: GPL-2.0-or-later */
/* inventory: the facts about this host, read from Docker itself, or those of a compose file. */
#include <stdio.h>

#include "ctl/ctl.h"

int verb_inventory(struct ctl *ctl, const struct ctl_args *args)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct world *world = NULL;
	const char *error = NULL;

	if (!arena)
		return ctl_out_of_memory();
	int status = args->n_compose ? input_given(ctl, args, arena, &world)
				     : docker_world(ctl, arena, &world, &error);
	if (status != CTL_OK && error)
		ctl_complain("%s", error);
	if (status != CTL_OK)
		return status;
	CLEANUP(free_ptr) char *text = world_print_inventory(world);
	if (!text)
		return ctl_out_of_memory();
	(void)puts(text);
	return CTL_OK;
}
