/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What suggest and allow are told: what was seen, the host's facts, the policy in force. */
#pragma once

#include "core/suggest/suggest.h"
#include "ctl/ctl.h"

struct input_seen {
	struct suggest_input suggest;
	struct suggest_evidence evidence;
	struct input_policy files; /* of suggest.policy */
	const char *path;	   /* where they are; NULL: no policy is in force */
};

/* Of the files that the arguments name; what they do not name netd and Docker tell. CTL_OK, or an
 * exit status after saying why. */
int input_read_seen(const struct ctl *ctl, const struct ctl_args *args, struct arena *arena,
		    struct input_seen *ret) MUST_CHECK;
/* The digest of the policy in force, in @arena; NULL: an older netd does not tell. CTL_OK, or an
 * exit status after saying why. */
int input_digest_in_force(const struct ctl *ctl, struct arena *arena, const char **ret) MUST_CHECK;
/* netd follows the folder @path, and what it says is in force, so that it can be put into force
 * with a rule more. CTL_OK, or an exit status after saying why not. */
int input_check_in_force(const struct ctl *ctl, const char *path) MUST_CHECK;
