/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What cJSON does not check, checked before it sees the bytes: depth, number of items, UTF-8,
 * control characters and \u0000 (which would cut a string short). */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/base/cleanup.h"

struct json_limits {
	size_t depth, items;
	bool controls; /* strings may hold (escaped) control characters: labels of containers do */
	bool lines;    /* it may be of several lines */
};

/* NULL: fine; else a static text that says what is wrong, *ret_offset where. It does not check the
 * syntax: cJSON does. */
const char *json_scan(const char *bytes, size_t len, struct json_limits limits, size_t *ret_offset);
