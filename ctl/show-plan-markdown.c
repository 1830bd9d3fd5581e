/* SPDX-License-Identifier: GPL-2.0-or-later */
/* plan as Markdown, to be pasted in a pull request. Names come from policies, compose files and
 * Docker: each stands in a code span of its own, where nothing in it is markup, a link or a mention
 * of somebody. */
#include <stdio.h>
#include <string.h>

#include "ctl/out-text.h"
#include "ctl/show-plan.h"

/* ---- text from outside ---- */

static size_t longest_run(const char *text, char of)
{
	size_t longest = 0, run = 0;

	for (; *text; text++) {
		run = *text == of ? run + 1 : 0;
		longest = run > longest ? run : longest;
	}
	return longest;
}

static char harmless(char c)
{
	return (unsigned char)c < 0x20 || c == 0x7f ? ' ' : c;
}

static void repeat(char c, size_t n)
{
	while (n-- > 0)
		(void)putchar(c);
}

/* A code span takes no escapes: one with n backticks in a row is closed by n + 1, and a blank keeps
 * them apart. A table is cut at its bars before anything else is read, in code spans too. */
static void print_code(const char *text)
{
	size_t ticks = longest_run(text, '`'), len = strlen(text);
	bool blank = ticks && (*text == '`' || text[len - 1] == '`');

	if (!*text)
		return;
	repeat('`', ticks + 1);
	if (blank)
		(void)putchar(' ');
	for (; *text; text++) {
		if (*text == '|')
			(void)putchar('\\');
		(void)putchar(harmless(*text));
	}
	if (blank)
		(void)putchar(' ');
	repeat('`', ticks + 1);
}

static void print_codes(const cJSON *array)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, array) {
		const char *text = cJSON_GetStringValue(item);
		print_code(text ? text : "");
		(void)fputs(item->next ? ", " : "", stdout);
	}
}

static void print_cell(const char *text)
{
	(void)fputs("| ", stdout);
	print_code(text);
	(void)putchar(' ');
}

/* ---- tables ---- */

static void print_head(const char *title, const char *const *columns, size_t n)
{
	printf("\n#### %s\n\n", title);
	for (size_t i = 0; i < n; i++)
		printf("| %s ", columns[i]);
	printf("|\n");
	for (size_t i = 0; i < n; i++)
		printf("|---");
	printf("|\n");
}

static void print_flows(const cJSON *list, const char *title, const char *without_rule)
{
	static const char *const columns[] = { "From", "To", "Ports", "By" };
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const cJSON *item;

	if (!arena || !list || !list->child)
		return;
	print_head(title, columns, ARRAY_LEN(columns));
	cJSON_ArrayForEach(item, list) {
		const char *place = member_place(plan_member(item, "rule"), arena);
		const char *only = plan_families(item);
		const cJSON *except = wire_array(item, "except");
		print_cell(member_text(item, "from"));
		print_cell(member_text(item, "to"));
		printf("| ");
		print_codes(wire_array(item, "ports"));
		printf("%s", except && except->child ? " but " : "");
		print_codes(except);
		printf("%s%s%s | ", *only ? " (" : "", only, *only ? ")" : "");
		print_code(place);
		printf("%s%s |\n", *place ? "" : without_rule,
		       wire_bool(item, "audited", false) ? " (audit mode)" : "");
	}
}

static void print_exposures(const cJSON *list, const char *title, const char *who)
{
	const char *const columns[] = { "Published at", "Container", "Port", who };
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const cJSON *item;

	if (!arena || !list || !list->child)
		return;
	print_head(title, columns, ARRAY_LEN(columns));
	cJSON_ArrayForEach(item, list) {
		const char *at = show_published(item, arena);
		print_cell(at);
		print_cell(member_text(item, "container"));
		print_cell(member_text(item, "port"));
		printf("| ");
		print_codes(wire_array(item, "who"));
		printf(" |\n");
	}
}

