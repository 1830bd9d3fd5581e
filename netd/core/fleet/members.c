/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/fleet/members.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/base/text.h"

#define BETWEEN ", \t\r\n"

const char *fleet_addresses_key(const char *prefix, const char *host, struct arena *arena)
{
	return arena_printf(arena, "%s/addresses/%s", prefix, host);
}

int fleet_addresses_range(const char *prefix, struct arena *arena, struct fleet_range *ret)
{
	ret->first = fleet_addresses_key(prefix, "", arena);
	/* '0' follows '/'. */
	ret->end = arena_printf(arena, "%s/addresses0", prefix);
	return ret->first && ret->end ? 0 : -ENOMEM;
}

/* ---- addresses ---- */

static void add_addresses(struct text *text, const struct ip_addr *addrs, size_t n)
{
	char word[IP_TEXT_LEN];

	for (size_t i = 0; i < n; i++)
		text_printf(text, "%s%s", i ? " " : "", ip_format(&addrs[i], word));
}

char *fleet_print_addresses(const struct ip_addr *addrs, size_t n)
{
	struct text text = { 0 };

	add_addresses(&text, addrs, n);
	return text_take(&text);
}

int fleet_read_addresses(const char *text, struct ip_addr ret[LIMIT_MEMBER_ADDRESSES],
			 size_t *ret_n)
{
	char word[IP_TEXT_LEN];
	size_t n = 0;

	for (text += strspn(text, BETWEEN); *text; text += strspn(text, BETWEEN)) {
		size_t len = strcspn(text, BETWEEN);
		if (len >= sizeof(word) || n == LIMIT_MEMBER_ADDRESSES)
			return -EINVAL;
		memcpy(word, text, len);
		word[len] = '\0';
		if (ip_parse(word, &ret[n++]) < 0)
			return -EINVAL;
		text += len;
	}
	*ret_n = n;
	return 0;
}

static int keep_addresses(struct fleet_member *member, const struct ip_addr *addrs, size_t n,
			  struct arena *arena)
{
	member->addrs = arena_dup(arena, addrs, n * sizeof(*addrs));
	member->n_addrs = n;
	return member->addrs ? 0 : -ENOMEM;
}

/* ---- as a text ---- */

static int by_host(const void *left, const void *right)
{
	const struct fleet_member *a = left, *b = right;

	return strcmp(a->host, b->host);
}

/* "-", or seconds since the epoch. */
static int read_since(const char *word, int64_t *ret)
{
	size_t digits = strspn(word, "0123456789");

	*ret = 0;
	if (strcmp(word, "-") == 0)
		return 0;
	if (digits == 0 || digits > 15 || word[digits])
		return -EINVAL;
	*ret = strtoll(word, NULL, 10);
	return *ret > 0 ? 0 : -EINVAL;
}

/* The word at *@text, which is cut off there, and what is behind it. NULL: there is none. */
static char *take_word(char **text)
{
	char *word = *text + strspn(*text, " \t\r");
	size_t len = strcspn(word, " \t\r");

	if (len == 0)
		return NULL;
	*text = word + len + (word[len] != '\0');
	word[len] = '\0';
	return word;
}

/* 0; 1: the line says nothing; -EINVAL; -ENOMEM. The line is the arena's. */
static int read_line(char *line, struct arena *arena, struct fleet_member *ret)
{
	struct ip_addr addrs[LIMIT_MEMBER_ADDRESSES];
	char *host = take_word(&line);
	size_t n;

	if (!host || *host == '#')
		return 1;
	char *since = take_word(&line);
	*ret = (struct fleet_member){ .host = host };
	if (!fleet_is_name(host) || !since || read_since(since, &ret->gone_since) < 0 ||
	    fleet_read_addresses(line, addrs, &n) < 0)
		return -EINVAL;
	return keep_addresses(ret, addrs, n, arena);
}

typedef VEC(struct fleet_member) member_list;

static const char *add_line(char *line, struct arena *arena, member_list *list, size_t *n_addrs)
{
	struct fleet_member member;
	int r = read_line(line, arena, &member);

	if (r == 1)
		return NULL;
	if (r == -EINVAL)
		return "is not `HOST - ADDRESS...`";
	*n_addrs += r == 0 ? member.n_addrs : 0;
	if (*n_addrs > LIMIT_MEMBERS || list->n == LIMIT_MEMBERS)
		return "is one host too many";
	return r < 0 || VEC_PUSH(arena, list, member) < 0 ? "takes more memory than there is"
							  : NULL;
}

int fleet_read_members(const char *bytes, size_t len, struct arena *arena,
		       struct fleet_members *ret, const char **error)
{
	char *text = arena_strndup(arena, bytes, len);
	member_list list = { 0 };
	const char *wrong = NULL;
	size_t n_addrs = 0, number = 0;

