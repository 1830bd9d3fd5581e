/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of members that somebody asks for, and keys as JSON writes them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/base/cleanup.h"

/* Names that are asked for at a time, shared by all that are under way. */
struct json_names {
	unsigned int n_users;
	size_t budget; /* bytes of the members without such a name, of one object */
	size_t n;
	const char *names[];
};

/* Copies; NULL: no memory. */
struct json_names *json_names_new(const char *const *names, size_t n, size_t budget) MUST_CHECK;
struct json_names *json_names_ref(struct json_names *names);
struct json_names *json_names_unref(struct json_names *names); /* NULL is fine; returns NULL */

/* Whether those bytes between two quotes of JSON are this name. */
bool json_key_is(const char *key, size_t len, const char *name);
