/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/base/diag.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/limits.h"
#include "core/base/text.h"

void diag_init(struct diag_list *list, struct arena *arena)
{
	*list = (struct diag_list){ .arena = arena };
}

PRINTF_LIKE(2, 0) static char *format_in(struct arena *arena, const char *format, va_list args)
{
	va_list again;

	va_copy(again, args);
	int len = vsnprintf(NULL, 0, format, args);
	char *text = len < 0 ? NULL : arena_alloc(arena, (size_t)len + 1);
	if (text)
		(void)vsnprintf(text, (size_t)len + 1, format, again);
	va_end(again);
	return text;
}

void diag_add(struct diag_list *list, enum diag_severity severity, struct source_loc loc,
	      const char *id, const char *hint, const char *format, ...)
{
	va_list args;

	*(severity == DIAG_ERROR ? &list->n_errors : &list->n_warnings) += 1;
	if (list->diags.n >= LIMIT_DIAGS)
		return;
	va_start(args, format);
	struct diag diag = { severity, loc, id, format_in(list->arena, format, args), hint };
	va_end(args);
	if (!diag.text || VEC_PUSH(list->arena, &list->diags, diag) < 0)
		list->out_of_memory = true;
}

static int by_place(const void *left, const void *right)
{
	const struct diag *a = left, *b = right;
	int files = strcmp(a->loc.file ? a->loc.file : "", b->loc.file ? b->loc.file : "");

	if (files)
		return files;
	if (a->loc.line != b->loc.line)
		return a->loc.line < b->loc.line ? -1 : 1;
	if (a->loc.col != b->loc.col)
		return a->loc.col < b->loc.col ? -1 : 1;
	return strcmp(a->id, b->id);
}

void diag_sort(struct diag_list *list)
{
	if (list->diags.n)
		qsort(list->diags.items, list->diags.n, sizeof(struct diag), by_place);
}

bool diag_failed(const struct diag_list *list)
{
	return list->n_errors > 0 || list->out_of_memory;
}

const char *diag_suggest(struct diag_list *list, const char *word, const char *const *names,
			 size_t n)
{
	char quoted[TEXT_QUOTE_LEN];
	const char *best = NULL;
	unsigned int closest = strlen(word) < 4 ? 1 : 2;

	for (size_t i = 0; i < n; i++) {
		unsigned int distance = text_distance(word, names[i], closest);
		if (distance <= closest && (!best || distance < closest)) {
			best = names[i];
			closest = distance;
		}
	}
	return best ? arena_printf(list->arena, "did you mean `%s`?", text_quote(best, quoted))
		    : NULL;
}

const char *diag_place(struct source_loc from, struct source_loc to, char ret[DIAG_PLACE_LEN])
{
	if (strcmp(from.file, to.file) == 0)
		(void)snprintf(ret, DIAG_PLACE_LEN, "on line %u", to.line);
	else
		(void)snprintf(ret, DIAG_PLACE_LEN, "at %.*s:%u", DIAG_PLACE_LEN - 16, to.file,
			       to.line);
	text_clean(ret); /* a file may have any name */
	return ret;
}
