/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether what the store is to have is a policy for each host. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/fleet/fleet.h"
#include "ctl/fleet-change.h"

static int by_key(const void *a, const void *b)
{
	const struct etcd_key *left = a, *right = b;

	return strcmp(left->key, right->key);
}

int fleet_change_store(const struct fleet_change *change, struct etcd_mirror *ret)
{
	struct arena *arena = change->fleet->arena;
	const struct etcd_mirror *now = change->fleet->keys;
	size_t n_files = change->files.sources.n;

	*ret = *now;
	ret->n = 0;
	ret->keys = arena_alloc(arena, (now->n + n_files) * sizeof(*ret->keys));
	if (!ret->keys)
		return -ENOMEM;
	for (size_t i = 0; i < now->n; i++)
		if (!text_begins(now->keys[i].key, change->below) &&
		    !(change->without && text_begins(now->keys[i].key, change->without)))
			ret->keys[ret->n++] = now->keys[i];
	for (size_t i = 0; i < n_files; i++) {
		const struct policy_source *file = &change->files.sources.items[i];
		const char *key = arena_printf(arena, "%s%s", change->below, file->name);
		if (!key)
			return -ENOMEM;
		ret->keys[ret->n++] =
			(struct etcd_key){ .key = key, .value = file->bytes, .len = file->len };
	}
	if (ret->n > 0)
		qsort(ret->keys, ret->n, sizeof(*ret->keys), by_key);
	return 0;
}

static int check_policy(const struct fleet *fleet, const struct fleet_policy *files)
{
	struct policydir dir = { 0 };
	struct diag_list diags;
	const struct policy *policy = NULL;
	cJSON *json = NULL;

	diag_init(&diags, fleet->arena);
	int r = policy_parse(files->sources, files->n_sources, fleet->arena, &diags, &policy);
	if (r == 0)
		return CTL_OK;
	for (size_t i = 0; i < files->n_sources && r >= 0; i++)
		if (VEC_PUSH(fleet->arena, &dir.sources, files->sources[i]) < 0)
			r = -ENOMEM;
	if (r < 0 || report_diagnostics(&diags, &json) < 0)
		return ctl_out_of_memory();
	diag_print_errors(fleet->ctl, json, &dir);
	cJSON_Delete(json);
	return CTL_FINDING;
}

/* The policy of a host that is in one group, or in none (NULL), is valid on its own. */
static int check_host(const struct fleet *fleet, const struct etcd_mirror *store, const char *group)
{
	struct fleet_policy files;
	const char *error = NULL;
	int r = fleet_policy_of(store, fleet->conf.prefix, &group, group ? 1 : 0, fleet->arena,
				&files, &error);

	if (r < 0)
		return ctl_out_of_memory();
	if (r == FLEET_E_INVALID) {
		ctl_complain("no host would take that: %s", error);
		return CTL_FINDING;
	}
	/* Without files hosts keep what they have. */
	return files.n_sources > 0 ? check_policy(fleet, &files) : CTL_OK;
}

/* What is written for all hosts is to be valid in each group. */
int fleet_change_check(const struct fleet_change *change)
{
	const struct fleet *fleet = change->fleet;
	const char *below = arena_printf(fleet->arena, "%s/groups/", fleet->conf.prefix);
	const char *last = "";
	struct etcd_mirror store;
	size_t n = 0;

	if (!below || fleet_change_store(change, &store) < 0)
		return ctl_out_of_memory();
	int status = check_host(fleet, &store, NULL);
	if (status == CTL_OK && strcmp(change->folder, "policy") != 0)
		return check_host(fleet, &store, text_after(change->folder, "groups/"));
	const struct etcd_key *keys = etcd_mirror_below(&store, below, &n);
	for (size_t i = 0; i < n && status == CTL_OK; i++) {
		const char *name = keys[i].key + strlen(below);
		const char *group = arena_strndup(fleet->arena, name, strcspn(name, "/"));
		if (!group)
			return ctl_out_of_memory();
		if (strcmp(group, last) != 0)
			status = check_host(fleet, &store, group);
		last = group;
	}
	return status;
}
