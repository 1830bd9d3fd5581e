/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reports that are tables: endpoints, rules, ports. */
#include <stdio.h>
#include <string.h>

#include "core/base/text.h"
#include "ctl/out-text.h"
#include "ctl/progress.h"

int show_report(const struct ctl *ctl, cJSON *report, show_fn *text, int status)
{
	(void)progress_end();
	if (!ctl_is_format(ctl, "json")) {
		text(ctl, report);
		cJSON_Delete(report);
		return status;
	}
	CLEANUP(free_ptr) char *json = cJSON_Print(report);
	cJSON_Delete(report);
	if (!json)
		return ctl_out_of_memory();
	(void)puts(json);
	return status;
}

const char *show_port_list(const cJSON *object, struct arena *arena)
{
	const char *except = member_list(object, "except", arena);
	const char *ports = member_list(object, "ports", arena);

	return *except ? arena_printf(arena, "%s but %s", ports, except) : ports;
}

const char *show_or_dash(const char *text)
{
	return *text ? text : "-";
}

static const char *addresses_of(const cJSON *object, struct arena *arena)
{
	const char *v4 = member_text(object, "ipv4"), *v6 = member_text(object, "ipv6");
	const char *own = *v4 && *v6 ? arena_printf(arena, "%s, %s", v4, v6)
			  : *v4	     ? v4
				     : show_or_dash(v6);
	const char *others = member_list(object, "speaks_for", arena);

	return *others ? arena_printf(arena, "%s (speaks for %s)", own, others) : own;
}

/* "policy.yaml:4 (role of its image)": labels of its own need no word. */
static const char *matched_by(const cJSON *item, struct arena *arena)
{
	const char *place = member_place(cJSON_GetObjectItemCaseSensitive(item, "match"), arena);
	const char *labels = NULL;
	const cJSON *label;

	cJSON_ArrayForEach(label, cJSON_GetObjectItemCaseSensitive(item, "labels"))
		if (cJSON_IsString(label) && strcmp(label->valuestring, "image") == 0)
			labels = arena_printf(arena, "%s%s%s of its image", labels ? labels : "",
					      labels ? ", " : "", label->string);
	return labels ? arena_printf(arena, "%s (%s)", place, labels) : place;
}

void show_endpoints(const struct ctl *ctl, const cJSON *report)
{
	static const char *const columns[] = { "CONTAINER", "NETWORK", "ADDRESS", "PORT",
					       "TIER",	    "MODE",    "BY" };
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct table *table = table_new(ctl, columns, ARRAY_LEN(columns));
	const cJSON *item;

	cJSON_ArrayForEach(item, (arena ? wire_array(report, "endpoints") : NULL)) {
		const char *tier = member_text(item, "tier"), *why = member_text(item, "why");
		const char *row[] = {
			member_text(item, "container"),
			member_text(item, "network"),
			addresses_of(item, arena),
			show_or_dash(member_text(item, "port")),
			*tier ? tier : member_text(item, "state"),
			member_text(item, "mode"),
			*why ? why : matched_by(item, arena),
		};
		table_row(table, row, *tier && !*why ? PAINT_PLAIN : PAINT_BAD);
	}
	table_print(table);
	cJSON_ArrayForEach(item, (arena ? wire_array(report, "unholdable") : NULL))
		printf("%s%s%s can get around a packet filter: %s (netdctl doctor says more)\n",
		       paint_for(ctl, PAINT_WARN), member_text(item, "container"),
		       paint_for(ctl, PAINT_PLAIN), member_list(item, "traits", arena));
}

static const char *hits_of(const cJSON *item, struct arena *arena)
{
	if (!cJSON_HasObjectItem(item, "packets"))
		return "-";
	return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(item, "never_hit"))
		       ? "never"
		       : count_text(wire_number(item, "packets", 0), arena);
}

void show_rules(const struct ctl *ctl, const cJSON *report)
{
	static const char *const columns[] = { "RULE",	"ACTION", "FROM", "TO",
					       "PORTS", "UNTIL",  "HITS", "BYTES" };
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct table *table = table_new(ctl, columns, ARRAY_LEN(columns));
	const cJSON *item;

	cJSON_ArrayForEach(item, (arena ? wire_array(report, "rules") : NULL)) {
		bool expired = wire_bool(item, "expired", false);
		bool live = cJSON_HasObjectItem(item, "packets");
		const char *until = member_text(item, "until");
		const char *row[] = {
			member_place(item, arena),
			member_text(item, "action"),
			member_list(item, "from", arena),
			member_list(item, "to", arena),
			member_list(item, "ports", arena),
			expired ? arena_printf(arena, "%s (over)", until) : show_or_dash(until),
			hits_of(item, arena),
			live ? count_text(wire_number(item, "bytes", 0), arena) : "-",
		};
		table_row(table, row,
			  expired				? PAINT_DIM
			  : wire_bool(item, "never_hit", false) ? PAINT_WARN
								: PAINT_PLAIN);
	}
	table_print(table);
}

const char *show_published(const cJSON *item, struct arena *arena)
{
	const char *ip = member_text(item, "host_ip");
	bool v6 = strchr(ip, ':') != NULL;
	double port = wire_number(item, "host_port", 0);
	double last = wire_number(item, "host_port_last", port);
	const char *range = last > port ? arena_printf(arena, "%.0f-%.0f", port, last)
					: arena_printf(arena, "%.0f", port);
	const char *text = port < 1 ? arena_printf(arena, "%s at a port that Docker chooses", ip)
				    : arena_printf(arena, "%s%s%s:%s", v6 ? "[" : "", ip,
						   v6 ? "]" : "", range ? range : "");

	return text ? text : "";
}

void show_ports(const struct ctl *ctl, const cJSON *report)
{
	static const char *const columns[] = { "PUBLISHED",	 "CONTAINER", "PORT",	"TIER",
					       "REACHABLE FROM", "INSIDE BY", "WARNING" };
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct table *table = table_new(ctl, columns, ARRAY_LEN(columns));
	const cJSON *item;

	cJSON_ArrayForEach(item, (arena ? wire_array(report, "ports") : NULL)) {
		const char *reach = member_list(item, "reachable_from", arena);
		const char *warning = member_text(item, "warning");
		const char *row[] = {
			show_published(item, arena),
			member_text(item, "container"),
			member_text(item, "port"),
			show_or_dash(member_text(item, "tier")),
			*reach				? reach
			: wire_bool(item, "host", true) ? "this host alone"
							: "nobody, this host included",
			show_or_dash(member_list(item, "tiers", arena)),
			warning,
		};
		table_row(table, row, *warning ? PAINT_WARN : PAINT_PLAIN);
	}
	table_print(table);
}
