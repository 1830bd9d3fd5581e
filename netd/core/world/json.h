/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the readers of JSON in this folder share. Internal to core/world. */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/world/facts.h"

/* The whole of @bytes as one value, NULL when it is none; *ret_offset then says where it broke.
 * cJSON knows one failure only, so running out of memory looks like bad JSON. */
cJSON *world_json_parse(const char *bytes, size_t len, size_t *ret_offset) MUST_CHECK;
void world_json_freep(cJSON **json); /* for CLEANUP() */

/* Members of an object, NULL when absent or of another type. */
const cJSON *world_json_get(const cJSON *object, const char *key);
const char *world_json_text(const cJSON *object, const char *key);
bool world_json_true(const cJSON *object, const char *key);
/* A whole number in lo..hi. 0 or WORLD_E_INVALID. */
int world_json_integer(const cJSON *number, int64_t lo, int64_t hi, int64_t *ret) MUST_CHECK;
