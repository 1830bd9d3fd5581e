/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two rulesets in one form (canon.c), object by object. */
#include <errno.h>

#include "core/base/limits.h"
#include "core/base/text.h"
#include "core/ruleset/print.h"
#include "edge/fw/decode.h"

struct comparing {
	const struct ruleset *rs;
	struct arena *arena;
	struct fw_verified *ret;
};

/* "172.18.0.2", where our own set of that name tells what its keys are. */
static void print_element(const struct comparing *c, const struct fw_thing *thing, struct text *out)
{
	const struct rs_set *set = ruleset_find_set(&c->rs->tables[thing->family], thing->name);
	struct rs_key key = { .len = (uint8_t)thing->key.len };

	if (!set || thing->key.len > sizeof(key.bytes) || set->key_len != thing->key.len) {
		text_add(out, "an element");
		return;
	}
	memcpy(key.bytes, thing->key.at, thing->key.len);
	text_add(out, "element ");
	rs_print_key(set->types, set->n_types, &key, out);
}

static int add_drift(struct comparing *c, enum fw_drift_kind kind, const struct fw_thing *thing)
{
	static const char *const words[] = {
		[FW_TABLE] = "table",	  [FW_CHAIN] = "chain",	     [FW_SET] = "set",
		[FW_COUNTER] = "counter", [FW_ELEMENTS] = " of set", [FW_RULE] = ""
	};
	struct text out CLEANUP(text_done) = { 0 };

	if (c->ret->n_drifts++ >= LIMIT_DRIFTS)
		return 0;
	if (thing->kind == FW_ELEMENTS)
		print_element(c, thing, &out);
	if (thing->kind == FW_RULE)
		text_printf(&out, "rule %u of chain", thing->place);
	text_printf(&out, "%s %s %s%s%s", words[thing->kind], rs_family_name(thing->family),
		    RS_TABLE_NAME, *thing->name ? " " : "", thing->name);
	const char *what = text_failed(&out) ? NULL : arena_strdup(c->arena, text_str(&out));
	return what ? VEC_PUSH(c->arena, &c->ret->drifts, (struct fw_drift){ kind, what })
		    : -ENOMEM;
}

static size_t chain_end(const struct fw_canon *canon, size_t i)
{
	const struct fw_thing *first = &canon->things.items[i];
	size_t end = i + 1;

	while (end < canon->things.n && canon->things.items[end].kind == FW_RULE &&
	       canon->things.items[end].family == first->family &&
	       strcmp(canon->things.items[end].name, first->name) == 0)
		end++;
	return end;
}

static bool stands_in(const struct fw_thing *rule, const struct fw_thing *rules, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (fw_bytes_equal(rule->says, rules[i].says))
			return true;
	return false;
}

/* Rules have no names: one that stands further down was pushed there by what stands before it. */
static int compare_chain_rules(struct comparing *c, const struct fw_thing *ours, size_t n,
			       const struct fw_thing *theirs, size_t m)
{
	size_t i = 0, j = 0;
	int r = 0;

	while (r == 0 && (i < n || j < m)) {
		if (i < n && j < m && fw_bytes_equal(ours[i].says, theirs[j].says)) {
			i++;
			j++;
		} else if (i == n || (j < m && stands_in(&ours[i], theirs + j, m - j))) {
			r = add_drift(c, FW_FOREIGN, &theirs[j++]);
		} else if (j == m || stands_in(&theirs[j], ours + i, n - i)) {
			r = add_drift(c, FW_MISSING, &ours[i++]);
		} else {
			r = add_drift(c, FW_CHANGED, &ours[i++]);
			j++;
		}
	}
	return r;
}

/* < 0: only ours has the next; > 0: only theirs; 0: both. */
static int compare_next(const struct fw_thing *a, const struct fw_thing *b)
{
	struct fw_thing left, right;

	if (!a || !b)
		return a ? -1 : 1;
	left = *a;
	right = *b;
	if (left.kind == FW_RULE && right.kind == FW_RULE)
		left.place = right.place = 0; /* chains are compared as a whole */
	return fw_thing_compare(&left, &right);
}

int fw_compare(const struct ruleset *rs, const struct fw_canon *ours, const struct fw_canon *theirs,
	       struct arena *arena, struct fw_verified *ret)
{
	struct comparing comparing = { rs, arena, ret }, *c = &comparing;
	size_t i = 0, j = 0;
	int r = 0;

	while (r == 0 && (i < ours->things.n || j < theirs->things.n)) {
		const struct fw_thing *a = i < ours->things.n ? &ours->things.items[i] : NULL;
		const struct fw_thing *b = j < theirs->things.n ? &theirs->things.items[j] : NULL;
		int side = compare_next(a, b);
		if (side == 0 && a && b && a->kind == FW_RULE) {
			size_t n = chain_end(ours, i) - i, m = chain_end(theirs, j) - j;
			r = compare_chain_rules(c, a, n, b, m);
			i += n;
			j += m;
			continue;
		}
		if (side < 0)
			r = add_drift(c, FW_MISSING, a);
		else if (side > 0)
			r = add_drift(c, FW_FOREIGN, b);
		else if (a && b && !fw_bytes_equal(a->says, b->says))
			r = add_drift(c, FW_CHANGED, a);
		i += side <= 0;
		j += side >= 0;
	}
	return r;
}
