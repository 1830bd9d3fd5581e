/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/base/duration.h"

#include <string.h>

#include "core/base/cleanup.h"

#define MOST_DIGITS 6u

static const struct {
	char letter;
	int64_t seconds;
} units_known[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 }, { 'w', 604800 } };

int64_t duration_parse(const char *text, const char *units)
{
	size_t digits = strspn(text, "0123456789");
	char letter = text[digits];
	int64_t number = 0;

	if (digits == 0 || digits > MOST_DIGITS || *text == '0' || letter == '\0' ||
	    text[digits + 1] != '\0' || !strchr(units, letter))
		return -1;
	for (size_t i = 0; i < digits; i++)
		number = 10 * number + (text[i] - '0');
	for (size_t i = 0; i < ARRAY_LEN(units_known); i++)
		if (units_known[i].letter == letter)
			return number * units_known[i].seconds;
	return -1;
}
