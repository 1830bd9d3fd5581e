/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the folders of the store were to hold, kept under PREFIX/revisions/: as it is read. */
#include "core/base/json-scan.h"
#include "core/report/json.h"
#include "ctl/fleet-change.h"
#include "ctl/out-text.h"

/* The kept ones, oldest first. */
const struct etcd_key *fleet_kept_revisions(const struct fleet *fleet, const char **ret_below,
					    size_t *ret_n)
{
	*ret_n = 0;
	*ret_below = arena_printf(fleet->arena, "%s/revisions/", fleet->conf.prefix);
	return *ret_below ? etcd_mirror_below(fleet->keys, *ret_below, ret_n) : NULL;
}

cJSON *fleet_kept_read(const struct etcd_key *key)
{
	const struct json_limits limits = { .depth = 8, .items = 4096, .controls = true };
	size_t offset;

	if (json_scan(key->value, key->len, limits, &offset))
		return NULL;
	return cJSON_ParseWithLength(key->value, key->len);
}

const char *fleet_kept_member(const cJSON *json, const char *name, struct arena *arena)
{
	char *text = arena_strdup(arena, member_text(json, name));

	if (text)
		text_clean(text);
	return text;
}

const char *fleet_kept_author(const struct fleet *fleet, const struct etcd_key *key)
{
	cJSON *json = fleet_kept_read(key);
	const char *by = fleet_kept_member(json, "by", fleet->arena);
	const char *at = fleet_kept_member(json, "at", fleet->arena);
	const char *when = fleet_kept_member(json, "when", fleet->arena);

	cJSON_Delete(json);
	return by && at && when ? arena_printf(fleet->arena, "%s at %s, %s,", by, at, when) : NULL;
}
