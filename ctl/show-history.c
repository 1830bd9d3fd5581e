/* SPDX-License-Identifier: GPL-2.0-or-later */
/* history as text. */
#include <stdio.h>
#include <string.h>

#include "ctl/out-text.h"

/* Who, in words: "root (uid 0)", "files at --policy", "root (uid 0), back to 3". */
static const char *who(const cJSON *item, struct arena *arena)
{
	static const struct {
		const char *by, *words;
	} others[] = {
		{ "files", "files at --policy" },
		{ "kept", "kept over a restart" },
	};
	const char *by = member_text(item, "by"), *user = member_text(item, "user");
	const char *text = NULL;

	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		if (strcmp(by, others[i].by) == 0)
			return others[i].words;
	text = *user ? arena_printf(arena, "%s (uid %.0f)", user, wire_number(item, "uid", 0))
		     : arena_printf(arena, "uid %.0f", wire_number(item, "uid", 0));
	if (text && strcmp(by, "rollback") == 0)
		text = arena_printf(arena, "%s, rollback to %.0f", text,
				    wire_number(item, "of", 0));
	return text ? text : "";
}

/* One line of what the plan said. */
static const char *summary(const cJSON *item, struct arena *arena)
{
	double gained = wire_number(item, "gained", -1), lost = wire_number(item, "lost", 0);
	double opened = wire_number(item, "opened", 0), closed = wire_number(item, "closed", 0);
	const char *text = NULL;

	if (gained < 0)
		return "-";
	if (gained + lost + opened + closed < 1)
		return "no flow changed";
	text = arena_printf(arena, "flows +%.0f -%.0f, exposures +%.0f -%.0f", gained, lost, opened,
			    closed);
	return text ? text : "";
}

void show_history(const struct ctl *ctl, const cJSON *report)
{
	static const char *const columns[] = { "GENERATION", "WHEN", "WHO", "CHANGED", "" };
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct table *table = table_new(ctl, columns, ARRAY_LEN(columns));
	const char *error = member_text(report, "error");
	const cJSON *item;

	cJSON_ArrayForEach(item, (arena ? wire_array(report, "policies") : NULL)) {
		bool in_force = wire_bool(item, "in_force", false);
		const char *row[] = {
			arena_printf(arena, "%.0f", wire_number(item, "generation", 0)),
			member_text(item, "when"),
			who(item, arena),
			summary(item, arena),
			in_force ? "in force" : "",
		};
		table_row(table, row, in_force ? PAINT_GOOD : PAINT_PLAIN);
	}
	table_print(table);
	if (*error)
		printf("%snot complete%s: %s\n", paint_for(ctl, PAINT_WARN),
		       paint_for(ctl, PAINT_PLAIN), error);
}

void show_history_record(const struct ctl *ctl, const cJSON *report)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const cJSON *plan = cJSON_GetObjectItemCaseSensitive(report, "plan"), *file;

	if (!arena)
		return;
	printf("%sgeneration %.0f%s  %s  %s\n", paint_for(ctl, PAINT_BOLD),
	       wire_number(report, "generation", 0), paint_for(ctl, PAINT_PLAIN),
	       member_text(report, "when"), who(report, arena));
	cJSON_ArrayForEach(file, wire_array(report, "files"))
		printf("  %s\n", member_text(file, "name"));
	printf("\n");
	if (cJSON_IsObject(plan))
		show_plan(ctl, plan);
	else
		printf("no plan is kept: it is still being made, nothing was in force before, or "
		       "it was too large\n");
}
