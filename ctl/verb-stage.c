/* SPDX-License-Identifier: GPL-2.0-or-later */
/* stage: a candidate beside the policy in force. */
#include <errno.h>

#include "ctl/out-text.h"

static int add_what(const struct ctl_args *args, cJSON *request)
{
	if (args->apply && wire_add_bool(request, "apply", true) < 0)
		return -ENOMEM;
	if (args->discard && wire_add_bool(request, "discard", true) < 0)
		return -ENOMEM;
	return live_add_conditions(request, args);
}

/* Files, or a word, and not both. */
static int check(const struct ctl_args *args)
{
	if ((args->n > 0) + args->apply + args->discard > 1) {
		ctl_complain("stage takes files, --apply or --discard: one of them");
		return CTL_USAGE;
	}
	if (args->confirm_s && !args->apply) {
		ctl_complain("--confirm goes with --apply");
		return CTL_USAGE;
	}
	if (args->expect && !args->apply && !args->discard) {
		ctl_complain("--expect goes with --apply or --discard");
		return CTL_USAGE;
	}
	return CTL_OK;
}

static show_fn *show_of(const struct ctl_args *args)
{
	if (args->apply)
		return show_change;
	return args->n || args->discard ? show_staging : show_stage;
}

int verb_stage(struct ctl *ctl, const struct ctl_args *args)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct input_policy input = { 0 };
	cJSON *request = NULL, *report = NULL;
	int status = arena ? check(args) : ctl_out_of_memory();

	if (status == CTL_OK && args->n)
		status = input_read_policy(ctl, args->files, args->n, arena, &input);
	if (status != CTL_OK)
		return status;
	request = wire_new_request("stage");
	if (!request || add_what(args, request) < 0 ||
	    (args->n && live_add_files(request, &input.dir, arena) < 0)) {
		cJSON_Delete(request);
		return ctl_out_of_memory();
	}
	status = live_ask_about(ctl, request, args->n ? &input.dir : NULL, NULL, &report);
	return report ? show_report(ctl, report, show_of(args), status) : status;
}
