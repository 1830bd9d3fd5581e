/* SPDX-License-Identifier: GPL-2.0-or-later */
/* schema: the policy language for editors. */
#include <stdio.h>

#include "core/policy/schema.h"
#include "ctl/ctl.h"

int verb_schema(struct ctl *ctl, const struct ctl_args *args)
{
	(void)ctl;
	(void)args;
	CLEANUP(free_ptr) char *schema = policy_schema();
	if (!schema)
		return ctl_out_of_memory();
	(void)fputs(schema, stdout);
	return CTL_OK;
}
