/* SPDX-License-Identifier: GPL-2.0-or-later */
/* flows and top as text. */
#include <stdio.h>
#include <string.h>

#include "ctl/out-text.h"
#include "ctl/show-flows.h"

static const char *or_nothing(const char *text)
{
	return text ? text : "";
}

const char *show_flow_end(const cJSON *flow, const char *name, struct arena *arena)
{
	const cJSON *end = cJSON_GetObjectItemCaseSensitive(flow, name);
	const char *container = member_text(end, "container"), *tier = member_text(end, "tier");
	const char *address = member_text(end, "address"), *zone = member_text(end, "zone");
	const char *kind = member_text(end, "kind");

	if (*container)
		return or_nothing(arena_printf(arena, "%s (%s%s)", container,
					       *tier ? tier : "no tier",
					       wire_bool(end, "gone", false) ? ", gone" : ""));
	if (strcmp(kind, "host") == 0)
		return "host";
	if (strcmp(kind, "nobody") == 0)
		return *address ? or_nothing(arena_printf(arena, "%s (no container)", address))
				: "no container";
	if (!*address)
		return *zone ? zone : "elsewhere";
	return or_nothing(arena_printf(arena, "%s (%s)", address, *zone ? zone : "no zone"));
}

const char *show_flow_port(const cJSON *flow, struct arena *arena)
{
	double host_port = wire_number(flow, "host_port", 0);
	const char *port = member_text(flow, "port");
	bool folded = false;
	const cJSON *item;

	cJSON_ArrayForEach(item, wire_array(flow, "folded"))
		folded |= cJSON_IsString(item) && strcmp(item->valuestring, "port") == 0;
	if (folded)
		return or_nothing(arena_printf(arena, "more of %s", port));
	if (host_port > 0)
		return or_nothing(arena_printf(arena, "%s (%.0f)", port, host_port));
	return port;
}

/* What decided: the rule, the reason, or the sentence. */
static const char *decider(const cJSON *flow, struct arena *arena)
{
	const char *rule = member_place(cJSON_GetObjectItemCaseSensitive(flow, "rule"), arena);
	const char *reason = member_text(flow, "reason"), *why = member_text(flow, "why");

	return *rule ? rule : *reason ? reason : why;
}

static const char *verdict_text(const cJSON *flow, struct arena *arena)
{
	const char *verdict = member_text(flow, "verdict"), *now = member_text(flow, "now");

	return *now ? or_nothing(arena_printf(arena, "%s (now %s)", verdict, now)) : verdict;
}

static enum paint paint_of(const cJSON *flow)
{
	const char *verdict = member_text(flow, "verdict");

	return strcmp(verdict, "denied") == 0	 ? PAINT_BAD
	       : strcmp(verdict, "audited") == 0 ? PAINT_WARN
						 : PAINT_PLAIN;
}

static void table_of_flows(const struct ctl *ctl, const cJSON *report, struct arena *arena)
{
	static const char *const columns[] = { "FROM", "TO",	"PORT", "VERDICT",
					       "BY",   "COUNT", "LAST" };
	struct table *table = table_new(ctl, columns, ARRAY_LEN(columns));
	const cJSON *flow;

	cJSON_ArrayForEach(flow, wire_array(report, "flows")) {
		const char *row[] = {
			show_flow_end(flow, "from", arena),
			show_flow_end(flow, "to", arena),
			show_flow_port(flow, arena),
			verdict_text(flow, arena),
			decider(flow, arena),
			count_text(wire_number(flow, "count", 0), arena),
			member_text(flow, "last"),
		};
		table_row(table, row, paint_of(flow));
	}
	table_print(table);
}

/* What is not in the list, where something may not be. */
static void show_gaps(const struct ctl *ctl, const cJSON *summary, struct arena *arena)
{
	const char *unseen = member_list(summary, "unseen_networks", arena);
	double pushed_out = wire_number(summary, "pushed_out", 0);

	(void)fputs(paint_for(ctl, PAINT_WARN), stdout);
	if (pushed_out > 0)
		printf("%.0f flows were forgotten for newer ones\n", pushed_out);
	if (wire_number(summary, "lost_events", 0) > 0 ||
	    wire_number(summary, "lost_messages", 0) > 0)
		printf("some came faster than netd reads them: counts are too small\n");
	if (wire_bool(summary, "damaged", false))
		printf("the file of an earlier run was damaged: what it knew is forgotten\n");
	if (*unseen)
		printf("not seen: connections between two containers on %s, which the packet "
		       "filter does not track\n",
		       unseen);
	(void)fputs(paint_for(ctl, PAINT_PLAIN), stdout);
}

