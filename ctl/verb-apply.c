/* SPDX-License-Identifier: GPL-2.0-or-later */
/* apply, confirm, reload: changing what is in force. */
#include <stdio.h>

#include "ctl/allowed.h"
#include "ctl/out-text.h"

/* The daemon reports the generation that came of it. */
void show_change(const struct ctl *ctl, const cJSON *report)
{
	const char *digest = member_text(report, "digest"); /* "": an older netd */
	char all[32];

	printf("%sin force%s: generation %.0f\n", paint_for(ctl, PAINT_GOOD),
	       paint_for(ctl, PAINT_PLAIN), wire_number(report, "generation", 0));
	if (wire_string(report, "state_error"))
		printf("%snot saved%s: a restart of netd will not bring it back (%s)\n",
		       paint_for(ctl, PAINT_BAD), paint_for(ctl, PAINT_PLAIN),
		       wire_string(report, "state_error"));
	if (wire_string(report, "applied"))
		printf("the policy is from %s: `netdctl reload --discard-applied` takes the files "
		       "in its place\n",
		       wire_string(report, "applied"));
	(void)snprintf(all, sizeof(all), "history %.0f", wire_number(report, "generation", 0));
	if (cJSON_GetObjectItemCaseSensitive(report, "changes"))
		show_changes(ctl, cJSON_GetObjectItemCaseSensitive(report, "changes"), all);
	if (wire_bool(report, "confirm_pending", false))
		printf("run `netdctl confirm%s%s` to keep it; otherwise the old policy comes "
		       "back\n",
		       *digest ? " --expect " : "", digest);
}

int apply_ask(const struct ctl *ctl, const struct policydir *dir, const struct ctl_args *args,
	      cJSON **ret)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	cJSON *request = arena ? wire_new_request("apply") : NULL;

	*ret = NULL;
	if (!request || live_add_files(request, dir, arena) < 0 ||
	    live_add_conditions(request, args) < 0) {
		cJSON_Delete(request);
		return ctl_out_of_memory();
	}
	return live_ask_about(ctl, request, dir, NULL, ret);
}

int verb_apply(struct ctl *ctl, const struct ctl_args *args)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	cJSON *report = NULL;
	struct input_policy input = { 0 };
	int status = arena ? input_read_policy(ctl, args->files, args->n, arena, &input)
			   : ctl_out_of_memory();

	if (status != CTL_OK)
		return status;
	status = apply_ask(ctl, &input.dir, args, &report);
	return report ? show_report(ctl, report, show_change, status) : status;
}

/* What `netdctl allow` has set aside belongs to it. */
int verb_confirm(struct ctl *ctl, const struct ctl_args *args)
{
	cJSON *request = wire_new_request("confirm"), *report = NULL;

	if (!request || live_add_conditions(request, args) < 0) {
		cJSON_Delete(request);
		return ctl_out_of_memory();
	}
	int status = live_ask(ctl, request, &report);
	if (report && status == CTL_OK)
		status = allowed_settle(report);
	return report ? show_report(ctl, report, show_change, status) : status;
}

/* In force, or what would be. */
static void show_reload(const struct ctl *ctl, const cJSON *report)
{
	const cJSON *changes = cJSON_GetObjectItemCaseSensitive(report, "changes");
	const char *path = wire_string(report, "policy_path");
	char all[4096 + 8]; /* a path */

	if (!wire_string(report, "would_undo")) {
		show_change(ctl, report);
		return;
	}
	(void)snprintf(all, sizeof(all), "plan %s", path ? path : "FILE");
	if (changes)
		(void)puts("It would change:");
	if (changes)
		show_changes(ctl, changes, all);
}

int verb_reload(struct ctl *ctl, const struct ctl_args *args)
{
	cJSON *request = wire_new_request("reload"), *report = NULL;

	if (!request ||
	    (args->discard_applied && wire_add_bool(request, "discard_applied", true) < 0)) {
		cJSON_Delete(request);
		return ctl_out_of_memory();
	}
	int status = live_ask(ctl, request, &report);
	return report ? show_report(ctl, report, show_reload, status) : status;
}
