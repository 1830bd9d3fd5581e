/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an apply, a rollback or a reload changes: made by the child that checks it, and handed on to
 * the loop, which answers when the change is in force. */
#include <errno.h>
#include <string.h>

#include "core/base/limits.h"
#include "daemon/answers.h"
#include "daemon/policy.h"
#include "daemon/questions-file.h"
#include "edge/base/clock.h"

/* All of it, or the counts alone where that is too long for the loop. */
static int shorten(const cJSON *plan, cJSON **ret)
{
	cJSON *changes = NULL;
	size_t len = 0;
	int r = report_changes(plan, false, &changes);
	char *text CLEANUP(free_ptr) = r == 0 ? wire_print(changes, &len) : NULL;

	if (!text || len > LIMIT_CHANGES_BYTES / 2) {
		cJSON_Delete(changes);
		changes = NULL;
		r = report_changes(plan, true, &changes);
	}
	*ret = changes;
	return r;
}

int answer_changes(struct daemon *d, const struct policy *policy, struct arena *arena, cJSON **ret)
{
	const struct policy *policies[2] = { d->wanted->policy, policy };
	const struct world *world = d->committed ? d->committed->world : NULL;
	cJSON *plan = NULL, *changes = NULL, *note = NULL;
	struct report_input in[2];
	bool changed = false;

	if (!world) /* nothing to compare with yet: that says nothing against the change */
		return 0;
	int r = report_prepare(policies, 2, world, clock_epoch_s(), arena, in);
	in[0].plain = d->wanted->none;
	if (r == 0)
		r = report_plan(&in[0], &in[1], &plan, &changed);
	if (r == 0)
		r = shorten(plan, &changes);
	cJSON_Delete(plan);
	note = r == 0 ? cJSON_CreateObject() : NULL;
	if (!note || wire_add(note, "changes", changes) < 0) {
		cJSON_Delete(note);
		return r < 0 ? r : -ENOMEM;
	}
	*ret = note;
	return 0;
}

/* A reload that is refused, as it would undo what was applied: @changes, as above, or NULL. */
static int answer_undoes_apply(const struct daemon *d, cJSON *changes, cJSON **ret)
{
	cJSON *answer = wire_new_error(
		WIRE_REFUSED,
		"the policy in force is from %s, and nobody has edited %s since: to read the files "
		"again would undo it, so nothing was changed; with --discard-applied it is undone",
		d->wanted->origin, d->options->policy);
	cJSON *report = answer ? cJSON_CreateObject() : NULL;
	int r = report ? wire_add_string(report, "would_undo", d->wanted->origin) : -ENOMEM;

	if (r == 0)
		r = wire_add_string(report, "policy_path", d->options->policy);
	if (r == 0 && changes)
		r = wire_add(report, "changes",
			     cJSON_DetachItemFromObjectCaseSensitive(changes, "changes"));
	if (r == 0)
		r = wire_add(answer, "report", TAKE_PTR(report));
	cJSON_Delete(report);
	if (r == 0)
		*ret = TAKE_PTR(answer);
	cJSON_Delete(answer);
	return r;
}

static int reload_changes(struct daemon *d, const struct policy_checked *checked,
			  struct arena *arena, cJSON **ret)
{
	if (checked->undoes_apply && d->plan.off) /* they are not taken */
		return 0;
	int r = checked->policy ? answer_changes(d, checked->policy, arena, ret) : 0;
	if (r < 0 || !checked->undoes_apply)
		return r;
	cJSON *changes = TAKE_PTR(*ret);
	r = answer_undoes_apply(d, changes, ret);
	cJSON_Delete(changes);
	return r;
}

int answer_reload_check(struct daemon *d, const struct control_request *request,
			struct arena *arena, cJSON **ret)
{
	bool discard = wire_bool(request->json, "discard_applied", false);
	struct policy_checked checked = { 0 };
	struct diag_list diags;
	cJSON *found = NULL;

	diag_init(&diags, arena);
	int r = policy_files_check(d, discard ? POLICY_FILES_ALL : POLICY_FILES_SPARE_APPLY, &diags,
				   &checked, &found);
	if (r == 0)
		r = reload_changes(d, &checked, arena, ret);
	else if (r == POLICY_E_INVALID && checked.why)
		r = answer_error(
			wire_new_error(WIRE_INVALID, "%s: nothing was changed", checked.why), ret);
	else if (r == POLICY_E_INVALID)
		r = answer_invalid(&diags, ret);
	if (r < 0) {
		cJSON_Delete(found);
		return r;
	}
	return questions_put_aside(found, ret);
}

int answer_reload_found(struct daemon *d, const cJSON *found)
{
	enum policy_outcome unused;

	return policy_files_found(d, found, &unused);
}
