/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the checks of sets, rules and graphs share. */
#include "core/ruleset/seal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int seal_fail(struct seal *seal, const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	seal->why = arena_strdup(seal->rs->arena, text);
	return seal->why ? -EINVAL : -ENOMEM;
}

bool seal_text_ok(const char *text)
{
	if (!text)
		return true;
	for (const char *c = text; *c; c++)
		if (*c == '"' || *c == '\\' || (unsigned char)*c < ' ' || *c == 0x7f)
			return false;
	return strlen(text) <= RS_MAX_COMMENT;
}

bool seal_is_target(const struct rs_chain *chain)
{
	return chain && !chain->base;
}
