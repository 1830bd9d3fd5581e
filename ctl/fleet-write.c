/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A change, from the files that a folder is to hold to the store that holds them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/limits.h"
#include "core/policy/until.h"
#include "core/report/json.h"
#include "ctl/fleet-change.h"
#include "edge/host/host.h"

/* ---- what is to be done ---- */

/* Nothing there was changed, added or removed since it was looked at. */
static int add_condition_of(struct fleet_change *change, const char *below)
{
	size_t n = 0;
	const struct etcd_key *keys =
		below ? etcd_mirror_below(change->fleet->keys, below, &n) : NULL;
	int r = below ? fleet_change_condition(change, ETCD_UNCHANGED_SINCE, below,
					       change->fleet->keys->revision)
		      : -ENOMEM;

	for (size_t i = 0; i < n && r == 0; i++)
		r = fleet_change_condition(change, ETCD_IS_AT, keys[i].key, keys[i].mod_revision);
	return r;
}

/* What was planned was planned with all files of the fleet. */
static int add_conditions(struct fleet_change *change)
{
	const struct fleet *fleet = change->fleet;
	const char *policy = arena_printf(fleet->arena, "%s/policy/", fleet->conf.prefix);
	const char *groups = arena_printf(fleet->arena, "%s/groups/", fleet->conf.prefix);
	const char *canaries = fleet_canary_below(fleet->conf.prefix, "", fleet->arena);
	bool is_planned = fleet->args->expect != NULL;
	int r = add_condition_of(change, canaries);

	if (r == 0 && (is_planned || text_begins(change->folder, "groups/")))
		r = add_condition_of(change, is_planned ? groups : change->below);
	if (r == 0 && (is_planned || !text_begins(change->folder, "groups/")))
		r = add_condition_of(change, policy);
	return r;
}

static bool is_wanted(const struct fleet_change *change, const char *name)
{
	for (size_t i = 0; i < change->files.sources.n; i++)
		if (strcmp(change->files.sources.items[i].name, name) == 0)
			return true;
	return false;
}

static int add_removals(struct fleet_change *change)
{
	size_t n;
	const struct etcd_key *keys;
	int r = 0;

	if (change->without) {
		keys = etcd_mirror_below(change->fleet->keys, change->without, &n);
		for (size_t i = 0; i < n && r == 0; i++)
			r = fleet_change_add(change, keys[i].key, NULL, 0);
	}
	keys = etcd_mirror_below(change->fleet->keys, change->below, &n);

	for (size_t i = 0; i < n && r == 0; i++)
		if (!is_wanted(change, keys[i].key + strlen(change->below)))
			r = fleet_change_add(change, keys[i].key, NULL, 0);
	return r;
}

static int add_files(struct fleet_change *change)
{
	struct arena *arena = change->fleet->arena;
	int r = 0;

	for (size_t i = 0; i < change->files.sources.n && r == 0; i++) {
		const struct policy_source *source = &change->files.sources.items[i];
		const char *key = arena_printf(arena, "%s%s", change->below, source->name);
		const struct etcd_key *old =
			key ? etcd_mirror_find(change->fleet->keys, key) : NULL;
		if (!key)
			return -ENOMEM;
		if (!old || old->len != source->len ||
		    memcmp(old->value, source->bytes, source->len) != 0)
			r = fleet_change_add(change, key, source->bytes, source->len);
	}
	return r;
}

/* ---- to go back to ---- */

/* NULL: no memory. */
static char *print_revision(const struct fleet_change *change, const char *signature)
{
	struct rj j = { 0 };
	cJSON *root = rj_answer(&j), *files;
	char user[64], when[UNTIL_TEXT_LEN];
	char *text = NULL;

	host_user_name(getuid(), user, sizeof(user));
	rj_text(&j, root, "when", policy_until_format(change->fleet->ctl->now, when));
	rj_text(&j, root, "by", *user ? user : "?");
	rj_text(&j, root, "at", change->fleet->conf.host);
	rj_text(&j, root, "folder", change->folder);
	rj_text(&j, root, "signature", signature);
	files = rj_add_array(&j, root, "files");
	for (size_t i = 0; i < change->files.sources.n; i++) {
		cJSON *file = rj_push_object(&j, files);
		rj_text(&j, file, "name", change->files.sources.items[i].name);
		rj_text(&j, file, "text", change->files.sources.items[i].bytes);
	}
	if (rj_finish(&j, root, &root) == 0) {
		text = cJSON_PrintUnformatted(root);
		cJSON_Delete(root);
	}
	return text;
}

/* The next number, in 12 digits, so that keys are in the order of numbers; and the oldest goes
 * where there are enough. */
static int keep(struct fleet_change *change, char **ret)
{
	const struct fleet *fleet = change->fleet;
	const char *below, *signature = NULL;
	size_t n;
	const struct etcd_key *keys = fleet_kept_revisions(fleet, &below, &n);
	int r = below ? 0 : -ENOMEM;
	unsigned long long number = 1;

	if (r == 0 && n > 0)
		number = strtoull(keys[n - 1].key + strlen(below), NULL, 10) + 1;
	const char *key = r == 0 ? arena_printf(fleet->arena, "%s%012llu", below, number) : NULL;
	if (key)
		r = fleet_change_sign_revision(change, key, &signature);
	*ret = key && r == 0 ? print_revision(change, signature) : NULL;
	if (!*ret)
		return -ENOMEM;
	if (n >= LIMIT_HISTORY)
		r = fleet_change_add(change, keys[0].key, NULL, 0);
	if (r == 0)
		r = fleet_change_condition(change, ETCD_IS_AT, key, 0);
	return r == 0 ? fleet_change_add(change, key, *ret, strlen(*ret)) : r;
}

/* ---- doing it ---- */

static void say_done(const struct fleet_change *change)
{
	for (size_t i = 0; i < change->changes.n; i++) {
		const struct etcd_change *one = &change->changes.items[i];
		if (text_begins(one->key, change->below) ||
		    (change->without && text_begins(one->key, change->without)))
			printf("%s %s\n", one->value ? "written" : "removed",
			       one->key + strlen(change->fleet->conf.prefix) + 1);
	}
	printf("netdctl fleet status shows what becomes of it on each host\n");
}

int fleet_change_write(struct fleet_change *change, bool is_kept)
{
	CLEANUP(free_ptr) char *kept = NULL;

	if (add_removals(change) < 0 || add_files(change) < 0 || add_conditions(change) < 0)
		return ctl_out_of_memory();
	int status = fleet_change_sign(change);
	if (status != CTL_OK)
		return status;
	if (change->changes.n == 0) {
		puts("no change: these files are what the store has");
		return CTL_OK;
	}
	if (is_kept && keep(change, &kept) < 0)
		return ctl_out_of_memory();
	status = fleet_change_commit(change);
	if (status == CTL_OK)
		say_done(change);
	return status;
}

int fleet_change_carry_out(struct fleet_change *change)
{
	int status = fleet_change_expect(change->fleet);

	if (status == CTL_OK)
		status = fleet_canary_is_none(change->fleet);
	if (status == CTL_OK)
		status = fleet_change_check(change);
	return status == CTL_OK ? fleet_change_write(change, true) : status;
}
