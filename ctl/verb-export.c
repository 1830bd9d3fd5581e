/* SPDX-License-Identifier: GPL-2.0-or-later */
/* export: the ruleset as an nft script, or as JSON. */
#include <stdio.h>

#include "core/base/text.h"
#include "ctl/ctl.h"

int verb_export(struct ctl *ctl, const struct ctl_args *args)
{
	static const struct world nowhere = { 0 };
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(text_done) struct text text = { 0 };
	const struct policy *policy = NULL;
	const struct world *world = NULL;
	struct report_input in;
	int r = 0, status = arena ? input_valid_policy(ctl, args->files, args->n, arena, &policy)
				  : ctl_out_of_memory();

	if (status == CTL_OK)
		status = input_world(ctl, args, arena, &world);
	if (status == CTL_OK)
		status = input_compile(&policy, 1, world ? world : &nowhere, ctl->now, arena, &in);
	if (status != CTL_OK)
		return status;
	if (ctl_is_format(ctl, "json"))
		r = ruleset_print_json(in.compiled->ruleset, &text);
	else
		ruleset_print(in.compiled->ruleset, &text);
	if (r < 0 || text_failed(&text))
		return ctl_out_of_memory();
	(void)fputs(text_str(&text), stdout);
	return CTL_OK;
}
