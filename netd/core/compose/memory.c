/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What ends the reading of a project: memory that is out, or a limit. */
#include <stdarg.h>
#include <stdio.h>

#include "core/compose/draft.h"

bool compose_no_memory(struct compose *c)
{
	c->diags->out_of_memory = true;
	c->stopped = true;
	return false;
}

void compose_stop(struct compose *c, enum compose_finding finding, struct source_loc loc,
		  const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (!c->stopped)
		compose_report(c, finding, loc, NULL, "%s", text);
	c->stopped = true;
}

void *compose_alloc(struct compose *c, size_t size)
{
	void *memory = arena_alloc(c->arena, size);

	if (!memory)
		(void)compose_no_memory(c);
	return memory;
}

static const char *known(struct compose *c, const char *text)
{
	return text || compose_no_memory(c) ? text : "";
}

const char *compose_copy(struct compose *c, const char *text, size_t len)
{
	return known(c, arena_strndup(c->arena, text, len));
}

const char *compose_printf(struct compose *c, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	const char *text = arena_vprintf(c->arena, format, args);
	va_end(args);
	return known(c, text);
}
