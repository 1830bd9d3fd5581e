/* SPDX-License-Identifier: GPL-2.0-or-later */
/* plan and test as text. */
#include <stdio.h>
#include <string.h>

#include "ctl/out-text.h"
#include "ctl/show-plan.h"

const cJSON *plan_member(const cJSON *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(object, name);
}

const char *plan_families(const cJSON *flow)
{
	const cJSON *families = wire_array(flow, "families");

	if (cJSON_GetArraySize(families) != 1)
		return "";
	return families->child->valuedouble > 4 ? "IPv6 only" : "IPv4 only";
}

const char *plan_source(const cJSON *connection, struct arena *arena)
{
	const char *address = member_text(connection, "from_address"), *text;
	double port = wire_number(connection, "from_port", 0);
	bool v6 = strchr(address, ':') != NULL;

	if (port < 1)
		return address;
	text = arena_printf(arena, "%s%s%s:%.0f", v6 ? "[" : "", address, v6 ? "]" : "", port);
	return text ? text : "";
}

const char *plan_destination(const cJSON *connection, struct arena *arena)
{
	const char *text = arena_printf(arena, "%s at %s", member_text(connection, "port"),
					member_text(connection, "to_address"));

	return text ? text : "";
}

const char *plan_end(const cJSON *connection, bool source, struct arena *arena)
{
	const char *name = member_text(connection, source ? "from" : "to");
	const char *tier = member_text(connection, source ? "from_tier" : "to_tier");
	const char *text = *tier ? arena_printf(arena, "%s (%s)", name, tier) : name;

	return text ? text : "";
}

static int count(const cJSON *object, const char *name)
{
	return cJSON_GetArraySize(wire_array(object, name));
}

void plan_print_summary(const cJSON *report)
{
	const cJSON *exposures = plan_member(report, "exposures"), *item;
	const cJSON *connections = plan_member(report, "connections");
	int gained = count(report, "gained"), lost = count(report, "lost");
	int opened = count(exposures, "opened"), closed = count(exposures, "closed");
	double cut = count(connections, "cut") + wire_number(connections, "more", 0), moved = 0;

	cJSON_ArrayForEach(item, wire_array(report, "moved"))
		moved += wire_number(item, "endpoints", 0);
	if (gained + lost + opened + closed || cut > 0)
		printf("Flows: %d gained, %d lost. Exposures: %d opened, %d closed.", gained, lost,
		       opened, closed);
	else
		printf("No effect on reachability: the same flows pass as before.");
	if (moved > 0)
		printf(" Endpoints that change tier: %.0f.", moved);
	(void)putchar('\n');
	if (connections && !*member_text(connections, "error"))
		printf("Established connections that are cut: %.0f.\n", cut);
	if (wire_bool(report, "against_plain_docker", false))
		printf("\nNo policy is in force: compared with what Docker alone lets pass.\n");
	if (wire_bool(report, "symbolic", false))
		printf("\nOf the policy alone: no facts about a host were given.\n");
}

static void print_title(const struct ctl *ctl, const char *title, bool *any)
{
	printf("%s%s%s%s\n", *any ? "\n" : "", paint_for(ctl, PAINT_BOLD), title,
	       paint_for(ctl, PAINT_PLAIN));
	*any = true;
}

struct change_form {
	const char *member, *title, *who, *without_rule;
	char sign;
	enum paint paint;
};

static const struct change_form flow_forms[] = {
	{ "gained", "Flows gained", "", "", '+', PAINT_GOOD },
	{ "lost", "Flows lost", "", "  no rule allows it any more", '-', PAINT_BAD },
	{ "kept", "Flows that stay", "", "", '=', PAINT_PLAIN },
};

static const struct change_form exposure_forms[] = {
	{ "opened", "Exposures opened", "to", "", '+', PAINT_BAD },
	{ "closed", "Exposures closed", "no longer to", "", '-', PAINT_GOOD },
	{ "kept", "Exposures that stay", "to", "", '=', PAINT_PLAIN },
};

static void print_flows(const struct ctl *ctl, const cJSON *report, const struct change_form *form,
			bool *any)
{
	const cJSON *list = wire_array(report, form->member);
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const cJSON *item;

	if (!arena || !list || !list->child)
		return;
	print_title(ctl, form->title, any);
	cJSON_ArrayForEach(item, list) {
		const char *place = member_place(plan_member(item, "rule"), arena);
		const char *ports = show_port_list(item, arena), *only = plan_families(item);
		printf("  %s%c%s %s -> %s  %s%s%s%s%s%s%s%s\n", paint_for(ctl, form->paint),
		       form->sign, paint_for(ctl, PAINT_PLAIN), member_text(item, "from"),
		       member_text(item, "to"), ports ? ports : "", *only ? "  (" : "", only,
		       *only ? ")" : "", *place ? "  by " : "", place,
		       *place ? "" : form->without_rule,
		       wire_bool(item, "audited", false) ? "  (audit mode)" : "");
	}
}

