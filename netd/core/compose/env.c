/* SPDX-License-Identifier: GPL-2.0-or-later */
/* .env files. A variable whose value depends on one that is not set stays unset itself, so that who
 * uses it hears of it. */
#include <errno.h>
#include <string.h>

#include "core/compose/draft.h"

struct reader {
	struct compose c; /* what reports, and where memory comes from */
	const char *file, *at, *end;
	uint32_t line;
	struct compose_variables all; /* the known ones, then those of the file */
	size_t n_known;
};

static bool is_variable_key(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '.' || c == '-';
}

static void skip_env_blanks(struct reader *reader)
{
	while (reader->at < reader->end && (*reader->at == ' ' || *reader->at == '\t'))
		reader->at++;
}

static void skip_line(struct reader *reader)
{
	const char *newline = memchr(reader->at, '\n', (size_t)(reader->end - reader->at));

	reader->at = newline ? newline + 1 : reader->end;
	reader->line++;
}

static void report_env(struct reader *reader, const char *text)
{
	compose_report(&reader->c, CF_BAD_VALUE,
		       (struct source_loc){ reader->file, reader->line, 1 }, "write `NAME=value`",
		       "%s", text);
}

/* What follows would be the same again. */
static void give_up(struct reader *reader, const char *text)
{
	report_env(reader, text);
	reader->at = reader->end;
}

/* What stands behind a backslash. Between single quotes only the quote itself is escaped. */
static void add_escaped(char c, char quote, struct text *out)
{
	static const char from[] = "abfnrtv\\\"", to[] = "\a\b\f\n\r\t\v\\\"";
	const char *known = strchr(from, c);

	if (c == quote)
		text_add_n(out, &c, 1);
	else if (quote == '"' && known && c)
		text_add_n(out, &to[known - from], 1);
	else if (quote == '"' && c == '$')
		text_add(out, "$$"); /* variables are filled in later */
	else
		text_printf(out, "\\%c", c);
}

/* Behind the quote; false: it does not close. */
static bool read_quoted(struct reader *reader, char quote, struct text *out)
{
	for (; reader->at < reader->end && *reader->at != quote; reader->at++) {
		reader->line += *reader->at == '\n';
		if (*reader->at == '\\' && reader->at + 1 < reader->end)
			add_escaped(*++reader->at, quote, out);
		else
			text_add_n(out, reader->at, 1);
	}
	if (reader->at == reader->end)
		return false;
	reader->at++;
	return true;
}

/* To the end of the line, without a comment and blanks around. */
static void read_plain(struct reader *reader, struct text *out)
{
	const char *newline = memchr(reader->at, '\n', (size_t)(reader->end - reader->at));
	const char *stop = newline ? newline : reader->end, *end = reader->at;

	for (const char *c = reader->at; c < stop; c++) {
		if (*c == '#' && c > reader->at && c[-1] == ' ')
			break;
		if (*c != ' ' && *c != '\t' && *c != '\r')
			end = c + 1;
	}
	text_add_n(out, reader->at, (size_t)(end - reader->at));
}

/* NULL: it depends on a variable that has no value. */
static const char *fill_in(struct reader *reader, const char *raw)
{
	CLEANUP(text_done) struct text out = { 0 };
	struct interpolation *how = &reader->c.variables;

	how->variables = reader->all.list.items;
	how->n_variables = reader->all.list.n;
	int r = compose_interpolate(how, raw, &out);
	if (r == INTERPOLATE_E_SYNTAX)
		report_env(reader, "the value holds a `$` that begins no variable");
	else if (r == INTERPOLATE_E_TOO_MUCH)
		give_up(reader, "the values come to too much with their variables");
	else if (r < 0)
		(void)compose_no_memory(&reader->c);
	return r ? NULL : compose_copy(&reader->c, text_str(&out), out.len);
}

