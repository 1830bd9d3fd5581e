/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/fleet-change.h"

#include <errno.h>
#include <string.h>

#include "core/fleet/fleet.h"

int fleet_change_begin(struct fleet_change *change, const struct fleet *fleet, const char *group)
{
	*change = (struct fleet_change){ .fleet = fleet,
					 .folder = "policy",
					 .revision = fleet->keys->revision };
	if (group && !fleet_is_name(group)) {
		ctl_complain("`%s` is not the name of a group", group);
		return CTL_USAGE;
	}
	if (group)
		change->folder = arena_printf(fleet->arena, "groups/%s", group);
	if (change->folder)
		change->below =
			arena_printf(fleet->arena, "%s/%s/", fleet->conf.prefix, change->folder);
	return change->below ? CTL_OK : ctl_out_of_memory();
}

int fleet_change_begin_canary(struct fleet_change *change, const struct fleet *fleet,
			      const char *group)
{
	int status = fleet_change_begin(change, fleet, group);

	if (status != CTL_OK)
		return status;
	change->folder = arena_printf(fleet->arena, "policy.canary/%s", group);
	change->below = fleet_canary_below(fleet->conf.prefix, group, fleet->arena);
	return change->folder && change->below ? CTL_OK : ctl_out_of_memory();
}

/* ---- what is to be there ---- */

/* The name of a file in the store is that of the file without its folder. */
static int add_sources(struct fleet_change *change, const struct policydir *dir)
{
	for (size_t i = 0; i < dir->sources.n; i++) {
		struct policy_source source = dir->sources.items[i];
		const char *slash = strrchr(source.name, '/');
		source.name = slash ? slash + 1 : source.name;
		for (size_t k = 0; k < change->files.sources.n; k++) {
			if (strcmp(change->files.sources.items[k].name, source.name) != 0)
				continue;
			ctl_complain("two files have the name %s, and the store has one folder",
				     source.name);
			return CTL_USAGE;
		}
		if (VEC_PUSH(change->fleet->arena, &change->files.sources, source) < 0)
			return ctl_out_of_memory();
	}
	return CTL_OK;
}

int fleet_change_read_files(struct fleet_change *change)
{
	const struct ctl_args *args = change->fleet->args;
	struct policydir dir = { 0 };

	for (size_t i = 1; i < args->n; i++) {
		int r = policydir_read(args->files[i], change->fleet->arena, &dir);
		if (r > 0)
			ctl_complain("%s", dir.error);
		if (r != 0)
			return r < 0 ? ctl_out_of_memory() : CTL_USAGE;
	}
	return add_sources(change, &dir);
}

/* ---- what is to be done ---- */

int fleet_change_add(struct fleet_change *change, const char *key, const char *value, size_t len)
{
	/* It may be one of the copy of the store, which changes with it. */
	const char *own = arena_strdup(change->fleet->arena, key);

	return own ? VEC_PUSH(change->fleet->arena, &change->changes,
			      (struct etcd_change){ own, value, len, 0 })
		   : -ENOMEM;
}

int fleet_change_condition(struct fleet_change *change, enum etcd_condition_kind kind,
			   const char *key, int64_t revision)
{
	return VEC_PUSH(change->fleet->arena, &change->conditions,
			(struct etcd_condition){ kind, key, revision });
}

/* ---- what it is the change of ---- */

int fleet_policy_digest(const struct fleet *fleet, char ret[HASH_TEXT_LEN])
{
	struct fleet_files files = { 0 };
	uint64_t digest = HASH_BEGIN;

	if (fleet_all_files(fleet->keys, fleet->conf.prefix, fleet->arena, &files) < 0)
		return ctl_out_of_memory();
	for (size_t i = 0; i < files.sources.n; i++) {
		const struct policy_source *file = &files.sources.items[i];
		digest = hash_add(digest, file->name, strlen(file->name) + 1);
		digest = hash_add(digest, file->bytes, file->len + 1);
	}
	(void)hash_format(digest, ret);
	return CTL_OK;
}

int fleet_change_expect(const struct fleet *fleet)
{
	char digest[HASH_TEXT_LEN];

	if (!fleet->args->expect)
		return CTL_OK;
	int status = fleet_policy_digest(fleet, digest);
	if (status != CTL_OK || strcmp(digest, fleet->args->expect) == 0)
		return status;
	ctl_complain("the policy of the fleet is %s by now, and nothing was written: look at "
		     "`netdctl fleet history`, then plan again",
		     digest);
	return CTL_REFUSED;
}

int fleet_canary_is_none(const struct fleet *fleet)
{
	const char *group = NULL;

	if (fleet_canary_group(fleet->keys, fleet->conf.prefix, fleet->arena, &group) < 0)
		return ctl_out_of_memory();
	if (!group)
		return CTL_OK;
	ctl_complain(
		"a canary of the group %s is under way: `netdctl fleet apply --canary %s` with "
		"its files goes on with it, `netdctl fleet rollback canary` takes it back",
		group, group);
	return CTL_REFUSED;
}
