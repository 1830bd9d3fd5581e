/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which labels are asked for of Docker, and whether the posture of containers matters: those that
 * the policy in force and the wanted one name. */
#include <errno.h>
#include <string.h>

#include "daemon/daemon.h"

static int keys_of(const struct policy_set *set, struct arena *arena, const char *const **ret,
		   size_t *ret_n)
{
	*ret_n = 0;
	if (!set)
		return 0;
	*ret = policy_label_keys(set->policy, arena, ret_n);
	return *ret ? 0 : -ENOMEM;
}

static bool requires_posture(const struct policy_set *set)
{
	return set && policy_requires_posture(set->policy);
}

static bool requires_images(const struct policy_set *set)
{
	return set && policy_requires_images(set->policy);
}

int labels_follow(struct daemon *d)
{
	struct arena *arena CLEANUP(arena_freep) = NULL;
	const struct policy_set *in_force = d->committed ? d->committed->policy : NULL;
	const struct policy_set *sets[] = { d->wanted, in_force == d->wanted ? NULL : in_force };
	const char *const *keys[ARRAY_LEN(sets)];
	size_t n[ARRAY_LEN(sets)];

	if (!d->docker || (d->labels_of[0] == sets[0] && d->labels_of[1] == sets[1]))
		return 0;
	arena = arena_new();
	int r = arena ? 0 : -ENOMEM;
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(sets); i++)
		r = keys_of(sets[i], arena, &keys[i], &n[i]);
	const char **all = r == 0 ? arena_alloc(arena, (n[0] + n[1] + 1) * sizeof(*all)) : NULL;
	if (!all)
		return -ENOMEM;
	if (n[0])
		memcpy(all, keys[0], n[0] * sizeof(*all));
	if (n[1])
		memcpy(all + n[0], keys[1], n[1] * sizeof(*all));
	r = docker_want_labels(d->docker, all, n[0] + n[1]);
	docker_want_posture(d->docker, requires_posture(sets[0]) || requires_posture(sets[1]));
	docker_want_images(d->docker, requires_images(sets[0]) || requires_images(sets[1]));
	if (r == 0)
		memcpy(d->labels_of, sets, sizeof(sets));
	return r;
}
