/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The policy in force with what it lacks: lines put in behind the lists that are there, so that
 * every comment and blank line stays. Where a file is written in another form (lists in brackets),
 * the new parts are a file of their own beside it: files of one policy are merged. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/suggest/lines.h"

enum { TIERS, ALLOW, TESTS, N_SECTIONS };

static const char *const section_names[N_SECTIONS] = { "tiers", "allow", "tests" };

struct patching {
	struct suggest *s;
	struct suggest_lines *files;
	size_t n_files;
	struct lines_insertion *insertions;
	size_t n_insertions;
	bool apart[N_SECTIONS]; /* goes into a file of its own */
};

/* ---- what is put in ---- */

static void print_section(const struct suggest *s, int section, size_t indent, struct text *out)
{
	size_t n;
	const uint32_t *order = suggest_new_groups(s, &n);

	out->failed |= !order;
	for (size_t i = 0; section == TIERS && order && i < n; i++) {
		text_add(out, i ? "\n" : "");
		suggest_print_tier(s, &s->groups[order[i]], indent, out);
	}
	/* Those that somebody must choose are told of beside the patch: else they would come again
	 * with each. */
	for (size_t i = 0; section == ALLOW && i < suggest_active_rules(s); i++) {
		text_add(out, i ? "\n" : "");
		suggest_print_rule(s, &s->rules[i], indent, out);
	}
	if (section == TESTS)
		suggest_print_tests(s, indent, out);
}

static bool has_section(const struct suggest *s, int section)
{
	size_t n;

	bool tiers = suggest_new_groups(s, &n) && n, rules = suggest_active_rules(s) > 0;

	return section == TIERS ? tiers : section == ALLOW ? rules : tiers || rules;
}

/* ---- where ---- */

/* The last file that has the list in its lines; one that has it in brackets stands in the way of a
 * second list of that name, in that file. */
static int find_place(const struct patching *p, int section, struct lines_section *ret)
{
	struct lines_section found;
	int append = -1;

	for (size_t i = p->n_files; i-- > 0;) {
		enum lines_form form = lines_find(&p->files[i], section_names[section], &found);
		if (form == LINES_BLOCK) {
			*ret = found;
			return (int)i;
		}
		if (form == LINES_ABSENT && append < 0 && lines_is_block(&p->files[i]))
			append = (int)i;
	}
	if (append >= 0)
		*ret = (struct lines_section){ .end = p->files[append].n,
					       .indent = 2,
					       .is_new = true };
	return append;
}

static int add_section(struct patching *p, int section)
{
	struct text text CLEANUP(text_done) = { 0 };
	struct lines_section place = { 0 };
	int file = find_place(p, section, &place);

	if (file < 0) {
		p->apart[section] = true;
		return 0;
	}
	text_add(&text, "\n");
	if (place.is_new)
		text_printf(&text, "%s:\n", section_names[section]);
	print_section(p->s, section, place.indent, &text);
	if (text_failed(&text))
		return -ENOMEM;
	struct lines_insertion insertion = { (size_t)file, place.end,
					     arena_strdup(p->s->arena, text_str(&text)) };
	p->insertions[p->n_insertions++] = insertion;
	return insertion.text ? 0 : -ENOMEM;
}

/* ---- a file of its own ---- */

/* Beside the last one. */
static const char *name_apart(const struct suggest *s)
{
	const char *last = s->in->n_sources ? s->in->sources[s->in->n_sources - 1].name : "";
	const char *slash = strrchr(last, '/');

	return slash ? arena_printf(s->arena, "%.*s/suggested.yaml", (int)(slash - last), last)
		     : "suggested.yaml";
}

static int write_apart(const struct patching *p, struct text *diff, struct suggest_patched *ret)
{
	struct text text CLEANUP(text_done) = { 0 };
	const char *name = name_apart(p->s);

	text_add(&text, "version: 1\n");
	for (int i = 0; i < N_SECTIONS; i++) {
		if (!p->apart[i] || !has_section(p->s, i))
			continue;
		text_printf(&text, "\n%s:\n", section_names[i]);
		print_section(p->s, i, 2, &text);
	}
	char *bytes = text_failed(&text) ? NULL : arena_strdup(p->s->arena, text_str(&text));
	if (!bytes || !name)
		return -ENOMEM;
	ret->sources[ret->n++] = (struct policy_source){ name, bytes, text.len };
	lines_diff_new(name, bytes, diff);
	return 0;
}

/* ---- all of it ---- */

static int read_files(struct patching *p)
{
	const struct suggest_input *in = p->s->in;
	int r = 0;

	p->files = arena_alloc(p->s->arena, in->n_sources * sizeof(*p->files));
	p->insertions = arena_alloc(p->s->arena, N_SECTIONS * sizeof(*p->insertions));
	if (!p->files || !p->insertions)
		return -ENOMEM;
	for (; p->n_files < in->n_sources && r == 0; p->n_files++)
		r = lines_split(&in->sources[p->n_files], p->s->arena, &p->files[p->n_files]);
	return r;
}

static int by_place(const void *left, const void *right)
{
	const struct lines_insertion *a = left, *b = right;

	if (a->file != b->file)
		return a->file < b->file ? -1 : 1;
	return a->after < b->after ? -1 : a->after > b->after;
}

/* Several at one place stay in the order of the sections: appended to one file. */
static void sort_insertions(struct patching *p)
{
	for (size_t i = 1; i < p->n_insertions; i++)
		for (size_t k = i; k > 0; k--) {
			struct lines_insertion *pair = &p->insertions[k - 1], first = pair[0];
			if (by_place(&pair[0], &pair[1]) <= 0)
				break;
			pair[0] = pair[1];
			pair[1] = first;
		}
}

static int write_files(struct patching *p, struct text *diff, struct suggest_patched *ret)
{
	for (size_t i = 0, from = 0, end; i < p->n_files; i++, from = end) {
		for (end = from; end < p->n_insertions && p->insertions[end].file == i;)
			end++;
		const struct lines_change change = { &p->files[i], p->insertions + from,
						     end - from };
		struct text text CLEANUP(text_done) = { 0 };
		lines_apply(&change, &text);
		lines_diff(&change, diff);
		char *bytes = text_failed(&text)
				      ? NULL
				      : arena_strndup(p->s->arena, text_str(&text), text.len);
		if (!bytes)
			return -ENOMEM;
		ret->sources[ret->n++] =
			(struct policy_source){ p->files[i].name, bytes, text.len };
	}
	return 0;
}

int suggest_patch(struct suggest *s, bool apart, struct text *diff, struct suggest_patched *ret)
{
	struct patching p = { .s = s };
	int r = read_files(&p);
	bool any_apart = false;

	*ret = (struct suggest_patched){
		arena_alloc(s->arena, (s->in->n_sources + 1) * sizeof(*ret->sources)), 0
	};
	for (int i = 0; i < N_SECTIONS && r == 0; i++) {
		p.apart[i] = apart && has_section(s, i);
		if (!apart && has_section(s, i))
			r = add_section(&p, i);
		any_apart |= p.apart[i];
	}
	if (r < 0 || !ret->sources)
		return -ENOMEM;
	sort_insertions(&p);
	r = write_files(&p, diff, ret);
	if (r == 0 && any_apart)
		r = write_apart(&p, diff, ret);
	return r == 0 && text_failed(diff) ? -ENOMEM : r;
}
