/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The smallest change between two sealed rulesets that the kernel can make: chains are rewritten
 * whole, sets element by element. Everything is sorted, so it is all merging, O(n). */
#include "core/ruleset/ruleset.h"

#include <errno.h>
#include <string.h>

#include "core/base/text.h"
#include "core/ruleset/order.h"

struct differ {
	struct arena *arena;
	const struct rs_table *from, *to;
	struct rs_table_diff *ret;
	VEC(const struct rs_set *) remade; /* of the new table: deleted and made anew */
	VEC(const struct rs_set *) grown;  /* of the new table: elements were added */
};

/* Where a merge stands: < 0 the next is only in the old, > 0 only in the new, 0 in both. */
static int merge_side(size_t i, size_t n, size_t j, size_t m)
{
	if (i == n)
		return 1;
	return j == m ? -1 : 0;
}

static int diff_counters(struct differ *d)
{
	size_t i = 0, n = d->from->counters.n, j = 0, m = d->to->counters.n;
	int r = 0;

	while (r == 0 && (i < n || j < m)) {
		int side = merge_side(i, n, j, m);
		if (side == 0)
			side = strcmp(d->from->counters.items[i], d->to->counters.items[j]);
		if (side < 0)
			r = VEC_PUSH(d->arena, &d->ret->old_counters, d->from->counters.items[i]);
		else if (side > 0)
			r = VEC_PUSH(d->arena, &d->ret->new_counters, d->to->counters.items[j]);
		i += side <= 0;
		j += side >= 0;
	}
	return r;
}

static int add_elem(struct differ *d, const struct rs_set *to, size_t elem)
{
	return VEC_PUSH(d->arena, &d->ret->added, (struct rs_elem_change){ to, to, elem });
}

static int delete_elem(struct differ *d, const struct rs_set *from, const struct rs_set *to,
		       size_t elem)
{
	return VEC_PUSH(d->arena, &d->ret->deleted, (struct rs_elem_change){ to, from, elem });
}

/* Outcomes are told apart by their places: whether a place that both have is the same one. */
static bool same_places(const struct rs_set *a, const struct rs_set *b)
{
	for (size_t i = 0; i < a->outcomes.n && i < b->outcomes.n; i++)
		if (!rs_same_outcome(&a->outcomes.items[i], &b->outcomes.items[i]))
			return false;
	return true;
}

/* How many elements from @i and @j on are the same, at least: mostly all but a few are, and are
 * compared many at a time. */
static size_t same_ahead(const struct rs_set *from, size_t i, const struct rs_set *to, size_t j)
{
	enum { MANY = 64 };
	size_t stride = rs_set_stride(to), n = 0;

	while (i + n + MANY <= from->n_elems && j + n + MANY <= to->n_elems &&
	       memcmp(rs_elem_key(from, i + n), rs_elem_key(to, j + n), MANY * stride) == 0)
		n += MANY;
	return n;
}

static int diff_elems(struct differ *d, const struct rs_set *from, const struct rs_set *to)
{
	size_t i = 0, j = 0, before = d->ret->added.n;
	int r = 0;

	if (from == to || rs_same_elems(from, to)) /* most sets */
		return 0;
	bool alike = same_places(from, to);
	while (r == 0 && (i < from->n_elems || j < to->n_elems)) {
		size_t same = alike ? same_ahead(from, i, to, j) : 0;
		i += same;
		j += same;
		if (i == from->n_elems && j == to->n_elems)
			break;
		int side = merge_side(i, from->n_elems, j, to->n_elems);
		if (side == 0)
			side = memcmp(rs_elem_key(from, i), rs_elem_key(to, j), to->key_len);
		/* One key, another range end or verdict: the kernel cannot change an element in
		 * place. */
		bool differs =
			side != 0 || ((to->map || to->interval) && !rs_same_elem(from, i, to, j));
		if (differs && side <= 0)
			r = delete_elem(d, from, to, i);
		if (differs && side >= 0 && r == 0)
			r = add_elem(d, to, j);
		i += side <= 0;
		j += side >= 0;
	}
	if (r == 0 && d->ret->added.n > before)
		r = VEC_PUSH(d->arena, &d->grown, to);
	return r;
}

static int diff_set(struct differ *d, const struct rs_set *from, const struct rs_set *to)
{
	if (rs_same_shape(from, to))
		return diff_elems(d, from, to);
	int r = VEC_PUSH(d->arena, &d->ret->old_sets, from);
	if (r == 0)
		r = VEC_PUSH(d->arena, &d->ret->new_sets, to);
	return r < 0 ? r : VEC_PUSH(d->arena, &d->remade, to);
}

