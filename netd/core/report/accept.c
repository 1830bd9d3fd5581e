/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Findings that a policy accepts: which may be, which are, and which entries accept nothing. */
#include <string.h>

#include "core/base/text.h"
#include "core/compose/compose.h"
#include "core/report/checking.h"

/* ---- what may be accepted ---- */

static const struct diag_info *(*const tables[REPORT_FINDERS])(size_t *ret_n) = {
	[REPORT_BY_POLICY] = policy_diag_table,
	[REPORT_BY_COMPOSE] = compose_diag_table,
	[REPORT_BY_HOST] = report_diag_table,
};

const struct diag_info *report_find_diag(const char *id, enum report_finder *ret)
{
	for (unsigned int t = 0; t < REPORT_FINDERS; t++) {
		size_t n;
		const struct diag_info *table = tables[t](&n);
		*ret = (enum report_finder)t;
		for (size_t i = 0; i < n; i++)
			if (strcmp(table[i].id, id) == 0)
				return &table[i];
	}
	const struct posture_check *check = posture_find_check(id);
	*ret = REPORT_BY_AUDIT;
	return check ? &check->finding : NULL;
}

#define MOST_IDS 256

static const char *suggest_id(struct diag_list *diags, const char *id)
{
	const char *names[MOST_IDS];
	size_t n_names = 0;

	for (unsigned int t = 0; t < REPORT_FINDERS; t++) {
		size_t n;
		const struct diag_info *table = tables[t](&n);
		for (size_t i = 0; i < n && n_names < MOST_IDS; i++)
			if (table[i].severity == DIAG_WARNING)
				names[n_names++] = table[i].id;
	}
	size_t n_checks;
	const struct posture_check *checks = posture_checks(&n_checks);
	for (size_t i = 0; i < n_checks && n_names < MOST_IDS; i++)
		names[n_names++] = checks[i].finding.id;
	const char *hint = diag_suggest(diags, id, names, n_names);
	return hint ? hint : "netd-policy(5) and netdctl(8) list the findings";
}

static void check_id(struct diag_list *diags, const struct policy_accept *accept, const char *id)
{
	const struct checking c = { .diags = diags };
	enum report_finder finder;
	const struct diag_info *known = report_find_diag(id, &finder);
	char word[TEXT_QUOTE_LEN];

	if (!known)
		REPORT(&c, WF_UNKNOWN_FINDING, accept->loc, suggest_id(diags, id),
		       "there is no finding `%s`", text_quote(id, word));
	else if (known->severity == DIAG_ERROR)
		REPORT(&c, WF_UNACCEPTABLE, accept->loc, "mend what it finds",
		       "`%s` is an error: with it no policy takes effect", id);
	else if (known == report_world_finding(WF_STALE_ACCEPT))
		REPORT(&c, WF_UNACCEPTABLE, accept->loc, "remove what accepts nothing",
		       "`%s` cannot be accepted", id);
}

int report_check_accepts(const struct policy *policy, struct diag_list *diags)
{
	size_t errors = diags->n_errors;

	for (size_t i = 0; i < policy->n_accepts; i++)
		for (size_t k = 0; k < policy->accepts[i].n_findings; k++)
			check_id(diags, &policy->accepts[i], policy->accepts[i].findings[k]);
	diag_sort(diags);
	return diags->n_errors == errors ? 0 : POLICY_E_INVALID;
}

/* ---- what is accepted ---- */

/* A glob that is not set matches whatever there is. */
static bool fits(const char *glob, const char *word)
{
	return !glob || (word && text_glob(glob, word));
}

/* By its whole name or the last part of it. */
static bool fits_file(const char *glob, const char *file)
{
	const char *slash = file ? strrchr(file, '/') : NULL;

	return fits(glob, file) || (slash && fits(glob, slash + 1));
}

static bool fits_tier(const char *glob, const struct diag_subject *about)
{
	for (size_t i = 0; i < about->n_tiers; i++)
		if (fits(glob, about->tiers[i]))
			return true;
	return !glob;
}

