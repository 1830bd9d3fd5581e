/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a denial ends: in a chain of its own, which logs (rate limited), counts and drops. What is
 * audited is logged and counted as well, and passes: with `mode: audit` at the top everything does;
 * with a tier in audit mode, what every tier at the ends of the flow audits.
 *
 * Rules go to an end by its name; which ends a table has follows from which were asked for. */
#include <errno.h>
#include <string.h>

#include "core/compile/emit.h"

/* What these let pass in audit mode belongs to no connection, or to one of others: no stamp. */
static const bool without_stamp[REASON_COUNT] = {
	[REASON_NOISE] = true,	  [REASON_UNKNOWN_BRIDGE] = true,  [REASON_PAST_BRIDGE] = true,
	[REASON_LOOPBACK] = true, [REASON_NOT_FROM_BRIDGE] = true, [REASON_FOREIGN_ERROR] = true,
};

static void note_denial(struct emit *e, const struct ending *ending)
{
	struct compile_denial denial = { e->family,	 ending->counter, ending->reason,
					 ending->passes, ending->from,	  ending->to };

	if (ending->reason == REASON_RULE && e->noted_rules[ending->passes])
		return; /* deny rules share a counter */
	e->noted_rules[ending->passes] |= ending->reason == REASON_RULE;
	if (VEC_PUSH(e->arena, &e->denials, denial) < 0)
		e->err = -ENOMEM;
}

/* Log, count, and let pass or drop. */
static void emit_ending(struct emit *e, struct rs_chain *chain, const struct ending *ending)
{
	const struct logged logged = { ending->passes ? LOGGED_AUDITED : LOGGED_DENIED,
				       ending->reason, ending->place, strlen(ending->place) };
	struct draft logging = { 0 }, last = { .rule = { .counter = ending->counter,
							 .reason = (uint8_t)ending->reason,
							 .audited = ending->passes } };
	bool stamps = e->family == RS_INET && !without_stamp[ending->reason];
	const char *prefix = logged_prefix(&logged, e->arena);

	if (!prefix || ruleset_add_counter(e->rs, e->family, ending->counter) < 0)
		e->err = -ENOMEM;
	if (e->err)
		return;
	note_denial(e, ending);
	if (e->in->log_group && !reason_is_quiet(ending->reason))
		emit_log(e, chain, &logging, prefix);
	if (ending->passes && (stamps || e->allowed))
		emit_verdict(e, chain, &last, RS_GOTO, emit_allowed(e));
	else
		emit_verdict(e, chain, &last, ending->passes ? RS_ACCEPT : RS_DROP, NULL);
}

void emit_end_chain(struct emit *e, const char *name, const struct ending *ending)
{
	struct rs_chain *chain = emit_chain(
		e, name,
		ending->passes ? "enforce would deny this; audit mode lets it pass" : NULL);

	if (!e->err)
		emit_ending(e, chain, ending);
}

static const char *verdict_word(bool passes)
{
	return passes ? "audited" : "denied";
}

/* nft's names have no dash where netd's own do not: no-rule is denied_no_rule. */
static const char *reason_name(struct emit *e, enum reason reason, bool passes)
{
	char word[32] = { 0 };

	memcpy(word, reason_word(reason), strnlen(reason_word(reason), sizeof(word) - 1));
	for (char *c = word; *c; c++)
		*c = *c == '-' ? '_' : *c;
	return reason_is_quiet(reason) ? emit_name(e, "%s", word)
				       : emit_name(e, "%s_%s", verdict_word(passes), word);
}

const char *emit_end(struct emit *e, enum reason reason)
{
	e->wanted_ends[e->asker][e->family][reason][e->audit] = true;
	return reason_name(e, reason, e->audit);
}

/* Router solicitations, and reports of who listens to which group: every container's kernel sends
 * them when it starts, and nobody here waits for them. */
