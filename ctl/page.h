/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of the page that netdctl report prints. show-page.c has what holds in a sentence
 * each, and the order; page-*.c the sections: tiers and ports, what was seen, the policy; and how
 * they look. */
#pragma once

#include "ctl/out-text.h"

/* What the sections are made of. */
struct page {
	const cJSON *report, *status; /* status: a part of it */
	struct arena *arena;
};
/* A part of the report; NULL: it could not be had. */
const cJSON *page_part(const struct page *page, const char *name);
/* A member that is a number. */
const char *page_number(const struct page *page, const cJSON *object, const char *name);

/* page-reach.c */
void page_matrix(const struct page *page);
void page_ports(const struct page *page);
void page_endpoints(const struct page *page);
/* page-seen.c */
void page_denials(const struct page *page);
void page_flows(const struct page *page);
void page_staged(const struct page *page);
void page_findings(const struct page *page);
/* page-policy.c */
void page_policy(const struct page *page);

/* Everything in it: no other file, no script, nothing from a network. */
extern const char page_style[];

/* Who may begin a connection to whom, of report_matrix(): a line for each end and an arc for each
 * arrow, down on the right side, up on the left. */
void page_picture(const cJSON *matrix, struct arena *arena);