static void print_connections(const cJSON *connections)
{
	static const char *const columns[] = { "From", "", "To", "", "By" };
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const cJSON *list = wire_array(connections, "cut"), *item;
	double more = wire_number(connections, "more", 0);

	if (!arena || !list || !list->child)
		return;
	print_head("Established connections that are cut", columns, ARRAY_LEN(columns));
	cJSON_ArrayForEach(item, list) {
		const char *place = member_place(plan_member(item, "rule"), arena);
		print_cell(plan_end(item, true, arena));
		print_cell(plan_source(item, arena));
		print_cell(plan_end(item, false, arena));
		print_cell(plan_destination(item, arena));
		print_cell(*place ? place : member_text(item, "reason"));
		printf("|\n");
	}
	if (more > 0)
		printf("\nAnd %.0f more.\n", more);
}

static void print_unknown(const cJSON *connections)
{
	const char *error = member_text(connections, "error");
	double unjudged = wire_number(connections, "not_judged", 0);

	if (*error) {
		printf("\nConnections that would be cut are not known: ");
		print_code(error);
		printf("\n");
	}
	if (unjudged > 0)
		printf("\nConnections not judged: %.0f, because there are too many, or because "
		       "policies do not cover their protocol.\n",
		       unjudged);
}

static void print_moved(const cJSON *list)
{
	static const char *const columns[] = { "Endpoints", "From", "To" };
	const cJSON *item;

	if (!list || !list->child)
		return;
	print_head("Endpoints that change tier", columns, ARRAY_LEN(columns));
	cJSON_ArrayForEach(item, list) {
		printf("| %.0f ", wire_number(item, "endpoints", 0));
		print_cell(member_text(item, "from"));
		print_cell(member_text(item, "to"));
		printf("|\n");
	}
}

static void print_tiers(const cJSON *list)
{
	static const char *const columns[] = { "Tier", "Change" };
	const cJSON *item;

	if (!list || !list->child)
		return;
	print_head("Tiers", columns, ARRAY_LEN(columns));
	cJSON_ArrayForEach(item, list) {
		print_cell(member_text(item, "name"));
		print_cell(member_text(item, "change"));
		printf("|\n");
	}
}

/* ---- rules ---- */

static void print_plain(const char *text)
{
	for (; *text; text++)
		(void)putchar(harmless(*text));
}

/* Lines that begin with a sign cannot close the fence that they are in. */
static void print_rules(const cJSON *list, char sign)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const cJSON *item;

	cJSON_ArrayForEach(item, (arena ? list : NULL)) {
		const char *line = arena_printf(arena, "%s  %s", member_place(item, arena),
						rule_text(item, arena));
		printf("%c ", sign);
		print_plain(line ? line : "");
		printf("\n");
	}
}

static void print_rule_diff(const cJSON *rules)
{
	int added = cJSON_GetArraySize(wire_array(rules, "added"));
	int removed = cJSON_GetArraySize(wire_array(rules, "removed"));

	if (added + removed == 0)
		return;
	/* Behind the blank line, Markdown is Markdown again inside the HTML. */
	printf("\n<details>\n<summary>Rules: %d added, %d removed</summary>\n\n```diff\n", added,
	       removed);
	print_rules(wire_array(rules, "removed"), '-');
	print_rules(wire_array(rules, "added"), '+');
	printf("```\n\n</details>\n");
}

/* ---- the whole ---- */

void show_plan_markdown(const struct ctl *ctl, const cJSON *report)
{
	const cJSON *exposures = plan_member(report, "exposures");

	(void)ctl;
	printf("### netd: what this policy changes\n\n");
	if (!wire_bool(report, "changed", false)) {
		printf("No change.\n");
		return;
	}
	plan_print_summary(report);
	print_flows(wire_array(report, "gained"), "Flows gained", "");
	print_flows(wire_array(report, "lost"), "Flows lost", "no rule allows it any more");
	print_exposures(wire_array(exposures, "opened"), "Exposures opened", "To");
	print_exposures(wire_array(exposures, "closed"), "Exposures closed", "No longer to");
	print_flows(wire_array(report, "kept"), "Flows that stay", "");
	print_exposures(wire_array(exposures, "kept"), "Exposures that stay", "To");
	print_connections(plan_member(report, "connections"));
	print_unknown(plan_member(report, "connections"));
	print_moved(wire_array(report, "moved"));
	print_tiers(wire_array(report, "tiers"));
	print_rule_diff(plan_member(report, "rules"));
}
