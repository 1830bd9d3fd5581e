/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sections of the page: what was denied, flows, what is staged, findings. */
#include <stdio.h>
#include <string.h>

#include "core/compile/reason.h"
#include "ctl/html.h"
#include "ctl/page.h"

/* ---- what was denied ---- */

static const char *reason_of(const char *word)
{
	for (int i = REASON_NONE + 1; i < REASON_COUNT; i++)
		if (strcmp(reason_word((enum reason)i), word) == 0)
			return reason_text((enum reason)i);
	return word;
}

static void print_denials_of(const struct page *page, const char *member, const char *label)
{
	const char *const columns[] = { label, "Packets" };
	const cJSON *denied = cJSON_GetObjectItemCaseSensitive(page->status, member), *item;

	if (!denied || !denied->child)
		return;
	html_table(label, columns, ARRAY_LEN(columns));
	cJSON_ArrayForEach(item, denied) {
		const char *cells[] = { reason_of(item->string),
					page_number(page, denied, item->string) };
		html_row(cells, ARRAY_LEN(cells));
	}
	html_table_end();
}

void page_denials(const struct page *page)
{
	const cJSON *denied = cJSON_GetObjectItemCaseSensitive(page->status, "denied");
	const cJSON *audited = cJSON_GetObjectItemCaseSensitive(page->status, "audited");
	bool none = !(denied && denied->child) && !(audited && audited->child);

	html_section("denials", "What was denied",
		     none ? "Nothing, since these rules were written."
			  : "Since these rules were written.");
	print_denials_of(page, "denied", "Dropped, because");
	print_denials_of(page, "audited", "Would be dropped, because");
	html_section_end();
}

/* ---- flows ---- */

#define MOST_FLOWS 50

static const char *end_text(const struct page *page, const cJSON *end)
{
	const char *name = member_text(end, "container"), *tier = member_text(end, "tier");
	const char *address = member_text(end, "address"), *zone = member_text(end, "zone");
	const char *text = *address ? address : *zone ? zone : member_text(end, "kind");

	if (*name)
		text = arena_printf(page->arena, "%s (%s)", name, *tier ? tier : "no tier");
	else if (*zone && *address)
		text = arena_printf(page->arena, "%s (%s)", address, zone);
	return text ? text : "";
}

/* The most frequent ones of a verdict; the list is in no order of ours. */
static void print_flows_of(const struct page *page, const cJSON *flows, const char *verdict,
			   const char *label)
{
	static const char *const columns[] = { "From", "To", "Port", "Times", "Last" };
	const cJSON *top[MOST_FLOWS], *flow;
	size_t n = 0;

	cJSON_ArrayForEach(flow, flows) {
		double count = wire_number(flow, "count", 0);
		size_t at = n;
		if (strcmp(member_text(flow, "verdict"), verdict) != 0)
			continue;
		while (at > 0 && wire_number(top[at - 1], "count", 0) < count)
			at--;
		if (at == MOST_FLOWS)
			continue;
		n += n < MOST_FLOWS;
		memmove(top + at + 1, top + at, (n - at - 1) * sizeof(*top));
		top[at] = flow;
	}
	if (n == 0)
		return;
	printf("<h3>%s</h3>\n", label);
	html_table(label, columns, ARRAY_LEN(columns));
	for (size_t i = 0; i < n; i++) {
		const char *cells[] = {
			end_text(page, cJSON_GetObjectItemCaseSensitive(top[i], "from")),
			end_text(page, cJSON_GetObjectItemCaseSensitive(top[i], "to")),
			member_text(top[i], "port"), page_number(page, top[i], "count"),
			member_text(top[i], "last")
		};
		html_row(cells, ARRAY_LEN(cells));
	}
	html_table_end();
}

void page_flows(const struct page *page)
{
	const cJSON *flows = wire_array(page_part(page, "flows"), "flows");

	if (!flows || !flows->child)
		return;
	html_section("flows", "Who talks to whom", "The most frequent of what netd has seen.");
	print_flows_of(page, flows, "denied", "Denied");
	print_flows_of(page, flows, "audited", "Would be denied");
	print_flows_of(page, flows, "allowed", "Allowed");
	html_section_end();
}

/* ---- what is staged ---- */

static const char *candidate_says(const struct page *page, const cJSON *flow)
{
	const cJSON *candidate = cJSON_GetObjectItemCaseSensitive(flow, "candidate");
	const char *rule =
		member_place(cJSON_GetObjectItemCaseSensitive(candidate, "rule"), page->arena);

	return *rule ? rule : member_text(candidate, "why");
}

/* netd has sorted them: those that were seen since it is staged come first. */
static void print_staged_of(const struct page *page, const char *member, const char *label)
{
	static const char *const columns[] = { "From",	  "To",		  "Port",
					       "Because", "Since staged", "Times" };
	const cJSON *list = wire_array(page_part(page, "stage"), member), *flow;
	size_t n = 0;

	if (!list || !list->child)
		return;
	printf("<h3>%s</h3>\n", label);
	html_table(label, columns, ARRAY_LEN(columns));
	cJSON_ArrayForEach(flow, list) {
		const char *cells[] = {
			end_text(page, cJSON_GetObjectItemCaseSensitive(flow, "from")),
			end_text(page, cJSON_GetObjectItemCaseSensitive(flow, "to")),
			member_text(flow, "port"),
			candidate_says(page, flow),
			page_number(page, flow, "since_staged"),
			page_number(page, flow, "count"),
		};
		if (n++ == MOST_FLOWS)
			break;
		html_row(cells, ARRAY_LEN(cells));
	}
	html_table_end();
}

void page_staged(const struct page *page)
{
	const cJSON *stage = page_part(page, "stage");
	const cJSON *staged = cJSON_GetObjectItemCaseSensitive(stage, "staged");
	const char *text =
		arena_printf(page->arena,
			     "Staged %s by %s; it denies nothing yet. Of what was seen, %s "
			     "flows are the same with it.",
			     member_text(staged, "at"), member_text(staged, "by"),
			     page_number(page, stage, "same"));

	if (!stage)
		return;
	html_section("staged", "What the staged policy would change", text ? text : "");
	print_staged_of(page, "would_deny", "Passes today, and would be denied");
	print_staged_of(page, "would_allow", "Denied today, and would pass");
	html_section_end();
}

/* ---- findings ---- */

void page_findings(const struct page *page)
{
	static const char *const columns[] = { "About", "Severity", "What", "Remedy" };
	const cJSON *doctor = page_part(page, "doctor"), *findings = wire_array(doctor, "findings"),
		    *item;

	html_section("findings", "What weakens it on this host",
		     !findings	       ? "It could not be looked at."
		     : findings->child ? ""
				       : "Nothing was found.");
	if (findings && findings->child)
		html_table("Findings", columns, ARRAY_LEN(columns));
	cJSON_ArrayForEach(item, findings) {
		const char *subject = member_text(item, "subject");
		const char *cells[] = { *subject ? subject : "this host",
					member_text(item, "severity"), member_text(item, "text"),
					member_text(item, "remedy") };
		html_row(cells, ARRAY_LEN(cells));
	}
	if (findings && findings->child)
		html_table_end();
	cJSON_ArrayForEach(item, wire_array(doctor, "unchecked")) {
		const char *text =
			arena_printf(page->arena, "Not checked: %s (%s).",
				     member_text(item, "what"), member_text(item, "why"));
		html_paragraph(text ? text : "");
	}
	html_section_end();
}
