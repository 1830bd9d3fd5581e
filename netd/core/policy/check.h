/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What only the whole policy shows: rules against rules, tiers against tiers. */
#pragma once

#include "core/policy/policy.h"

/* 0 or -ENOMEM; scratch memory is taken from @arena. */
int policy_check(const struct policy *policy, struct arena *arena,
		 struct diag_list *diags) MUST_CHECK;
