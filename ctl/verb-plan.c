/* SPDX-License-Identifier: GPL-2.0-or-later */
/* plan: what a policy would change, against the running one or another. */
#include "ctl/ctl.h"
#include "ctl/progress.h"

static show_fn *form_of(const struct ctl *ctl)
{
	return ctl_is_format(ctl, "markdown") ? show_plan_markdown : show_plan;
}

/* netd has never run here, or is gone without a trace. */
static int plan_plain(const struct ctl *ctl, const struct ctl_args *args, struct arena *arena)
{
	const struct policy *policy = NULL;
	cJSON *report = NULL;
	int status = input_valid_policy(ctl, args->files, args->n, arena, &policy);

	if (status == CTL_OK)
		status = plan_with_docker(ctl, policy, arena, &report);
	return report ? show_report(ctl, report, form_of(ctl), status) : status;
}

static int plan_live(const struct ctl *ctl, const struct ctl_args *args, struct arena *arena)
{
	cJSON *request = NULL, *report = NULL;
	bool alone = false;
	struct input_policy input = { 0 };

	if (args->inventory || args->n_compose) {
		ctl_complain("--inventory and --compose need --against OLD");
		return CTL_USAGE;
	}
	/* Read here, checked by the daemon: its answer names the files as they are named here. */
	int status = input_read_policy(ctl, args->files, args->n, arena, &input);
	if (status != CTL_OK)
		return status;
	request = wire_new_request("plan");
	if (!request || live_add_files(request, &input.dir, arena) < 0) {
		cJSON_Delete(request);
		return ctl_out_of_memory();
	}
	status = live_ask_about(ctl, request, &input.dir, &alone, &report);
	if (alone)
		return plan_plain(ctl, args, arena);
	return report ? show_report(ctl, report, form_of(ctl), status) : status;
}

int verb_plan(struct ctl *ctl, const struct ctl_args *args)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct policy *policies[2] = { NULL, NULL };
	const struct world *world = NULL;
	struct report_input in[2];
	cJSON *report = NULL;
	bool changed = false;

	if (!arena)
		return ctl_out_of_memory();
	progress_begin();
	if (!args->against)
		return plan_live(ctl, args, arena);
	char *old = arena_strdup(arena, args->against);
	int status =
		old ? input_valid_policy(ctl, &old, 1, arena, &policies[0]) : ctl_out_of_memory();
	if (status == CTL_OK)
		status = input_valid_policy(ctl, args->files, args->n, arena, &policies[1]);
	if (status == CTL_OK)
		status = input_world(ctl, args, arena, &world);
	if (status == CTL_OK)
		status = input_compile(policies, 2, world, ctl->now, arena, in);
	if (status != CTL_OK)
		return status;
	if (report_plan(&in[0], &in[1], &report, &changed) < 0)
		return ctl_out_of_memory();
	return show_report(ctl, report, form_of(ctl), changed ? CTL_FINDING : CTL_OK);
}
