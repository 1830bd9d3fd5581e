/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Words of an nft script, each with the one before it. */
#include "core/conf/script.h"

#include <string.h>

struct script_reader {
	const char *at, *end;
};

struct word {
	const char *text;
	size_t len;
	bool quoted;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* What stands between words. A line that ends in a backslash goes on. */
static bool is_break(char c)
{
	return c == '\n' || c == '\r' || c == ';' || c == '{' || c == '}' || c == ',' || c == '=';
}

static void skip_line(struct script_reader *reader)
{
	while (reader->at < reader->end && *reader->at != '\n')
		reader->at++;
}

/* To the closing quote, or to the end: nft has no escapes in texts. */
static struct word read_quoted(struct script_reader *reader)
{
	struct word word = { .text = ++reader->at, .quoted = true };

	while (reader->at < reader->end && *reader->at != '"')
		reader->at++;
	word.len = (size_t)(reader->at - word.text);
	if (reader->at < reader->end)
		reader->at++;
	return word;
}

static struct word read_plain(struct script_reader *reader)
{
	struct word word = { .text = reader->at };

	while (reader->at < reader->end && !is_blank(*reader->at) && !is_break(*reader->at) &&
	       *reader->at != '"' && *reader->at != '#')
		reader->at++;
	word.len = (size_t)(reader->at - word.text);
	return word;
}

/* The next word; one without length and quotes is a break between statements. False: the end. */
static bool next_word(struct script_reader *reader, struct word *ret)
{
	while (reader->at < reader->end) {
		bool goes_on = *reader->at == '\\' && reader->at + 1 < reader->end &&
			       reader->at[1] == '\n';
		if (goes_on)
			reader->at += 2;
		else if (is_blank(*reader->at))
			reader->at++;
		else if (*reader->at == '#')
			skip_line(reader);
		else
			break;
	}
	if (reader->at == reader->end)
		return false;
	if (*reader->at == '"') {
		*ret = read_quoted(reader);
	} else if (is_break(*reader->at)) {
		*ret = (struct word){ .text = reader->at++ };
	} else {
		*ret = read_plain(reader);
	}
	return true;
}

static bool is_word(const struct word *word, const char *text)
{
	return !word->quoted && word->len == strlen(text) &&
	       memcmp(word->text, text, word->len) == 0;
}

static void add_include(struct script *script, const struct word *path)
{
	if (script->n_includes == SCRIPT_INCLUDES || path->len == 0 ||
	    path->len >= SCRIPT_PATH_LEN || memchr(path->text, '\0', path->len)) {
		script->left_out |= path->len != 0;
		return;
	}
	memcpy(script->includes[script->n_includes], path->text, path->len);
	script->includes[script->n_includes++][path->len] = '\0';
}

void script_read(const char *bytes, size_t len, struct script *ret)
{
	struct script_reader reader = { bytes, bytes + len };
	struct word word, before = { .text = bytes };

	memset(ret, 0, sizeof(*ret));
	while (next_word(&reader, &word)) {
		if (is_word(&word, "netd"))
			ret->names_netd |= is_word(&before, "inet") || is_word(&before, "bridge");
		if (word.quoted && is_word(&before, "include"))
			add_include(ret, &word);
		before = word;
	}
}
