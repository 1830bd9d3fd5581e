/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One rule at a time: every part has the right shape, and nft's grammar can say it. */
#include "core/ruleset/seal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/ruleset/order.h"
#include "core/ruleset/protocol.h"

/* Fields, in order, are what the set is keyed by. */
static bool keyed_by(const struct rs_set *set, const enum rs_field *fields, size_t n)
{
	if (!set || set->n_types != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (ruleset_field_info(fields[i])->type != set->types[i])
			return false;
	return true;
}

static bool protocol_ok(struct rs_protocol *known, const enum rs_field *fields, size_t n)
{
	struct rs_implied implied[RS_IMPLIED_MAX];
	size_t n_implied;

	for (size_t i = 0; i < n; i++) {
		enum rs_need need = ruleset_field_info(fields[i])->need;
		if (rs_protocol_need(known, need, implied, &n_implied) < 0)
			return false;
	}
	return true;
}

static bool value_ok(const struct rs_match *match)
{
	size_t len = ruleset_field_info(match->fields[0])->len;

	if (match->n_fields != 1 || match->value.len != len)
		return false;
	if (match->op == RS_BITS && match->mask.len != len)
		return false;
	return match->op != RS_RANGE ||
	       (match->last.len == len && rs_key_compare(&match->value, &match->last) <= 0);
}

/* Numbers in host order cannot be compared by the kernel, which compares bytes. */
static bool range_ok(const struct rs_match *match)
{
	return !ruleset_type_info(ruleset_field_info(match->fields[0])->type)->host_order;
}

/* (field & mask) == value can only hold when value is within the mask. */
static bool bits_ok(const struct rs_match *match)
{
	uint8_t any = 0;

	for (size_t i = 0; i < match->mask.len; i++) {
		any |= match->mask.bytes[i];
		if (match->value.bytes[i] & ~match->mask.bytes[i])
			return false;
	}
	return any != 0;
}

static bool named_ok(const struct seal *seal, const struct rs_match *match)
{
	const struct rs_set *set = rs_set_at(seal->table, match->found);

	return set && !set->map && !set->meter && keyed_by(set, match->fields, match->n_fields);
}

static bool stamp_ok(const struct seal *seal, const struct rs_match *match)
{
	uint32_t mask;

	if (!match->is_stamp)
		return true;
	if (match->op != RS_BITS || match->fields[0] != RS_CT_SECMARK)
		return false;
	memcpy(&mask, match->mask.bytes, sizeof(mask));
	return seal->rs->stamp_mask && (mask & seal->rs->stamp_mask) == seal->rs->stamp_mask;
}

/* nft compares a security mark under a mask only, and takes one of all ones for none. */
static bool nft_compares(const struct rs_match *match)
{
	static const uint8_t all[] = { 0xff, 0xff, 0xff, 0xff };

	for (size_t i = 0; i < match->n_fields; i++)
		if (match->fields[i] == RS_CT_SECMARK &&
		    (match->op != RS_BITS || memcmp(match->mask.bytes, all, sizeof(all)) == 0))
			return false;
	return true;
}

static int check_match(struct seal *seal, const struct rs_match *match)
{
	bool ok = match->n_fields >= 1 && match->n_fields <= RS_KEY_FIELDS;

	if (!ok)
		return seal_fail(seal, "match on %u fields", match->n_fields);
	if (!nft_compares(match))
		return seal_fail(seal, "ct secmark without a mask");
	switch (match->op) {
	case RS_EQ:
	case RS_NE:
		ok = value_ok(match);
		break;
	case RS_RANGE:
		ok = value_ok(match) && range_ok(match);
		break;
	case RS_BITS:
		ok = (match->is_stamp || value_ok(match)) && stamp_ok(seal, match) &&
		     bits_ok(match);
		break;
	case RS_IN:
	case RS_NOT_IN:
		ok = named_ok(seal, match);
		break;
	}
	if (!ok)
		return seal_fail(seal, "match on %s does not fit",
				 ruleset_field_info(match->fields[0])->nft);
	return 0;
}

static int check_verdict(struct seal *seal, const struct rs_rule *rule)
{
	const struct rs_set *map = rs_set_at(seal->table, rule->map);

	if ((rule->verdict == RS_JUMP || rule->verdict == RS_GOTO) &&
	    !seal_is_target(rs_chain_at(seal->table, rule->chain)))
		return seal_fail(seal, "no chain %s", rule->target ? rule->target : "");
	if (rule->verdict == RS_VMAP &&
	    (!map || !map->map || !keyed_by(map, rule->vmap_fields, rule->n_vmap_fields)))
		return seal_fail(seal, "no map %s of these fields",
				 rule->target ? rule->target : "");
	return 0;
}

static int name_against_counter(const void *key, const void *item)
{
	const char *const *counter = item;

	return strcmp(key, *counter);
}

static bool has_counter(const struct rs_table *table, const char *name)
{
	return table->counters.n && bsearch(name, table->counters.items, table->counters.n,
					    sizeof(const char *), name_against_counter);
}

/* nft writes mark & mask | bits, so no bit may be both kept and flipped; and sets no whole security
 * mark. */
static bool mark_ok(const struct ruleset *rs, const struct rs_mark *mark)
{
	if (mark->field != RS_META_MARK && mark->field != RS_CT_SECMARK)
		return false;
	if (mark->is_stamp && (!rs->stamp_mask || (mark->mask & rs->stamp_mask)))
		return false;
	if (mark->field == RS_CT_SECMARK && mark->mask == 0)
		return false;
	return (mark->mask & mark->bits) == 0 && mark->mask != UINT32_MAX;
}

static bool meter_ok(const struct seal *seal, const struct rs_log *log, struct rs_protocol *known)
{
	const struct rs_set *set = ruleset_find_set(seal->table, log->meter);

	return set && set->meter && keyed_by(set, &log->source, 1) &&
	       protocol_ok(known, &log->source, 1);
}

static bool log_ok(const struct seal *seal, const struct rs_rule *rule, struct rs_protocol *known)
{
	if (rule->log->meter && !meter_ok(seal, rule->log, known))
		return false;
	return rule->log->prefix && seal_text_ok(rule->log->prefix) && rule->log->per_second &&
	       rule->log->burst && rule->verdict == RS_CONTINUE;
}

static bool note_ok(const struct seal *seal, const struct rs_note *note, struct rs_protocol *known)
{
	const struct rs_set *set = ruleset_find_set(seal->table, note->set);

	return set && set->forgets_s && keyed_by(set, note->fields, note->n_fields) &&
	       protocol_ok(known, note->fields, note->n_fields);
}

static int check_statements(struct seal *seal, const struct rs_rule *rule, struct rs_protocol known)
{
	if (rule->log && !log_ok(seal, rule, &known))
		return seal_fail(seal, "log without a limit or its meter, with a verdict, or a bad "
				       "prefix");
	if (rule->counter && !has_counter(seal->table, rule->counter))
		return seal_fail(seal, "no counter %s", rule->counter);
	if (rule->mark && !mark_ok(seal->rs, rule->mark))
		return seal_fail(seal, "mark keeps and sets the same bits, or is set whole");
	if (rule->note && !note_ok(seal, rule->note, &known))
		return seal_fail(seal, "nowhere to remember it: %s", rule->note->set);
	if (!seal_text_ok(rule->comment))
		return seal_fail(seal, "comment %s", rule->comment);
	if (rule->verdict == RS_CONTINUE && !rule->log && !rule->counter && !rule->mark &&
	    !rule->note)
		return seal_fail(seal, "rule that does nothing");
	return check_verdict(seal, rule);
}

/* nft joins `ether saddr != A ether type != B` into one comparison, which then says "not both". */
static bool splits_in_nft(const struct rs_match *a, const struct rs_match *b)
{
	const struct rs_field_info *x = ruleset_field_info(a->fields[0]);
	const struct rs_field_info *y = ruleset_field_info(b->fields[0]);

	return a->op == RS_NE && b->op == RS_NE && x->load == RS_LOAD_PAYLOAD &&
	       y->load == RS_LOAD_PAYLOAD && x->key == y->key && x->detail + x->len == y->detail;
}

static bool negations_ok(const struct rs_rule *rule)
{
	for (size_t i = 0; i < rule->n_matches; i++)
		for (size_t j = 0; j < rule->n_matches; j++)
			if (splits_in_nft(&rule->matches[i], &rule->matches[j]))
				return false;
	return true;
}

static int check_rule(struct seal *seal, const struct rs_rule *rule)
{
	struct rs_protocol known = { .family = seal->table->family };

	if (rule->n_matches > RS_MAX_MATCHES || !negations_ok(rule))
		return seal_fail(seal, "too many conditions, or two negated neighbours");
	for (size_t i = 0; i < rule->n_matches; i++) {
		const struct rs_match *match = &rule->matches[i];
		int r = check_match(seal, match);
		if (r < 0)
			return r;
		if (!protocol_ok(&known, match->fields, match->n_fields))
			return seal_fail(seal, "match on %s contradicts the rule so far",
					 ruleset_field_info(match->fields[0])->nft);
		rs_protocol_learn(&known, match);
	}
	if (rule->verdict == RS_VMAP &&
	    !protocol_ok(&known, rule->vmap_fields, rule->n_vmap_fields))
		return seal_fail(seal, "vmap %s contradicts the rule so far", rule->target);
	return check_statements(seal, rule, known);
}

/* "chain forward, rule 3: no counter denied" */
int seal_chain(struct seal *seal, const struct rs_chain *chain)
{
	for (size_t i = 0; i < chain->rules.n; i++) {
		int r = check_rule(seal, &chain->rules.items[i]);
		if (r == -EINVAL)
			r = seal_fail(seal, "chain %s, rule %zu: %s", chain->name, i + 1,
				      seal->why);
		if (r < 0)
			return r;
	}
	return 0;
}
