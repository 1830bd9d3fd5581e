/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a plain word of YAML is to docker compose: its library reads numbers of YAML 1.1 and 1.2.
 * Internal to core/compose. */
#pragma once

#include "core/compose/draft.h"

enum value_type { VALUE_TEXT, VALUE_NULL, VALUE_BOOL, VALUE_INT, VALUE_FLOAT, VALUE_TIME };

/* Of a scalar. */
enum value_type value_type_of(const struct node *node);
/* A scalar as the text that compose makes of it where it wants one: `010` is 8, `1.0` is 1, `True`
 * is true. */
const char *value_text(const struct node *node, struct compose *c);
/* The tag of a text that depends on a variable without a value; the text is as it was written. */
extern const char compose_unset[];
/* Letters, digits, '.', '_' and '-': what compose takes as a key. */
bool compose_is_key(const char *name);
/* The same, the first a letter or digit: what Docker takes as a name. */
bool compose_is_name(const char *name);
/* A key of a section is letters, digits, '.', '_' and '-'; reported. @what: "a service". */
bool compose_check_key(struct compose *c, const struct node *key, const char *what);
