/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The report `status`, as lines of a name and what it says. */
#include <stdio.h>
#include <string.h>

#include "core/base/text.h"
#include "ctl/out-text.h"

static void status_line(const struct ctl *ctl, const char *name, const char *text, enum paint what)
{
	printf("%12s: %s%s%s\n", name, paint_for(ctl, what), text, paint_for(ctl, PAINT_PLAIN));
}

static void show_tier_counts(const struct ctl *ctl, const cJSON *report, struct arena *arena)
{
	const cJSON *tier, *counts = cJSON_GetObjectItemCaseSensitive(report, "endpoints"), *item;
	const char *line = "", *trouble = "";

	cJSON_ArrayForEach(tier, wire_array(report, "tiers")) {
		bool audit = strcmp(member_text(tier, "mode"), "audit") == 0;
		line = arena_printf(arena, "%s%s%s %.0f%s", line, *line ? ", " : "",
				    member_text(tier, "name"), wire_number(tier, "endpoints", 0),
				    audit ? " (audit)" : "");
		if (!line)
			return;
	}
	status_line(ctl, "endpoints", *line ? line : "none", PAINT_PLAIN);
	cJSON_ArrayForEach(item, counts) {
		if (strcmp(item->string, "tier") == 0 || strcmp(item->string, "unmanaged") == 0 ||
		    !(item->valuedouble > 0))
			continue;
		trouble = arena_printf(arena, "%s%s%s %.0f", trouble, *trouble ? ", " : "",
				       item->string, item->valuedouble);
		if (!trouble)
			return;
	}
	status_line(ctl, "without tier", *trouble ? trouble : "none",
		    *trouble ? PAINT_WARN : PAINT_GOOD);
}

/* A published port, and another one: "0.0.0.0:80 -> web 80/tcp, 0.0.0.0:443 -> web 443/tcp". */
static const char *published_list(const cJSON *list, struct arena *arena)
{
	const char *text = "";
	const cJSON *item;

	cJSON_ArrayForEach(item, list) {
		text = arena_printf(arena, "%s%s%s -> %s %s", text, *text ? ", " : "",
				    show_published(item, arena), member_text(item, "container"),
				    member_text(item, "port"));
		if (!text)
			return "";
	}
	return text;
}

static void show_waiting(const struct ctl *ctl, const cJSON *report, const cJSON *waits,
			 struct arena *arena)
{
	const cJSON *published = wire_array(waits, "published");
	double n = wire_number(waits, "n_published", 0);
	double more = n - cJSON_GetArraySize(published);

	status_line(
		ctl, "mode",
		arena_printf(arena,
			     "NO POLICY: nothing is enforced; netd waits for a first one in %s, "
			     "or `netdctl apply`",
			     member_text(report, "policy")),
		PAINT_BAD);
	status_line(ctl, "would close",
		    arena_printf(arena,
				 "what it does not allow, of %.0f endpoints on %.0f networks and "
				 "%.0f published ports: `netdctl plan FILE`",
				 wire_number(waits, "endpoints", 0),
				 wire_number(waits, "networks", 0), n),
		    PAINT_WARN);
	if (published && published->child)
		status_line(ctl, "published", published_list(published, arena), PAINT_WARN);
	if (more > 0)
		status_line(ctl, "published", arena_printf(arena, "and %.0f more", more),
			    PAINT_WARN);
}

static void show_mode(const struct ctl *ctl, const cJSON *report, struct arena *arena)
{
	const char *mode = member_text(report, "mode"), *off = member_text(report, "off_since");
	const cJSON *waits = cJSON_GetObjectItemCaseSensitive(report, "waits_for_policy");

	if (waits)
		show_waiting(ctl, report, waits, arena);
	else if (*off)
		status_line(ctl, "mode",
			    arena_printf(arena,
					 "OFF since %s: nothing is enforced; `netdctl reload` puts "
					 "the policy back",
					 off),
			    PAINT_BAD);
	else
		status_line(ctl, "mode", *mode ? mode : "no policy: everything is closed",
			    strcmp(mode, "enforce") == 0 ? PAINT_GOOD : PAINT_WARN);
}

/* "/etc/netd/policy.d", or "applied by root; /etc/netd/policy.d differs". NULL: no memory. */
static const char *policy_origin(const cJSON *report, struct arena *arena)
{
	const char *path = member_text(report, "policy"),
		   *origin = member_text(report, "policy_origin");
	const char *differs =
		cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(report, "policy_differs"))
			? " differs"
			: " is the same";

	if (!*origin || strcmp(origin, path) == 0)
		return show_or_dash(path);
	return arena_printf(arena, "%s (%s%s)", origin, path, differs);
}

