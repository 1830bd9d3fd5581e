/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A small nftables: the semantics of nf_tables_core.c for the part of the language in ruleset.h. */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "core/simulate/simulate.h"

/* The kernel's own limit (NFT_JUMP_STACK_SIZE). */
#define JUMP_DEPTH 16

struct run {
	const struct rs_table *table;
	enum rs_family family;
	enum rs_hook hook;
	struct sim_packet *packet;
	struct arena *arena;
	sim_trace *trace;
};

void sim_packet_set(struct sim_packet *packet, enum rs_field field, const void *value)
{
	packet->fields[field].len = 0;
	packet->present[field] = true;
	rs_key_add(&packet->fields[field], ruleset_field_info(field)->type, value, false);
}

/* The fields as a key, which may be made in @room; NULL: the packet lacks one. */
static const struct rs_key *load_field(const struct sim_packet *packet, const enum rs_field *fields,
				       size_t n, struct rs_key *room)
{
	if (n == 1)
		return packet->present[fields[0]] ? &packet->fields[fields[0]] : NULL;
	*room = (struct rs_key){ 0 };
	for (size_t i = 0; i < n; i++) {
		if (!packet->present[fields[i]])
			return NULL;
		rs_key_add(room, ruleset_field_info(fields[i])->type,
			   packet->fields[fields[i]].bytes, true);
	}
	return room;
}

static bool bits_equal(const struct rs_key *key, const struct rs_match *match)
{
	for (size_t i = 0; i < key->len; i++)
		if ((key->bytes[i] & match->mask.bytes[i]) != match->value.bytes[i])
			return false;
	return true;
}

static bool match_holds(const struct run *run, const struct rs_match *match)
{
	struct rs_key room;
	const struct rs_key *key = load_field(run->packet, match->fields, match->n_fields, &room);

	if (!key)
		return false;
	switch (match->op) {
	case RS_EQ:
		return rs_key_compare(key, &match->value) == 0;
	case RS_NE:
		return rs_key_compare(key, &match->value) != 0;
	case RS_BITS:
		return bits_equal(key, match);
	case RS_RANGE: /* only network-order fields: bytes compare as numbers */
		return memcmp(key->bytes, match->value.bytes, key->len) >= 0 &&
		       memcmp(key->bytes, match->last.bytes, key->len) <= 0;
	case RS_IN:
		return rs_set_find(rs_set_at(run->table, match->found), key) >= 0;
	case RS_NOT_IN:
		return rs_set_find(rs_set_at(run->table, match->found), key) < 0;
	}
	return false;
}

static bool rule_matches(const struct run *run, const struct rs_rule *rule)
{
	for (size_t i = 0; i < rule->n_matches; i++)
		if (!match_holds(run, &rule->matches[i]))
			return false;
	return true;
}

static void set_mark(const struct run *run, const struct rs_mark *mark)
{
	uint32_t value;

	memcpy(&value, run->packet->fields[mark->field].bytes, sizeof(value));
	value = (value & mark->mask) ^ mark->bits;
	sim_packet_set(run->packet, mark->field, &value);
}

/* The rule's verdict; for a map its element's, RS_CONTINUE when there is none. */
static struct rs_outcome rule_outcome(const struct run *run, const struct rs_rule *rule)
{
	const struct rs_outcome none = { .verdict = RS_CONTINUE };
	struct rs_key room;

	if (rule->verdict != RS_VMAP)
		return (struct rs_outcome){ rule->verdict, rule->target, rule->chain };
	const struct rs_key *key =
		load_field(run->packet, rule->vmap_fields, rule->n_vmap_fields, &room);
	const struct rs_set *map = rs_set_at(run->table, rule->map);
	ptrdiff_t at = key ? rs_set_find(map, key) : -1;
	return at < 0 ? none : rs_set_elem(map, (size_t)at).outcome;
}

struct position {
	const struct rs_chain *chain;
	size_t next;
};

static int note_step(struct run *run, const struct rs_chain *chain, const struct rs_rule *rule)
{
	struct sim_step step = { run->family, run->hook, chain, rule };

	return VEC_PUSH(run->arena, run->trace, step);
}

/* That the packet is remembered changes nothing for itself. */
static bool can_note(const struct run *run, const struct rs_note *note)
{
	struct rs_key room;

	return load_field(run->packet, note->fields, note->n_fields, &room) != NULL;
}

/* Applies one rule. The verdict is RS_CONTINUE when the next rule follows. */
static int apply_rule(struct run *run, const struct position *at, const struct rs_rule *rule,
		      struct rs_outcome *ret)
{
	*ret = (struct rs_outcome){ .verdict = RS_CONTINUE };
	if (!rule_matches(run, rule))
		return 0;
	if (rule->log && rule->log->meter && !run->packet->present[rule->log->source])
		return 0;
	if (rule->note && !can_note(run, rule->note))
		return 0;
	if (rule->mark) {
		if (!run->packet->present[rule->mark->field])
			return 0;
		set_mark(run, rule->mark);
	}
	*ret = rule_outcome(run, rule);
	bool silent = ret->verdict == RS_CONTINUE && !rule->log;
	return silent ? 0 : note_step(run, at->chain, rule);
}

static int run_chain(struct run *run, const struct rs_chain *base, bool *accepted)
{
	struct position stack[JUMP_DEPTH], at = { base, 0 };
	size_t depth = 0;

	*accepted = true; /* the policy of our base chains */
	for (;;) {
		struct rs_outcome outcome = { .verdict = RS_RETURN };
		if (at.next < at.chain->rules.n) {
			int r = apply_rule(run, &at, &at.chain->rules.items[at.next++], &outcome);
			if (r < 0)
				return r;
		}
		enum rs_verdict verdict = outcome.verdict;
		if (verdict == RS_ACCEPT || verdict == RS_DROP) {
			*accepted = verdict == RS_ACCEPT;
			return 0;
		}
		if (verdict == RS_RETURN) {
			if (depth == 0)
				return 0;
			at = stack[--depth];
		} else if (verdict == RS_JUMP || verdict == RS_GOTO) {
			if (verdict == RS_JUMP) {
				assert(depth < JUMP_DEPTH); /* ruleset_seal() refuses loops */
				stack[depth++] = at;
			}
			at = (struct position){ rs_chain_at(run->table, outcome.chain), 0 };
		}
	}
}

/* In family bridge a frame passes the inet hooks (br_netfilter, priority 0) between the chains of
 * the forward hook. What stands before takes netd's mark off it, and no packet here begins with
 * one. */
static bool is_before_inet(const struct rs_chain *chain, enum rs_family family)
{
	return family == RS_BRIDGE && chain->base->hook == RS_HOOK_FORWARD &&
	       chain->base->priority < 0;
}

int sim_run_hook(const struct ruleset *rs, enum rs_family family, enum rs_hook hook,
		 struct sim_packet *packet, struct arena *arena, sim_trace *trace, bool *accepted)
{
	const struct rs_table *table = &rs->tables[family];
	struct run run = { table, family, hook, packet, arena, trace };

	*accepted = true;
	for (size_t i = 0; i < table->bases.n && *accepted; i++) {
		const struct rs_chain *chain = table->bases.items[i];
		if (chain->base->hook != hook || is_before_inet(chain, family))
			continue;
		int r = run_chain(&run, chain, accepted);
		if (r < 0)
			return r;
	}
	return 0;
}