void emit_noise(struct emit *e, struct rs_chain *chain)
{
	static const uint8_t igmp = 2;
	const char *noise = emit_end(e, REASON_NOISE);

	EMIT(e, chain, RS_GOTO, noise, match_number(RS_META_L4PROTO, proto_number(PROTO_ICMPV6)),
	     match_in(RS_ICMPV6_TYPE, SET_NOISE));
	EMIT(e, chain, RS_GOTO, noise, match_number(RS_META_L4PROTO, igmp));
}

const char *emit_audited_end(struct emit *e, enum reason reason)
{
	e->wanted_ends[e->asker][e->family][reason][true] = true;
	return reason_name(e, reason, true);
}

/* ---- ends of a tier, of the host, and of deny rules ---- */

static enum end_scope scope_to(const struct emit *e, const struct group *group)
{
	return e->audit ? END_PASSES : group->audited ? END_ASKS_SOURCE : END_DROPS;
}

static enum end_scope scope_alone(const struct emit *e, const struct group *group)
{
	return e->audit || group->audited ? END_PASSES : END_DROPS;
}

static enum end_scope scope_of_host(const struct emit *e)
{
	return e->audit ? END_PASSES : e->any_audited ? END_ASKS_SOURCE : END_DROPS;
}

enum end_scope emit_denied_scope(const struct emit *e, enum denied what, const struct group *group)
{
	switch (what) {
	case DENIED_TO:
		return scope_to(e, group);
	case DENIED_TO_OUTSIDE:
	case DENIED_FROM:
		return scope_alone(e, group);
	case DENIED_HOST:
		break;
	}
	return scope_of_host(e);
}

const char *emit_denied_name(struct emit *e, enum denied what, const struct group *group)
{
	const char *verdict = verdict_word(emit_denied_scope(e, what, group) == END_PASSES);

	if (what == DENIED_HOST)
		return emit_name(e, "%s_to_host", verdict);
	return emit_name(e, "%s_%s.%s", verdict, what == DENIED_FROM ? "from" : "to", group->name);
}

const char *emit_rule_end(struct emit *e, size_t rule, enum end_scope scope)
{
	static const char *const words[] = { [END_DROPS] = "denied_by",
					     [END_ASKS_SOURCE] = "judged_by",
					     [END_PASSES] = "audited_by" };
	const char *name = compile_rule_name(e->in->policy, rule, e->arena);

	if (!name) {
		e->err = -ENOMEM;
		return "";
	}
	e->rule_ends[rule] |= (uint8_t)(1u << scope);
	if (scope == END_ASKS_SOURCE) /* which goes on to both others */
		e->rule_ends[rule] |= (uint8_t)(1u << END_DROPS | 1u << END_PASSES);
	return emit_name(e, "%s.%s", words[scope], name);
}

/* From here on the source is a container: passed on only if its tier is audited too. */
static void emit_audited_sources(struct emit *e, struct rs_chain *chain, const char *target)
{
	EMIT(e, chain, RS_GOTO, target, match_in(RS_CT_ORIGINAL_IP_SADDR, SET_AUDITED4));
	EMIT(e, chain, RS_GOTO, target, match_in(RS_CT_ORIGINAL_IP6_SADDR, SET_AUDITED6));
	for (size_t g = 0; g < e->n_groups && !e->err; g++)
		if (e->groups[g].audited && e->groups[g].speaks) {
			EMIT(e, chain, RS_GOTO, target,
			     match_in(RS_CT_ORIGINAL_IP_SADDR, e->groups[g].spoken[0]));
			EMIT(e, chain, RS_GOTO, target,
			     match_in(RS_CT_ORIGINAL_IP6_SADDR, e->groups[g].spoken[1]));
		}
}

/* Of a source in no tier: what is let be; of an unknown one what came from a port of an audited
 * tier is marked where it was routed; on one bridge, strange addresses come from ports that are not
 * guarded strictly alone. */
