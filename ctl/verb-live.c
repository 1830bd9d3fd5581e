/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Verbs without arguments that ask the daemon one thing. */
#include <stdio.h>

#include "ctl/ctl.h"

int verb_status(struct ctl *ctl, const struct ctl_args *args)
{
	(void)args;
	return live_verb(ctl, "status", show_status);
}

int verb_endpoints(struct ctl *ctl, const struct ctl_args *args)
{
	(void)args;
	return live_verb(ctl, "endpoints", show_endpoints);
}

int verb_rules(struct ctl *ctl, const struct ctl_args *args)
{
	(void)args;
	return live_verb(ctl, "rules", show_rules);
}

int verb_ports(struct ctl *ctl, const struct ctl_args *args)
{
	(void)args;
	return live_verb(ctl, "ports", show_ports);
}