static bool is_on(const cJSON *summary)
{
	if (wire_bool(summary, "on", false))
		return true;
	printf("netd keeps no flows: `flows = off` in netd.conf(5)\n");
	return false;
}

void show_flows(const struct ctl *ctl, const cJSON *report)
{
	const cJSON *summary = cJSON_GetObjectItemCaseSensitive(report, "summary");
	CLEANUP(arena_freep) struct arena *arena = arena_new();

	if (!arena) {
		*ctl->failure = ctl_out_of_memory();
		return;
	}
	if (!is_on(summary))
		return;
	table_of_flows(ctl, report, arena);
	show_gaps(ctl, summary, arena);
}

void show_flow_line(const struct ctl *ctl, const cJSON *flow, double n)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	char *line = arena ? arena_printf(arena, "%s  %-7s  %s -> %s  %s  %s  +%.0f",
					  member_text(flow, "last"), member_text(flow, "verdict"),
					  show_flow_end(flow, "from", arena),
					  show_flow_end(flow, "to", arena),
					  show_flow_port(flow, arena), decider(flow, arena), n)
			   : NULL;

	if (!line) {
		*ctl->failure = ctl_out_of_memory();
		return;
	}
	text_clean(line);
	printf("%s%s%s\n", paint_for(ctl, paint_of(flow)), line, paint_for(ctl, PAINT_PLAIN));
}

/* ---- top ---- */

static void table_of_tiers(const struct ctl *ctl, const cJSON *report, struct arena *arena)
{
	static const char *const columns[] = { "FROM", "TO", "PASSED", "DENIED" };
	struct table *table = table_new(ctl, columns, ARRAY_LEN(columns));
	const cJSON *pair;

	cJSON_ArrayForEach(pair, wire_array(report, "tiers")) {
		double denied = wire_number(pair, "denied", 0);
		const char *row[] = {
			member_text(pair, "from"),
			member_text(pair, "to"),
			count_text(wire_number(pair, "passed", 0), arena),
			count_text(denied, arena),
		};
		table_row(table, row, denied > 0 ? PAINT_BAD : PAINT_PLAIN);
	}
	table_print(table);
}

static void table_of_rules(const struct ctl *ctl, const cJSON *report, struct arena *arena)
{
	static const char *const columns[] = { "RULE", "SAYS", "HITS", "BYTES" };
	struct table *table = table_new(ctl, columns, ARRAY_LEN(columns));
	const cJSON *rule;

	cJSON_ArrayForEach(rule, wire_array(report, "rules")) {
		const char *row[] = {
			member_place(rule, arena),
			rule_text(rule, arena),
			count_text(wire_number(rule, "packets", 0), arena),
			count_text(wire_number(rule, "bytes", 0), arena),
		};
		table_row(table, row, PAINT_PLAIN);
	}
	table_print(table);
}

void show_top(const struct ctl *ctl, const cJSON *report)
{
	const cJSON *summary = cJSON_GetObjectItemCaseSensitive(report, "summary");
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const cJSON *rules = wire_array(report, "rules");

	if (!arena) {
		*ctl->failure = ctl_out_of_memory();
		return;
	}
	if (is_on(summary)) {
		printf("%sflows, by connections%s\n", paint_for(ctl, PAINT_BOLD),
		       paint_for(ctl, PAINT_PLAIN));
		table_of_flows(ctl, report, arena);
		printf("\n%stiers, by connections%s\n", paint_for(ctl, PAINT_BOLD),
		       paint_for(ctl, PAINT_PLAIN));
		table_of_tiers(ctl, report, arena);
	}
	if (rules && rules->child) {
		printf("\n%srules, by packets%s\n", paint_for(ctl, PAINT_BOLD),
		       paint_for(ctl, PAINT_PLAIN));
		table_of_rules(ctl, report, arena);
	}
	if (wire_bool(summary, "on", false))
		show_gaps(ctl, summary, arena);
}
