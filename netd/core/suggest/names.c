/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What tiers are called: as their services are. Where two would be called alike the project goes
 * before both, whether they were seen to talk or not, so that a new flow renames nobody. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/policy/peer.h"
#include "core/suggest/draft.h"

/* The shortest beginning that two names share and that says something. */
#define SHORTEST_WORD 3u

/* Of a tier's name: lower-case letters, digits and dashes, a letter first. */
static const char *to_name(const char *text, struct arena *arena)
{
	char *name = arena_alloc(arena, strlen(text) + sizeof("tier-"));
	size_t n = 0;

	if (!name)
		return NULL;
	for (; *text; text++) {
		char c = *text >= 'A' && *text <= 'Z' ? (char)(*text - 'A' + 'a') : *text;
		bool letter = c >= 'a' && c <= 'z', digit = c >= '0' && c <= '9';
		if (n == 0 && digit) {
			memcpy(name, "tier-", 5);
			n = 5;
		}
		if (letter || digit)
			name[n++] = c;
		else if (n && name[n - 1] != '-')
			name[n++] = '-';
	}
	n = n > POLICY_TIER_NAME ? POLICY_TIER_NAME : n;
	while (n && name[n - 1] == '-')
		n--;
	name[n] = '\0';
	return n ? name : "tier";
}

/* "web" of "web-blue" and "web-green": whole words that all begin with; 0: none. */
static size_t shared_words(const struct suggest *s, const struct suggest_group *group)
{
	const char *first = s->whos.items[group->whos[0]].call;
	size_t len = strlen(first);

	for (size_t i = 1; i < group->n_whos; i++) {
		const char *other = s->whos.items[group->whos[i]].call;
		size_t same = 0;
		while (same < len && other[same] == first[same])
			same++;
		while (same && !((!first[same] || strchr("-_.", first[same])) &&
				 (!other[same] || strchr("-_.", other[same]))))
			same--;
		len = same;
	}
	return len >= SHORTEST_WORD || (len && !first[len]) ? len : 0;
}

static const char *shared_role(const struct suggest *s, const struct suggest_group *group)
{
	const char *role = s->whos.items[group->whos[0]].role;

	for (size_t i = 1; role && i < group->n_whos; i++) {
		const char *other = s->whos.items[group->whos[i]].role;
		role = other && strcmp(other, role) == 0 ? role : NULL;
	}
	return role;
}

static const char *shared_project(const struct suggest *s, const struct suggest_group *group)
{
	const char *project = s->whos.items[group->whos[0]].project;

	for (size_t i = 1; project && i < group->n_whos; i++) {
		const char *other = s->whos.items[group->whos[i]].project;
		project = other && strcmp(other, project) == 0 ? project : NULL;
	}
	return project;
}

/* What they are all called, or the first of them "and others". */
static const char *call_group(const struct suggest *s, const struct suggest_group *group)
{
	const char *first = s->whos.items[group->whos[0]].call;
	size_t len = shared_words(s, group);

	if (group->n_whos > 1 && shared_role(s, group))
		return shared_role(s, group);
	if (len)
		return arena_strndup(s->arena, first, len);
	return arena_printf(s->arena, "%.*s-and-others", (int)POLICY_TIER_NAME - 11, first);
}

/* Somebody else is called that. */
static bool is_ambiguous(const struct suggest *s, const struct suggest_group *group,
			 const char *call)
{
	for (size_t i = 0; i < s->whos.n; i++) {
		const struct suggest_who *who = &s->whos.items[i];
		bool member = who->group != SUGGEST_NONE && &s->groups[who->group] == group;
		if (!member && strcmp(who->call, call) == 0)
			return true;
	}
	return false;
}

static bool is_free(const struct suggest *s, const char *name)
{
	if (policy_name_is_reserved(name) || !policy_name_is_tier(name) ||
	    (s->in->policy && policy_find_tier(s->in->policy, name) >= 0))
		return false;
	for (size_t i = 0; i < s->n_groups; i++)
		if (s->groups[i].name && strcmp(s->groups[i].name, name) == 0)
			return false;
	return true;
}

/* "web", else "shop-web", else "web-2". */
static int name_group(const struct suggest *s, struct suggest_group *group)
{
	const char *call = call_group(s, group), *project = shared_project(s, group);
	const char *name = call && !is_ambiguous(s, group, call) ? to_name(call, s->arena) : NULL;

	if (!call)
		return -ENOMEM;
	if ((!name || !is_free(s, name)) && project) {
		const char *both = arena_printf(s->arena, "%s-%s", project, call);
		name = both ? to_name(both, s->arena) : NULL;
	}
	if (!name)
		name = to_name(call, s->arena);
	if (name && policy_name_is_reserved(name))
		name = arena_printf(s->arena, "%s-tier", name);
	const char *base = name;
	for (unsigned int i = 2; name && !is_free(s, name); i++)
		name = arena_printf(s->arena, "%.*s-%u", (int)POLICY_TIER_NAME - 6, base, i);
	group->name = name;
	return name ? 0 : -ENOMEM;
}

static int by_first_key(const void *left, const void *right, void *userdata)
{
	const uint32_t *a = left, *b = right;
	const struct suggest *s = userdata;

	return strcmp(s->whos.items[s->groups[*a].whos[0]].key,
		      s->whos.items[s->groups[*b].whos[0]].key);
}

int suggest_name_groups(struct suggest *s)
{
	uint32_t *order = arena_alloc(s->arena, s->n_groups * sizeof(*order));
	size_t n = 0;
	int r = order ? 0 : -ENOMEM;

	for (uint32_t i = 0; i < s->n_groups && r == 0; i++)
		if (!s->groups[i].in_force)
			order[n++] = i;
	if (n)
		qsort_r(order, n, sizeof(*order), by_first_key, s);
	for (size_t i = 0; i < n && r == 0; i++)
		r = name_group(s, &s->groups[order[i]]);
	return r;
}
