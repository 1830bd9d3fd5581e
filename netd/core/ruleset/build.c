/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Making a ruleset: tables, sets, chains and rules, all copied into its arena. */
#include "core/ruleset/ruleset.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

static size_t padded_len(size_t len, bool several)
{
	return several ? (len + 3) / 4 * 4 : len;
}

struct ruleset *ruleset_new(struct arena *arena)
{
	struct ruleset *rs = arena_alloc(arena, sizeof(*rs));

	if (!rs)
		return NULL;
	rs->arena = arena;
	for (int family = 0; family < RS_FAMILY_COUNT; family++)
		rs->tables[family].family = (enum rs_family)family;
	return rs;
}

struct rs_set *ruleset_add_set(struct ruleset *rs, enum rs_family family, const char *name,
			       const enum rs_type *types, size_t n_types)
{
	struct rs_set *set = arena_alloc(rs->arena, sizeof(*set));

	assert(n_types >= 1 && n_types <= RS_KEY_FIELDS);
	if (!set || VEC_PUSH(rs->arena, &rs->tables[family].sets, set) < 0)
		return NULL;
	set->name = name;
	memcpy(set->types, types, n_types * sizeof(*types));
	set->n_types = (uint8_t)n_types;
	for (size_t i = 0; i < n_types; i++)
		set->key_len = (uint8_t)(set->key_len +
					 padded_len(ruleset_type_info(types[i])->len, n_types > 1));
	return set;
}

struct rs_chain *ruleset_add_chain(struct ruleset *rs, enum rs_family family, const char *name,
				   const struct rs_base *base)
{
	struct rs_chain *chain = arena_alloc(rs->arena, sizeof(*chain));

	if (!chain)
		return NULL;
	chain->name = name;
	if (base) {
		chain->base = arena_dup(rs->arena, base, sizeof(*base));
		if (!chain->base)
			return NULL;
	}
	if (VEC_PUSH(rs->arena, &rs->tables[family].chains, chain) < 0)
		return NULL;
	if (base && VEC_PUSH(rs->arena, &rs->tables[family].bases, chain) < 0)
		return NULL;
	return chain;
}

int ruleset_add_counter(struct ruleset *rs, enum rs_family family, const char *name)
{
	return VEC_PUSH(rs->arena, &rs->tables[family].counters, name);
}

static int copy_matches(struct ruleset *rs, struct rs_rule *rule)
{
	struct rs_match *matches =
		arena_dup(rs->arena, rule->matches, rule->n_matches * sizeof(*matches));

	if (!matches)
		return -ENOMEM;
	rule->matches = matches;
	for (size_t i = 0; i < rule->n_matches; i++) {
		struct rs_stamp_place place = { .match = &matches[i] };
		if (matches[i].is_stamp && VEC_PUSH(rs->arena, &rs->stamped, place) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int copy_mark(struct ruleset *rs, struct rs_rule *rule)
{
	if (!rule->mark)
		return 0;
	rule->mark = arena_dup(rs->arena, rule->mark, sizeof(*rule->mark));
	if (!rule->mark)
		return -ENOMEM;
	if (!rule->mark->is_stamp)
		return 0;
	return VEC_PUSH(rs->arena, &rs->stamped, (struct rs_stamp_place){ .mark = rule->mark });
}

static int copy_note(struct ruleset *rs, struct rs_rule *rule)
{
	if (!rule->note)
		return 0;
	rule->note = arena_dup(rs->arena, rule->note, sizeof(*rule->note));
	return rule->note ? 0 : -ENOMEM;
}

int ruleset_add_rule(struct ruleset *rs, struct rs_chain *chain, const struct rs_rule *rule)
{
	struct rs_rule copy = *rule;
	int r = copy_matches(rs, &copy);

	if (r == 0)
		r = copy_mark(rs, &copy);
	if (r == 0)
		r = copy_note(rs, &copy);
	if (r == 0 && rule->log) {
		copy.log = arena_dup(rs->arena, rule->log, sizeof(*rule->log));
		r = copy.log ? 0 : -ENOMEM;
	}
	return r < 0 ? r : VEC_PUSH(rs->arena, &chain->rules, copy);
}

static uint32_t with_stamp(const struct ruleset *rs, uint32_t value)
{
	return (value & ~rs->stamp_mask) | rs->stamp;
}

void ruleset_set_stamp(struct ruleset *rs, uint32_t stamp)
{
	rs->stamp = stamp & rs->stamp_mask;
	for (size_t i = 0; i < rs->stamped.n; i++) {
		const struct rs_stamp_place *place = &rs->stamped.items[i];
		if (place->mark) {
			place->mark->bits = with_stamp(rs, place->mark->bits);
			continue;
		}
		uint32_t value;
		memcpy(&value, place->match->value.bytes, sizeof(value));
		value = with_stamp(rs, value);
		memcpy(place->match->value.bytes, &value, sizeof(value));
		place->match->value.len = sizeof(value);
	}
}

void rs_key_add(struct rs_key *key, enum rs_type type, const void *bytes, bool several)
{
	size_t len = ruleset_type_info(type)->len;
	size_t padded = padded_len(len, several);

	assert(key->len + padded <= sizeof(key->bytes));
	memcpy(key->bytes + key->len, bytes, len);
	if (padded > len)
		memset(key->bytes + key->len + len, 0, padded - len);
	key->len = (uint8_t)(key->len + padded);
}
