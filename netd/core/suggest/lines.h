/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A YAML file as lines, where its lists end, and unified diffs of lines that are put in. It need
 * not understand the file: what comes of it is parsed like any other policy before it is shown.
 * Private to core/suggest. */
#pragma once

#include "core/suggest/draft.h"

struct suggest_lines {
	const char *name;
	const char **items; /* each without its newline */
	size_t *lens;
	size_t n;
	bool open; /* the last one has no newline */
};

/* 0 or -ENOMEM; the lines are those of @source. */
int lines_split(const struct policy_source *source, struct arena *arena,
		struct suggest_lines *ret) MUST_CHECK;

/* How a file has a key of its top level. */
enum lines_form {
	LINES_ABSENT,
	LINES_BLOCK, /* with its value on lines of their own */
	LINES_OTHER, /* in brackets, or empty */
};

struct lines_section {
	size_t end;    /* of lines up to the last of its own */
	size_t indent; /* blanks before its entries */
	bool is_new;   /* not in the file yet */
};

enum lines_form lines_find(const struct suggest_lines *lines, const char *key,
			   struct lines_section *ret);
/* Whether a key can be put at its end: its top level is a mapping without brackets. */
bool lines_is_block(const struct suggest_lines *lines);

/* Lines that are put in behind the first @after of a file; each ends in a newline. */
struct lines_insertion {
	size_t file, after;
	const char *text;
};

struct lines_change {
	const struct suggest_lines *lines;
	const struct lines_insertion *insertions; /* by place */
	size_t n;
};

void lines_apply(const struct lines_change *change, struct text *out);
/* As `diff -u` prints it, and `patch` reads it; nothing without an insertion. */
void lines_diff(const struct lines_change *change, struct text *out);
void lines_diff_new(const char *name, const char *bytes, struct text *out);
