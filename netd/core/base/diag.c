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

/* The count of an id, made when it is not there. NULL: no memory. */
static struct diag_count *count_of(struct diag_list *list, enum diag_severity severity,
				   const char *id)
{
	struct diag_count one = { .id = id, .severity = severity };

	for (size_t i = 0; i < list->counts.n; i++)
		if (strcmp(list->counts.items[i].id, id) == 0)
			return &list->counts.items[i];
	if (VEC_PUSH(list->arena, &list->counts, one) < 0)
		return NULL;
	return &list->counts.items[list->counts.n - 1];
}

/* Of a full list the id that a record is taken from for one of @new: of the same severity one that
 * has two more, and for an error any warning. NULL: none. */
static struct diag_count *most_common(struct diag_list *list, const struct diag_count *new)
{
	struct diag_count *found = NULL;

	for (size_t i = 0; i < list->counts.n; i++) {
		struct diag_count *count = &list->counts.items[i];
		bool below = new->severity == DIAG_ERROR && count->severity == DIAG_WARNING;
		bool more = count->severity == new->severity && count->n > new->n + 1;
		if (count->n && (below || more) &&
		    (!found || (below && found->severity == DIAG_ERROR) ||
		     (count->severity == found->severity && count->n > found->n)))
			found = count;
	}
	return found;
}

/* Where a new record goes: behind the others, or, when they are many, in the place of one. NULL: it
 * is only counted, or memory is out. */
static struct diag *replace_or_add(struct diag_list *list, enum diag_severity severity,
				   const char *id)
{
	struct diag_count *mine = count_of(list, severity, id), *other = NULL;
	struct diag none = { .id = "" }, *place = NULL;
	size_t most = list->most ? list->most : LIMIT_DIAGS;

	if (!mine || (list->diags.n < most && VEC_PUSH(list->arena, &list->diags, none) < 0)) {
		list->out_of_memory = true;
		return NULL;
	}
	place = &list->diags.items[list->diags.n - 1];
	if (*place->id) { /* it was full */
		other = most_common(list, mine);
		if (!other)
			return NULL;
		while (strcmp(place->id, other->id) != 0)
			place--;
		other->n--;
	}
	mine->n++;
	return place;
}

void diag_add(struct diag_list *list, enum diag_severity severity, struct source_loc loc,
	      const char *id, const char *hint, const char *format, ...)
{
	va_list args;

	*(severity == DIAG_ERROR ? &list->n_errors : &list->n_warnings) += 1;
	struct diag *place = replace_or_add(list, severity, id);
	if (!place)
		return;
	va_start(args, format);
	*place = (struct diag){ .severity = severity,
				.loc = loc,
				.id = id,
				.text = arena_vprintf(list->arena, format, args),
				.hint = hint,
				.about = list->about };
	va_end(args);
	if (!place->text) {
		place->text = "";
		list->out_of_memory = true;
	}
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
