/* SPDX-License-Identifier: GPL-2.0-or-later */
/* HTML on standard output. Whatever is printed by these is text: names come from outside, and none
 * of them is ever markup. */
#pragma once

#include <stddef.h>

/* Escaped, and what hides or turns other letters is '?'. */
void html_print(const char *text);
/* <section> with a heading, "" or not a sentence under it. @id is a constant word. */
void html_section(const char *id, const char *title, const char *says);
void html_section_end(void);
void html_paragraph(const char *text);

/* A table that scrolls by itself where it is too wide; the first cell of a row is its heading. */
void html_table(const char *label, const char *const *columns, size_t n);
void html_row(const char *const *cells, size_t n); /* NULL: empty */
void html_table_end(void);
