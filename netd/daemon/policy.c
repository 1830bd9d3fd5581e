/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which policy is wanted. The last change wins: files at --policy (policy-files.c) whose names or
 * texts are other ones than they were, or an apply; to read them again is no change. A policy that
 * is not valid never takes effect; the one in force stays, over restarts too (policy-kept.c).
 */
#include <stdarg.h>
#include <stdio.h>

#include "core/base/text.h"
#include "daemon/policy.h"
#include "edge/journal/journal.h"

/* Findings stand with the files' own names, on one line. */
void policy_remember_error(struct daemon *d, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(d->policy_error_text, sizeof(d->policy_error_text), format, args);
	va_end(args);
	text_clean(d->policy_error_text);
	d->policy_error = d->policy_error_text;
}

void policy_log_findings(const struct daemon *d, const struct diag_list *diags)
{
	for (size_t i = 0; i < diags->diags.n && i < POLICY_LOGGED_FINDINGS; i++) {
		const struct diag *diag = &diags->diags.items[i];
		if (diag->severity == DIAG_ERROR)
			log_error(LOG_ID_POLICY_INVALID, "%s:%u:%u: %s", diag->loc.file,
				  diag->loc.line, diag->loc.col, diag->text);
	}
	log_error(LOG_ID_POLICY_INVALID,
		  "the policy has %zu errors and is not applied; %s: "
		  "netdctl validate and netdctl test show them all",
		  diags->n_errors,
		  first_contact_waits(d) ? "nothing is closed, but would be after a start of netd "
					   "with these files"
					 : "the one in force stays");
}

void policy_change(struct daemon *d, struct policy_set *set)
{
	d->wanted = set;
	d->n_refusals = 0;
	if (d->is_refused)
		d->policy_error = NULL;
	d->is_refused = false;
	reconcile_note(d, PLAN_POLICY);
	reconcile_soon(d);
}

void policy_want(struct daemon *d, struct policy_set *set)
{
	struct policy_set *old = d->wanted;

	if (!d->fallback)
		d->fallback = old;
	policy_change(d, set);
	first_contact_follow(d, old);
	policy_forget(d, old);
	if (set->author.by != HISTORY_BY_NOBODY)
		log_info(LOG_ID_POLICY_LOADED, "policy from %s: %zu tiers, %zu rules", set->origin,
			 set->policy->n_tiers, set->policy->n_rules);
}

/* Not at once: others may be refused, too, and what is in force is written anew after that. */
void policy_give_up(struct daemon *d)
{
	struct policy_set *refused = d->wanted;
	struct policy_set *back = d->committed ? d->committed->policy : d->fallback;

	if (!back || back == refused || ++d->n_refusals < PLAN_TRIES)
		return;
	log_error(LOG_ID_POLICY_REFUSED,
		  "the kernel refuses the policy from %s (%s), and it is given up: %s",
		  refused->origin, d->last_error.text,
		  back->none ? "nothing is enforced, as before" : "the one before is wanted again");
	policy_change(d, back);
	policy_remember_error(d, "the kernel refuses the policy from %s: %s", refused->origin,
			      d->last_error.text);
	d->is_refused = true;
	d->n_given_up++;
	policy_forget(d, refused);
	if (back->none)
		first_contact_resume(d);
}

int policy_take(struct daemon *d, const struct policy_source *sources, size_t n,
		const struct policy_origin *origin, struct diag_list *diags)
{
	struct policy_set *set = NULL;
	int r = policy_set_make(d, sources, n, origin, diags, &set);

	if (r != 0)
		return r;
	set->path_digest = d->wanted ? d->wanted->path_digest : 0;
	policy_want(d, set);
	return 0;
}
