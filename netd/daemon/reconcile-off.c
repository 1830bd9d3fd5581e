/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Takes out of the kernel what is in force there. */
#include "daemon/daemon.h"

int reconcile_off(struct daemon *d)
{
	struct generation *gone = d->committed;
	int r = fw_off(d->fw, &d->last_error);

	if (r < 0)
		return r;
	reconcile_note(d, PLAN_OFF);
	floor_leave(d);
	flows_forget_whom(&d->flows);
	d->committed = NULL;
	if (gone) {
		struct policy_set *policy = gone->policy;
		(void)generation_free(gone);
		policy_forget(d, policy);
	}
	return 0;
}
