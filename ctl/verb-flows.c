/* SPDX-License-Identifier: GPL-2.0-or-later */
/* flows and top: what netd has seen. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/hash.h"
#include "core/base/limits.h"
#include "core/policy/until.h"
#include "ctl/show-flows.h"

static int add_text(cJSON *request, const char *name, const char *text)
{
	return text ? wire_add_string(request, name, text) : 0;
}

/* NULL: no memory. */
static cJSON *new_request(const char *verb, const struct ctl_args *args, int64_t since)
{
	cJSON *request = wire_new_request(verb);

	if (request && add_text(request, "container", args->container) == 0 &&
	    add_text(request, "tier", args->tier) == 0 &&
	    add_text(request, "verdict", args->verdict) == 0 &&
	    wire_add_number(request, "since", (double)since) == 0)
		return request;
	cJSON_Delete(request);
	return NULL;
}

static int print_line(const cJSON *json)
{
	CLEANUP(free_ptr) char *line = json ? cJSON_PrintUnformatted(json) : NULL;

	if (!line)
		return ctl_out_of_memory();
	(void)puts(line);
	return CTL_OK;
}

/* The summary first, then a flow on each line. */
static int print_lines(cJSON *report)
{
	cJSON *first = cJSON_CreateObject();
	cJSON *summary = cJSON_DetachItemFromObjectCaseSensitive(report, "summary");
	const cJSON *flow;

	if (!first || !cJSON_AddNumberToObject(first, "v", REPORT_VERSION) ||
	    wire_add(first, "summary", summary) < 0) {
		cJSON_Delete(first);
		return ctl_out_of_memory();
	}
	int status = print_line(first);
	cJSON_Delete(first);
	cJSON_ArrayForEach(flow, wire_array(report, "flows"))
		if (status == CTL_OK)
			status = print_line(flow);
	return status;
}

/* ---- follow ---- */

/* Who has been counted up to where, by a hash of what makes a flow distinct. */
#define SEEN (4u * LIMIT_FLOWS)

struct seen {
	uint64_t flow;
	double count;
};

static uint64_t mix(uint64_t hash, const char *text)
{
	return hash_add(hash, text, strlen(text) + 1);
}

static uint64_t flow_of(const cJSON *flow)
{
	static const char *const members[] = { "port", "verdict", "reason", "place" };
	static const char *const ends[] = { "from", "to" };
	static const char *const of_ends[] = { "kind", "id", "network", "zone", "address" };
	uint64_t hash = HASH_BEGIN;

	for (size_t e = 0; e < ARRAY_LEN(ends); e++) {
		const cJSON *end = cJSON_GetObjectItemCaseSensitive(flow, ends[e]);
		for (size_t i = 0; i < ARRAY_LEN(of_ends); i++) {
			const char *text = wire_string(end, of_ends[i]);
			hash = mix(hash, text ? text : "");
		}
		/* All that is known of a zone. */
		uint8_t family = (uint8_t)wire_number(end, "family", 0);
		hash = hash_add(hash, &family, sizeof(family));
	}
	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		const char *text = wire_string(flow, members[i]);
		hash = mix(hash, text ? text : "");
	}
	return (hash ^ (uint64_t)wire_number(flow, "host_port", 0)) | 1;
}

static struct seen *seen_of(struct seen *seen, const cJSON *flow)
{
	uint64_t hash = flow_of(flow);
	size_t at = hash % SEEN;

	for (size_t tries = 0; tries < 64; tries++, at = (at + 1) % SEEN)
		if (!seen[at].flow || seen[at].flow == hash)
			break;
	if (seen[at].flow != hash)
		seen[at] = (struct seen){ .flow = hash };
	return &seen[at];
}

static void follow_flow(const struct ctl *ctl, struct seen *seen, cJSON *flow, bool quiet)
{
	struct seen *known = seen_of(seen, flow);
	double count = wire_number(flow, "count", 0), n = count - known->count;

	known->count = count;
	if (quiet || n <= 0)
		return;
	if (!ctl_is_format(ctl, "json"))
		show_flow_line(ctl, flow, n);
	else if (wire_add_number(flow, "new", n) < 0 || print_line(flow) != CTL_OK)
		*ctl->failure = ctl_out_of_memory();
}

/* The next question is about what was seen from the second before that one on. */
static int64_t next_since(const cJSON *report, int64_t since)
{
	const char *now = wire_string(cJSON_GetObjectItemCaseSensitive(report, "summary"), "now");
	int64_t at;

	return now && policy_until_parse(now, &at) == 0 ? at - 1 : since;
}

/* From the most recent to the least, as they come; shown the other way round. */
static void follow_all(const struct ctl *ctl, struct seen *seen, const cJSON *report, bool quiet)
{
	const cJSON *list = wire_array(report, "flows");
	cJSON *flow = list && list->child ? list->child->prev : NULL; /* of the first: the last */

	for (; flow; flow = flow == list->child ? NULL : flow->prev)
		follow_flow(ctl, seen, flow, quiet);
	(void)fflush(stdout);
}

static int follow(const struct ctl *ctl, const struct ctl_args *args)
{
	const struct timespec pause = { .tv_sec = 1 };
	struct seen *seen CLEANUP(free_ptr) = calloc(SEEN, sizeof(*seen));
	int64_t since = args->since;
	bool first = true;

	while (seen) {
		cJSON *report = NULL;
		int status = live_ask(ctl, new_request("flows", args, since), &report);
		const cJSON *summary = cJSON_GetObjectItemCaseSensitive(report, "summary");
		if (!report || status != CTL_OK || !wire_bool(summary, "on", false))
			return report ? show_report(ctl, report, show_flows, status) : status;
		follow_all(ctl, seen, report, first && !args->since);
		since = next_since(report, since);
		cJSON_Delete(report);
		if (*ctl->failure != CTL_OK)
			return *ctl->failure;
		first = false;
		(void)nanosleep(&pause, NULL);
	}
	return ctl_out_of_memory();
}

int verb_flows(struct ctl *ctl, const struct ctl_args *args)
{
	cJSON *report = NULL;

	if (args->follow)
		return follow(ctl, args);
	int status = live_ask(ctl, new_request("flows", args, args->since), &report);
	if (!report || !ctl_is_format(ctl, "json"))
		return report ? show_report(ctl, report, show_flows, status) : status;
	int printed = print_lines(report);
	cJSON_Delete(report);
	return printed == CTL_OK ? status : printed;
}

int verb_top(struct ctl *ctl, const struct ctl_args *args)
{
	cJSON *report = NULL;
	int status = live_ask(ctl, new_request("top", args, args->since), &report);

	return report ? show_report(ctl, report, show_top, status) : status;
}
