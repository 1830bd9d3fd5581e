/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ${VARIABLE} in texts. Internal to core/compose. */
#pragma once

#include <stddef.h>

#include "core/base/text.h"
#include "core/compose/compose.h"

struct interpolation {
	const struct compose_variable *variables; /* the first of a name counts */
	size_t n_variables;
	const char *project; /* COMPOSE_PROJECT_NAME where no variable says it; NULL: not known */
	size_t texts, steps; /* that it came to so far: bytes, and what they cost */
	/* Set with an error: the variable, and what `${VAR:?…}` says. */
	char name[TEXT_QUOTE_LEN], message[TEXT_QUOTE_LEN];
};

#define INTERPOLATE_E_UNSET 1	 /* no value and no default: compose takes it as empty */
#define INTERPOLATE_E_SYNTAX 2	 /* a `${` that begins no variable */
#define INTERPOLATE_E_TOO_LONG 3 /* beyond LIMIT_COMPOSE_TEXT */
#define INTERPOLATE_E_TOO_MUCH 4 /* all texts so far: beyond LIMIT_COMPOSE_TEXTS or _STEPS */
#define INTERPOLATE_E_REQUIRED 5 /* the same with `${VAR:?…}`: compose refuses it */
/* Appends @text with its variables filled in. $NAME, ${NAME}, ${NAME:-or}, ${NAME-or},
 * ${NAME:?why}, ${NAME?why}, ${NAME:+then}, ${NAME+then}, nested; $$ is a dollar sign, and so is a
 * `$` before anything else. */
int compose_interpolate(struct interpolation *how, const char *text, struct text *out) MUST_CHECK;
/* NULL: no variable of that name. */
const char *compose_variable_value(const struct interpolation *how, const char *name, size_t len);