static bool fits_port(const struct policy_accept *accept, const struct diag_subject *about)
{
	enum ip_proto proto = (enum ip_proto)about->port.proto;

	if (!accept->has_port)
		return true;
	return about->has_port && port_range_contains(&accept->port, proto, about->port.lo) &&
	       port_range_contains(&accept->port, proto, about->port.hi);
}

static bool accepts(const struct policy_accept *accept, const char *id, const struct diag *diag)
{
	const struct diag_subject *about = &diag->about;

	return diag->severity == DIAG_WARNING && strcmp(diag->id, id) == 0 &&
	       fits_file(accept->file, diag->loc.file) && fits_tier(accept->tier, about) &&
	       fits(accept->container, about->container) && fits(accept->service, about->service) &&
	       fits(accept->network, about->network) && fits_port(accept, about);
}

/* Whether there was such a finding. */
static bool accept_all(const struct policy_accept *accept, const char *id, struct diag_list *diags)
{
	bool found = false;

	for (size_t i = 0; i < diags->diags.n; i++) {
		struct diag *diag = &diags->diags.items[i];
		if (!accepts(accept, id, diag))
			continue;
		found = true;
		if (diag->accepted)
			continue;
		diag->accepted = accept->reason;
		diags->n_warnings--;
		diags->n_accepted++;
	}
	return found;
}

/* ---- what accepts nothing ---- */

static bool names_tier(const struct policy *policy, const char *glob)
{
	for (size_t i = 0; i < policy->n_tiers; i++)
		if (fits(glob, policy->tiers[i].name))
			return true;
	return !glob;
}

static bool is_at_place(const struct policy_accept *accept, const struct report_input *in,
			const struct world_endpoint *endpoint)
{
	const struct assignment *as = &in->compiled->assignments[endpoint - in->world->endpoints];
	const char *tier = as->kind == ASSIGN_TIER ? in->policy->tiers[as->tier].name : NULL;

	return fits(accept->tier, tier) &&
	       fits(accept->network, in->world->networks[endpoint->network].name);
}

/* Somebody of a compose project is where the entry says: another project's findings are found
 * where that one is looked at. */
static bool is_here(const struct policy_accept *accept, const struct report_accepting *how)
{
	const struct world *world = how->on_host->world;
	bool anywhere = !accept->tier && !accept->network;

	for (size_t c = 0, e = 0; c < world->n_containers; c++) {
		bool there = anywhere;
		for (; e < world->n_endpoints && world->endpoints[e].container == c; e++)
			there |= is_at_place(accept, how->on_host, &world->endpoints[e]);
		if (there && fits_file(accept->file, how->places[c].file) &&
		    fits(accept->container, world->containers[c].name) &&
		    fits(accept->service,
			 world_label_value(&world->containers[c], COMPILE_LABEL_SERVICE)))
			return true;
	}
	return false;
}

/* Its findings were looked for. */
static bool is_judged(const struct policy_accept *accept, const char *id,
		      const struct policy *policy, const struct report_accepting *how)
{
	enum report_finder finder;

	(void)report_find_diag(id, &finder); /* report_check_accepts() has found it */
	if ((finder == REPORT_BY_AUDIT) != how->audited)
		return false;
	if (finder == REPORT_BY_POLICY || !names_tier(policy, accept->tier))
		return true;
	if (!how->on_host || (finder == REPORT_BY_COMPOSE && !how->places))
		return false;
	return !how->places || is_here(accept, how);
}

void report_accept(const struct policy *policy, const struct report_accepting *how,
		   struct diag_list *diags)
{
	const struct checking c = { .diags = diags };

	for (size_t i = 0; i < policy->n_accepts; i++) {
		const struct policy_accept *accept = &policy->accepts[i];
		if (accept->until && accept->until <= how->now)
			continue;
		for (size_t k = 0; k < accept->n_findings; k++) {
			const char *id = accept->findings[k];
			if (!accept_all(accept, id, diags) && is_judged(accept, id, policy, how))
				REPORT(&c, WF_STALE_ACCEPT, accept->loc,
				       "remove it, or look at the place it names",
				       "this accepts `%s`, and nothing of the kind is found", id);
		}
	}
	diag_sort(diags);
}
