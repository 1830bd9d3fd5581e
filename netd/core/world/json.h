/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the readers of JSON in this folder share. Internal to core/world. */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/cleanup.h"
#include "core/world/world.h"

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

/* 1 to 64 letters, digits, '_', '.', '-', the first a letter or digit: safe in a URL path. */
bool world_id_valid(const char *id);
void world_id_copy(char ret[WORLD_ID_LEN], const char *id); /* of a valid id */
/* What the kernel takes as an interface name. */
bool world_ifname_valid(const char *name);
/* "br-" and the first 12 characters of the id: what Docker calls a bridge by default. */
void world_bridge_default(char ret[WORLD_IFNAME_LEN], const char *id);
/* An address that one container can have: not unspecified, loopback, multicast or broadcast. */
bool world_address_possible(const struct ip_addr *addr);

/* The orders that struct world promises. */
int world_compare_labels(const void *left, const void *right);
int world_compare_published(const void *left, const void *right);
/* Sorts and drops repetitions; the new length. */
size_t world_sort_published(struct world_published *items, size_t n);
