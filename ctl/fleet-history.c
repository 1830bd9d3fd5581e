/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fleet history and rollback: what the folders of the store were to hold, kept under
 * PREFIX/revisions/. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/fleet/fleet.h"
#include "core/report/json.h"
#include "ctl/fleet-change.h"
#include "ctl/out-text.h"

static cJSON *history_report(const struct fleet *fleet)
{
	static const char *const members[] = { "when", "by", "at", "folder" };
	struct rj j = { 0 };
	cJSON *root = rj_answer(&j), *list = rj_add_array(&j, root, "revisions");
	const char *below;
	size_t n;
	const struct etcd_key *keys = fleet_kept_revisions(fleet, &below, &n);

	for (size_t i = n; i-- > 0;) {
		cJSON *json = fleet_kept_read(&keys[i]), *row = rj_push_object(&j, list);
		rj_number(&j, row, "number", strtod(keys[i].key + strlen(below), NULL));
		for (size_t m = 0; m < ARRAY_LEN(members); m++)
			rj_text(&j, row, members[m],
				fleet_kept_member(json, members[m], fleet->arena));
		rj_number(&j, row, "files", cJSON_GetArraySize(wire_array(json, "files")));
		cJSON_Delete(json);
	}
	return rj_finish(&j, root, &root) == 0 ? root : NULL;
}

static void show_revisions(const struct ctl *ctl, const cJSON *report)
{
	static const char *const columns[] = { "NUMBER", "WHEN", "WHO", "WHAT", "FILES" };
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct table *table = table_new(ctl, columns, ARRAY_LEN(columns));
	const cJSON *row;

	cJSON_ArrayForEach(row, (arena ? wire_array(report, "revisions") : NULL)) {
		const char *cells[] = {
			arena_printf(arena, "%.0f", wire_number(row, "number", 0)),
			member_text(row, "when"),
			arena_printf(arena, "%s at %s", member_text(row, "by"),
				     member_text(row, "at")),
			member_text(row, "folder"),
			arena_printf(arena, "%.0f", wire_number(row, "files", 0)),
		};
		table_row(table, cells, PAINT_PLAIN);
	}
	table_print(table);
}

int fleet_history(const struct fleet *fleet)
{
	return show_report(fleet->ctl, history_report(fleet), show_revisions, CTL_OK);
}

/* Texts are borrowed from @json. CTL_OK, or an exit status after saying why. */
static int take_revision(const struct fleet *fleet, const cJSON *json, struct fleet_change *change)
{
	const char *folder = member_text(json, "folder"), *group = text_after(folder, "groups/");
	const cJSON *file;
	int status = CTL_FINDING;

	if (group || strcmp(folder, "policy") == 0)
		status = fleet_change_begin(change, fleet, group);
	cJSON_ArrayForEach(file, (status == CTL_OK ? wire_array(json, "files") : NULL)) {
		const char *name = member_text(file, "name"), *text = wire_string(file, "text");
		if (!fleet_is_name(name) || !text)
			return CTL_FINDING;
		if (VEC_PUSH(fleet->arena, &change->files.sources,
			     (struct policy_source){ name, text, strlen(text) }) < 0)
			return ctl_out_of_memory();
	}
	return status;
}

int fleet_rollback(const struct fleet *fleet)
{
	struct fleet_change change;
	const char *word = fleet->args->files[1], *below, *key = NULL;
	size_t n;

	if (strcmp(word, "canary") == 0)
		return fleet_canary_take_back(fleet);
	(void)fleet_kept_revisions(fleet, &below, &n);
	if (below && strlen(word) <= 12 && strspn(word, "0123456789") == strlen(word))
		key = arena_printf(fleet->arena, "%s%012llu", below, strtoull(word, NULL, 10));
	const struct etcd_key *kept = key ? etcd_mirror_find(fleet->keys, key) : NULL;
	if (!kept) {
		ctl_complain("there is no revision `%s`: `netdctl fleet history` lists them", word);
		return CTL_USAGE;
	}
	cJSON *json = fleet_kept_read(kept);
	int status = take_revision(fleet, json, &change);
	if (status == CTL_FINDING)
		ctl_complain("revision %s in the store is damaged", word);
	if (status == CTL_OK)
		status = fleet_change_check_revision(&change, key, wire_string(json, "signature"));
	if (status == CTL_OK)
		status = fleet_change_carry_out(&change);
	cJSON_Delete(json);
	return status;
}
