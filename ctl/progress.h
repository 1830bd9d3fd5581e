/* SPDX-License-Identifier: GPL-2.0-or-later */
/* netdctl's own work that takes longer than a second says so: a line on stderr, if that is a
 * terminal, once a second. What netd works on has a line of its own (live.c). */
#pragma once

#include <stdbool.h>

void progress_begin(void);
/* Erases the line: before anything else is written. Whether there was something to end. */
bool progress_end(void);
