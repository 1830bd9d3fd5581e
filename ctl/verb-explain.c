/* SPDX-License-Identifier: GPL-2.0-or-later */
/* explain: does a flow pass, and why. */
#include "ctl/ctl.h"

static int explain_live(const struct ctl *ctl, const struct ctl_args *args)
{
	static const char *const names[] = { "from", "to", "port" };
	cJSON *request = wire_new_request("explain"), *report = NULL;

	if (args->inventory || args->n_compose) {
		cJSON_Delete(request);
		ctl_complain("--inventory and --compose need --policy");
		return CTL_USAGE;
	}
	for (size_t i = 0; request && i < ARRAY_LEN(names); i++)
		if (wire_add_string(request, names[i], args->files[i]) < 0) {
			cJSON_Delete(request);
			return ctl_out_of_memory();
		}
	int status = live_ask(ctl, request, &report);
	return report ? show_report(ctl, report, show_explain, status) : status;
}

int verb_explain(struct ctl *ctl, const struct ctl_args *args)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct report_question question = { args->files[0], args->files[1], args->files[2] };
	struct report_explained explained;
	struct report_input in;

	if (!args->policy)
		return explain_live(ctl, args);
	int status = arena ? input_prepare(ctl, args, arena, &in) : ctl_out_of_memory();
	if (status != CTL_OK)
		return status;
	int r = report_explain(&in, &question, arena, &explained);
	if (r == REPORT_E_QUESTION) {
		ctl_complain("%s", explained.error);
		return CTL_USAGE;
	}
	if (r < 0)
		return ctl_out_of_memory();
	return show_report(ctl, explained.json, show_explain,
			   explained.allowed ? CTL_OK : CTL_FINDING);
}
