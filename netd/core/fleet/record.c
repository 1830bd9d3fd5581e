/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a host says of itself, as JSON. Whoever reads it must not trust it: each host writes its
 * own. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/base/json-scan.h"
#include "core/base/limits.h"
#include "core/base/text.h"
#include "core/fleet/fleet.h"
#include "core/report/json.h"
#include "core/wire/wire.h"

static const char *const state_names[] = {
	[FLEET_NONE] = "none",	     [FLEET_WAITING] = "waiting", [FLEET_IN_FORCE] = "in force",
	[FLEET_REFUSED] = "refused", [FLEET_DIFFERS] = "differs",
};

const char *fleet_state_name(enum fleet_state state)
{
	return state_names[state];
}

static int state_of(const char *name, enum fleet_state *ret)
{
	for (size_t i = 0; name && i < ARRAY_LEN(state_names); i++) {
		if (strcmp(name, state_names[i]) != 0)
			continue;
		*ret = (enum fleet_state)i;
		return 0;
	}
	return -EINVAL;
}

/* ---- writing ---- */

static const struct {
	const char *as, *of, *name; /* of: an object in the status, or NULL */
} picked[] = {
	{ "version", NULL, "version" },
	{ "mode", NULL, "mode" },
	{ "generation", NULL, "policy_generation" },
	{ "policy_error", NULL, "policy_error" },
	{ "state_error", NULL, "state_error" },
	{ "off_since", NULL, "off_since" },
	{ "tiers", NULL, "tiers" },
	{ "endpoints", NULL, "endpoints" },
	{ "disagreements", NULL, "n_disagreements" },
	{ "flaws", NULL, "n_flaws" },
	{ "drifts", NULL, "drifts" },
	{ "docker", "docker", "link" },
	{ "docker_error", "docker", "error" },
	{ "kernel", "kernel", "holds" },
};

cJSON *fleet_pick_status(const cJSON *status)
{
	struct rj j = { 0 };
	cJSON *root = rj_object(&j);

	for (size_t i = 0; i < ARRAY_LEN(picked); i++) {
		const cJSON *from = status, *value;
		if (picked[i].of)
			from = cJSON_GetObjectItemCaseSensitive(status, picked[i].of);
		value = cJSON_GetObjectItemCaseSensitive(from, picked[i].name);
		if (value && !cJSON_IsNull(value))
			(void)rj_add(&j, root, picked[i].as, cJSON_Duplicate(value, true));
	}
	return rj_finish(&j, root, &root) == 0 ? root : NULL;
}

static void add_inventory(struct rj *j, cJSON *object, const struct fleet_record *record)
{
	char digest[HASH_TEXT_LEN];

	if (record->inventory)
		rj_text(j, object, "digest", hash_format(record->inventory, digest));
	if (record->inventory_error)
		rj_text(j, object, "error", record->inventory_error);
}

static void add_canary(struct rj *j, cJSON *object, const struct fleet_record *record)
{
	rj_bool(j, object, "blind", record->is_blind);
	rj_number(j, object, "n_cut", (double)record->n_cut);
	rj_text(j, object, "cut", record->cut);
}

char *fleet_print_record(const struct fleet_record *record)
{
	struct rj j = { 0 };
	cJSON *root = rj_answer(&j), *policy, *groups;
	char digest[HASH_TEXT_LEN];
	char *text = NULL;

	rj_text(&j, root, "host", record->host);
	rj_text(&j, root, "netd", record->version);
	groups = rj_add_array(&j, root, "groups");
	for (size_t i = 0; i < record->n_groups; i++)
		rj_push_text(&j, groups, record->groups[i]);
	policy = rj_add_object(&j, root, "policy");
	rj_text(&j, policy, "state", fleet_state_name(record->state));
	rj_number(&j, policy, "revision", (double)record->revision);
	rj_text(&j, policy, "digest", hash_format(record->digest, digest));
	rj_text(&j, policy, "error", record->error);
	if (record->namesake)
		rj_text(&j, root, "namesake", record->namesake);
	if (record->inventory || record->inventory_error)
		add_inventory(&j, rj_add_object(&j, root, "inventory"), record);
	if (record->has_canary)
		add_canary(&j, rj_add_object(&j, root, "canary"), record);
	if (record->status)
		(void)rj_add(&j, root, "status", cJSON_Duplicate(record->status, true));
	if (rj_finish(&j, root, &root) == 0) {
		text = cJSON_PrintUnformatted(root);
		cJSON_Delete(root);
	}
	return text;
}

/* ---- reading ---- */