	if (!text)
		return -ENOMEM;
	if (strlen(text) != len)
		wrong = "has a NUL byte behind it";
	while (*text && !wrong) {
		char *line = text, *end = line + strcspn(line, "\n");
		text = end + (*end != '\0');
		*end = '\0';
		number++;
		wrong = add_line(line, arena, &list, &n_addrs);
	}
	if (list.n)
		qsort(list.items, list.n, sizeof(*list.items), by_host);
	for (size_t i = 1; i < list.n && !wrong; i++)
		if (by_host(&list.items[i - 1], &list.items[i]) == 0)
			wrong = "is not the last one: a host stands twice";
	if (wrong) {
		*error = arena_printf(arena, "line %zu %s", number, wrong);
		return *error ? FLEET_E_INVALID : -ENOMEM;
	}
	*ret = (struct fleet_members){ list.items, list.n };
	return 0;
}

char *fleet_print_members(const struct fleet_members *members)
{
	struct text text = { 0 };

	for (size_t i = 0; i < members->n; i++) {
		const struct fleet_member *member = &members->items[i];
		text_add(&text, member->host);
		if (member->gone_since)
			text_printf(&text, " %" PRId64 " ", member->gone_since);
		else
			text_add(&text, " - ");
		add_addresses(&text, member->addrs, member->n_addrs);
		text_add(&text, "\n");
	}
	return text_take(&text);
}

/* ---- who is one of them ---- */

struct joining {
	const struct fleet_word *word;
	struct arena *arena;
	member_list list;
	size_t n_addrs;
};

/* Those of the last hosts by name are left out where there are too many. */
static int add(struct joining *j, struct fleet_member *member)
{
	if (j->n_addrs + member->n_addrs > LIMIT_MEMBERS || j->list.n == LIMIT_MEMBERS)
		return 0;
	j->n_addrs += member->n_addrs;
	member->host = arena_strdup(j->arena, member->host);
	return member->host ? VEC_PUSH(j->arena, &j->list, *member) : -ENOMEM;
}

static int add_present(struct joining *j, const char *host, const struct etcd_key *key)
{
	struct fleet_member member = { .host = host };
	struct ip_addr addrs[LIMIT_MEMBER_ADDRESSES];
	size_t n = 0;

	if (!fleet_is_name(host) || strcmp(host, j->word->self) == 0)
		return 0;
	if (strlen(key->value) != key->len || fleet_read_addresses(key->value, addrs, &n) < 0)
		n = 0;
	int r = keep_addresses(&member, addrs, n, j->arena);
	return r < 0 ? r : add(j, &member);
}

static int add_gone(struct joining *j, const struct fleet_member *before)
{
	struct fleet_member member = *before;
	const struct fleet_word *word = j->word;

	if (strcmp(member.host, word->self) == 0)
		return 0;
	if (member.gone_us == 0)
		member.gone_us = word->now_us;
	if (member.gone_since == 0)
		member.gone_since = word->now;
	uint64_t until = member.gone_us + word->grace_us;
	if (word->heard_us > until && word->now_us > until)
		return 0;
	int r = keep_addresses(&member, before->addrs, before->n_addrs, j->arena);
	return r < 0 ? r : add(j, &member);
}

/* Both lists are in the order of names. */
int fleet_next_members(const struct fleet_members *before, const struct fleet_word *word,
		       struct arena *arena, struct fleet_members *ret)
{
	struct joining j = { .word = word, .arena = arena };
	const char *below = fleet_addresses_key(word->prefix, "", arena);
	size_t n = 0, k = 0, i = 0;

	if (!below)
		return -ENOMEM;
	const struct etcd_key *keys = etcd_mirror_below(word->mirror, below, &n);
	while (k < n || i < before->n) {
		const char *host = k < n ? keys[k].key + strlen(below) : NULL;
		int order = !host ? 1 : i < before->n ? strcmp(host, before->items[i].host) : -1;
		int r = order > 0 ? add_gone(&j, &before->items[i])
				  : add_present(&j, host, &keys[k]);
		if (r < 0)
			return r;
		k += order <= 0;
		i += order >= 0;
	}
	*ret = (struct fleet_members){ j.list.items, j.list.n };
	return 0;
}

int fleet_world_members(const struct fleet_members *members, struct arena *arena,
			struct world_member **ret, size_t *ret_n)
{
	size_t n = 0;

	for (size_t i = 0; i < members->n; i++)
		n += members->items[i].n_addrs;
	struct world_member *list = arena_alloc(arena, n * sizeof(*list));
	if (!list)
		return -ENOMEM;
	*ret = list;
	*ret_n = n;
	for (size_t i = 0; i < members->n; i++)
		for (size_t k = 0; k < members->items[i].n_addrs; k++)
			*list++ = (struct world_member){ members->items[i].host,
							 members->items[i].addrs[k] };
	return 0;
}

#define TURN_HOST_US UINT64_C(1000)
#define TURN_MOST_US UINT64_C(5000000)

uint64_t fleet_turn_us(const char *host, size_t n)
{
	uint64_t half = n * TURN_HOST_US < TURN_MOST_US ? n * TURN_HOST_US : TURN_MOST_US;

	return half + hash_add(HASH_BEGIN, host, strlen(host)) % (half + 1);
}
