/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fleet apply: files become the policy of all hosts, or of a group. */
#include "ctl/fleet-change.h"

int fleet_apply(const struct fleet *fleet)
{
	struct fleet_change change;

	if (fleet->args->canary)
		return fleet_apply_canary(fleet);
	if (fleet->args->accept_denials) {
		ctl_complain("--accept-denials says something of a canary: give --canary GROUP");
		return CTL_USAGE;
	}
	int status = fleet_change_begin(&change, fleet, fleet->args->group);

	if (status == CTL_OK)
		status = fleet_change_read_files(&change);
	return status == CTL_OK ? fleet_change_carry_out(&change) : status;
}
