/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The report as one page for people who do not read tables: what holds, in a sentence each, then a
 * picture, then the tables after all. */
#include <stdio.h>
#include <string.h>

#include "ctl/html.h"
#include "ctl/page.h"

/* ---- in a sentence each ---- */

static void fact(const char *class, const char *title, const char *text)
{
	printf("<li class=\"%s\"><b>", class);
	html_print(title);
	printf("</b>");
	html_print(text);
	printf("</li>\n");
}

static void fact_mode(const struct page *page)
{
	const char *mode = member_text(page->status, "mode");

	if (cJSON_HasObjectItem(page->status, "waits_for_policy"))
		fact("bad", "Nothing is enforced", "No policy was ever in force on this host.");
	else if (*member_text(page->status, "off_since"))
		fact("bad", "Switched off", "An admin has removed the rules.");
	else if (strcmp(mode, "audit") == 0)
		fact("warn", "Watched, not enforced",
		     "What the policy forbids is logged and passes.");
	else if (*mode)
		fact("good", "Enforced", "What the policy does not allow is dropped.");
	else
		fact("bad", "No policy is in force",
		     "Containers are closed, or as netd found them.");
}

static void fact_kernel(const struct page *page)
{
	const cJSON *kernel = cJSON_GetObjectItemCaseSensitive(page->status, "kernel");
	const char *holds = member_text(kernel, "holds");

	if (strcmp(holds, "committed") == 0)
		fact("good", "The kernel agrees",
		     "It holds the rules of this policy, all of them.");
	else if (*holds)
		fact("bad", "The kernel holds something else",
		     "See netdctl status, and netdctl verify.");
	if (*member_text(page->status, "policy_error"))
		fact("bad", "Another policy was asked for",
		     member_text(page->status, "policy_error"));
}

static void fact_docker(const struct page *page)
{
	const cJSON *docker = cJSON_GetObjectItemCaseSensitive(page->status, "docker");
	const char *state = member_text(docker, "state");

	if (strcmp(state, "file") == 0)
		fact("warn", "A file instead of Docker", "Containers are those of an inventory.");
	else if (strcmp(state, "up") == 0)
		fact("good", "Docker answers", member_text(docker, "link"));
	else
		fact("bad", "Docker does not answer",
		     "Containers that start are closed until it does.");
}

static void fact_open_ports(const struct page *page)
{
	const cJSON *item, *who;
	unsigned int n = 0, open = 0;

	cJSON_ArrayForEach(item, wire_array(page_part(page, "ports"), "ports")) {
		bool internet = false;
		n++;
		cJSON_ArrayForEach(who, wire_array(item, "reachable_from"))
			internet |=
				cJSON_IsString(who) && (strcmp(who->valuestring, "internet") == 0 ||
							strcmp(who->valuestring, "world") == 0);
		open += internet;
	}
	const char *title =
		arena_printf(page->arena, "%u of %u published port%s", open, n, n == 1 ? "" : "s");
	if (page_part(page, "ports"))
		fact(open ? "warn" : "good", title ? title : "",
		     "can be reached from the internet.");
}

static void fact_staged(const struct page *page)
{
	const cJSON *staged = page_part(page, "stage");
	int n = cJSON_GetArraySize(wire_array(staged, "would_deny"));
	const char *text = arena_printf(page->arena,
					"It would deny %d flow%s of those that were seen to pass.",
					n, n == 1 ? "" : "s");

	if (staged)
		fact(n ? "warn" : "good", "Another policy is staged", text ? text : "");
}

static void fact_findings(const struct page *page)
{
	const cJSON *item;
	unsigned int n = 0;

	cJSON_ArrayForEach(item, wire_array(page_part(page, "doctor"), "findings"))
		n += strcmp(member_text(item, "severity"), "note") != 0;
	const char *title = arena_printf(page->arena, "%u finding%s", n, n == 1 ? "" : "s");
	if (page_part(page, "doctor"))
		fact(n ? "warn" : "good", title ? title : "",
		     n ? "Each weakens a guarantee on this host; the remedies are below."
		       : "Nothing on this host weakens a guarantee.");
}

static void print_facts(const struct page *page)
{
	printf("<ul class=\"facts\">\n");
	fact_mode(page);
	fact_kernel(page);
	fact_docker(page);
	fact_open_ports(page);
	fact_staged(page);
	fact_findings(page);
	printf("</ul>\n");
}

/* ---- the page ---- */

static void print_head(const struct page *page)
{
	const char *host = member_text(page->report, "host");

	printf("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	       "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
	       "style-src 'unsafe-inline'\">\n"
	       "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>"
	       "Network segmentation%s",
	       *host ? " of " : "");
	html_print(host);
	printf("</title>\n<style>\n%s</style>\n</head>\n<body>\n<main>\n<h1>Network segmentation%s",
	       page_style, *host ? " of " : "");
	html_print(host);
	printf("</h1>\n<p class=\"dim\">Written ");
	html_print(member_text(page->report, "made"));
	printf(" by netd ");
	html_print(member_text(page->status, "version"));
	printf("</p>\n");
}

void show_page(const struct ctl *ctl, const cJSON *report)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct page page = { report, cJSON_GetObjectItemCaseSensitive(report, "status"),
				   arena };

	if (!arena) {
		*ctl->failure = ctl_out_of_memory();
		return;
	}
	print_head(&page);
	print_facts(&page);
	page_matrix(&page);
	page_ports(&page);
	page_denials(&page);
	page_flows(&page);
	page_staged(&page);
	page_findings(&page);
	page_endpoints(&page);
	page_policy(&page);
	printf("</main>\n</body>\n</html>\n");
}
