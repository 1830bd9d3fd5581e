/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/fleet/inventory.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/base/limits.h"
#include "core/base/text.h"
#include "core/fleet/fleet.h"

const char *fleet_inventory_key(const char *prefix, const char *host, struct arena *arena)
{
	return arena_printf(arena, "%s/worlds/%s", prefix, host);
}

/* ---- writing ---- */

static void add_groups(struct text *out, const char *const *groups, size_t n)
{
	text_printf(out, "groups %zu", n);
	for (size_t i = 0; i < n; i++)
		text_printf(out, " %s", groups[i]);
	text_add(out, "\n");
}

uint64_t fleet_inventory_digest(const char *const *groups, size_t n_groups, const char *text,
				size_t len)
{
	uint64_t digest = HASH_BEGIN;

	for (size_t i = 0; i < n_groups; i++)
		digest = hash_add(digest, groups[i], strlen(groups[i]) + 1);
	digest = hash_add(digest, "", 1);
	return hash_add(digest, text, len);
}

static void add_head(struct text *out, const struct fleet_inventory *inventory)
{
	char digest[HASH_TEXT_LEN];

	text_add(out, "netd inventory 1\n");
	add_groups(out, inventory->groups, inventory->n_groups);
	text_printf(out, "digest %s\nbytes %zu\n", hash_format(inventory->digest, digest),
		    inventory->len);
}

char *fleet_print_inventory(const struct fleet_inventory *inventory, size_t *ret_len)
{
	struct text text = { 0 };

	add_head(&text, inventory);
	text_add_n(&text, inventory->packed, inventory->packed_len);
	*ret_len = text.len;
	return text_take(&text);
}

/* ---- reading ---- */

/* The next line, as a text in @arena. 0, -EINVAL: there is none; -ENOMEM. */
static int take_line(const char **at, const char *end, struct arena *arena, char **ret)
{
	size_t left = (size_t)(end - *at);
	const char *newline = memchr(*at, '\n', left);

	if (!newline || memchr(*at, '\0', (size_t)(newline - *at)))
		return -EINVAL;
	*ret = arena_strndup(arena, *at, (size_t)(newline - *at));
	*at = newline + 1;
	return *ret ? 0 : -ENOMEM;
}

static int read_groups(char *line, struct arena *arena, struct fleet_inventory *ret)
{
	const char **groups = arena_alloc(arena, LIMIT_FLEET_GROUPS * sizeof(*groups));
	char *word = strchr(line, ' ');

	if (!groups)
		return -ENOMEM;
	/* Behind the number, which printing them again compares. */
	word = word ? strchr(word + 1, ' ') : NULL;
	while (word) {
		char *next = strchr(++word, ' ');
		if (next)
			*next = '\0';
		if (!fleet_is_name(word) || ret->n_groups == LIMIT_FLEET_GROUPS)
			return -EINVAL;
		groups[ret->n_groups++] = word;
		word = next;
	}
	ret->groups = groups;
	return 0;
}

static int read_lines(const char **at, const char *end, struct arena *arena,
		      struct fleet_inventory *ret)
{
	char *lines[4];
	int r = 0;

	for (size_t i = 0; i < ARRAY_LEN(lines) && r == 0; i++)
		r = take_line(at, end, arena, &lines[i]);
	if (r < 0)
		return r;
	if (sscanf(lines[2], "digest %" SCNx64, &ret->digest) != 1 ||
	    sscanf(lines[3], "bytes %zu", &ret->len) != 1 || ret->len > LIMIT_FLEET_INVENTORY)
		return -EINVAL;
	return read_groups(lines[1], arena, ret);
}

int fleet_read_inventory(const char *bytes, size_t len, struct arena *arena,
			 struct fleet_inventory *ret)
{
	CLEANUP(text_done) struct text again = { 0 };
	const char *at = bytes;

	*ret = (struct fleet_inventory){ 0 };
	int r = read_lines(&at, bytes + len, arena, ret);
	if (r < 0)
		return r;
	/* What is read is printed again: so whatever else sscanf() passes over is no second form of
	 * the same. */
	add_head(&again, ret);
	if (text_failed(&again))
		return -ENOMEM;
	if (again.len != (size_t)(at - bytes) || memcmp(again.bytes, bytes, again.len) != 0)
		return -EINVAL;
	ret->packed = at;
	ret->packed_len = len - again.len;
	return 0;
}