static void emit_loose_sources(struct emit *e, struct rs_chain *chain, const char *target)
{
	static const enum rs_field sources[] = { RS_CT_ORIGINAL_IP_SADDR,
						 RS_CT_ORIGINAL_IP6_SADDR };
	struct rs_match same = match_in2(RS_META_IIFNAME, RS_META_OIFNAME, SET_SAME_BRIDGE);

	EMIT(e, chain, RS_GOTO, target, match_marked(e));
	for (size_t i = 0; i < ARRAY_LEN(sources) && e->ignore; i++)
		EMIT(e, chain, RS_GOTO, target,
		     match_in(sources[i], emit_left_group(e)->members[i]));
	emit_of_no_tier(e, chain, &same, 1, RS_GOTO, target);
}

/* A chain that asks for the source, and the end of what it does not let pass. */
static void emit_asking(struct emit *e, const char *name, const char *passing,
			const struct ending *drop)
{
	struct rs_chain *chain = emit_chain(e, name, NULL);

	if (e->err)
		return;
	emit_audited_sources(e, chain, passing);
	emit_loose_sources(e, chain, passing);
	emit_ending(e, chain, drop);
}

static void emit_to_end(struct emit *e, const struct group *group, enum reason reason)
{
	const char *place = emit_name(e, "to %s", group->name);
	const char *name = emit_denied_name(e, DENIED_TO, group);
	const char *outside = emit_denied_name(e, DENIED_TO_OUTSIDE, group);
	struct ending ending = { reason, place, name, false, .to = group->name };

	if (emit_denied_scope(e, DENIED_TO, group) == END_ASKS_SOURCE)
		emit_asking(e, name, outside, &ending);
	ending.counter = outside;
	ending.passes = scope_alone(e, group) == END_PASSES;
	if (!e->err)
		emit_end_chain(e, outside, &ending);
}

static void emit_group_ends(struct emit *e, const struct group *group)
{
	enum reason reason = group->tier == GROUP_UNMATCHED ? REASON_UNMATCHED : REASON_NO_RULE;
	const char *from = emit_denied_name(e, DENIED_FROM, group);
	const char *place = emit_name(e, "from %s", group->name);

	emit_to_end(e, group, reason);
	if (!e->err)
		emit_end_chain(e, from,
			       &(struct ending){ reason, place, from,
						 scope_alone(e, group) == END_PASSES,
						 .from = group->name });
}

static void emit_host_end(struct emit *e)
{
	static const char place[] = "to host", passing[] = "audited_to_host";
	const char *name = emit_denied_name(e, DENIED_HOST, NULL);
	enum end_scope scope = scope_of_host(e);

	if (scope == END_ASKS_SOURCE) {
		emit_end_chain(
			e, passing,
			&(struct ending){ REASON_NO_RULE, place, passing, true, .to = "host" });
		emit_asking(e, name, passing,
			    &(struct ending){ REASON_NO_RULE, place, name, false, .to = "host" });
		return;
	}
	emit_end_chain(
		e, name,
		&(struct ending){ REASON_NO_RULE, place, name, scope == END_PASSES, .to = "host" });
}

/* The rule has counted the packet already; these counters are of all deny rules together. */
static void emit_ends_of_rule(struct emit *e, size_t rule)
{
	const char *place = emit_rule_place(e, &e->in->policy->rules[rule]);
	unsigned int wanted = e->rule_ends[rule];

	for (int scope = END_DROPS; scope <= END_PASSES && !e->err; scope++) {
		const char *name = emit_rule_end(e, rule, (enum end_scope)scope);
		bool passes = scope == END_PASSES;
		const char *counter = passes ? "audited_by_rule" : "denied_by_rule";
		struct ending ending = { REASON_RULE, place, counter, passes, NULL, NULL };
		if (!(wanted & 1u << scope))
			continue;
		if (scope == END_ASKS_SOURCE)
			emit_asking(e, name, emit_rule_end(e, rule, END_PASSES), &ending);
		else
			emit_end_chain(e, name, &ending);
	}
	e->rule_ends[rule] = (uint8_t)wanted;
}

/* ---- the rest ---- */