static void show_fleet(const struct ctl *ctl, const cJSON *report, struct arena *arena)
{
	bool away;
	const char *text = show_fleet_text(report, arena, &away);

	if (text && *text)
		status_line(ctl, "fleet", text, away ? PAINT_WARN : PAINT_PLAIN);
}

static void show_policy(const struct ctl *ctl, const cJSON *report, struct arena *arena)
{
	const char *error = member_text(report, "policy_error");
	const char *until = member_text(report, "confirm_until");
	const char *history = member_text(report, "history_error");
	const char *state = member_text(report, "state_error");
	double number = wire_number(report, "policy_generation", 0);
	const char *generation =
		number > 0 ? arena_printf(arena, ", generation %.0f", number) : NULL;
	const char *origin = policy_origin(report, arena);
	const char *digest = member_text(report, "policy_digest");
	const char *text = arena_printf(arena, "%s%s%s%s, committed %s", origin ? origin : "",
					generation ? generation : "", *digest ? ", digest " : "",
					digest, show_or_dash(member_text(report, "committed")));

	status_line(ctl, "policy", text ? text : "", PAINT_PLAIN);
	if (*error)
		status_line(ctl, "not applied", error, PAINT_BAD);
	if (*state)
		status_line(ctl, "not kept", state, PAINT_BAD);
	if (*history && strcmp(history, state) != 0)
		status_line(ctl, "history", history, PAINT_WARN);
	if (*until)
		status_line(ctl, "waits",
			    arena_printf(arena, "for `netdctl confirm` until %s", until),
			    PAINT_WARN);
}

static void show_kernel(const struct ctl *ctl, const cJSON *report, struct arena *arena)
{
	static const struct {
		const char *holds, *text;
		enum paint paint;
	} all[] = {
		{ "committed", "holds what was committed", PAINT_GOOD },
		{ "closed-base", "holds the closed base alone", PAINT_BAD },
		{ "earlier-run", "holds the rules of an earlier run, until Docker was read",
		  PAINT_WARN },
		{ "nothing", "holds none of netd's rules", PAINT_WARN },
		{ "differs", "DIFFERS from what it should hold", PAINT_BAD },
		{ "unknown", "is not known", PAINT_BAD },
	};
	const cJSON *kernel = cJSON_GetObjectItemCaseSensitive(report, "kernel");
	const char *error = member_text(kernel, "error"), *first = member_text(kernel, "first");
	double more = wire_number(kernel, "differences", 0) - 1;

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		if (strcmp(member_text(kernel, "holds"), all[i].holds) != 0)
			continue;
		const char *text = all[i].text;
		if (*error)
			text = arena_printf(arena, "%s: %s", text, error);
		else if (*first && all[i].paint == PAINT_BAD)
			text = arena_printf(arena, "%s: %s%s", text, first,
					    more > 0 ? ", and more: `netdctl verify`" : "");
		status_line(ctl, "kernel", text ? text : "", all[i].paint);
	}
}

static void show_latency(const struct ctl *ctl, const cJSON *report, struct arena *arena)
{
	const cJSON *latency = cJSON_GetObjectItemCaseSensitive(report, "event_to_commit");
	double samples = wire_number(latency, "samples", 0);

	if (samples < 1)
		return;
	status_line(ctl, "admission",
		    arena_printf(arena,
				 "%.1f ms median, %.1f ms p99, from Docker's event to the rules",
				 wire_number(latency, "p50_us", 0) / 1000,
				 wire_number(latency, "p99_us", 0) / 1000),
		    PAINT_PLAIN);
}

static void show_stalls(const struct ctl *ctl, const cJSON *report, struct arena *arena)
{
	const cJSON *stalls = cJSON_GetObjectItemCaseSensitive(report, "stalls");
	double n = wire_number(stalls, "count", 0);

	if (n > 0)
		status_line(ctl, "stood still",
			    arena_printf(arena, "%.0f ms at the longest, %.0f times in all",
					 wire_number(stalls, "longest_us", 0) / 1000, n),
			    PAINT_WARN);
}

static void show_disagreements(const struct ctl *ctl, const cJSON *report, struct arena *arena)
{
	const cJSON *list = wire_array(report, "disagreements"), *item;
	double more = wire_number(report, "n_disagreements", 0) - cJSON_GetArraySize(list);

	cJSON_ArrayForEach(item, list)
		status_line(ctl, "closed", member_text(item, "text"), PAINT_WARN);
	if (more > 0)
		status_line(ctl, "closed", arena_printf(arena, "%.0f more of this kind", more),
			    PAINT_WARN);
}

