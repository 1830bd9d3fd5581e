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

/* Walks over a list, so that each of its elements can be looked at alone: one that is damaged costs
 * the others nothing. Zero but for the first two. */
struct json_elements {
	const char *bytes; /* the whole list, blanks around it allowed */
	size_t len;
	size_t at; /* 0: not begun */
};

/* JSON_ELEMENT: *ret is the next one's bytes, which need not be JSON. JSON_END: that was all, and
 * nothing stands behind. JSON_BROKEN: no list, or cut off. */
enum json_step { JSON_ELEMENT, JSON_END, JSON_BROKEN };
enum json_step json_next_element(struct json_elements *elements, const char **ret, size_t *ret_len);

/* The value of the first member @key of an object, which need not be JSON, nor need what stands
 * around it: an object is one if it is with another value there, and that one is a value. False:
 * there is none. */
struct json_span {
	const char *bytes;
	size_t len;
};
bool json_find_value(struct json_span object, const char *key, struct json_span *ret);

/* NULL: fine; else a static text that says what is wrong, *ret_offset where. It does not check the
 * syntax: cJSON does. */
const char *json_scan(const char *bytes, size_t len, struct json_limits limits, size_t *ret_offset);