/* From addresses that tiers in audit mode speak for, to what is left alone. */
static void emit_audited_speakers(struct emit *e, struct rs_chain *chain, const char *passes)
{
	const struct group *left = emit_left_group(e);

	for (size_t g = 0; g < e->n_groups && !e->err; g++) {
		const struct group *group = &e->groups[g];
		if (!group->audited || !group->speaks)
			continue;
		EMIT(e, chain, RS_GOTO, passes, match_in(RS_CT_ORIGINAL_IP_SADDR, group->spoken[0]),
		     match_in(RS_CT_REPLY_IP_SADDR, left->members[0]));
		EMIT(e, chain, RS_GOTO, passes,
		     match_in(RS_CT_ORIGINAL_IP6_SADDR, group->spoken[1]),
		     match_in(RS_CT_REPLY_IP6_SADDR, left->members[1]));
	}
}

/* With `unmatched: ignore`: what is in no tier, and not closed, is not judged, but towards a tier.
 */
static void emit_let_be(struct emit *e, struct rs_chain *chain)
{
	const struct group *left = emit_left_group(e);
	const char *unmatched = emit_end(e, REASON_UNMATCHED);

	if (emit_has_audited_ports(e)) {
		const char *passes = emit_audited_end(e, REASON_UNMATCHED);
		EMIT(e, chain, RS_GOTO, passes, match_in(RS_CT_ORIGINAL_IP_SADDR, SET_AUDITED4),
		     match_in(RS_CT_REPLY_IP_SADDR, left->members[0]));
		EMIT(e, chain, RS_GOTO, passes, match_in(RS_CT_ORIGINAL_IP6_SADDR, SET_AUDITED6),
		     match_in(RS_CT_REPLY_IP6_SADDR, left->members[1]));
		emit_audited_speakers(e, chain, passes);
	}
	EMIT(e, chain, RS_GOTO, unmatched, match_in(RS_CT_ORIGINAL_IP_SADDR, SET_ANY4),
	     match_in(RS_CT_REPLY_IP_SADDR, left->members[0]));
	EMIT(e, chain, RS_GOTO, unmatched, match_in(RS_CT_ORIGINAL_IP6_SADDR, SET_ANY6),
	     match_in(RS_CT_REPLY_IP6_SADDR, left->members[1]));
	if (e->n_spoken) {
		EMIT(e, chain, RS_GOTO, unmatched, match_in(RS_CT_ORIGINAL_IP_SADDR, SET_SPOKEN4));
		EMIT(e, chain, RS_GOTO, unmatched, match_in(RS_CT_ORIGINAL_IP6_SADDR, SET_SPOKEN6));
	}
	EMIT(e, chain, RS_GOTO, CHAIN_ACCEPTED,
	     match_in(RS_CT_ORIGINAL_IP_SADDR, left->members[0]));
	EMIT(e, chain, RS_GOTO, CHAIN_ACCEPTED,
	     match_in(RS_CT_ORIGINAL_IP6_SADDR, left->members[1]));
	EMIT(e, chain, RS_GOTO, CHAIN_ACCEPTED, match_in(RS_CT_REPLY_IP_SADDR, left->members[0]));
	EMIT(e, chain, RS_GOTO, CHAIN_ACCEPTED, match_in(RS_CT_REPLY_IP6_SADDR, left->members[1]));
	const struct rs_match marked = match_marked(e);
	emit_of_no_tier(e, chain, &marked, 1, RS_GOTO, CHAIN_ACCEPTED);
}

/* From this host, or from outside, to an address of a managed network that nobody has: a port that
 * is not guarded strictly may. Without a stamp, so that each packet is left to the port. */
static void emit_port_decides(struct emit *e, struct rs_chain *chain)
{
	const struct rs_match to_bridge[] = { match_not_in(RS_META_IIFNAME, SET_BRIDGES),
					      match_in(RS_META_OIFNAME, SET_BRIDGES) };

	emit_marked(e, chain, to_bridge, ARRAY_LEN(to_bridge), RS_ACCEPT);
}

/* Of each packet that no chain of a tier takes: what every kernel sends by itself, then what is
 * known to be closed, then an address that nobody has. */
