/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The flows in the state folder: one on a line, the most recent first, behind a line that says
 * since when. Written beside the loop; read a little in each turn, so that the loop does not stand
 * still for those of a large host. */
#include <errno.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/limits.h"
#include "core/base/text.h"
#include "core/flow/json.h"
#include "core/policy/until.h"
#include "daemon/daemon.h"
#include "edge/journal/journal.h"
#include "edge/loop/loop.h"

#define SAVE_US UINT64_C(600000000)
#define LINES_PER_TURN 200u

/* ---- writing ---- */

static int add_line(struct text *text, cJSON *json)
{
	char *line = json ? cJSON_PrintUnformatted(json) : NULL;

	cJSON_Delete(json);
	if (!line)
		return -ENOMEM;
	text_add(text, line);
	text_add(text, "\n");
	cJSON_free(line);
	return text_failed(text) ? -ENOMEM : 0;
}

static cJSON *first_line(const struct flows *flows)
{
	char since[UNTIL_TEXT_LEN];
	cJSON *json = cJSON_CreateObject();

	if (json && cJSON_AddNumberToObject(json, "v", FLOW_VERSION) &&
	    cJSON_AddStringToObject(json, "since", policy_until_format(flows->since, since)) &&
	    (!flows->staged ||
	     cJSON_AddStringToObject(json, "staged", policy_until_format(flows->staged, since))))
		return json;
	cJSON_Delete(json);
	return NULL;
}

/* Ends that were written. */
struct ends_written {
	bool written[LIMIT_FLOW_ENDS + 1]; /* by their numbers in the store */
};

/* What an end was made of stands with the first flow that names it: else it would be most of the
 * file. */
static void tell_once(struct ends_written *ends, struct flow_end *end)
{
	if (end->number > LIMIT_FLOW_ENDS || ends->written[end->number])
		end->image = end->labels = "";
	else
		ends->written[end->number] = true;
}

static int write_file(struct daemon *d)
{
	struct flows *flows = &d->flows;
	struct text text CLEANUP(text_done) = { 0 };
	struct ends_written ends = { 0 };
	struct flow flow;
	int r = flows_read_all(flows);

	if (r == 0)
		r = add_line(&text, first_line(flows));
	for (uint32_t at = 0; r == 0 && flow_store_next(flows->store, true, &at, &flow);) {
		tell_once(&ends, &flow.from);
		tell_once(&ends, &flow.to);
		r = add_line(&text, flow_to_json(&flow));
	}
	return r < 0 ? r
		     : host_state_write(d->options->state_dir, FLOWS_FILE, text_str(&text),
					text.len);
}

static int write_beside(void *userdata, int fd)
{
	(void)fd;
	return write_file(userdata);
}

static void say_unwritable(const struct daemon *d, int error)
{
	log_warning(LOG_ID_STATE_UNWRITABLE,
		    "%s/" FLOWS_FILE ": %s: a restart forgets the flows that were seen since",
		    d->options->state_dir, strerror(error));
}

static void on_written(void *userdata, const struct beside_result *result)
{
	struct daemon *d = userdata;

	d->flows.saving = NULL;
	if (result->end == BESIDE_DONE)
		return;
	d->flows.saved = 0; /* once more */
	say_unwritable(d, result->end == BESIDE_FAILED ? -result->code : EINTR);
}

static int on_save(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct daemon *d = userdata;
	struct flows *flows = &d->flows;
	const struct beside_work work = { .work = write_beside,
					  .keeps_rights = true, /* a folder of another user's */
					  .done = on_written,
					  .userdata = d };
	uint64_t noted = flow_store_counts(flows->store).noted;

	(void)usec;
	if (!flows->saving && noted != flows->saved) {
		int r = beside_begin(&d->besides, &work, &flows->saving);
		if (r == 0)
			flows->saved = noted;
		else
			say_unwritable(d, -r);
	}
	return loop_arm(source, SAVE_US);
}

/* ---- reading ---- */

static bool read_moment(const cJSON *json, const char *name, int64_t *ret)
{
	const cJSON *moment = cJSON_GetObjectItemCaseSensitive(json, name);

	return cJSON_IsString(moment) && policy_until_parse(moment->valuestring, ret) == 0;
}

/* A clock that was set back: from now on, then. */
static void read_first_line(struct flows *flows, const char *line, size_t len)
{
	CLEANUP(json_freep) cJSON *json = json_parse(line, len, NULL);
	int64_t since = flows->since;

	flows->n_bad_lines += !read_moment(json, "since", &since);
	flows->since = since < flows->since ? since : flows->since;
	if (!read_moment(json, "staged", &flows->file_staged))
		flows->file_staged = 0;
}

