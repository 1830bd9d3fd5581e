/* SPDX-License-Identifier: GPL-2.0-or-later */
/* explain as text: the verdict first, then the way hop by hop. */
#include <stdio.h>
#include <string.h>

#include "core/base/json.h"
#include "ctl/out-text.h"

static const struct {
	const char *verdict, *word;
	enum paint paint;
} verdicts[] = {
	{ "allow", "ALLOWED", PAINT_GOOD },
	{ "audit", "ALLOWED (audit mode: enforce would deny it)", PAINT_WARN },
	{ "deny", "DENIED", PAINT_BAD },
	{ "uncertain", "NOT KNOWN: denied, but for what netd does not read", PAINT_WARN },
};

static const char *const deciders[][2] = {
	{ "netd", "netd" },
	{ "docker", "Docker" },
	{ "nobody", "nobody" },
};

static const char *way_verdict(const cJSON *way)
{
	if (wire_bool(way, "audited", false))
		return "audit";
	if (wire_bool(way, "uncertain", false))
		return "uncertain";
	return wire_bool(way, "allowed", false) ? "allow" : "deny";
}

static void print_verdict(const struct ctl *ctl, const char *verdict)
{
	for (size_t i = 0; i < ARRAY_LEN(verdicts); i++)
		if (strcmp(verdicts[i].verdict, verdict) == 0)
			printf("%s%s%s", paint_for(ctl, verdicts[i].paint), verdicts[i].word,
			       paint_for(ctl, PAINT_PLAIN));
}

static void print_end(const cJSON *end)
{
	const char *kind = member_text(end, "kind"), *tier = member_text(end, "tier");
	const char *address = member_text(end, "address"), *for_ = member_text(end, "stands_for");

	if (strcmp(kind, "host") == 0) {
		printf("this host");
	} else if (strcmp(kind, "address") == 0) {
		printf("%s", address);
		if (*for_)
			printf(" (for %s)", for_);
	} else if (strcmp(kind, "tier") == 0) {
		printf("a container of %s", *tier ? tier : "no tier");
	} else {
		printf("%s (%s, on %s, %s)", member_text(end, "container"),
		       *tier ? tier : "no tier", member_text(end, "network"),
		       *address ? address : "no address");
	}
}

static void print_rule(const struct ctl *ctl, const cJSON *rule, struct arena *arena)
{
	if (!rule)
		return;
	printf("        rule   %s%s%s  %s\n", paint_for(ctl, PAINT_BOLD), member_place(rule, arena),
	       paint_for(ctl, PAINT_PLAIN), rule_text(rule, arena));
}

static size_t widest(const cJSON *hops, const char *name)
{
	const cJSON *hop;
	size_t width = 0;

	cJSON_ArrayForEach(hop, hops) {
		size_t len = strlen(member_text(hop, name));
		width = len > width ? len : width;
	}
	return width;
}

static void print_hops(const struct ctl *ctl, const cJSON *way, struct arena *arena)
{
	const cJSON *hop, *hops = wire_array(way, "hops");
	int hook_width = (int)widest(hops, "hook"), chain_width = (int)widest(hops, "chain");
	int table_width = (int)widest(hops, "table");
	const char *last_hook = "", *last_table = "";

	if (!hops || !hops->child)
		return;
	printf("        way    %s\n", member_text(way, "path"));
	cJSON_ArrayForEach(hop, hops) {
		const char *hook = member_text(hop, "hook"), *table = member_text(hop, "table");
		const char *chain = member_text(hop, "chain");
		bool same = strcmp(hook, last_hook) == 0 && strcmp(table, last_table) == 0;
		const cJSON *counter = json_member(hop, "counter");
		printf("          %-*s %-*s  %s%-*s%s  %s", table_width, same ? "" : table,
		       hook_width, same ? "" : hook, paint_for(ctl, PAINT_BOLD), chain_width,
		       *chain ? chain : "-", paint_for(ctl, PAINT_PLAIN),
		       *chain ? member_text(hop, "rule") : "no rule matches");
		if (cJSON_HasObjectItem(counter, "packets"))
			printf("  %s[%s packets]%s", paint_for(ctl, PAINT_DIM),
			       count_text(wire_number(counter, "packets", 0), arena),
			       paint_for(ctl, PAINT_PLAIN));
		(void)putchar('\n');
		last_hook = hook;
		last_table = table;
	}
}

static const char *decider_of(const cJSON *way)
{
	const char *by = member_text(way, "by");

	for (size_t i = 0; i < ARRAY_LEN(deciders); i++)
		if (strcmp(deciders[i][0], by) == 0)
			return deciders[i][1];
	return by;
}

static void print_way(const struct ctl *ctl, const cJSON *way, struct arena *arena)
{
	printf("  %sIPv%.0f%s  ", paint_for(ctl, PAINT_BOLD), wire_number(way, "family", 0),
	       paint_for(ctl, PAINT_PLAIN));
	print_end(json_member(way, "from"));
	printf("  ->  ");
	print_end(json_member(way, "to"));
	printf("\n        ");
	print_verdict(ctl, way_verdict(way));
	printf(" by %s: %s\n", decider_of(way), member_text(way, "reason"));
	print_rule(ctl, json_member(way, "rule"), arena);
	print_hops(ctl, way, arena);
	if (wire_bool(way, "needs_bridge_nf", false))
		printf("        needs  nf_call_iptables = 1 on the bridge (netd sets it)\n");
}

/* The same decision for the same reason between ends of the same names. */
static bool is_alike(const cJSON *a, const cJSON *b)
{
	static const char *const texts[] = { "by", "reason", "path", "chain" };
	static const char *const names[] = { "kind", "container", "network", "stands_for", "tier" };

	if (strcmp(way_verdict(a), way_verdict(b)) != 0)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (strcmp(member_text(a, texts[i]), member_text(b, texts[i])) != 0)
			return false;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(member_text(json_member(a, "from"), names[i]),
			   member_text(json_member(b, "from"), names[i])) != 0 ||
		    strcmp(member_text(json_member(a, "to"), names[i]),
			   member_text(json_member(b, "to"), names[i])) != 0)
			return false;
	return true;
}

static const cJSON *find_alike(const cJSON *ways, const cJSON *way)
{
	const cJSON *other;

	cJSON_ArrayForEach(other, ways) {
		if (other == way)
			return NULL;
		if (is_alike(other, way))
			return other;
	}
	return NULL;
}

void show_explain(const struct ctl *ctl, const cJSON *report)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const cJSON *question = json_member(report, "question"), *ways = wire_array(report, "ways");
	const cJSON *way, *note;

	if (!arena)
		return;
	print_verdict(ctl, wire_bool(report, "uncertain", false) ? "uncertain"
								 : member_text(report, "verdict"));
	if (wire_array(report, "empty_tiers"))
		printf(" by the policy alone");
	printf("  %s -> %s  %s\n\n", member_text(question, "from"), member_text(question, "to"),
	       member_text(question, "port"));
	cJSON_ArrayForEach(way, ways) {
		const cJSON *alike = find_alike(ways, way);
		if (alike)
			printf("  %sIPv%.0f%s  the same as over IPv%.0f\n",
			       paint_for(ctl, PAINT_BOLD), wire_number(way, "family", 0),
			       paint_for(ctl, PAINT_PLAIN), wire_number(alike, "family", 0));
		else
			print_way(ctl, way, arena);
	}
	way = wire_array(report, "notes");
	if (way && way->child)
		(void)putchar('\n');
	cJSON_ArrayForEach(note, way)
		printf("  note: %s\n", cJSON_GetStringValue(note) ? note->valuestring : "");
}
