/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/suggest/lines.h"

#include <errno.h>
#include <string.h>

#define CONTEXT 3u /* lines around a change, as diff has them */

int lines_split(const struct policy_source *source, struct arena *arena, struct suggest_lines *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < source->len; i++)
		n += source->bytes[i] == '\n';
	*ret = (struct suggest_lines){ .name = source->name,
				       .items = arena_alloc(arena, (n + 1) * sizeof(char *)),
				       .lens = arena_alloc(arena, (n + 1) * sizeof(size_t)) };
	if (!ret->items || !ret->lens)
		return -ENOMEM;
	for (size_t at = 0; at < source->len; ret->n++) {
		const char *line = source->bytes + at;
		const char *end = memchr(line, '\n', source->len - at);
		ret->items[ret->n] = line;
		ret->lens[ret->n] = end ? (size_t)(end - line) : source->len - at;
		ret->open = !end;
		at += ret->lens[ret->n] + 1;
	}
	return 0;
}

/* ---- where its lists end ---- */

static size_t indent_of(const struct suggest_lines *lines, size_t i)
{
	size_t n = 0;

	while (n < lines->lens[i] && lines->items[i][n] == ' ')
		n++;
	return n;
}

/* Nothing, or a comment. */
static bool is_idle(const struct suggest_lines *lines, size_t i)
{
	size_t at = indent_of(lines, i);

	return at == lines->lens[i] || lines->items[i][at] == '#' || lines->items[i][at] == '\r';
}

static bool is_key(const struct suggest_lines *lines, size_t i, const char *key)
{
	size_t len = strlen(key);

	return lines->lens[i] > len && strncmp(lines->items[i], key, len) == 0 &&
	       lines->items[i][len] == ':';
}

/* Nothing behind the key on its line. */
static bool stands_alone(const struct suggest_lines *lines, size_t i, size_t from)
{
	const char *line = lines->items[i];

	for (size_t at = from; at < lines->lens[i] && line[at] != '#'; at++)
		if (line[at] != ' ' && line[at] != '\t' && line[at] != '\r')
			return false;
	return true;
}

/* Of the value: indented, or an entry at the margin. */
static bool is_inside(const struct suggest_lines *lines, size_t i)
{
	return indent_of(lines, i) > 0 || (lines->lens[i] && lines->items[i][0] == '-');
}

enum lines_form lines_find(const struct suggest_lines *lines, const char *key,
			   struct lines_section *ret)
{
	size_t at = 0;

	while (at < lines->n && !is_key(lines, at, key))
		at++;
	if (at == lines->n)
		return LINES_ABSENT;
	*ret = (struct lines_section){ .end = 0 };
	for (size_t i = at + 1; i < lines->n; i++) {
		bool idle = is_idle(lines, i), indented = indent_of(lines, i) > 0;
		if (!idle && !is_inside(lines, i))
			break;
		if (!idle && ret->end == 0)
			ret->indent = indent_of(lines, i);
		/* A comment belongs to it that is indented like its entries. */
		if (!idle || (ret->end && indented && indent_of(lines, i) < lines->lens[i]))
			ret->end = i + 1;
	}
	return ret->end && stands_alone(lines, at, strlen(key) + 1) ? LINES_BLOCK : LINES_OTHER;
}

bool lines_is_block(const struct suggest_lines *lines)
{
	for (size_t i = 0; i < lines->n; i++)
		if (!is_idle(lines, i) && strncmp(lines->items[i], "---", 3) != 0)
			return is_key(lines, i, "version") || is_key(lines, i, "mode") ||
			       is_key(lines, i, "unmatched") || is_key(lines, i, "tiers") ||
			       is_key(lines, i, "allow") || is_key(lines, i, "deny") ||
			       is_key(lines, i, "tests") || is_key(lines, i, "accept");
	return false;
}

/* ---- putting lines in ---- */

void lines_apply(const struct lines_change *change, struct text *out)
{
	const struct suggest_lines *lines = change->lines;

	for (size_t i = 0, next = 0; i <= lines->n; i++) {
		for (; next < change->n && change->insertions[next].after == i; next++) {
			if (i == lines->n && lines->open && out->len &&
			    out->bytes[out->len - 1] != '\n')
				text_add(out, "\n");
			text_add(out, change->insertions[next].text);
		}
		if (i == lines->n)
			break;
		text_add_n(out, lines->items[i], lines->lens[i]);
		text_add(out, i + 1 < lines->n || !lines->open ? "\n" : "");
	}
}

static size_t count_lines(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static void print_added(const char *text, struct text *out)
{
	for (const char *end; *text; text = end + 1) {
		end = strchr(text, '\n');
		if (!end)
			return;
		text_add(out, "+");
		text_add_n(out, text, (size_t)(end - text) + 1);
	}
}

static void print_kept(const struct suggest_lines *lines, size_t i, bool followed, struct text *out)
{
	bool last = i + 1 == lines->n && lines->open;

	text_add(out, last && followed ? "-" : " ");
	text_add_n(out, lines->items[i], lines->lens[i]);
	text_add(out, last ? "\n\\ No newline at end of file\n" : "\n");
	if (!last || !followed)
		return;
	text_add(out, "+");
	text_add_n(out, lines->items[i], lines->lens[i]);
	text_add(out, "\n");
}

/* The insertions from @from up to @end; @shift lines were put in before. */
static size_t print_hunk(const struct lines_change *change, size_t from, size_t end, size_t shift,
			 struct text *out)
{
	const struct lines_insertion *list = change->insertions;
	size_t first = list[from].after > CONTEXT ? list[from].after - CONTEXT : 0;
	size_t last = list[end - 1].after + CONTEXT, added = 0;

	last = last > change->lines->n ? change->lines->n : last;
	for (size_t i = from; i < end; i++)
		added += count_lines(list[i].text);
	text_printf(out, "@@ -%zu,%zu +%zu,%zu @@\n", last > first ? first + 1 : first,
		    last - first, first + shift + 1, last - first + added);
	for (size_t i = first; i <= last; i++) {
		for (; from < end && list[from].after == i; from++)
			print_added(list[from].text, out);
		if (i < last)
			print_kept(change->lines, i, from < end, out);
	}
	return added;
}

void lines_diff(const struct lines_change *change, struct text *out)
{
	size_t shift = 0;

	if (change->n == 0)
		return;
	text_printf(out, "--- %s\n+++ %s\n", change->lines->name, change->lines->name);
	for (size_t i = 0, end; i < change->n; i = end) {
		for (end = i + 1; end < change->n; end++)
			if (change->insertions[end].after >
			    change->insertions[end - 1].after + 2 * CONTEXT)
				break;
		shift += print_hunk(change, i, end, shift, out);
	}
}

void lines_diff_new(const char *name, const char *bytes, struct text *out)
{
	text_printf(out, "--- /dev/null\n+++ %s\n@@ -0,0 +1,%zu @@\n", name, count_lines(bytes));
	print_added(bytes, out);
}
