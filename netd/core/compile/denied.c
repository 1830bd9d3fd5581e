/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a denial ends: logged (rate limited), counted, dropped; and in audit mode let pass, when
 * every tier at the ends of the flow is audited. */
#include "core/compile/emit.h"

const char *emit_denied_name(struct emit *e, enum denied what, const struct group *group)
{
	switch (what) {
	case DENIED_TO:
		return emit_name(e, "denied_to_%s", group->name);
	case DENIED_TO_OUTSIDE:
		return emit_name(e, group->audited ? "audited_to_%s" : "denied_to_%s", group->name);
	case DENIED_FROM:
		return emit_name(e, group->audited ? "audited_from_%s" : "denied_from_%s",
				 group->name);
	case DENIED_HOST:
		break;
	}
	return "denied_to_host";
}

static void emit_drop_end(struct emit *e, struct rs_chain *chain, const char *what,
			  const char *name)
{
	emit_logged_end(e, chain, emit_name(e, "denied_%s_%s", what, name),
			emit_name(e, "netd deny %s %s ", what, name), RS_DROP, NULL);
}

static void emit_audit_chain(struct emit *e, const char *what, const char *name)
{
	const char *chain_name = emit_name(e, "audited_%s_%s", what, name);
	struct rs_chain *chain =
		emit_chain(e, chain_name, "enforce would deny this; audit mode lets it pass");

	if (!e->err)
		emit_logged_end(e, chain, chain_name, emit_name(e, "netd audit %s %s ", what, name),
				RS_GOTO, CHAIN_ACCEPTED);
}

/* From here on the source is a container: passed on only if its tier is audited too. */
static void emit_audited_sources(struct emit *e, struct rs_chain *chain, const char *target)
{
	EMIT(e, chain, RS_GOTO, target, match_in(RS_CT_ORIGINAL_IP_SADDR, SET_AUDITED4));
	EMIT(e, chain, RS_GOTO, target, match_in(RS_CT_ORIGINAL_IP6_SADDR, SET_AUDITED6));
}

static void emit_denied_group(struct emit *e, const struct group *group)
{
	struct rs_chain *to = emit_chain(e, emit_denied_name(e, DENIED_TO, group), NULL);

	if (e->err)
		return;
	if (group->audited) {
		emit_audit_chain(e, "to", group->name);
		emit_audit_chain(e, "from", group->name);
		emit_audited_sources(e, to, emit_denied_name(e, DENIED_TO_OUTSIDE, group));
	}
	emit_drop_end(e, to, "to", group->name);
	if (group->audited)
		return;
	struct rs_chain *from = emit_chain(e, emit_denied_name(e, DENIED_FROM, group), NULL);
	if (!e->err)
		emit_drop_end(e, from, "from", group->name);
}

void emit_denied_chains(struct emit *e)
{
	for (size_t g = 0; g < e->n_groups && !e->err; g++)
		emit_denied_group(e, &e->groups[g]);
	struct rs_chain *host = emit_chain(e, "denied_to_host", NULL);
	if (e->err)
		return;
	if (e->any_audited) {
		emit_audit_chain(e, "to", "host");
		emit_audited_sources(e, host, "audited_to_host");
	}
	emit_drop_end(e, host, "to", "host");
	struct rs_chain *nobody = emit_chain(
		e, CHAIN_NOBODY, "an address of a managed network that no policy admits");
	if (!e->err && e->any_audited) {
		emit_audit_chain(e, "to", "nobody");
		emit_audited_sources(e, nobody, "audited_to_nobody");
	}
	if (!e->err)
		emit_logged_end(e, nobody, "denied_nobody", "netd deny nobody ", RS_DROP, NULL);
}