void emit_nobody(struct emit *e)
{
	static const struct ip_prefix groups4 = { { IP_V4, { 224 } }, 4 };
	static const struct ip_prefix groups6 = { { IP_V6, { 0xff } }, 8 };
	static const enum rs_field to4[] = { RS_CT_REPLY_IP_SADDR },
				   from4[] = { RS_CT_ORIGINAL_IP_SADDR },
				   to6[] = { RS_CT_REPLY_IP6_SADDR },
				   from6[] = { RS_CT_ORIGINAL_IP6_SADDR };
	struct rs_chain *chain =
		emit_chain(e, CHAIN_NOBODY, "between ends of which one is in no tier, or nowhere");

	if (e->err)
		return;
	emit_noise(e, chain);
	emit_vmap(e, chain, to4, 1, MAP_CLOSED4);
	emit_vmap(e, chain, to6, 1, MAP_CLOSED6);
	emit_vmap(e, chain, from4, 1, MAP_CLOSED4);
	emit_vmap(e, chain, from6, 1, MAP_CLOSED6);
	if (e->ignore)
		emit_let_be(e, chain);
	if (emit_has_audited_ports(e)) {
		const char *passing = emit_audited_end(e, REASON_UNKNOWN_ADDRESS);
		emit_audited_sources(e, chain, passing);
		emit_loose_sources(e, chain, passing);
	}
	if (emit_has_loose_ports(e))
		emit_port_decides(e, chain);
	EMIT(e, chain, RS_GOTO, emit_end(e, REASON_GROUP), match_prefix(RS_IP_DADDR, &groups4));
	EMIT(e, chain, RS_GOTO, emit_end(e, REASON_GROUP), match_prefix(RS_IP6_DADDR, &groups6));
	EMIT(e, chain, RS_GOTO, emit_end(e, REASON_THROUGH_CONTAINER), emit_on_one_bridge(),
	     match_in(RS_CT_REPLY_IP_SADDR, SET_INTERNET4));
	EMIT(e, chain, RS_GOTO, emit_end(e, REASON_THROUGH_CONTAINER), emit_on_one_bridge(),
	     match_in(RS_CT_REPLY_IP6_SADDR, SET_INTERNET6));
	emit_always(e, chain, RS_GOTO, emit_end(e, REASON_UNKNOWN_ADDRESS));
}

static bool is_wanted(const struct emit *e, int reason, int passes)
{
	bool wanted = false;

	for (int asker = 0; asker < ASKERS; asker++)
		wanted |= e->wanted_ends[asker][e->family][reason][passes];
	return wanted;
}

/* Those that were asked for in this table. */
void emit_other_ends(struct emit *e)
{
	for (int reason = 0; reason < REASON_COUNT && !e->err; reason++)
		for (int passes = 0; passes < 2 && !e->err; passes++) {
			const char *name = reason_name(e, (enum reason)reason, passes);
			if (is_wanted(e, reason, passes))
				emit_end_chain(e, name,
					       &(struct ending){ (enum reason)reason, "", name,
								 passes, NULL, NULL });
		}
}

void emit_rule_ends(struct emit *e)
{
	for (size_t i = 0; i < e->in->policy->n_rules && !e->err; i++)
		if (e->rule_ends[i])
			emit_ends_of_rule(e, i);
}

void emit_other_inet_ends(struct emit *e)
{
	struct rs_run chains = { .first = e->rs->tables[RS_INET].chains.n },
		      denials = { .first = e->denials.n };

	emit_other_ends(e);
	chains.n = e->rs->tables[RS_INET].chains.n - chains.first;
	denials.n = e->denials.n - denials.first;
	e->other_ends = chains;
	e->other_denials = denials;
}

void emit_inet_ends(struct emit *e)
{
	for (size_t g = 0; g < e->n_groups && !e->err; g++)
		if (!e->groups[g].unjudged)
			emit_group_ends(e, &e->groups[g]);
	if (!e->err)
		emit_host_end(e);
	emit_rule_ends(e);
	if (!e->err)
		emit_other_inet_ends(e);
}
