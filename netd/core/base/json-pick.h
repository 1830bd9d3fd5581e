/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Takes out of JSON, as it comes in pieces, only what somebody asks for: text in, less text out.
 * So an answer of any length costs the memory of what is wanted of it. The result is JSON of the
 * same form; a list's elements stay a list. It does not check the syntax: whoever reads the result
 * does. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/base/json-names.h"
#include "core/base/text.h"

/* A member of an object, or of the objects in a list. */
struct json_want {
	const char *key;	    /* "*": each; NULL ends a table */
	const struct json_want *of; /* what is taken of its value; NULL: all */
	bool is_named;		    /* of its members those with the names asked for are taken, and
				     * others while they are short */
	bool is_assigned; /* a list of "NAME=value": of each the name is taken, and no value is kept
			   * for a moment */
};

/* Longer texts become false: whoever asks for a text sees that there is none to use. */
#define JSON_PICK_STRING 4096u
/* Objects and lists in each other, of what is taken. */
#define JSON_PICK_DEPTH 16u

struct json_pick;

/* @element_max: bytes of one element of the list, or of one value: what is left of a longer one is
 * null. @names: a reference is taken; NULL: none. @is_lines: each line is a value of its own. NULL:
 * no memory. */
struct json_pick *json_pick_new(const struct json_want *wants, struct json_names *names,
				size_t element_max, bool is_lines) MUST_CHECK;
struct json_pick *json_pick_free(struct json_pick *pick); /* NULL is fine; returns NULL */
/* Adds to @out what is complete: whole elements, or values with a newline behind. Where members of
 * an object of names were left out, it has the member "" that is null, and so has each name that is
 * asked for and is not there. What is no JSON ends the result where it is; of a line of its own it
 * makes null. 0 or -ENOMEM. */
int json_pick_feed(struct json_pick *pick, const char *bytes, size_t n,
		   struct text *out) MUST_CHECK;
/* Of a text that is no list: it ended behind a value, and nothing else stands there. */
bool json_pick_is_whole(const struct json_pick *pick);
