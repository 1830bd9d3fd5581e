/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Diagnostics for people: where, what, the line with a caret, and a hint. */
#include <stdio.h>
#include <string.h>

#include "ctl/out-text.h"

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
static void print_clean(const char *bytes, size_t len)
{
	for (size_t i = 0, column = 0; i < len; i++) {
		size_t control = text_control_len(bytes + i, len - i);
		if (bytes[i] == '\t') {
			for (size_t stop = (column / TAB_WIDTH + 1) * TAB_WIDTH; column < stop;
			     column++)
				(void)putchar(' ');
			continue;
		}
		(void)putchar(control ? '?' : bytes[i]);
		i += control > 1;
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

static void print_source(const struct ctl *ctl, const struct line *line, double number, double col)
{
	if (!line->bytes || line->len > 200)
		return;
	printf("%5.0f | ", number);
	print_clean(line->bytes, line->len);
	printf("\n      | %*s%s^%s\n", (int)caret_column(line, col), "", paint(ctl, PAINT_GOOD),
	       paint(ctl, PAINT_PLAIN));
}

static void print_one(const struct ctl *ctl, const cJSON *diag, const struct policydir *sources)
{
	const char *file = member_text(diag, "file"), *severity = member_text(diag, "severity");
	double line = wire_number(diag, "line", 0), col = wire_number(diag, "col", 0);
	bool error = strcmp(severity, "error") == 0;

	printf("%s%s", paint(ctl, PAINT_BOLD), file);
	if (line > 0)
		printf(":%.0f:%.0f", line, col);
	printf(": %s%s[%s]:%s ", paint(ctl, error ? PAINT_BAD : PAINT_WARN), severity,
	       member_text(diag, "id"), paint(ctl, PAINT_PLAIN));
	print_clean(member_text(diag, "text"), strlen(member_text(diag, "text")));
	(void)putchar('\n');
	if (line > 0) {
		struct line source = find_line(sources, file, (uint32_t)line);
		print_source(ctl, &source, line, col);
	}
	if (*member_text(diag, "hint")) {
		printf("      %shint:%s ", paint(ctl, PAINT_DIM), paint(ctl, PAINT_PLAIN));
		print_clean(member_text(diag, "hint"), strlen(member_text(diag, "hint")));
		(void)putchar('\n');
	}
}

void diag_print_text(const struct ctl *ctl, const cJSON *diagnostics,
		     const struct policydir *sources)
{
	const cJSON *diag;

	cJSON_ArrayForEach(diag, diagnostics)
		print_one(ctl, diag, sources);
}
