/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Diagnostics for people: where, what, the line with a caret, and a hint. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/out-text.h"
#include "ctl/progress.h"

#define TAB_WIDTH 8

struct line {
	const char *bytes;
	size_t len;
};

static struct line find_line(const struct policydir *sources, const char *file, uint32_t number)
{
	for (size_t i = 0; sources && i < sources->sources.n; i++) {
		const struct policy_source *source = &sources->sources.items[i];
		const char *at = source->bytes, *end = source->bytes + source->len;
		if (strcmp(source->name, file) != 0)
			continue;
		for (uint32_t n = 1; at && n < number; n++) {
			at = memchr(at, '\n', (size_t)(end - at));
			at = at ? at + 1 : NULL;
		}
		if (!at || at >= end)
			break;
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		return (struct line){ at, (size_t)((newline ? newline : end) - at) };
	}
	return (struct line){ NULL, 0 };
}

/* Control characters of a file must not reach the terminal. */
static void print_clean(FILE *to, const char *bytes, size_t len)
{
	for (size_t i = 0, column = 0; i < len; i++) {
		size_t control = text_control_len(bytes + i, len - i);
		if (bytes[i] == '\t') {
			for (size_t stop = (column / TAB_WIDTH + 1) * TAB_WIDTH; column < stop;
			     column++)
				(void)fputc(' ', to);
			continue;
		}
		(void)fputc(control ? '?' : bytes[i], to);
		i += control ? control - 1 : 0;
		column++;
	}
}

/* Columns count characters: bytes of UTF-8 that continue one are not counted. */
static size_t caret_column(const struct line *line, double col)
{
	size_t column = 0;

	for (size_t i = 0, seen = 1; i < line->len && (double)seen < col; i++) {
		unsigned char c = (unsigned char)line->bytes[i];
		if ((c & 0xc0) == 0x80)
			continue;
		column = c == '\t' ? (column / TAB_WIDTH + 1) * TAB_WIDTH : column + 1;
		seen++;
	}
	return column;
}

struct output {
	FILE *to;
	bool color;
};

static const char *tint(const struct output *out, enum paint what)
{
	return out->color ? paint_sequence(what) : "";
}

static void print_source(const struct output *out, const struct line *line, double number,
			 double col)
{
	if (!line->bytes || line->len > 200)
		return;
	(void)fprintf(out->to, "%5.0f | ", number);
	print_clean(out->to, line->bytes, line->len);
	(void)fprintf(out->to, "\n      | %*s%s^%s\n", (int)caret_column(line, col), "",
		      tint(out, PAINT_GOOD), tint(out, PAINT_PLAIN));
}

static void print_one(const struct output *out, const cJSON *diag, const struct policydir *sources)
{
	const char *file = member_text(diag, "file"), *severity = member_text(diag, "severity");
	const char *text = member_text(diag, "text"), *hint = member_text(diag, "hint");
	double line = wire_number(diag, "line", 0), col = wire_number(diag, "col", 0);
	bool error = strcmp(severity, "error") == 0;

	(void)fputs(tint(out, PAINT_BOLD), out->to);
	print_clean(out->to, file, strlen(file));
	if (line > 0)
		(void)fprintf(out->to, ":%.0f:%.0f", line, col);
	(void)fprintf(out->to, ": %s%s[%s]:%s ", tint(out, error ? PAINT_BAD : PAINT_WARN),
		      severity, member_text(diag, "id"), tint(out, PAINT_PLAIN));
	print_clean(out->to, text, strlen(text));
	(void)fputc('\n', out->to);
	if (line > 0) {
		struct line source = find_line(sources, file, (uint32_t)line);
		print_source(out, &source, line, col);
	}
	if (!*hint)
		return;
	(void)fprintf(out->to, "      %shint:%s ", tint(out, PAINT_DIM), tint(out, PAINT_PLAIN));
	print_clean(out->to, hint, strlen(hint));
	(void)fputc('\n', out->to);
}

#define SHOWN_OF_ONE_ID 20

static bool is_accepted(const cJSON *diag)
{
	return wire_string(diag, "accepted") != NULL;
}

/* The findings of one id in one file. */
struct diag_kind {
	const char *id, *file;
	size_t n, seen;
};

struct diag_kinds {
	struct diag_kind items[LIMIT_DIAGS];
	size_t n;
};

/* NULL: there are more kinds than netd reports findings. */
static struct diag_kind *find_kind(struct diag_kinds *all, const cJSON *diag)
{
	const char *id = member_text(diag, "id"), *file = member_text(diag, "file");
	struct diag_kind *kind = all->items;

	while (kind < all->items + all->n &&
	       (strcmp(kind->id, id) != 0 || strcmp(kind->file, file) != 0))
		kind++;
	if (kind == all->items + ARRAY_LEN(all->items))
		return NULL;
	if (kind == all->items + all->n)
		all->items[all->n++] = (struct diag_kind){ .id = id, .file = file };
	return kind;
}

/* Many of one id in one file are folded: they would hide what stands between them. What is
 * accepted is only counted. */
static void print_all(const struct output *out, const cJSON *diagnostics,
		      const struct policydir *sources)
{
	struct diag_kinds all = { .n = 0 };
	struct diag_kind *kind;
	const cJSON *diag;

	cJSON_ArrayForEach(diag, diagnostics) {
		kind = is_accepted(diag) ? NULL : find_kind(&all, diag);
		if (kind)
			kind->n++;
	}
	cJSON_ArrayForEach(diag, diagnostics) {
		if (is_accepted(diag))
			continue;
		kind = find_kind(&all, diag);
		if (!kind || ++kind->seen <= SHOWN_OF_ONE_ID)
			print_one(out, diag, sources);
		else if (kind->seen == kind->n)
			(void)fprintf(out->to,
				      "%s: %zu more findings of the kind [%s]: use --format json "
				      "to see them\n",
				      kind->file, kind->n - SHOWN_OF_ONE_ID, kind->id);
	}
}

void diag_print_text(const struct ctl *ctl, const cJSON *diagnostics,
		     const struct policydir *sources)
{
	const struct output out = { stdout, ctl->color };

	print_all(&out, diagnostics, sources);
}

void diag_print_errors(const struct ctl *ctl, const cJSON *diagnostics,
		       const struct policydir *sources)
{
	const struct output out = { stderr, ctl->color_errors };

	(void)progress_end();
	(void)fflush(stdout);
	print_all(&out, diagnostics, sources);
}
