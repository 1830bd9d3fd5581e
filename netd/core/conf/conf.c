/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/conf/conf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/limits.h"
#include "core/base/text.h"

/* One file while it is read. */
struct reading {
	struct source_loc loc;
	struct arena *arena;
	struct diag_list *diags;
	struct conf *conf;
	size_t first; /* its first setting in conf */
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* Without the blanks at both ends. */
static const char *trim(const char *text, size_t *len)
{
	while (*len && is_blank(text[0])) {
		text++;
		(*len)--;
	}
	while (*len && is_blank(text[*len - 1]))
		(*len)--;
	return text;
}

static void complain(const struct reading *in, const char *id, const char *hint, const char *text)
{
	diag_add(in->diags, DIAG_ERROR, in->loc, id, hint, "%s", text);
}

static bool is_key(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!(text[i] >= 'a' && text[i] <= 'z') && text[i] != '-')
			return false;
	return len > 0 && len <= LIMIT_NAME;
}

/* The same key twice in one file: which one was meant? Another file may say it again. */
static bool check_first(const struct reading *in, const char *key)
{
	char place[DIAG_PLACE_LEN];

	for (size_t i = in->first; i < in->conf->settings.n; i++) {
		const struct conf_setting *before = &in->conf->settings.items[i];
		if (strcmp(before->key, key) != 0)
			continue;
		diag_add(in->diags, DIAG_ERROR, in->loc, "duplicate-key", NULL,
			 "`%s` is set already %s", key, diag_place(in->loc, before->loc, place));
		return false;
	}
	return true;
}

static bool check_value(const struct reading *in, const char *value)
{
	if (!*value)
		complain(in, "bad-value", "leave the line out to have the default",
			 "there is no value behind the `=`");
	else if (!text_is_printable(value))
		complain(in, "bad-value", NULL, "there is a control character in the value");
	else if (strstr(value, " #"))
		complain(in, "bad-value", NULL, "a comment needs a line of its own");
	else if (strlen(value) > LIMIT_CONF_VALUE)
		complain(in, "bad-value", NULL, "the value is longer than a path can be");
	else
		return true;
	return false;
}

/* A line that is neither empty nor a comment. */
static int read_setting(const struct reading *in, const char *line, size_t len)
{
	const char *equals = memchr(line, '=', len);
	size_t key_len = equals ? (size_t)(equals - line) : 0;
	const char *key = trim(line, &key_len);

	if (!is_key(key, key_len)) {
		complain(in, "syntax", NULL, "this line is not `key = value`");
		return 0;
	}
	size_t value_len = len - (size_t)(equals + 1 - line);
	const char *value = trim(equals + 1, &value_len);
	if (memchr(value, '\0', value_len)) {
		complain(in, "syntax", NULL, "there is a NUL in this line");
		return 0;
	}
	const struct conf_setting setting = { arena_strndup(in->arena, key, key_len),
					      arena_strndup(in->arena, value, value_len), in->loc };
	if (!setting.key || !setting.value)
		return -ENOMEM;
	if (!check_value(in, setting.value) || !check_first(in, setting.key))
		return 0;
	return VEC_PUSH(in->arena, &in->conf->settings, setting);
}

static int read_line(struct reading *in, const char *line, size_t len)
{
	const char *start = trim(line, &len);

	if (len == 0 || *start == '#' || *start == ';')
		return 0;
	in->loc.col = (uint32_t)(start - line) + 1;
	return read_setting(in, start, len);
}

int conf_parse(const char *name, const char *bytes, size_t len, struct arena *arena,
	       struct diag_list *diags, struct conf *conf)
{
	struct reading in = { { name, 0, 0 }, arena, diags, conf, conf->settings.n };
	size_t errors = diags->n_errors;

	if (len > LIMIT_CONF_BYTES) {
		complain(&in, "too-large", NULL, "this is too large for a file of settings");
		return CONF_E_INVALID;
	}
	for (const char *at = bytes, *end = bytes + len; at < end;) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		size_t line_len = (size_t)((stop ? stop : end) - at);
		in.loc.line++;
		int r = read_line(&in, at, line_len);
		if (r < 0)
			return r;
		at += line_len + 1;
	}
	if (diags->out_of_memory)
		return -ENOMEM;
	return diags->n_errors > errors ? CONF_E_INVALID : 0;
}

const struct conf_setting *conf_find(const struct conf *conf, const char *key)
{
	for (size_t i = conf->settings.n; i > 0; i--)
		if (strcmp(conf->settings.items[i - 1].key, key) == 0)
			return &conf->settings.items[i - 1];
	return NULL;
}

bool conf_parse_bit(const char *text, uint32_t *ret)
{
	char *end;

	errno = 0;
	unsigned long long bit = strtoull(text, &end, 0);
	if (errno || *end || *text < '0' || *text > '9' || bit == 0 || bit > UINT32_MAX ||
	    (bit & (bit - 1)) != 0)
		return false;
	*ret = (uint32_t)bit;
	return true;
}
