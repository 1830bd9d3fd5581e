/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A length of time as people write it: a number and one letter for its unit, "90s", "7d". */
#ifndef NETD_BASE_DURATION_H
#define NETD_BASE_DURATION_H

#include <stdint.h>

/* In seconds, above 0. @units: the letters that may follow the number, of s, m, h, d and w (seconds
 * to weeks). -1: @text is not of that form. The number begins with no 0 and has six digits at most,
 * so that nothing overflows. */
int64_t duration_parse(const char *text, const char *units);

#endif
