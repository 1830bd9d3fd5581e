/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What cJSON does not check, checked before it sees the bytes: depth, number of items, UTF-8,
 * control characters and \u0000 (which would cut a string short). Private to core/wire. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/base/cleanup.h"

struct scan_limits {
	size_t depth, items;
	bool controls; /* strings may hold (escaped) control characters: labels of containers do */
};

/* NULL: fine; else a static text that says what is wrong. It does not check the syntax: cJSON does.
 */
const char *wire_scan(const char *line, size_t len, struct scan_limits limits);
