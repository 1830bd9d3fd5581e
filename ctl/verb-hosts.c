/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hosts: the other hosts of the fleet, as netd knows them; or others, from a file. */
#include <stdio.h>

#include "core/base/limits.h"
#include "ctl/out-text.h"

static void show_hosts(const struct ctl *ctl, const cJSON *report)
{
	const char *text = member_text(report, "text");

	(void)ctl;
	(void)fputs(*text ? text : "no other host of a fleet is known\n", stdout);
}

static void show_taken(const struct ctl *ctl, const cJSON *report)
{
	(void)ctl;
	printf("%.0f other hosts are known\n", wire_number(report, "hosts", 0));
}

static int add_text(const char *path, cJSON *request)
{
	CLEANUP(text_done) struct text text = { 0 };
	const char *error = read_file_or_stdin(path, LIMIT_REQUEST_BYTES / 2, &text);

	if (!error && text.len > LIMIT_REQUEST_BYTES / 2)
		error = "it is too large";
	if (error) {
		ctl_complain("%s: %s", path, error);
		return CTL_USAGE;
	}
	if (text_failed(&text) || wire_add_string(request, "text", text_str(&text)) < 0)
		return ctl_out_of_memory();
	return CTL_OK;
}

int verb_hosts(struct ctl *ctl, const struct ctl_args *args)
{
	cJSON *request = wire_new_request("hosts"), *report = NULL;
	int status = !request  ? ctl_out_of_memory()
		     : args->n ? add_text(args->files[0], request)
			       : CTL_OK;

	if (status != CTL_OK) {
		cJSON_Delete(request);
		return status;
	}
	status = live_ask(ctl, request, &report);
	return report ? show_report(ctl, report, args->n ? show_taken : show_hosts, status)
		      : status;
}
