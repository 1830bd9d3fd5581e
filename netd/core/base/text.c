/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/base/text.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

void text_done(struct text *text)
{
	free(text->bytes);
	*text = (struct text){ 0 };
}

bool text_reserve(struct text *text, size_t more)
{
	if (text->failed)
		return false;
	if (text->cap - text->len > more)
		return true;
	size_t cap = text->cap ? text->cap : 256;

	while (cap - text->len <= more) {
		if (cap > SIZE_MAX / 2) {
			text->failed = true;
			return false;
		}
		cap *= 2;
	}
	char *bytes = realloc(text->bytes, cap);
	if (!bytes) {
		text->failed = true;
		return false;
	}
	text->bytes = bytes;
	text->cap = cap;
	return true;
}

void text_add(struct text *text, const char *string)
{
	text_add_n(text, string, strlen(string));
}

void text_printf(struct text *text, const char *format, ...)
{
	va_list args, again;

	va_start(args, format);
	va_copy(again, args);
	int len = vsnprintf(NULL, 0, format, args);
	if (len < 0)
		text->failed = true;
	else if (text_reserve(text, (size_t)len)) {
		(void)vsnprintf(text->bytes + text->len, (size_t)len + 1, format, again);
		text->len += (size_t)len;
	}
	va_end(again);
	va_end(args);
}

const char *text_str(const struct text *text)
{
	return text->bytes ? text->bytes : "";
}

bool text_failed(const struct text *text)
{
	return text->failed;
}

char *text_take(struct text *text)
{
	text_add(text, "");
	char *bytes = text->failed ? NULL : TAKE_PTR(text->bytes);
	text_done(text);
	return bytes;
}

size_t text_control_len(const char *bytes, size_t left)
{
	/* The bytes of a character but for the last, and the range of that one. */
	static const struct {
		const char *before;
		unsigned char lo, hi;
	} controls[] = {
		{ "", 0x00, 0x1f },		/* C0 */
		{ "", 0x7f, 0x7f },		/* delete */
		{ "\xc2", 0x80, 0x9f },		/* C1 */
		{ "\xc2", 0xad, 0xad },		/* soft hyphen */
		{ "\xd8", 0x9c, 0x9c },		/* Arabic letter mark */
		{ "\xe2\x80", 0x8b, 0x8f },	/* of no width, direction marks */
		{ "\xe2\x80", 0xa8, 0xae },	/* line and paragraph, embeddings, overrides */
		{ "\xe2\x81", 0xa0, 0xaf },	/* joiners, isolates */
		{ "\xef\xbb", 0xbf, 0xbf },	/* byte order mark */
		{ "\xef\xbf", 0xb9, 0xbb },	/* interlinear notes */
		{ "\xf3\xa0\x80", 0x80, 0xbf }, /* tags */
		{ "\xf3\xa0\x81", 0x80, 0xbf },
	};

	if (left == 0 || (*bytes >= ' ' && *bytes < 0x7f))
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(controls); i++) {
		size_t n = strlen(controls[i].before);
		if (left <= n || memcmp(bytes, controls[i].before, n) != 0)
			continue;
		unsigned char last = (unsigned char)bytes[n];
		if (last >= controls[i].lo && last <= controls[i].hi)
			return n + 1;
	}
	return 0;
}

size_t text_utf8_len(const char *bytes, size_t left)
{
	static const struct {
		unsigned char lo, hi, len, second_lo, second_hi;
	} forms[] = {
		{ 0x00, 0x7f, 1, 0x00, 0x00 }, { 0xc2, 0xdf, 2, 0x80, 0xbf },
		{ 0xe0, 0xe0, 3, 0xa0, 0xbf }, { 0xe1, 0xec, 3, 0x80, 0xbf },
		{ 0xed, 0xed, 3, 0x80, 0x9f }, { 0xee, 0xef, 3, 0x80, 0xbf },
		{ 0xf0, 0xf0, 4, 0x90, 0xbf }, { 0xf1, 0xf3, 4, 0x80, 0xbf },
		{ 0xf4, 0xf4, 4, 0x80, 0x8f },
	};
	const unsigned char *s = (const unsigned char *)bytes;
	size_t f = 0;

	if (left == 0)
		return 0;
	while (f < ARRAY_LEN(forms) && (s[0] < forms[f].lo || s[0] > forms[f].hi))
		f++;
	if (f == ARRAY_LEN(forms) || forms[f].len > left)
		return 0;
	if (forms[f].len > 1 && (s[1] < forms[f].second_lo || s[1] > forms[f].second_hi))
		return 0;
	for (size_t i = 2; i < forms[f].len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	}
	return forms[f].len;
}

/* Bytes to go on by; *bad: they are shown as something else, or not at all. */
static size_t step_over(const char *bytes, size_t left, bool *bad)
{
	size_t control = text_control_len(bytes, left), len = text_utf8_len(bytes, left);

	*bad = control > 0 || len == 0;
	return control ? control : len ? len : 1;
}

bool text_equal(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

bool text_is_printable(const char *text)
{
	bool bad = false;

	while (*text >= ' ' && *text < 0x7f) /* mostly all of it */
		text++;
	for (size_t left = strlen(text), n; left > 0 && !bad; text += n, left -= n)
		n = step_over(text, left, &bad);
	return !bad;
}

void text_clean(char *text)
{
	bool bad;

	for (size_t left = strlen(text), n; left > 0; text += n, left -= n) {
		n = step_over(text, left, &bad);
		if (bad)
			memset(text, '?', n);
	}
}

const char *text_quote(const char *word, char ret[TEXT_QUOTE_LEN])
{
	static const char more[] = "…";
	size_t n = strlen(word);
	bool cut = n >= TEXT_QUOTE_LEN;

	if (cut)
		n = TEXT_QUOTE_LEN - sizeof(more);
	while (cut && n > 0 && ((unsigned char)word[n] & 0xc0) == 0x80)
		n--; /* not inside a character */
	memcpy(ret, word, n);
	for (size_t i = 0; i < n; i++)
		memset(ret + i, ' ', text_control_len(ret + i, n - i));
	memcpy(ret + n, cut ? more : "", cut ? sizeof(more) : 1);
	return ret;
}

unsigned int text_distance(const char *a, const char *b, unsigned int limit)
{
	enum { LONGEST = 64 };
	unsigned int row[LONGEST + 1];
	size_t n = strlen(a), m = strlen(b);

	if (n > LONGEST || m > LONGEST)
		return limit + 1;
	for (size_t j = 0; j <= m; j++)
		row[j] = (unsigned int)j;
	for (size_t i = 1; i <= n; i++) {
		unsigned int diagonal = row[0];
		row[0] = (unsigned int)i;
		for (size_t j = 1; j <= m; j++) {
			unsigned int best = diagonal + (a[i - 1] != b[j - 1]);
			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[m] <= limit ? row[m] : limit + 1;
}

bool text_glob(const char *glob, const char *word)
{
	const char *star = NULL, *resume = NULL;

	while (*word) {
		if (*glob == '*') {
			star = glob++;
			resume = word;
		} else if (*glob == '?' || *glob == *word) {
			glob++;
			word++;
		} else if (star) {
			glob = star + 1; /* the last * takes one more character */
			word = ++resume;
		} else {
			return false;
		}
	}
	while (*glob == '*')
		glob++;
	return *glob == '\0';
}

const char *text_after(const char *text, const char *prefix)
{
	size_t len = strlen(prefix);

	return strncmp(text, prefix, len) == 0 ? text + len : NULL;
}

bool text_begins(const char *text, const char *prefix)
{
	return text_after(text, prefix) != NULL;
}