/* Of one name in a file the last counts. */
static void set(struct reader *reader, const char *name, const char *value)
{
	struct compose_variable one = { name, value };

	for (size_t i = reader->n_known; i < reader->all.list.n; i++)
		if (strcmp(reader->all.list.items[i].name, name) == 0) {
			reader->all.list.items[i].value = value;
			return;
		}
	if (reader->all.list.n - reader->n_known == LIMIT_COMPOSE_VARIABLES)
		give_up(reader, "too many variables");
	else
		COMPOSE_PUSH(&reader->c, &reader->all.list, one);
}

static const char *read_value(struct reader *reader)
{
	CLEANUP(text_done) struct text raw = { 0 };
	char quote = (char)(reader->at < reader->end ? *reader->at : '\0');

	if (quote == '"' || quote == '\'') {
		reader->at++;
		if (!read_quoted(reader, quote, &raw))
			report_env(reader, "a quote is not closed");
	} else {
		read_plain(reader, &raw);
	}
	if (text_failed(&raw) && !compose_no_memory(&reader->c))
		return NULL;
	return quote == '\'' ? compose_copy(&reader->c, text_str(&raw), raw.len)
			     : fill_in(reader, text_str(&raw));
}

static void read_env_line(struct reader *reader)
{
	const char *start, *value;

	skip_env_blanks(reader);
	if (reader->end - reader->at > 7 && memcmp(reader->at, "export ", 7) == 0) {
		reader->at += 7;
		skip_env_blanks(reader);
	}
	for (start = reader->at; reader->at < reader->end && is_variable_key(*reader->at);)
		reader->at++;
	size_t len = (size_t)(reader->at - start);
	skip_env_blanks(reader);
	if (reader->at == reader->end || strchr("\r\n#", *reader->at))
		return; /* nothing, or a name whose value is known or is not */
	if (len == 0 || (*reader->at != '=' && *reader->at != ':')) {
		report_env(reader, "this line is not a variable");
		return;
	}
	reader->at++;
	skip_env_blanks(reader);
	value = read_value(reader);
	if (value)
		set(reader, compose_copy(&reader->c, start, len), value);
}

int compose_parse_env(const struct node_source *source, const struct compose_variables *known,
		      struct arena *arena, struct diag_list *diags, struct compose_variables *ret)
{
	struct reader reader = { .c = { .arena = arena, .diags = diags },
				 .file = source->name,
				 .at = source->bytes,
				 .end = source->bytes + source->len,
				 .line = 1,
				 .n_known = known->list.n };
	size_t errors = diags->n_errors;

	if (source->len > LIMIT_COMPOSE_BYTES || memchr(source->bytes, '\0', source->len)) {
		report_env(&reader, "this is not a file of variables");
		return COMPOSE_E_INVALID;
	}
	for (size_t i = 0; i < known->list.n; i++)
		COMPOSE_PUSH(&reader.c, &reader.all.list, known->list.items[i]);
	if (source->len >= 3 && memcmp(source->bytes, "\xef\xbb\xbf", 3) == 0)
		reader.at += 3; /* a byte order mark means nothing */
	for (; reader.at < reader.end && !reader.c.stopped; skip_line(&reader))
		read_env_line(&reader);
	if (diags->n_errors != errors && !diags->out_of_memory)
		return COMPOSE_E_INVALID;
	*ret = (struct compose_variables){ 0 };
	for (size_t i = reader.n_known; i < reader.all.list.n; i++)
		COMPOSE_PUSH(&reader.c, &ret->list, reader.all.list.items[i]);
	return diags->out_of_memory ? -ENOMEM : 0;
}

int compose_add_variables(struct compose_variables *all, size_t n_fixed,
			  const struct compose_variables *more, struct arena *arena)
{
	int r = 0;

	for (size_t i = 0; i < more->list.n && r == 0; i++) {
		size_t k = n_fixed;
		while (k < all->list.n &&
		       strcmp(all->list.items[k].name, more->list.items[i].name) != 0)
			k++;
		if (k < all->list.n)
			all->list.items[k] = more->list.items[i];
		else
			r = VEC_PUSH(arena, &all->list, more->list.items[i]);
	}
	return r;
}
