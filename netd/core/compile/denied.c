/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a denial ends: logged (rate limited), counted, dropped; and in audit mode let pass, when
 * every tier at the ends of the flow is audited. */
#include "core/compile/emit.h"

const char *emit_denied_name(struct emit *e, enum denied what, const struct group *group)
{
	switch (what) {
	case DENIED_TO:
		return emit_name_of(e, "denied_to", group);
	case DENIED_TO_OUTSIDE:
		return emit_name_of(e, group->audited ? "audited_to" : "denied_to", group);
	case DENIED_FROM:
		return emit_name_of(e, group->audited ? "audited_from" : "denied_from", group);
	case DENIED_HOST:
		break;
	}
	return CHAIN_DENIED_HOST;
}

static void emit_drop_end(struct emit *e, struct rs_chain *chain, const char *counter,
			  const char *what)
{
	emit_logged_end(e, chain, counter, emit_name(e, "netd deny %s ", what), RS_DROP, NULL);
}

static void emit_audit_chain(struct emit *e, const char *name, const char *what)
{
	struct rs_chain *chain =
		emit_chain(e, name, "enforce would deny this; audit mode lets it pass");

	if (!e->err)
		emit_logged_end(e, chain, name, emit_name(e, "netd audit %s ", what), RS_GOTO,
				CHAIN_ACCEPTED);
}

/* From here on the source is a container: passed on only if its tier is audited too. */
static void emit_audited_sources(struct emit *e, struct rs_chain *chain, const char *target)
{
	EMIT(e, chain, RS_GOTO, target, match_in(RS_CT_ORIGINAL_IP_SADDR, SET_AUDITED4));
	EMIT(e, chain, RS_GOTO, target, match_in(RS_CT_ORIGINAL_IP6_SADDR, SET_AUDITED6));
}

static void emit_denied_group(struct emit *e, const struct group *group)
{
	const char *to_name = emit_denied_name(e, DENIED_TO, group);
	const char *from_name = emit_denied_name(e, DENIED_FROM, group);
	const char *to_group = emit_name(e, "to %s", group->name);
	const char *from_group = emit_name(e, "from %s", group->name);
	struct rs_chain *to = emit_chain(e, to_name, NULL);

	if (e->err)
		return;
	if (group->audited) {
		const char *passed = emit_denied_name(e, DENIED_TO_OUTSIDE, group);
		emit_audit_chain(e, passed, to_group);
		emit_audit_chain(e, from_name, from_group);
		emit_audited_sources(e, to, passed);
	}
	emit_drop_end(e, to, to_name, to_group);
	if (group->audited)
		return;
	struct rs_chain *from = emit_chain(e, from_name, NULL);
	if (!e->err)
		emit_drop_end(e, from, from_name, from_group);
}

/* @audited: the chain that takes over what comes from an audited container. */
static void emit_denied_other(struct emit *e, struct rs_chain *chain, const char *audited,
			      const char *what)
{
	if (e->err)
		return;
	if (e->any_audited) {
		emit_audit_chain(e, audited, what);
		emit_audited_sources(e, chain, audited);
	}
	emit_drop_end(e, chain, chain->name, what);
}

void emit_denied_chains(struct emit *e)
{
	for (size_t g = 0; g < e->n_groups && !e->err; g++)
		emit_denied_group(e, &e->groups[g]);
	emit_denied_other(e, emit_chain(e, CHAIN_DENIED_HOST, NULL), "audited_to_host", "to host");
	emit_denied_other(e,
			  emit_chain(e, CHAIN_NOBODY,
				     "an address of a managed network that no policy admits"),
			  "audited_nobody", "nobody");
}
