/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fleet status: what became of the policy on each host. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/fleet/fleet.h"
#include "core/report/json.h"
#include "ctl/fleet.h"
#include "ctl/out-text.h"

/* A host's line. */
struct row {
	const char *host; /* of the key: what is in the record may say anything */
	struct fleet_record record;
	bool is_damaged;
	cJSON *json;
};

static int read_rows(const struct fleet *fleet, struct row **ret, size_t *ret_n)
{
	const char *below = arena_printf(fleet->arena, "%s/records/", fleet->conf.prefix);
	size_t n = 0;
	const struct etcd_key *keys = below ? etcd_mirror_below(fleet->keys, below, &n) : NULL;
	struct row *rows = arena_alloc(fleet->arena, n * sizeof(*rows));

	if (!below || !rows)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		rows[i].host = keys[i].key + strlen(below);
		int r = fleet_is_name(rows[i].host)
				? fleet_read_record(keys[i].value, keys[i].len, fleet->arena,
						    &rows[i].record, &rows[i].json)
				: -EINVAL;
		if (r == -ENOMEM)
			return r;
		rows[i].is_damaged = r < 0;
		if (!fleet_is_name(rows[i].host))
			rows[i].host = "?";
	}
	*ret = rows;
	*ret_n = n;
	return 0;
}

static cJSON *status_report(const struct row *rows, size_t n, const char *canary)
{
	struct rj j = { 0 };
	cJSON *root = rj_answer(&j), *hosts;

	rj_text(&j, root, "canary", canary);
	hosts = rj_add_array(&j, root, "hosts");

	for (size_t i = 0; i < n; i++) {
		const struct fleet_record *record = &rows[i].record;
		cJSON *host = rj_push_object(&j, hosts);
		char digest[HASH_TEXT_LEN];
		rj_text(&j, host, "host", rows[i].host);
		rj_text(&j, host, "state",
			rows[i].is_damaged ? "damaged" : fleet_state_name(record->state));
		if (rows[i].is_damaged)
			continue;
		rj_number(&j, host, "revision", (double)record->revision);
		rj_text(&j, host, "digest", hash_format(record->digest, digest));
		rj_text(&j, host, "error", *record->error ? record->error : NULL);
		rj_text(&j, host, "namesake", record->namesake);
		if (record->status)
			(void)rj_add(&j, host, "status", cJSON_Duplicate(record->status, true));
	}
	return rj_finish(&j, root, &root) == 0 ? root : NULL;
}

/* What keeps a host from being well, in a word or two; "" if nothing does. */
static const char *trouble(const cJSON *host, struct arena *arena)
{
	const cJSON *status = cJSON_GetObjectItemCaseSensitive(host, "status");
	const char *error = member_text(host, "error"), *namesake = wire_string(host, "namesake");
	const char *text = "";
	double flaws = wire_number(status, "flaws", 0), drifts = wire_number(status, "drifts", 0);

	if (*error)
		return error;
	if (namesake)
		text = arena_printf(arena, "another host has this name, too%s%s",
				    *namesake ? ": " : "", namesake);
	else if (!status)
		text = "netd does not answer";
	else if (strcmp(member_text(status, "docker"), "up") != 0)
		text = "Docker is not followed";
	else if (flaws > 0 || drifts > 0)
		text = arena_printf(arena, "%.0f findings, %.0f drifts", flaws, drifts);
	return text ? text : "";
}

static void show_hosts(const struct ctl *ctl, const cJSON *report)
{
	static const char *const columns[] = { "HOST", "POLICY",     "REVISION",
					       "MODE", "GENERATION", "TROUBLE" };
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct table *table = table_new(ctl, columns, ARRAY_LEN(columns));
	const cJSON *host;

	cJSON_ArrayForEach(host, (arena ? wire_array(report, "hosts") : NULL)) {
		const cJSON *status = cJSON_GetObjectItemCaseSensitive(host, "status");
		const char *state = member_text(host, "state"), *bad = trouble(host, arena);
		const char *cells[] = {
			member_text(host, "host"),
			state,
			arena_printf(arena, "%.0f", wire_number(host, "revision", 0)),
			member_text(status, "mode"),
			arena_printf(arena, "%.0f", wire_number(status, "generation", 0)),
			bad,
		};
		table_row(table, cells,
			  strcmp(state, "in force") != 0 ? PAINT_BAD
			  : *bad			 ? PAINT_WARN
							 : PAINT_PLAIN);
	}
	table_print(table);
	if (*member_text(report, "canary"))
		printf("a canary of the group %s is under way\n", member_text(report, "canary"));
}

int fleet_status(const struct fleet *fleet)
{
	struct row *rows = NULL;
	size_t n = 0;
	bool fine = true;
	const char *canary = NULL;
	int r = read_rows(fleet, &rows, &n);

	if (r == 0)
		r = fleet_canary_group(fleet->keys, fleet->conf.prefix, fleet->arena, &canary);
	cJSON *report = r == 0 ? status_report(rows, n, canary) : NULL;

	for (size_t i = 0; i < n; i++) {
		fine = fine && !rows[i].is_damaged && !rows[i].record.namesake &&
		       rows[i].record.state == FLEET_IN_FORCE;
		cJSON_Delete(rows[i].json);
	}
	return show_report(fleet->ctl, report, show_hosts, fine ? CTL_OK : CTL_FINDING);
}
