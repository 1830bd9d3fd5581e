/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/compile/reason.h"

#include <string.h>

static const struct {
	const char *word, *text;
	bool quiet;
} reasons[REASON_COUNT] = { [REASON_NONE] = { "", "", false },
#define REASON_ROW(name, word, text, quiet) [REASON_##name] = { word, text, quiet },
			    REASONS(REASON_ROW)
#undef REASON_ROW
};

static const char *const kinds[LOGGED_KIND_COUNT] = {
	[LOGGED_DENIED] = "deny",
	[LOGGED_AUDITED] = "audit",
	[LOGGED_ALLOWED] = "allow",
};

static const char program[] = "netd";

const char *reason_word(enum reason reason)
{
	return reasons[reason].word;
}

const char *reason_text(enum reason reason)
{
	return reasons[reason].text;
}

bool reason_is_quiet(enum reason reason)
{
	return reasons[reason].quiet;
}

const char *logged_prefix(const struct logged *logged, struct arena *arena)
{
	const char *word = reasons[logged->reason].word;

	return arena_printf(arena, "%s %s %s%s%.*s%s", program, kinds[logged->kind], word,
			    *word ? " " : "", (int)logged->place_len, logged->place,
			    logged->place_len ? " " : "");
}

/* Whether @text begins with the word @word and a space; *text is then what follows. */
static bool take_word(const char **text, const char *word)
{
	size_t len = strlen(word);

	if (strncmp(*text, word, len) != 0 || (*text)[len] != ' ')
		return false;
	*text += len + 1;
	return true;
}

static bool take_kind(const char **text, enum logged_kind *ret)
{
	for (int i = 0; i < LOGGED_KIND_COUNT; i++)
		if (take_word(text, kinds[i])) {
			*ret = (enum logged_kind)i;
			return true;
		}
	return false;
}

static bool take_reason(const char **text, enum reason *ret)
{
	for (int i = REASON_NONE + 1; i < REASON_COUNT; i++)
		if (take_word(text, reasons[i].word)) {
			*ret = (enum reason)i;
			return true;
		}
	return false;
}

bool logged_parse(const char *prefix, struct logged *ret)
{
	struct logged logged = { .reason = REASON_NONE };

	if (!take_word(&prefix, program) || !take_kind(&prefix, &logged.kind))
		return false;
	if (logged.kind != LOGGED_ALLOWED && !take_reason(&prefix, &logged.reason))
		return false;
	size_t len = strlen(prefix);
	logged.place = prefix;
	logged.place_len = len && prefix[len - 1] == ' ' ? len - 1 : len;
	*ret = logged;
	return true;
}