static int read_line(struct flows *flows, const char *line, size_t len)
{
	struct arena *arena CLEANUP(arena_freep) = arena_new();
	CLEANUP(json_freep) cJSON *json = NULL;
	struct flow flow;
	int r = arena ? flow_read_line(line, len, arena, &flow, &json) : -ENOMEM;

	/* The file is written every ten minutes; what was staged after it counts from nothing. */
	if (r == 0 && flows->file_staged != flows->staged)
		flow.since_staged = 0;
	if (r == 0)
		r = flow_store_restore(flows->store, &flow);
	else if (r == FLOW_E_INVALID)
		flows->n_bad_lines++;
	return r < 0 ? r : 0;
}

/* 1: there are more. */
static int read_lines(struct flows *flows, size_t most)
{
	int r = 0;

	for (size_t i = 0; i < most && r == 0 && flows->left.len > 0; i++) {
		const char *line = flows->left.bytes;
		const char *end = memchr(line, '\n', flows->left.len);
		size_t len = end ? (size_t)(end - line) : flows->left.len;
		r = read_line(flows, line, len);
		len += end != NULL;
		flows->left.bytes += len;
		flows->left.len -= len;
	}
	if (r == 0 && flows->left.len > 0)
		return 1;
	flows->left = (struct host_bytes){ 0 };
	flows->loading = arena_free(flows->loading);
	return r;
}

int flows_read_all(struct flows *flows)
{
	return flows->loading ? read_lines(flows, SIZE_MAX) : 0;
}

/* Nothing that is enforced depends on it. */
static void say_forgotten(struct daemon *d, int error)
{
	d->flows.damaged = true;
	log_warning(LOG_ID_STATE_UNWRITABLE,
		    "%s/" FLOWS_FILE " is damaged (%s): the flows that were seen before are "
		    "forgotten",
		    d->options->state_dir, strerror(-error));
}

static int on_load(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct daemon *d = userdata;
	struct flows *flows = &d->flows;
	int r = read_lines(flows, LINES_PER_TURN);

	(void)usec;
	if (r == 1)
		return loop_arm(source, 0);
	if (flows->n_bad_lines)
		log_warning(LOG_ID_STATE_UNWRITABLE,
			    "%s/" FLOWS_FILE ": %llu lines are not flows and are skipped",
			    d->options->state_dir, (unsigned long long)flows->n_bad_lines);
	if (r < 0)
		say_forgotten(d, r);
	return 0;
}

static int open_file(struct daemon *d)
{
	struct flows *flows = &d->flows;

	flows->loading = arena_new();
	int r = flows->loading ? host_state_read(d->options->state_dir, FLOWS_FILE,
						 LIMIT_FLOW_BYTES, flows->loading, &flows->left)
			       : -ENOMEM;
	if (r == 0) {
		const char *end = memchr(flows->left.bytes, '\n', flows->left.len);
		size_t len = end ? (size_t)(end - flows->left.bytes) : flows->left.len;
		read_first_line(flows, flows->left.bytes, len);
		len += end != NULL;
		flows->left.bytes += len;
		flows->left.len -= len;
		return loop_arm(flows->load, 0);
	}
	flows->loading = arena_free(flows->loading);
	if (r != -ENOENT)
		say_forgotten(d, r);
	return 0;
}

/* ---- life ---- */

int flows_kept_start(struct daemon *d)
{
	struct flows *flows = &d->flows;
	const struct loop_timer save = { "flows", SD_EVENT_PRIORITY_IDLE, on_save, d };
	const struct loop_timer load = { "flows", SD_EVENT_PRIORITY_IDLE + 1, on_load, d };
	int r = loop_add_timer(d->loop, &save, &flows->save);

	if (r == 0)
		r = loop_add_timer(d->loop, &load, &flows->load);
	if (r == 0)
		r = loop_arm(flows->save, SAVE_US);
	return r < 0 ? r : open_file(d);
}

void flows_kept_stop(struct daemon *d)
{
	struct flows *flows = &d->flows;

	while (flows->saving)
		beside_wait(flows->saving);
	if (flows->store && flow_store_counts(flows->store).noted != flows->saved) {
		int r = write_file(d);
		if (r < 0)
			say_unwritable(d, -r);
	}
	flows->loading = arena_free(flows->loading);
	flows->save = sd_event_source_disable_unref(flows->save);
	flows->load = sd_event_source_disable_unref(flows->load);
}
