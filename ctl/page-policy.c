/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The section of the page about the policy: its rules, and those before it. */
#include <stdio.h>
#include <string.h>

#include "ctl/html.h"
#include "ctl/page.h"

static void print_rules(const struct page *page)
{
	static const char *const columns[] = { "Rule", "Written at", "Packets" };
	const cJSON *rules = wire_array(page_part(page, "rules"), "rules"), *item;

	if (!rules || !rules->child)
		return;
	html_table("Rules", columns, ARRAY_LEN(columns));
	cJSON_ArrayForEach(item, rules) {
		bool never = wire_bool(item, "never_hit", false);
		bool expired = wire_bool(item, "expired", false);
		const char *cells[] = { rule_text(item, page->arena),
					member_place(item, page->arena),
					expired ? "expired"
					: never ? "never used"
					: cJSON_HasObjectItem(item, "packets")
						? page_number(page, item, "packets")
						: "" };
		html_row(cells, ARRAY_LEN(cells));
	}
	html_table_end();
}

static void print_history(const struct page *page)
{
	static const char *const columns[] = { "Generation",   "When", "Who",
					       "Flows gained", "Lost", "Ports opened",
					       "Closed" };
	const cJSON *list = wire_array(page_part(page, "history"), "policies"), *item;

	if (!list || !list->child)
		return;
	printf("<h3>The policies before</h3>\n");
	html_table("The policies before", columns, ARRAY_LEN(columns));
	cJSON_ArrayForEach(item, list) {
		const char *user = member_text(item, "user");
		const char *who = arena_printf(page->arena, "%s%s%s", member_text(item, "by"),
					       *user ? " by " : "", user);
		bool known = cJSON_HasObjectItem(item, "gained");
		const char *cells[] = { page_number(page, item, "generation"),
					member_text(item, "when"),
					who,
					known ? page_number(page, item, "gained") : "",
					known ? page_number(page, item, "lost") : "",
					known ? page_number(page, item, "opened") : "",
					known ? page_number(page, item, "closed") : "" };
		html_row(cells, ARRAY_LEN(cells));
	}
	html_table_end();
}

void page_policy(const struct page *page)
{
	const char *origin = member_text(page->status, "policy_origin");
	const char *text = arena_printf(
		page->arena, "In force: %s, generation %s%s.", *origin ? origin : "none",
		page_number(page, page->status, "policy_generation"),
		wire_bool(page->status, "policy_differs", false) ? "; the files say something else"
								 : "");

	html_section("policy", "The policy", text ? text : "");
	print_rules(page);
	print_history(page);
	html_section_end();
}
