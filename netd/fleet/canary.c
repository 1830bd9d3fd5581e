/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fleet/canary.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "edge/control/ask.h"
#include "edge/loop/loop.h"

#define SECOND_US UINT64_C(1000000)
#define TIMEOUT_US (30 * SECOND_US)
/* An answer takes netd a process, and a second with as many flows as it keeps. */
#define ASK_US (5 * SECOND_US)
/* netd tells of LIMIT_CUT_LISTED flows, of some hundred bytes each. */
#define ANSWER_BYTES (1024u * 1024u)

struct canary {
	struct canary_options options;
	sd_event *loop;
	sd_event_source *timer;
	struct control_ask *ask;
	bool is_on;
	uint64_t digest;
	int64_t since; /* seconds since the epoch */
	bool is_blind; /* netd gives no flows */
	uint64_t n_cut;
	char cut[192]; /* the last one, "" where there is none */
};

void canary_tell(const struct canary *canary, struct fleet_record *record)
{
	record->has_canary = canary->is_on;
	record->is_blind = canary->is_blind;
	record->n_cut = canary->n_cut;
	record->cut = *canary->cut ? canary->cut : NULL;
}

/* "web-1", or an address. */
static const char *name_of(const cJSON *flow, const char *which)
{
	static const char *const members[] = { "container", "name", "address", "zone", "kind" };
	const cJSON *end = cJSON_GetObjectItemCaseSensitive(flow, which);

	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		const char *text = wire_string(end, members[i]);
		if (text && *text)
			return text;
	}
	return "?";
}

static void take(struct canary *canary, const cJSON *report)
{
	const cJSON *flows = wire_array(report, "flows");
	const cJSON *summary = cJSON_GetObjectItemCaseSensitive(report, "summary");
	int n = cJSON_GetArraySize(flows);
	bool is_blind = !report || !wire_bool(summary, "on", false);
	bool is_news = is_blind != canary->is_blind || (n > 0 && (uint64_t)n != canary->n_cut);

	canary->is_blind = is_blind;
	/* What netd has forgotten meanwhile was so all the same. */
	if (n > 0) {
		const char *port = wire_string(flows->child, "port");
		canary->n_cut = (uint64_t)n > canary->n_cut ? (uint64_t)n : canary->n_cut;
		(void)snprintf(canary->cut, sizeof(canary->cut), "%.70s to %.70s %.30s",
			       name_of(flows->child, "from"), name_of(flows->child, "to"),
			       port ? port : "");
		text_clean(canary->cut);
	}
	if (is_news)
		canary->options.on_news(canary->options.userdata);
}

static void on_answer(void *userdata, const struct wire_answer *answer, const char *error)
{
	struct canary *canary = userdata;

	(void)error;
	canary->ask = NULL;
	take(canary, answer ? cJSON_GetObjectItemCaseSensitive(answer->json, "report") : NULL);
	(void)!loop_arm(canary->timer, ASK_US);
}

/* 0 or -errno. */
static int ask(struct canary *canary)
{
	const struct control_asked asked = { .path = canary->options.netd,
					     .timeout_us = TIMEOUT_US,
					     .answer_bytes = ANSWER_BYTES,
					     .done = on_answer,
					     .userdata = canary };
	cJSON *request = wire_new_request("flows");
	CLEANUP(free_ptr) char *line = NULL;
	size_t len = 0;
	int r = request ? wire_add_bool(request, "cut", true) : -ENOMEM;

	if (r == 0)
		r = wire_add_number(request, "since", (double)canary->since);
	if (r == 0)
		line = wire_print(request, &len);
	cJSON_Delete(request);
	return line ? control_ask(canary->loop, &asked, line, len, &canary->ask) : -ENOMEM;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct canary *canary = userdata;

	(void)source;
	(void)usec;
	if (canary->is_on && !canary->ask && ask(canary) < 0)
		(void)!loop_arm(canary->timer, ASK_US);
	return 0;
}

void canary_note(struct canary *canary, bool is_in_force, uint64_t digest, int64_t since)
{
	if (is_in_force == canary->is_on && (!is_in_force || digest == canary->digest))
		return;
	canary->ask = control_ask_cancel(canary->ask);
	canary->is_on = is_in_force;
	canary->digest = digest;
	canary->since = since;
	/* Until netd has said that it sees flows. */
	canary->is_blind = true;
	canary->n_cut = 0;
	canary->cut[0] = '\0';
	(void)!(is_in_force ? loop_arm(canary->timer, 0) : loop_disarm(canary->timer));
}

struct canary *canary_free(struct canary *canary)
{
	if (!canary)
		return NULL;
	(void)control_ask_cancel(canary->ask);
	(void)sd_event_source_disable_unref(canary->timer);
	free(canary);
	return NULL;
}

int canary_new(sd_event *loop, const struct canary_options *options, struct canary **ret)
{
	struct canary *canary = calloc(1, sizeof(*canary));

	if (!canary)
		return -ENOMEM;
	*canary = (struct canary){ .options = *options, .loop = loop };
	const struct loop_timer timer = { "canary", 0, on_timer, canary };
	int r = loop_add_timer(loop, &timer, &canary->timer);
	if (r < 0) {
		(void)canary_free(canary);
		return r;
	}
	*ret = canary;
	return 0;
}
