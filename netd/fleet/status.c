/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fleet/status.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/wire/wire.h"
#include "edge/control/ask.h"
#include "edge/loop/loop.h"

#define TIMEOUT_US UINT64_C(10000000)
#define ANSWER_BYTES (4u * 1024u * 1024u)
/* How old it may be in what netd's stamp does not tell of, and while netd gives none. */
#define POLL_US UINT64_C(60000000)
#define POLL_AGAIN_US UINT64_C(5000000)

struct status {
	struct status_options options;
	sd_event *loop;
	struct control_ask *ask;
	sd_event_source *poll;
	bool is_outdated; /* netd has changed after it was asked */
};

static void poll_in(struct status *status, uint64_t us)
{
	(void)!loop_arm(status->poll, status->is_outdated ? 0 : us);
}

static void on_answer(void *userdata, const struct wire_answer *answer, const char *error)
{
	struct status *status = userdata;
	const cJSON *report =
		answer ? cJSON_GetObjectItemCaseSensitive(answer->json, "report") : NULL;

	(void)error; /* a record without a status says it */
	status->ask = NULL;
	status->options.on_status(status->options.userdata, report, status->is_outdated);
	poll_in(status, report ? POLL_US : POLL_AGAIN_US);
}

static int on_poll(sd_event_source *source, uint64_t usec, void *userdata)
{
	static const char line[] = "{\"v\":1,\"verb\":\"status\"}\n";
	struct status *status = userdata;
	const struct control_asked asked = { .path = status->options.netd,
					     .timeout_us = TIMEOUT_US,
					     .answer_bytes = ANSWER_BYTES,
					     .done = on_answer,
					     .userdata = status };

	(void)source;
	(void)usec;
	status->is_outdated = false;
	if (control_ask(status->loop, &asked, line, strlen(line), &status->ask) < 0)
		poll_in(status, POLL_AGAIN_US);
	return 0;
}

void status_outdate(struct status *status)
{
	status->is_outdated = status->ask != NULL;
}

void status_look(struct status *status)
{
	status_outdate(status);
	if (!status->ask)
		(void)!loop_arm(status->poll, 0);
}

bool status_is_asking(const struct status *status)
{
	return status->ask != NULL;
}

struct status *status_free(struct status *status)
{
	if (!status)
		return NULL;
	(void)control_ask_cancel(status->ask);
	(void)sd_event_source_disable_unref(status->poll);
	free(status);
	return NULL;
}

int status_new(sd_event *loop, const struct status_options *options, struct status **ret)
{
	struct status *status = calloc(1, sizeof(*status));

	if (!status)
		return -ENOMEM;
	*status = (struct status){ .options = *options, .loop = loop };
	const struct loop_timer timer = { "status", 0, on_poll, status };
	int r = loop_add_timer(loop, &timer, &status->poll);
	if (r == 0)
		r = loop_arm(status->poll, 0);
	if (r < 0) {
		(void)status_free(status);
		return r;
	}
	*ret = status;
	return 0;
}