static int diff_sets(struct differ *d)
{
	size_t i = 0, n = d->from->sets.n, j = 0, m = d->to->sets.n;
	int r = 0;

	while (r == 0 && (i < n || j < m)) {
		const struct rs_set *from = i < n ? d->from->sets.items[i] : NULL;
		const struct rs_set *to = j < m ? d->to->sets.items[j] : NULL;
		int side = from && to ? strcmp(from->name, to->name) : merge_side(i, n, j, m);
		if (side < 0)
			r = VEC_PUSH(d->arena, &d->ret->old_sets, from);
		else if (side > 0)
			r = VEC_PUSH(d->arena, &d->ret->new_sets, to);
		else
			r = diff_set(d, from, to);
		i += side <= 0;
		j += side >= 0;
	}
	return r;
}

/* A rule names its sets, so one that stays must be written again when its set is made anew. */
static bool uses_remade(const struct differ *d, const struct rs_rule *rule)
{
	for (size_t i = 0; i < d->remade.n; i++) {
		const char *name = d->remade.items[i]->name;
		if (rule->verdict == RS_VMAP && strcmp(rule->target, name) == 0)
			return true;
		if (rule->log && text_equal(rule->log->meter, name))
			return true;
		if (rule->note && strcmp(rule->note->set, name) == 0)
			return true;
		for (size_t j = 0; j < rule->n_matches; j++)
			if (text_equal(rule->matches[j].set, name))
				return true;
	}
	return false;
}

static bool must_rewrite(const struct differ *d, const struct rs_chain *from,
			 const struct rs_chain *to)
{
	if (from != to && !rs_same_rules(from, to))
		return true;
	for (size_t i = 0; d->remade.n && i < to->rules.n; i++)
		if (uses_remade(d, &to->rules.items[i]))
			return true;
	return false;
}

static int diff_chain(struct differ *d, const struct rs_chain *from, const struct rs_chain *to)
{
	if (rs_same_base(from->base, to->base)) {
		if (!must_rewrite(d, from, to))
			return 0;
		return VEC_PUSH(d->arena, &d->ret->changed_chains, to);
	}
	int r = VEC_PUSH(d->arena, &d->ret->old_chains, from);
	return r < 0 ? r : VEC_PUSH(d->arena, &d->ret->new_chains, to);
}

static int diff_chains(struct differ *d)
{
	size_t i = 0, n = d->from->chains.n, j = 0, m = d->to->chains.n;
	int r = 0;

	while (r == 0 && (i < n || j < m)) {
		const struct rs_chain *from = i < n ? d->from->by_name[i] : NULL;
		const struct rs_chain *to = j < m ? d->to->by_name[j] : NULL;
		int side = from && to ? strcmp(from->name, to->name) : merge_side(i, n, j, m);
		if (side < 0)
			r = VEC_PUSH(d->arena, &d->ret->old_chains, from);
		else if (side > 0)
			r = VEC_PUSH(d->arena, &d->ret->new_chains, to);
		else if (from && to) /* both, when neither side is alone */
			r = diff_chain(d, from, to);
		i += side <= 0;
		j += side >= 0;
	}
	return r;
}

static bool is_empty(const struct rs_table_diff *diff)
{
	return !diff->new_table && !diff->old_table &&
	       diff->new_counters.n + diff->old_counters.n + diff->new_sets.n + diff->old_sets.n +
			       diff->new_chains.n + diff->old_chains.n + diff->changed_chains.n +
			       diff->deleted.n + diff->added.n ==
		       0;
}

static bool takes_away(const struct differ *d)
{
	const struct rs_table_diff *diff = d->ret;

	if (diff->old_sets.n + diff->old_chains.n + diff->changed_chains.n + diff->deleted.n)
		return true;
	for (size_t i = 0; i < d->grown.n; i++)
		if (rs_set_may_deny(d->to, d->grown.items[i]))
			return true;
	return false;
}

static int diff_table(struct differ *d, bool was_there)
{
	bool is_there = rs_table_is_there(d->to);

	d->ret->new_table = is_there && !was_there;
	d->ret->old_table = was_there && !is_there;
	if (!is_there)
		return 0;
	int r = diff_counters(d);

	if (r == 0)
		r = diff_sets(d);
	return r < 0 ? r : diff_chains(d);
}

int ruleset_diff(const struct ruleset *from, const struct ruleset *to, struct arena *arena,
		 struct rs_diff *ret)
{
	static const struct rs_table nothing;
	struct rs_diff diff = { .empty = from != NULL };

	for (int family = 0; family < RS_FAMILY_COUNT; family++) {
		struct differ d = {
			.arena = arena,
			.from = from ? &from->tables[family] : &nothing,
			.to = &to->tables[family],
			.ret = &diff.tables[family],
		};
		d.ret->family = (enum rs_family)family;
		int r = diff_table(&d, from && rs_table_is_there(d.from));
		if (r < 0)
			return r;
		diff.empty &= is_empty(d.ret);
		diff.takes_away |= takes_away(&d);
	}
	*ret = diff;
	return 0;
}

bool ruleset_equal(const struct ruleset *a, const struct ruleset *b)
{
	for (int family = 0; family < RS_FAMILY_COUNT; family++)
		if (!rs_same_table(&a->tables[family], &b->tables[family]))
			return false;
	return true;
}
