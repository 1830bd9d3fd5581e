/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/report/flaw.h"

#include <string.h>

static const char *const kinds[] = { "network", "container", "objects" };

bool report_next_flaw(const struct world *world, size_t *cursor, struct report_flaw *ret)
{
	const size_t n_objects = world->n_networks + world->n_containers;

	while (*cursor < n_objects) {
		size_t at = (*cursor)++;
		const struct world_network *network =
			at < world->n_networks ? &world->networks[at] : NULL;
		const struct world_container *container =
			network ? NULL : &world->containers[at - world->n_networks];
		if (network && network->flaw) {
			*ret = (struct report_flaw){ kinds[0], network->name, network->id,
						     network->flaw, 1 };
			return true;
		}
		if (container && container->flaw) {
			*ret = (struct report_flaw){ kinds[1], container->name, container->id,
						     container->flaw, 1 };
			return true;
		}
	}
	if ((*cursor)++ > n_objects || world->n_nameless == 0)
		return false;
	*ret = (struct report_flaw){ kinds[2], "", "", world->nameless, world->n_nameless };
	return true;
}

static int place(const char *kind)
{
	int i = 0;

	while (strcmp(kinds[i], kind) != 0)
		i++;
	return i;
}

int report_compare_flaws(const struct report_flaw *a, const struct report_flaw *b)
{
	int order = place(a->kind) - place(b->kind);

	if (order == 0)
		order = strcmp(a->name, b->name);
	return order ? order : strcmp(a->id, b->id);
}
