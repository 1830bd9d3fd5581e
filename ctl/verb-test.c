/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test: the policy's own tests. */
#include "ctl/ctl.h"

static const struct {
	const char *format;
	show_fn *show;
} forms[] = {
	{ "tap", show_test_tap },
	{ "junit", show_test_junit },
};

int verb_test(struct ctl *ctl, const struct ctl_args *args)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct report_input in;
	show_fn *show = show_test;
	cJSON *report = NULL;
	size_t failed = 0;
	int status = arena ? input_prepare(ctl, args, arena, &in) : ctl_out_of_memory();

	if (status != CTL_OK)
		return status;
	if (report_test(&in, &report, &failed) < 0)
		return ctl_out_of_memory();
	for (size_t i = 0; i < ARRAY_LEN(forms); i++)
		if (ctl_is_format(ctl, forms[i].format))
			show = forms[i].show;
	return show_report(ctl, report, show, failed ? CTL_FINDING : CTL_OK);
}
