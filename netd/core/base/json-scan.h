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

struct json_span {
	const char *bytes;
	size_t len;
};

/* Walks over the members of an object in the order in which they stand there, and over those of an
 * object in it. The values need not be JSON, nor need what stands around them: an object is one if
 * it is with other values there, and each of those is a value. Zero but for the first two. */
struct json_cursor {
	const char *bytes;
	size_t len;
	size_t at;
	bool is_opened; /* the first member, or the end, comes next */
};

/* Steps into the object that begins here, at a value or at the very beginning. False: none does. */
bool json_open_object(struct json_cursor *cursor);
/* JSON_ELEMENT: *ret is the key of the next member, as it is written between its quotes, and the
 * cursor is at its value, which is taken or opened next. JSON_END: that was the last; the cursor is
 * behind the object. */
enum json_step json_next_key(struct json_cursor *cursor, struct json_span *ret);
/* *ret: the value here. False: it is cut off. */
bool json_take_value(struct json_cursor *cursor, struct json_span *ret);
/* Steps over the next member if it is written like this one: from the first quote of its key to the
 * last byte of its value, and nothing around them. */
bool json_pass_member(struct json_cursor *cursor, struct json_span member);

/* Only blanks stand behind the cursor. */
bool json_is_blank(const struct json_cursor *cursor);

/* The value of the first member @key of an object. False: there is none. */
bool json_find_value(struct json_span object, const char *key, struct json_span *ret);

/* NULL: fine; else a static text that says what is wrong, *ret_offset where. It does not check the
 * syntax: cJSON does. */
const char *json_scan(const char *bytes, size_t len, struct json_limits limits, size_t *ret_offset);