static void print_exposures(const struct ctl *ctl, const cJSON *report,
			    const struct change_form *form, bool *any)
{
	const cJSON *list = wire_array(plan_member(report, "exposures"), form->member);
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const cJSON *item;

	if (!arena || !list || !list->child)
		return;
	print_title(ctl, form->title, any);
	cJSON_ArrayForEach(item, list)
		printf("  %s%c%s %s -> %s %s  %s %s\n", paint_for(ctl, form->paint), form->sign,
		       paint_for(ctl, PAINT_PLAIN), show_published(item, arena),
		       member_text(item, "container"), member_text(item, "port"), form->who,
		       member_list(item, "who", arena));
}

static void print_connection(const struct ctl *ctl, const cJSON *item, struct arena *arena)
{
	const char *from = plan_end(item, true, arena), *to = plan_end(item, false, arena);
	const char *place = member_place(plan_member(item, "rule"), arena);

	printf("  %s-%s %s%s%s -> %s%s%s  %s%s\n", paint_for(ctl, PAINT_BAD),
	       paint_for(ctl, PAINT_PLAIN), from, *from ? " " : "", plan_source(item, arena), to,
	       *to ? " " : "", plan_destination(item, arena), *place ? "by " : "",
	       *place ? place : member_text(item, "reason"));
}

static void print_connections(const struct ctl *ctl, const cJSON *connections, bool *any)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const cJSON *list = wire_array(connections, "cut"), *item;
	double more = wire_number(connections, "more", 0);

	if (!arena || !list || !list->child)
		return;
	print_title(ctl, "Established connections that are cut", any);
	cJSON_ArrayForEach(item, list)
		print_connection(ctl, item, arena);
	if (more > 0)
		printf("  and %.0f more\n", more);
}

/* What is not known, so that silence is not taken for an answer. */
static void print_unknown(const struct ctl *ctl, const cJSON *connections)
{
	const char *error = member_text(connections, "error");
	double unjudged = wire_number(connections, "not_judged", 0);

	if (*error)
		printf("\n%sConnections that would be cut are not known%s: %s\n",
		       paint_for(ctl, PAINT_WARN), paint_for(ctl, PAINT_PLAIN), error);
	if (unjudged > 0)
		printf("\n%sConnections not judged%s: %.0f, because there are too many, or because "
		       "policies do not cover their protocol\n",
		       paint_for(ctl, PAINT_WARN), paint_for(ctl, PAINT_PLAIN), unjudged);
}

static void print_moved(const struct ctl *ctl, const cJSON *list, bool *any)
{
	const cJSON *item;

	if (!list || !list->child)
		return;
	print_title(ctl, "Endpoints that change tier", any);
	cJSON_ArrayForEach(item, list) {
		double n = wire_number(item, "endpoints", 0);
		printf("  ~ %.0f endpoint%s from %s to %s\n", n, n > 1 ? "s" : "",
		       member_text(item, "from"), member_text(item, "to"));
	}
}

static void print_tiers(const struct ctl *ctl, const cJSON *list, bool *any)
{
	const cJSON *item;

	if (!list || !list->child)
		return;
	print_title(ctl, "Tiers", any);
	cJSON_ArrayForEach(item, list)
		printf("  ~ %s  %s\n", member_text(item, "name"), member_text(item, "change"));
}

static void print_rules(const struct ctl *ctl, const cJSON *list, bool added)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const cJSON *item;

	cJSON_ArrayForEach(item, (arena ? list : NULL))
		printf("  %s%c%s %s  %s\n", paint_for(ctl, added ? PAINT_GOOD : PAINT_BAD),
		       added ? '+' : '-', paint_for(ctl, PAINT_PLAIN), member_place(item, arena),
		       rule_text(item, arena));
}

static double count_of_changes(const cJSON *changes, size_t *ret_told)
{
	static const char *const counts[] = { "n_gained", "n_lost", "n_opened", "n_closed" };
	const cJSON *exposures = plan_member(changes, "exposures");
	double sum = 0;

	for (size_t i = 0; i < ARRAY_LEN(counts); i++)
		sum += wire_number(changes, counts[i], 0);
	*ret_told = (size_t)(count(changes, "gained") + count(changes, "lost") +
			     count(exposures, "opened") + count(exposures, "closed"));
	return sum;
}

void show_changes(const struct ctl *ctl, const cJSON *changes, const char *all)
{
	size_t told = 0;
	double n = count_of_changes(changes, &told);
	bool any = false;

	if (n < 1) {
		printf("no effect on reachability: the same flows pass as before\n");
		return;
	}
	printf("flows: %.0f gained, %.0f lost; exposures: %.0f opened, %.0f closed\n",
	       wire_number(changes, "n_gained", 0), wire_number(changes, "n_lost", 0),
	       wire_number(changes, "n_opened", 0), wire_number(changes, "n_closed", 0));
	if (told)
		(void)putchar('\n');
	for (size_t i = 0; i < ARRAY_LEN(flow_forms); i++)
		print_flows(ctl, changes, &flow_forms[i], &any);
	for (size_t i = 0; i < ARRAY_LEN(exposure_forms); i++)
		print_exposures(ctl, changes, &exposure_forms[i], &any);
	if ((double)told < n)
		printf("%sall of them: netdctl %s\n", told ? "\n" : "", all);
}

