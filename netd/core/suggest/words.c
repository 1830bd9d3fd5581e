/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names, numbers and days as they stand in what is printed. */
#include <stdio.h>
#include <string.h>

#include "core/policy/until.h"
#include "core/suggest/draft.h"

/* Longest value that is taken over into a policy: Docker's longest names are shorter. */
#define LITERAL_MAX 255u
/* Of a name in a comment. */
#define COMMENT_NAME 60u

bool suggest_is_literal(const char *text)
{
	return text && *text && strlen(text) <= LITERAL_MAX && !strpbrk(text, "*?[]{}\\") &&
	       text_is_printable(text);
}

static bool is_plain(const char *text)
{
	static const char *const words[] = { "null", "true", "false", "yes", "no",
					     "on",   "off",  "y",     "n" };
	bool alpha = (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z');

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcasecmp(text, words[i]) == 0)
			return false;
	return alpha && strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "0123456789_./-") == strlen(text);
}

const char *suggest_quote(const char *text, struct arena *arena)
{
	if (is_plain(text))
		return text;
	char *quoted = arena_alloc(arena, 2 * strlen(text) + 3), *to = quoted;
	if (!quoted)
		return NULL;
	*to++ = '"';
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			*to++ = '\\';
		*to++ = *text;
	}
	*to = '"';
	text_clean(quoted); /* of a name that is only told, not matched */
	return quoted;
}

const char *suggest_day(int64_t seconds, char ret[SUGGEST_DAY_LEN])
{
	char text[UNTIL_TEXT_LEN];

	(void)snprintf(ret, SUGGEST_DAY_LEN, "%.10s", policy_until_format(seconds, text));
	return ret;
}

const char *suggest_number(uint64_t number, char ret[SUGGEST_NUMBER_LEN])
{
	char digits[SUGGEST_NUMBER_LEN];
	int n = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)number), at = 0;

	for (int i = 0; i < n; i++) {
		if (i && (n - i) % 3 == 0)
			ret[at++] = ',';
		ret[at++] = digits[i];
	}
	ret[at] = '\0';
	return ret;
}

/* Not inside a character: no YAML may hold half of one. */
static int shown_len(const char *name)
{
	size_t n = strnlen(name, COMMENT_NAME + 1);

	if (n <= COMMENT_NAME)
		return (int)n;
	for (n = COMMENT_NAME; n > 0 && ((unsigned char)name[n] & 0xc0) == 0x80;)
		n--;
	return (int)n;
}

const char *suggest_end_text(const struct flow_end *end, struct arena *arena)
{
	char address[PREFIX_TEXT_LEN];
	char *text;

	(void)flow_address_text(end, address);
	if (end->kind == FLOW_CONTAINER)
		text = arena_printf(arena, "%.*s", shown_len(end->name), end->name);
	else if (end->kind == FLOW_HOST)
		text = arena_printf(arena, "this host");
	else if (*address)
		text = arena_printf(arena, "%s", address);
	else
		text = arena_printf(arena, "%s",
				    flow_zone_name(end->zone) ? flow_zone_name(end->zone)
							      : "an address in no zone");
	if (text)
		text_clean(text);
	return text;
}

static int compare_ends(const struct flow_end *a, const struct flow_end *b)
{
	int order = (int)a->kind - (int)b->kind;

	if (order == 0 && a->kind == FLOW_CONTAINER) {
		order = strcmp(a->name, b->name);
		if (order == 0)
			order = strcmp(a->network, b->network);
		if (order == 0)
			order = strcmp(a->id, b->id);
	}
	if (order == 0)
		order = ip_compare(&a->addr, &b->addr);
	if (order == 0)
		order = (int)a->len - (int)b->len;
	return order ? order : (int)a->zone - (int)b->zone;
}

/* All that a flow has, so that equal ones are alike and the order is one. */
int suggest_compare_flows(const struct flow *a, const struct flow *b)
{
	int order = compare_ends(&a->from, &b->from);

	if (order == 0)
		order = compare_ends(&a->to, &b->to);
	if (order == 0)
		order = (int)a->proto - (int)b->proto;
	if (order == 0)
		order = (int)a->port - (int)b->port;
	if (order == 0)
		order = (int)a->ether_type - (int)b->ether_type;
	if (order == 0)
		order = (int)a->host_port - (int)b->host_port;
	if (order == 0)
		order = (int)a->verdict - (int)b->verdict;
	if (order == 0)
		order = (int)a->reason - (int)b->reason;
	if (order == 0)
		order = strcmp(a->place, b->place);
	if (order == 0)
		order = (a->first > b->first) - (a->first < b->first);
	if (order == 0)
		order = (a->last > b->last) - (a->last < b->last);
	return order ? order : (a->count > b->count) - (a->count < b->count);
}

const char *suggest_own_label(const struct world_container *container, const char *key)
{
	const struct world_label *label = world_find_label(container, key);

	return label && label->origin == WORLD_OWN && suggest_is_literal(label->value)
		       ? label->value
		       : NULL;
}

/* Docker makes up names of this form: "eager_hopper", "eager_hopper3". */
bool suggest_looks_made_up(const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
	size_t first = strspn(name, letters);
	size_t second = name[first] == '_' ? strspn(name + first + 1, letters) : 0;
	const char *rest = name + first + 1 + second;

	return first > 2 && second > 2 && (!*rest || (*rest >= '0' && *rest <= '9' && !rest[1]));
}
