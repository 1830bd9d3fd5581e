/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/compose/value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/cleanup.h"
#include "core/base/limits.h"
#include "core/base/text.h"
#include "core/compose/finding.h"

const char compose_unset[] = "!unset";

#define NUMBER_LEN 48 /* longer words are no numbers that anybody writes */

static bool is_number_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_word_of(const char *const *words, size_t n, const char *text)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(words[i], text) == 0)
			return true;
	return false;
}

static bool is_bool(const char *text)
{
	static const char *const words[] = { "true", "True", "TRUE", "false", "False", "FALSE" };

	return is_word_of(words, ARRAY_LEN(words), text);
}

/* 2026-1-31, and a time behind it. */
static bool is_time(const char *text)
{
	unsigned int month = 0, day = 0;
	int end = 0;

	if (strspn(text, "0123456789") != 4 || text[4] != '-' || !is_number_digit(text[5]) ||
	    sscanf(text + 5, "%2u-%2u%n", &month, &day, &end) != 2 || end == 0)
		return false;
	return month >= 1 && month <= 12 && day >= 1 && day <= 31 && strchr("Tt ", text[5 + end]);
}

/* `0x1f`, `0o17`, `017`, `0b11`, `1_000`, of either sign. */
static bool read_int(const char *text, bool *negative, unsigned long long *ret)
{
	static const struct {
		const char *prefix;
		int base;
	} bases[] = { { "0x", 16 }, { "0X", 16 }, { "0o", 8 }, { "0O", 8 },
		      { "0b", 2 },  { "0B", 2 },  { "0", 8 } };
	char digits[NUMBER_LEN], *end;
	size_t n = 0;
	int base = 10;

	*negative = *text == '-';
	text += *text == '-' || *text == '+';
	for (size_t i = 0; base == 10 && i < ARRAY_LEN(bases); i++) {
		size_t len = strlen(bases[i].prefix);
		if (strncmp(text, bases[i].prefix, len) == 0 && text[len]) {
			base = bases[i].base;
			text += len;
		}
	}
	for (; *text && n + 1 < sizeof(digits); text++)
		if (*text != '_')
			digits[n++] = *text;
	digits[n] = '\0';
	if (n == 0 || *text || !strchr("0123456789abcdefABCDEF", *digits))
		return false;
	*ret = strtoull(digits, &end, base);
	bool small = n < 17 || (base == 10 && n < 19) || (base == 2 && n < 63);
	return *end == '\0' && small;
}

/* A decimal number: 0.DIGITS times ten to the power of @point. */
struct decimal {
	bool negative;
	char digits[NUMBER_LEN];
	size_t n;
	int point;
};

static int read_exponent(const char *text, const char **ret)
{
	bool negative = *text == '-';
	int value = 0;

	text += *text == '-' || *text == '+';
	for (*ret = text; is_number_digit(**ret) && value < 1000; (*ret)++)
		value = value * 10 + (**ret - '0');
	return *ret == text ? 1000 : negative ? -value : value;
}

static bool read_float(const char *text, struct decimal *ret)
{
	bool point = false, any = false;
	int exponent = 0;

	*ret = (struct decimal){ .negative = *text == '-' };
	for (text += *text == '-' || *text == '+'; is_number_digit(*text) || strchr("._", *text);
	     text++) {
		if (*text == '\0' || (*text == '.' && point) || ret->n + 1 == sizeof(ret->digits))
			break;
		point |= *text == '.';
		any |= is_number_digit(*text);
		if (!is_number_digit(*text))
			continue;
		if (ret->n > 0 || *text != '0')
			ret->digits[ret->n++] = *text;
		ret->point += ret->n > 0 ? !point : point ? -1 : 0;
	}
	if (any && (*text == 'e' || *text == 'E'))
		exponent = read_exponent(text + 1, &text);
	ret->point += exponent;
	while (ret->n > 0 && ret->digits[ret->n - 1] == '0')
		ret->n--;
	return any && *text == '\0' && exponent < 300 && exponent > -300;
}

static enum value_type plain_type(const char *text)
{
	unsigned long long number;
	struct decimal real;
	bool negative;

	if (is_bool(text))
		return VALUE_BOOL;
	if (!is_number_digit(*text) && !strchr("+-.", *text))
		return VALUE_TEXT;
	if (is_number_digit(*text) && is_time(text))
		return VALUE_TIME;
	if (*text != '.' && read_int(text, &negative, &number))
		return VALUE_INT;
	return read_float(text, &real) ? VALUE_FLOAT : VALUE_TEXT;
}

enum value_type value_type_of(const struct node *node)
{
	/* A tag of somebody's own makes it a text, as `!!str` does. */
	if (node->quoted || node->tag)
		return VALUE_TEXT;
	return node_is_null(node) ? VALUE_NULL : plain_type(node->text);
}

/* As Go lays out a float64. One of more digits than it has stays as it is written. */
static const char *float_text(const struct decimal *d, const char *written, struct compose *c)
{
	const char *sign = d->negative ? "-" : "", *zeros = "000000";
	int n = (int)d->n, exponent = d->point - 1;

	if (n == 0)
		return d->negative ? "-0" : "0";
	if (n > 15)
		return written;
	if (exponent < -4 || exponent >= 6)
		return compose_printf(c, "%s%c%s%.*se%c%02d", sign, *d->digits, n > 1 ? "." : "",
				      n - 1, d->digits + 1, exponent < 0 ? '-' : '+',
				      abs(exponent));
	if (d->point <= 0)
		return compose_printf(c, "%s0.%.*s%.*s", sign, -d->point, zeros, n, d->digits);
	if (n <= d->point)
		return compose_printf(c, "%s%.*s%.*s", sign, n, d->digits, d->point - n, zeros);
	return compose_printf(c, "%s%.*s.%.*s", sign, d->point, d->digits, n - d->point,
			      d->digits + d->point);
}

const char *value_text(const struct node *node, struct compose *c)
{
	enum value_type type = value_type_of(node);
	unsigned long long number;
	struct decimal real;
	bool negative;

	if (type == VALUE_NULL)
		return "";
	if (type == VALUE_BOOL)
		return *node->text == 't' || *node->text == 'T' ? "true" : "false";
	if (type == VALUE_INT && read_int(node->text, &negative, &number))
		return compose_printf(c, "%s%llu", negative && number ? "-" : "", number);
	if (type == VALUE_FLOAT && read_float(node->text, &real))
		return float_text(&real, node->text, c);
	return node->text;
}

/* ---- names ---- */

static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

bool compose_is_key(const char *name)
{
	return *name && name[strspn(name, letters)] == '\0';
}

bool compose_is_name(const char *name)
{
	return compose_is_key(name) && !strchr("._-", *name);
}

bool compose_check_key(struct compose *c, const struct node *key, const char *what)
{
	bool fits = compose_is_key(key->text) && strlen(key->text) <= LIMIT_COMPOSE_KEY;

	if (!fits)
		compose_report(c, CF_BAD_NAME, key->loc, "letters, digits, `-`, `_` and `.`",
			       "`%s` cannot be the name of %s", compose_quote(c, key->text), what);
	return fits;
}
