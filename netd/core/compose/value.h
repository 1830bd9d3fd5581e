/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a plain word of YAML is to docker compose: its library reads numbers of YAML 1.1 and 1.2.
 * Internal to core/compose. */
#pragma once

#include "core/base/arena.h"
#include "core/yaml/node.h"

enum value_type { VALUE_TEXT, VALUE_NULL, VALUE_BOOL, VALUE_INT, VALUE_FLOAT, VALUE_TIME };

/* Of a scalar. */
enum value_type value_type_of(const struct node *node);
/* A scalar as the text that compose makes of it where it wants one: `010` is 8, `1.0` is 1, `True`
 * is true. NULL: out of memory. */
const char *value_text(const struct node *node, struct arena *arena);
