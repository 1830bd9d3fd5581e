/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Conditions and rules that several chains share, and what a policy has at all. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/base/text.h"
#include "core/compile/emit.h"

struct rs_match emit_on_one_bridge(void)
{
	return match_in2(RS_META_IIFNAME, RS_META_OIFNAME, SET_SAME_BRIDGE);
}

bool emit_has_audited_ports(const struct emit *e)
{
	return e->any_audited && !e->audit;
}

bool emit_has_loose_ports(const struct emit *e)
{
	return e->ignore || emit_has_audited_ports(e);
}

struct rs_match match_marked(const struct emit *e)
{
	return match_bits(RS_META_MARK, e->in->mark_bit, e->in->mark_bit);
}

void emit_marked(struct emit *e, struct rs_chain *chain, const struct rs_match *matches, size_t n,
		 enum rs_verdict verdict)
{
	struct rs_mark mark = { RS_META_MARK, ~e->in->mark_bit, e->in->mark_bit, false };
	struct draft draft = { .rule = { .mark = arena_dup(e->arena, &mark, sizeof(mark)) } };

	if (!draft.rule.mark) {
		e->err = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < n; i++)
		draft_add(&draft, matches[i]);
	emit_verdict(e, chain, &draft, verdict, NULL);
}

bool emit_rule_active(const struct emit *e, const struct policy_rule *rule)
{
	return rule->until == 0 || e->in->now < rule->until;
}

/* A file may have any name; nft reads no quotes and backslashes back, and in a prefix of a log it
 * takes what follows a dollar sign for a variable. */
const char *emit_rule_place(struct emit *e, const struct policy_rule *rule)
{
	char file[97];

	(void)snprintf(file, sizeof(file), "%s", emit_file_of(rule->loc.file));
	for (char *c = file; *c; c++)
		if (strchr("\"\\$", *c))
			*c = '?';
	text_clean(file);
	return emit_name(e, "%s:%u", file, rule->loc.line);
}

enum reason compile_closed_reason(const struct assignment *assignment)
{
	switch (assignment->kind) {
	case ASSIGN_TIER:
		break;
	case ASSIGN_UNMATCHED:
		return REASON_UNMATCHED;
	case ASSIGN_CONFLICT:
		return REASON_CONFLICT;
	case ASSIGN_UNKNOWN:
		return REASON_NOT_KNOWN;
	case ASSIGN_CLASH:
		return REASON_ADDRESS_CLASH;
	case ASSIGN_QUARANTINED:
		return REASON_QUARANTINED;
	case ASSIGN_UNMANAGED:
		break;
	}
	return REASON_NOT_ADMITTED;
}

bool rule_touches_tier(const struct policy_peer *peers, size_t n, int tier)
{
	for (size_t i = 0; i < n; i++)
		if ((peers[i].kind == PEER_TIER || peers[i].spoken) && (int)peers[i].tier == tier)
			return true;
	return false;
}