/* A text of @object that may be printed, in @arena; "" where it is none. NULL: no memory. */
static const char *clean_text(const cJSON *object, const char *name, struct arena *arena)
{
	const char *text = wire_string(object, name);
	char *copy =
		arena_strndup(arena, text ? text : "", text ? strnlen(text, LIMIT_ETCD_ERROR) : 0);

	if (copy)
		text_clean(copy);
	return copy;
}

/* "0123456789abcdef". */
static int read_digest(const cJSON *object, uint64_t *ret)
{
	const char *digest = wire_string(object, "digest");

	if (!digest || strlen(digest) != 16 || strspn(digest, "0123456789abcdef") != 16)
		return -EINVAL;
	*ret = strtoull(digest, NULL, 16);
	return 0;
}

static int read_policy(const cJSON *root, struct arena *arena, struct fleet_record *ret)
{
	const cJSON *policy = cJSON_GetObjectItemCaseSensitive(root, "policy");
	double revision = wire_number(policy, "revision", -1);

	if (!(revision >= 0 && revision < 9e15) ||
	    state_of(wire_string(policy, "state"), &ret->state) < 0 ||
	    read_digest(policy, &ret->digest) < 0)
		return -EINVAL;
	ret->revision = (int64_t)revision;
	ret->error = clean_text(policy, "error", arena);
	return ret->error ? 0 : -ENOMEM;
}

/* One that is not there, or of another form, is none that is known. */
static int read_inventory(const cJSON *root, struct arena *arena, struct fleet_record *ret)
{
	const cJSON *inventory = cJSON_GetObjectItemCaseSensitive(root, "inventory");

	if (read_digest(inventory, &ret->inventory) < 0)
		ret->inventory = 0;
	ret->inventory_error = clean_text(inventory, "error", arena);
	return ret->inventory_error ? 0 : -ENOMEM;
}

/* Names of another form, and more than a host may have, are no groups of it. */
static int read_groups(const cJSON *root, struct arena *arena, struct fleet_record *ret)
{
	const char **groups = arena_alloc(arena, LIMIT_FLEET_GROUPS * sizeof(*groups));
	const cJSON *item;

	if (!groups)
		return -ENOMEM;
	cJSON_ArrayForEach(item, wire_array(root, "groups")) {
		const char *name = cJSON_GetStringValue(item);
		if (!name || !fleet_is_name(name) || ret->n_groups == LIMIT_FLEET_GROUPS)
			continue;
		groups[ret->n_groups] = arena_strdup(arena, name);
		if (!groups[ret->n_groups++])
			return -ENOMEM;
	}
	ret->groups = groups;
	return 0;
}

static int read_canary(const cJSON *root, struct arena *arena, struct fleet_record *ret)
{
	const cJSON *canary = cJSON_GetObjectItemCaseSensitive(root, "canary");
	double n = wire_number(canary, "n_cut", 0);

	ret->has_canary = cJSON_IsObject(canary);
	ret->is_blind = wire_bool(canary, "blind", false);
	ret->n_cut = n >= 1 && n < 9e15 ? (uint64_t)n : 0;
	ret->cut = clean_text(canary, "cut", arena);
	return ret->cut ? 0 : -ENOMEM;
}

int fleet_read_record(const char *bytes, size_t len, struct arena *arena, struct fleet_record *ret,
		      cJSON **json)
{
	const struct json_limits limits = { .depth = 16, .items = LIMIT_FLEET_RECORD_ITEMS };
	size_t offset;

	*json = NULL;
	*ret = (struct fleet_record){ 0 };
	if (json_scan(bytes, len, limits, &offset))
		return -EINVAL;
	cJSON *root = cJSON_ParseWithLength(bytes, len);
	int r = cJSON_IsObject(root) ? read_policy(root, arena, ret) : -EINVAL;
	if (r == 0)
		r = read_inventory(root, arena, ret);
	if (r == 0)
		r = read_groups(root, arena, ret);
	if (r == 0)
		r = read_canary(root, arena, ret);
	if (r == 0) {
		ret->host = clean_text(root, "host", arena);
		ret->version = clean_text(root, "netd", arena);
		r = ret->host && ret->version ? 0 : -ENOMEM;
	}
	if (r == 0 && wire_string(root, "namesake")) {
		ret->namesake = clean_text(root, "namesake", arena);
		r = ret->namesake ? 0 : -ENOMEM;
	}
	if (r < 0) {
		cJSON_Delete(root);
		return r;
	}
	ret->status = cJSON_GetObjectItemCaseSensitive(root, "status");
	*json = root;
	return 0;
}
