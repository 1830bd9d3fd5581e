/* SPDX-License-Identifier: GPL-2.0-or-later */
/* .env files. A variable whose value depends on one that is not set stays unset itself, so that who
 * uses it hears of it. */
#include <errno.h>
#include <string.h>

#include "core/compose/draft.h"

struct reader {
	struct arena *arena;
	struct diag_list *diags;
	const char *file, *at, *end;
	uint32_t line;
	VEC(struct compose_variable) all; /* the known ones, then those of the file */
	size_t n_known;
	struct interpolation how;
};

enum quoting { PLAIN, SINGLE, DOUBLE };

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
	compose_report(reader->diags, CF_BAD_VALUE,
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

static int fill_in(struct reader *reader, const struct text *raw, const char **ret)
{
	CLEANUP(text_done) struct text out = { 0 };

	reader->how.variables = reader->all.items;
	reader->how.n_variables = reader->all.n;
	int r = compose_interpolate(&reader->how, text_str(raw), &out);
	*ret = NULL;
	if (r == INTERPOLATE_E_SYNTAX)
		report_env(reader, "the value holds a `$` that begins no variable");
	if (r == INTERPOLATE_E_TOO_MUCH)
		give_up(reader, "the values come to too much with their variables");
	if (r)
		return r < 0 ? r : 0;
	*ret = arena_strdup(reader->arena, text_str(&out));
	return *ret ? 0 : -ENOMEM;
}

/* Of one name in a file the last counts. */
static int set(struct reader *reader, const char *name, const char *value)
{
	struct compose_variable one = { name, value };

	for (size_t i = reader->n_known; i < reader->all.n; i++)
		if (strcmp(reader->all.items[i].name, name) == 0) {
			reader->all.items[i].value = value;
			return 0;
		}
	if (reader->all.n - reader->n_known == LIMIT_COMPOSE_VARIABLES) {
		give_up(reader, "too many variables");
		return 0;
	}
	return VEC_PUSH(reader->arena, &reader->all, one);
}

static int read_value(struct reader *reader, const char **ret)
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
	if (text_failed(&raw))
		return -ENOMEM;
	if (quote != '\'')
		return fill_in(reader, &raw, ret);
	*ret = arena_strdup(reader->arena, text_str(&raw));
	return *ret ? 0 : -ENOMEM;
}

static int read_env_line(struct reader *reader)
{
	const char *start, *value = NULL;

	skip_env_blanks(reader);
	if (reader->end - reader->at > 7 && memcmp(reader->at, "export ", 7) == 0) {
		reader->at += 7;
		skip_env_blanks(reader);
	}
	for (start = reader->at; reader->at < reader->end && is_variable_key(*reader->at);)
		reader->at++;
	size_t len = (size_t)(reader->at - start);
	skip_env_blanks(reader);
	bool ends = reader->at == reader->end || strchr("\r\n#", *reader->at);
	if (ends)
		return 0; /* nothing, or a name whose value is known or is not */
	if (len == 0 || (*reader->at != '=' && *reader->at != ':')) {
		report_env(reader, "this line is not a variable");
		return 0;
	}
	reader->at++;
	skip_env_blanks(reader);
	int r = read_value(reader, &value);
	if (r || !value)
		return r;
	const char *name = arena_strndup(reader->arena, start, len);
	return name ? set(reader, name, value) : -ENOMEM;
}

int compose_parse_env(const struct node_source *source, const struct compose_variables *known,
		      struct arena *arena, struct diag_list *diags, struct compose_variables *ret)
{
	struct reader reader = { .arena = arena,
				 .diags = diags,
				 .file = source->name,
				 .at = source->bytes,
				 .end = source->bytes + source->len,
				 .line = 1,
				 .n_known = known->list.n };
	size_t errors = diags->n_errors;
	int r = 0;

	if (source->len > LIMIT_COMPOSE_BYTES || memchr(source->bytes, '\0', source->len)) {
		report_env(&reader, "this is not a file of variables");
		return COMPOSE_E_INVALID;
	}
	for (size_t i = 0; i < known->list.n && r == 0; i++)
		r = VEC_PUSH(arena, &reader.all, known->list.items[i]);
	if (source->len >= 3 && memcmp(source->bytes, "\xef\xbb\xbf", 3) == 0)
		reader.at += 3; /* a byte order mark means nothing */
	for (; reader.at < reader.end && r == 0; skip_line(&reader))
		r = read_env_line(&reader);
	if (r || diags->out_of_memory)
		return r ? r : -ENOMEM;
	if (diags->n_errors != errors)
		return COMPOSE_E_INVALID;
	*ret = (struct compose_variables){ 0 };
	for (size_t i = reader.n_known; i < reader.all.n && r == 0; i++)
		r = VEC_PUSH(arena, &ret->list, reader.all.items[i]);
	return r;
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
