/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/html.h"

#include <stdio.h>
#include <string.h>

#include "core/base/text.h"

static const char *entity_of(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	}
	return NULL;
}

void html_print(const char *text)
{
	size_t left = strlen(text), step;

	for (; left > 0; text += step, left -= step) {
		size_t control = text_control_len(text, left);
		const char *entity = entity_of(*text);
		step = control ? control : 1;
		if (control)
			(void)putchar(*text == '\n' ? ' ' : '?');
		else if (entity)
			(void)fputs(entity, stdout);
		else
			(void)putchar(*text);
	}
}

static void print_in(const char *element, const char *text)
{
	printf("<%s>", element);
	html_print(text);
	printf("</%.*s>\n", (int)strcspn(element, " "), element);
}

void html_section(const char *id, const char *title, const char *says)
{
	printf("<section aria-labelledby=\"%s\">\n<h2 id=\"%s\">", id, id);
	html_print(title);
	printf("</h2>\n");
	if (*says)
		html_paragraph(says);
}

void html_section_end(void)
{
	printf("</section>\n");
}

void html_paragraph(const char *text)
{
	print_in("p", text);
}

void html_table(const char *label, const char *const *columns, size_t n)
{
	printf("<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"Table: ");
	html_print(label);
	printf("\">\n<table>\n<thead><tr>");
	for (size_t i = 0; i < n; i++)
		print_in("th scope=\"col\"", columns[i]);
	printf("</tr></thead>\n<tbody>\n");
}

void html_row(const char *const *cells, size_t n)
{
	printf("<tr>");
	for (size_t i = 0; i < n; i++)
		print_in(i == 0 ? "th scope=\"row\"" : "td", cells[i] ? cells[i] : "");
	printf("</tr>\n");
}

void html_table_end(void)
{
	printf("</tbody>\n</table>\n</div>\n");
}
