/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a candidate would change, as text. */
#include <stdio.h>

#include "ctl/out-text.h"
#include "ctl/show-flows.h"

void show_staging(const struct ctl *ctl, const cJSON *report)
{
	const cJSON *changes = cJSON_GetObjectItemCaseSensitive(report, "changes");

	if (!wire_bool(report, "staged", false)) {
		(void)puts("nothing is staged any more");
		return;
	}
	(void)puts("staged: what is in force stays; `netdctl stage` shows what it would deny of "
		   "what is seen");
	if (changes)
		show_changes(ctl, changes, "plan FILE");
}

static void show_side(const struct ctl *ctl, const cJSON *list, const char *title, enum paint what)
{
	static const char *const columns[] = {
		"FROM", "TO", "PORT", "BY", "SINCE", "COUNT", "LAST"
	};
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const cJSON *flow;

	printf("%s%s%s:%s\n", paint_for(ctl, PAINT_BOLD), title, paint_for(ctl, PAINT_PLAIN),
	       list && list->child ? "" : " none");
	if (!arena || !list || !list->child)
		return;
	struct table *table = table_new(ctl, columns, ARRAY_LEN(columns));
	cJSON_ArrayForEach(flow, list) {
		const cJSON *candidate = cJSON_GetObjectItemCaseSensitive(flow, "candidate");
		const char *rule =
			member_place(cJSON_GetObjectItemCaseSensitive(candidate, "rule"), arena);
		const char *row[] = {
			show_flow_end(flow, "from", arena),
			show_flow_end(flow, "to", arena),
			show_flow_port(flow, arena),
			*rule ? rule : member_text(candidate, "why"),
			count_text(wire_number(flow, "since_staged", 0), arena),
			count_text(wire_number(flow, "count", 0), arena),
			member_text(flow, "last"),
		};
		table_row(table, row, what);
	}
	table_print(table);
}

void show_stage(const struct ctl *ctl, const cJSON *report)
{
	const cJSON *staged = cJSON_GetObjectItemCaseSensitive(report, "staged");
	const char *digest = member_text(staged, "digest"); /* "": an older netd */
	double unjudged = wire_number(report, "not_judged", 0);

	printf("staged %s by %s\n", member_text(staged, "at"), member_text(staged, "by"));
	if (!wire_bool(report, "on", false))
		(void)puts("netd keeps no flows (`flows = off` in netd.conf(5)): there is nothing "
			   "to judge; `netdctl plan FILE` says what would change");
	show_side(ctl, wire_array(report, "would_deny"), "passes today, and would be denied",
		  PAINT_BAD);
	show_side(ctl, wire_array(report, "would_allow"), "denied today, and would pass",
		  PAINT_WARN);
	printf("the same: %.0f flows", wire_number(report, "same", 0));
	if (unjudged > 0)
		printf("; not judged: %.0f, of which an end is gone, or which no policy decides",
		       unjudged);
	(void)putchar('\n');
	if (*digest)
		printf("this, in the place of what is in force now, comes into force with:\n"
		       "  netdctl stage --apply --expect %s --confirm 60s\n",
		       digest);
}
