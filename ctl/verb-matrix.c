/* SPDX-License-Identifier: GPL-2.0-or-later */
/* matrix: who may reach whom. */
#include "ctl/ctl.h"

static const struct {
	const char *format;
	show_fn *show;
} forms[] = {
	{ "dot", show_matrix_dot },
	{ "mermaid", show_matrix_mermaid },
};

static show_fn *matrix_form(const struct ctl *ctl)
{
	for (size_t i = 0; i < ARRAY_LEN(forms); i++)
		if (ctl_is_format(ctl, forms[i].format))
			return forms[i].show;
	return show_matrix;
}

int verb_matrix(struct ctl *ctl, const struct ctl_args *args)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct report_input in;
	cJSON *report = NULL;

	if (!args->policy && (args->inventory || args->n_compose)) {
		ctl_complain("--inventory and --compose need --policy");
		return CTL_USAGE;
	}
	if (!args->policy)
		return live_verb(ctl, "matrix", matrix_form(ctl));
	int status = arena ? input_prepare(ctl, args, arena, &in) : ctl_out_of_memory();
	if (status != CTL_OK)
		return status;
	if (report_matrix(&in, &report) < 0)
		return ctl_out_of_memory();
	return show_report(ctl, report, matrix_form(ctl), CTL_OK);
}