static void show_log(const struct ctl *ctl, const cJSON *report, struct arena *arena)
{
	double lost = wire_number(report, "log_lost", 0);

	if (lost > 0)
		status_line(ctl, "log",
			    arena_printf(arena, "%.0f messages were lost because nobody read them",
					 lost),
			    PAINT_WARN);
}

static void show_flaws(const struct ctl *ctl, const cJSON *report, struct arena *arena)
{
	const cJSON *first = cJSON_GetArrayItem(wire_array(report, "flaws"), 0);
	double n = wire_number(report, "n_flaws", 0);

	if (n < 1)
		return;
	const char *name = member_text(first, "name");
	status_line(
		ctl, "closed",
		arena_printf(
			arena, "%s%s%s: %s%s", member_text(first, "kind"), *name ? " " : "", name,
			member_text(first, "text"),
			n > 1 ? arena_printf(arena, ", and %.0f more: run `netdctl doctor`", n - 1)
			      : ""),
		PAINT_BAD);
}

/* Bridges that are closed, shared or left alone. */
static void show_bridges(const struct ctl *ctl, const cJSON *report, struct arena *arena)
{
	const cJSON *bridge;

	cJSON_ArrayForEach(bridge, wire_array(report, "bridges")) {
		bool closed = wire_bool(bridge, "closed", false);
		const char *what = closed ? "closed: no Docker network uses it"
				   : strcmp(member_text(bridge, "whose"), "managed") == 0
					   ? "shared with others: only its containers are filtered"
					   : "left alone";
		status_line(ctl, "bridge",
			    arena_printf(arena, "%s %s", member_text(bridge, "name"), what),
			    closed ? PAINT_WARN : PAINT_PLAIN);
	}
}

/* How it is, and where it is asked; an error names that itself. */
static const char *docker_text(const cJSON *docker, bool up, struct arena *arena)
{
	const char *link = member_text(docker, "link"), *server = member_text(docker, "server");

	if (!up)
		return arena_printf(arena, "%s %s", link, member_text(docker, "error"));
	return *server ? arena_printf(arena, "%s at %s", link, server) : link;
}

/* "1,204 packets: 1,200 no-rule, 4 spoofed". */
static void show_denials(const struct ctl *ctl, const cJSON *report, const char *key,
			 struct arena *arena)
{
	double sum = wire_number(report, arena_printf(arena, "%s_packets", key), 0);
	const cJSON *reason, *by = cJSON_GetObjectItemCaseSensitive(report, key);
	char *line = arena_printf(arena, "%s packets", count_text(sum, arena));
	const char *between = ": ";

	cJSON_ArrayForEach(reason, by) {
		line = arena_printf(arena, "%s%s%s %s", line, between,
				    count_text(reason->valuedouble, arena), reason->string);
		between = ", ";
	}
	status_line(ctl, key, line, PAINT_PLAIN);
}

void show_status(const struct ctl *ctl, const cJSON *report)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const cJSON *docker = cJSON_GetObjectItemCaseSensitive(report, "docker");
	double drifts = wire_number(report, "drifts", 0);
	bool up = strcmp(member_text(docker, "state"), "down") != 0;
	bool needs_nf = wire_bool(report, "needs_bridge_nf", false);
	bool has_nf = wire_bool(report, "bridge_nf_ipv4", false) &&
		      wire_bool(report, "bridge_nf_ipv6", false);

	if (!arena)
		return;
	status_line(ctl, "netd", member_text(report, "version"), PAINT_BOLD);
	show_mode(ctl, report, arena);
	show_policy(ctl, report, arena);
	show_fleet(ctl, report, arena);
	show_kernel(ctl, report, arena);
	status_line(ctl, "docker", docker_text(docker, up, arena), up ? PAINT_GOOD : PAINT_BAD);
	show_flaws(ctl, report, arena);
	show_bridges(ctl, report, arena);
	if (!cJSON_HasObjectItem(report, "waits_for_policy"))
		show_tier_counts(ctl, report, arena);
	status_line(ctl, "bridge-nf",
		    !needs_nf ? "not needed"
		    : has_nf  ? "on"
			      : "off: what rules allow inside a network is dropped",
		    needs_nf && !has_nf ? PAINT_BAD : PAINT_PLAIN);
	show_latency(ctl, report, arena);
	status_line(ctl, "drift", drifts > 0 ? arena_printf(arena, "%.0f times", drifts) : "none",
		    drifts > 0 ? PAINT_WARN : PAINT_PLAIN);
	show_stalls(ctl, report, arena);
	show_disagreements(ctl, report, arena);
	show_log(ctl, report, arena);
	show_denials(ctl, report, "denied", arena);
	if (wire_number(report, "audited_packets", 0) > 0)
		show_denials(ctl, report, "audited", arena);
}
