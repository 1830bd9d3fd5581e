/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of chains, sets and counters. netd's own are of lower-case letters, digits and `_`; those
 * that are made from a policy have a `.` between their parts as well: to.web, web.4,
 * rule.policy.yaml.12. No word of nft has a dot, so the two can meet neither each other nor those
 * words, whatever a tier or a file is called. A tier's name has neither `.` nor `_`, so two of them
 * never make one name either. */
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/compile/emit.h"

const char *emit_name(struct emit *e, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	const char *name = arena_vprintf(e->arena, format, args);
	va_end(args);
	if (!name)
		e->err = -ENOMEM;
	return name ? name : "";
}

const char *emit_name_of(struct emit *e, const char *what, const struct group *group)
{
	return emit_name(e, "%s.%s", what, group->name);
}

int emit_name_group(struct emit *e, struct group *group)
{
	group->to_chain = emit_name_of(e, "to", group);
	group->from_chain = emit_name_of(e, "from", group);
	group->members[0] = emit_name(e, "%s.4", group->name);
	group->members[1] = emit_name(e, "%s.6", group->name);
	if (group->speaks) {
		group->spoken[0] = emit_name(e, "spoken.%s.4", group->name);
		group->spoken[1] = emit_name(e, "spoken.%s.6", group->name);
	}
	if (group->speaks || group->routes[0] || group->routes[1])
		group->speakers = emit_name_of(e, "speakers", group);
	return e->err;
}

static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '.' || c == '-';
}

bool emit_is_plain(const char *text)
{
	while (is_plain(*text))
		text++;
	return *text == '\0';
}

const char *emit_file_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

#define FILE_PART 64u

/* A file may have any name. One that does not fit is told from others by a number made of its
 * bytes. */
static char *file_part(const char *file, struct arena *arena)
{
	if (strlen(file) <= FILE_PART && emit_is_plain(file))
		return arena_strdup(arena, file);
	char *name = arena_printf(arena, "%.*s-%08x", (int)(FILE_PART - 9), file, hash_text(file));

	for (char *c = name; c && *c; c++)
		*c = is_plain(*c) ? *c : '_';
	return name;
}

const char *compile_rule_name(const struct policy *policy, size_t rule, struct arena *arena)
{
	const struct source_loc *loc = &policy->rules[rule].loc;
	const char *file = file_part(emit_file_of(loc->file), arena);
	bool shares_line = false;

	for (size_t i = rule > 0 ? rule - 1 : 0; i < policy->n_rules && i <= rule + 1; i++)
		shares_line |= i != rule && policy->rules[i].loc.line == loc->line &&
			       strcmp(policy->rules[i].loc.file, loc->file) == 0;
	if (!file)
		return NULL;
	return shares_line ? arena_printf(arena, "%s.%u-%u", file, loc->line, loc->col)
			   : arena_printf(arena, "%s.%u", file, loc->line);
}

const char *compile_counter_name(const struct policy *policy, size_t rule, struct arena *arena)
{
	const char *name = compile_rule_name(policy, rule, arena);

	return name ? arena_printf(arena, "rule.%s", name) : NULL;
}
