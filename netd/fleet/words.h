/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What netd is told of a policy, and what it says to it. */
#pragma once

#include <stddef.h>

#include "core/base/cleanup.h"
#include "core/fleet/fleet.h"
#include "core/wire/wire.h"

/* {"v":1,"verb":"apply","files":[{"name":...,"text":...}]} as a line; the caller's to free. NULL:
 * no memory. */
char *words_apply(const struct fleet_policy *policy, size_t *ret_len) MUST_CHECK;
/* "policy/web.yaml:3: unknown tier", of the first finding; or netd's error. Returns @ret. */
const char *words_refusal(const struct wire_answer *answer, char *ret, size_t size);
