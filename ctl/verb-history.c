/* SPDX-License-Identifier: GPL-2.0-or-later */
/* history and rollback: policies that were in force, and going back to one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/out-text.h"

/* Puts the generation, where one is given, into @request. */
static int add_generation(const struct ctl_args *args, cJSON *request)
{
	const char *text = args->n ? args->files[0] : NULL;

	if (!text)
		return CTL_OK;
	/* 15 digits: what a JSON number holds exactly. */
	if (strspn(text, "0123456789") != strlen(text) || strlen(text) > 15 || atoll(text) == 0) {
		ctl_complain("there is no generation `%s`: `netdctl history` lists them", text);
		return CTL_USAGE;
	}
	return wire_add_number(request, "generation", (double)atoll(text)) < 0 ? ctl_out_of_memory()
									       : CTL_OK;
}

static int ask(const struct ctl *ctl, const struct ctl_args *args, const char *verb, show_fn *show)
{
	cJSON *request = wire_new_request(verb), *report = NULL;
	int status = request ? add_generation(args, request) : ctl_out_of_memory();

	if (status == CTL_OK && live_add_conditions(request, args) < 0)
		status = ctl_out_of_memory();
	if (status != CTL_OK) {
		cJSON_Delete(request);
		return status;
	}
	status = live_ask(ctl, request, &report);
	return report ? show_report(ctl, report, show, status) : status;
}

int verb_history(struct ctl *ctl, const struct ctl_args *args)
{
	return ask(ctl, args, "history", args->n ? show_history_record : show_history);
}

int verb_rollback(struct ctl *ctl, const struct ctl_args *args)
{
	return ask(ctl, args, "rollback", show_change);
}
