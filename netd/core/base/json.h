/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What all readers of JSON share, on top of cJSON. Whoever reads bytes from outside calls
 * json_scan() first. */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/cleanup.h"

/* The whole of @bytes as one value, blanks around it allowed; NULL when it is none: *ret_offset,
 * which may be NULL, then says where it broke. errno is ENOMEM where memory ran out, else 0. */
cJSON *json_parse(const char *bytes, size_t len, size_t *ret_offset) MUST_CHECK;
void json_freep(cJSON **json); /* for CLEANUP() */

/* Members of an object, NULL when absent or of another type. */
const cJSON *json_member(const cJSON *object, const char *key);
const char *json_text(const cJSON *object, const char *key);
const char *json_word(const cJSON *object, const char *key); /* "" for NULL */
bool json_is_true(const cJSON *object, const char *key);
/* Whether it is a whole number in lo..hi, which then is *ret. */
bool json_integer(const cJSON *number, int64_t lo, int64_t hi, int64_t *ret) MUST_CHECK;
