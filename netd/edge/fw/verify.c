/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel against a ruleset: both are brought to one form (canon.c), the ruleset by way of the
 * batch that would load it, and compared object by object. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/limits.h"
#include "core/base/text.h"
#include "core/ruleset/print.h"
#include "edge/fw/canon.h"
#include "edge/fw/encode.h"
#include "edge/fw/handle.h"

#define ATTEMPTS 16 /* Docker and others may commit while we read */

/* ---- the two sides ---- */

static int take_answer(const struct nlmsghdr *nlh, void *userdata)
{
	return fw_canon_take(userdata, nlh);
}

/* Rules name anonymous sets, which stand before them here, but not in a dump. */
static int take_batch(struct fw_canon *canon, const struct fw_batch *batch, bool rules)
{
	const struct nlmsghdr *nlh = (const struct nlmsghdr *)(const void *)batch->bytes;
	int r = 0;

	for (int left = (int)batch->len; r == 0 && mnl_nlmsg_ok(nlh, left);
	     nlh = mnl_nlmsg_next(nlh, &left))
		if (((uint8_t)nlh->nlmsg_type == NFT_MSG_NEWRULE) == rules)
			r = fw_canon_take(canon, nlh);
	return r;
}

static int read_model(const struct fw *fw, const struct ruleset *rs, struct fw_canon *canon)
{
	struct fw_batch batch CLEANUP(fw_batch_done) = { 0 };
	struct fw_encode_options options = { .whole = true,
					     .table_flags = fw->owns_tables ? FW_TABLE_OWNED : 0 };
	struct rs_diff diff;
	int r = ruleset_diff(NULL, rs, canon->arena, &diff);

	if (r == 0)
		r = fw_batch_begin(&batch, 1);
	if (r == 0)
		r = fw_encode(&batch, &diff, &options);
	if (r == 0)
		r = take_batch(canon, &batch, false);
	return r < 0 ? r : take_batch(canon, &batch, true);
}

static int ask(struct fw *fw, uint16_t type, uint8_t family, struct fw_canon *canon)
{
	char buffer[FW_QUESTION_BYTES];

	return fw_ask(fw, fw_question(buffer, type, NLM_F_DUMP, family), take_answer, canon);
}

static int ask_elements(struct fw *fw, enum rs_family family, const char *set,
			struct fw_canon *canon)
{
	uint8_t nf_family = family == RS_BRIDGE ? NFPROTO_BRIDGE : NFPROTO_INET;
	char buffer[FW_QUESTION_BYTES];
	struct nlmsghdr *nlh = fw_question(buffer, NFT_MSG_GETSETELEM, NLM_F_DUMP, nf_family);

	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_TABLE, RS_TABLE_NAME);
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_SET, set);
	return fw_ask(fw, nlh, take_answer, canon);
}

static int ask_all_elements(struct fw *fw, struct fw_canon *canon)
{
	size_t n = canon->things.n;
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		const struct fw_thing thing = canon->things.items[i];
		if (thing.kind == FW_SET)
			r = ask_elements(fw, thing.family, thing.name, canon);
	}
	for (size_t i = 0; r == 0 && i < canon->anonymous.n; i++)
		r = ask_elements(fw, canon->anonymous.items[i].family,
				 canon->anonymous.items[i].name, canon);
	return r;
}

static int read_once(struct fw *fw, struct fw_canon *canon)
{
	static const uint8_t families[] = { NFPROTO_INET, NFPROTO_BRIDGE };
	static const uint16_t before[] = { NFT_MSG_GETTABLE, NFT_MSG_GETCHAIN, NFT_MSG_GETSET,
					   NFT_MSG_GETOBJ };
	int r = 0;

	for (size_t f = 0; f < ARRAY_LEN(families); f++)
		for (size_t i = 0; r == 0 && i < ARRAY_LEN(before); i++)
			r = ask(fw, before[i], families[f], canon);
	if (r == 0)
		r = ask_all_elements(fw, canon);
	for (size_t f = 0; r == 0 && f < ARRAY_LEN(families); f++)
		r = ask(fw, NFT_MSG_GETRULE, families[f], canon);
	return r;
}

/* Of one generation: many dumps are one picture only if nobody committed in between. */
static int read_kernel(struct fw *fw, struct arena *arena, struct fw_canon *ret)
{
	int r = -EINTR;

	for (int i = 0; i < ATTEMPTS && r == -EINTR; i++) {
		struct fw_canon canon = { .arena = arena };
		uint32_t before = 0, after = 0;
		r = fw_genid(fw, &before);
		if (r == 0)
			r = read_once(fw, &canon);
		if (r == -ENOENT) /* a set that went away under us */
			r = -EINTR;
		if (r == 0)
			r = fw_genid(fw, &after);
		if (r == 0 && before != after)
			r = -EINTR;
		*ret = canon;
	}
	return r == -EINTR ? -EBUSY : r;
}

/* ---- comparing ---- */

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

	if (!set || thing->key.len > sizeof(key.bytes) ||
	    set->key_len != thing->key.len) {
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
static int compare_rules(struct comparing *c, const struct fw_thing *ours, size_t n,
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

static int compare(struct comparing *c, const struct fw_canon *ours, const struct fw_canon *theirs)
{
	size_t i = 0, j = 0;
	int r = 0;

	while (r == 0 && (i < ours->things.n || j < theirs->things.n)) {
		const struct fw_thing *a = i < ours->things.n ? &ours->things.items[i] : NULL;
		const struct fw_thing *b = j < theirs->things.n ? &theirs->things.items[j] : NULL;
		int side = compare_next(a, b);
		if (side == 0 && a && b && a->kind == FW_RULE) {
			size_t n = chain_end(ours, i) - i, m = chain_end(theirs, j) - j;
			r = compare_rules(c, a, n, b, m);
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

int fw_verify(struct fw *fw, const struct ruleset *rs, struct arena *arena, struct fw_verified *ret,
	      struct fw_error *error)
{
	struct fw_canon ours = { .arena = arena }, theirs = { .arena = arena };
	struct comparing c = { rs, arena, ret };
	int r = read_model(fw, rs, &ours);

	*ret = (struct fw_verified){ 0 };
	if (r == 0)
		r = read_kernel(fw, arena, &theirs);
	if (r < 0)
		return fw_fail(error, r, "reading the rules in force: %s", strerror(-r));
	fw_canon_sort(&ours);
	fw_canon_sort(&theirs);
	ret->n_objects = ours.things.n;
	r = compare(&c, &ours, &theirs);
	return r < 0 ? fw_fail(error, r, "comparing the rules: %s", strerror(-r)) : 0;
}
