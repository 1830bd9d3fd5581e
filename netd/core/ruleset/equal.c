/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Equality of what the kernel would hold: chain comments and the policy's rule numbers do not
 * count. */
#include "core/ruleset/order.h"

#include <string.h>

#include "core/base/text.h"

static bool same_key(const struct rs_key *a, const struct rs_key *b)
{
	return rs_key_compare(a, b) == 0;
}

static bool same_outcomes(const struct rs_set *a, const struct rs_set *b)
{
	if (a->outcomes.n != b->outcomes.n)
		return false;
	for (size_t i = 0; i < a->outcomes.n; i++)
		if (!rs_same_outcome(&a->outcomes.items[i], &b->outcomes.items[i]))
			return false;
	return true;
}

bool rs_same_elems(const struct rs_set *a, const struct rs_set *b)
{
	if (a->n_elems != b->n_elems)
		return false;
	if (a->n_elems == 0)
		return true;
	if (!a->map || same_outcomes(a, b))
		return memcmp(a->packed, b->packed, a->n_elems * rs_set_stride(a)) == 0;
	for (size_t i = 0; i < a->n_elems; i++)
		if (!rs_same_elem(a, i, b, i))
			return false;
	return true;
}

bool rs_same_shape(const struct rs_set *a, const struct rs_set *b)
{
	if (a->n_types != b->n_types || a->map != b->map || a->interval != b->interval ||
	    a->meter != b->meter || a->forgets_s != b->forgets_s)
		return false;
	for (size_t i = 0; i < a->n_types; i++)
		if (a->types[i] != b->types[i])
			return false;
	return true;
}

static bool same_set(const struct rs_set *a, const struct rs_set *b)
{
	return strcmp(a->name, b->name) == 0 && rs_same_shape(a, b) && rs_same_elems(a, b);
}

static bool same_fields(const enum rs_field *a, const enum rs_field *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (a[i] != b[i])
			return false;
	return true;
}

/* is_stamp is where a value came from, not what it is. */
static bool same_match(const struct rs_match *a, const struct rs_match *b)
{
	return a->op == b->op && a->n_fields == b->n_fields &&
	       same_fields(a->fields, b->fields, a->n_fields) && same_key(&a->value, &b->value) &&
	       same_key(&a->mask, &b->mask) && same_key(&a->last, &b->last) &&
	       text_equal(a->set, b->set);
}

static bool same_log(const struct rs_log *a, const struct rs_log *b)
{
	if (!a || !b)
		return a == b;
	return strcmp(a->prefix, b->prefix) == 0 && a->group == b->group &&
	       a->per_second == b->per_second && a->burst == b->burst &&
	       text_equal(a->meter, b->meter) && (!a->meter || a->source == b->source);
}

static bool same_mark(const struct rs_mark *a, const struct rs_mark *b)
{
	if (!a || !b)
		return a == b;
	return a->field == b->field && a->mask == b->mask && a->bits == b->bits;
}

static bool same_note(const struct rs_note *a, const struct rs_note *b)
{
	if (!a || !b)
		return a == b;
	return strcmp(a->set, b->set) == 0 && a->n_fields == b->n_fields &&
	       same_fields(a->fields, b->fields, a->n_fields);
}

static bool same_rule(const struct rs_rule *a, const struct rs_rule *b)
{
	if (a->n_matches != b->n_matches || a->verdict != b->verdict ||
	    a->n_vmap_fields != b->n_vmap_fields || !text_equal(a->target, b->target) ||
	    !text_equal(a->counter, b->counter) || !text_equal(a->comment, b->comment) ||
	    !same_log(a->log, b->log) || !same_mark(a->mark, b->mark) ||
	    !same_note(a->note, b->note) ||
	    !same_fields(a->vmap_fields, b->vmap_fields, a->n_vmap_fields))
		return false;
	for (size_t i = 0; i < a->n_matches; i++)
		if (!same_match(&a->matches[i], &b->matches[i]))
			return false;
	return true;
}

bool rs_same_rules(const struct rs_chain *a, const struct rs_chain *b)
{
	if (a->rules.n != b->rules.n)
		return false;
	for (size_t i = 0; i < a->rules.n; i++)
		if (!same_rule(&a->rules.items[i], &b->rules.items[i]))
			return false;
	return true;
}

bool rs_same_base(const struct rs_base *a, const struct rs_base *b)
{
	if (!a || !b)
		return a == b;
	if (a->hook != b->hook || a->priority != b->priority || a->n_devices != b->n_devices)
		return false;
	for (size_t i = 0; i < a->n_devices; i++)
		if (strcmp(a->devices[i].name, b->devices[i].name) != 0 ||
		    a->devices[i].ifindex != b->devices[i].ifindex)
			return false;
	return true;
}

static bool same_chain(const struct rs_chain *a, const struct rs_chain *b)
{
	return strcmp(a->name, b->name) == 0 && rs_same_base(a->base, b->base) &&
	       rs_same_rules(a, b);
}

bool rs_same_table(const struct rs_table *a, const struct rs_table *b)
{
	if (a->sets.n != b->sets.n || a->counters.n != b->counters.n || a->chains.n != b->chains.n)
		return false;
	for (size_t i = 0; i < a->counters.n; i++)
		if (strcmp(a->counters.items[i], b->counters.items[i]) != 0)
			return false;
	for (size_t i = 0; i < a->sets.n; i++)
		if (!same_set(a->sets.items[i], b->sets.items[i]))
			return false;
	for (size_t i = 0; i < a->chains.n; i++)
		if (!same_chain(a->by_name[i], b->by_name[i]))
			return false;
	return true;
}
