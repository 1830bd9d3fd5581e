/* SPDX-License-Identifier: GPL-2.0-or-later */
/* report: what other verbs say, put together: as JSON, or as a page (show-page.c). A part that is
 * not to be had is missing, with the reason; only without any of netd's there is no report. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/policy/until.h"
#include "ctl/ctl.h"
#include "ctl/progress.h"

/* Verbs whose answers it has; the first is asked aloud, since nothing is to be said without it. */
static const char *const parts[] = { "status", "matrix",  "ports", "endpoints",
				     "rules",  "history", "flows", "stage" };

static int note_missing(cJSON *report, const char *part, enum wire_code code)
{
	cJSON *list = cJSON_GetObjectItemCaseSensitive(report, "missing"), *item;

	if (!list)
		list = cJSON_AddArrayToObject(report, "missing");
	item = list ? cJSON_CreateObject() : NULL;
	if (!item || !cJSON_AddItemToArray(list, item))
		return -ENOMEM;
	int r = wire_add_string(item, "what", part);
	return r < 0 ? r : wire_add_string(item, "why", wire_code_name(code));
}

/* CTL_OK or an exit status after saying why. */
static int ask(const struct ctl *ctl, size_t i, cJSON *report)
{
	cJSON *request = wire_new_request(parts[i]), *part = NULL;
	enum wire_code code = WIRE_OK;
	int status;

	if (i == 0)
		status = live_ask(ctl, request, &part);
	else
		status = live_ask_quietly(ctl, request, &part, &code);
	if (!part && i == 0)
		return status ? status : CTL_UNREACHABLE;
	/* Nothing is staged. */
	if (!part && code == WIRE_USAGE)
		return CTL_OK;
	int r = part ? wire_add(report, parts[i], part) : note_missing(report, parts[i], code);
	return r < 0 ? ctl_out_of_memory() : CTL_OK;
}

/* The name of the host, where it is written. */
static int add_host(const char *root, cJSON *report)
{
	CLEANUP(text_done) struct text text = { 0 }, path = { 0 };

	text_printf(&path, "%s/etc/hostname", root);
	if (text_failed(&path))
		return -ENOMEM;
	const char *why = read_file_or_stdin(text_str(&path), 256, &text);
	if (text_failed(&text))
		return -ENOMEM;
	char *end = why || !text.bytes ? NULL : strpbrk(text.bytes, "\r\n");
	if (end)
		*end = '\0';
	return wire_add_string(report, "host", why ? "" : text_str(&text));
}

static int begin(const struct ctl *ctl, const struct ctl_args *args, cJSON *report)
{
	char made[UNTIL_TEXT_LEN];
	int r = report ? wire_add_number(report, "v", REPORT_VERSION) : -ENOMEM;

	if (r == 0)
		r = add_host(args->root ? args->root : "", report);
	if (r == 0)
		r = wire_add_string(report, "made", policy_until_format(ctl->now, made));
	return r < 0 ? ctl_out_of_memory() : CTL_OK;
}

int verb_report(struct ctl *ctl, const struct ctl_args *args)
{
	cJSON *report = cJSON_CreateObject(), *doctor = NULL;
	int status = begin(ctl, args, report);

	progress_begin();
	for (size_t i = 0; i < ARRAY_LEN(parts) && status == CTL_OK; i++)
		status = ask(ctl, i, report);
	if (status == CTL_OK) {
		int found = doctor_examine(ctl, args, &doctor);
		if (found != CTL_OK && found != CTL_FINDING)
			status = found;
		else if (wire_add(report, "doctor", doctor) < 0)
			status = ctl_out_of_memory();
	}
	if (status == CTL_OK)
		return show_report(ctl, report, show_page, CTL_OK);
	cJSON_Delete(report);
	return status;
}
