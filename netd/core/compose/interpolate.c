/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/compose/interpolate.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "core/base/limits.h"

#define DEEPEST 8 /* ${A:-${B:-…}} */

struct span {
	const char *at, *end;
};

static bool begins_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static size_t name_len(struct span from)
{
	size_t n = 0;

	if (from.at == from.end || !begins_name(*from.at))
		return 0;
	while (from.at + n < from.end &&
	       (begins_name(from.at[n]) || (from.at[n] >= '0' && from.at[n] <= '9')))
		n++;
	return n;
}

const char *compose_variable_value(const struct interpolation *how, const char *name, size_t len)
{
	static const char project[] = "COMPOSE_PROJECT_NAME";

	for (size_t i = 0; i < how->n_variables; i++)
		if (strncmp(how->variables[i].name, name, len) == 0 &&
		    how->variables[i].name[len] == '\0')
			return how->variables[i].value;
	return len == sizeof(project) - 1 && memcmp(name, project, len) == 0 ? how->project : NULL;
}

/* Where the brace closes that is open at the start, as compose finds it: on the same line, what
 * stands behind any `{` is passed over, and if the braces do not match it is the last one. NULL:
 * there is none. */
static const char *find_brace(struct span from)
{
	const char *last = NULL;
	size_t open = 1;
	bool passed = true; /* the first letter of the name stands behind a `{`, too */

	for (const char *c = from.at; c < from.end && *c != '\n'; c++) {
		last = *c == '}' ? c : last;
		if (*c == '}' && !passed && --open == 0)
			return c;
		open += *c == '{' && !passed;
		passed = *c == '{' && !passed;
	}
	return last;
}

static void note(char ret[TEXT_QUOTE_LEN], struct span word)
{
	char copy[TEXT_QUOTE_LEN + 8] = "";
	size_t n = (size_t)(word.end - word.at);

	memcpy(copy, word.at, n < sizeof(copy) ? n : sizeof(copy) - 1);
	(void)text_quote(copy, ret);
}

static int add(struct text *out, const char *bytes, size_t len)
{
	if (len > LIMIT_COMPOSE_TEXT || out->len > LIMIT_COMPOSE_TEXT - len)
		return INTERPOLATE_E_TOO_LONG;
	text_add_n(out, bytes, len);
	return text_failed(out) ? -ENOMEM : 0;
}

static int expand(struct interpolation *how, struct span text, struct text *out, int depth);

static int fail(struct interpolation *how, struct span name, struct span message, int code)
{
	note(how->name, name);
	note(how->message, message);
	return code;
}

/* ${NAME:-word} and so on. The word is looked into whether it is needed or not. */
static int expand_operator(struct interpolation *how, struct span inner, size_t len,
			   struct text *out, int depth)
{
	CLEANUP(text_done) struct text filled = { 0 };
	struct span name = { inner.at, inner.at + len }, word = { inner.at + len, inner.end };
	const char *value = compose_variable_value(how, inner.at, len);
	bool colon = *word.at == ':', has = value && (!colon || *value);

	word.at += colon;
	if (word.at == word.end || !strchr("-?+", *word.at))
		return INTERPOLATE_E_SYNTAX;
	char operator= * word.at++;
	bool needed = (operator== '+') == has;
	int r = expand(how, word, &filled, depth + 1);
	if (r == INTERPOLATE_E_UNSET && (!needed || operator== '?'))
		r = 0;
	if (r)
		return r;
	if (operator== '?' && !has)
		return fail(how, name, word, INTERPOLATE_E_REQUIRED);
	if (operator!= '?' && needed)
		return add(out, text_str(&filled), filled.len);
	return operator== '+' ? 0 : add(out, value, strlen(value));
}

/* What stands between the braces. */
static int expand_braced(struct interpolation *how, struct span inner, struct text *out, int depth)
{
	size_t len = name_len(inner);

	if (len == 0)
		return INTERPOLATE_E_SYNTAX;
	how->steps += how->n_variables;
	if (inner.at + len < inner.end)
		return expand_operator(how, inner, len, out, depth);
	const char *value = compose_variable_value(how, inner.at, len);
	return value ? add(out, value, strlen(value))
		     : fail(how, inner, (struct span){ inner.end, inner.end }, INTERPOLATE_E_UNSET);
}

/* Behind a dollar sign; *ret: where the text goes on. */
static int expand_variable(struct interpolation *how, struct span from, struct text *out,
			   const char **ret, int depth)
{
	size_t len = name_len(from);

	if (from.at < from.end && *from.at == '$') {
		*ret = from.at + 1;
		return add(out, "$", 1);
	}
	if (len) {
		*ret = from.at + len;
		return expand_braced(how, (struct span){ from.at, *ret }, out, depth);
	}
	*ret = from.at;
	if (from.at == from.end || *from.at != '{')
		return add(out, "$", 1);
	const char *brace = find_brace((struct span){ from.at + 1, from.end });
	if (!brace)
		return INTERPOLATE_E_SYNTAX;
	*ret = brace + 1;
	return expand_braced(how, (struct span){ from.at + 1, brace }, out, depth);
}

/* A variable without a value does not end it: what follows may be wrong in a worse way. */
static int expand(struct interpolation *how, struct span text, struct text *out, int depth)
{
	int r = depth > DEEPEST ? INTERPOLATE_E_SYNTAX : 0;
	bool unset = false;

	how->steps += (size_t)(text.end - text.at);
	while (r == 0 && text.at < text.end) {
		if (how->steps > LIMIT_COMPOSE_STEPS)
			return INTERPOLATE_E_TOO_MUCH;
		const char *dollar = memchr(text.at, '$', (size_t)(text.end - text.at));
		const char *stop = dollar ? dollar : text.end;
		r = add(out, text.at, (size_t)(stop - text.at));
		text.at = stop;
		if (r == 0 && dollar)
			r = expand_variable(how, (struct span){ dollar + 1, text.end }, out,
					    &text.at, depth);
		unset |= r == INTERPOLATE_E_UNSET;
		r = r == INTERPOLATE_E_UNSET ? 0 : r;
	}
	return r == 0 && unset ? INTERPOLATE_E_UNSET : r;
}

int compose_interpolate(struct interpolation *how, const char *text, struct text *out)
{
	int r = expand(how, (struct span){ text, text + strlen(text) }, out, 0);

	if (r != INTERPOLATE_E_UNSET && r != INTERPOLATE_E_REQUIRED)
		how->name[0] = how->message[0] = '\0';
	how->texts += out->len;
	return r == 0 && how->texts > LIMIT_COMPOSE_TEXTS ? INTERPOLATE_E_TOO_MUCH : r;
}