void show_plan(const struct ctl *ctl, const cJSON *report)
{
	const cJSON *rules = plan_member(report, "rules");
	const cJSON *added = wire_array(rules, "added"), *removed = wire_array(rules, "removed");
	bool any = false;

	for (size_t i = 0; i < ARRAY_LEN(flow_forms); i++)
		print_flows(ctl, report, &flow_forms[i], &any);
	for (size_t i = 0; i < ARRAY_LEN(exposure_forms); i++)
		print_exposures(ctl, report, &exposure_forms[i], &any);
	print_connections(ctl, plan_member(report, "connections"), &any);
	print_moved(ctl, wire_array(report, "moved"), &any);
	print_tiers(ctl, wire_array(report, "tiers"), &any);
	if ((added && added->child) || (removed && removed->child)) {
		print_title(ctl, "Rules", &any);
		print_rules(ctl, removed, false);
		print_rules(ctl, added, true);
	}
	if (!any) {
		printf("no change\n");
		return;
	}
	print_unknown(ctl, plan_member(report, "connections"));
	(void)putchar('\n');
	plan_print_summary(report);
	if (*member_text(report, "policy_digest"))
		printf("the policy in force is %s: `netdctl apply --expect` with it changes that "
		       "one alone\n",
		       member_text(report, "policy_digest"));
}

/* ---- test ---- */

static void print_test_line(const cJSON *test)
{
	printf("%s -> %s  %s  expected %s, got %s", member_text(test, "from"),
	       member_text(test, "to"), member_text(test, "port"), member_text(test, "expect"),
	       member_text(test, "got"));
}

void show_test(const struct ctl *ctl, const cJSON *report)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const cJSON *test;
	size_t alone = 0;

	cJSON_ArrayForEach(test, (arena ? wire_array(report, "tests") : NULL)) {
		alone += wire_bool(test, "policy_alone", false);
		if (wire_bool(test, "passed", false))
			continue;
		printf("%s%s: %sfailed:%s ", paint_for(ctl, PAINT_BOLD), member_place(test, arena),
		       paint_for(ctl, PAINT_BAD), paint_for(ctl, PAINT_PLAIN));
		print_test_line(test);
		printf(": %s\n", member_text(test, "reason"));
	}
	printf("%.0f passed, %.0f failed", wire_number(report, "passed", 0),
	       wire_number(report, "failed", 0));
	if (alone)
		printf("; %zu by the policy alone: a tier has no containers here", alone);
	(void)putchar('\n');
}

/* What follows a # may be a directive. */
static void print_tap(const char *text)
{
	for (; *text; text++) {
		if (*text == '#' || *text == '\\')
			(void)putchar('\\');
		(void)putchar(*text);
	}
}

void show_test_tap(const struct ctl *ctl, const cJSON *report)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const cJSON *test, *tests = wire_array(report, "tests");
	int n = 0;

	(void)ctl;
	printf("TAP version 13\n1..%d%s\n", cJSON_GetArraySize(tests),
	       tests && tests->child ? "" : " # SKIP the policy has no tests");
	cJSON_ArrayForEach(test, (arena ? tests : NULL)) {
		bool passed = wire_bool(test, "passed", false);
		printf("%s %d - ", passed ? "ok" : "not ok", ++n);
		print_tap(member_place(test, arena));
		(void)putchar(' ');
		print_test_line(test);
		printf(passed ? "\n" : "\n# %s\n", member_text(test, "reason"));
		if (wire_bool(test, "policy_alone", false))
			printf("# by the policy alone: a tier has no containers here\n");
	}
}

void show_test_junit(const struct ctl *ctl, const cJSON *report)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const cJSON *test, *tests = wire_array(report, "tests");

	(void)ctl;
	printf("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	       "<testsuite name=\"netdctl test\" tests=\"%d\" failures=\"%.0f\">\n",
	       cJSON_GetArraySize(tests), wire_number(report, "failed", 0));
	cJSON_ArrayForEach(test, (arena ? tests : NULL)) {
		printf("  <testcase classname=\"");
		xml_print(member_place(test, arena));
		printf("\" name=\"");
		xml_print(member_text(test, "from"));
		printf(" to ");
		xml_print(member_text(test, "to"));
		printf(" %s\">", member_text(test, "port"));
		if (!wire_bool(test, "passed", false)) {
			printf("\n    <failure message=\"expected %s, got %s: ",
			       member_text(test, "expect"), member_text(test, "got"));
			xml_print(member_text(test, "reason"));
			printf("\"/>\n  ");
		}
		if (wire_bool(test, "policy_alone", false))
			printf("<system-out>by the policy alone: a tier has no containers "
			       "here</system-out>");
		printf("</testcase>\n");
	}
	printf("</testsuite>\n");
}
