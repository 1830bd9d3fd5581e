/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The times of `until`: RFC 3339 in UTC, to the second. Pure: no time zone, no locale, no clock. */
#pragma once

#include <stdint.h>

#include "core/base/cleanup.h"

#define UNTIL_TEXT_LEN 21 /* "2026-12-31T18:00:00Z" with NUL */

/* "2026-12-31T18:00:00Z" to seconds since the epoch; years 2000 to 9999, no leap second, since
 * 0 means for ever and the epoch has none. 0 or -EINVAL. */
int policy_until_parse(const char *text, int64_t *ret) MUST_CHECK;
/* The way back; for what policy_until_parse() gave. */
const char *policy_until_format(int64_t seconds, char ret[UNTIL_TEXT_LEN]);
