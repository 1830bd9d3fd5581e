/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a host says of itself, as JSON. Whoever reads it must not trust it: each host writes its
 * own. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

char *fleet_print_record(const struct fleet_record *record)
{
	struct rj j = { 0 };
	cJSON *root = rj_answer(&j), *policy;
	char digest[17];
	char *text = NULL;

	(void)snprintf(digest, sizeof(digest), "%016" PRIx64, record->digest);
	rj_text(&j, root, "host", record->host);
	rj_text(&j, root, "netd", record->version);
	policy = rj_add_object(&j, root, "policy");
	rj_text(&j, policy, "state", fleet_state_name(record->state));
	rj_number(&j, policy, "revision", (double)record->revision);
	rj_text(&j, policy, "digest", digest);
	rj_text(&j, policy, "error", record->error);
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

static int read_policy(const cJSON *root, struct arena *arena, struct fleet_record *ret)
{
	const cJSON *policy = cJSON_GetObjectItemCaseSensitive(root, "policy");
	const char *digest = wire_string(policy, "digest");
	double revision = wire_number(policy, "revision", -1);
	char *end = NULL;

	if (!digest || strlen(digest) != 16 || !(revision >= 0 && revision < 9e15) ||
	    state_of(wire_string(policy, "state"), &ret->state) < 0)
		return -EINVAL;
	ret->digest = strtoull(digest, &end, 16);
	if (*end)
		return -EINVAL;
	ret->revision = (int64_t)revision;
	ret->error = clean_text(policy, "error", arena);
	return ret->error ? 0 : -ENOMEM;
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
	if (r == 0) {
		ret->host = clean_text(root, "host", arena);
		ret->version = clean_text(root, "netd", arena);
		r = ret->host && ret->version ? 0 : -ENOMEM;
	}
	if (r < 0) {
		cJSON_Delete(root);
		return r;
	}
	ret->status = cJSON_GetObjectItemCaseSensitive(root, "status");
	*json = root;
	return 0;
}
